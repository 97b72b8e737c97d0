//! The simulation: the machine, the disk, the clock, and everything that is under way.
//!
//! ```text
//!   submit, cancel ──► machine ──► actions ──► flights, each with a time to end
//!                         ▲                        │
//!                         └── completed, ticked ◄──┴── step: the clock jumps to what is due next
//! ```
//!
//! Nothing happens but in [`step`](Simulation::step), and there one thing happens. Time is what the
//! next event says: an hour of waiting costs as much as a microsecond. Which action ends first, when
//! it touches the disk, whether the driver polls its actions at once or later: the dice say so, and
//! the dice are made from the seed.

mod begin;
mod figures;
mod finish;
mod flight;
mod look;
mod queue;
mod replacing;
mod tables;
mod ticket;
mod told;
mod transcript;

use crate::dice::Dice;
use crate::disk::{Disk, InodeId, Stranger};
use driver_kit::figures::{Course, Meter};
use flight::Flight;
use queue::{Due, Queue};
use staging_core::{
    Action, BadLimit, Entry, Event, HandleId, IoKind, Limits, Machine, OpId, Reject, Reply,
    Request, Tag, Tick, Tuning,
};
use std::collections::VecDeque;
use std::sync::Arc;
use tables::{OpRow, Replacing, Tables};

pub use ticket::{Answer, Payload, Ticket};

/// How a simulation is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// What is thrown. The disk has dice of its own.
    pub seed: u64,
    /// The limits of the machine.
    pub limits: Limits,
    /// Whether everything that is said and polled is kept, for
    /// [`journal`](Simulation::journal) and [`transcript`](Simulation::transcript).
    pub record: bool,
    /// How often, in a thousand times, the driver polls its actions only after the next event.
    pub lazy: u16,
}

impl Setup {
    /// With this seed, otherwise as usual: the machine's default limits, recorded, polled at once.
    pub fn of(seed: u64) -> Setup {
        Setup {
            seed,
            limits: Limits::default(),
            record: true,
            lazy: 0,
        }
    }
}

/// What the disk did that its caller was not told, or not yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A system sync of this file failed.
    SyncFailed(InodeId),
    /// A system sync of this file succeeded; whether it told the truth, only the disk knows.
    SyncSucceeded(InodeId),
}

/// A machine on a disk, alone with the clock. See the [crate](crate) for a surface with files.
pub struct Simulation {
    setup: Setup,
    machine: Machine,
    disk: Disk,
    dice: Dice,
    now: Tick,
    queue: Queue,
    flights: Vec<Option<Flight>>,
    free: Vec<u32>,
    strangers: Vec<Option<Stranger>>,
    tables: Tables,
    tickets: u64,
    answers: VecDeque<Answer>,
    notices: VecDeque<Notice>,
    /// Contents that were released while somebody held them, and what they are charged.
    lent: Vec<(Arc<Vec<u8>>, u64)>,
    journal: Vec<Entry>,
    events: u64,
    /// Flights that will never end.
    hanging: u32,
    /// When the last action ends, where they end in order.
    last_due: Tick,
    unfinished: Vec<(Arc<str>, IoKind)>,
    /// Why it is shut down, in the words of whoever asked for it.
    reason: Option<Arc<str>>,
    rooms: u64,
    closed: bool,
    meter: Meter,
}

impl Simulation {
    /// A new machine on this disk, at time zero.
    pub fn new(disk: Disk, setup: Setup) -> Simulation {
        let dice = Dice::of(setup.seed ^ 0x5851_f42d_4c95_7f2d);
        Simulation::begun(disk, setup, dice, 0)
    }

    fn begun(disk: Disk, setup: Setup, dice: Dice, tickets: u64) -> Simulation {
        Simulation {
            setup,
            machine: Machine::new(setup.limits),
            disk,
            dice,
            now: Tick::ZERO,
            queue: Queue::default(),
            flights: Vec::new(),
            free: Vec::new(),
            strangers: Vec::new(),
            tables: Tables::new(),
            tickets,
            answers: VecDeque::new(),
            notices: VecDeque::new(),
            lent: Vec::new(),
            journal: Vec::new(),
            events: 0,
            hanging: 0,
            last_due: Tick::ZERO,
            unfinished: Vec::new(),
            reason: None,
            rooms: 0,
            closed: false,
            meter: Meter::new(),
        }
    }

    /// Asks for something. Accepted, it will have one [`Answer`] under this ticket.
    ///
    /// # Errors
    /// The machine refused: nothing happened.
    pub fn submit(
        &mut self,
        request: Request,
        payload: Payload<'_>,
        deadline: Tick,
    ) -> Result<Ticket, Reject> {
        self.submit_op(request, payload, deadline)
            .map(|(ticket, _)| ticket)
    }

    /// Like [`submit`](Simulation::submit), with the name of the operation, by which it can be
    /// cancelled.
    ///
    /// # Errors
    /// The machine refused: nothing happened.
    pub fn submit_op(
        &mut self,
        request: Request,
        payload: Payload<'_>,
        deadline: Tick,
    ) -> Result<(Ticket, OpId), Reject> {
        // Before the machine hears of it: a close may be the end of its handle.
        let times = self.times_of(request.handle());
        let tag = Tag(self.tickets);
        let event = Event::Submitted {
            tag,
            deadline,
            request,
        };
        let (op, handle, bytes) = match (self.say(event), payload) {
            (Reply::Opening { op, handle }, Payload::Path(path)) => {
                self.tables.handles.put(handle, crate::disk::absolute(path));
                (op, Some(handle), Vec::new())
            }
            (
                Reply::Opening { op, handle },
                Payload::Nothing | Payload::Bytes(_) | Payload::Content { .. },
            ) => {
                self.tables.handles.put(handle, Arc::from("/"));
                (op, Some(handle), Vec::new())
            }
            (Reply::Accepted { op }, Payload::Bytes(bytes)) => (op, request.handle(), bytes),
            (Reply::Accepted { op }, Payload::Content { path, bytes }) => {
                let path = crate::disk::absolute(path);
                let temporary = None;
                self.tables.replacing.put(op, Replacing { path, temporary });
                (op, request.handle(), bytes)
            }
            (Reply::Accepted { op }, Payload::Nothing | Payload::Path(_)) => {
                (op, request.handle(), Vec::new())
            }
            // The disk's machine is alone with it: what its callers grant each other is the whole of it.
            (Reply::Locking { op, .. }, _) => (op, None, Vec::new()),
            (Reply::Rejected(reject), _) => {
                self.drain();
                return Err(reject);
            }
            (
                Reply::Adopted { .. } | Reply::Surplus | Reply::Done | Reply::Ignored(_),
                Payload::Nothing | Payload::Path(_) | Payload::Bytes(_) | Payload::Content { .. },
            ) => return Err(Reject::UnknownHandle),
        };
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let row = OpRow {
            ticket,
            request,
            handle,
            bytes,
            course: Course::of(&self.machine, op, request, self.now),
            times,
        };
        self.tables.ops.put(op, row);
        self.drain();
        Ok((ticket, op))
    }

    /// The ticket of the next request that is accepted.
    pub const fn next_ticket(&self) -> Ticket {
        Ticket(self.tickets)
    }

    /// Nobody waits for this operation any more.
    pub fn cancel(&mut self, op: OpId) {
        let _ = self.say(Event::Cancelled { op });
        self.drain();
    }

    /// The last reference to a handle is gone.
    pub fn drop_handle(&mut self, handle: HandleId) {
        let _ = self.say(Event::Dropped { handle });
        self.drain();
    }

    /// Why it will be shut down. The first reason that is given stays, and after the end there is none to
    /// give.
    pub fn give_reason(&mut self, reason: Arc<str>) {
        if !self.closed && self.reason.is_none() {
            self.reason = Some(reason);
        }
    }

    /// Other limits from now on, all of them or none (R12).
    ///
    /// # Errors
    /// One of them makes no sense, and nothing changed; or the machine is closed.
    pub fn set_limits(&mut self, limits: Limits) -> Result<(), Reject> {
        if let Err(BadLimit(limit)) = limits.check() {
            return Err(Reject::BadLimit(limit));
        }
        let changes = self.machine.limits().changes(&limits);
        let refused = changes
            .map(|limit| self.say(Event::Limited { limit }))
            .find_map(refused);
        self.drain();
        refused.map_or(Ok(()), Err)
    }

    /// Says how an open file is to be used.
    ///
    /// # Errors
    /// It is not open, or that makes no sense.
    pub fn tune(&mut self, handle: HandleId, tuning: Tuning) -> Result<(), Reject> {
        let reply = self.say(Event::Tuned { handle, tuning });
        self.drain();
        refused(reply).map_or(Ok(()), Err)
    }

    /// Says an event that is neither a request nor a completion: of a shutdown, for one.
    pub fn tell(&mut self, event: Event) {
        let _ = self.say(event);
        self.drain();
    }

    /// A stranger will do this to the disk, at this time.
    pub fn schedule(&mut self, at: Tick, stranger: Stranger) {
        let place = self.strangers.len() as u32;
        self.strangers.push(Some(stranger));
        self.queue.push(at, Due::Stranger(place));
    }

    fn say(&mut self, event: Event) -> Reply {
        let now = self.now;
        self.events += 1;
        let reply = self.machine.handle(now, event);
        if self.setup.record {
            self.journal.push(Entry::Said { now, event, reply });
        }
        reply
    }

    /// The clock jumps to what is due next, and that happens. `false`: nothing ever will, unless
    /// something is asked.
    pub fn step(&mut self) -> bool {
        self.return_lent();
        let undrained = self.undrained();
        if undrained && (self.queue.next().is_none() || !self.dice.permille(self.setup.lazy)) {
            self.drain_wholly();
            return true;
        }
        let wake = self.machine.poll_timeout().map(|wake| wake.at);
        let wake = wake.filter(|_| !undrained);
        match (self.queue.next(), wake) {
            (None, None) => false,
            (next, Some(at)) if next.is_none_or(|next| at < next) => {
                self.now = self.now.max(at);
                let _ = self.say(Event::Ticked);
                self.drain();
                true
            }
            (_, _) => {
                if let Some((at, due)) = self.queue.pop() {
                    self.now = self.now.max(at);
                    match due {
                        Due::Flight(place) => self.land(place),
                        Due::Stranger(place) => {
                            if let Some(stranger) = self.strangers[place as usize].take() {
                                self.disk.meddle(&stranger);
                            }
                        }
                    }
                }
                true
            }
        }
    }

    /// Steps until this is so. `false`: it never will be.
    pub fn run_until(&mut self, mut so: impl FnMut(&Simulation) -> bool) -> bool {
        while !so(self) {
            if !self.step() {
                return false;
            }
        }
        true
    }

    /// Steps until nothing is due any more.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Steps through everything that is due by then, and sets the clock to it.
    pub fn run_to(&mut self, at: Tick) {
        while self.next_event().is_some_and(|next| next <= at) {
            if !self.step() {
                break;
            }
        }
        self.now = self.now.max(at);
    }

    /// When the next thing happens.
    pub fn next_event(&self) -> Option<Tick> {
        let wake = self.machine.poll_timeout().map(|wake| wake.at);
        match (self.queue.next(), wake) {
            (Some(due), Some(wake)) => Some(due.or_sooner(wake)),
            (due, wake) => due.or(wake),
        }
    }

    /// The oldest answer that nobody has taken yet.
    pub fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The answer to this ticket, once it is there.
    pub fn answer(&mut self, ticket: Ticket) -> Option<Answer> {
        let at = self
            .answers
            .iter()
            .position(|answer| answer.ticket == ticket)?;
        self.answers.remove(at)
    }

    /// Whether the answer to this ticket is there.
    pub fn is_answered(&self, ticket: Ticket) -> bool {
        self.answers.iter().any(|answer| answer.ticket == ticket)
    }

    /// What the disk did since this was asked last, the oldest first.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The power is lost at this moment, and comes back: a new machine, on the disk as it is then.
    /// What is under way is half done, or not, or done; nobody is told. Tickets are counted on.
    #[must_use]
    pub fn power_loss(mut self) -> Simulation {
        for at in 0..self.flights.len() {
            if let Some(mut flight) = self.flights[at].take()
                && self.dice.permille(500)
            {
                flight.work.go(&mut self.disk, flight::Extent::Half);
            }
        }
        self.disk.power_loss();
        Simulation::begun(self.disk, self.setup, self.dice, self.tickets)
    }

    /// The process ends at this moment, without a word, and another begins: a new machine, on the
    /// disk as it is. What was written is there, durable or not; what is under way stays half done.
    #[must_use]
    pub fn restart(mut self) -> Simulation {
        self.disk.forget_descriptors();
        Simulation::begun(self.disk, self.setup, self.dice, self.tickets)
    }

    fn return_lent(&mut self) {
        let mut at = 0;
        while at < self.lent.len() {
            if Arc::strong_count(&self.lent[at].0) == 1 {
                let (_, bytes) = self.lent.swap_remove(at);
                self.tell(Event::Returned { bytes });
            } else {
                at += 1;
            }
        }
    }

    fn undrained(&self) -> bool {
        let now = self.machine.poll_timeout();
        now.is_some_and(|wake| {
            matches!(
                wake.reason,
                staging_core::WakeReason::Io | staging_core::WakeReason::Told
            )
        })
    }

    /// Tells what is to be told; hands out what is to be done, now or, if the driver is lazy, with
    /// the next event.
    fn drain(&mut self) {
        self.drain_told();
        if !self.dice.permille(self.setup.lazy) {
            self.drain_wholly();
        }
    }

    fn drain_wholly(&mut self) {
        loop {
            self.drain_told();
            let Some(action) = self.machine.poll_io() else {
                return;
            };
            if self.setup.record {
                self.journal.push(Entry::Polled(action));
            }
            match action {
                Action::Perform { io, kind } => self.begin(io, kind),
                Action::Tell(tell) => self.hear(tell),
            }
        }
    }
}

/// Whether something that is said and not asked for was refused; by a closed machine it is ignored.
fn refused(reply: Reply) -> Option<Reject> {
    match reply {
        Reply::Rejected(reject) => Some(reject),
        Reply::Ignored(_) => Some(Reject::ShuttingDown),
        _ => None,
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation")
            .field("setup", &self.setup)
            .field("now", &self.now)
            .field("machine", &self.machine)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
