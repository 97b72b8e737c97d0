//! Barriers: a flush and a sync cover what was accepted before them (R3), and nothing that comes
//! later delays them (R5).
//!
//! A barrier stands in the order of acceptance among the writes that are active. When it is the
//! first there, each write before it has ended: a flush is answered; a sync asks for a system sync.
//! One that is under way serves it if nothing was executed since that was ordered. Otherwise it
//! waits for the next, and so do all who come meanwhile: they share it.

use super::Machine;
use super::state::{ALL, InRound, OPS, ORDER, OpState, Owner, Sync, UNSYNCED, WritingId};
use crate::action::{Done, IoKind, Outcome};
use crate::class::Class;
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, OpId};
use crate::slab::List;

const FAILED: Outcome = Outcome::Failed {
    fault: Fault::SyncFailed,
    done: Done::Unknown,
};

impl Machine {
    pub(super) fn start_barrier(&mut self, op: OpId, file: FileId, writing: WritingId) {
        self.hurry(writing, Class::Urgent);
        self.writings[writing].barriers += 1;
        let order = &mut self.writings[writing].order;
        self.ops.push_back(order, ORDER, op);
        let writing = Some(writing);
        self.ops[op].state = OpState::AwaitingEarlier { writing };
        self.settle_barriers(file);
    }

    pub(super) fn start_barrier_over_all(&mut self, op: OpId) {
        self.ops[op].state = OpState::AwaitingEarlier { writing: None };
        if matches!(self.ops[op].request, Request::SyncAll) {
            self.sync_all.asked += 1;
        }
        self.hurry_all(Class::Urgent);
        self.barriers += 1;
        self.ops.push_back(&mut self.all_writes, ALL, op);
        self.settle_barriers_over_all();
    }

    /// Serves the barriers that no active write stands before.
    pub(super) fn settle_barriers(&mut self, file: FileId) {
        while let Some(writing) = self.files.get(file).and_then(|file| file.writing) {
            let Some(op) = self.ops.first(&self.writings[writing].order) else {
                return self.settle_due(file, writing);
            };
            match self.ops[op].request {
                Request::Flush { .. } => {
                    self.leave_order(op, Some(writing));
                    let outcome = self.unless_lost(op, Outcome::Flushed);
                    self.resolve(op, outcome);
                }
                Request::Sync { .. } => {
                    self.leave_order(op, Some(writing));
                    self.cover(op, file, writing);
                }
                _ => return self.settle_due(file, writing),
            }
        }
    }

    /// The same, of those over all files.
    pub(super) fn settle_barriers_over_all(&mut self) {
        while let Some(op) = self.ops.first(&self.all_writes) {
            match self.ops[op].request {
                Request::FlushAll => {
                    self.leave_order(op, None);
                    let outcome = self.unless_lost(op, Outcome::Flushed);
                    self.resolve(op, outcome);
                }
                Request::SyncAll => {
                    self.leave_order(op, None);
                    self.ops[op].state = OpState::AwaitingSync { writing: None };
                    self.ops.push_back(&mut self.sync_all.waiting, OPS, op);
                    self.begin_round();
                }
                _ => return,
            }
        }
    }

    /// Takes a barrier out of the order.
    fn leave_order(&mut self, op: OpId, writing: Option<WritingId>) {
        match writing {
            None => self.ops.unlink(&mut self.all_writes, ALL, op),
            Some(writing) => {
                let order = &mut self.writings[writing].order;
                self.ops.unlink(order, ORDER, op);
            }
        }
    }

    /// Has an operation answered by a system sync that begins after everything executed so far.
    pub(super) fn cover(&mut self, op: OpId, file: FileId, writing: WritingId) {
        let handle = self.ops[op].handle;
        let forsaken = handle.filter(|handle| self.is_forsaken(*handle));
        if forsaken.is_some() || self.is_older_than_a_failure(&self.ops[op]) {
            let heard = self.hears_of_failed_sync(op);
            let untold = forsaken.filter(|_| heard.is_none());
            let fault = untold.and_then(|handle| self.untold_loss(handle));
            let fault = fault.unwrap_or(Fault::SyncFailed);
            let done = Done::Unknown;
            return self.resolve(op, Outcome::Failed { fault, done });
        }
        let entry = &mut self.writings[writing];
        if matches!(entry.sync, Sync::UnderWay { .. }) && !entry.dirty {
            let writing = Some(writing);
            self.ops[op].state = OpState::Syncing { writing };
            return self.ops.push_back(&mut entry.covered, OPS, op);
        }
        let awaited = Some(writing);
        self.ops[op].state = OpState::AwaitingSync { writing: awaited };
        self.ops.push_back(&mut entry.uncovered, OPS, op);
        if matches!(entry.sync, Sync::Resting) {
            self.order_sync(file, writing);
        }
    }

    /// Orders a system sync, for all that wait for one.
    pub(super) fn order_sync(&mut self, file: FileId, writing: WritingId) {
        self.use_descriptor(file);
        let io = self.issue(IoKind::Sync { file }, Owner::Sync { writing });
        let entry = &mut self.writings[writing];
        entry.sync = Sync::UnderWay { io };
        entry.dirty = false;
        if entry.round == InRound::Next {
            entry.round = InRound::Now;
        }
        while let Some(op) = self.ops.pop_front(&mut entry.uncovered, OPS) {
            let writing = Some(writing);
            self.ops[op].state = OpState::Syncing { writing };
            self.ops.push_back(&mut entry.covered, OPS, op);
        }
        self.serve_due(writing);
        self.list_unsynced(writing);
    }

    pub(super) fn on_synced(&mut self, writing: WritingId, result: Result<(), Fault>) {
        let file = self.writings[writing].file;
        self.files[file].flights -= 1;
        self.sync_ended(file, writing, result);
        self.settle_writing(file);
        self.after_flight(file, true);
    }

    fn sync_ended(&mut self, file: FileId, writing: WritingId, result: Result<(), Fault>) {
        let entry = &mut self.writings[writing];
        entry.sync = Sync::Resting;
        let in_round = match (entry.round, result) {
            (InRound::Now, result) => Some(result),
            // It is not tried again: a round that needed the next one has its answer, too.
            (InRound::Next, Err(_)) => Some(Err(Fault::SyncFailed)),
            (InRound::Next, Ok(())) | (InRound::No, _) => None,
        };
        if in_round.is_some() {
            entry.round = InRound::No;
        }
        let mut covered = core::mem::replace(&mut entry.covered, List::EMPTY);
        let mut lost = List::EMPTY;
        let outcome = match result {
            Ok(()) => {
                self.stats.synced += 1;
                entry.pace.syncing = 0;
                Outcome::Synced
            }
            Err(fault) => {
                self.stats.syncs_failed += 1;
                entry.failures += 1;
                let before = core::mem::replace(&mut entry.broken, entry.handles);
                self.stats.unsyncable += u64::from(before == 0 && entry.handles > 0);
                let left = entry.handles == 0;
                // What was not durable can no longer be made so.
                lost = core::mem::replace(&mut entry.uncovered, List::EMPTY);
                if left {
                    self.owe_what_is_lost(writing);
                }
                self.fail_pace(writing, [&covered, &lost], fault);
                let done = Done::Unknown;
                Outcome::Failed { fault, done }
            }
        };
        self.list_unsynced(writing);
        self.resolve_each(&mut covered, outcome);
        self.resolve_each(&mut lost, FAILED);
        if let Some(result) = in_round {
            self.synced_in_round(file, result);
        }
        self.sync_again(file);
    }

    /// Somebody waited for the next system sync.
    fn sync_again(&mut self, file: FileId) {
        let Some(writing) = self.files[file].writing else {
            return;
        };
        let entry = &mut self.writings[writing];
        if !matches!(entry.sync, Sync::Resting) {
            return;
        }
        let due = entry.pace.waits || !entry.uncovered.is_empty();
        if entry.round == InRound::Next || due {
            self.order_sync(file, writing);
        }
    }

    pub(super) fn resolve_each(&mut self, ops: &mut List, outcome: Outcome) {
        while let Some(op) = self.ops.pop_front(ops, OPS) {
            let outcome = match outcome {
                Outcome::Synced => {
                    let durable = self.durable_outcome(op);
                    self.unless_lost(op, durable)
                }
                _ => {
                    self.hears_of_failed_sync(op);
                    outcome
                }
            };
            self.resolve(op, outcome);
        }
    }

    /// What a system sync that returned success means to who waited for it: a sync, or a write
    /// through.
    fn durable_outcome(&self, op: OpId) -> Outcome {
        match self.ops[op].request {
            Request::Write { .. } | Request::Append { .. } => self.extent(op).written(),
            Request::SetLength { .. } => Outcome::LengthSet,
            Request::Close { .. } => Outcome::Closed,
            _ => Outcome::Synced,
        }
    }

    /// Keeps the list of files that a sync of all has to do with: dirty ones, those whose sync is
    /// under way, and those of which something may be lost.
    pub(super) fn list_unsynced(&mut self, writing: WritingId) {
        let entry = &mut self.writings[writing];
        let under_way = matches!(entry.sync, Sync::UnderWay { .. });
        let belongs = entry.dirty || entry.broken > 0 || entry.owed > 0 || under_way;
        if belongs == entry.listed {
            return;
        }
        entry.listed = belongs;
        match belongs {
            true => self
                .writings
                .push_back(&mut self.unsynced, UNSYNCED, writing),
            false => self.writings.unlink(&mut self.unsynced, UNSYNCED, writing),
        }
    }

    /// Begins a sync of all files for everybody who waits for one, unless one is under way.
    fn begin_round(&mut self) {
        if self.sync_all.remaining > 0 || self.sync_all.waiting.is_empty() {
            return;
        }
        let mut told = 0;
        while let Some(op) = self.ops.pop_front(&mut self.sync_all.waiting, OPS) {
            self.ops[op].state = OpState::Syncing { writing: None };
            self.ops.push_back(&mut self.sync_all.covered, OPS, op);
            told += 1;
        }
        self.sync_all.asked -= told;
        // The round itself counts as one, so that it does not end while it begins.
        self.sync_all.remaining = 1;
        self.sync_all.failed = None;
        let mut next = self.writings.first(&self.unsynced);
        while let Some(writing) = next {
            next = self.writings.after(UNSYNCED, writing);
            self.join_round(writing, told);
        }
        self.one_less_in_round();
    }

    fn join_round(&mut self, writing: WritingId, told: u32) {
        self.sync_all.remaining += 1;
        let asked = self.sync_all.asked;
        let entry = &mut self.writings[writing];
        let file = entry.file;
        if entry.broken > 0 || entry.owed > 0 {
            entry.owed = entry.owed.saturating_sub(told).min(asked);
            self.synced_in_round(file, Err(Fault::SyncFailed));
            return self.let_go(writing);
        }
        match entry.sync {
            Sync::UnderWay { .. } if !entry.dirty => entry.round = InRound::Now,
            Sync::UnderWay { .. } => entry.round = InRound::Next,
            Sync::Resting => {
                entry.round = InRound::Next;
                self.order_sync(file, writing);
            }
        }
    }

    fn synced_in_round(&mut self, file: FileId, result: Result<(), Fault>) {
        if let Err(fault) = result {
            let (files, first, fault) = self.sync_all.failed.unwrap_or((0, file, fault));
            self.sync_all.failed = Some((files + 1, first, fault));
        }
        self.one_less_in_round();
    }

    fn one_less_in_round(&mut self) {
        self.sync_all.remaining -= 1;
        if self.sync_all.remaining > 0 {
            return;
        }
        let outcome = match self.sync_all.failed.take() {
            None => Outcome::Synced,
            Some((files, first, fault)) => Outcome::SyncFailed {
                files,
                first,
                fault,
            },
        };
        let mut covered = core::mem::replace(&mut self.sync_all.covered, List::EMPTY);
        self.resolve_each(&mut covered, outcome);
        self.begin_round();
    }

    /// The machine closes: nobody waits for a sync of all any more.
    pub(super) fn give_up_round(&mut self) {
        self.sync_all.remaining = 0;
        let mut next = self.writings.first(&self.unsynced);
        while let Some(writing) = next {
            next = self.writings.after(UNSYNCED, writing);
            self.writings[writing].round = InRound::No;
            self.recall_sync(writing);
        }
    }

    /// Those who may have lost something are gone. The syncs of all that were asked before are told
    /// nevertheless; they begin in the order in which they were asked, so it is enough to know how
    /// many they are.
    pub(super) fn owe_what_is_lost(&mut self, writing: WritingId) {
        let entry = &mut self.writings[writing];
        entry.owed = self.sync_all.asked;
        // What nobody can make durable any more is not tried again in their rounds.
        entry.dirty &= entry.handles > 0 || entry.owed == 0;
    }

    /// A sync of all is given up before its round began, before which so many were asked that have not begun
    /// either. What it was still to be told is told to one less; the last one lets go of what only it kept.
    fn forsake_round(&mut self, earlier: u32) {
        self.sync_all.asked -= 1;
        let mut next = self.writings.first(&self.unsynced);
        while let Some(writing) = next {
            next = self.writings.after(UNSYNCED, writing);
            let entry = &mut self.writings[writing];
            let was_owed = entry.owed > earlier;
            entry.owed -= u32::from(was_owed);
            if was_owed || self.sync_all.asked == 0 {
                self.let_go(writing);
            }
        }
    }

    /// How many syncs of all were asked before this one and are in no round yet: first those whose turn has
    /// come, then those that wait for earlier writes.
    fn asked_before(&self, op: OpId) -> u32 {
        let mut count = 0;
        let lists = [(&self.sync_all.waiting, OPS), (&self.all_writes, ALL)];
        for (list, link) in lists {
            let mut next = self.ops.first(list);
            while let Some(other) = next {
                if other == op {
                    return count;
                }
                count += u32::from(matches!(self.ops[other].request, Request::SyncAll));
                next = self.ops.after(link, other);
            }
        }
        count
    }

    /// A sync of all does not need the write side of a file any more; others may.
    fn let_go(&mut self, writing: WritingId) {
        let file = self.writings[writing].file;
        self.list_unsynced(writing);
        self.settle_writing(file);
        self.reap(file);
    }

    /// Takes back a system sync that was not handed out, and that nobody waits for any more. Whoever
    /// waits for the next one gets it now; a file that only the sync kept goes.
    fn recall_sync(&mut self, writing: WritingId) {
        let entry = &self.writings[writing];
        let (Sync::UnderWay { io }, file) = (entry.sync, entry.file) else {
            return;
        };
        // Where there is an interval, what was ordered stands for a sync that would come anyway.
        let paced = entry.pace.every.is_some();
        let wanted = !entry.covered.is_empty() || entry.round == InRound::Now || paced;
        if !wanted && self.recall(io).is_none() {
            let entry = &mut self.writings[writing];
            entry.sync = Sync::Resting;
            entry.dirty = true;
            self.list_unsynced(writing);
            self.sync_again(file);
            self.settle_writing(file);
            self.reap(file);
        }
    }

    /// Takes a barrier that is given up out of the order.
    pub(super) fn leave_earlier(&mut self, op: OpId, writing: Option<WritingId>) {
        if !matches!(self.ops[op].request, Request::SyncAll) {
            return self.leave_order(op, writing);
        }
        let earlier = self.asked_before(op);
        self.leave_order(op, writing);
        self.forsake_round(earlier);
    }

    /// Takes a sync that is given up out of those that wait for a system sync to begin.
    pub(super) fn leave_uncovered(&mut self, op: OpId, writing: Option<WritingId>) {
        let Some(writing) = writing else {
            let earlier = self.asked_before(op);
            self.ops.unlink(&mut self.sync_all.waiting, OPS, op);
            return self.forsake_round(earlier);
        };
        let uncovered = &mut self.writings[writing].uncovered;
        self.ops.unlink(uncovered, OPS, op);
        self.recall_sync(writing);
    }

    /// Takes a sync that is given up out of those that wait for a system sync to return.
    pub(super) fn leave_covered(&mut self, op: OpId, writing: Option<WritingId>) {
        let Some(writing) = writing else {
            return self.ops.unlink(&mut self.sync_all.covered, OPS, op);
        };
        let covered = &mut self.writings[writing].covered;
        self.ops.unlink(covered, OPS, op);
        self.recall_sync(writing);
    }
}
