//! Descriptors are few: who has one, who waits for one, and whose is closed for others.
//!
//! A slot is a descriptor held or being acquired. A file that is in memory gives its own back at
//! once; one that merely rests keeps it until somebody needs the slot. Then the file that took its
//! place in `idle` first gives its own up, unless it was used since: that one has a second chance
//! at the end. Every place that is passed over was paid for by a use.

use super::Machine;
use super::stage::Seen;
use super::state::{Contents, Descriptor, IDLE, Io, OPS, Owner, Place, QUEUE, Step};
use crate::action::IoKind;
use crate::event::{Access, Missing};
use crate::id::{FileId, HandleId, IoId};
use crate::slab::List;

impl Machine {
    /// Issues an action on somebody's behalf; it waits in `ready` until the driver takes it.
    pub(super) fn issue(&mut self, kind: IoKind, owner: Owner) -> IoId {
        if let Some(file) = self.file_of_owner(owner) {
            self.files[file].flights += 1;
        }
        let io = self.ios.insert(Io {
            kind,
            owner,
            class: self.class_of(kind, owner),
            run: List::EMPTY,
            place: Place::Ready,
        });
        self.line_up(io);
        io
    }

    /// The file on whose behalf an action is done; an open has none yet, and a replace none.
    pub(super) fn file_of_owner(&self, owner: Owner) -> Option<FileId> {
        match owner {
            Owner::Open { .. }
            | Owner::Replace { .. }
            | Owner::Volume { .. }
            | Owner::Directory { .. }
            | Owner::Lock { .. } => None,
            Owner::Reopen { file } | Owner::File { file } | Owner::Read { file, .. } => Some(file),
            Owner::Write { writing, .. } | Owner::Sync { writing } => {
                Some(self.writings[writing].file)
            }
        }
    }

    pub(super) fn take_slot(&mut self) -> bool {
        let free = self.has_free_slot();
        if free {
            self.descriptors += 1;
        }
        free
    }

    const fn has_free_slot(&self) -> bool {
        self.descriptors < self.limits.descriptors
    }

    /// A slot became free: it goes to a file that needs its descriptor again, then to an open.
    pub(super) fn free_slot(&mut self) {
        self.descriptors -= 1;
        self.serve_slots();
    }

    /// There may be more descriptors now, or fewer: whoever waits for one gets it, and idle ones that
    /// are too many are closed. Others are when they are idle.
    pub(super) fn settle_descriptors(&mut self) {
        for _ in self.limits.descriptors..self.descriptors {
            self.recycle_idle();
        }
        self.serve_slots();
        self.serve_replacers();
    }

    fn serve_slots(&mut self) {
        while self.has_free_slot() {
            if let Some(file) = self.files.pop_front(&mut self.reopeners, QUEUE) {
                self.files[file].descriptor = Descriptor::Absent;
                self.reopen(file);
            } else if let Some(op) = self.ops.pop_front(&mut self.openers, OPS) {
                self.descriptors += 1;
                self.issue_open(op);
            } else {
                return;
            }
        }
    }

    /// Somebody waits for a slot: close the descriptor that has been unused the longest.
    pub(super) fn recycle_idle(&mut self) {
        while let Some(file) = self.files.first(&self.idle) {
            let descriptor = self.files[file].descriptor;
            let (users, _) = descriptor.users();
            if users == 0 && !matches!(descriptor, Descriptor::Idle { again: true }) {
                self.stats.descriptors_recycled += 1;
                return self.close_descriptor(file);
            }
            self.files.unlink(&mut self.idle, IDLE, file);
            if users == 0 {
                self.rest_descriptor(file);
            } else {
                let queued = false;
                self.files[file].descriptor = Descriptor::Busy { users, queued };
            }
        }
    }

    pub(super) fn has_descriptor(&self, file: FileId) -> bool {
        matches!(
            self.files[file].descriptor,
            Descriptor::Idle { .. } | Descriptor::Busy { .. } | Descriptor::Pinned { .. }
        )
    }

    /// Whether the file has a descriptor now. If not, one is on its way, and
    /// [`descriptor_arrived`](Machine::descriptor_arrived) will be called.
    pub(super) fn have_descriptor(&mut self, file: FileId) -> bool {
        match self.files[file].descriptor {
            Descriptor::Idle { .. } | Descriptor::Busy { .. } | Descriptor::Pinned { .. } => true,
            Descriptor::Wanted | Descriptor::Opening { .. } => false,
            Descriptor::Closing { io } => {
                if self.ios[io].place == Place::InFlight {
                    return false;
                }
                self.keep_descriptor(file, io);
                true
            }
            Descriptor::Absent => {
                if self.has_free_slot() {
                    self.reopen(file);
                } else {
                    self.files[file].descriptor = Descriptor::Wanted;
                    self.files.push_back(&mut self.reopeners, QUEUE, file);
                    self.recycle_idle();
                }
                false
            }
        }
    }

    /// Takes back a close that was not handed out yet.
    pub(super) fn keep_descriptor(&mut self, file: FileId, close: IoId) {
        self.take_back(close);
        self.files[file].flights -= 1;
        self.rest_descriptor(file);
    }

    /// Takes a free slot for a file whose descriptor somebody waits for.
    fn reopen(&mut self, file: FileId) {
        if let Some(handle) = self.handle_in_need(file) {
            self.descriptors += 1;
            let io = self.issue(reopening_by(handle), Owner::Reopen { file });
            self.files[file].descriptor = Descriptor::Opening { io };
        }
    }

    /// A handle is gone, and its path with it: an open that was to go by that path, and was not
    /// handed out yet, goes by another's who waits, or is taken back.
    pub(super) fn mend_reopen(&mut self, file: FileId, gone: HandleId) {
        let Descriptor::Opening { io } = self.files[file].descriptor else {
            return;
        };
        let entry = &self.ios[io];
        let by_path_of_gone = matches!(entry.kind, IoKind::Open { handle, .. } if handle == gone);
        if entry.place == Place::InFlight || !by_path_of_gone {
            return;
        }
        match self.handle_in_need(file) {
            Some(handle) => {
                self.ios[io].kind = reopening_by(handle);
            }
            None => {
                self.recall(io);
            }
        }
    }

    /// A handle whose path leads to the file and whose caller waits for its descriptor.
    fn handle_in_need(&self, file: FileId) -> Option<HandleId> {
        let entry = &self.files[file];
        let op = self
            .ops
            .first(&entry.readers)
            .or_else(|| self.ops.first(&entry.waiters))?;
        self.ops[op].handle
    }

    /// Whether anybody waits for the file's descriptor.
    pub(super) fn wants_descriptor(&self, file: FileId) -> bool {
        let entry = &self.files[file];
        let staging_wants = match entry.contents {
            Contents::Staging(pass) => matches!(pass.step, Step::Opening),
            Contents::Absent(_)
            | Contents::Staged { .. }
            | Contents::Lingering { .. }
            | Contents::Stopping { .. }
            | Contents::Releasing { .. } => false,
        };
        staging_wants || !entry.readers.is_empty()
    }

    /// Takes a file out of the queue for a descriptor when nobody waits for it any more.
    pub(super) fn drop_idle_wish(&mut self, file: FileId) {
        let Some(entry) = self.files.get(file) else {
            return;
        };
        if matches!(entry.descriptor, Descriptor::Wanted) && !self.wants_descriptor(file) {
            self.files.unlink(&mut self.reopeners, QUEUE, file);
            self.files[file].descriptor = Descriptor::Absent;
        }
    }

    /// The file got its descriptor: whoever waited goes on.
    pub(super) fn descriptor_arrived(&mut self, file: FileId) {
        self.rest_descriptor(file);
        self.serve_readers(file);
        self.staging_has_descriptor(file, Seen::Now);
        self.close_if_unneeded(file);
    }

    pub(super) fn rest_descriptor(&mut self, file: FileId) {
        self.files[file].descriptor = Descriptor::Idle { again: false };
        self.files.push_back(&mut self.idle, IDLE, file);
    }

    pub(super) fn use_descriptor(&mut self, file: FileId) {
        let descriptor = &mut self.files[file].descriptor;
        let (users, queued) = descriptor.users();
        let users = users + 1;
        *descriptor = match descriptor.is_pinned() {
            true => Descriptor::Pinned { users },
            false => Descriptor::Busy { users, queued },
        };
    }

    pub(super) fn done_with_descriptor(&mut self, file: FileId) {
        let descriptor = &mut self.files[file].descriptor;
        let (users, queued) = descriptor.users();
        let users = users.saturating_sub(1);
        if descriptor.is_pinned() {
            *descriptor = Descriptor::Pinned { users };
        } else if users > 0 {
            *descriptor = Descriptor::Busy { users, queued };
        } else {
            match queued {
                true => *descriptor = Descriptor::Idle { again: true },
                false => self.rest_descriptor(file),
            }
            self.close_if_unneeded(file);
        }
    }

    /// Closes an idle descriptor that its file does not need, or that others wait for.
    pub(super) fn close_if_unneeded(&mut self, file: FileId) {
        let entry = &self.files[file];
        if !matches!(entry.descriptor, Descriptor::Idle { .. }) {
            return;
        }
        let in_memory = matches!(entry.contents, Contents::Staged { .. });
        let others_wait = !self.reopeners.is_empty()
            || !self.openers.is_empty()
            || self.descriptors > self.limits.descriptors;
        if in_memory || entry.handles == 0 || others_wait {
            self.close_descriptor(file);
        }
    }

    /// Closes an idle descriptor.
    fn close_descriptor(&mut self, file: FileId) {
        self.files.unlink(&mut self.idle, IDLE, file);
        let io = self.issue(IoKind::Close { file }, Owner::File { file });
        self.files[file].descriptor = Descriptor::Closing { io };
    }

    /// A close ended, well or not: the descriptor is gone either way.
    pub(super) fn on_closed(&mut self, io: IoId, file: FileId) {
        self.files[file].flights -= 1;
        if let Descriptor::Closing { io: closing } = self.files[file].descriptor
            && closing == io
        {
            self.files[file].descriptor = Descriptor::Absent;
        }
        self.free_slot();
        if matches!(self.files[file].descriptor, Descriptor::Absent) && self.wants_descriptor(file)
        {
            self.have_descriptor(file);
        }
        self.reap(file);
    }
}

/// A file that gave its descriptor back is never opened for writing again.
const fn reopening_by(handle: HandleId) -> IoKind {
    IoKind::Open {
        handle,
        access: Access::Read,
        missing: Missing::Fail,
    }
}
