//! What those who follow a file ask, and what they are told.

use super::ChangeKind;
use crate::error::Failure;
use staging_core::{Plan, Standing};
use std::path::PathBuf;
use std::time::Duration;

/// What happens to a file that is followed when it changes on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Policy {
    /// The new version is opened and staged, and then takes the place of the old one.
    #[default]
    Restage,
    /// The old version stays, and is said to be stale.
    MarkStale,
    /// The change is told.
    Tell,
}

/// How a file is to be followed.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Which.
    pub path: PathBuf,
    /// What happens when it changes.
    pub policy: Policy,
    /// How each version is staged.
    pub plan: Plan,
    /// How long the path must be quiet first.
    pub debounce: Duration,
}

/// What changed, and what came of it.
#[derive(Clone, Debug)]
pub struct News {
    /// What happened on the disk.
    pub change: ChangeKind,
    /// What was done.
    pub outcome: Outcome,
}

/// What came of a change.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The new version is the current one.
    Restaged {
        /// Its length in bytes.
        len: u64,
        /// How it is held, or why it is not.
        standing: Standing,
    },
    /// The current version is an old one. Where restaging was asked for, the file is gone, and is
    /// staged again when there is one.
    Stale,
    /// Nothing: telling was all that was asked.
    Told,
    /// The new version could not be staged. The old one stays current, and is stale. The next change
    /// is another attempt.
    Failed(Failure),
}
