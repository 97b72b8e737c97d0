//! Leaving: how handles close, and how a file that nobody needs any more is given up.

use super::Machine;
use super::state::{Contents, Descriptor, Handle, NEWS, News, OpState};
use crate::action::Outcome;
use crate::fault::Fault;
use crate::id::{FileId, HandleId, OpId};
use crate::reply::{Ignored, Reply};
use crate::staging::Why;

impl Machine {
    pub(super) fn start_close(&mut self, op: OpId, handle: HandleId, file: FileId) {
        let entry = &mut self.handles[handle];
        let (pending, writes) = (entry.pending(), entry.writes());
        *entry = Handle::Leaving {
            file,
            closer: Some(op),
            pending,
            writes,
        };
        self.ops[op].state = OpState::AwaitingOthers;
        if pending == 1 {
            self.end_close(op);
        }
    }

    /// Nothing is pending on a handle but its close: it is gone, whatever has to be told. What an interval
    /// promised is made durable before (L3).
    pub(super) fn end_close(&mut self, op: OpId) {
        if self.syncs_before_close(op) {
            return;
        }
        let outcome = self.unless_lost(op, Outcome::Closed);
        self.resolve(op, outcome);
    }

    /// A handle was dropped: like a close, but nobody waits for the end, and an open that is
    /// under way is cancelled.
    pub(super) fn on_dropped(&mut self, handle: HandleId) -> Reply {
        let Some(entry) = self.handles.get_mut(handle) else {
            return self.ignore(Ignored::UnknownHandle);
        };
        match *entry {
            Handle::Leaving { .. } => self.ignore(Ignored::UnknownHandle),
            Handle::Open {
                file,
                pending,
                writes,
            } => {
                *entry = Handle::Leaving {
                    file,
                    closer: None,
                    pending,
                    writes,
                };
                if pending == 0 {
                    self.free_handle(handle);
                }
                Reply::Done
            }
            Handle::Opening { op, .. } => {
                self.give_up(op, Fault::Cancelled);
                Reply::Done
            }
        }
    }

    /// The handle is gone; its file may follow.
    pub(super) fn free_handle(&mut self, handle: HandleId) {
        let entry = &self.handles[handle];
        let (file, writes) = (entry.file(), entry.writes());
        self.handles.remove(handle);
        if let Some(file) = file {
            self.files[file].handles -= 1;
            if self.files[file].handles == 0 && self.files[file].has_own {
                self.forget_own_limits(file);
            }
            self.writer_left(file, writes);
            self.mend_reopen(file, handle);
            self.reap(file);
        }
    }

    /// Gives up what a file without handles holds, and in the end the file.
    pub(super) fn reap(&mut self, file: FileId) {
        let Some(entry) = self.files.get(file) else {
            return;
        };
        if entry.handles > 0 {
            return;
        }
        match entry.contents {
            Contents::Staged { how, charge } => self.linger_or_release(file, how, charge),
            Contents::Staging(_) => self.stop(file, Why::Cancelled),
            Contents::Absent(_)
            | Contents::Lingering { .. }
            | Contents::Stopping { .. }
            | Contents::Releasing { .. } => {}
        }
        self.close_if_unneeded(file);
        self.forget_if_empty(file);
    }

    fn forget_if_empty(&mut self, file: FileId) {
        let entry = &self.files[file];
        let empty = matches!(entry.contents, Contents::Absent(_))
            && matches!(entry.descriptor, Descriptor::Absent)
            && entry.flights == 0;
        if !empty {
            return;
        }
        if entry.news != News::NONE {
            self.files.unlink(&mut self.news, NEWS, file);
        }
        self.keys.remove(self.files[file].key);
        self.files.remove(file);
    }
}
