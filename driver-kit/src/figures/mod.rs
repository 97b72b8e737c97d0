//! Figures: how much was done, how long it took, and how the stager stands.
//!
//! Three things can be asked, by what they cost:
//!
//! - [`Figures`]: counts, rates and health, which belong together as of one moment. They are copied
//!   under the hub's lock, about 700 bytes, and nothing more is done there.
//! - [`Timings`]: how long operations waited and were served, as histograms. They have locks of their
//!   own, and whoever reads holds one for as long as it takes to exchange two pointers. Those of one file
//!   are kept where its open asks for that, and are coarser.
//! - [`FileBacklog`]: which files have work, and how much. Nothing is kept for it: whoever asks walks over
//!   the operations that there are, under the hub's lock.
//!
//! An operation **waits** from its acceptance until the first action for it is handed out, and is
//! **served** from there to its answer. Where nothing is handed out for it, because it is answered from
//! memory, is given up in the queue, or shares what is already under way for another (G9), it waits until
//! its answer, and is not served. One that is answered when it is accepted ([R8]) is measured to that
//! answer. The times are those of the turns: of several small jobs that a worker takes together, each
//! ends with the last.
//!
//! The clock is read once a turn, for the machine; nothing here reads it. What is read from staged
//! contents (G4) comes by neither hub nor machine, and so is in no figure.
//!
//! [R8]: staging_core::Outcome::Accepted

mod backlog;
mod course;
mod health;
mod kind;
#[cfg(not(any(staging_loom, staging_shuttle)))]
mod measured;
mod meter;
mod of_file;
mod rates;
#[cfg(not(any(staging_loom, staging_shuttle)))]
mod times;
#[cfg(not(any(staging_loom, staging_shuttle)))]
mod timings;

pub use backlog::FileBacklog;
pub use course::Course;
pub(crate) use course::{Sample, Samples};
pub use health::{Condition, Health, Queue, Workers};
pub use kind::RequestKind;
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub(crate) use measured::Measured;
pub use meter::Meter;
pub(crate) use meter::Moment;
pub use of_file::TimesOfFile;
pub(crate) use rates::Paces;
pub use rates::{Figures, Rate};
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub use times::Times;
#[cfg(not(any(staging_loom, staging_shuttle)))]
pub use timings::{Timing, Timings};
