//! Random histories on a simulated disk, beside a model of what files may hold.
//!
//! [`run`] lives many seeds through: opens, reads, writes, syncs, replaces, cancels, deadlines and shutdowns,
//! under faults, with strangers at work and with power losses in between, and looks at every answer
//! and at the disk. What a seed did wrong is an error with one command that does it again.

mod answers;
mod history;
mod keeping;
mod model;
mod pacing;
mod profile;
mod replacing;
mod seeds;
mod world;

pub use seeds::{Tally, live, live_by, run, transcript};
