//! After a failed sync (R8): what was accepted before it and was not durable is lost, because the system
//! takes it for written. A handle that refuses writes and syncs no more; one that keeps dirty is told
//! once, and from then on is as if it had been opened anew.
//!
//! What no sync vouches for is told by two marks, so that nothing has to be walked over: a handle has
//! the count of failures that it knows of, and an operation the count that it was accepted at.

use super::Machine;
use super::state::{Op, Writes, WritingId};
use crate::fault::Fault;
use crate::id::{HandleId, OpId};

impl Machine {
    /// Whether a handle goes on after a failed sync.
    pub(super) fn keeps_dirty(&self, handle: HandleId) -> bool {
        let writes = self.handles[handle].writes();
        matches!(
            writes,
            Writes::Since {
                keeps_dirty: true,
                ..
            }
        )
    }

    /// Whether a handle that may write was not told of everything that went wrong with its file.
    pub(super) fn may_be_unheard(&self, handle: HandleId, writing: WritingId) -> bool {
        let entry = &self.writings[writing];
        match self.handles[handle].writes() {
            Writes::Since { failures, told, .. } => {
                failures != entry.failures || told != entry.lost
            }
            Writes::No => false,
        }
    }

    /// Whether a sync failed since an operation of writers was accepted. None that returns later vouches
    /// for what that one covers, nor for a write that may have been under way when it failed.
    pub(super) fn is_older_than_a_failure(&self, op: &Op) -> bool {
        let handle = op.handle.filter(|_| op.request.is_of_writers());
        let writing = handle.and_then(|handle| self.writing_of(handle));
        writing.is_some_and(|writing| self.writings[writing].failures != op.failures)
    }

    /// An operation is about to be answered: if its handle goes on after a failed sync that it was not
    /// told of, it is told now, with this fault. When all were told, only the syncs of all that were
    /// asked before have still to be.
    pub(super) fn hears_of_failed_sync(&mut self, op: OpId) -> Option<Fault> {
        let handle = self.ops[op].handle?;
        let writing = self.writing_of(handle)?;
        let entry = &self.writings[writing];
        let (now, lost, paced) = (entry.failures, entry.lost, entry.pace.every.is_some());
        match self.handles[handle].writes_mut() {
            Writes::Since {
                failures,
                told,
                keeps_dirty: true,
                ..
            } if *failures != now => {
                *failures = now;
                // Of a sync that nobody asked for it is told by the same word (L3).
                *told = if paced { lost } else { *told };
            }
            Writes::Since { .. } | Writes::No => return None,
        }
        let entry = &mut self.writings[writing];
        entry.broken -= 1;
        if entry.broken == 0 {
            self.stats.unsyncable -= 1;
            self.owe_what_is_lost(writing);
        }
        self.list_unsynced(writing);
        Some(Fault::SyncFailed)
    }
}
