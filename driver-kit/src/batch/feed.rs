//! From the list to the machine: a worker promises under the lock to fetch some paths, fetches
//! them outside, and hands them in under the lock again.

use super::{Batch, Item, Paths, UnderWay};
use crate::error::{Cause, Failure, Operation};
use crate::hub::{Deliveries, Hub, State, Waiter, refusal};
use crate::path;
use crate::sync::atomic::Ordering;
use crate::sync::lock;
use staging_core::{Access, Bound, Event, Fault, Life, Missing, Reject, Request, Tick};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many paths a worker fetches at a time, at the most.
const MOUTHFUL: u32 = 32;

/// After how long it hands in what it has, rather than fetch more: a list may read directories, or
/// a pipe.
#[cfg(not(any(staging_loom, staging_shuttle)))]
const PATIENCE: Duration = Duration::from_micros(200);

/// A model replays what it saw, so nothing may depend on how long a thread was held up.
#[cfg(any(staging_loom, staging_shuttle))]
const PATIENCE: Duration = Duration::MAX;

/// A promise to fetch paths, then the paths.
pub(crate) struct Feed {
    batch: Arc<Batch>,
    promised: u32,
    paths: Vec<Arc<Path>>,
}

impl Feed {
    /// Fetches what was promised: the iterator may read directories, or block.
    pub(crate) fn pull(&mut self) {
        let batch = &self.batch;
        {
            // Counted when they were taken first.
            let mut again = lock(&batch.again);
            let rest = again.len().saturating_sub(self.promised as usize);
            self.paths.extend(again.drain(rest..));
        }
        let mut refused = Vec::new();
        let mut ended = false;
        let began = Instant::now();
        {
            let mut source = lock(&batch.source);
            while self.paths.len() + refused.len() < self.promised as usize
                && began.elapsed() < PATIENCE
            {
                let next = next_of(&mut source).filter(|_| lock(&batch.tally).took_one());
                let Some(path) = next else {
                    *source = None;
                    batch.ended.store(true, Ordering::Relaxed);
                    ended = true;
                    break;
                };
                match batch.here.absolute(&path) {
                    Ok(path) => self.paths.push(path.into()),
                    Err(error) => refused.push((path, error)),
                }
            }
        }
        for (path, error) in refused {
            let path: Arc<Path> = path.into();
            let failure = path::refused(Arc::clone(&path), &error);
            batch.add(Item {
                path,
                result: Err(failure),
            });
        }
        if ended {
            let wakers = lock(&batch.tally).end();
            for waker in wakers {
                waker.wake();
            }
        }
    }
}

/// The next path. A list that panics has ended.
fn next_of(source: &mut Option<Paths>) -> Option<PathBuf> {
    let paths = source.as_mut()?;
    catch_unwind(AssertUnwindSafe(|| paths.next())).unwrap_or_else(|_| {
        tracing::error!("a list of paths panicked; its batch ends here");
        None
    })
}

impl State {
    /// A batch that needs paths, with the promise to fetch some.
    pub(crate) fn hungry_batch(&mut self) -> Option<Feed> {
        let batch = self.batches.iter().find(|batch| batch.is_hungry())?;
        let room = batch.order.concurrency - batch.under_way.load(Ordering::Relaxed);
        let promised = room.min(MOUTHFUL);
        batch.under_way.fetch_add(promised, Ordering::Relaxed);
        batch.fed.store(true, Ordering::Relaxed);
        Some(Feed {
            batch: Arc::clone(batch),
            promised,
            paths: Vec::new(),
        })
    }

    /// Lets go of the batches that need nothing more: they may hold the last of their files.
    pub(crate) fn dismiss_spent(&mut self, out: &mut Deliveries) {
        let spent = self.batches.extract_if(.., |batch| batch.is_spent());
        out.spent.extend(spent);
    }

    /// Hands fetched paths to the machine.
    pub(crate) fn take_feed(
        &mut self,
        now: Tick,
        deadline: Tick,
        feed: Feed,
        out: &mut Deliveries,
    ) {
        let Feed {
            batch,
            promised,
            paths,
        } = feed;
        batch.fed.store(false, Ordering::Relaxed);
        let mut accepted = 0;
        for path in paths {
            if batch.stopped.load(Ordering::Relaxed) {
                let cause = Cause::Fault(Fault::Cancelled);
                let failure = Failure {
                    operation: Operation::Open,
                    path: Arc::clone(&path),
                    cause,
                };
                out.refused.push((
                    Arc::clone(&batch),
                    Item {
                        path,
                        result: Err(failure),
                    },
                ));
                continue;
            }
            let request = Request::Open {
                access: Access::Read,
                missing: Missing::Fail,
                plan: batch.order.plan,
            };
            let waiter = Waiter::Batch(Arc::clone(&batch));
            match self.accept(now, deadline, Operation::Open, &path, request, waiter) {
                Ok(_) => accepted += 1,
                Err(Reject::Full(Bound::Operations | Bound::Handles)) => {
                    batch.blocked.store(true, Ordering::Relaxed);
                    batch.ended.store(false, Ordering::Relaxed);
                    lock(&batch.again).push(path);
                }
                Err(reject) => out.refused.push((
                    Arc::clone(&batch),
                    Item {
                        path: Arc::clone(&path),
                        result: Err(refusal(Operation::Open, &path, reject)),
                    },
                )),
            }
        }
        batch
            .under_way
            .fetch_sub(promised - accepted, Ordering::Relaxed);
    }
}

impl Feed {
    pub(crate) fn deadline(&self) -> crate::clock::Deadline {
        self.batch.order.deadline
    }
}

impl Hub {
    pub(crate) fn adopt_batch(self: &Arc<Self>, batch: Arc<Batch>) {
        let call = {
            let mut state = lock(self.state());
            state.batches.push(batch);
            state.call()
        };
        self.make(call);
    }

    /// Cancels everything of a batch that is under way.
    pub(crate) fn cancel_batch(self: &Arc<Self>, batch: &Arc<Batch>) {
        self.change(|state, now| {
            let ops: Vec<_> = state.ops_of(batch).collect();
            for op in ops {
                let _ = state.say(now, Event::Cancelled { op });
            }
        });
    }

    /// How many bytes of a batch's files under way are in.
    pub(crate) fn bytes_under_way(&self, batch: &Arc<Batch>) -> UnderWay {
        let state = lock(self.state());
        let mut sum = UnderWay::default();
        for op in state.ops_of(batch) {
            let Some(row) = state.table.ops.get(op) else {
                continue;
            };
            let file = row.handle.and_then(|handle| state.machine.file_of(handle));
            let Some(staging) = file.and_then(|file| state.machine.staging(file)) else {
                continue;
            };
            sum.known += staging.len;
            if let Life::Staging { done, .. } = staging.life {
                sum.done += done;
            }
        }
        sum
    }
}

impl State {
    fn ops_of(&self, batch: &Arc<Batch>) -> impl Iterator<Item = staging_core::OpId> {
        let batch = Arc::as_ptr(batch);
        self.table
            .ops
            .iter()
            .filter_map(move |(op, row)| match &row.waiter {
                Waiter::Batch(other) if Arc::as_ptr(other) == batch => Some(op),
                Waiter::Batch(_) | Waiter::Slot(_) | Waiter::Here => None,
            })
    }
}
