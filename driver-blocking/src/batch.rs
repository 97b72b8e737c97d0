//! Many files staged together.

use crate::wait::{Help, wait_until};
use driver_kit::Deadline;
use driver_kit::batch::{self, Item, Order, Paths, Progress};
use driver_kit::core::{Mode, Plan};
use driver_kit::hub::Hub;
use driver_kit::path::Here;
use std::io;
use std::sync::Arc;

/// Files being staged together. Made by [`Stager::stage`](crate::Stager::stage).
///
/// With a pool, staging goes on by itself. Without, it goes on in [`wait`](Batch::wait). Dropping
/// the batch cancels what is not done.
#[derive(Debug)]
#[must_use = "dropping a batch cancels what is not done"]
pub struct Batch {
    hub: Arc<Hub>,
    batch: Arc<batch::Batch>,
}

impl Batch {
    pub(crate) fn begin(hub: Arc<Hub>, order: Order, here: Here, paths: Paths) -> Batch {
        let batch = batch::Batch::begin(&hub, order, here, paths);
        Batch { hub, batch }
    }

    /// Waits until every file has its result, and takes the results. The files stay open and
    /// staged as long as their items are kept.
    pub fn wait(&self) -> Vec<Item> {
        let help = Help::unless_pool(&self.hub);
        wait_until(&self.hub, help, Deadline::Never, |waker| {
            self.batch.poll_done(waker)
        });
        self.batch.take_items()
    }

    /// How far it is (G7). Can be asked from any thread.
    pub fn progress(&self) -> Progress {
        self.batch.progress(&self.hub)
    }

    /// Takes no further path and cancels what is under way (G8). What is done stays done, and
    /// [`wait`](Batch::wait) still gives a result for every path that was taken.
    pub fn cancel(&self) {
        self.batch.cancel(&self.hub);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.batch.cancel(&self.hub);
    }
}

/// Many files to be staged together. See [`Stager::stage`](crate::Stager::stage).
#[must_use = "nothing is staged until `start` is called"]
pub struct BatchBuilder {
    hub: Arc<Hub>,
    paths: Paths,
    order: Order,
}

impl BatchBuilder {
    pub(crate) fn of(hub: Arc<Hub>, paths: Paths) -> BatchBuilder {
        let order = Order {
            plan: Plan::of(Mode::Auto),
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

    /// Begins. With a pool, staging goes on by itself; without, in [`Batch::wait`].
    ///
    /// # Errors
    /// Relative paths begin at the current directory, and there is none.
    pub fn start(self) -> io::Result<Batch> {
        Ok(Batch::begin(self.hub, self.order, Here::now()?, self.paths))
    }
}

impl std::fmt::Debug for BatchBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchBuilder")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
