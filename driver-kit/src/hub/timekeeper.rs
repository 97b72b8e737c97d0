//! Who keeps the time of syncs that nobody waits for (L3): one thread a hub, from the first interval that is
//! set until the hub is closed.
//!
//! Every other moment at which time alone decides something has a caller who waits for it and keeps its alarm. A
//! file that is synced by time may have none, on no runtime; so this is the kit's own thread in every driver.
//! It only says that time passed, and the workers do the rest. Where callers carry everything out themselves, there
//! may be none of them: then it carries out what is due, and whatever has to be done before that.

#![cfg_attr(
    any(staging_loom, staging_shuttle),
    expect(
        dead_code,
        unused_imports,
        reason = "a model has no clock, so no time to keep"
    )
)]

use super::Hub;
use super::crew::Call;
use super::state::State;
use crate::clock::nanos;
use crate::sync::lock;
use crate::thread_waker;
use staging_core::{Event, HandleId, Tick};
use std::io;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// The thread, as the hub knows it.
pub(super) struct Timekeeper {
    waker: Waker,
    /// Until when it sleeps, if nobody wakes it; without that, until somebody does.
    until: Option<Tick>,
    /// A sync is due that waits for something, and whoever ends that may leave at once.
    attends: bool,
}

/// What it does next.
enum Next {
    /// Time has passed.
    Tick,
    /// There is work, and perhaps nobody else.
    Help,
    Sleep(Option<Instant>),
    /// The hub is closed.
    End,
}

impl Drop for Timekeeper {
    /// It finds that there is no hub any more.
    fn drop(&mut self) {
        self.waker.wake_by_ref();
    }
}

impl Hub {
    /// Has whatever is written to the file of a handle synced so long after it was accepted, though nobody asks
    /// (L3).
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn sync_every(self: &Arc<Self>, handle: HandleId, every: Duration) -> io::Result<()> {
        self.keep_time()?;
        let every = nanos(every);
        self.say(Event::IntervalSet { handle, every });
        Ok(())
    }

    #[cfg(any(staging_loom, staging_shuttle))]
    fn keep_time(self: &Arc<Self>) -> io::Result<()> {
        Ok(())
    }

    #[cfg(not(any(staging_loom, staging_shuttle)))]
    fn keep_time(self: &Arc<Self>) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.timekeeper.is_some() || state.machine.report().is_some() {
            return Ok(());
        }
        let hub = Arc::downgrade(self);
        let thread = thread::Builder::new()
            .name("staging-time".into())
            .spawn(move || keep_time(&hub))?;
        state.timekeeper = Some(Timekeeper {
            waker: thread_waker(thread.thread().clone()),
            until: None,
            attends: false,
        });
        Ok(())
    }

    /// Looks what comes next, and is known to sleep until then.
    fn next_of_timekeeper(&self) -> Next {
        let mut state = lock(&self.state);
        if state.machine.report().is_some() {
            state.timekeeper = None;
            return Next::End;
        }
        let next = state.machine.next_sync().map(|wake| wake.at);
        let has_work = state.has_work();
        let attends = self.is_alone() && state.machine.is_sync_due();
        let Some(timekeeper) = &mut state.timekeeper else {
            return Next::Sleep(None);
        };
        if timekeeper.attends && has_work {
            return Next::Help;
        }
        timekeeper.until = next;
        timekeeper.attends = attends;
        match next {
            Some(at) if at <= self.clock.now() => Next::Tick,
            next => Next::Sleep(next.and_then(|at| self.clock.instant_of(at))),
        }
    }
}

impl State {
    /// Whether it is to be woken, because a sync falls due before it would look.
    pub(super) fn wake_timekeeper(&mut self) -> Option<Waker> {
        let timekeeper = self.timekeeper.as_mut()?;
        let closed = self.machine.report().is_some();
        let next = self.machine.next_sync().map(|wake| wake.at);
        let sooner = next.filter(|at| timekeeper.until.is_none_or(|until| *at < until));
        timekeeper.until = sooner.or(timekeeper.until);
        (closed || sooner.is_some()).then(|| timekeeper.waker.clone())
    }

    /// Nobody else comes for the work there is: it does, if that may be what it waits for.
    pub(super) fn call_timekeeper(&self) -> Call {
        match &self.timekeeper {
            Some(timekeeper) if timekeeper.attends => Call::Wake(timekeeper.waker.clone()),
            Some(_) | None => Call::Nobody,
        }
    }
}

/// Its life. It holds no hub while it sleeps.
#[cfg(not(any(staging_loom, staging_shuttle)))]
fn keep_time(hub: &Weak<Hub>) {
    while let Some(hub) = hub.upgrade() {
        let next = hub.next_of_timekeeper();
        match next {
            Next::End => return,
            Next::Tick => {
                hub.tick();
                hub.help_if_alone();
            }
            Next::Help => hub.help_if_alone(),
            Next::Sleep(until) => {
                drop(hub);
                sleep(until);
            }
        }
    }
}

#[cfg(not(any(staging_loom, staging_shuttle)))]
fn sleep(until: Option<Instant>) {
    match until {
        Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
        None => thread::park(),
    }
}
