//! Changes on the disk, as a stream.

use crate::hub::Hub;
use crate::watch::{self, Change, DEBOUNCE};
use futures_core::Stream;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Paths to be watched. See [`Stager::watch`](super::Stager::watch).
#[derive(Debug)]
#[must_use = "nothing is watched until `start` is called"]
pub struct WatchBuilder {
    hub: Arc<Hub>,
    order: watch::Order,
}

impl WatchBuilder {
    pub(super) fn new(hub: Arc<Hub>, paths: Vec<PathBuf>) -> WatchBuilder {
        let order = watch::Order {
            paths,
            debounce: DEBOUNCE,
        };
        WatchBuilder { hub, order }
    }

    /// How long a path must be quiet before it is told of: 200 ms by default. One that never is, is
    /// told of after five times as long.
    pub fn debounce(mut self, debounce: Duration) -> Self {
        self.order.debounce = debounce;
        self
    }

    /// Begins to watch. What changes after this has returned is told.
    ///
    /// # Errors
    /// A directory may not be read, or the system watches no more of them; a shutdown began.
    ///
    /// # Cancel safety
    /// Dropped, nothing is watched.
    pub async fn start(self) -> io::Result<Watch> {
        let watch = watch::Watch::begin(&self.hub, self.order)?;
        poll_fn(|context| watch.poll_begun(context.waker())).await?;
        Ok(Watch { watch })
    }
}

/// Changes of some paths, and of what is beneath them: a `Stream`. It ends when a shutdown begins.
///
/// Changes of one path are merged until they are read, so a slow reader costs no more memory than
/// there are paths. Dropped, nothing is watched any more.
#[derive(Debug)]
pub struct Watch {
    watch: watch::Watch,
}

impl Watch {
    /// The next change; `None` when there will be no more, because a shutdown began.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Change> {
        poll_fn(|context| self.watch.poll_next(context.waker())).await
    }
}

impl Stream for Watch {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.watch.poll_next(context.waker())
    }
}
