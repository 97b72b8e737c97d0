//! The workers' side: whoever has time takes jobs, carries them out, says how they ended and
//! takes the next under the same lock, so that a chain of actions costs no hand-over.
//!
//! # Invariants
//!
//! - If there is a job to take, somebody will come for it: a worker that is running and will look
//!   again, one that was woken, or one that was started. That is decided under the lock, together
//!   with taking, leaving and lying down.
//! - A worker that was woken and has no use for it passes the call on.

use super::Hub;
use super::deliver::Deliveries;
use super::state::State;
use crate::batch::Feed;
use crate::job::{Finished, Job};
use crate::sync::lock;
use staging_core::{IoKind, WakeReason};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

/// How many jobs a member of the crew takes at a time. Turns of so many small ones halve what many
/// small files cost; longer ones only keep from others what they could do meanwhile.
const JOBS_A_TURN: usize = 32;

/// Who works, who rests, and how many there may be.
pub(crate) struct Crew {
    running: u32,
    most: u32,
    resting: Vec<(u64, Waker)>,
    next_rest: u64,
}

/// What to do, outside the lock, so that somebody comes for the next job.
pub(crate) enum Call {
    Nobody,
    Wake(Waker),
    Start,
}

impl Crew {
    pub(super) fn of(most: u32) -> Crew {
        Crew {
            running: 0,
            most,
            resting: Vec::new(),
            next_rest: 0,
        }
    }

    pub(super) const fn running(&self) -> u32 {
        self.running
    }

    fn call(&mut self) -> Call {
        if let Some((_, waker)) = self.resting.pop() {
            return Call::Wake(waker);
        }
        if self.running < self.most {
            self.running += 1;
            return Call::Start;
        }
        Call::Nobody
    }

    /// Takes a helper off the list; `false` if it was called, and so is not on it.
    fn get_up(&mut self, rest: u64) -> bool {
        let at = self.resting.iter().position(|(other, _)| *other == rest);
        if let Some(at) = at {
            self.resting.swap_remove(at);
        }
        at.is_some()
    }

    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.resting.drain(..).map(|(_, waker)| waker));
    }
}

impl State {
    /// Whether a worker would find something.
    pub(super) fn has_work(&self) -> bool {
        !self.deferred.is_empty()
            || matches!(self.machine.poll_timeout(), Some(wake) if wake.reason == WakeReason::Io)
            || self.batches.iter().any(|batch| batch.is_hungry())
    }

    /// Decides who comes for the work there is.
    pub(crate) fn call(&mut self) -> Call {
        if self.has_work() {
            self.crew.call()
        } else {
            Call::Nobody
        }
    }
}

/// What one worker carries from turn to turn.
#[derive(Default)]
pub struct Turn {
    /// Jobs to carry out before the next turn.
    pub jobs: Vec<Job>,
    /// How the last ones ended.
    pub finished: Vec<Finished>,
    feed: Option<Feed>,
    deliveries: Deliveries,
    /// Under which number this helper rests, if it does.
    resting: Option<u64>,
}

/// What a worker does when a turn finds nothing to do.
#[derive(Clone, Debug)]
pub enum Idle {
    /// A member of the crew: leaves, and is started again when there is work.
    Leave,
    /// A caller who helps while it waits for an answer: to be woken when there is work.
    Rest(Waker),
    /// Somebody who only says how its jobs ended.
    Go,
}

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TurnEnd {
    /// There are jobs to carry out, or paths to feed.
    Work,
    /// There is nothing to do.
    Nothing,
}

impl Hub {
    /// One turn of a worker: says how its last jobs ended, delivers what that decided, and takes
    /// up to `most` new ones.
    pub fn turn(self: &Arc<Self>, turn: &mut Turn, most: usize, idle: &Idle) -> TurnEnd {
        let (end, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            if let Some(rest) = turn.resting.take() {
                state.crew.get_up(rest);
            }
            for finished in turn.finished.drain(..) {
                state.finish(now, finished);
            }
            if let Some(feed) = turn.feed.take() {
                let deadline = feed.deadline().tick(self.clock);
                state.take_feed(now, deadline, feed, &mut turn.deliveries);
            }
            state.drain_told(&mut turn.deliveries);
            state.take_jobs(most, &mut turn.jobs);
            // Only who has nothing else to do fetches paths: a list may block.
            if most > 0 && turn.jobs.is_empty() {
                turn.feed = state.hungry_batch(&mut turn.deliveries);
            }
            let end = if turn.jobs.is_empty() && turn.feed.is_none() {
                turn.resting = state.idle(idle);
                TurnEnd::Nothing
            } else {
                TurnEnd::Work
            };
            (end, state.call())
        };
        turn.deliveries.deliver(self);
        self.make(call);
        end
    }

    /// Carries out what the last turn took. Outside every lock; may block.
    pub fn carry_out(&self, turn: &mut Turn) {
        for job in turn.jobs.drain(..) {
            turn.finished.push(self.handlers.carry_out(job));
        }
        if let Some(feed) = &mut turn.feed {
            feed.pull();
        }
    }

    /// The life of one member of the crew: works until there is nothing to do, then leaves. A
    /// driver runs this on a thread of its own each time its starter is called.
    pub fn work(self: &Arc<Self>) {
        let mut turn = Turn::default();
        while self.turn(&mut turn, JOBS_A_TURN, &Idle::Leave) == TurnEnd::Work {
            self.carry_out(&mut turn);
        }
    }

    /// Helps until `poll` is ready: carries out what there is to do, one job at a time, and sleeps
    /// when there is nothing. `waker` ends the sleep; `poll` leaves it where the answer will come.
    pub fn help_until<T>(
        self: &Arc<Self>,
        waker: &Waker,
        mut poll: impl FnMut(&Waker) -> Poll<T>,
        mut sleep: impl FnMut(),
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
                TurnEnd::Nothing => sleep(),
            }
        }
    }

    /// A helper has what it waited for. If it was called meanwhile, the call is passed on.
    fn stop_helping(self: &Arc<Self>, turn: Turn) {
        let Some(rest) = turn.resting else { return };
        let call = {
            let mut state = lock(&self.state);
            if state.crew.get_up(rest) {
                Call::Nobody
            } else {
                state.call()
            }
        };
        self.make(call);
    }

    /// A worker that was to be started never will be, and no other either: there is nobody left to
    /// carry anything out, and everything pending is answered.
    pub fn lose_worker(self: &Arc<Self>) {
        lock(&self.state).crew.running -= 1;
        self.driver_lost();
    }

    /// Whether the calling threads carry everything out themselves: there is no crew.
    pub fn is_alone(&self) -> bool {
        self.most_workers == 0
    }

    /// Without a crew, somebody has to do what a drop left behind; it is the one who dropped.
    pub(super) fn help_if_alone(self: &Arc<Self>) {
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
            IoKind::Release { .. } | IoKind::Close { .. } => Some(job),
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Look { .. }
            | IoKind::Map { .. }
            | IoKind::Load { .. }
            | IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. } => {
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

    pub(crate) fn make(self: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Start => (self.start)(self),
        }
    }
}

impl State {
    /// Takes up to `most` jobs that are small, or one that may take its time: whoever has that has
    /// nothing else that others wait for, neither to do nor to tell.
    fn take_jobs(&mut self, most: usize, jobs: &mut Vec<Job>) {
        while jobs.len() < most {
            let Some(job) = self.next_job() else { return };
            if job.is_small() {
                jobs.push(job);
            } else if jobs.is_empty() {
                return jobs.push(job);
            } else {
                return self.deferred.push_front(job);
            }
        }
    }

    fn idle(&mut self, idle: &Idle) -> Option<u64> {
        match idle {
            Idle::Leave => {
                self.crew.running -= 1;
                None
            }
            Idle::Rest(waker) => {
                let rest = self.crew.next_rest;
                self.crew.next_rest += 1;
                self.crew.resting.push((rest, waker.clone()));
                Some(rest)
            }
            Idle::Go => None,
        }
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the hub's lock needs a model
mod tests {
    use super::*;
    use crate::hub::Setup;
    use staging_core::Limits;
    use std::task::Wake;

    struct Bell;

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {}
    }

    /// A hub without a crew, and callers who rest in it, each with its number and waker.
    fn resting<const CALLERS: usize>() -> (Arc<Hub>, [(u64, Waker); CALLERS]) {
        let hub = Hub::new(Setup {
            limits: Limits::default(),
            means: crate::contents::Means::default(),
            workers: 0,
            start: Box::new(|_| {}),
        });
        let callers = [(); CALLERS].map(|()| {
            let waker = Waker::from(Arc::new(Bell));
            let rest = lock(&hub.state).idle(&Idle::Rest(waker.clone()));
            (rest.unwrap_or(u64::MAX), waker)
        });
        (hub, callers)
    }

    #[test]
    fn each_who_rests_gets_up_for_himself_or_is_called() {
        let (hub, callers) = resting::<3>();
        let crew = &mut lock(&hub.state).crew;
        let [first, second, third] = callers;
        assert!(crew.get_up(second.0));
        assert!(!crew.get_up(second.0), "he is up");
        assert!(crew.get_up(first.0));
        assert!(matches!(crew.call(), Call::Wake(waker) if waker.will_wake(&third.1)));
        assert!(!crew.get_up(third.0), "he was called");
        assert!(matches!(crew.call(), Call::Nobody));
    }

    #[test]
    fn everybody_who_rests_is_woken_at_the_end() {
        let (hub, callers) = resting::<2>();
        let crew = &mut lock(&hub.state).crew;
        let mut woken = Vec::new();
        crew.wake_all(&mut woken);
        assert_eq!(woken.len(), 2);
        assert!(
            callers
                .iter()
                .zip(&woken)
                .all(|((_, waker), woken)| woken.will_wake(waker))
        );
        assert!(matches!(crew.call(), Call::Nobody));
    }
}
