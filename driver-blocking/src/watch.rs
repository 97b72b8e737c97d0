//! Changes on the disk.

use crate::wait::{Help, wait_until};
use driver_kit::Deadline;
use driver_kit::hub::Hub;
use driver_kit::watch::{self, Change, DEBOUNCE};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Paths to be watched. See [`Stager::watch`](crate::Stager::watch).
#[derive(Debug)]
#[must_use = "nothing is watched until `start` is called"]
pub struct WatchBuilder {
    hub: Arc<Hub>,
    order: watch::Order,
}

impl WatchBuilder {
    pub(crate) const fn new(hub: Arc<Hub>, paths: Vec<PathBuf>) -> WatchBuilder {
        let order = watch::Order {
            paths,
            debounce: DEBOUNCE,
        };
        WatchBuilder { hub, order }
    }

    /// How long a path must be quiet before it is told of: 200 ms by default. One that never is, is
    /// told of after five times as long.
    pub const fn debounce(mut self, debounce: Duration) -> Self {
        self.order.debounce = debounce;
        self
    }

    /// Begins to watch, on one thread for all watches of a stager. What changes after this has
    /// returned is told.
    ///
    /// # Errors
    /// A directory may not be read, or the system watches no more of them; a shutdown began.
    pub fn start(self) -> io::Result<Watch> {
        let WatchBuilder { hub, order } = self;
        let watch = watch::Watch::begin(&hub, order)?;
        wait_until(&hub, Help::No, Deadline::Never, |waker| {
            watch.poll_begun(waker)
        })?;
        Ok(Watch { hub, watch })
    }
}

/// Changes of some paths, and of what is beneath them. It ends when a shutdown begins.
///
/// Changes of one path are merged until they are read, so a slow reader costs no more memory than
/// there are paths. Dropped, nothing is watched any more.
#[derive(Debug)]
pub struct Watch {
    hub: Arc<Hub>,
    watch: watch::Watch,
}

impl Watch {
    /// Waits for the next change; `None` when there will be no more, because a shutdown began.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that blocks for ever would invite `collect`"
    )]
    pub fn next(&mut self) -> Option<Change> {
        let Watch { hub, watch } = self;
        wait_until(hub, Help::No, Deadline::Never, |waker| {
            watch.poll_next(waker)
        })
    }

    /// Like [`next`](Watch::next), but waits no longer than until the deadline.
    ///
    /// # Errors
    /// `TimedOut` when the deadline passed; nothing is lost.
    pub fn next_by(&mut self, deadline: Deadline) -> io::Result<Option<Change>> {
        let Watch { hub, watch } = self;
        wait_until(hub, Help::No, deadline, |waker| {
            until(deadline, watch.poll_next(waker))
        })
    }
}

/// What was waited for, or that the deadline has passed.
pub(crate) fn until<T>(deadline: Deadline, poll: Poll<T>) -> Poll<io::Result<T>> {
    match (poll, deadline) {
        (Poll::Ready(ready), _) => Poll::Ready(Ok(ready)),
        (Poll::Pending, Deadline::At(at)) if at <= Instant::now() => {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        }
        (Poll::Pending, Deadline::At(_) | Deadline::Never) => Poll::Pending,
    }
}
