//! Many files staged together.

use crate::batch::{self, Item, Order, Paths, Progress};
use crate::clock::Deadline;
use crate::hub::Hub;
use crate::path::Here;
use futures_core::Stream;
use staging_core::{Mode, Plan};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Many files to be staged together. See [`Stager::stage`](super::Stager::stage).
#[must_use = "nothing is staged until `start` is called"]
pub struct BatchBuilder {
    hub: Arc<Hub>,
    paths: Paths,
    order: Order,
}

impl BatchBuilder {
    pub(super) fn new(hub: Arc<Hub>, paths: Paths) -> BatchBuilder {
        let plan = Plan::of(Mode::Auto);
        let order = Order {
            plan,
            concurrency: 64,
            deadline: Deadline::Never,
        };
        BatchBuilder { hub, paths, order }
    }

    /// By which means (G3). `Auto` by default.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.order.plan.mode = mode;
        self
    }

    /// The whole plan.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.order.plan = plan;
        self
    }

    /// How many files may be under way at once. 64 by default.
    pub fn concurrency(mut self, files: u32) -> Self {
        self.order.concurrency = files;
        self
    }

    /// When those that are not done are given up.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.order.deadline = deadline;
        self
    }

    /// Begins. Staging goes on by itself.
    ///
    /// # Errors
    /// Relative paths begin at the current directory, and there is none.
    pub fn start(self) -> io::Result<Batch> {
        let batch = batch::Batch::begin(&self.hub, self.order, Here::now()?, self.paths);
        let hub = self.hub;
        Ok(Batch {
            running: Arc::new(Running { hub, batch }),
        })
    }
}

impl std::fmt::Debug for BatchBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchBuilder")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// A batch, for as long as anybody waits for it or watches it.
#[derive(Debug)]
struct Running {
    hub: Arc<Hub>,
    batch: Arc<batch::Batch>,
}

impl Running {
    fn progress(&self) -> Progress {
        self.batch.progress(&self.hub)
    }

    fn cancel(&self) {
        self.batch.cancel(&self.hub);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Files being staged together. Dropped, it cancels what is not done.
#[derive(Debug)]
#[must_use = "dropping a batch cancels what is not done"]
pub struct Batch {
    running: Arc<Running>,
}

impl Batch {
    /// Waits until every file has its result, and takes the results. The files stay open and
    /// staged as long as their items are kept.
    ///
    /// # Cancel safety
    /// Dropped, staging goes on; wait again.
    pub async fn wait(&self) -> Vec<Item> {
        let batch = &self.running.batch;
        poll_fn(|context| batch.poll_done(context.waker())).await;
        batch.take_items()
    }

    /// How far it is (G7).
    pub fn progress(&self) -> Progress {
        self.running.progress()
    }

    /// How far it is, each time it got further, until it is done: a `Stream`.
    pub fn updates(&self) -> Updates {
        Updates {
            running: Arc::clone(&self.running),
            seen: 0,
        }
    }

    /// Takes no further path and cancels what is under way (G8). What is done stays done, and
    /// [`wait`](Batch::wait) still gives a result for every path that was taken.
    pub fn cancel(&self) {
        self.running.cancel();
    }
}

/// The progress of a batch as a `Stream`: an item when a file is done or a chunk is in, several of
/// these at once if nobody looked meanwhile, and the last when everything is done.
#[derive(Debug)]
pub struct Updates {
    running: Arc<Running>,
    seen: u64,
}

impl Updates {
    /// The next progress; `None` after the last.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Progress> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Updates {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        let Updates { running, seen } = &mut *self;
        match running.batch.poll_step(seen, context.waker()) {
            Poll::Ready(true) => Poll::Ready(Some(running.progress())),
            Poll::Ready(false) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
