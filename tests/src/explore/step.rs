//! The alphabet of a world: what can happen next, and what each choice does.

use super::around::{ASKED, Asked, End, JOBS, NONE, SeatState, State};
use super::driver::How;
use super::reached::Reached;
use super::rules::{Broken, Rule, Verdict};
use super::world::{Ask, ENDLESS, FORCED, GRACE, May, PAST, World};
use arrayvec::ArrayVec;
use staging_core::{
    Access, Action, Event, Fault, Ignored, Machine, PAGE, PhaseName, Reject, Reply, Tag, Tick,
    WakeReason,
};

/// What may happen next. Numbers are places in the tables of the world or of the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Choice {
    /// A caller asks.
    Ask(u8),
    /// An action ends.
    End(u8, How),
    /// A caller no longer wants the answer.
    Cancel(u8),
    /// A handle is dropped.
    Drop(u8),
    /// Somebody else changes a file.
    Change(u8),
    /// A caller keeps a slice of the contents of a file.
    Keep(u8),
    /// A slice is dropped.
    Return,
    /// A bound is another from now on.
    Limit(u8),
    /// A caller says how a handle is to be used.
    Tune(u8),
    /// A lock that is held is given back.
    Unlock(u8),
    /// It is as late as the next deadline.
    Tick,
    ShutDown,
    TakeTime,
    Force,
    Lose,
    /// What is first to be told is told.
    Told,
    /// What is first to be done is handed out.
    Io,
}

/// What a transition must leave as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    Anything,
    /// The state, or this rule is broken.
    TheState(Rule),
}

/// What was said and polled, to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    Event(Tick, Event),
    Told,
    Io,
}

/// One transition.
pub(crate) struct Turn<'a> {
    pub(crate) world: &'a World,
    pub(crate) state: &'a mut State,
    pub(crate) reached: &'a mut Reached,
    /// How an action failed in this transition.
    pub(crate) heard: Option<Fault>,
    /// A file that was in memory when a write was accepted, until that is told to be withdrawn.
    pub(crate) shown: Option<usize>,
    pub(crate) log: Option<&'a mut Vec<Said>>,
}

/// Everything that can happen next.
pub(crate) fn choices(world: &World, state: &State, into: &mut Vec<Choice>) {
    into.clear();
    let around = &state.around;
    if around.told == PhaseName::Closed {
        return;
    }
    if world.dawdles() {
        match state.machine.poll_timeout().map(|wake| wake.reason) {
            Some(WakeReason::Told) => into.extend([Choice::Told, Choice::Io]),
            Some(WakeReason::Io) => into.push(Choice::Io),
            _ => {}
        }
    }
    let room = around.asked.len() < world.pending.min(ASKED)
        && around.jobs.len() < world.flights.min(JOBS - 4);
    for (at, ask) in world.asks.iter().enumerate() {
        if room && may_ask(world, state, at, ask) {
            into.push(Choice::Ask(at as u8));
        }
    }
    let mut hows = ArrayVec::<How, 8>::new();
    for (at, job) in around.jobs.iter().enumerate() {
        // The parts of a run end together.
        if around.jobs[..at].iter().any(|other| other.io == job.io) {
            continue;
        }
        hows.clear();
        super::driver::hows(world, around, job, &mut hows);
        into.extend(hows.iter().map(|how| Choice::End(at as u8, *how)));
    }
    if world.may(May::Cancel) {
        let alive = around.asked.iter().enumerate();
        let alive = alive.filter(|(_, asked)| !asked.given_up);
        into.extend(alive.map(|(at, _)| Choice::Cancel(at as u8)));
    }
    for (at, seat) in around.seats.iter().enumerate() {
        let alive = matches!(seat.state, SeatState::Opening | SeatState::Open);
        if world.may(May::Drop) && alive {
            into.push(Choice::Drop(at as u8));
        }
    }
    for (at, change) in world.changes.iter().enumerate() {
        let view = &around.files[change.file].view;
        if (view.len, view.version) != (change.len, change.version) {
            into.push(Choice::Change(at as u8));
        }
    }
    if world.may(May::Keep) {
        into.extend((0..around.files.len()).filter_map(|at| {
            let held = around.files[at].held.as_ref()?;
            let read = around.seats.iter().zip(world.seats);
            let mut read =
                read.filter(|(seat, file)| seat.state == SeatState::Open && **file == at);
            let may = held.whole() && held.charge > 0 && !held.kept && read.next().is_some();
            may.then_some(Choice::Keep(at as u8))
        }));
        let lent = around.jobs.iter().any(|job| job.lent > job.returned);
        if around.lent > 0 || lent {
            into.push(Choice::Return);
        }
    }
    super::limits::choices(world, state, into);
    into.extend((0..around.locks.held().count()).map(|at| Choice::Unlock(at as u8)));
    if state.machine.next_deadline().is_some() {
        into.push(Choice::Tick);
    }
    for (may, choice) in [
        (May::ShutDown, Choice::ShutDown),
        (May::TakeTime, Choice::TakeTime),
        (May::Force, Choice::Force),
        (May::Lose, Choice::Lose),
    ] {
        if world.may(may) && state.machine.phase() < PhaseName::Closed {
            into.push(choice);
        }
    }
}

fn may_ask(world: &World, state: &State, at: usize, ask: &Ask) -> bool {
    let around = &state.around;
    if around
        .asked
        .iter()
        .any(|asked| usize::from(asked.ask) == at)
    {
        return false;
    }
    let over_all = ask.what.is_over_all();
    let wanted = match ask.what.is_open() {
        true => SeatState::Empty,
        false => SeatState::Open,
    };
    if !over_all && around.seats[ask.seat].state != wanted {
        return false;
    }
    let most = super::around::PAGES as u64 * PAGE;
    match ask.what {
        super::world::What::Append(len) | super::world::What::AppendAs(_, len)
            if !ask.what.leads_nowhere() =>
        {
            around.size(world.seats[ask.seat]) + len <= most
        }
        _ => true,
    }
}

impl Turn<'_> {
    pub(crate) fn take(&mut self, choice: Choice) -> Result<Leaves, Broken> {
        let mut leaves = Leaves::Anything;
        match choice {
            Choice::Ask(at) => leaves = self.ask(usize::from(at))?,
            Choice::End(at, how) => self.end(usize::from(at), how)?,
            Choice::Cancel(at) => leaves = self.cancel(usize::from(at))?,
            Choice::Drop(at) => self.drop_handle(usize::from(at))?,
            Choice::Change(at) => {
                let change = self.world.changes[usize::from(at)];
                let view = &mut self.state.around.files[change.file].view;
                (view.len, view.version) = (change.len, change.version);
            }
            Choice::Keep(at) => {
                if let Some(held) = &mut self.state.around.files[usize::from(at)].held {
                    held.kept = true;
                }
            }
            Choice::Return => self.drop_slice()?,
            Choice::Limit(at) => self.limit(usize::from(at))?,
            Choice::Tune(at) => self.tune(usize::from(at))?,
            Choice::Unlock(at) => self.unlock(usize::from(at))?,
            Choice::Tick => self.tick()?,
            Choice::ShutDown => self.shut_down(Event::ShutdownAsked { grace: GRACE })?,
            Choice::TakeTime => self.shut_down(Event::ShutdownAsked { grace: ENDLESS })?,
            Choice::Force => self.shut_down(Event::Forced { closing: FORCED })?,
            Choice::Lose => self.shut_down(Event::DriverLost)?,
            Choice::Told => {
                self.poll_told()?;
            }
            Choice::Io => {
                self.poll_io()?;
            }
        }
        self.note_stagings();
        self.note_broken();
        if !self.world.dawdles() {
            self.drain()?;
        }
        self.tidy_up()?;
        self.check()?;
        Ok(leaves)
    }

    pub(crate) fn say(&mut self, event: Event) -> Reply {
        let now = self.state.around.now;
        self.log(Said::Event(now, event));
        said_shortly(&mut self.state.machine, now, event)
    }

    /// Everything that is to be told and done, by the poll that is both.
    pub(crate) fn drain(&mut self) -> Verdict {
        loop {
            self.log(Said::Told);
            match self.state.machine.poll_action() {
                Some(Action::Tell(tell)) => {
                    self.hear(tell)?;
                    continue;
                }
                Some(Action::Perform { io, kind }) => {
                    self.log(Said::Io);
                    self.handed_out(io, kind)?;
                }
                None => {
                    self.log(Said::Io);
                    return Ok(());
                }
            }
        }
    }

    fn log(&mut self, said: Said) {
        if let Some(log) = self.log.as_deref_mut() {
            log.push(said);
        }
    }

    fn poll_told(&mut self) -> Result<bool, Broken> {
        self.log(Said::Told);
        let Some(tell) = self.state.machine.poll_told() else {
            return Ok(false);
        };
        self.hear(tell)?;
        Ok(true)
    }

    fn poll_io(&mut self) -> Result<bool, Broken> {
        self.log(Said::Io);
        match self.state.machine.poll_io() {
            None => Ok(false),
            Some(Action::Tell(tell)) => Rule::WakeIsTrue.broken(format!("{tell:?} is no work")),
            Some(Action::Perform { io, kind }) => {
                self.handed_out(io, kind)?;
                Ok(true)
            }
        }
    }

    fn ask(&mut self, at: usize) -> Result<Leaves, Broken> {
        let ask = &self.world.asks[at];
        let around = &self.state.around;
        let seat = around.seats[ask.seat];
        let Some(request) = ask.what.request(seat.handle) else {
            return Ok(Leaves::Anything);
        };
        let file = self.world.seats[ask.seat];
        let touch = around.touch(file, ask.what);
        let held_up = self.is_being_staged(file);
        let shown = self.is_shown(file) && touch.is_some_and(|touch| touch.writes());
        let deadline = match ask.within {
            0 => Tick::NEVER,
            PAST => around.now,
            within => around.now.plus(within),
        };
        let event = Event::Submitted {
            tag: Tag(at as u64),
            deadline,
            request,
        };
        let loaded = self.is_full(4 + file);
        let reply = self.say(event);
        let opening = ask.what.is_open();
        let op = match reply {
            Reply::Opening { op, handle } if opening => {
                let seat = &mut self.state.around.seats[ask.seat];
                let access = match ask.what {
                    super::world::What::Open(access, _) => access,
                    _ => Access::Read,
                };
                seat.handle = Some(handle);
                (seat.state, seat.access) = (SeatState::Opening, access);
                (seat.lost, seat.broken) = (NONE, false);
                (seat.untold, seat.keeps) = (false, false);
                op
            }
            Reply::Accepted { op } | Reply::Locking { op, .. } if !opening => op,
            Reply::Rejected(reject) => return self.refused(reject, ask, event),
            other => return Rule::OneOutcome.broken(format!("{request:?}: {other:?}")),
        };
        let closes = ask.what == super::world::What::Close;
        if closes {
            self.state.around.seats[ask.seat].state = SeatState::Leaving;
        }
        let by_handle = !opening && !closes && !ask.what.is_over_all();
        let right = !(by_handle && loaded) || self.world.dawdles();
        Rule::Bounded.holds(right, || format!("{request:?}, and its file is full"))?;
        let taken = self.state.around.asked_by_op(op).is_some();
        Rule::IdsNameOne.holds(!taken, || format!("{op:?} is two operations"))?;
        self.shown = shown.then_some(file);
        let due = self.due();
        let around = &mut self.state.around;
        around.seq += 1;
        around.replaces.accepted(op, request);
        around.locks.accepted(reply, request);
        around.asked.push(Asked {
            op,
            ask: at as u8,
            seq: around.seq,
            deadline,
            due,
            touch,
            given_up: false,
            held_up,
            lost: false,
            end: End::NotYet,
        });
        Ok(Leaves::Anything)
    }

    pub(crate) fn refused(
        &mut self,
        reject: Reject,
        ask: &Ask,
        event: Event,
    ) -> Result<Leaves, Broken> {
        self.reached.refused(reject);
        self.check_refused(reject, ask)?;
        let Reject::Full(bound) = reject else {
            return Ok(Leaves::TheState(Rule::RefusedChangesNothing));
        };
        let bit = self.full_bit(bound);
        self.state.around.full |= bit;
        let mut again = self.state.machine.clone();
        let same = again.handle(self.state.around.now, event) == Reply::Rejected(reject);
        Rule::RefusedChangesNothing.holds(same && again == self.state.machine, || {
            format!("{reject:?} twice is not {reject:?}")
        })?;
        Ok(Leaves::Anything)
    }

    fn cancel(&mut self, at: usize) -> Result<Leaves, Broken> {
        let op = self.state.around.asked[at].op;
        match self.say(Event::Cancelled { op }) {
            Reply::Done => {
                self.state.around.asked[at].given_up = true;
                Ok(Leaves::Anything)
            }
            Reply::Ignored(Ignored::UnknownOp) if self.world.dawdles() => {
                Ok(Leaves::TheState(Rule::IgnoredChangesNothing))
            }
            other => Rule::CancelAnswersAtOnce.broken(format!("cancelling {op:?}: {other:?}")),
        }
    }

    fn drop_handle(&mut self, at: usize) -> Verdict {
        let around = &mut self.state.around;
        let Some(handle) = around.seats[at].handle else {
            return Ok(());
        };
        if around.seats[at].state == SeatState::Opening {
            let asks = self.world.asks;
            let opens = |asked: &&mut Asked| {
                let ask = &asks[usize::from(asked.ask)];
                ask.seat == at && ask.what.is_open()
            };
            around
                .asked
                .iter_mut()
                .filter(opens)
                .for_each(|asked| asked.given_up = true);
        }
        around.seats[at].state = SeatState::Leaving;
        let reply = self.say(Event::Dropped { handle });
        // Where nobody polls, its open may have failed, and its caller not know.
        let gone = reply == Reply::Ignored(Ignored::UnknownHandle) && self.world.dawdles();
        Rule::CancelAnswersAtOnce.holds(reply == Reply::Done || gone, || {
            format!("dropping {handle:?}: {reply:?}")
        })
    }

    fn drop_slice(&mut self) -> Verdict {
        let around = &mut self.state.around;
        // What was lent first comes back first: the machine is not told whose it was.
        match around.jobs.iter_mut().find(|job| job.lent > job.returned) {
            Some(job) if around.lent == 0 => job.returned += 1,
            _ => around.lent -= 1,
        }
        let reply = self.say(Event::Returned { bytes: PAGE });
        let closed = self.state.machine.phase() == PhaseName::Closed;
        Rule::ChargedIsHeld.holds(reply == Reply::Done || closed, || {
            format!("a slice came back: {reply:?}")
        })
    }

    fn unlock(&mut self, at: usize) -> Verdict {
        let Some(lock) = self.state.around.locks.held().nth(at) else {
            return Ok(());
        };
        self.state.around.locks.unlocked(lock);
        // A shutdown that nobody was told of yet may have given it back.
        let closing = self.state.machine.phase() >= PhaseName::Closing;
        let reply = self.say(Event::Unlocked { lock });
        Rule::LocksGivenBack.holds(reply == Reply::Done || closing, || {
            format!("unlocking {lock:?}: {reply:?}")
        })
    }

    fn tick(&mut self) -> Verdict {
        let Some(wake) = self.state.machine.next_deadline() else {
            return Ok(());
        };
        let around = &mut self.state.around;
        let ahead = wake.at > around.now;
        Rule::WakeIsTrue.holds(ahead, || format!("{wake:?} at {:?}", around.now))?;
        around.now = wake.at;
        let now = around.now;
        for asked in around.asked.iter_mut() {
            asked.given_up |= asked.deadline <= now;
        }
        let reply = self.say(Event::Ticked);
        Rule::WakeIsTrue.holds(reply == Reply::Done, || format!("a tick: {reply:?}"))
    }

    fn shut_down(&mut self, event: Event) -> Verdict {
        let reply = self.say(event);
        Rule::PhasesForward.holds(reply == Reply::Done, || format!("{event:?}: {reply:?}"))
    }
}

/// By the short forms where there are some: transcripts say the same by `handle`.
fn said_shortly(machine: &mut Machine, now: Tick, event: Event) -> Reply {
    match event {
        Event::Submitted {
            tag,
            deadline,
            request,
        } => machine.submit(now, tag, deadline, request),
        Event::Completed { io, completion } => machine.complete(now, io, completion),
        Event::Cancelled { op } => machine.cancel(now, op),
        Event::ShutdownAsked { grace } => machine.shutdown(now, grace),
        Event::Ticked => machine.tick(now),
        Event::Dropped { .. }
        | Event::Unlocked { .. }
        | Event::Limited { .. }
        | Event::Tuned { .. }
        | Event::IntervalSet { .. }
        | Event::Returned { .. }
        | Event::Forced { .. }
        | Event::DriverLost => machine.handle(now, event),
    }
}
