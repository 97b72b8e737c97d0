//! Callers who work: those who wait for an answer, and, where there is no crew, those who have theirs.

use super::Hub;
use super::crew::{Call, Place};
use super::turn::{Idle, STANDING_BY, Turn, TurnEnd};
use crate::clock::Deadline;
use crate::job::Job;
use crate::sync::lock;
use staging_core::{IoKind, LockStep};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant;

impl Hub {
    /// Helps until `poll` is ready: carries out what there is to do, one job at a time, and sleeps
    /// when there is nothing, or enough others do it; `sleep` is told until when at the latest. `waker` ends
    /// it; `poll` leaves that where the answer will come.
    pub fn help_until<T>(
        self: &Arc<Self>,
        waker: &Waker,
        mut poll: impl FnMut(&Waker) -> Poll<T>,
        mut sleep: impl FnMut(Deadline),
    ) -> T {
        let mut turn = Turn::default();
        let mut helped = false;
        loop {
            if let Poll::Ready(ready) = poll(waker) {
                self.stop_helping(turn);
                if helped {
                    self.tidy_if_alone();
                }
                return ready;
            }
            match self.turn(&mut turn, 1, &Idle::Rest(waker.clone())) {
                TurnEnd::Work => {
                    helped = true;
                    self.carry_out(&mut turn);
                    // What this decides may be the answer: look before taking more.
                    self.turn(&mut turn, 0, &Idle::Go);
                }
                TurnEnd::Nothing => sleep(Deadline::Never),
                TurnEnd::StandBy => sleep(Deadline::within(STANDING_BY)),
            }
        }
    }

    /// A helper has what it waited for. If it was called meanwhile, the call is passed on; and if it stood by,
    /// another does.
    fn stop_helping(self: &Arc<Self>, turn: Turn) {
        let Some(rest) = turn.resting else { return };
        let call = {
            let mut state = lock(&self.state);
            let was_called = !state.crew.get_up(rest);
            state.crew.vacate(turn.place);
            match was_called || turn.place != Place::Outside {
                true => state.call(),
                false => Call::Nobody,
            }
        };
        self.make(call);
    }

    /// Whether the calling threads carry everything out themselves: there is no crew.
    pub fn is_alone(&self) -> bool {
        self.most_workers == 0
    }

    /// Without a crew, somebody has to do what a drop left behind; it is the one who dropped.
    pub(crate) fn help_if_alone(self: &Arc<Self>) {
        if self.is_alone() {
            let mut turn = Turn::default();
            while self.turn(&mut turn, 1, &Idle::Go) == TurnEnd::Work {
                self.carry_out(&mut turn);
            }
        }
    }

    /// Without a crew, what an operation leaves behind would lie until the next one: whoever has
    /// his answer gives back what comes next to be given back, and no more.
    fn tidy_if_alone(self: &Arc<Self>) {
        if self.is_alone() {
            let mut turn = Turn::default();
            while let Some(job) = self.next_to_give_back() {
                turn.finished.push(self.handlers.carry_out(job));
                self.turn(&mut turn, 0, &Idle::Go);
            }
        }
    }

    fn next_to_give_back(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        let job = state.next_job()?;
        match job.kind() {
            IoKind::Release { .. }
            | IoKind::Close { .. }
            | IoKind::Lock {
                step: LockStep::Release,
                ..
            } => Some(job),
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Look { .. }
            | IoKind::Map { .. }
            | IoKind::Load { .. }
            | IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. }
            | IoKind::Replace { .. }
            | IoKind::Lock {
                step: LockStep::Try { .. },
                ..
            } => {
                state.deferred.push_front(job);
                None
            }
        }
    }

    /// When somebody must say that time passed, with [`tick`](Hub::tick); `None` if only events
    /// matter.
    pub fn next_wake(&self) -> Option<Instant> {
        let state = lock(&self.state);
        let wake = state.machine.next_deadline().map(|wake| wake.at);
        self.clock.instant_of(wake.or(state.patience)?)
    }

    /// Sleeps on this thread until it is unparked, until time alone decides something, and then says so, or until
    /// the deadline: how whoever helps sleeps.
    pub fn sleep(self: &Arc<Self>, deadline: Deadline) {
        let rest_until = |at: Instant| {
            at.checked_duration_since(Instant::now())
                .filter(|rest| !rest.is_zero())
        };
        let own = match deadline {
            Deadline::Never => None,
            // If it has passed, whoever waits sees that before he sleeps again.
            Deadline::At(at) => Some(rest_until(at).unwrap_or_default()),
        };
        match (self.next_wake().map(rest_until), own) {
            (None, None) => thread::park(),
            (None, Some(own)) => thread::park_timeout(own),
            (Some(Some(rest)), own) => thread::park_timeout(own.map_or(rest, |own| own.min(rest))),
            (Some(None), _) => self.tick(),
        }
    }
}
