//! Where the bytes of a write go, whatever it was asked as.

use super::Machine;
use crate::action::{IoKind, Outcome};
use crate::event::Request;
use crate::id::{FileId, OpId};

/// Where the bytes of a write go.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub offset: u64,
    pub len: u64,
}

impl Extent {
    pub(super) const fn end(self) -> u64 {
        self.offset + self.len
    }

    /// The action that writes it, alone.
    pub(super) const fn write(self, file: FileId, op: OpId) -> IoKind {
        let Extent { offset, len } = self;
        IoKind::Write {
            file,
            op,
            offset,
            len,
            parts: 1,
        }
    }

    /// The answer when all of it is executed.
    pub(super) const fn written(self) -> Outcome {
        let Extent { offset, len } = self;
        Outcome::Written { offset, bytes: len }
    }
}

impl Machine {
    /// Where the bytes of an operation go: an append's where it took its place. What writes none has
    /// an empty one.
    pub(super) fn extent(&self, op: OpId) -> Extent {
        let entry = &self.ops[op];
        match entry.request {
            Request::Write { offset, len, .. } => Extent { offset, len },
            Request::Append { len, .. } => Extent {
                offset: entry.place,
                len,
            },
            _ => Extent { offset: 0, len: 0 },
        }
    }
}
