//! Staged files on blocking std.
//!
//! ```no_run
//! use driver_blocking::Stager;
//!
//! fn main() -> std::io::Result<()> {
//!     let stager = Stager::new();
//!     let model = stager.open("model.bin")?; // in memory when this returns
//!     let mut header = [0; 4096];
//!     let read = model.read_at(&mut header, 0)?; // no system call, no wait
//!     println!("{read} of {} bytes", model.len());
//!     Ok(())
//! }
//! ```
//!
//! There is no runtime and, unless you ask for a [pool](Builder::pool), no thread: whoever waits
//! carries out what has to be done. With a pool, batches go on by themselves and deadlines are kept
//! also while the disk blocks.
//!
//! Errors are [`std::io::Error`] with the operation and the absolute path in the message;
//! [`errno`] finds the system's error number, [`failure`] the whole reason.

mod background;
mod batch;
mod file;
mod follow;
mod lock;
mod log;
mod options;
mod reader;
mod replace;
mod stager;
mod update;
mod wait;
mod watch;
mod writer;

pub use background::Background;
pub use batch::{Batch, BatchBuilder};
pub use driver_kit::batch::{Item, Progress, Staged};
pub use driver_kit::contents::{Clones, Contents, Paging, Truncated, lockable};
pub use driver_kit::core::{
    Backlog, Class, Durability, Fault, Grace, How, Life, Limits, Load, Mode, OverBudget, PhaseName,
    Plan, Pressure, Scope, Staging, Standing, Stats, Turns, Weights, Why, WriteCounts,
};
pub use driver_kit::error::{Cause, Failure, Holder, Operation, errno, failure};
pub use driver_kit::figures::{
    Condition, Figures, FileBacklog, Health, Rate, RequestKind, Times, Timing, Timings,
};
pub use driver_kit::handlers::{ActionKind, Handler, Handlers};
pub use driver_kit::hub::Lock;
pub use driver_kit::journal::{Recording, Stop};
pub use driver_kit::log::{LogFailure, Record, Unsound, log_failure};
pub use driver_kit::observe::Notice;
pub use driver_kit::watch::{Change, ChangeKind, News, Outcome, Policy};
pub use driver_kit::{Deadline, ShutdownReport, Unfinished};
pub use file::File;
pub use follow::{FollowBuilder, Followed};
pub use lock::LockBuilder;
pub use log::{Log, LogBuilder, LogReader, Recovered, Snapshot, Verified};
pub use options::OpenOptions;
pub use reader::Reader;
pub use replace::ReplaceBuilder;
pub use stager::{Builder, Stager};
pub use update::UpdateBuilder;
pub use watch::{Watch, WatchBuilder};
pub use writer::Writer;
