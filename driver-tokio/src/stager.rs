//! The stager: where files are opened, staged together, and shut down.

use crate::batch::BatchBuilder;
use crate::file::File;
use crate::options::OpenOptions;
use crate::runtime;
use driver_kit::Deadline;
use driver_kit::ShutdownReport;
use driver_kit::client::Client;
use driver_kit::core::{Grace, Limits, PhaseName, Stats};
use driver_kit::handlers::Handlers;
use driver_kit::hub::Hub;
use driver_kit::observe::Notice;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a stager that is simply dropped may take to give everything back.
const CLOSING_ON_DROP: Duration = Duration::from_secs(1);

/// Files that are in memory before the first read.
///
/// Clones share everything. When the last is dropped the stager is closed, in the background;
/// files that are still there can then no longer be read. [`shutdown`](Stager::shutdown) does the
/// same with manners, and a report.
#[derive(Clone, Debug)]
pub struct Stager {
    owner: Arc<Owner>,
}

/// Closes the hub when the last stager is gone.
#[derive(Debug)]
struct Owner {
    client: Client,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.client.hub().phase() != PhaseName::Closed {
            self.client.hub().force(CLOSING_ON_DROP);
        }
    }
}

/// How a stager is made. See [`Stager::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct Builder {
    limits: Limits,
    workers: u32,
}

impl Builder {
    /// How many blocking threads work at once while there is work. Two by default.
    pub const fn workers(self, threads: u32) -> Builder {
        Builder {
            workers: threads,
            ..self
        }
    }

    /// How many bytes of files may be in memory at once (G10). Unlimited by default.
    pub const fn budget(self, bytes: u64) -> Builder {
        Builder {
            limits: Limits {
                budget: bytes,
                ..self.limits
            },
            ..self
        }
    }

    /// How many bytes of the budget may stay in memory after their files were closed, for the next
    /// open. None by default.
    pub const fn linger(self, bytes: u64) -> Builder {
        Builder {
            limits: Limits {
                linger: bytes,
                ..self.limits
            },
            ..self
        }
    }

    /// Every bound there is.
    pub const fn limits(self, limits: Limits) -> Builder {
        Builder { limits, ..self }
    }

    /// Makes the stager. Nothing is started before there is work.
    ///
    /// # Errors
    /// There is no runtime here.
    pub fn build(self) -> io::Result<Stager> {
        let client = runtime::client(self.limits, self.workers)?;
        Ok(Stager {
            owner: Arc::new(Owner { client }),
        })
    }
}

impl Stager {
    /// A stager without a budget.
    ///
    /// # Errors
    /// There is no runtime here.
    pub fn new() -> io::Result<Stager> {
        Stager::builder().build()
    }

    /// A stager to be adjusted first.
    pub fn builder() -> Builder {
        Builder {
            limits: Limits::default(),
            workers: 2,
        }
    }

    /// Opens a file for reading and stages it: when this returns, it is in memory (G3).
    ///
    /// # Errors
    /// There is no regular file, it may not be read, or staging it failed; the message says what
    /// and where.
    ///
    /// # Cancel safety
    /// Dropped, the open is cancelled and the file closed.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.options().open(path).await
    }

    /// Opens a file in other ways than [`open`](Stager::open).
    pub fn options(&self) -> OpenOptions {
        OpenOptions::new(self.owner.client.clone())
    }

    /// Stages many files together. See [`Batch`](crate::Batch).
    pub fn stage<P>(&self, paths: P) -> BatchBuilder
    where
        P: IntoIterator,
        P::Item: AsRef<Path>,
        P::IntoIter: Send + 'static,
    {
        let paths = paths.into_iter().map(|path| path.as_ref().to_path_buf());
        BatchBuilder::new(self.owner.client.clone(), Box::new(paths))
    }

    /// Waits until every write to any file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The deadline passed, or the stager was closed.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.owner.client.flush_all(deadline).await
    }

    /// Makes durable what was written to the files that are open for writing (R3). What was closed
    /// without a sync is not among them.
    ///
    /// # Errors
    /// A file could not be synced: the first of them, and why (R8). The deadline passed, or the
    /// stager was closed.
    ///
    /// # Cancel safety
    /// Dropped, syncs that have begun go on.
    pub async fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.owner.client.sync_all(deadline).await
    }

    /// What has been counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.hub().stats()
    }

    /// Bytes of the budget that are taken now (G10).
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.hub().charged()
    }

    /// Which phase of its life the stager is in (S1).
    #[must_use]
    pub fn phase(&self) -> PhaseName {
        self.hub().phase()
    }

    /// Who carries out which kind of action: handlers can be set and restored at any time.
    #[must_use]
    pub fn handlers(&self) -> &Handlers {
        self.hub().handlers()
    }

    /// Adds somebody who is told of progress and of the phases of a shutdown, outside every lock
    /// (S7).
    pub fn observe(&self, observer: impl Fn(&Notice) + Send + Sync + 'static) {
        self.hub().observers().add(Arc::new(observer));
    }

    /// The hub underneath, for measuring and for drivers of one's own.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        self.owner.client.hub()
    }

    /// Shuts down gracefully (S1): refuses new work, finishes what was accepted, gives everything
    /// back, and reports. Asked again meanwhile, it only shortens (S4).
    ///
    /// # Cancel safety
    /// Dropped, the shutdown goes on, but nobody looks at its deadlines; wait again with
    /// [`closed`](Stager::closed).
    pub async fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.owner.client.shutdown(grace).await
    }

    /// Forces a shutdown (S4): what is under way is given up and named.
    ///
    /// # Cancel safety
    /// As [`shutdown`](Stager::shutdown).
    pub async fn force(&self, closing: Duration) -> ShutdownReport {
        self.owner.client.force(closing).await
    }

    /// Waits until somebody else's shutdown is over.
    ///
    /// # Cancel safety
    /// Nothing is lost; wait again.
    pub async fn closed(&self) -> ShutdownReport {
        self.owner.client.closed().await
    }

    /// Shuts down on SIGINT and SIGTERM (S6): the first is graceful, the second forces, the third
    /// exits at once. A task listens for the rest of the runtime's life.
    ///
    /// # Errors
    /// The signals could not be caught, or there is no runtime here.
    pub fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        runtime::listen(self.hub(), grace)
    }
}
