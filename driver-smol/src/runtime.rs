//! What this driver asks of its world: a thread that may block, and an alarm. Both come from
//! smol's own crates, which need no executor of theirs.

use async_io::Timer;
use driver_kit::client::{Alarm, Client};
use driver_kit::contents::Means;
use driver_kit::core::{Grace, Limits};
use driver_kit::hub::{Hub, Setup};
use driver_kit::signals::Signals;
use std::io;
use std::sync::Arc;

/// A client whose workers run on the `blocking` pool.
pub(crate) fn client(limits: Limits, means: Means, workers: u32) -> Client {
    let start = Box::new(|hub: &Arc<Hub>| {
        let hub = Arc::clone(hub);
        blocking::unblock(move || hub.work()).detach();
    });
    let set_alarm = |at: std::time::Instant| {
        Box::pin(async move {
            Timer::at(at).await;
        }) as Alarm
    };
    let setup = Setup {
        limits,
        means,
        workers: workers.max(1),
        start,
    };
    Client::new(setup, Arc::new(set_alarm))
}

/// Shuts a hub down on SIGINT and SIGTERM, for the rest of the process: there is no executor to
/// put a task on, so a thread waits for them.
pub(crate) fn listen(hub: &Arc<Hub>, grace: Grace) -> io::Result<()> {
    Signals::catch()?.listen(Arc::downgrade(hub), grace)
}
