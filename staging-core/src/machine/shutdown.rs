//! Shutdown: four phases, one way, each with a deadline, and a report that names what it could
//! not finish (S1–S5, S8).

use super::Machine;
use super::budget::Budget;
use super::state::{Fullness, OpState, Order, SyncAll};
use crate::class::Turn;
use crate::event::Grace;
use crate::fault::Fault;
use crate::phase::{Cause, Phase, PhaseName};
use crate::reply::{Ignored, Reply};
use crate::slab::{List, Slab};
use crate::time::Tick;

/// How a shutdown went (S8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Report {
    /// Why the machine closed.
    pub cause: Cause,
    /// Nanoseconds spent in Draining.
    pub draining: u64,
    /// Nanoseconds spent in Closing.
    pub closing: u64,
    /// Outcomes that were a success, in the whole life.
    pub completed: u64,
    /// Outcomes that were a failure, in the whole life; passed deadlines count here.
    pub failed: u64,
    /// Outcomes that were cancelled, in the whole life.
    pub cancelled: u64,
    /// Outcomes that were given up by this shutdown.
    pub abandoned: u64,
    /// Bytes that were acknowledged and are not durable. Zero in a clean end.
    pub undurable_bytes: u64,
}

impl Report {
    /// 0 for a clean end; 1 where something was abandoned; 2 where the driver was lost.
    pub const fn exit_code(&self) -> u8 {
        match self.cause {
            Cause::DriverLost => 2,
            Cause::OutOfTime => 1,
            Cause::Asked | Cause::Forced | Cause::Drained | Cause::GivenBack => {
                (self.abandoned > 0 || self.undurable_bytes > 0) as u8
            }
        }
    }
}

impl Machine {
    /// How the shutdown went; `None` until the machine is closed.
    pub fn report(&self) -> Option<Report> {
        let (end, cause) = self.entered[PhaseName::Closed as usize]?;
        let spent =
            |phase: PhaseName, next: Option<(Tick, Cause)>| match self.entered[phase as usize] {
                Some((began, _)) => next.map_or(end, |(tick, _)| tick).since(began),
                None => 0,
            };
        Some(Report {
            cause,
            draining: spent(
                PhaseName::Draining,
                self.entered[PhaseName::Closing as usize],
            ),
            closing: spent(PhaseName::Closing, None),
            completed: self.stats.completed,
            failed: self.stats.failed + self.stats.expired,
            cancelled: self.stats.cancelled,
            abandoned: self.stats.abandoned,
            undurable_bytes: self.stats.lost_bytes,
        })
    }

    pub(super) fn on_shutdown_asked(&mut self, grace: Grace) -> Reply {
        let end = self.now.plus(grace.total);
        match self.phase {
            Phase::Running => {
                let until = self.now.plus(grace.draining).or_sooner(end);
                self.enter(
                    Phase::Draining {
                        until,
                        closing: grace.closing,
                        end,
                    },
                    Cause::Asked,
                );
                self.refuse_new_work();
            }
            Phase::Draining {
                until,
                closing,
                end: before,
            } => {
                let end = end.or_sooner(before);
                self.phase = Phase::Draining {
                    until: until
                        .or_sooner(self.now.plus(grace.draining))
                        .or_sooner(end),
                    closing: closing.min(grace.closing),
                    end,
                };
            }
            Phase::Closing { until } => {
                let sooner = self.now.plus(grace.closing).or_sooner(end);
                self.phase = Phase::Closing {
                    until: until.or_sooner(sooner),
                };
            }
            Phase::Closed => return self.ignore(Ignored::Closed),
        }
        Reply::Done
    }

    pub(super) fn on_forced(&mut self, closing: u64) -> Reply {
        let asked = self.now.plus(closing);
        match self.phase {
            Phase::Running => self.begin_closing(asked, Cause::Forced),
            Phase::Draining { closing, end, .. } => {
                let until = asked.or_sooner(self.now.plus(closing)).or_sooner(end);
                self.begin_closing(until, Cause::Forced);
            }
            Phase::Closing { until } => {
                self.phase = Phase::Closing {
                    until: until.or_sooner(asked),
                };
            }
            Phase::Closed => return self.ignore(Ignored::Closed),
        }
        Reply::Done
    }

    pub(super) fn on_driver_lost(&mut self) -> Reply {
        self.enter(Phase::Closed, Cause::DriverLost);
        self.answer_all(Fault::DriverLost);
        self.forget_everything();
        Reply::Done
    }

    /// Follows the edges that are due: out of work, out of time, or everything given back.
    pub(super) fn settle_phase(&mut self) {
        if let Phase::Draining {
            until,
            closing,
            end,
        } = self.phase
        {
            let closing_until = self.now.plus(closing).or_sooner(end);
            if self.stats.pending == 0 {
                self.begin_closing(closing_until, Cause::Drained);
            } else if until <= self.now {
                self.begin_closing(closing_until, Cause::OutOfTime);
            }
        }
        if let Phase::Closing { until } = self.phase {
            if self.files.is_empty() && self.ios.is_empty() {
                self.enter(Phase::Closed, Cause::GivenBack);
                self.forget_everything();
            } else if until <= self.now {
                self.enter(Phase::Closed, Cause::OutOfTime);
                self.forget_everything();
            }
        }
    }

    fn enter(&mut self, phase: Phase, cause: Cause) {
        self.phase = phase;
        self.entered[phase.name() as usize] = Some((self.now, cause));
    }

    /// Draining begins (S2): what makes new work is given up, unless a read waits for it (S3).
    fn refuse_new_work(&mut self) {
        let mut from = 0;
        while let Some(file) = self.files.next_from(from) {
            from = file.index() as u32 + 1;
            self.stop_unless_wanted(file);
        }
        let mut from = 0;
        while let Some(op) = self.ops.next_from(from) {
            from = op.index() as u32 + 1;
            let new_work = match self.ops[op].state {
                OpState::AwaitingSlot | OpState::Opening { .. } | OpState::AwaitingLock { .. } => {
                    true
                }
                OpState::AwaitingOrder { .. } => self.plan_of(op).is_some(),
                _ => false,
            };
            if new_work {
                self.give_up(op, Fault::ShuttingDown);
            }
        }
        self.give_up_all_lingering();
    }

    /// Closing begins: every operation is answered, every handle closed, and what files hold is
    /// given back.
    fn begin_closing(&mut self, until: Tick, cause: Cause) {
        self.enter(Phase::Closing { until }, cause);
        self.answer_all(Fault::Abandoned);
        self.give_up_round();
        self.give_back_all_locks();
        let mut from = 0;
        while let Some(handle) = self.handles.next_from(from) {
            from = handle.index() as u32 + 1;
            self.free_handle(handle);
        }
        self.give_up_all_lingering();
    }

    fn answer_all(&mut self, fault: Fault) {
        let mut from = 0;
        while let Some(op) = self.ops.next_from(from) {
            from = op.index() as u32 + 1;
            self.give_up(op, fault);
        }
    }

    /// Closed: no file, no handle, no budget taken. Actions in flight stay until they are named.
    fn forget_everything(&mut self) {
        let mut from = 0;
        while let Some(handle) = self.handles.next_from(from) {
            from = handle.index() as u32 + 1;
            self.handles.remove(handle);
        }
        let mut from = 0;
        while let Some(file) = self.files.next_from(from) {
            from = file.index() as u32 + 1;
            self.keys.remove(self.files[file].key);
            self.files.remove(file);
        }
        let mut from = 0;
        while let Some(op) = self.ops.next_from(from) {
            from = op.index() as u32 + 1;
            self.ops[op].order = Order::Apart;
            self.flight_ended(op);
        }
        let mut from = 0;
        while let Some(writing) = self.writings.next_from(from) {
            from = writing.index() as u32 + 1;
            self.leave_undurable(writing);
            self.writings.remove(writing);
        }
        let mut from = 0;
        while let Some(target) = self.targets.next_from(from) {
            from = target.index() as u32 + 1;
            self.targets_by_key.remove(self.targets[target].key);
            self.targets.remove(target);
        }
        let mut from = 0;
        while let Some(volume) = self.volumes.next_from(from) {
            from = volume.index() as u32 + 1;
            self.volumes_by_key.remove(self.volumes[volume].key);
            self.volumes.remove(volume);
        }
        let mut from = 0;
        while let Some(directory) = self.directories.next_from(from) {
            from = directory.index() as u32 + 1;
            self.directories_by_key
                .remove(self.directories[directory].key);
            self.directories.remove(directory);
        }
        self.own_limits = Slab::new();
        self.forget_all_locks();
        self.stats.unsyncable = 0;
        self.all_writes = List::EMPTY;
        self.writes_by_class = [0; 4];
        self.unsynced = List::EMPTY;
        self.sync_all = SyncAll::IDLE;
        self.bytes = 0;
        self.bytes_room = Fullness::Quiet;
        self.operations_room = Fullness::Quiet;
        self.handles_room = Fullness::Quiet;
        self.lost = None;
        self.news = List::EMPTY;
        self.openers = List::EMPTY;
        self.reopeners = List::EMPTY;
        self.idle = List::EMPTY;
        self.ready = List::EMPTY;
        self.lines = [List::EMPTY; 4];
        self.rings = [List::EMPTY; 4];
        self.turn = Turn::FIRST;
        self.replacers = List::EMPTY;
        self.at_work = 0;
        self.descriptors = 0;
        self.budget = Budget::new(self.limits.budget);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S8: 0 for a clean end, 1 where something was given up, 2 where the driver was lost.
    #[test]
    fn s8_an_end_has_an_exit_code() {
        let clean = Report {
            cause: Cause::GivenBack,
            draining: 0,
            closing: 0,
            completed: 1,
            failed: 1,
            cancelled: 1,
            abandoned: 0,
            undurable_bytes: 0,
        };
        assert_eq!(clean.exit_code(), 0);
        let abandoned = Report {
            abandoned: 1,
            ..clean
        };
        assert_eq!(abandoned.exit_code(), 1);
        let undurable = Report {
            undurable_bytes: 1,
            ..clean
        };
        assert_eq!(undurable.exit_code(), 1);
        let cause = Cause::OutOfTime;
        assert_eq!(Report { cause, ..clean }.exit_code(), 1);
        let cause = Cause::DriverLost;
        assert_eq!(Report { cause, ..clean }.exit_code(), 2);
    }
}
