//! The write side of a file: it comes with the first handle that may write, keeps a descriptor
//! opened for writing, and goes when the last such handle is gone and nothing is under way.

use super::Machine;
use super::state::Fullness;
use super::state::{
    Answers, Contents, Descriptor, Handle, IDLE, InRound, Pace, Pass, Place, QUEUE, Step, Sync,
    Then, Writes, Writing, WritingId,
};
use crate::completion::Key;
use crate::event::Access;
use crate::fault::Fault;
use crate::id::{FileId, HandleId};
use crate::intervals::Root;
use crate::slab::List;
use crate::staging::{How, Why};
use crate::stats::WriteCounts;

impl Machine {
    /// Whether what an open saw of a file is not older than a write that was executed meanwhile.
    pub(super) fn is_fresh(&self, key: Key, since: u64) -> bool {
        let known = self.keys.get(key);
        match known.and_then(|file| self.files[file].writing) {
            Some(writing) => {
                let entry = &self.writings[writing];
                entry.active == 0 && entry.last <= since
            }
            None => self.last_forgotten <= since,
        }
    }

    /// A handle that may write has its file. Says since when it may.
    pub(super) fn begin_writing(&mut self, file: FileId, access: Access) -> Writes {
        let writing = match self.files[file].writing {
            Some(writing) => writing,
            None => self.writings.insert(Writing {
                file,
                handles: 0,
                failures: 0,
                broken: 0,
                lost: 0,
                lost_to: Fault::SyncFailed,
                counts: WriteCounts::default(),
                active: 0,
                cuts: 0,
                appends: 0,
                by_class: [0; 4],
                queued: [List::EMPTY; 4],
                bytes: 0,
                bytes_room: Fullness::Quiet,
                barriers: 0,
                end: 0,
                end_is_old: false,
                // Who wrote to it before may have left since: what was seen before that is old.
                last: self.last_forgotten,
                ranges: Root::EMPTY,
                order: List::EMPTY,
                held: List::EMPTY,
                sync: Sync::Resting,
                dirty: false,
                covered: List::EMPTY,
                uncovered: List::EMPTY,
                round: InRound::No,
                pace: Pace::NONE,
                owed: 0,
                listed: false,
            }),
        };
        self.files[file].writing = Some(writing);
        let entry = &mut self.writings[writing];
        entry.handles += 1;
        Writes::Since {
            failures: entry.failures,
            keeps_dirty: false,
            told: entry.lost,
            answers: match access {
                Access::Read | Access::Write => Answers::Executed,
                Access::WriteThrough => Answers::Durable,
                Access::WriteBehind => Answers::Accepted,
            },
        }
    }

    /// A handle that may write is gone.
    pub(super) fn writer_left(&mut self, file: FileId, writes: Writes) {
        let (Writes::Since { failures, told, .. }, Some(writing)) =
            (writes, self.files[file].writing)
        else {
            return;
        };
        let entry = &mut self.writings[writing];
        entry.handles -= 1;
        if failures != entry.failures {
            let untold = entry.pace.failed > 0 && told != entry.lost;
            entry.broken -= 1;
            if entry.broken == 0 {
                self.stats.unsyncable -= 1;
                self.owe_what_is_lost(writing);
            }
            if untold {
                self.lose_undurable(writing);
            }
            self.list_unsynced(writing);
        }
        self.settle_writing(file);
    }

    /// The write side goes if nobody needs it any more, and the descriptor becomes one like any
    /// other. A sync of all that was asked before the last handle was closed needs it: until its
    /// round begins, what is dirty must stay within its reach, and what was lost be told to it.
    pub(super) fn settle_writing(&mut self, file: FileId) {
        let Some(id) = self.files.get(file).and_then(|file| file.writing) else {
            return;
        };
        let writing = &self.writings[id];
        let resting = matches!(writing.sync, Sync::Resting) && writing.round == InRound::No;
        let covered = writing.owed > 0 || (writing.dirty && self.sync_all.asked > 0);
        if writing.handles > 0 || !writing.ranges.is_empty() || !resting {
            return;
        }
        if self.is_left_to_sync(id) {
            return self.order_sync(file, id);
        }
        if covered {
            return;
        }
        self.last_forgotten = self.last_forgotten.max(writing.last);
        self.stop_pace(id);
        self.files[file].writing = None;
        self.writings[id].dirty = false;
        self.list_unsynced(id);
        self.writings.remove(id);
        // Whoever has a write side has a pinned descriptor, which stands in no list.
        self.descriptors += 1;
        let (users, queued) = self.files[file].descriptor.users();
        match users {
            0 => self.rest_descriptor(file),
            _ => self.files[file].descriptor = Descriptor::Busy { users, queued },
        }
        self.close_if_unneeded(file);
    }

    /// Takes a descriptor that was opened for writing in place of any other.
    pub(super) fn adopt_pinned(&mut self, file: FileId) -> bool {
        let descriptor = self.files[file].descriptor;
        let (users, queued) = descriptor.users();
        if queued {
            self.files.unlink(&mut self.idle, IDLE, file);
        }
        match descriptor {
            Descriptor::Pinned { .. } => return false,
            Descriptor::Absent => {}
            Descriptor::Wanted => self.files.unlink(&mut self.reopeners, QUEUE, file),
            Descriptor::Idle { .. } | Descriptor::Busy { .. } => self.free_slot(),
            // One that was handed out gives its slot back when it ends.
            Descriptor::Opening { io } | Descriptor::Closing { io } => {
                if self.ios[io].place == Place::Ready {
                    self.take_back(io);
                    self.files[file].flights -= 1;
                    self.free_slot();
                }
            }
        }
        self.files[file].descriptor = Descriptor::Pinned { users };
        self.serve_readers(file);
        true
    }

    /// Whether somebody has it open for writing. A sync may keep the write side longer than that.
    pub(super) fn may_be_written(&self, file: FileId) -> bool {
        let writing = self.files[file].writing;
        writing.is_some_and(|writing| self.writings[writing].handles > 0)
    }

    /// A mapping would show half of a write: where the file is open for writing, it is loaded, or
    /// not held.
    pub(super) fn give_up_mapping(&mut self, file: FileId) {
        let mapped = |how| matches!(how, How::Mapped | How::MappedShared);
        match self.files[file].contents {
            Contents::Staged { how, charge } if mapped(how) => {
                self.withdraw(file);
                self.release(file, charge, Then::Rest(Why::Written));
            }
            Contents::Staging(pass) => self.begin_again_unmapped(file, pass),
            Contents::Absent(_)
            | Contents::Staged { .. }
            | Contents::Lingering { .. }
            | Contents::Stopping { .. }
            | Contents::Releasing { .. } => {}
        }
    }

    fn begin_again_unmapped(&mut self, file: FileId, pass: Pass) {
        let then = Then::Again {
            plan: pass.plan,
            since: pass.since,
            restarts: pass.restarts,
        };
        match pass.step {
            Step::AwaitingBudget {
                how: How::Mapped | How::MappedShared,
                charge,
                queue,
            } => {
                self.leave_queue(file, charge, queue);
                self.set_step(file, Step::Opening);
                self.serve_budget();
            }
            Step::Mapping { io, charge, .. }
            | Step::Loading {
                io,
                how: How::Mapped | How::MappedShared,
                charge,
                ..
            } => self.halt_action(file, io, charge, then),
            Step::Opening
            | Step::Looking { .. }
            | Step::AwaitingBudget { .. }
            | Step::Loading { .. } => {}
        }
    }

    /// The write side of the file of a handle, if the handle is known and the file has one.
    pub(super) fn writing_of(&self, handle: HandleId) -> Option<WritingId> {
        let file = self.handles.get(handle)?.file()?;
        self.files.get(file)?.writing
    }

    /// When the writes of a handle are answered.
    pub(super) fn answers_of(&self, handle: Option<HandleId>) -> Answers {
        let handle = handle.and_then(|handle| self.handles.get(handle));
        match handle.map(Handle::writes) {
            Some(Writes::Since { answers, .. }) => answers,
            Some(Writes::No) | None => Answers::Executed,
        }
    }

    /// Whether a sync failed since a handle was opened that may write, or since it was told of one: it
    /// may not any more, unless it is one that goes on (R8).
    pub(super) fn is_broken(&self, handle: HandleId) -> bool {
        let writes = self.handles[handle].writes();
        self.writing_of(handle).is_some_and(|writing| {
            let now = self.writings[writing].failures;
            matches!(writes, Writes::Since { failures, .. } if failures != now)
        })
    }
}
