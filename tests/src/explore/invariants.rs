//! What must hold in every state.

use super::around::{Around, End, FILES, Held, NONE, SeatState};
use super::rules::{Rule, Verdict};
use super::step::Turn;
use super::world::{Ask, What};
use staging_core::{
    Access, Class, How, IoKind, Life, Mode, OverBudget, PhaseName, Reject, Staging, Tick,
    WakeReason, charge_loaded, charge_mapped,
};

impl Turn<'_> {
    pub(crate) fn is_being_staged(&self, file: usize) -> bool {
        let id = self.state.around.files[file].id;
        let staging = id.and_then(|id| self.state.machine.staging(id));
        staging.is_some_and(|staging| matches!(staging.life, Life::Staging { .. }))
    }

    /// Whether callers may read a file past the machine.
    pub(crate) fn is_shown(&self, file: usize) -> bool {
        let known = &self.state.around.files[file];
        let staging = known.id.and_then(|id| self.state.machine.staging(id));
        let staged = staging.is_some_and(|staging| matches!(staging.life, Life::Staged(_)));
        staged && known.held.is_some_and(|held| held.charge > 0)
    }

    /// A staging has ended: who waited for it need not wait any more.
    pub(crate) fn note_stagings(&mut self) {
        for at in 0..self.state.around.files.len() {
            if self.is_being_staged(at) {
                continue;
            }
            for asked in self.state.around.asked.iter_mut() {
                let here = asked.touch.is_some_and(|touch| touch.file == at);
                asked.held_up &= !here;
            }
        }
    }

    /// What is gone is forgotten, so that equal states are seen to be.
    pub(crate) fn tidy_up(&mut self) -> Verdict {
        let closing = self.state.machine.phase() >= PhaseName::Closing;
        self.learn_ids();
        for at in 0..self.state.around.seats.len() {
            let around = &self.state.around;
            let waits = around.asked.iter().any(|asked| {
                let ask = &self.world.asks[usize::from(asked.ask)];
                ask.seat == at && !ask.what.is_over_all()
            });
            let file = self.world.seats[at];
            let active = around.write_before(NONE, Some(file));
            let since = around.files[file]
                .dirty
                .min(active.map_or(NONE, |(seq, _)| seq));
            let around = &mut self.state.around;
            let seat = &mut around.seats[at];
            let left = seat.state == SeatState::Leaving && !waits;
            if left || (closing && !waits) {
                seat.state = SeatState::Empty;
            }
            if seat.state == SeatState::Empty && seat.handle.is_some() {
                let gone = seat.handle.take();
                // After a failed sync none is tried again: what was executed since is lost, too.
                let lost = seat.lost.min(if seat.broken { since } else { NONE });
                (seat.lost, seat.broken, seat.access) = (NONE, false, Access::Read);
                seat.untold = false;
                seat.keeps = false;
                self.state.around.stale.handle = gone;
                self.note_lost(lost);
            }
        }
        self.forget_what_left();
        self.forget_own_limits();
        self.note_broken();
        self.forget_files()
    }

    /// A sync of all that finds somebody who lost something can only fail.
    pub(crate) fn note_broken(&mut self) {
        if self.state.around.seats.iter().any(|seat| seat.broken) {
            self.note_failed_sync();
        }
    }

    /// A sync of all that is under way will have to tell of it.
    pub(crate) fn note_failed_sync(&mut self) {
        for asked in self.state.around.asked.iter_mut() {
            if self.world.asks[usize::from(asked.ask)].what == What::SyncAll {
                asked.end = End::Failed;
            }
        }
    }

    /// What was written to a file that is no longer open for writing is nobody's to sync, unless a
    /// sync of all came between.
    pub(crate) fn forget_what_left(&mut self) {
        let around = &mut self.state.around;
        for at in 0..around.files.len() {
            let flies = around
                .jobs
                .iter()
                .any(|job| job.file == at && job.touch.is_some());
            let dirty = around.files[at].dirty.min(around.files[at].covered);
            let awaited = around.asked.iter().any(|asked| {
                let over_all = self.world.asks[usize::from(asked.ask)].what == What::SyncAll;
                over_all && dirty < asked.seq && !asked.lost
            });
            let kept = self.world.is_paced() && around.files[at].id.is_some();
            if !flies && !awaited && !kept && !around.is_written(self.world.seats, at) {
                let file = &mut around.files[at];
                (file.dirty, file.covered) = (NONE, NONE);
            }
        }
    }

    fn forget_files(&mut self) -> Verdict {
        let ended = self.state.machine.phase() == PhaseName::Closed;
        for at in 0..self.state.around.files.len() {
            let known = self.state.around.files[at].id;
            let Some(id) = known.filter(|id| self.state.machine.staging(*id).is_none()) else {
                continue;
            };
            let around = &mut self.state.around;
            let file = &mut around.files[at];
            file.id = None;
            let unsynced = file.due != Tick::NEVER;
            Rule::SyncedInTime.holds(!unsynced || ended, || format!("{id:?} is left unsynced"))?;
            let holds = file.held.is_some_and(|held| held.charge > 0);
            let clean = !holds && file.descriptor.is_none();
            let opens = |kind| matches!(kind, IoKind::Open { .. } | IoKind::Fetch { .. });
            let flies = around
                .jobs
                .iter()
                .find(|job| job.file == at && !opens(job.kind));
            Rule::NothingLeftBehind.holds((clean && flies.is_none()) || ended, || {
                format!(
                    "{id:?} is forgotten, {holds}, {:?}, {flies:?}",
                    file.descriptor
                )
            })?;
            (file.held, file.found_empty) = (None, false);
            if self.world.is_paced() {
                (file.dirty, file.covered, file.due) = (NONE, NONE, Tick::NEVER);
            }
            around.full &= !(1 << (4 + at) | 1 << (8 + at));
            if ended {
                file.descriptor = None;
            }
        }
        Ok(())
    }

    pub(crate) fn check(&self) -> Verdict {
        let machine = &self.state.machine;
        let charged = machine.charged();
        let most = self.world.most().budget;
        let told = machine.pressure();
        let over = charged - told.returning > machine.limits().budget;
        let kept = charged <= most && !(over && told.lingering > 0);
        Rule::BudgetKept.holds(kept, || format!("{told:?}"))?;
        self.check_counts()?;
        self.check_wake()?;
        if machine.phase() == PhaseName::Closed {
            let nothing = machine.files() == 0 && charged == 0;
            return Rule::ClosedHoldsNothing.holds(nothing, || format!("{machine:?}"));
        }
        self.check_bounds()?;
        self.check_files()?;
        self.check_nothing_left()?;
        self.check_in_time()?;
        if !self.world.dawdles() {
            let shown = self.shown;
            Rule::WithdrawnBeforeWrite
                .holds(shown.is_none(), || format!("file {shown:?} is shown on"))?;
            self.check_answered_at_once()?;
            self.check_budget()?;
            self.check_full()?;
            self.check_work()?;
        }
        Ok(())
    }

    /// Where nothing is under way and nothing is to come, no temporary file is there, and no lock that nobody
    /// has.
    fn check_nothing_left(&self) -> Verdict {
        let wake = self.state.machine.poll_timeout().map(|wake| wake.reason);
        let at_rest = self.state.around.jobs.is_empty()
            && !matches!(wake, Some(WakeReason::Told | WakeReason::Io));
        let left = self.state.around.replaces.nothing_is_left();
        Rule::NoFileLeft.holds(!at_rest || left.is_ok(), || format!("{left:?}"))?;
        let left = self.state.around.locks.nothing_is_left();
        Rule::LocksGivenBack.holds(!at_rest || left.is_ok(), || format!("{left:?}"))
    }

    fn check_files(&self) -> Verdict {
        let around = &self.state.around;
        for (at, file) in around.files.iter().enumerate() {
            let staging = file.id.and_then(|id| self.state.machine.staging(id));
            let Some(staging) = staging else { continue };
            check_staging(file.held, staging)?;
            let sizes = !self.world.dawdles() && self.world.changes.is_empty();
            if sizes && self.state.machine.phase() < PhaseName::Closing {
                let size = around.size(at);
                let known = around.is_written(self.world.seats, at);
                Rule::SizeIsNewest.holds(staging.len == size || !known, || {
                    format!("{} bytes, and {size} were accepted", staging.len)
                })?;
            }
        }
        Ok(())
    }

    fn check_counts(&self) -> Verdict {
        let s = self.state.machine.stats();
        let gone = s.completed + s.failed + s.cancelled + s.expired + s.abandoned;
        Rule::CountsConserved.holds(s.accepted == gone + s.pending, || format!("{s:?}"))?;
        for class in Class::ALL {
            let c = self.state.machine.writes_of(class);
            let gone = c.completed + c.failed + c.cancelled + c.expired + c.abandoned;
            let conserved = c.accepted == gone + c.pending;
            Rule::CountsConserved.holds(conserved, || format!("{class:?}: {c:?}"))?;
        }
        // Files are refused writes only after a sync failed, and never more of them than there are.
        let files = self.state.machine.files() as u64;
        let told = s.unsyncable <= s.syncs_failed.min(files);
        Rule::CountsConserved.holds(told, || format!("{files} files: {s:?}"))?;
        for job in &self.state.around.jobs {
            let mut askers = self.state.machine.askers(job.io);
            let known = askers.all(|op| self.state.machine.class_of_op(op).is_some());
            Rule::CountsConserved.holds(known, || format!("somebody gone has {:?}", job.kind))?;
        }
        let waiting = self.state.around.asked.len() as u64;
        let same = match self.world.dawdles() {
            true => s.pending <= waiting,
            false => s.pending == waiting,
        };
        Rule::CountsConserved.holds(same, || format!("{} pending, {waiting} wait", s.pending))
    }

    fn check_bounds(&self) -> Verdict {
        let limits = self.world.most();
        let around = &self.state.around;
        let files = 2 * limits.handles as usize;
        let ops = (limits.operations + limits.handles + limits.locks) as usize;
        let fits = self.state.machine.files() <= files
            && around.asked.iter().all(|asked| asked.op.index() < ops)
            && around
                .files
                .iter()
                .all(|file| file.id.is_none_or(|id| id.index() < files));
        Rule::Bounded.holds(fits, || format!("{:?}", self.state.machine))?;
        let counted = |access: &Option<Access>| *access == Some(Access::Read);
        let held = around
            .files
            .iter()
            .filter(|file| counted(&file.descriptor))
            .count();
        let moving = around.jobs.iter().filter(|job| {
            let opens = matches!(
                job.kind,
                IoKind::Open {
                    access: Access::Read,
                    ..
                } | IoKind::Fetch { .. }
            );
            opens || job.closes_reader
        });
        let held = held + moving.count();
        Rule::DescriptorsBounded.holds(held <= limits.descriptors as usize, || {
            format!("{held} descriptors")
        })
    }

    /// `poll_timeout` says now if something is to be polled, and else the first thing that is due.
    fn check_wake(&self) -> Verdict {
        let machine = &self.state.machine;
        let around = &self.state.around;
        let Some(wake) = machine.poll_timeout() else {
            // Where everything is polled at once, the last poll had nothing.
            let silent = !self.world.dawdles() || machine.clone().poll_action().is_none();
            return Rule::WakeIsTrue.holds(silent, || "unannounced".into());
        };
        let first = around.asked.iter().filter(|asked| !asked.given_up);
        let first = first
            .map(|asked| asked.deadline)
            .min()
            .unwrap_or(Tick::NEVER);
        let true_word = match wake.reason {
            WakeReason::Told => wake.at <= around.now && machine.clone().poll_told().is_some(),
            WakeReason::Io => {
                let mut later = machine.clone();
                wake.at <= around.now && later.poll_told().is_none() && later.poll_io().is_some()
            }
            WakeReason::Deadline(op) => {
                let due = around.asked_by_op(op).map(|at| around.asked[at].deadline);
                wake.at > around.now && wake.at == first && due == Some(first)
            }
            WakeReason::Retry(lock) => {
                wake.at > around.now && wake.at <= first && machine.knows_lock(lock)
            }
            WakeReason::Sync(file) => {
                wake.at > around.now && wake.at <= first && machine.staging(file).is_some()
            }
            WakeReason::PhaseEnds => {
                let phase = machine.phase();
                let between = phase > PhaseName::Running && phase < PhaseName::Closed;
                between && wake.at > around.now && wake.at <= first
            }
            _ => false,
        };
        Rule::WakeIsTrue.holds(true_word, || format!("{wake:?} at {:?}", around.now))
    }

    fn check_answered_at_once(&self) -> Verdict {
        let around = &self.state.around;
        let late = around
            .asked
            .iter()
            .find(|asked| asked.given_up || asked.deadline <= around.now);
        Rule::CancelAnswersAtOnce.holds(late.is_none(), || format!("{late:?} still waits"))
    }

    /// What is charged is what is held, set aside, or lent (G10).
    fn check_budget(&self) -> Verdict {
        let around = &self.state.around;
        let files = around.files.iter().filter_map(|file| file.id);
        let charges = files.filter_map(|id| self.state.machine.staging(id));
        let held: u64 = charges.map(|staging| staging.charge).sum();
        let fetches = around.jobs.iter().map(|job| match job.kind {
            IoKind::Fetch { up_to, .. } => charge_loaded(up_to),
            _ => 0,
        });
        let known = held + fetches.sum::<u64>() + around.lent * staging_core::PAGE;
        let charged = self.state.machine.charged();
        Rule::ChargedIsHeld.holds(charged == known, || {
            format!("{charged} charged, {known} known")
        })?;
        let told = self.state.machine.pressure();
        let parts = told.lent + told.lingering + told.returning;
        let right = (told.charged, told.budget) == (charged, self.state.machine.limits().budget);
        Rule::ChargedIsHeld.holds(right && parts <= charged, || format!("{told:?}"))
    }

    /// What was reported full is full, or it would have been told (R12).
    fn check_full(&self) -> Verdict {
        let full = self.state.around.full;
        for bit in (0..32).filter(|bit| full & (1 << bit) != 0) {
            Rule::RoomIsTold.holds(self.is_full(bit), || {
                format!("bound {bit} has room, and nobody was told")
            })?;
        }
        Ok(())
    }

    /// Whether a bound is reached, as far as can be seen from outside.
    pub(crate) fn is_full(&self, bit: usize) -> bool {
        let around = &self.state.around;
        let limits = self.state.machine.limits();
        let closing = self.state.machine.phase() >= PhaseName::Closing;
        let on = |file: usize| {
            let here = around.asked.iter().filter(|asked| {
                let ask = &self.world.asks[usize::from(asked.ask)];
                let own = self.world.seats[ask.seat] == file && !ask.what.is_over_all();
                own && !ask.what.is_open()
            });
            here.count()
        };
        match bit {
            0 => {
                let flying = around.jobs.iter().filter(|job| {
                    let answered = !around.asked.iter().any(|asked| asked.seq == job.seq);
                    answered && (job.touch.is_some() || is_open(job.kind)) && !job.reopens
                });
                let is_asked = |op| around.asked.iter().any(|asked| asked.op == op);
                let outlived = around.replaces.outlived(&self.state.machine, is_asked);
                let held = around.asked.len() + flying.count() + outlived;
                held >= limits.operations as usize
            }
            1 => {
                let taken = around
                    .seats
                    .iter()
                    .filter(|seat| seat.state != SeatState::Empty);
                let most = taken.count().max(self.state.machine.files());
                most >= limits.handles as usize
            }
            2 => around.bytes(None) > 0,
            3 => {
                let asked = around.asked.iter();
                let asked =
                    asked.filter(|asked| self.world.asks[usize::from(asked.ask)].what.is_lock());
                self.state.machine.locks().max(asked.count()) >= limits.locks as usize
            }
            4..8 => on(bit - 4) >= self.most_operations(bit - 4) || closing,
            8..12 => around.bytes(Some(bit - 8)) > 0 || closing,
            _ => false,
        }
    }

    /// A request is refused for a reason that its caller can see.
    pub(crate) fn check_refused(&self, reject: Reject, ask: &Ask) -> Verdict {
        let around = &self.state.around;
        let right = match reject {
            Reject::Full(bound) => {
                let bit = self.full_bit(bound).trailing_zeros() as usize;
                self.is_full(bit) && ask.what != What::Close
            }
            Reject::ShuttingDown => self.state.machine.phase() > PhaseName::Running,
            Reject::ReadOnly => around.seats[ask.seat].access == Access::Read,
            Reject::SyncFailed => {
                let seat = &around.seats[ask.seat];
                Rule::ToldOfSync.holds(!seat.untold, || format!("seat {}", ask.seat))?;
                seat.broken && !seat.keeps
            }
            Reject::BadRange => ask.what.leads_nowhere(),
            Reject::UnknownHandle => around.seats[ask.seat].state != SeatState::Open,
            _ => false,
        };
        Rule::RefusedForCause.holds(right, || format!("{reject:?}"))
    }

    /// Whoever waits while nothing is under way waits for room that somebody holds, and asked to.
    fn check_work(&self) -> Verdict {
        let around = &self.state.around;
        if !around.jobs.is_empty() || self.state.machine.phase() > PhaseName::Running {
            return Ok(());
        }
        let mut patient = [false; FILES];
        for asked in &around.asked {
            let ask = &self.world.asks[usize::from(asked.ask)];
            let waits = ask.what.plan().is_some_and(|plan| {
                plan.over_budget == OverBudget::Wait && plan.mode != Mode::Auto
            });
            patient[self.world.seats[ask.seat]] |= waits;
        }
        let charged = self.state.machine.charged() > 0;
        for asked in &around.asked {
            let ask = &self.world.asks[usize::from(asked.ask)];
            let had = around.locks.held().next().is_some();
            let retries = self.state.machine.next_deadline().is_some();
            if ask.what.is_lock() && (had || retries) {
                continue;
            }
            let behind = match ask.what {
                What::Unstage => false,
                What::FlushAll | What::SyncAll => patient.contains(&true),
                _ => patient[self.world.seats[ask.seat]],
            };
            Rule::PendingHasWork
                .holds(charged && behind, || format!("nobody works on {asked:?}"))?;
        }
        Ok(())
    }
}

impl Around {
    /// What the longest file takes of the budget, mapped.
    pub(crate) fn most_charge(&self) -> u64 {
        let longest = self.files.iter().map(|file| file.view.len).max();
        charge_mapped(longest.unwrap_or_default())
    }
}

/// What the machine says of a file, beside what the driver has of it.
pub(crate) fn check_staging(held: Option<Held>, staging: Staging) -> Verdict {
    let charge = held.map_or(0, |held| held.charge);
    Rule::ChargedIsHeld.holds(charge <= staging.charge, || format!("{held:?}"))?;
    if let Life::Staged(how) = staging.life {
        let empty = how == How::Empty && staging.charge == 0;
        let right = held.map_or(empty, |held| {
            let same = held.how == how && held.charge == staging.charge;
            same && held.whole() && (!held.mixed || how != How::Loaded)
        });
        Rule::StagedIsWhole.holds(right, || format!("{how:?} is {held:?}"))?;
        let waiting = staging.waiting;
        Rule::WaitersAnsweredTogether
            .holds(waiting == 0, || format!("{waiting} wait for what is there"))?;
    }
    Ok(())
}

fn is_open(kind: IoKind) -> bool {
    matches!(kind, IoKind::Open { .. } | IoKind::Fetch { .. })
}
