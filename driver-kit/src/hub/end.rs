//! The end of a hub, and those who wait for it: its report comes when everything was told, and when
//! the file of a recording is whole.

use super::Hub;
use crate::report::ShutdownReport;
use crate::sync::lock;
use staging_core::PhaseName;
use std::sync::Arc;
use std::task::{Poll, Waker};

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
    /// How the shutdown went, once it is over; until then leaves the waker to be woken.
    pub fn poll_closed(&self, end: &mut End, waker: &Waker) -> Poll<ShutdownReport> {
        let mut state = lock(&self.state);
        let closed = state.machine.phase() == PhaseName::Closed && state.nothing_to_tell();
        match state.machine.report() {
            Some(machine) if closed && state.is_written(self.clock.now(), waker) => {
                Poll::Ready(ShutdownReport {
                    machine,
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
