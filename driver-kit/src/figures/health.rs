//! How the stager stands: whether it takes work, and what keeps it from going on.

use staging_core::{Cause, Machine, PhaseName};
use std::time::Duration;

/// How a stager stands, at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// Whether it takes work, and if not, why.
    pub condition: Condition,
    /// Files whose sync failed and that are still open by handles of before: those refuse writes and
    /// syncs until they are closed (R8).
    pub unsyncable: u64,
    /// What has been accepted and is not answered.
    pub queue: Queue,
    /// Who carries it out.
    pub workers: Workers,
}

impl Health {
    pub(crate) fn of(machine: &Machine, under_way: u64, workers: Workers) -> Health {
        let stats = machine.stats();
        Health {
            condition: Condition::of(machine),
            unsyncable: stats.unsyncable,
            queue: Queue {
                operations: stats.pending,
                most: stats.most_pending,
                limit: machine.limits().operations,
                under_way,
            },
            workers,
        }
    }

    /// Whether an operation would be accepted now.
    pub const fn takes_work(&self) -> bool {
        matches!(self.condition, Condition::Ready)
    }

    /// Whether it takes work, no sync has failed on what is open, and the workers are not all stuck.
    pub const fn is_sound(&self) -> bool {
        self.takes_work() && self.unsyncable == 0 && self.workers.stuck_for.is_none()
    }
}

/// Whether a stager takes work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// It does.
    Ready,
    /// As many operations are under way as there may be: others wait for room (R12).
    Full,
    /// It is shutting down, and finishes what was accepted (S2).
    Draining,
    /// It gives back what it has.
    Closing,
    /// It is closed.
    Closed,
    /// It is closed, because its driver could carry out nothing any more.
    DriverLost,
}

impl Condition {
    fn of(machine: &Machine) -> Condition {
        match machine.phase() {
            PhaseName::Running if machine.operations_have_room() => Condition::Ready,
            PhaseName::Running => Condition::Full,
            PhaseName::Draining => Condition::Draining,
            PhaseName::Closing => Condition::Closing,
            PhaseName::Closed => match machine.report().map(|report| report.cause) {
                Some(Cause::DriverLost) => Condition::DriverLost,
                Some(
                    Cause::Asked
                    | Cause::Forced
                    | Cause::Drained
                    | Cause::GivenBack
                    | Cause::OutOfTime,
                )
                | None => Condition::Closed,
            },
        }
    }
}

/// What has been accepted and is not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queue {
    /// Operations, locks that are waited for among them.
    pub operations: u64,
    /// The most there were at once.
    pub most: u64,
    /// How many there may be; locks have a bound of their own.
    pub limit: u32,
    /// Actions that are being carried out.
    pub under_way: u64,
}

/// Who carries actions out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workers {
    /// How many are at work; where there may be workers, callers who help are among them, and in need beside them.
    pub at_work: u32,
    /// How many workers there may be; 0 where the callers do everything.
    pub most: u32,
    /// For how long none of them has taken anything or come back, while there are as many as there may be,
    /// all at work, and more is to be done. `None` while things go on.
    pub stuck_for: Option<Duration>,
}
