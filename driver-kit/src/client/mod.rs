//! The executor-neutral side of a driver: stagers, files and batches, as futures that any executor
//! can poll.
//!
//! What differs between runtimes is how a worker is started and how an alarm is set; both are given
//! to [`Client::new`]. What differs between their users is whose traits a reader has. So a driver's
//! `Stager` and `File` are the ones here, with what only that driver can say: how a stager is made,
//! and what `reader` gives. They dereference to these, and everything else is written once:
//!
//! ```text
//!   driver: Builder ─► Stager ─► options ─► File ─► reader, close
//!                        │          │         │
//!   here:              Stager   OpenOptions  File ─► read_at, stage, unstage …
//!                        ├── stage ─► BatchBuilder ─► Batch ─► Updates
//!                        ├── watch ─► WatchBuilder ─► Watch
//!                        ├── log ───► LogBuilder ─► Log, LogReader
//!                        └── follow ► FollowBuilder ► Followed ─► File
//! ```
//!
//! # Cancel safety
//!
//! Dropping any of these futures cancels what it waited for (R10) and leaves no operation, buffer
//! or waker behind. Where more is to be said, the method says it.

mod background;
mod batch;
mod file;
#[cfg(not(any(staging_loom, staging_shuttle)))]
mod follow;
mod lock;
mod log;
mod options;
mod replace;
mod stager;
mod update;
mod wait;
#[cfg(not(any(staging_loom, staging_shuttle)))]
mod watch;

pub use background::Background;
pub use batch::{Batch, BatchBuilder, Updates};
pub use file::File;
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub use follow::{FollowBuilder, Followed};
pub use lock::LockBuilder;
pub use log::{Log, LogBuilder, LogReader, Recovered, Snapshot, Verified};
pub use options::OpenOptions;
pub use replace::ReplaceBuilder;
pub use stager::Stager;
pub use update::UpdateBuilder;
pub use wait::{Alarm, Client, SetAlarm};
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub use watch::{Watch, WatchBuilder};
