//! The stager: where files are opened, staged together, and shut down.

use crate::batch::BatchBuilder;
use crate::file::File;
use crate::follow::FollowBuilder;
use crate::lock::LockBuilder;
use crate::log::LogBuilder;
use crate::options::{OpenOptions, admitted, answer};
use crate::replace::ReplaceBuilder;
use crate::update::UpdateBuilder;
use crate::wait::{Help, wait_until};
use crate::watch::WatchBuilder;
use bytes::Bytes;
use driver_kit::contents::{Clones, Means, Paging};
use driver_kit::core::{Class, Grace, Limits, PhaseName, Pressure, Request, Stats, WriteCounts};
use driver_kit::error::{Failure, Operation};
use driver_kit::figures::{Figures, FileBacklog, Timings};
use driver_kit::handlers::Handlers;
use driver_kit::hub::{End, Hub, Setup};
use driver_kit::journal::Recording;
use driver_kit::observe::Notice;
use driver_kit::options::Options;
use driver_kit::signals::Signals;
use driver_kit::{Deadline, ShutdownReport};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long a stager that is simply dropped may take to give everything back.
const CLOSING_ON_DROP: Duration = Duration::from_secs(1);

/// Files that are in memory before the first read.
///
/// Clones share everything. When the last is dropped, the stager is closed; files that were
/// opened and are still there can then no longer be read. [`shutdown`](Stager::shutdown) does the
/// same with manners, and a report.
#[derive(Clone, Debug)]
pub struct Stager {
    owner: Arc<Owner>,
}

/// Closes the hub when the last stager is gone.
#[derive(Debug)]
struct Owner {
    hub: Arc<Hub>,
    /// How files are opened where nobody asks otherwise.
    options: Options,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.hub.phase() != PhaseName::Closed {
            self.hub.force(CLOSING_ON_DROP);
            let mut end = End::of(Arc::clone(&self.hub));
            let _ = wait_until(&self.hub, Help::Yes, Deadline::Never, |waker| {
                self.hub.poll_closed(&mut end, waker)
            });
        }
    }
}

/// How a stager is made. See [`Stager::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct Builder {
    limits: Limits,
    means: Means,
    options: Options,
    pool: u32,
}

impl Builder {
    /// How many threads may carry actions out beside the callers. With 0, the default, there is no
    /// extra thread at all: whoever waits carries out what has to be done. Threads are started when
    /// there is work, few while they do not have to wait and more where the disk keeps them waiting,
    /// and leave when there is none. Whoever waits helps them while there are not enough at work; where all are
    /// stuck, one more does every 10 ms, also beside as many threads as there may be.
    pub const fn pool(self, threads: u32) -> Builder {
        Builder {
            pool: threads,
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

    /// Whether the system may take staged pages out of memory when it is short of it. Where it may
    /// not, staging fails beyond what this process may lock (`RLIMIT_MEMLOCK`). Allowed by default.
    pub const fn paging(self, paging: Paging) -> Builder {
        let means = Means {
            paging,
            ..self.means
        };
        Builder { means, ..self }
    }

    /// Whether a clone is mapped in the place of a file, where the file system makes one for nothing:
    /// its bytes are handed out without a copy. Never by default.
    pub const fn clones(self, clones: Clones) -> Builder {
        let means = Means {
            clones,
            ..self.means
        };
        Builder { means, ..self }
    }

    /// Whether what is opened to be written is written behind (R8) unless its options say otherwise, or say
    /// that it is written through. It is not by default.
    pub const fn write_behind(self, behind: bool) -> Builder {
        let options = Options {
            writes_behind_unasked: behind,
            ..self.options
        };
        Builder { options, ..self }
    }

    /// Every bound there is. They can be changed later: see [`set_limits`](Stager::set_limits).
    pub const fn limits(self, limits: Limits) -> Builder {
        Builder { limits, ..self }
    }

    /// Makes the stager. Nothing is started before there is work.
    #[must_use]
    pub fn build(self) -> Stager {
        let setup = Setup {
            limits: self.limits,
            means: self.means,
            workers: self.pool,
            start: Box::new(start_worker),
        };
        Stager {
            owner: Arc::new(Owner {
                hub: Hub::new(setup),
                options: self.options,
            }),
        }
    }
}

fn start_worker(hub: &Arc<Hub>) {
    let worker = Arc::clone(hub);
    let started = thread::Builder::new()
        .name("staging-worker".to_owned())
        .spawn(move || worker.work());
    if started.is_err() {
        // No thread is to be had: this one does what there is to do.
        hub.work();
    }
}

impl Default for Stager {
    fn default() -> Stager {
        Stager::new()
    }
}

impl Stager {
    /// A stager without threads of its own and without a budget.
    #[must_use]
    pub fn new() -> Stager {
        Stager::builder().build()
    }

    /// A stager to be adjusted first.
    pub fn builder() -> Builder {
        Builder {
            limits: Limits::default(),
            means: Means::default(),
            options: Options::new(),
            pool: 0,
        }
    }

    /// Opens a file for reading and stages it: when this returns, it is in memory (G3).
    ///
    /// # Errors
    /// There is no regular file, it may not be read, or staging it failed; the message says what
    /// and where.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.options().open(path)
    }

    /// Opens a file in other ways than [`open`](Stager::open).
    pub fn options(&self) -> OpenOptions {
        OpenOptions::of(Arc::clone(self.hub()), self.owner.options)
    }

    /// Stages many files together. See [`Batch`](crate::Batch).
    pub fn stage<P>(&self, paths: P) -> BatchBuilder
    where
        P: IntoIterator,
        P::Item: AsRef<Path>,
        P::IntoIter: Send + 'static,
    {
        let paths = paths.into_iter().map(|path| path.as_ref().to_path_buf());
        BatchBuilder::of(Arc::clone(self.hub()), Box::new(paths))
    }

    /// Replaces what a path leads to, whole or not at all (A1). The bytes are not copied. Many that are asked
    /// at once share the syncs of their directories (A4); those of one path happen in the order in which
    /// they were asked. See [`ReplaceBuilder`].
    pub fn replace(&self, path: impl AsRef<Path>, bytes: impl Into<Bytes>) -> ReplaceBuilder {
        let path = path.as_ref().to_path_buf();
        ReplaceBuilder::new(Arc::clone(self.hub()), path, bytes.into())
    }

    /// An append-only log of records (L1), with checkpoints (L2). See [`Log`](crate::Log).
    pub fn log(&self, path: impl AsRef<Path>) -> LogBuilder {
        LogBuilder::new(Arc::clone(self.hub()), path.as_ref().to_path_buf())
    }

    /// Reads a file, changes it, and replaces it by what comes of that (A5). See [`UpdateBuilder`].
    pub fn update<C, B>(&self, path: impl AsRef<Path>, change: C) -> UpdateBuilder<C>
    where
        C: FnOnce(Option<Bytes>) -> io::Result<B>,
        B: Into<Bytes>,
    {
        let path = path.as_ref().to_path_buf();
        UpdateBuilder::new(Arc::clone(self.hub()), path, change)
    }

    /// Removes the temporary files that crashes left of replaces in a directory, if it is certain that their
    /// owners are gone, and says how many those were (A2). Not in the directories beneath it. Where a file is
    /// replaced that is done without being asked, once for each directory.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn sweep(&self, directory: impl AsRef<Path>) -> io::Result<u64> {
        driver_kit::sweep::sweep(directory.as_ref())
    }

    /// Locks what a path leads to, whole or in part, against all processes of this system (K1). See
    /// [`LockBuilder`].
    pub fn lock(&self, path: impl AsRef<Path>) -> LockBuilder {
        LockBuilder::new(Arc::clone(self.hub()), path.as_ref().to_path_buf())
    }

    /// Watches files and directories, by path (K3): what is created, modified or removed there, and
    /// beneath the directories, is told. See [`Watch`](crate::Watch).
    pub fn watch<P>(&self, paths: P) -> WatchBuilder
    where
        P: IntoIterator,
        P::Item: AsRef<Path>,
    {
        let paths = paths.into_iter().map(|path| path.as_ref().to_path_buf());
        WatchBuilder::new(Arc::clone(self.hub()), paths.collect())
    }

    /// Follows a file by its path: when it changes on the disk, it is staged again, marked stale, or
    /// told of, as asked (K4). See [`Followed`](crate::Followed).
    pub fn follow(&self, path: impl AsRef<Path>) -> FollowBuilder {
        FollowBuilder::new(Arc::clone(self.hub()), path.as_ref().to_path_buf())
    }

    /// Waits until every write to any file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The deadline passed, or the stager was closed.
    pub fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::FlushAll, Request::FlushAll, deadline)
    }

    /// Makes durable what was written to the files that are open for writing (R3). What was closed
    /// without a sync is not among them.
    ///
    /// # Errors
    /// A file could not be synced: the first of them, and why (R8). The deadline passed, or the
    /// stager was closed.
    pub fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::SyncAll, Request::SyncAll, deadline)
    }

    fn for_all(
        &self,
        operation: Operation,
        request: Request,
        deadline: Deadline,
    ) -> io::Result<()> {
        let hub = self.hub();
        let ticket = admitted(hub, deadline, |room| {
            hub.submit_for_all(operation, request, deadline, room)
        })?;
        answer(ticket, deadline).done().map_err(Failure::into_io)
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
    /// # fn calm(stager: &driver_blocking::Stager) -> std::io::Result<()> {
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

    /// Who carries out which kind of action: handlers can be set and restored at any time, for
    /// metrics, fault injection, or other backings.
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
        &self.owner.hub
    }

    /// Shuts down gracefully (S1): refuses new work, finishes what was accepted, gives everything
    /// back, and reports. What does not end within `grace` is given up and named. Waits for the
    /// end; asked again meanwhile, from another thread, it only shortens (S4).
    pub fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.hub().shut_down(grace);
        self.wait_closed()
    }

    /// The same, and says why: observers and the report are told so (S8).
    pub fn shutdown_because(&self, grace: Grace, reason: impl Into<Arc<str>>) -> ShutdownReport {
        self.hub().shut_down_because(grace, reason);
        self.wait_closed()
    }

    /// Forces a shutdown (S4): what is under way is given up and named; giving back may take so
    /// long.
    pub fn force(&self, closing: Duration) -> ShutdownReport {
        self.hub().force(closing);
        self.wait_closed()
    }

    /// The same, and says why: observers and the report are told so (S8).
    pub fn force_because(&self, closing: Duration, reason: impl Into<Arc<str>>) -> ShutdownReport {
        self.hub().force_because(closing, reason);
        self.wait_closed()
    }

    /// Waits until somebody else's shutdown is over.
    pub fn wait_closed(&self) -> ShutdownReport {
        let hub = self.hub();
        let mut end = End::of(Arc::clone(hub));
        wait_until(hub, Help::unless_pool(hub), Deadline::Never, |waker| {
            hub.poll_closed(&mut end, waker)
        })
    }

    /// Shuts down on SIGINT and SIGTERM (S6): the first is graceful, the second forces, the third
    /// exits at once. A thread waits for them for the rest of the process.
    ///
    /// # Errors
    /// The signals could not be caught.
    pub fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        Signals::catch()?.listen(Arc::downgrade(self.hub()), grace)
    }
}
