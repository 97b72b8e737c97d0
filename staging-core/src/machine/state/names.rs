//! What only replaces have: the paths they are at work on, the file systems whose files are to become durable,
//! and the directories whose names are.

use crate::completion::Key;
use crate::id::{Id, IoId, OpId};
use crate::slab::List;

/// Marks a [`TargetId`].
#[derive(Clone)]
pub(in crate::machine) enum TargetKind {}
pub(in crate::machine) type TargetId = Id<TargetKind>;

/// What replaces of one path go by: one is at work, others stand in line.
#[derive(Clone)]
pub(in crate::machine) struct Target {
    pub key: Key,
    pub current: OpId,
    pub waiting: List,
    /// Where the temporary file of the current one is.
    pub volume: Option<u64>,
}

/// Marks a [`DirectoryId`].
#[derive(Clone)]
pub(in crate::machine) enum DirectoryKind {}
pub(in crate::machine) type DirectoryId = Id<DirectoryKind>;

/// A directory in which names are to become durable.
#[derive(Clone)]
pub(in crate::machine) struct Directory {
    pub key: Key,
    /// The system sync under way.
    pub sync: Option<IoId>,
    /// Replaces that it answers.
    pub covered: List,
    /// Replaces that need another one.
    pub uncovered: List,
}

/// Marks a [`VolumeId`].
#[derive(Clone)]
pub(in crate::machine) enum VolumeKind {}
pub(in crate::machine) type VolumeId = Id<VolumeKind>;

/// A file system on which temporary files are to become durable together.
#[derive(Clone)]
pub(in crate::machine) struct Volume {
    pub key: Key,
    /// The sync under way, which has those it covers.
    pub sync: Option<IoId>,
    /// Replaces that need another one.
    pub uncovered: List,
}
