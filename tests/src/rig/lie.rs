//! Faults planted in the driver: a step that says it was done. The rig must see them.

use driver_blocking::{ActionKind, Stager};
use driver_kit::core::{Completion, IoKind, ReplaceStep};
use driver_kit::handlers::Handler;
use std::sync::Arc;

/// What is left out, and said to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Nothing.
    None,
    /// The sync of a temporary file before it gets its name.
    FileSync,
    /// The sync of a directory.
    DirectorySync,
    /// The sync of a file that was written to.
    Sync,
}

impl Lie {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Lie::None => "honest",
            Lie::FileSync => "no file sync",
            Lie::DirectorySync => "no directory sync",
            Lie::Sync => "no sync",
        }
    }

    fn is_about(self, kind: IoKind) -> bool {
        match (self, kind) {
            (Lie::FileSync, IoKind::Replace { step, .. }) => {
                matches!(step, ReplaceStep::SyncFile { .. })
            }
            (Lie::DirectorySync, IoKind::Replace { step, .. }) => {
                step == ReplaceStep::SyncDirectory
            }
            (Lie::Sync, IoKind::Sync { .. }) => true,
            _ => false,
        }
    }

    /// From now on it is told by this stager.
    pub fn install(self, stager: &Stager) {
        let handler: Handler = Arc::new(move |job, next| match self.is_about(job.kind()) {
            true => job.answer(Completion::Synced),
            false => next(job),
        });
        for kind in [ActionKind::Replace, ActionKind::Sync] {
            stager.handlers().set(kind, Arc::clone(&handler));
        }
    }
}
