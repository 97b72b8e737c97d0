//! Those who wait for something that the hub will tell all of them at once; first of all, for room
//! after a refusal (R12).

use super::Hub;
use crate::sync::lock;
use std::sync::Arc;
use std::task::Waker;

/// Wakers of those who wait, each in a place of its own.
#[derive(Default)]
pub(super) struct Line {
    places: Vec<(u64, Waker)>,
    next: u64,
}

impl Line {
    /// Waits in the place one has, or in a new one at the end.
    pub(super) fn stand(&mut self, place: &mut Option<u64>, waker: &Waker) {
        let old = self
            .places
            .iter_mut()
            .find(|(other, _)| Some(*other) == *place);
        match old {
            Some((_, before)) => before.clone_from(waker),
            None => {
                *place = Some(self.next);
                self.places.push((self.next, waker.clone()));
                self.next += 1;
            }
        }
    }

    pub(super) fn leave(&mut self, place: u64) -> Option<Waker> {
        let at = self.places.iter().position(|(other, _)| *other == place)?;
        Some(self.places.swap_remove(at).1)
    }

    pub(super) fn call_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.places.drain(..).map(|(_, waker)| waker));
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

/// A place among those who wait for room, left when it is dropped.
#[derive(Debug)]
pub struct Room {
    hub: Arc<Hub>,
    place: Option<u64>,
}

/// How a refused request is to be remembered: where, and whom to wake when there is room.
pub type Standby<'a> = Option<(&'a mut Room, &'a Waker)>;

impl Room {
    /// No place yet; a refusal for fullness takes one.
    pub const fn of(hub: Arc<Hub>) -> Room {
        Room { hub, place: None }
    }

    pub(super) const fn place(&mut self) -> &mut Option<u64> {
        &mut self.place
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let left = lock(&self.hub.state).blocked.leave(place);
            drop(left);
        }
    }
}
