//! The budget (G10): how many bytes of contents there may be, who waits for room, and who is
//! given up for others.
//!
//! # Invariants
//!
//! `coming + reserved + lent ≤ charged ≤ limit`, where the limit was not lowered below what was charged
//! then; after that, nothing more is charged until it fits. `coming` is being released and will be free;
//! `reserved` is set aside for files whose length is not known yet, and most of it will be free;
//! `lent` is what slices still hold of contents that were released.

use super::Machine;
use super::state::{Contents, OPS, Pass, QUEUE, Queue, Step, Then};
use crate::action::{Done, Outcome};
use crate::event::{Mode, OverBudget, Plan, Request};
use crate::fault::Fault;
use crate::id::{FileId, OpId};
use crate::limits::{charge_loaded, charge_mapped};
use crate::phase::Phase;
use crate::pressure::Pressure;
use crate::reply::{Ignored, Reply};
use crate::slab::List;
use crate::staging::{How, Standing, Why};

#[derive(Clone)]
pub(super) struct Budget {
    limit: u64,
    charged: u64,
    lent: u64,
    coming: u64,
    reserved: u64,
    /// Returned by slices before the release that lent to them was told; at most `coming`.
    early: u64,
    /// Files that wait for room as long as it takes.
    pub(super) patient: List,
    /// Files that wait for room that is being given back, and do without if it is not enough.
    pub(super) hopeful: List,
    /// How much both need in all; a driver may claim any length for any number of files.
    needed: u128,
    /// Files in memory without a handle, the longest so first.
    pub(super) lingering: List,
    lingering_bytes: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Budget {
        Budget {
            limit,
            charged: 0,
            lent: 0,
            coming: 0,
            reserved: 0,
            early: 0,
            patient: List::EMPTY,
            hopeful: List::EMPTY,
            needed: 0,
            lingering: List::EMPTY,
            lingering_bytes: 0,
        }
    }

    pub(super) const fn charged(&self) -> u64 {
        self.charged
    }

    /// What decides about the future: see [`canonical`](super::canonical).
    pub(super) const fn words(&self) -> [u64; 6] {
        [
            self.charged,
            self.lent,
            self.coming,
            self.reserved,
            self.early,
            self.lingering_bytes,
        ]
    }

    pub(super) const fn has_lingering(&self) -> bool {
        !self.lingering.is_empty()
    }

    pub(super) fn pressure(&self) -> Pressure {
        Pressure {
            budget: self.limit,
            charged: self.charged,
            lent: self.lent,
            lingering: self.lingering_bytes,
            returning: self.coming,
            wanted: u64::try_from(self.needed).unwrap_or(u64::MAX),
        }
    }

    fn free(&self) -> u64 {
        self.limit.saturating_sub(self.charged)
    }

    /// How much will be free when what is being released is.
    const fn free_soon(&self) -> u64 {
        self.limit.saturating_sub(self.charged - self.coming)
    }

    /// Whether more will be charged than may be, even then.
    const fn is_overdrawn(&self) -> bool {
        self.charged - self.coming > self.limit
    }

    /// Whether a file can be loaded that could never be mapped: a mapping takes a page more.
    pub(super) const fn fits_only_loaded(&self, len: u64) -> bool {
        charge_loaded(len) <= self.limit && self.limit < charge_mapped(len)
    }

    fn take(&mut self, bytes: u64) -> bool {
        let fits = bytes <= self.free();
        if fits {
            self.charged += bytes;
        }
        fits
    }

    fn take_if_nobody_waits(&mut self, bytes: u64) -> bool {
        !self.somebody_waits() && self.take(bytes)
    }

    /// Sets room aside for a file of which only the greatest length is known.
    pub(super) fn reserve(&mut self, bytes: u64) -> bool {
        let free = self.take_if_nobody_waits(bytes);
        if free {
            self.reserved += bytes;
        }
        free
    }

    /// Of what was set aside, this much is kept.
    pub(super) fn reservation_ended(&mut self, reserved: u64, kept: u64) {
        self.reserved -= reserved;
        self.charged -= reserved - kept;
    }

    fn queue(&mut self, queue: Queue) -> &mut List {
        match queue {
            Queue::Patient => &mut self.patient,
            Queue::Hopeful => &mut self.hopeful,
        }
    }

    /// Whether room will come without anybody giving up what he holds.
    const fn will_have_more(&self) -> bool {
        self.coming > 0 || self.reserved > 0
    }

    const fn somebody_waits(&self) -> bool {
        !self.patient.is_empty() || !self.hopeful.is_empty()
    }

    pub(super) fn give_back(&mut self, bytes: u64) {
        self.charged -= bytes;
    }

    pub(super) fn release_begins(&mut self, charge: u64) {
        self.coming += charge;
    }

    pub(super) fn release_ended(&mut self, charge: u64, lent: u64) {
        self.coming -= charge;
        let met = lent.min(self.early);
        self.early -= met;
        self.lent += lent - met;
        self.charged -= charge - (lent - met);
        self.early = self.early.min(self.coming);
    }

    /// Whether the bytes can have been lent.
    fn returned(&mut self, bytes: u64) -> bool {
        let known = bytes.min(self.lent);
        let ahead = bytes - known;
        if ahead > self.coming - self.early {
            return false;
        }
        self.lent -= known;
        self.charged -= known;
        self.early += ahead;
        true
    }
}

/// A file in a queue, and the room that it waits for.
#[derive(Clone, Copy)]
struct Awaited {
    file: FileId,
    how: How,
    charge: u64,
    queue: Queue,
}

impl Machine {
    pub(super) fn on_returned(&mut self, bytes: u64) -> Reply {
        if !self.budget.returned(bytes) {
            return self.ignore(Ignored::Impossible);
        }
        self.serve_budget();
        Reply::Done
    }

    /// The length is known: takes the room for the file, queues for it, or does without.
    pub(super) fn ask_budget(&mut self, file: FileId, how: How, charge: u64) {
        if self.budget.take_if_nobody_waits(charge) {
            return self.proceed(file, how, charge);
        }
        if charge <= self.budget.limit {
            self.evict_for(charge);
        }
        self.enter_queue(file, how, charge, Queue::Hopeful);
        self.serve_budget();
    }

    /// Gives up what nobody holds until there is, or will be, room for so much more.
    fn evict_for(&mut self, charge: u64) {
        let wanted = self.budget.needed.saturating_add(u128::from(charge));
        while u128::from(self.budget.free_soon()) < wanted {
            let Some(file) = self.files.first(&self.budget.lingering) else {
                return;
            };
            self.stats.evicted += 1;
            self.give_up_lingering(file);
        }
    }

    /// There may be more in memory now, or less. Over a lower budget what nobody holds is given up; from
    /// who holds, nothing is taken. Who waits for more than there will ever be is told so.
    pub(super) fn settle_budget(&mut self, limit: u64) {
        self.budget.limit = limit;
        while self.budget.is_overdrawn()
            && let Some(oldest) = self.files.first(&self.budget.lingering)
        {
            self.stats.evicted += 1;
            self.give_up_lingering(oldest);
        }
        let mut next = self.first_in(&self.budget.patient);
        while let Some(awaited) = next {
            let after = self.files.after(QUEUE, awaited.file);
            next = after.and_then(|file| self.awaited(file));
            if awaited.charge > limit {
                self.disappoint(awaited);
            }
        }
        self.serve_budget();
    }

    /// Room may have come: serves the patient in order, then the hopeful. Where nothing more is
    /// coming, the hopeful do without.
    pub(super) fn serve_budget(&mut self) {
        loop {
            let hopeful = self.first_in(&self.budget.hopeful);
            let Some(next) = self.first_in(&self.budget.patient).or(hopeful) else {
                return;
            };
            if next.charge <= self.budget.free() {
                self.leave_queue(next.file, next.charge, next.queue);
                self.room_came(next);
            } else if let Some(hopeful) = hopeful
                && !self.budget.will_have_more()
            {
                self.disappoint(hopeful);
            } else {
                return;
            }
        }
    }

    fn first_in(&self, queue: &List) -> Option<Awaited> {
        let first = self.files.first(queue);
        first.and_then(|file| self.awaited(file))
    }

    /// The room that a file waits for, if it does.
    fn awaited(&self, file: FileId) -> Option<Awaited> {
        match self.files[file].contents {
            Contents::Staging(Pass {
                step: Step::AwaitingBudget { how, charge, queue },
                ..
            }) => Some(Awaited {
                file,
                how,
                charge,
                queue,
            }),
            _ => None,
        }
    }

    fn room_came(&mut self, awaited: Awaited) {
        let Awaited {
            file, how, charge, ..
        } = awaited;
        self.set_step(file, Step::Opening);
        if self.have_descriptor(file) {
            self.budget.take(charge);
            self.proceed(file, how, charge);
        }
    }

    fn enter_queue(&mut self, file: FileId, how: How, charge: u64, queue: Queue) {
        self.set_step(file, Step::AwaitingBudget { how, charge, queue });
        self.budget.needed += u128::from(charge);
        self.files.push_back(self.budget.queue(queue), QUEUE, file);
    }

    pub(super) fn leave_queue(&mut self, file: FileId, charge: u64, queue: Queue) {
        self.budget.needed -= u128::from(charge);
        self.files.unlink(self.budget.queue(queue), QUEUE, file);
    }

    /// The room that a file hoped for did not come.
    fn disappoint(&mut self, awaited: Awaited) {
        let Awaited {
            file,
            how,
            charge,
            queue,
        } = awaited;
        self.leave_queue(file, charge, queue);
        if charge <= self.budget.limit {
            self.enter_queue(file, how, charge, Queue::Patient);
        } else {
            self.set_step(file, Step::Opening);
        }
        self.refuse_impatient(file);
        if self.files.get(file).is_some() && self.awaited(file).is_some() {
            self.stats.waited_for_room += 1;
        }
    }

    /// Answers those who wait for this staging and did not ask to wait for room. If nobody is
    /// left, the file stays out of memory.
    pub(super) fn refuse_impatient(&mut self, file: FileId) {
        let waits = self.awaited(file);
        let mut next = self.ops.first(&self.files[file].waiters);
        while let Some(op) = next {
            next = self.ops.after(OPS, op);
            let Some(plan) = self.plan_of(op) else {
                continue;
            };
            let patient = plan.mode != Mode::Auto && plan.over_budget == OverBudget::Wait;
            if patient && waits.is_some() {
                continue;
            }
            self.leave_waiters(op, file);
            if self.files[file].stagers == 0 {
                if let Some(Awaited { charge, queue, .. }) = waits {
                    self.leave_queue(file, charge, queue);
                }
                self.files[file].contents = Contents::Absent(Why::OverBudget);
            }
            let outcome = self.over_budget_outcome(op, file, plan);
            self.resolve(op, outcome);
            if self.files.get(file).is_none() {
                return;
            }
        }
        if matches!(self.files[file].contents, Contents::Absent(_)) {
            self.free_readers_of_staging(file);
            self.close_if_unneeded(file);
        }
    }

    /// `Auto` goes on with the file on the disk and says so; an explicit mode fails.
    fn over_budget_outcome(&mut self, op: OpId, file: FileId, plan: Plan) -> Outcome {
        if plan.mode != Mode::Auto {
            self.stats.refused_over_budget += 1;
            return Outcome::Failed {
                fault: Fault::OverBudget,
                done: Done::Nothing,
            };
        }
        self.stats.left_over_budget += 1;
        let len = self.size(file);
        let standing = Standing::NotStaged(Why::OverBudget);
        match self.ops[op].request {
            Request::Open { .. } => Outcome::Opened {
                file,
                len,
                standing,
            },
            _ => Outcome::Staged { len, standing },
        }
    }

    /// The last handle was closed: the file may stay in memory for the next open, as far as the
    /// limit allows.
    pub(super) fn linger_or_release(&mut self, file: FileId, how: How, charge: u64) {
        let fits = charge <= self.limits.linger && !self.budget.is_overdrawn();
        let worth_it = charge > 0 && fits;
        if !self.may_linger() || !worth_it {
            return self.release(file, charge, Then::Rest(Why::NeverAsked));
        }
        self.files[file].contents = Contents::Lingering { how, charge };
        self.files
            .push_back(&mut self.budget.lingering, QUEUE, file);
        self.budget.lingering_bytes += charge;
        self.trim_lingering();
        if self.budget.somebody_waits() {
            self.evict_for(0);
        }
        self.make_room_for_files();
    }

    /// Gives up what lingers beyond its limit.
    pub(super) fn trim_lingering(&mut self) {
        while let Some(oldest) = self.lingers_too_long() {
            self.give_up_lingering(oldest);
        }
    }

    /// Where more lingers than may, the file that has done so the longest.
    fn lingers_too_long(&self) -> Option<FileId> {
        let oldest = self.files.first(&self.budget.lingering);
        oldest.filter(|_| self.budget.lingering_bytes > self.limits.linger)
    }

    /// Files that linger must not keep others from being opened: where there is no room for
    /// another file, the one that lingered the longest leaves.
    pub(super) fn make_room_for_files(&mut self) {
        if self.files.len() >= self.limits.handles
            && let Some(oldest) = self.files.first(&self.budget.lingering)
        {
            self.give_up_lingering(oldest);
        }
    }

    /// There may be fewer files now: those that linger leave until there is room for another.
    pub(super) fn crowd_out_lingering(&mut self) {
        for _ in self.limits.handles..=self.files.len() {
            self.make_room_for_files();
        }
    }

    /// Somebody opened a file that lingered.
    pub(super) fn leave_lingering(&mut self, file: FileId) {
        if let Contents::Lingering { how, charge } = self.files[file].contents {
            self.files.unlink(&mut self.budget.lingering, QUEUE, file);
            self.budget.lingering_bytes -= charge;
            self.files[file].contents = Contents::Staged { how, charge };
        }
    }

    fn give_up_lingering(&mut self, file: FileId) {
        self.leave_lingering(file);
        let charge = self.files[file].charge();
        self.release(file, charge, Then::Rest(Why::Evicted));
    }

    /// Shutdown: nothing lingers any more.
    pub(super) fn give_up_all_lingering(&mut self) {
        while let Some(file) = self.files.first(&self.budget.lingering) {
            self.give_up_lingering(file);
        }
    }

    /// In the phases that give everything back, nothing may linger.
    fn may_linger(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }
}
