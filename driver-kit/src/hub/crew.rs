//! The workers' side: who comes for the work there is, who lies down, stands by, or leaves.
//!
//! # Invariants
//!
//! - If there is a job to take, somebody will come for it: a worker that is running and will look
//!   again, one that was woken, or one that was started. That is decided under the lock, together
//!   with taking, leaving and lying down.
//! - One at a time is called. Whoever arrives takes what he can and calls the next, if something is left:
//!   nobody is woken for what another has taken by then.
//! - A worker that was woken and has no use for it passes the call on.
//! - While there is work and there could be more workers, one of them stands by: he comes also where
//!   all others are stuck in what they do.

use super::depth::Depth;
use super::state::State;
use super::turn::{Turn, TurnEnd};
use crate::figures::Workers;
use crate::job::Job;
use staging_core::{Tick, WakeReason};
use std::task::Waker;
use std::time::Duration;

/// Who works, who rests, and how many there may be.
pub(crate) struct Crew {
    running: u32,
    most: u32,
    depth: Depth,
    /// How many were called and have not arrived.
    coming: u32,
    /// How many of those that run are at work. Others are on their way, and one may stand by.
    at_work: u32,
    stands_by: bool,
    /// How often somebody came back from his jobs.
    returns: u64,
    /// When somebody last took work, or came back from it.
    moved: Tick,
    resting: Vec<(u64, Waker)>,
    next_rest: u64,
}

/// Where one who runs is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Place {
    /// On his way in, or out.
    #[default]
    Outside,
    /// He carries out what he took.
    AtWork,
    /// There are enough at work. He looks again after a while, and what he goes by is how often somebody
    /// had come back before.
    StandingBy { returns: u64 },
}

/// What to do, outside the lock, so that somebody comes for the next job.
pub(crate) enum Call {
    Nobody,
    Wake(Waker),
    Start,
}

impl Crew {
    pub(super) fn of(least: u32, most: u32) -> Crew {
        Crew {
            running: 0,
            most,
            depth: Depth::of(least, most),
            coming: 0,
            at_work: 0,
            stands_by: false,
            returns: 0,
            moved: Tick::ZERO,
            resting: Vec::new(),
            next_rest: 0,
        }
    }

    pub(super) const fn running(&self) -> u32 {
        self.running
    }

    /// How it stands: whether it is stuck, where more is to be done.
    pub(super) fn workers(&self, now: Tick, more_to_do: bool) -> Workers {
        let all = self.most > 0 && self.at_work >= self.most;
        let stuck = all && more_to_do;
        Workers {
            at_work: self.at_work,
            most: self.most,
            stuck_for: stuck.then(|| Duration::from_nanos(now.since(self.moved))),
        }
    }

    fn call(&mut self) -> Call {
        if let Some((_, waker)) = self.resting.pop() {
            self.coming += 1;
            return Call::Wake(waker);
        }
        // One more than there should be, to stand by.
        if self.running < self.most && self.running <= self.depth.workers() {
            self.running += 1;
            self.coming += 1;
            return Call::Start;
        }
        Call::Nobody
    }

    /// One who was called is here, or will never be.
    pub(super) fn arrive(&mut self) {
        self.coming = self.coming.saturating_sub(1);
    }

    /// Where a member of the crew belongs who has no job: at work, while there are too few; or there, in
    /// the place of those who are stuck, if he stood by and nobody came back meanwhile.
    fn place(&mut self, before: Place) -> Place {
        if let Place::StandingBy { returns } = before
            && returns == self.returns
        {
            self.depth.add_one();
        }
        self.vacate(before);
        if self.at_work < self.depth.workers() {
            self.at_work += 1;
            return Place::AtWork;
        }
        if self.stands_by {
            return Place::Outside;
        }
        self.stands_by = true;
        let returns = self.returns;
        Place::StandingBy { returns }
    }

    /// One who ran runs no longer.
    pub(super) fn leave(&mut self, from: Place) {
        self.running -= 1;
        self.vacate(from);
        if self.running == 0 {
            self.depth.forget();
        }
    }

    fn vacate(&mut self, place: Place) {
        match place {
            Place::AtWork => self.at_work -= 1,
            Place::StandingBy { .. } => self.stands_by = false,
            Place::Outside => {}
        }
    }

    /// Puts a helper on the list.
    fn rest(&mut self, waker: &Waker) -> u64 {
        let rest = self.next_rest;
        self.next_rest += 1;
        self.resting.push((rest, waker.clone()));
        rest
    }

    /// Takes a helper off the list; `false` if it was called, and so is not on it.
    pub(super) fn get_up(&mut self, rest: u64) -> bool {
        let at = self.resting.iter().position(|(other, _)| *other == rest);
        match at {
            Some(at) => drop(self.resting.swap_remove(at)),
            None => self.arrive(),
        }
        at.is_some()
    }

    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        self.coming += self.resting.len() as u32;
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
        if self.crew.coming > 0 || !self.has_work() {
            return Call::Nobody;
        }
        match self.crew.call() {
            Call::Nobody => self.call_timekeeper(),
            call => call,
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
    pub(super) fn next_of_crew(&mut self, turn: &mut Turn, most: usize) -> TurnEnd {
        if turn.place == Place::Outside {
            self.crew.arrive();
        }
        if turn.place == Place::AtWork {
            self.crew.returns += 1;
            self.crew.moved = self.now;
            self.crew.depth.learn(std::mem::take(&mut turn.effort));
        }
        if self.has_work() {
            let place = self.crew.place(turn.place);
            turn.place = place;
            match place {
                Place::AtWork if self.take_work(turn, most.min(self.crew.depth.jobs())) => {
                    self.crew.moved = self.now;
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
    pub(super) fn next_of_caller(
        &mut self,
        turn: &mut Turn,
        most: usize,
        waker: Option<&Waker>,
    ) -> TurnEnd {
        if self.take_work(turn, most) {
            return TurnEnd::Work;
        }
        if let Some(waker) = waker {
            turn.resting = Some(self.crew.rest(waker));
        }
        TurnEnd::Nothing
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the hub's lock needs a model
mod tests {
    use super::*;
    use crate::Deadline;
    use crate::error::Failure;
    use crate::hub::depth::Effort;
    use crate::hub::{Hub, Idle, Opening, Setup, Ticket};
    use crate::sync::lock;
    use staging_core::{Access, Limits, Missing, Mode, Plan};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    struct Bell;

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {}
    }

    /// A hub without a crew, and callers who rest in it, each with its number and waker.
    fn resting<const CALLERS: usize>() -> (Arc<Hub>, [(u64, Waker); CALLERS]) {
        let hub = Hub::alone();
        let callers = [(); CALLERS].map(|()| {
            let waker = Waker::from(Arc::new(Bell));
            let rest = lock(&hub.state).crew.rest(&waker);
            (rest, waker)
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
        assert_eq!(crew.coming, 0, "who was called is here");
    }

    #[test]
    fn one_at_a_time_is_called_and_whoever_has_no_use_for_it_passes_it_on() -> Result<(), Failure> {
        let busy = Busy::new()?;
        let [mut first, mut second] = [(); 2].map(|()| Turn::default());
        let again = || lock(&busy.hub.state).call();
        assert!(matches!(again(), Call::Nobody), "one is on his way");
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert!(matches!(again(), Call::Nobody), "he has called the next");
        // No thread could be had for that one.
        {
            let crew = &mut lock(&busy.hub.state).crew;
            crew.arrive();
            crew.leave(Place::Outside);
        }
        assert!(matches!(again(), Call::Start));
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        assert_eq!(busy.started(), 3);
        Ok(())
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

    /// Twenty files to be opened by two workers, or as many as four; who was started is counted, and
    /// played by the test.
    struct Busy {
        hub: Arc<Hub>,
        started: Arc<AtomicU32>,
        _asked: Vec<Ticket>,
    }

    impl Busy {
        fn new() -> Result<Busy, Failure> {
            let started = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&started);
            let hub = Hub::new(Setup {
                limits: Limits::default(),
                means: crate::contents::Means::default(),
                workers: 4,
                start: Box::new(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                }),
            });
            lock(&hub.state).crew = Crew::of(2, 4);
            let opening = Opening {
                access: Access::Read,
                missing: Missing::Fail,
                plan: Plan::of(Mode::None),
            };
            let asked = (0..20).map(|name| {
                let path = Path::new("/nowhere").join(name.to_string());
                hub.open(&path.into(), opening, Deadline::Never, None)
            });
            let asked = asked.collect::<Result<Vec<_>, _>>()?;
            Ok(Busy {
                hub,
                started,
                _asked: asked,
            })
        }

        fn look(&self, turn: &mut Turn) -> TurnEnd {
            self.hub.turn(turn, 1, &Idle::Leave)
        }

        /// Carries out what he took, and forgets how that went: how many there should be stays.
        fn carry_out(&self, turn: &mut Turn) {
            self.hub.carry_out(turn);
            turn.effort = Effort::default();
        }

        fn started(&self) -> u32 {
            self.started.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn whoever_stands_by_comes_where_all_others_are_stuck() -> Result<(), Failure> {
        let busy = Busy::new()?;
        let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| Turn::default());
        assert_eq!(busy.started(), 1, "who comes calls the next");
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.started(), 2);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        assert_eq!(busy.started(), 3, "one to stand by");
        assert_eq!(busy.look(&mut third), TurnEnd::StandBy);
        assert_eq!(busy.started(), 3);
        assert_eq!(busy.look(&mut third), TurnEnd::Work);
        assert_eq!(busy.started(), 4, "now another stands by");
        assert_eq!(busy.look(&mut fourth), TurnEnd::StandBy);
        assert_eq!(busy.look(&mut fourth), TurnEnd::Work);
        assert_eq!(busy.started(), 4, "there are no more");
        Ok(())
    }

    #[test]
    fn whoever_stands_by_goes_on_while_others_come_back() -> Result<(), Failure> {
        let busy = Busy::new()?;
        let [mut first, mut second, mut third] = [(); 3].map(|()| Turn::default());
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        for _ in 0..5 {
            assert_eq!(busy.look(&mut third), TurnEnd::StandBy);
            busy.carry_out(&mut first);
            assert_eq!(busy.look(&mut first), TurnEnd::Work);
        }
        assert_eq!(busy.look(&mut third), TurnEnd::StandBy);
        assert_eq!(busy.look(&mut third), TurnEnd::Work, "nobody came back");
        Ok(())
    }

    #[test]
    fn everybody_leaves_where_nothing_is_left_to_do() -> Result<(), Failure> {
        let busy = Busy::new()?;
        let [mut first, mut second, mut third] = [(); 3].map(|()| Turn::default());
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        busy.carry_out(&mut second);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.look(&mut third), TurnEnd::StandBy);
        while busy.look(&mut first) == TurnEnd::Work {
            busy.carry_out(&mut first);
        }
        busy.carry_out(&mut second);
        assert_eq!(busy.look(&mut second), TurnEnd::Nothing);
        assert_eq!(busy.look(&mut third), TurnEnd::Nothing);
        assert_eq!(busy.hub.working(), 0);
        Ok(())
    }
}
