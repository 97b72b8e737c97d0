//! Many files staged together.

use crate::wait::{Help, wait_until};
use driver_kit::Deadline;
use driver_kit::batch::{self, Item, Order, Paths, Progress};
use driver_kit::hub::Hub;
use driver_kit::path::Here;
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
