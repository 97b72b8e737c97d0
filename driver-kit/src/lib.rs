//! What every driver is made of.

pub mod batch;
mod clock;
pub mod contents;
pub mod error;
mod handle;
pub mod handlers;
pub mod hub;
pub mod job;
pub mod observe;
pub mod path;
pub mod perform;
mod report;
#[cfg(not(staging_loom))]
pub mod signals;
pub mod sync;

pub use clock::Deadline;
pub use handle::Handle;
pub use report::{ShutdownReport, Unfinished};
pub use staging_core as core;
