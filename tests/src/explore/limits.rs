//! Bounds that change, and handles that are told how they are used.

use super::around::{NONE, SeatState, State};
use super::rules::{Rule, Verdict};
use super::step::{Choice, Turn};
use super::world::{May, What, World};
use staging_core::{
    Event, FailedSync, Fault, FileLimits, Limit, Outcome, PhaseName, Reply, Tuning,
};

/// What would change something.
pub(crate) fn choices(world: &World, state: &State, into: &mut Vec<Choice>) {
    for (at, may) in world.may.iter().enumerate() {
        match *may {
            May::Limit(limit) => {
                let limits = state.machine.limits();
                if limits.with(limit) != *limits && state.machine.phase() < PhaseName::Closed {
                    into.push(Choice::Limit(at as u8));
                }
            }
            May::Tune(seat, tuning) => {
                let file = &state.around.files[world.seats[seat]];
                let seat = &state.around.seats[seat];
                let changes = match tuning {
                    Tuning::Limits(limits) => limits != file.own,
                    Tuning::FailedSync(failed_sync) => {
                        seat.keeps != (failed_sync == FailedSync::KeepDirty)
                    }
                };
                if changes && seat.state == SeatState::Open {
                    into.push(Choice::Tune(at as u8));
                }
            }
            _ => {}
        }
    }
}

impl Turn<'_> {
    /// Raised, whoever was refused is told (R12).
    pub(crate) fn limit(&mut self, at: usize) -> Verdict {
        let May::Limit(limit) = self.world.may[at] else {
            return Ok(());
        };
        let before = *self.state.machine.limits();
        let reply = self.say(Event::Limited { limit });
        Rule::RoomIsTold.holds(reply == Reply::Done, || format!("{limit:?}: {reply:?}"))?;
        if self.world.dawdles() {
            return Ok(());
        }
        self.drain()?;
        // Of other bounds it can be seen that they are not full any more.
        let around = &self.state.around;
        let room = |bit: usize, bytes: u64, before: u64, most: u64| {
            let told = around.full & (1 << bit) == 0;
            let raised = most > before && bytes < most;
            Rule::RoomIsTold.holds(told || !raised, || {
                format!("{bytes} bytes of {most}, and nobody is told")
            })
        };
        match limit {
            Limit::Bytes(most) => room(2, around.bytes(None), before.bytes, most),
            Limit::BytesPerFile(most) => (0..around.files.len())
                .filter(|at| around.files[*at].own.bytes.is_none())
                .try_for_each(|at| {
                    let bytes = around.bytes(Some(at));
                    room(8 + at, bytes, before.bytes_per_file, most)
                }),
            _ => Ok(()),
        }
    }

    pub(crate) fn tune(&mut self, at: usize) -> Verdict {
        let May::Tune(seat, tuning) = self.world.may[at] else {
            return Ok(());
        };
        let Some(handle) = self.state.around.seats[seat].handle else {
            return Ok(());
        };
        let reply = self.say(Event::Tuned { handle, tuning });
        let closing = self.state.machine.phase() >= PhaseName::Closing;
        Rule::IdsNameOne.holds(reply == Reply::Done || closing, || {
            format!("{tuning:?} of {handle:?}: {reply:?}")
        })?;
        match tuning {
            Tuning::Limits(limits) => {
                self.state.around.files[self.world.seats[seat]].own = limits;
            }
            Tuning::FailedSync(failed_sync) => {
                self.state.around.seats[seat].keeps = failed_sync == FailedSync::KeepDirty;
                self.note_older_syncs(seat);
            }
        }
        Ok(())
    }

    /// Who goes on only after a sync failed asked for others before it: they fail, too.
    fn note_older_syncs(&mut self, at: usize) {
        let around = &mut self.state.around;
        let seat = around.seats[at];
        for asked in around
            .asked
            .iter_mut()
            .filter(|_| seat.keeps && seat.broken)
        {
            let ask = &self.world.asks[usize::from(asked.ask)];
            if ask.what == What::Sync && ask.seat == at {
                asked.lost |= seat.lost < asked.seq;
                asked.end = super::around::End::Failed;
            }
        }
    }

    /// What was said of a file alone is forgotten with its last handle.
    pub(crate) fn forget_own_limits(&mut self) {
        let around = &mut self.state.around;
        for (at, file) in around.files.iter_mut().enumerate() {
            let mut seats = around.seats.iter().zip(self.world.seats);
            let open = seats.any(|(seat, of)| {
                *of == at && !matches!(seat.state, SeatState::Empty | SeatState::Opening)
            });
            let opening = around.seats.iter().zip(self.world.seats);
            let mut opening = opening.filter(|(seat, of)| **of == at && seat.attached);
            if !open && opening.next().is_none() {
                file.own = FileLimits::NONE;
            }
        }
    }

    /// What a bound says of a file.
    pub(crate) fn most_operations(&self, file: usize) -> usize {
        let common = self.state.machine.limits().operations_per_file;
        let own = self.state.around.files[file].own;
        own.operations.unwrap_or(common) as usize
    }

    /// A sync of a file failed: those who go on after it have lost what was written before, and what is
    /// being written; what they asked to be synced before is not vouched for any more (R8).
    pub(crate) fn lost_by_those_who_go_on(&mut self, at: usize, lost: u32) {
        let around = &mut self.state.around;
        let flying = around.jobs.iter().filter(|job| job.file == at);
        let flying = flying.filter(|job| job.touch.is_some_and(|touch| touch.writes()));
        let lost = flying.map(|job| job.seq).fold(lost, u32::min);
        for asked in around.asked.iter_mut() {
            let ask = &self.world.asks[usize::from(asked.ask)];
            let seat = &around.seats[ask.seat];
            if ask.what == What::Sync && self.world.seats[ask.seat] == at && seat.keeps {
                asked.lost |= lost < asked.seq;
                asked.end = super::around::End::Failed;
            }
        }
        for (seat, of) in around.seats.iter_mut().zip(self.world.seats) {
            if *of == at && seat.keeps && seat.broken {
                seat.lost = seat.lost.min(lost);
            }
        }
    }

    /// An answer tells who goes on of a failed sync: from now on he knows.
    pub(crate) fn note_told(&mut self, seat: usize, what: What, outcome: Outcome) {
        let Outcome::Failed { fault, .. } = outcome else {
            return;
        };
        let by_itself = what == What::Sync && matches!(fault, Fault::Os(_));
        let seat = &mut self.state.around.seats[seat];
        if seat.keeps && !what.is_over_all() && (by_itself || fault == Fault::SyncFailed) {
            (seat.broken, seat.lost) = (false, NONE);
        }
    }
}
