//! Many files at once. The machine knows nothing of batches: a batch keeps the paths, and the
//! workers feed a few of them each turn, so that memory is bounded and nobody waits for a list to
//! be complete.

mod feed;
mod tally;

use crate::clock::Deadline;
use crate::error::Failure;
use crate::handle::Handle;
use crate::hub::{Answer, Hub};
use crate::path::Here;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::{Mutex, lock};
use staging_core::{Fault, Outcome, Plan, Standing};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Poll, Waker};

pub(crate) use feed::Feed;
pub use tally::Progress;
use tally::Tally;
pub(crate) use tally::UnderWay;

/// What a batch is to do.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// How each file is staged.
    pub plan: Plan,
    /// How many may be under way at once; at least 1.
    pub concurrency: u32,
    /// When those that are not done are given up.
    pub deadline: Deadline,
}

/// One file of a batch.
#[derive(Debug)]
pub struct Item {
    /// Its absolute path; as it was given, where none could be made of it.
    pub path: Arc<Path>,
    /// The file, open and staged, or why it is not.
    pub result: Result<Staged, Failure>,
}

/// A file that a batch opened. It stays staged while this is kept.
#[derive(Debug)]
pub struct Staged {
    /// The open file.
    pub handle: Handle,
    /// Its length in bytes.
    pub len: u64,
    /// How it is held, or why it is not (`Auto` over budget).
    pub standing: Standing,
}

/// Where paths come from.
pub type Paths = Box<dyn Iterator<Item = PathBuf> + Send>;

/// Files being staged together.
pub struct Batch {
    order: Order,
    here: Here,
    /// The list. Held while its iterator runs, so never under the hub's lock.
    source: Mutex<Option<Paths>>,
    /// Refused for fullness, to be tried again.
    again: Mutex<Vec<Arc<Path>>>,
    /// Paths handed to the machine or about to be. Changed under the hub's lock.
    under_way: AtomicU32,
    /// Somebody fetches paths right now. Changed under the hub's lock.
    fed: AtomicBool,
    /// No more paths will come from the source.
    ended: AtomicBool,
    /// It was cancelled: what was fetched is not tried any more.
    stopped: AtomicBool,
    /// Refused for fullness: not hungry until there is room.
    blocked: AtomicBool,
    tally: Mutex<Tally>,
}

impl Batch {
    /// Begins a batch: workers will feed it from now on. Whoever waits for it should help, where
    /// there are no workers.
    pub fn begin(hub: &Arc<Hub>, order: Order, here: Here, paths: Paths) -> Arc<Batch> {
        let order = Order {
            concurrency: order.concurrency.max(1),
            ..order
        };
        let batch = Arc::new(Batch {
            order,
            here,
            source: Mutex::new(Some(paths)),
            again: Mutex::new(Vec::new()),
            under_way: AtomicU32::new(0),
            fed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            tally: Mutex::new(Tally::start()),
        });
        hub.adopt_batch(Arc::clone(&batch));
        batch
    }

    /// Stops it: no further path is taken, and what is under way is cancelled. What is done stays.
    pub fn cancel(self: &Arc<Self>, hub: &Arc<Hub>) {
        self.stop_feeding();
        hub.cancel_batch(self);
    }

    /// Whether every path has its result; until then leaves the waker to be woken.
    pub fn poll_done(&self, waker: &Waker) -> Poll<()> {
        let mut tally = lock(&self.tally);
        if tally.is_done() {
            return Poll::Ready(());
        }
        tally.wait(waker);
        Poll::Pending
    }

    /// Whether it is further than `seen` says, which then says so; `false` after the end was seen.
    /// Until then leaves the waker to be woken.
    pub fn poll_step(&self, seen: &mut u64, waker: &Waker) -> Poll<bool> {
        lock(&self.tally).poll_step(seen, waker)
    }

    /// Another chunk of some file is in: those who watch the progress look again.
    pub(crate) fn chunk_came(&self, wakers: &mut Vec<Waker>) {
        lock(&self.tally).step(wakers);
    }

    /// How far it is, at this moment (G7).
    pub fn progress(self: &Arc<Self>, hub: &Arc<Hub>) -> Progress {
        let under_way = hub.bytes_under_way(self);
        lock(&self.tally).progress(under_way)
    }

    /// Takes the results that are there. Dropping them closes their files.
    pub fn take_items(&self) -> Vec<Item> {
        lock(&self.tally).take_items()
    }

    /// One answer came, outside the hub's lock.
    pub(crate) fn take_result(&self, mut answer: Answer) {
        let opened = answer.take_handle();
        let result = match (answer.outcome, opened) {
            (Outcome::Opened { len, standing, .. }, Some(handle)) => Ok(Staged {
                handle,
                len,
                standing,
            }),
            (Outcome::Failed { fault, .. }, _) => Err(answer.failure(fault)),
            (_, _) => Err(answer.failure(Fault::Cancelled)),
        };
        self.add(Item {
            path: answer.path,
            result,
        });
    }

    pub(crate) fn add(&self, item: Item) {
        let wakers = lock(&self.tally).add(item);
        for waker in wakers {
            waker.wake();
        }
    }

    pub(crate) fn one_less(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn room_came(&self) {
        self.blocked.store(false, Ordering::Relaxed);
    }

    /// Whether a worker should fetch paths for it.
    pub(crate) fn is_hungry(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
            && !self.fed.load(Ordering::Relaxed)
            && !self.blocked.load(Ordering::Relaxed)
            && self.under_way.load(Ordering::Relaxed) < self.order.concurrency
    }

    /// Whether it needs the workers no more.
    pub(crate) fn is_spent(&self) -> bool {
        self.ended.load(Ordering::Relaxed) && self.under_way.load(Ordering::Relaxed) == 0
    }

    /// No further path is tried. Takes no lock that is held while the list runs: the list may
    /// block for as long as it likes.
    fn stop_feeding(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.ended.store(true, Ordering::Relaxed);
        let again = std::mem::take(&mut *lock(&self.again));
        let wakers = {
            let mut tally = lock(&self.tally);
            tally.will_not_try(again.len() as u64);
            tally.end()
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
