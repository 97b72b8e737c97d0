//! A worker's turn: it says how its jobs ended and takes the next under the same lock, so that a
//! chain of actions costs no hand-over.

use super::Hub;
use super::crew::{Call, Place, Who};
use super::deliver::Deliveries;
use super::depth::Effort;
use super::state::State;
use super::waits::{Kin, Waits};
use crate::batch::Feed;
use crate::job::{Finished, Job};
use crate::sync::lock;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// After how long whoever stands by looks whether the others came back.
pub(super) const STANDING_BY: Duration = Duration::from_millis(10);

/// What one worker carries from turn to turn.
#[derive(Default)]
pub struct Turn {
    /// Jobs to carry out before the next turn.
    pub jobs: Vec<Job>,
    /// How the last ones ended.
    pub finished: Vec<Finished>,
    pub(super) feed: Option<Feed>,
    pub(super) deliveries: Deliveries,
    /// Under which number this helper rests, if it does.
    pub(super) resting: Option<u64>,
    /// How the last jobs went.
    pub(super) effort: Effort,
    /// Where this member of the crew is.
    pub(super) place: Place,
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
    /// There are enough at work, but all of them may be stuck: whoever gets this looks again after a
    /// while.
    StandBy,
}

impl Hub {
    /// One turn of a worker: says how its last jobs ended, delivers what that decided, and takes
    /// up to `most` new ones.
    pub fn turn(self: &Arc<Self>, turn: &mut Turn, most: usize, idle: &Idle) -> TurnEnd {
        let (end, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            state.now = now;
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
            let end = match idle {
                Idle::Leave => state.next_of_crew(turn, most),
                Idle::Rest(waker) => state.next_of_caller(turn, most, Some(waker)),
                Idle::Go => state.next_of_caller(turn, most, None),
            };
            (end, state.call())
        };
        turn.deliveries.deliver(self);
        self.make(call);
        end
    }

    /// Carries out what the last turn took. Outside every lock; may block.
    pub fn carry_out(&self, turn: &mut Turn) {
        let jobs = turn.jobs.len();
        if jobs > 0 && !self.is_alone() {
            let (before, kin) = (Waits::until_now(), Kin::of_all(&turn.jobs));
            self.carry_out_jobs(turn);
            let waits = before.since(kin);
            turn.effort = Effort { jobs, waits, kin };
        } else {
            self.carry_out_jobs(turn);
        }
        if let Some(feed) = &mut turn.feed {
            feed.pull();
        }
    }

    fn carry_out_jobs(&self, turn: &mut Turn) {
        for job in turn.jobs.drain(..) {
            turn.finished.push(self.handlers.carry_out(job));
        }
    }

    /// The life of one member of the crew: works until there is nothing to do, then leaves. A
    /// driver runs this on a thread of its own each time its starter is called.
    pub fn work(self: &Arc<Self>) {
        let mut turn = Turn::default();
        loop {
            match self.turn(&mut turn, usize::MAX, &Idle::Leave) {
                TurnEnd::Work => self.carry_out(&mut turn),
                TurnEnd::StandBy => std::thread::sleep(STANDING_BY),
                TurnEnd::Nothing => return,
            }
        }
    }

    /// A worker that was to be started never will be, and no other either: there is nobody left to
    /// carry anything out, and everything pending is answered.
    pub fn lose_worker(self: &Arc<Self>) {
        {
            let crew = &mut lock(&self.state).crew;
            crew.arrive();
            crew.leave(Place::Outside);
        }
        self.driver_lost();
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
            let small = job.is_small();
            if !small && !jobs.is_empty() {
                return self.deferred.push_front(job);
            }
            self.hand_out(job.io());
            jobs.push(job);
            if !small {
                return;
            }
        }
    }

    /// Takes jobs, or else paths to fetch: only who has nothing else to do fetches, because a list may
    /// block.
    fn take_work(&mut self, turn: &mut Turn, most: usize) -> bool {
        self.take_jobs(most, &mut turn.jobs);
        if most > 0 && turn.jobs.is_empty() {
            turn.feed = self.hungry_batch();
        }
        !turn.jobs.is_empty() || turn.feed.is_some()
    }

    /// What is next for a member of the crew.
    fn next_of_crew(&mut self, turn: &mut Turn, most: usize) -> TurnEnd {
        if turn.place == Place::Outside {
            self.crew.arrive();
        }
        if turn.place == Place::AtWork {
            self.crew.come_back(turn, self.now);
        }
        if self.has_work() {
            let place = self.crew.place(turn.place, Who::Member);
            turn.place = place;
            match place {
                Place::AtWork if self.take_work(turn, most.min(self.crew.jobs())) => {
                    self.crew.move_on(self.now);
                    return TurnEnd::Work;
                }
                Place::StandingBy { .. } => return TurnEnd::StandBy,
                Place::AtWork | Place::Outside => {}
            }
        }
        self.crew.leave(std::mem::take(&mut turn.place));
        TurnEnd::Nothing
    }

    /// What is next for a caller who helps, or who only says how his jobs ended.
    fn next_of_caller(&mut self, turn: &mut Turn, most: usize, waker: Option<&Waker>) -> TurnEnd {
        let before = std::mem::take(&mut turn.place);
        if before == Place::AtWork {
            self.crew.come_back(turn, self.now);
        }
        let before = self.crew.leave_work(before);
        let may_wait = waker.is_some() || self.crew.has_room();
        match most > 0 && may_wait && self.has_work() {
            true => turn.place = self.crew.place(before, Who::Caller),
            false => self.crew.vacate(before),
        }
        if turn.place == Place::AtWork && self.take_work(turn, most) {
            self.crew.move_on(self.now);
            return TurnEnd::Work;
        }
        turn.place = self.crew.leave_work(turn.place);
        self.crew.forget_if_done();
        if let Some(waker) = waker {
            turn.resting = Some(self.crew.rest(waker));
        }
        match turn.place {
            Place::StandingBy { .. } => TurnEnd::StandBy,
            Place::AtWork | Place::Outside => TurnEnd::Nothing,
        }
    }
}
