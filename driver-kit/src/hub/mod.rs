//! The hub: one lock around the machine and the payloads, callers on one side, workers on the
//! other.
//!
//! ```text
//!   callers ── submit, read_here ──►┌────────────────────┐◄── turn ── workers
//!                                   │ machine  +  table  │
//!   callers ◄── slots, notices ─────└────────────────────┘── jobs ──► workers
//! ```
//!
//! Under the lock the machine is told and asked, payloads are put and taken. Outside of it are
//! system calls, the making of contents, delivering, waking and dropping. The outcome of an
//! operation goes into a slot that belongs to its caller, so polls never come here.
//!
//! This is the one concurrent piece of every driver; loom checks it.

mod call;
mod crew;
mod deliver;
mod depth;
mod end;
mod equip;
mod figures;
mod help;
mod holding;
mod limits;
mod lock;
mod lone;
mod record;
mod replace;
mod room;
mod slot;
mod state;
pub(crate) mod table;
mod target;
mod timekeeper;
mod turn;
mod waits;

use crate::clock::Clock;
use crate::contents::{Means, Memory, Notify};
use crate::figures::Meter;
use crate::handlers::Handlers;
use crate::observe::Observers;
use crate::sync::{Mutex, lock};
#[cfg(not(any(staging_loom, staging_shuttle)))]
use crate::watch::Watching;
use room::Line;
use staging_core::{Event, Limits, Machine, PhaseName, Pressure, Tick};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};

pub(crate) use call::refusal;
pub use call::{Opening, Payload};
pub(crate) use deliver::Deliveries;
pub use end::End;
pub use lock::{Claim, Lock};
pub use lone::{Lent, Read, Thread, Until, Write, read_answer};
pub use replace::Content;
pub use room::{Room, Standby};
pub use slot::{Answer, Slot, Ticket};
pub(crate) use state::State;
pub(crate) use table::Waiter;
pub use turn::{Idle, Turn, TurnEnd};

/// How a driver starts one more worker: something that will call [`Hub::work`], soon, on a thread
/// that may block; where none can be had, on this one.
pub type Start = Box<dyn Fn(&Arc<Hub>) + Send + Sync>;

/// What a hub is made of.
pub struct Setup {
    /// The bounds of everything.
    pub limits: Limits,
    /// By which means contents are held.
    pub means: Means,
    /// How many workers there may be at once, if the disk keeps them waiting; 0 where callers carry
    /// everything out themselves.
    pub workers: u32,
    /// How one is started.
    pub start: Start,
}

/// The meeting place of callers, machine and workers.
pub struct Hub {
    state: Mutex<State>,
    memory: Arc<Memory>,
    handlers: Handlers,
    observers: Arc<Observers>,
    clock: Clock,
    most_workers: u32,
    start: Start,
    meter: Meter,
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    watching: Watching,
}

impl Hub {
    /// A hub with nothing in it.
    pub fn new(setup: Setup) -> Arc<Hub> {
        let Setup {
            limits,
            means,
            workers,
            start,
        } = setup;
        let memory = Memory::by_means(limits.budget, means);
        let observers = Arc::new(Observers::default());
        Arc::new_cyclic(|hub: &Weak<Hub>| {
            let hub = Weak::clone(hub);
            // Slices may outlive the hub; then nobody keeps a budget any more.
            let notify: Notify = Arc::new(move |bytes| {
                if let Some(hub) = hub.upgrade() {
                    hub.say(Event::Returned { bytes });
                }
            });
            Hub {
                state: Mutex::new(State {
                    machine: Machine::new(limits),
                    now: Tick::ZERO,
                    under_way: 0,
                    reason: None,
                    journal: None,
                    recorder: None,
                    heard: 0,
                    patience: None,
                    table: table::Table::new(),
                    crew: crew::Crew::of(few(workers), workers),
                    batches: Vec::new(),
                    deferred: VecDeque::new(),
                    parked: Vec::new(),
                    blocked: Line::default(),
                    waiting_for_end: Line::default(),
                    unfinished: Vec::new(),
                    outdated: Vec::new(),
                    unlocked: Vec::new(),
                    given_back: Vec::new(),
                    nudged: Vec::new(),
                    timekeeper: None,
                    swept: Arc::default(),
                    times_files: false,
                    memory: Arc::clone(&memory),
                    overdrawn: None,
                    observers: Arc::clone(&observers),
                    notify,
                }),
                memory,
                handlers: Handlers::default(),
                observers,
                clock: Clock::start(),
                most_workers: workers,
                start,
                meter: Meter::new(),
                #[cfg(not(any(staging_loom, staging_shuttle)))]
                watching: Watching::default(),
            }
        })
    }

    /// A hub without a crew, for tests that play it by hand.
    #[cfg(all(test, not(any(staging_loom, staging_shuttle))))]
    pub(crate) fn alone() -> Arc<Hub> {
        Hub::new(Setup {
            limits: Limits::default(),
            means: Means::default(),
            workers: 0,
            start: Box::new(|_| {}),
        })
    }

    pub(crate) const fn state(&self) -> &Mutex<State> {
        &self.state
    }

    /// Changes something under the lock, then delivers what that decided.
    pub(crate) fn change(self: &Arc<Self>, change: impl FnOnce(&mut State, Tick)) {
        let mut deliveries = Deliveries::default();
        let call = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            change(&mut state, now);
            state.drain_told(&mut deliveries);
            state.call()
        };
        deliveries.deliver(self);
        self.make(call);
    }

    /// The memory that staged contents live in, and its measure (G10).
    pub const fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Who carries out what.
    pub const fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// Who looks on.
    pub fn observers(&self) -> &Observers {
        &self.observers
    }

    /// Who watches the disk.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub const fn watching(&self) -> &Watching {
        &self.watching
    }

    /// Bytes of the budget that are taken now (G10).
    pub fn charged(&self) -> u64 {
        lock(&self.state).machine.charged()
    }

    /// How tight the budget is (G10).
    pub fn pressure(&self) -> Pressure {
        lock(&self.state).machine.pressure()
    }

    /// How many locks are waited for, held, or being given back.
    pub fn locks(&self) -> usize {
        lock(&self.state).machine.locks()
    }

    /// How many files it knows: open, being given up, or lingering.
    pub fn files(&self) -> usize {
        lock(&self.state).machine.files()
    }

    /// How much of whoever waits is kept here: answers to come, and callers in line for room or
    /// for the end. For tests that look for leaks.
    pub fn kept(&self) -> usize {
        let state = lock(&self.state);
        state.table.ops.iter().count() + state.blocked.len() + state.waiting_for_end.len()
    }

    /// How many members of the crew are at work. None while there is nothing to do.
    pub fn working(&self) -> u32 {
        lock(&self.state).crew.running()
    }

    /// The phase of the hub's life (S1).
    pub fn phase(&self) -> PhaseName {
        lock(&self.state).machine.phase()
    }

    /// The driver can carry nothing out any more: everything pending is answered.
    pub fn driver_lost(self: &Arc<Self>) {
        self.say(Event::DriverLost);
    }
}

/// How many belong at work at first, and to how many a hub returns: as many as there are processors, but two at
/// least and eight at most.
#[cfg(not(any(staging_loom, staging_shuttle)))]
fn few(_most: u32) -> u32 {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    u32::try_from(processors).map_or(8, |it| it.clamp(2, 8))
}

/// In a model every worker is as good as any other.
#[cfg(any(staging_loom, staging_shuttle))]
const fn few(most: u32) -> u32 {
    most
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("machine", &lock(&self.state).machine)
            .field("workers", &self.most_workers)
            .finish_non_exhaustive()
    }
}
