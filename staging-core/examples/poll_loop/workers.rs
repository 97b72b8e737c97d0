//! Threads that carry jobs out, and how their news enters the loop: through a channel, with a knock
//! on the poll. They share nothing with the loop, so there is nothing to lock but their own queue.

use super::calls::Call;
use mio::Waker;
use staging_core::{IoId, IoKind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// An action, with everything it needs in its own hands.
pub(crate) struct Job {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    pub(crate) call: Box<dyn FnOnce() -> Call + Send>,
}

/// An action that was carried out.
pub(crate) struct Ended {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    pub(crate) call: Call,
}

pub(crate) type Jobs = Sender<Job>;

/// Hires workers. They leave when nobody can give them jobs any more; nobody waits for them,
/// because a call that never returns cannot be called back.
pub(crate) fn hire(workers: usize, waker: Arc<Waker>) -> (Jobs, Receiver<Ended>) {
    let (jobs, queue) = channel();
    let (ended, news) = channel();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..workers {
        let (queue, ended, waker) = (Arc::clone(&queue), ended.clone(), Arc::clone(&waker));
        thread::spawn(move || {
            while let Some(Job { io, kind, call }) = next(&queue) {
                let call = call();
                // First the news, then the knock: a loop that wakes finds what it was woken for.
                if ended.send(Ended { io, kind, call }).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        });
    }
    (jobs, news)
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
