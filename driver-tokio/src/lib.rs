//! Staged files on tokio.
//!
//! ```no_run
//! use driver_tokio::Stager;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::io::Result<()> {
//!     let stager = Stager::new()?;
//!     let model = stager.open("model.bin").await?; // in memory when this returns
//!     let header = model.read_at(0, 4096).await?; // no system call, no wait
//!     println!("{} of {} bytes", header.len(), model.len());
//!     Ok(())
//! }
//! ```
//!
//! Work that may block runs on the runtime's blocking threads while there is some; an idle stager
//! holds no thread. Bytes that are in memory, staged or cached, are read at once by the task that
//! wants them.
//!
//! # Cancel safety
//!
//! Dropping a future of this crate cancels what it waited for, at once. It leaves no operation,
//! buffer or waker behind, and loses nothing: an open that was just answered is closed again.
//! Readers keep their position. What was begun to be written goes on to its end.
//!
//! # Runtimes
//!
//! A stager belongs to the runtime on which it was made, and works from any other. When that
//! runtime is shut down, whatever is pending is answered with *driver lost*. Deadlines need the
//! runtime's timer, as `tokio::time` does.

mod file;
mod reader;
mod runtime;
mod stager;
mod writer;

pub use driver_kit::batch::{Item, Progress, Staged};
#[doc(inline)]
pub use driver_kit::client::{
    Background, Batch, BatchBuilder, LockBuilder, Log, LogBuilder, LogReader, Recovered,
    ReplaceBuilder, Snapshot, UpdateBuilder, Updates, Verified, Watch, WatchBuilder,
};
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
pub use reader::Reader;
pub use stager::{Builder, Stager};
pub use writer::Writer;

/// How a file is opened. See [`Stager::options`].
pub type OpenOptions = driver_kit::client::OpenOptions<File>;

/// A file that is followed. See [`Stager::follow`].
pub type Followed = driver_kit::client::Followed<File>;

/// How a file is followed. See [`Stager::follow`].
pub type FollowBuilder = driver_kit::client::FollowBuilder<File>;
