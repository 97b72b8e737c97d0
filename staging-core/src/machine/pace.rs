//! A sync by time: what is written to a file whose writer set an interval becomes durable though nobody
//! asks for it (L3).
//!
//! ```text
//!   resting ─► the time runs ─► due: earlier writes end ─► a system sync may begin ─► resting
//!      ▲             │
//!      └─────────────┘ a sync that somebody asked for covers everything
//! ```
//!
//! The time runs from the first write that is accepted while nothing runs. When it is over, a barrier
//! stands behind whatever was accepted by then: like a sync that somebody asks for it hurries those, shares a
//! system sync, and is not delayed by what comes later. What is accepted meanwhile has a time of its own.
//! So whatever was accepted is covered by a system sync that begins an interval later at most, or as soon
//! as the one before it has ended; and where nothing was written, nothing runs and nothing is synced.
//!
//! Nobody waits for such a sync. If it fails, that is an error of the file like a write that failed behind its
//! caller's back (R8): each handle that was open is told once. A file whose last writer is gone is synced
//! at once, and stays until then; the close of a handle waits for that.

use super::Machine;
use super::state::{Handle, OPS, Sync, Writes, WritingId};
use super::write::Executed;
use crate::class::Class;
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, HandleId, OpId};
use crate::reply::{Ignored, Reply};
use crate::slab::List;

impl Machine {
    pub(super) fn on_interval_set(&mut self, handle: HandleId, every: u64) -> Reply {
        let Some(&Handle::Open {
            file,
            writes: Writes::Since { .. },
            ..
        }) = self.handles.get(handle)
        else {
            return self.ignore(Ignored::UnknownHandle);
        };
        let Some(writing) = self.files[file].writing else {
            return self.ignore(Ignored::UnknownHandle);
        };
        let entry = &mut self.writings[writing];
        let every = every.max(1);
        entry.pace.every = Some(entry.pace.every.map_or(every, |now| now.min(every)));
        entry.pace.owed |= entry.dirty && entry.broken == 0;
        if entry.pace.owed || entry.active > 0 {
            self.run_pace(writing);
        }
        Reply::Done
    }

    /// Something is accepted that is to be durable an interval later at most.
    pub(super) fn run_pace(&mut self, writing: WritingId) {
        let pace = &mut self.writings[writing].pace;
        let Some(every) = pace.every else { return };
        let at = self.now.plus(every);
        match pace.at {
            Some(before) if before <= at => return,
            Some(_) => self.dues.remove(writing),
            None => {}
        }
        pace.at = Some(at);
        self.dues.insert(at, writing);
    }

    /// It was executed, and is to be durable: unless a sync failed since its handle was opened, for then it
    /// is lost, and no other is tried for it.
    pub(super) fn owe_sync(&mut self, op: OpId, writing: WritingId, end: Executed) {
        if self.writings[writing].pace.every.is_none() {
            return;
        }
        let set = matches!(self.ops[op].request, Request::SetLength { .. });
        let changed = end.bytes > 0 || (set && end.fault.is_none());
        let handle = self.ops[op].handle;
        let alive = handle.filter(|handle| self.handles.get(*handle).is_some());
        let lost = alive.is_some_and(|handle| self.is_broken(handle));
        let pace = &mut self.writings[writing].pace;
        if changed && !lost {
            pace.owed = true;
            pace.executed = pace.executed.saturating_add(end.bytes);
            // The time that ran may be over, or stopped by a sync that failed.
            self.run_pace(writing);
        }
    }

    /// Nothing is left that the time runs for.
    pub(super) fn stop_pace(&mut self, writing: WritingId) {
        if self.writings[writing].pace.at.take().is_some() {
            self.dues.remove(writing);
        }
    }

    /// The interval is over: whatever was accepted by now is to be covered by a system sync that begins as
    /// soon as it has ended.
    pub(super) fn sync_falls_due(&mut self, writing: WritingId) {
        self.stop_pace(writing);
        let entry = &mut self.writings[writing];
        if !entry.pace.owed && entry.active == 0 {
            return;
        }
        entry.barriers += 1;
        let mark = entry.barriers + self.barriers;
        let pace = &mut entry.pace;
        if pace.served == pace.fallen {
            pace.served = mark - 1;
        }
        pace.fallen = mark;
        let file = entry.file;
        self.hurry(writing, Class::Urgent);
        self.settle_barriers(file);
    }

    /// Up to which epoch everything that fell due has ended, if that is farther than a sync was ordered for.
    fn reached(&self, writing: WritingId) -> Option<u64> {
        let entry = &self.writings[writing];
        if entry.pace.fallen <= entry.pace.served {
            return None;
        }
        let first = self.ops.first(&entry.order);
        let ended = first.map_or(u64::MAX, |op| self.ops[op].epoch);
        let reached = ended.min(entry.pace.fallen);
        (reached > entry.pace.served).then_some(reached)
    }

    /// Whether a sync fell due that was not ordered yet, because something has to end before. For a driver
    /// whose callers carry everything out: whoever ends that may not carry the sync out.
    pub fn is_sync_due(&self) -> bool {
        let mut ids = self.writings.ids();
        ids.any(|writing| {
            let pace = &self.writings[writing].pace;
            pace.served < pace.fallen || pace.waits
        })
    }

    /// No barrier stands first in the order: orders a system sync if one is due.
    pub(super) fn settle_due(&mut self, file: FileId, writing: WritingId) {
        let Some(reached) = self.reached(writing) else {
            return;
        };
        let entry = &mut self.writings[writing];
        if !entry.pace.owed {
            entry.pace.served = reached;
        } else if matches!(entry.sync, Sync::Resting) {
            self.order_sync(file, writing);
        } else {
            entry.pace.waits = true;
        }
    }

    /// A system sync is ordered, for whomever: it covers what fell due, too.
    pub(super) fn serve_due(&mut self, writing: WritingId) {
        let reached = self.reached(writing);
        let entry = &mut self.writings[writing];
        let pace = &mut entry.pace;
        pace.syncing = core::mem::take(&mut pace.executed);
        pace.served = reached.unwrap_or(pace.served);
        (pace.waits, pace.owed) = (false, false);
        if entry.active == 0 {
            self.stop_pace(writing);
        }
    }

    /// Whether a file is to be synced because its last writer is gone, or one of them closes.
    pub(super) fn is_left_to_sync(&self, writing: WritingId) -> bool {
        let entry = &self.writings[writing];
        let under_way = matches!(entry.sync, Sync::UnderWay { .. });
        entry.pace.owed || (entry.pace.every.is_some() && under_way)
    }

    /// A handle that closes has nothing pending but that. Says whether the close waits for a sync.
    pub(super) fn syncs_before_close(&mut self, op: OpId) -> bool {
        let Some(handle) = self.ops[op].handle else {
            return false;
        };
        let file = self.handles[handle].file();
        let Some((file, writing)) = file.and_then(|file| Some((file, self.files[file].writing?)))
        else {
            return false;
        };
        let writes = self.handles[handle].writes() != Writes::No;
        if !writes || self.is_broken(handle) || !self.is_left_to_sync(writing) {
            return false;
        }
        self.cover(op, file, writing);
        true
    }

    /// A system sync of a file with an interval failed. Those whom it answers are told so; every other
    /// handle that is open will be, once.
    pub(super) fn fail_pace(&mut self, writing: WritingId, answers: [&List; 2], fault: Fault) {
        let entry = &mut self.writings[writing];
        if entry.pace.every.is_none() {
            return;
        }
        entry.lost = entry.lost.wrapping_add(1);
        entry.lost_to = Fault::SyncBehind(fault.errno_or_0());
        entry.pace.served = entry.pace.fallen;
        (entry.pace.waits, entry.pace.owed) = (false, false);
        entry.pace.failed += core::mem::take(&mut entry.pace.syncing);
        let (lost, left) = (entry.lost, entry.handles == 0);
        for list in answers {
            let mut next = self.ops.first(list);
            while let Some(op) = next {
                next = self.ops.after(OPS, op);
                let handle = self.ops[op].handle;
                if let Some(entry) = handle.and_then(|handle| self.handles.get_mut(handle))
                    && let Writes::Since { told, .. } = entry.writes_mut()
                {
                    *told = lost;
                }
            }
        }
        self.stop_pace(writing);
        if left {
            self.lose_undurable(writing);
        }
    }

    /// Nobody is left whom a failed sync could be told to: the report has it, and the next flush or sync of
    /// all.
    pub(super) fn lose_undurable(&mut self, writing: WritingId) {
        let entry = &mut self.writings[writing];
        let pace = &mut entry.pace;
        let lost = core::mem::take(&mut pace.failed) + core::mem::take(&mut pace.executed);
        self.stats.lost_bytes = self.stats.lost_bytes.saturating_add(lost);
        let lost = self.lost_of(writing);
        // How many writes a sync would have covered, nobody counted.
        lost.writes = lost.writes.max(1);
    }

    /// The machine closes before this was durable.
    pub(super) fn leave_undurable(&mut self, writing: WritingId) {
        self.stop_pace(writing);
        let pace = &self.writings[writing].pace;
        if pace.every.is_some() {
            let left = pace.executed + pace.syncing + pace.failed;
            self.stats.lost_bytes = self.stats.lost_bytes.saturating_add(left);
        }
    }
}
