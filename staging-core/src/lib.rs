//! The staging state machine: events in, actions out.
//!
//! ```text
//!   events ──► Machine ──► actions        decides everything; no I/O, no clock, no threads,
//!                ▲  │                     no bytes, no paths
//!                │  ▼
//!              a driver                   carries actions out, says how they ended
//! ```
//!
//! A caller asks for something with [`Event::Submitted`]; the [`Machine`] accepts or refuses at
//! once, and later tells exactly one [`Outcome`]. On the way it asks the driver for I/O, one
//! [`IoKind`] at a time, and learns the end of each from [`Event::Completed`]. That is all there
//! is to it, and it is the same loop in every driver:
//!
//! 1. Say what happened: [`Machine::handle`], with the time.
//! 2. Do what the [`Reply`] says: keep what was adopted, drop what is surplus.
//! 3. Drain [`Machine::poll_action`]: tell what is told, carry out what is to be done.
//! 4. Wait for a completion, a request, or [`Machine::poll_timeout`]. Go to 1.
//!
//! The machine is plain data over plain data. Every [`Event`], [`Reply`] and [`Action`] is `Copy`
//! and no larger than 64 bytes; the machine itself can be cloned, compared and hashed by its
//! [canonical](Machine::canonical) state. So a run can be recorded and replayed, a small world can
//! be explored completely, and an embedder in another language needs no more than integers.
//!
//! # What it decides
//!
//! - A file is staged in one flight, however many ask ([`staging`](Staging), G1–G3, G9), within a
//!   budget ([`Limits::budget`], G10), again from the start if it changed meanwhile (G5).
//! - Reads wait while their file is being staged, and go to memory or to the file otherwise (G2).
//! - Descriptors are few ([`Limits::descriptors`]) and shared out.
//! - What is accepted has bounds ([`Limits`], R12), which can be changed while the machine runs
//!   ([`Event::Limited`]), and be others for one file ([`FileLimits`]).
//! - Deadlines and cancels answer the caller, not the kernel (R10).
//! - A shutdown runs through [`Draining`](PhaseName::Draining) and
//!   [`Closing`](PhaseName::Closing) to [`Closed`](PhaseName::Closed), and names what it had to
//!   abandon (S1–S5).
//!
//! # What it is told, and believes
//!
//! That the [`Key`] of a file is its identity, that the [`Stamp`] changes with the contents, and
//! that time is what the driver says. It does not believe a completion it did not ask for.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod id;
mod time;

mod completion;
mod event;
mod lock;
mod reply;

mod action;
mod fault;

mod phase;
mod staging;

mod backlog;
mod class;
mod limit;
mod limits;
mod pressure;
mod stats;
mod wake;

mod intervals;
mod keys;
mod slab;
mod timers;

mod machine;

mod journal;

pub use action::{Action, Bound, Done, IoKind, LockStep, Outcome, ReplaceStep, Tell};
pub use backlog::{Backlog, Load, Subject};
pub use class::{Class, Turns, Weights};
pub use completion::{Completion, Key, Stamp};
pub use event::{
    Access, Durability, Event, Existing, FailedSync, Grace, Missing, Mode, OverBudget, Plan,
    Request, Tag, Tuning,
};
pub use fault::{Fault, NodeKind};
pub use id::{FileId, HandleId, Id, IoId, LockId, OpId, kind};
pub use journal::{Divergence, Entry, Instead, replay};
pub use limit::{BadLimit, FileLimits, Limit};
pub use limits::{Limits, PAGE, charge_loaded, charge_mapped};
pub use lock::{Patience, Scope, Sharing, Span};
pub use machine::{Askers, Canonical, Machine, Report, Run};
pub use phase::{Cause, EDGES, PhaseName};
pub use pressure::Pressure;
pub use reply::{Ignored, Reject, Reply};
pub use staging::{How, Life, Staging, Standing, Why};
pub use stats::{Stats, WriteCounts};
pub use time::Tick;
pub use wake::{Wake, WakeReason};

/// The alphabet fits a cache line; a change that breaks this breaks the build.
const _: () = {
    assert!(size_of::<Event>() <= 64);
    assert!(size_of::<Reply>() <= 64);
    assert!(size_of::<Action>() <= 64);
    assert!(size_of::<Outcome>() <= 64);
};
