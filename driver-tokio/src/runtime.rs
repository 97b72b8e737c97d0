//! What this driver asks of its runtime: a thread that may block, an alarm, and the pipe of the
//! signals.

use driver_kit::client::{Alarm, Client};
use driver_kit::contents::Means;
use driver_kit::core::{Grace, Limits};
use driver_kit::hub::{Hub, Setup};
use driver_kit::signals::{Signals, keep_time};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::time::timeout_at;

/// A client on the runtime that this is called on.
pub(crate) fn client(limits: Limits, means: Means, workers: u32) -> io::Result<Client> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let alarms = runtime.clone();
    let start = Box::new(move |hub: &Arc<Hub>| {
        let worker = Worker::of(hub);
        drop(runtime.spawn_blocking(move || worker.run()));
    });
    let set_alarm = move |at: std::time::Instant| {
        let _entered = alarms.enter();
        Box::pin(tokio::time::sleep_until(at.into())) as Alarm
    };
    let setup = Setup {
        limits,
        means,
        workers: workers.max(1),
        start,
    };
    Ok(Client::new(setup, Arc::new(set_alarm)))
}

/// A worker on its way to a thread. A runtime that shuts down drops it instead of running it:
/// then there is nobody left to carry anything out.
struct Worker {
    hub: Option<Arc<Hub>>,
}

impl Worker {
    fn of(hub: &Arc<Hub>) -> Worker {
        Worker {
            hub: Some(Arc::clone(hub)),
        }
    }

    fn run(mut self) {
        if let Some(hub) = self.hub.take() {
            hub.work();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.take() {
            hub.lose_worker();
        }
    }
}

/// Shuts a hub down on SIGINT and SIGTERM, for the rest of the runtime, and keeps the deadlines of
/// that: perhaps nobody waits for the end.
pub(crate) fn listen(hub: &Arc<Hub>, grace: Grace) -> io::Result<()> {
    let mut signals = Signals::catch()?;
    let pipe = signals.pipe().try_clone()?;
    pipe.set_nonblocking(true)?;
    let mut pipe = UnixStream::from_std(pipe)?;
    let hub = Arc::downgrade(hub);
    let listening = async move {
        loop {
            let heard = match signals.due(&hub) {
                Some(at) => timeout_at(at.into(), pipe.read_u8()).await,
                None => Ok(pipe.read_u8().await),
            };
            match heard {
                Ok(Ok(_)) => signals.press().shut_down(&hub, grace),
                Ok(Err(_)) => return,
                Err(_) => keep_time(&hub),
            }
        }
    };
    drop(
        Handle::try_current()
            .map_err(io::Error::other)?
            .spawn(listening),
    );
    Ok(())
}
