//! The stager: where files are opened, staged together, and shut down.

use super::wait::{Client, done};
use super::{
    BatchBuilder, File, LockBuilder, LogBuilder, OpenOptions, ReplaceBuilder, UpdateBuilder,
};
#[cfg(not(any(staging_loom, staging_shuttle)))]
use super::{FollowBuilder, WatchBuilder};
use crate::clock::Deadline;
use crate::error::Operation;
#[cfg(not(any(staging_loom, staging_shuttle)))]
use crate::figures::Timings;
use crate::figures::{Figures, FileBacklog};
use crate::handlers::Handlers;
use crate::hub::{Hub, Standby};
use crate::journal::Recording;
use crate::observe::Notice;
use crate::options::Options;
use crate::report::ShutdownReport;
use bytes::Bytes;
use staging_core::{Class, Grace, Limits, PhaseName, Pressure, Request, Stats, WriteCounts};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a stager that is simply dropped may take to give everything back.
const CLOSING_ON_DROP: Duration = Duration::from_secs(1);

/// What a stager does on every executor. A driver's own adds how it is made and what it opens.
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
    /// How files are opened where nobody asks otherwise.
    options: Options,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.client.hub().phase() != PhaseName::Closed {
            self.client.hub().force(CLOSING_ON_DROP);
        }
    }
}

impl Stager {
    /// The stager of a hub, which it closes in the end.
    pub fn new(client: Client) -> Stager {
        Stager::opening(client, Options::new())
    }

    /// The same, whose files are opened like this where nobody asks otherwise.
    pub fn opening(client: Client, options: Options) -> Stager {
        Stager {
            owner: Arc::new(Owner { client, options }),
        }
    }

    /// How a file is opened that is then made into the driver's own.
    pub fn options_for<F>(&self, make: fn(File) -> F) -> OpenOptions<F> {
        OpenOptions::of(self.owner.client.clone(), make, self.owner.options)
    }

    /// Stages many files together. See [`Batch`](super::Batch).
    pub fn stage<P>(&self, paths: P) -> BatchBuilder
    where
        P: IntoIterator,
        P::Item: AsRef<Path>,
        P::IntoIter: Send + 'static,
    {
        let paths = paths.into_iter().map(|path| path.as_ref().to_path_buf());
        BatchBuilder::new(Arc::clone(self.hub()), Box::new(paths))
    }

    /// Replaces what a path leads to, whole or not at all (A1). The bytes are not copied. Many that are asked
    /// at once share the syncs of their directories (A4); those of one path happen in the order in which
    /// they were asked. See [`ReplaceBuilder`].
    pub fn replace(&self, path: impl AsRef<Path>, bytes: impl Into<Bytes>) -> ReplaceBuilder {
        let path = path.as_ref().to_path_buf();
        ReplaceBuilder::new(self.owner.client.clone(), path, bytes.into())
    }

    /// Removes the temporary files that crashes left of replaces in a directory, if it is certain that their
    /// owners are gone, and says how many those were (A2). Not in the directories beneath it. Where a file is
    /// replaced that is done without being asked, once for each directory.
    ///
    /// # Errors
    /// The directory cannot be read.
    ///
    /// # Cancel safety
    /// Dropped, it goes on to its end, on a thread of its own.
    pub async fn sweep(&self, directory: impl AsRef<Path>) -> io::Result<u64> {
        crate::sweep::swept(directory.as_ref()).await
    }

    /// An append-only log of records (L1), with checkpoints (L2). See [`Log`](super::Log).
    pub fn log(&self, path: impl AsRef<Path>) -> LogBuilder {
        LogBuilder::new(self.owner.client.clone(), path.as_ref().to_path_buf())
    }

    /// Reads a file, changes it, and replaces it by what comes of that (A5). See [`UpdateBuilder`].
    pub fn update<C, B>(&self, path: impl AsRef<Path>, change: C) -> UpdateBuilder<C>
    where
        C: FnOnce(Option<Bytes>) -> io::Result<B> + Send + 'static,
        B: Into<Bytes>,
    {
        let path = path.as_ref().to_path_buf();
        UpdateBuilder::new(self.owner.client.clone(), path, change)
    }

    /// Locks what a path leads to, whole or in part, against all processes of this system (K1). See
    /// [`LockBuilder`].
    pub fn lock(&self, path: impl AsRef<Path>) -> LockBuilder {
        let path = path.as_ref().to_path_buf();
        LockBuilder::new(self.owner.client.clone(), path)
    }

    /// Watches files and directories, by path (K3): what is created, modified or removed there, and
    /// beneath the directories, is told. See [`Watch`](super::Watch).
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn watch<P>(&self, paths: P) -> WatchBuilder
    where
        P: IntoIterator,
        P::Item: AsRef<Path>,
    {
        let paths = paths.into_iter().map(|path| path.as_ref().to_path_buf());
        WatchBuilder::new(Arc::clone(self.hub()), paths.collect())
    }

    /// How a file is followed whose versions are then made into the driver's own.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn follow_for<F: Send + Sync + 'static>(
        &self,
        path: impl AsRef<Path>,
        make: fn(File) -> F,
    ) -> FollowBuilder<F> {
        let path = path.as_ref().to_path_buf();
        FollowBuilder::new(self.owner.client.clone(), make, path)
    }

    /// Waits until every write to any file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The deadline passed, or the stager was closed.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::FlushAll, Request::FlushAll, deadline)
            .await
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
        self.for_all(Operation::SyncAll, Request::SyncAll, deadline)
            .await
    }

    async fn for_all(
        &self,
        operation: Operation,
        request: Request,
        deadline: Deadline,
    ) -> io::Result<()> {
        let (client, hub) = (&self.owner.client, self.hub());
        let asked = |room: Standby<'_>| hub.submit_for_all(operation, request, deadline, room);
        client.ask(deadline, asked).await.and_then(done)
    }

    /// The limits that it keeps to now (R12).
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.hub().limits()
    }

    /// Other limits from now on, all of them or none (R12). Whoever waits for room is woken if there is
    /// more. Where a bound is lowered below what is there, nothing that was accepted is refused and
    /// nothing is taken from who holds it: nothing more gets in until there is room. Over a lowered
    /// budget what nobody holds is given up at once (G10).
    ///
    /// ```no_run
    /// # use driver_kit::core::Limits;
    /// # fn calm(stager: &driver_kit::client::Stager) -> std::io::Result<()> {
    /// let limits = stager.limits();
    /// stager.set_limits(Limits { bytes: limits.bytes / 2, ..limits })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// One of them would let nothing through, which is said by its name; or the stager was closed.
    pub fn set_limits(&self, limits: Limits) -> io::Result<()> {
        self.hub().set_limits(limits)
    }

    /// What has been counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.hub().stats()
    }

    /// Counts, rates and health, as of one moment; see [`Figures`]. Nobody is held up for longer than it
    /// takes to copy them.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.hub().figures()
    }

    /// How long operations waited and were served, by kind and by class; see [`Timings`]. Nobody is held
    /// up by who reads them.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.hub().timings()
    }

    /// Which files have work that is accepted and not over, and how much: what is queued, what is under way,
    /// and whether the file is dirty or cannot be synced (R12); see [`FileBacklog`]. By path, in their order.
    /// Nobody else pays for it: who asks walks over the operations there are.
    #[must_use]
    pub fn backlog(&self) -> Vec<FileBacklog> {
        self.hub().backlog()
    }

    /// What became of the writes of a class: how many were accepted, and how each of them ended. They
    /// count in the class that they were asked in, whatever they were lent (R2).
    #[must_use]
    pub fn writes_of(&self, class: Class) -> WriteCounts {
        self.hub().writes_of(class)
    }

    /// Bytes of the budget that are taken now (G10).
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.hub().charged()
    }

    /// How tight the budget is: what is taken and by what, and how much more is wanted (G10).
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        self.hub().pressure()
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

    /// Writes a journal of the run to a new file, from the very beginning to the end: everything the
    /// machine is told and answers, a line each, for `staging replay`. It names no paths and holds no
    /// bytes of files. A thread writes it while there is a stager; the run never waits for it and
    /// goes on where it fails, and [`recording`](Stager::recording) says how it stands. What was
    /// written is there also after a SIGKILL; all of it, after a shutdown.
    ///
    /// # Errors
    /// Something was asked of the stager before, there is a file already, or it cannot be made.
    pub fn record_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.hub().record_to(path.as_ref())
    }

    /// How the recording stands, if there is one.
    #[must_use]
    pub fn recording(&self) -> Option<Recording> {
        self.hub().recording()
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
        self.hub().shut_down(grace);
        self.closed().await
    }

    /// The same, and says why: observers and the report are told so (S8).
    ///
    /// # Cancel safety
    /// As [`shutdown`](Stager::shutdown).
    pub async fn shutdown_because(
        &self,
        grace: Grace,
        reason: impl Into<Arc<str>>,
    ) -> ShutdownReport {
        self.hub().shut_down_because(grace, reason);
        self.closed().await
    }

    /// Forces a shutdown (S4): what is under way is given up and named.
    ///
    /// # Cancel safety
    /// As [`shutdown`](Stager::shutdown).
    pub async fn force(&self, closing: Duration) -> ShutdownReport {
        self.hub().force(closing);
        self.closed().await
    }

    /// The same, and says why: observers and the report are told so (S8).
    ///
    /// # Cancel safety
    /// As [`shutdown`](Stager::shutdown).
    pub async fn force_because(
        &self,
        closing: Duration,
        reason: impl Into<Arc<str>>,
    ) -> ShutdownReport {
        self.hub().force_because(closing, reason);
        self.closed().await
    }

    /// Waits until somebody else's shutdown is over.
    ///
    /// # Cancel safety
    /// Nothing is lost; wait again.
    pub async fn closed(&self) -> ShutdownReport {
        self.owner.client.closed().await
    }
}
