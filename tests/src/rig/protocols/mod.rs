//! What is done on a file system before the power goes, and what must be found there afterwards: a file for
//! each protocol.

mod content;
mod crowd;
mod logged;
mod logging;
mod replaces;
mod replacing;
mod writing;

pub use content::{content, number_of};
pub use crowd::Crowd;
pub use logging::Logging;
pub use replacing::{Replacing, Rewriting};
pub use writing::Writing;

use super::disk::LoggedDisk;
use super::log::Position;
use driver_blocking::Stager;
use std::error::Error;
use std::path::Path;

/// Something that is done, with promises that are given while it is done.
pub trait Protocol {
    /// What was asked, and what was promised when.
    type History;

    /// A word for it.
    const NAME: &'static str;

    /// What is there before. It is made durable by whoever calls.
    ///
    /// # Errors
    /// What the system said.
    fn prepare(at: &Path) -> Result<(), Box<dyn Error>>;

    /// Does it, as the seed has it.
    ///
    /// # Errors
    /// Something failed, which nothing should.
    fn live(disk: &LoggedDisk, stager: &Stager, seed: u64)
    -> Result<Self::History, Box<dyn Error>>;

    /// Where the promises were given.
    fn told(history: &Self::History) -> Vec<Position>;

    /// Holds what is found against what was promised by then.
    ///
    /// # Errors
    /// What was promised and is not so.
    fn check(history: &Self::History, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>>;
}

/// How much of what is found is from before, and how much is newer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Files, or sectors, that are as they were before; records that are not there.
    pub old: u64,
    /// Those that are not.
    pub new: u64,
}
