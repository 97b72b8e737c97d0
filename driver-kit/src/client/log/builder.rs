//! How a log is opened.

use super::claim::{Claim, Right};
use super::files::Files;
use super::late::{late, of};
use super::live::Live;
use super::opening::UnderWay;
use super::reader::{LogReader, Verified};
use super::{Log, Recovered, Shared};
use crate::client::{Client, LockBuilder};
use crate::clock::Deadline;
use crate::error::{Cause, Failure, Holder, Operation, failure};
use crate::hub::Lock;
use crate::log::{Payloads, Unsound, log_failure};
use crate::path;
use crate::update::lock_file;
use futures_util::lock::Mutex as Turns;
use rustix::io::Errno;
use staging_core::{Fault, Scope};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// So often a log is looked at that is cut by others meanwhile.
const LOOKS: u32 = 4;

/// How a log is opened; see [`Stager::log`](crate::client::Stager::log).
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` or `read` is called"]
pub struct LogBuilder {
    client: Client,
    path: PathBuf,
    create: bool,
    scope: Scope,
    every: Option<Duration>,
    deadline: Deadline,
}

impl LogBuilder {
    /// A log at a path, of a client.
    pub const fn new(client: Client, path: PathBuf) -> LogBuilder {
        LogBuilder {
            client,
            path,
            create: true,
            scope: Scope::System,
            every: None,
            deadline: Deadline::Never,
        }
    }

    /// Whether [`open`](LogBuilder::open) makes a log where there is none. It does, unless this says no.
    pub const fn create(mut self, create: bool) -> LogBuilder {
        self.create = create;
        self
    }

    /// Who else is kept from appending while it is open. By default all processes of this system, by an
    /// empty lock file beside it (`.NAME.lock`) that stays (K1); with [`Scope::Machine`] nobody but the rest
    /// of this process.
    pub const fn scope(mut self, scope: Scope) -> LogBuilder {
        self.scope = scope;
        self
    }

    /// How long after it was accepted a record is durable though nobody asks for a sync (L3): for those who
    /// append without waiting, and can do without what came last. Not at all, unless this is called. If such a
    /// sync fails, the next append, sync or checkpoint says so, and the log takes no more until it is
    /// opened again.
    pub const fn sync_every(mut self, every: Duration) -> LogBuilder {
        self.every = Some(every);
        self
    }

    /// When [`open`](LogBuilder::open), [`read`](LogBuilder::read) and [`verify`](LogBuilder::verify) are given up
    /// (R10). What is done with the open log has deadlines of its own.
    pub const fn deadline(mut self, deadline: Deadline) -> LogBuilder {
        self.deadline = deadline;
        self
    }

    /// Opens the log for appending: a torn tail is cut, and every record that is found is durable when
    /// this returns (L1).
    ///
    /// # Errors
    /// It is damaged, or no log: then nothing was changed. It is open for appending already, here or in
    /// another process, which is named. What the system said. `TimedOut` when the deadline passed: then the log
    /// is as if this had been dropped.
    ///
    /// # Cancel safety
    /// Dropped, the log is as if it had not been opened, or as if it had. A system call under way that changes it
    /// goes on; nobody else has the log before that has ended, and whoever opens it here waits for that.
    pub async fn open(self) -> io::Result<Log> {
        let path = path::absolute(&self.path).map_err(Failure::into_io)?;
        let (client, deadline) = (self.client.clone(), self.deadline);
        let opened = client.until(deadline, pin!(self.open_at(&path))).await;
        let opened = opened.unwrap_or_else(|| Err(late(Operation::Open, &path)));
        opened.map_err(|error| of(Operation::Open, &path, error))
    }

    async fn open_at(self, path: &Arc<Path>) -> io::Result<Log> {
        let failed = |files: &Files, why| Err(files.failed(Operation::Open, why));
        // Where it is shows when it is open; which file that is, when nobody exchanges it any more.
        let place = Files::open(&self.client, path, true, self.deadline).await?;
        let Some(claim) = Claim::on(&place.path).await else {
            return failed(&place, Unsound::Busy);
        };
        let lock = self.lock(&place.path).await?;
        drop(place);
        let mut opening = UnderWay::with(&self.client, Right { claim, lock });
        let files = Files::open(&self.client, path, true, self.deadline).await?;
        if files.log().is_none() && !self.create {
            return Err(missing(&files));
        }
        let (mut files, opened) = opening.open(files).await?;
        let Some(file) = files.take_log() else {
            return failed(&files, Unsound::Undecided);
        };
        if let Some(every) = self.every {
            file.set_sync_every(every)?;
        }
        let upto = opened.snapshot.map(|snapshot| snapshot.upto);
        let shared = Shared {
            client: self.client,
            path: Arc::clone(&files.path),
            recovered: Recovered {
                records: opened.records,
                cut: opened.cut,
                snapshot: upto,
            },
            live: Mutex::new(Live::new(opened.ledger, file, upto.unwrap_or(0))),
            checkpoints: Turns::new(()),
            every: self.every,
            right: opening.into_right(),
        };
        Ok(Log {
            shared: Arc::new(shared),
        })
    }

    /// What keeps other processes out.
    async fn lock(&self, place: &Path) -> io::Result<Option<Lock>> {
        if self.scope == Scope::Machine {
            return Ok(None);
        }
        let lock = || {
            let lock = LockBuilder::new(self.client.clone(), lock_file(place));
            lock.scope(self.scope).deadline(self.deadline)
        };
        let mut left = TRIES;
        loop {
            match lock().once().await {
                // Nobody has this log open here: what is in the way is about to go.
                Err(error) if is_ours(&error) => return lock().await.map(Some),
                // It may have been given back before anybody could look whose it was.
                Err(error) if is_unseen(&error) && left > 1 => left -= 1,
                asked => return asked.map(Some),
            }
        }
    }

    /// Reads the log, and changes nothing: the records behind its snapshot, up to a torn tail or to
    /// damage, whichever comes. While another process appends, what is on its way looks like a torn tail.
    ///
    /// # Errors
    /// There is none, or it is no log; what the system said; the deadline passed.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn read(self) -> io::Result<LogReader> {
        self.reader(Operation::Read, Payloads::Kept).await
    }

    /// Looks whether the log and its snapshot are whole, and changes nothing. A torn tail is no error
    /// here: it is told.
    ///
    /// # Errors
    /// It is damaged, or no log; what the system said; the deadline passed.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn verify(self) -> io::Result<Verified> {
        let deadline = self.deadline;
        let reader = self.reader(Operation::Verify, Payloads::Checked).await?;
        reader.verify(deadline).await
    }

    async fn reader(self, operation: Operation, payloads: Payloads) -> io::Result<LogReader> {
        let path = path::absolute(&self.path).map_err(Failure::into_io)?;
        let reader = self.reader_of(&path, operation, payloads).await;
        reader.map_err(|error| of(operation, &path, error))
    }

    async fn reader_of(
        &self,
        path: &Arc<Path>,
        operation: Operation,
        payloads: Payloads,
    ) -> io::Result<LogReader> {
        let mut left = LOOKS;
        loop {
            left -= 1;
            let files = Files::open(&self.client, path, false, self.deadline).await?;
            let lengths = files.lengths();
            if lengths.log.is_none() {
                return Err(match lengths.snapshot {
                    Some(_) => files.failed(operation, Unsound::SnapshotAlone),
                    None => missing(&files),
                });
            }
            match LogReader::of(files, operation, payloads).await {
                Err(error) if left > 0 && is_gap(&error) => {}
                read => return read,
            }
        }
    }
}

/// Between the look at the snapshot and the one at the log both may have been exchanged.
fn is_gap(error: &io::Error) -> bool {
    log_failure(error).is_some_and(|failure| matches!(failure.why, Unsound::Gap { .. }))
}

/// How often a lock is tried that nobody seems to have.
const TRIES: u32 = 3;

/// Whether it cannot be seen who is in the way of a lock.
fn is_unseen(error: &io::Error) -> bool {
    let cause = failure(error).map(|failure| failure.cause);
    matches!(cause, Some(Cause::Contended(Holder::Unseen)))
}

/// Whether it is this process that is in the way of a lock.
fn is_ours(error: &io::Error) -> bool {
    let holder = failure(error).map(|failure| failure.cause);
    match holder {
        Some(Cause::Contended(Holder::Caller)) => true,
        Some(Cause::Contended(Holder::Process(process))) => process.id == std::process::id(),
        _ => false,
    }
}

fn missing(files: &Files) -> io::Error {
    Failure {
        operation: Operation::Open,
        path: Arc::clone(&files.path),
        cause: Cause::Fault(Fault::Os(Errno::NOENT.raw_os_error())),
    }
    .into_io()
}
