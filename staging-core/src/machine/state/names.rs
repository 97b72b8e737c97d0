//! What only replaces have: the paths they are at work on, and the directories whose names are to become
//! durable.

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
