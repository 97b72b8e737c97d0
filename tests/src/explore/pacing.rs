//! Worlds where whoever may write has an interval: what is written is synced by time (L3), and if that fails, each
//! is told once.

use super::around::{Around, SeatState};
use super::driver::EIO;
use super::rules::{Rule, Verdict};
use super::step::Turn;
use super::world::{Ill, May, Pinned, What, World, ask, open_to_write};
use super::worlds::SMALL;
use staging_core::{Event, Fault, Limits, Mode, OpId, PAGE, PhaseName, Reply, Tick};

/// How long after it is accepted a write is to be covered by a sync at the latest.
pub(crate) const EVERY: u64 = 7;

/// Of a write that a failed sync has lost before it was executed: none is to cover it.
const LOST: Tick = Tick::ZERO;

impl World {
    pub(crate) fn is_paced(&self) -> bool {
        self.may(May::Pace)
    }
}

impl Turn<'_> {
    /// What is accepted now is to be covered by then; never, where nobody has an interval.
    pub(crate) fn due(&self) -> Tick {
        match self.world.is_paced() {
            true => self.state.around.now.plus(EVERY),
            false => Tick::NEVER,
        }
    }

    /// A seat has its handle: it asks for an interval.
    pub(crate) fn set_interval(&mut self, at: usize) -> Verdict {
        let seat = self.state.around.seats[at];
        let Some(handle) = seat.handle.filter(|_| seat.access.may_write()) else {
            return Ok(());
        };
        if !self.world.is_paced() || self.state.machine.phase() > PhaseName::Draining {
            return Ok(());
        }
        let reply = self.say(Event::IntervalSet {
            handle,
            every: EVERY,
        });
        Rule::SyncedInTime.holds(reply == Reply::Done, || {
            format!("an interval for seat {at}: {reply:?}")
        })
    }

    /// L3: what was executed an interval ago is covered by a sync that was handed out, unless one that covers
    /// less is under way, or a write that had been accepted by then.
    pub(crate) fn check_in_time(&self) -> Verdict {
        let around = &self.state.around;
        if !self.world.is_paced() || self.state.machine.phase() > PhaseName::Draining {
            return Ok(());
        }
        for (at, file) in around.files.iter().enumerate() {
            let late = file.due <= around.now && !file.syncing;
            let waits = around.waits_for_earlier(at, file.due);
            Rule::SyncedInTime.holds(!late || waits, || {
                format!("file {at} was to be synced at {:?}", file.due)
            })?;
        }
        Ok(())
    }

    /// R8: a handle hears once of a sync that failed though it asked for none, and nothing is done before it has.
    pub(crate) fn hears_of_sync(&mut self, at: usize, fault: Fault) {
        if matches!(fault, EIO | Fault::SyncFailed | Fault::SyncBehind(_)) {
            self.state.around.seats[at].untold = false;
        }
    }
}

impl Around {
    /// Something was executed that is to be covered by then.
    pub(crate) fn is_due(&mut self, file: usize, due: Tick) {
        if due != LOST {
            let file = &mut self.files[file];
            file.due = file.due.or_sooner(due);
        }
    }

    /// Whether a write is under way or waits that had been accepted when a sync fell due.
    fn waits_for_earlier(&self, file: usize, due: Tick) -> bool {
        let accepted = |accepted: Tick| accepted <= due.plus(EVERY);
        let flies = self.jobs.iter().any(|job| {
            let here = job.touch.is_some_and(|touch| touch.writes());
            here && job.file == file && accepted(job.due)
        });
        let waits = self.asked.iter().any(|asked| {
            let here = asked.touch.filter(|touch| touch.writes());
            here.is_some_and(|touch| touch.file == file) && accepted(asked.due)
        });
        flies || waits
    }

    /// By when an operation is to be covered.
    pub(crate) fn due_of(&self, op: OpId) -> Tick {
        self.asked_by_op(op)
            .map_or(Tick::NEVER, |at| self.asked[at].due)
    }

    /// Those who have a file open to write are to be told that a sync failed.
    pub(crate) fn sync_failed_unasked(&mut self, file: usize, seats: &[usize]) {
        for (seat, of) in self.seats.iter_mut().zip(seats) {
            let open = matches!(seat.state, SeatState::Open | SeatState::Leaving);
            seat.untold |= *of == file && open && seat.access.may_write();
        }
        // What they have under way is told to be lost with it; it is waited for all the same.
        for job in self.jobs.iter_mut().filter(|job| job.file == file) {
            job.due = LOST;
        }
        for asked in &mut self.asked {
            if asked.touch.is_some_and(|touch| touch.file == file) {
                asked.due = LOST;
            }
        }
    }
}

pub(super) const PACED: World = World {
    name: "paced",
    purpose: "two write to a file that is synced by time, and by who asks; a sync fails, and they are told",
    limits: Limits { fetch: 0, ..SMALL },
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(1, What::Write(PAGE, PAGE)),
        ask(0, What::Sync),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[Ill::Sync],
    may: &[May::Pace, May::Drop],
    changes: &[],
    reaches: &[
        "written",
        "sync",
        "failed sync behind",
        "refused sync failed",
    ],
    pinned: Pinned {
        states: 176998,
        transitions: 3339041,
    },
};

pub(super) const PACED_LEAVING: World = World {
    name: "paced leaving",
    purpose: "one writes with an interval, and leaves, by a close, a drop, or into a shutdown",
    seats: &[0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Write(PAGE, PAGE)),
        ask(0, What::Close),
    ],
    ills: &[Ill::Sync],
    may: &[May::Pace, May::Drop, May::ShutDown],
    reaches: &[
        "written",
        "sync",
        "failed sync behind",
        "closed out of time",
    ],
    pinned: Pinned {
        states: 10441,
        transitions: 195667,
    },
    ..PACED
};
