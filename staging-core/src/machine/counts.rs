//! Counts of writes: by class, and by file; and of which class an operation is.

use super::Machine;
use super::state::WritingId;
use crate::action::Outcome;
use crate::class::Class;
use crate::id::{HandleId, OpId};
use crate::stats::WriteCounts;

impl Machine {
    /// What became of the writes that were accepted in a class, whatever they were lent since.
    pub fn writes_of(&self, class: Class) -> &WriteCounts {
        &self.write_counts[class as usize]
    }

    /// What became of the writes to a file since it was opened for writing; `None` where it is not.
    pub fn writes_to(&self, handle: HandleId) -> Option<&WriteCounts> {
        let writing = self.writing_of(handle)?;
        Some(&self.writings[writing].counts)
    }

    /// The class that an operation was accepted in, whatever it was lent since; `None` for one that is no
    /// longer known.
    pub fn class_of_op(&self, op: OpId) -> Option<Class> {
        self.ops.get(op).map(|op| op.own_class)
    }

    pub(super) fn count_write_entered(&mut self, class: Class, writing: Option<WritingId>) {
        self.write_counts[class as usize].enter();
        if let Some(writing) = writing {
            self.writings[writing].counts.enter();
        }
    }

    pub(super) fn count_write_left(
        &mut self,
        class: Class,
        writing: Option<WritingId>,
        outcome: Outcome,
    ) {
        self.write_counts[class as usize].leave(outcome);
        if let Some(writing) = writing {
            self.writings[writing].counts.leave(outcome);
        }
    }
}
