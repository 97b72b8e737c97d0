//! How a thread of a scenario waits.

use driver_kit::ShutdownReport;
use driver_kit::hub::{Answer, End, Hub, Ticket};
use driver_kit::sync::{Mutex, lock};
#[cfg(staging_loom)]
use loom::sync::Condvar;
#[cfg(staging_shuttle)]
use shuttle::sync::Condvar;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

/// A place to lie until woken. Not `thread::park`: loom forgets an unpark that meets a thread at
/// a lock, which std does not.
#[derive(Default)]
pub(crate) struct Bed {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Bed {
    pub(crate) fn made() -> (Arc<Bed>, Waker) {
        let bed = Arc::new(Bed::default());
        let waker = Waker::from(Arc::clone(&bed));
        (bed, waker)
    }

    pub(crate) fn lie(&self) {
        let mut woken = lock(&self.woken);
        while !*woken {
            woken = self
                .bell
                .wait(woken)
                .expect("nobody panics under this lock");
        }
        *woken = false;
    }
}

impl Wake for Bed {
    fn wake(self: Arc<Self>) {
        *lock(&self.woken) = true;
        self.bell.notify_one();
    }
}

/// Waits until `poll` is ready, which leaves the waker where it will be called.
pub(crate) fn until<T>(mut poll: impl FnMut(&Waker) -> Poll<T>) -> T {
    let (bed, waker) = Bed::made();
    loop {
        match poll(&waker) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => bed.lie(),
        }
    }
}

pub(crate) fn wait(mut ticket: Ticket) -> Answer {
    until(|waker| ticket.poll_answer(waker))
}

pub(crate) fn wait_closed(hub: &Arc<Hub>) -> ShutdownReport {
    let mut end = End::of(Arc::clone(hub));
    until(|waker| hub.poll_closed(&mut end, waker))
}
