//! What every driver is made of.
//!
//! ```text
//!   a driver's File, Stager ── how to wait, how to start a worker
//!        │
//!   handle, batch ──────────── an open file; many files at once
//!        │
//!   hub ────────────────────── one lock around the machine and the payloads
//!        │ jobs
//!   handlers, perform ──────── the one mapping of actions to system calls
//!        │
//!   contents ───────────────── the staged bytes: arena, mappings, the published pointer
//! ```
//!
//! A driver is thin. It makes a [`hub::Hub`], says how one more worker is started (a thread, a
//! blocking task) that will call [`hub::Hub::work`], and turns a [`hub::Ticket`] into its world's
//! way of waiting: the ticket is a future, and cancels its operation when it is dropped. Everything
//! else is here, and the same for all of them.
//!
//! What a file of this crate may do:
//!
//! - Under the hub's lock: tell and ask the machine, put and take payloads. Nothing else.
//! - Outside: system calls, delivering answers, waking, dropping, and whatever callers gave us to
//!   run (observers, handlers, lists of paths).
//! - `unsafe` stands in [`contents`] alone.
//!
//! [`sync`] is where locks and atomics come from, so that loom can take their place.

pub mod batch;
pub mod client;
mod clock;
pub mod contents;
pub mod cursor;
pub mod error;
pub mod figures;
pub mod gauge;
mod handle;
pub mod handlers;
pub mod hub;
pub mod job;
pub mod journal;
pub mod log;
pub mod observe;
pub mod options;
pub mod pace;
pub mod path;
pub mod perform;
mod report;
mod residency;
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub mod signals;
pub mod sweep;
pub mod sync;
mod thread_waker;
pub mod update;
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub mod watch;
pub mod write_cursor;

pub use clock::Deadline;
pub use handle::Handle;
pub use report::{ShutdownReport, Unfinished};
pub use residency::{Residency, residency};
pub use staging_core as core;
pub use thread_waker::thread_waker;
