//! What is told: each answer is held against what was asked, what happened, and what is there.

use super::around::{Asked, End, SeatState};
use super::driver::EIO;
use super::order::pages;
use super::rules::{Rule, Verdict};
use super::step::Turn;
use super::world::{Ask, Ill, What};
use staging_core::{
    Bound, Cause, Done, EDGES, Fault, FileId, Mode, OpId, Outcome, OverBudget, PhaseName, Report,
    Standing, Tag, Tell, Why,
};

impl Turn<'_> {
    pub(crate) fn hear(&mut self, tell: Tell) -> Verdict {
        self.reached.told(tell);
        let told = self.state.around.told;
        Rule::NothingAfterClosed.holds(told < PhaseName::Closed, || format!("{tell:?}"))?;
        match tell {
            Tell::Resolve { op, tag, outcome } => self.answered(op, tag, outcome),
            Tell::Progress { file, done, total } => {
                let known = self.state.machine.staging(file).is_some();
                let right = known && 0 < done && done <= total && total > self.world.limits.chunk;
                Rule::OutcomeFits.holds(right, || format!("{tell:?}"))
            }
            Tell::Withdrawn { file } => {
                let at = self.state.around.file_by_id(file);
                self.shown = self.shown.filter(|shown| Some(*shown) != at);
                Ok(())
            }
            Tell::Room { bound } => {
                let bit = self.full_bit(bound);
                let was_full = self.state.around.full & bit != 0;
                self.state.around.full &= !bit;
                Rule::RoomIsTold.holds(was_full, || format!("{bound:?} was not full"))?;
                // Of bytes it cannot be seen from here how many more there is room for.
                let counted = !matches!(bound, Bound::Bytes | Bound::FileBytes(_));
                let full = self.is_full(bit.trailing_zeros() as usize);
                let still = counted && full && !self.world.dawdles();
                let closing = self.state.machine.phase() >= PhaseName::Closing;
                Rule::RoomIsTold.holds(!still || closing, || format!("{bound:?} is still full"))
            }
            Tell::Abandoned { io, .. } => {
                let closed = self.state.machine.phase() == PhaseName::Closed;
                let jobs = &mut self.state.around.jobs;
                let before = jobs.len();
                jobs.retain(|job| job.io != io);
                let named = jobs.len() < before;
                Rule::AbandonedIsNamed.holds(closed && named, || format!("{tell:?}"))
            }
            Tell::Phase { phase, cause } => {
                let edge = EDGES.contains(&(told, phase, cause));
                Rule::PhasesForward.holds(edge, || format!("{told:?} -> {phase:?} : {cause:?}"))?;
                self.state.around.told = phase;
                if phase == PhaseName::Closed {
                    self.state.around.locks.end();
                }
                self.check_end(phase)
            }
        }
    }

    fn answered(&mut self, op: OpId, tag: Tag, outcome: Outcome) -> Verdict {
        let around = &mut self.state.around;
        let Some(at) = around.asked_by_op(op) else {
            return Rule::OneOutcome.broken(format!("{op:?}, and nobody waits: {outcome:?}"));
        };
        let asked = around.asked.remove(at);
        around.stale.op = Some(op);
        Rule::OneOutcome.holds(tag.0 == u64::from(asked.ask), || {
            format!("{op:?} by {tag:?}")
        })?;
        let ask = &self.world.asks[usize::from(asked.ask)];
        let seat = &mut around.seats[ask.seat];
        match (ask.what, outcome) {
            (What::Open(..), Outcome::Opened { .. }) if seat.state == SeatState::Opening => {
                seat.state = SeatState::Open;
            }
            (What::Open(..), Outcome::Failed { .. })
            | (
                What::Close,
                Outcome::Closed
                | Outcome::Failed {
                    fault: Fault::SyncFailed,
                    ..
                },
            ) => {
                around.stale.handle = seat.handle;
                seat.state = SeatState::Empty;
            }
            _ => {}
        }
        if matches!(ask.what, What::Replace(..)) {
            let said = around.replaces.answered(op, outcome);
            Rule::ReplacedInSteps.holds(said.is_ok(), || said.err().unwrap_or_default())?;
        }
        if ask.what.is_lock() {
            let machine = &self.state.machine;
            let said = around.locks.answered(op, outcome, machine);
            Rule::LocksInOrder.holds(said.is_ok(), || said.err().unwrap_or_default())?;
        }
        self.learn_ids();
        if let Outcome::Opened { .. } = outcome {
            self.set_interval(ask.seat)?;
        }
        let untold = self.state.around.seats[ask.seat].untold && !ask.what.is_over_all();
        let well = matches!(
            outcome,
            Outcome::Closed | Outcome::Flushed | Outcome::Synced
        );
        Rule::ToldOfSync.holds(!(untold && well), || {
            format!("seat {} was told nothing, and hears {outcome:?}", ask.seat)
        })?;
        let verdict = self.check_answer(&asked, ask, outcome);
        if let Outcome::Failed { fault, .. } = outcome {
            self.hears_of_sync(ask.seat, fault);
        }
        self.note_told(ask.seat, ask.what, outcome);
        self.forget_what_left();
        verdict
    }

    fn check_answer(&self, asked: &Asked, ask: &Ask, outcome: Outcome) -> Verdict {
        let file = self.world.seats[ask.seat];
        let fits = match (ask.what, outcome) {
            (What::Open(_, plan), Outcome::Opened { len, standing, .. }) => {
                self.check_len(file, len)?;
                self.check_standing(plan.mode, standing)?;
                true
            }
            (What::Stage(plan), Outcome::Staged { len, standing }) => {
                self.check_len(file, len)?;
                self.check_standing(plan.mode, standing)?;
                true
            }
            (What::Unstage, Outcome::Unstaged)
            | (What::SetLength(_), Outcome::LengthSet)
            | (What::Flush | What::FlushAll, Outcome::Flushed)
            | (What::Sync | What::SyncAll, Outcome::Synced)
            | (What::Replace(..), Outcome::Replaced)
            | (What::Lock(..) | What::TryLock(..), Outcome::Locked { .. })
            | (What::Close, Outcome::Closed) => true,
            (What::SyncAll, Outcome::SyncFailed { files, .. }) => {
                files > 0 && (asked.end == End::Failed || self.heard.is_some())
            }
            (
                What::Write(at, len) | What::WriteAs(_, at, len),
                Outcome::Written { offset, bytes },
            ) => (offset, bytes) == (at, len),
            (What::Append(len) | What::AppendAs(_, len), Outcome::Written { offset, bytes }) => {
                bytes == len && asked.touch.map_or(len == 0, |touch| touch.start == offset)
            }
            (What::Read(_, len), Outcome::Read { bytes }) => {
                len == 0 || asked.end == End::Read(bytes)
            }
            (What::Read(..), Outcome::FromContents { file: id }) => {
                return self.check_from_contents(asked, file, id);
            }
            (_, Outcome::Failed { fault, done }) => {
                return self.check_failure(asked, ask, fault, done);
            }
            _ => false,
        };
        Rule::OutcomeFits.holds(fits, || format!("{asked:?}: {outcome:?}"))?;
        match outcome {
            // To write nothing is done at once.
            Outcome::Written { bytes: 0, .. } => Ok(()),
            Outcome::Written { .. } | Outcome::LengthSet => Rule::WrittenIsExecuted
                .holds(asked.end == End::Executed, || {
                    format!("{asked:?}: {outcome:?}")
                }),
            Outcome::Flushed => {
                let of = (ask.what == What::Flush).then_some(file);
                self.check_flushed(asked.seq, of, Rule::FlushCovers)
            }
            Outcome::Synced => {
                Rule::LostStaysLost.holds(!asked.lost, || {
                    format!("{asked:?} is synced, and something before it is lost")
                })?;
                let seat = (ask.what == What::Sync).then_some(ask.seat);
                self.check_synced(asked.seq, seat)
            }
            _ => Ok(()),
        }
    }

    /// The length told with an answer is the length after the newest accepted operation (R6).
    fn check_len(&self, file: usize, len: u64) -> Verdict {
        if self.world.dawdles() || !self.world.changes.is_empty() {
            return Ok(());
        }
        let size = self.state.around.size(file);
        Rule::SizeIsNewest.holds(len == size, || format!("{len} bytes are told of {size}"))
    }

    /// An explicit mode is told that there is no room by a failure (G10).
    fn check_standing(&self, mode: Mode, standing: Standing) -> Verdict {
        let over = standing == Standing::NotStaged(Why::OverBudget);
        let explicit = !matches!(mode, Mode::Auto | Mode::None);
        Rule::RefusedRoomAsked.holds(!(over && explicit), || {
            format!("{mode:?} ended with {standing:?}")
        })
    }

    fn check_from_contents(&self, asked: &Asked, file: usize, id: FileId) -> Verdict {
        if self.state.machine.phase() == PhaseName::Closed {
            return Ok(());
        }
        let known = &self.state.around.files[file];
        let empty = known.found_empty || known.view.len == 0;
        let whole = known.held.as_ref().map_or(empty, |held| held.whole());
        let own = known.id == Some(id);
        Rule::ContentsBeforeAnswer.holds(whole && own, || format!("read from {:?}", known.held))?;
        let Some(touch) = asked.touch else {
            return Ok(());
        };
        if let Some(held) = known.held.filter(|_| self.world.changes.is_empty()) {
            let page = pages(touch.start, touch.end.min(held.total))
                .find(|page| held.pages[*page] != known.view.pages[*page]);
            Rule::ContentsAreCurrent.holds(page.is_none(), || {
                format!("page {page:?} of {held:?} is not that of {:?}", known.view)
            })?;
            Rule::ContentsAreCurrent.holds(held.total == known.view.len, || {
                format!("{held:?} is short")
            })?;
        }
        let missed = self.state.around.write_before(asked.seq, Some(file));
        let missed = missed.filter(|(_, other)| other.meets(&touch));
        Rule::ContentsAreCurrent.holds(missed.is_none(), || format!("{touch:?} misses {missed:?}"))
    }

    fn check_failure(&self, asked: &Asked, ask: &Ask, fault: Fault, done: Done) -> Verdict {
        let state = &self.state;
        let phase = state.machine.phase();
        let file = self.world.seats[ask.seat];
        let append = matches!(ask.what, What::Append(_) | What::AppendAs(..));
        let stage = matches!(ask.what, What::Stage(_));
        let heard = self.heard == Some(fault) || self.world.dawdles();
        let right = match fault {
            Fault::Cancelled => asked.given_up || stage || append,
            Fault::Deadline => asked.deadline <= state.around.now || append,
            Fault::ShuttingDown => phase > PhaseName::Running,
            Fault::Abandoned => phase > PhaseName::Draining,
            Fault::DriverLost => {
                let report = state.machine.report();
                report.is_some_and(|report| report.cause == Cause::DriverLost)
            }
            Fault::OverBudget => ask.what.plan().is_some_and(|plan| {
                let explicit = plan.mode != Mode::Auto;
                let impatient = plan.over_budget == OverBudget::Refuse;
                explicit && (impatient || self.world.least_budget() < state.around.most_charge())
            }),
            Fault::Changed => {
                let truncates = self.world.ills.contains(&Ill::Truncated);
                truncates || !self.world.changes.is_empty()
            }
            Fault::SyncBehind(5) => state.around.seats[ask.seat].untold,
            Fault::SyncFailed => {
                let older = asked.end == End::Failed && ask.what == What::Sync;
                state.around.seats[ask.seat].broken || ask.what == What::SyncAll || older
            }
            Fault::NoMapping => heard || state.around.is_written(self.world.seats, file),
            Fault::Contended => matches!(ask.what, What::TryLock(..)),
            EIO if ask.what.is_lock() => self.world.ills.contains(&Ill::Lock),
            EIO if matches!(ask.what, What::Replace(..)) => self.world.ills.contains(&Ill::Replace),
            EIO | Fault::Replaced | Fault::Os(28) => heard || append,
            _ => false,
        };
        Rule::FailureHasCause.holds(right, || format!("{:?}: {fault:?}", asked))?;
        // How much happened is told: unknown where a system call goes on, else known (R9).
        let flies = state.around.flies(asked.seq);
        let may_fly = asked.touch.is_none();
        let honest = match done {
            Done::Unknown => flies || may_fly,
            Done::Nothing | Done::Bytes(_) => !flies,
        };
        let late = phase == PhaseName::Closed || self.world.dawdles();
        Rule::FailureHasCause.holds(honest || late, || {
            format!("{asked:?}: {fault:?}, {done:?} done")
        })
    }

    /// Closed is the end: everything was answered and named, and nothing follows (S5).
    fn check_end(&self, phase: PhaseName) -> Verdict {
        if phase != PhaseName::Closed {
            return Ok(());
        }
        let around = &self.state.around;
        let machine = &self.state.machine;
        Rule::OneOutcome.holds(around.asked.is_empty(), || {
            format!("unanswered: {:?}", around.asked)
        })?;
        Rule::AbandonedIsNamed.holds(around.jobs.is_empty(), || {
            format!("not named: {:?}", around.jobs)
        })?;
        let report = machine.report().filter(|_| machine.stats().pending == 0);
        let told = report.is_some_and(|report| self.ends_as_it_says(report));
        Rule::ClosedHoldsNothing.holds(told, || format!("{:?}", machine.report()))?;
        let silent = machine.poll_timeout().is_none() && machine.clone().poll_action().is_none();
        Rule::NothingAfterClosed.holds(silent, || format!("{:?}", machine.poll_timeout()))
    }

    /// What the process is to end with: 2 where the driver was lost, 1 where something was given up
    /// or is not durable (S8).
    fn ends_as_it_says(&self, report: Report) -> bool {
        let lossy = Report {
            undurable_bytes: 1,
            ..report
        };
        let (least, most) = match report.cause {
            Cause::DriverLost => (2, 2),
            Cause::OutOfTime => (1, 1),
            _ => {
                let lossy = report.abandoned > 0 || report.undurable_bytes > 0;
                (u8::from(lossy), 1)
            }
        };
        report.exit_code() == least && lossy.exit_code() == most
    }

    /// The bit of a bound that may be full.
    pub(crate) fn full_bit(&self, bound: Bound) -> u32 {
        let of = |file: FileId| self.state.around.file_by_id(file).unwrap_or_default();
        1 << match bound {
            Bound::Operations => 0,
            Bound::Handles => 1,
            Bound::Bytes => 2,
            Bound::Locks => 3,
            Bound::FileOperations(file) => 4 + of(file),
            Bound::FileBytes(file) => 8 + of(file),
        }
    }
}
