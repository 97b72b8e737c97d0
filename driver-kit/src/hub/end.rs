//! The end of a hub, how it begins, and those who wait for it: its report comes when everything was told, and when
//! the file of a recording is whole.

use super::Hub;
use crate::clock::nanos;
use crate::report::ShutdownReport;
use crate::sync::lock;
use staging_core::{Event, Grace, PhaseName};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// A place among those who wait for the end, left when it is dropped.
#[derive(Debug)]
pub struct End {
    hub: Arc<Hub>,
    place: Option<u64>,
}

impl End {
    /// No place yet; waiting takes one.
    pub const fn of(hub: Arc<Hub>) -> End {
        End { hub, place: None }
    }

    pub(super) const fn place(&mut self) -> &mut Option<u64> {
        &mut self.place
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let left = lock(&self.hub.state).waiting_for_end.leave(place);
            drop(left);
        }
    }
}

impl Hub {
    /// Begins a graceful shutdown (S1); asked again it only shortens (S4).
    pub fn shut_down(self: &Arc<Self>, grace: Grace) {
        self.hasten(Event::ShutdownAsked { grace }, None);
    }

    /// The same, and says why: observers and the report are told so (S8). The first reason that is given
    /// stays.
    pub fn shut_down_because(self: &Arc<Self>, grace: Grace, reason: impl Into<Arc<str>>) {
        self.hasten(Event::ShutdownAsked { grace }, Some(reason.into()));
    }

    /// Goes to Closing at once, from any phase (S4).
    pub fn force(self: &Arc<Self>, closing: Duration) {
        let closing = nanos(closing);
        self.hasten(Event::Forced { closing }, None);
    }

    /// The same, and says why: observers and the report are told so (S8). The first reason that is given
    /// stays.
    pub fn force_because(self: &Arc<Self>, closing: Duration, reason: impl Into<Arc<str>>) {
        let closing = nanos(closing);
        self.hasten(Event::Forced { closing }, Some(reason.into()));
    }

    /// Asked again, a shutdown only has sooner deadlines, and nothing is told of that: those who
    /// wait for the end look again.
    fn hasten(self: &Arc<Self>, event: Event, reason: Option<Arc<str>>) {
        let mut wakers = Vec::new();
        self.change(|state, now| {
            if state.machine.phase() != PhaseName::Closed && state.reason.is_none() {
                state.reason = reason;
            }
            let _ = state.say(now, event);
            state.waiting_for_end.call_all(&mut wakers);
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How the shutdown went, once it is over; until then leaves the waker to be woken.
    pub fn poll_closed(&self, end: &mut End, waker: &Waker) -> Poll<ShutdownReport> {
        let mut state = lock(&self.state);
        let closed = state.machine.phase() == PhaseName::Closed && state.nothing_to_tell();
        match state.machine.report() {
            Some(machine) if closed && state.is_written(self.clock.now(), waker) => {
                Poll::Ready(ShutdownReport {
                    machine,
                    reason: state.reason.clone(),
                    unfinished: state.unfinished.clone(),
                    panics: self.handlers.panics() + self.observers.panics(),
                })
            }
            _ => {
                state.waiting_for_end.stand(end.place(), waker);
                Poll::Pending
            }
        }
    }
}
