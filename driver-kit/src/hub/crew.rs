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
//! - While there is work and there could be more workers, one of them stands by, or a caller who helps: he comes
//!   also where all others are stuck in what they do.

use super::depth::Depth;
use super::state::State;
use super::turn::Turn;
use crate::figures::Workers;
use staging_core::{Tick, WakeReason};
use std::task::Waker;
use std::time::Duration;

/// Who works, who rests, and how many there may be.
pub(crate) struct Crew {
    running: u32,
    most: u32,
    few: u32,
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

/// Who comes for a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// One of those who were started.
    Member,
    /// One who waits for an answer.
    Caller,
}

/// What to do, outside the lock, so that somebody comes for the next job.
pub(crate) enum Call {
    Nobody,
    Wake(Waker),
    Start,
}

impl Crew {
    /// Of so many members at most. So few belong at work, members and callers, where nothing is waited for.
    pub(super) fn of(few: u32, most: u32) -> Crew {
        Crew {
            running: 0,
            most,
            few,
            depth: Depth::of(few, most),
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
        // One more than there should be, to stand by.
        if !self.has_room() && self.stands_by {
            return Call::Nobody;
        }
        if let Some((_, waker)) = self.resting.pop() {
            self.coming += 1;
            return Call::Wake(waker);
        }
        if self.running < self.most {
            self.running += 1;
            self.coming += 1;
            return Call::Start;
        }
        Call::Nobody
    }

    /// How many small jobs a member takes at a time.
    pub(super) const fn jobs(&self) -> usize {
        self.depth.jobs()
    }

    /// Whether one more may work. Callers who help count as members do, for they are in each other's way as
    /// much; so there is room for them where there are fewer members than processors. Without a crew nobody else
    /// would come, so each may.
    pub(super) fn has_room(&self) -> bool {
        self.most == 0 || self.at_work < self.depth.workers().max(self.few)
    }

    /// One who worked comes back with what he has learnt.
    pub(super) fn come_back(&mut self, turn: &mut Turn, now: Tick) {
        self.returns += 1;
        self.move_on(now);
        self.depth.learn(std::mem::take(&mut turn.effort));
    }

    /// Somebody took work, or came back from it.
    pub(super) const fn move_on(&mut self, now: Tick) {
        self.moved = now;
    }

    /// One who was called is here, or will never be.
    pub(super) fn arrive(&mut self) {
        self.coming = self.coming.saturating_sub(1);
    }

    /// Where somebody belongs who has no job: at work, while there are too few; or there, in the place of those
    /// who are stuck, if he stood by and nobody came back meanwhile. A caller then works beside as many as there
    /// may be: else what is stuck would hold up what has nothing to do with it.
    pub(super) fn place(&mut self, before: Place, who: Who) -> Place {
        let all_are_stuck = before == self.standing_by();
        if all_are_stuck {
            self.depth.add_one();
        }
        self.vacate(before);
        if self.has_room() || (all_are_stuck && who == Who::Caller) {
            self.at_work += 1;
            return Place::AtWork;
        }
        if self.stands_by {
            return Place::Outside;
        }
        self.stands_by = true;
        self.standing_by()
    }

    const fn standing_by(&self) -> Place {
        let returns = self.returns;
        Place::StandingBy { returns }
    }

    /// One who ran runs no longer.
    pub(super) fn leave(&mut self, from: Place) {
        self.running -= 1;
        self.vacate(from);
        self.forget_if_done();
    }

    pub(super) fn vacate(&mut self, place: Place) {
        match place {
            Place::AtWork => self.at_work -= 1,
            Place::StandingBy { .. } => self.stands_by = false,
            Place::Outside => {}
        }
    }

    /// Whoever is at work is so no longer; where everybody else is, he stays.
    pub(super) fn leave_work(&mut self, place: Place) -> Place {
        if place != Place::AtWork {
            return place;
        }
        self.vacate(place);
        Place::Outside
    }

    pub(super) fn forget_if_done(&mut self) {
        if self.running == 0 && self.at_work == 0 {
            self.depth.forget();
        }
    }

    /// Puts a helper on the list.
    pub(super) fn rest(&mut self, waker: &Waker) -> u64 {
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

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the hub's lock needs a model
mod tests {
    use super::*;
    use crate::Deadline;
    use crate::error::Failure;
    use crate::hub::depth::Effort;
    use crate::hub::{Hub, Idle, Opening, Setup, Ticket, TurnEnd};
    use crate::sync::lock;
    use staging_core::{Access, Limits, Missing, Mode, Plan};
    use std::cell::Cell;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Poll, Wake};

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
            Busy::with_at_most(4)
        }

        fn with_at_most(most: u32) -> Result<Busy, Failure> {
            let started = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&started);
            let hub = Hub::new(Setup {
                limits: Limits::default(),
                means: crate::contents::Means::default(),
                workers: most,
                start: Box::new(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                }),
            });
            lock(&hub.state).crew = Crew::of(2, most);
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
    fn callers_who_help_count_as_members() -> Result<(), Failure> {
        let busy = Busy::new()?;
        let help = |turn: &mut Turn, most| busy.hub.turn(turn, most, &Idle::Go);
        let [mut first, mut second, mut third] = [(); 3].map(|()| Turn::default());
        assert_eq!(help(&mut first, 1), TurnEnd::Work);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        assert_eq!(help(&mut third, 1), TurnEnd::Nothing, "two are enough");
        busy.carry_out(&mut first);
        assert_eq!(help(&mut first, 0), TurnEnd::Nothing);
        assert_eq!(help(&mut third, 1), TurnEnd::Work);
        Ok(())
    }

    #[test]
    fn a_caller_stands_by_and_works_beside_as_many_as_there_may_be() -> Result<(), Failure> {
        let busy = Busy::with_at_most(2)?;
        let [mut first, mut second, mut caller] = [(); 3].map(|()| Turn::default());
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        let waits = Idle::Rest(Waker::from(Arc::new(Bell)));
        assert_eq!(busy.hub.turn(&mut caller, 1, &waits), TurnEnd::StandBy);
        busy.carry_out(&mut first);
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.hub.turn(&mut caller, 1, &waits), TurnEnd::StandBy);
        assert_eq!(busy.hub.turn(&mut caller, 1, &waits), TurnEnd::Work);
        assert_eq!(busy.hub.working(), 2);
        Ok(())
    }

    #[test]
    fn a_caller_who_has_his_answer_stands_by_no_longer() -> Result<(), Failure> {
        let busy = Busy::with_at_most(2)?;
        let [mut first, mut second] = [(); 2].map(|()| Turn::default());
        assert_eq!(busy.look(&mut first), TurnEnd::Work);
        assert_eq!(busy.look(&mut second), TurnEnd::Work);
        let waker = Waker::from(Arc::new(Bell));
        let stood_by = Cell::new(false);
        busy.hub.help_until(
            &waker,
            |_| match stood_by.get() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            },
            |at_latest| {
                assert_ne!(at_latest, Deadline::Never);
                stood_by.set(lock(&busy.hub.state).crew.stands_by);
            },
        );
        assert!(!lock(&busy.hub.state).crew.stands_by);
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
