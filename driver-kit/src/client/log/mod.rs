//! A log that is appended to.

mod builder;
mod checkpoint;
mod claim;
mod files;
mod gathered;
mod late;
mod live;
mod opening;
mod reader;

pub use builder::LogBuilder;
pub use reader::{LogReader, Snapshot, Verified};

use super::Client;
use crate::clock::Deadline;
use crate::error::{Failure, Operation};
use crate::log::{LogFailure, Payloads, Prepared, Recovery, Unsound, Which};
use claim::Right;
use files::Files;
use futures_util::lock::Mutex as Turns;
use late::{late, of};
use live::{Begun, Durable, Executed, Live};
use std::future::poll_fn;
use std::io;
use std::mem;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// A log that is open for appending (L1): records in the order in which they were accepted, framed and
/// checked, and never a part of one.
///
/// Clones are the same log; when the last is dropped, it is closed. Those who append at the same time
/// share a system sync where they ask for durability (R3). One process at a time may append to a log,
/// and in it one `Log`; a lock file keeps the others out, unless
/// [`LogBuilder::scope`] says otherwise.
#[derive(Clone, Debug)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    path: Arc<Path>,
    recovered: Recovered,
    live: Mutex<Live>,
    /// One checkpoint at a time.
    checkpoints: Turns<()>,
    /// How long after it was accepted a record is durable, if that was asked.
    every: Option<Duration>,
    /// Until the log is dropped.
    right: Option<Right>,
}

/// What is waited for when a record was accepted.
#[derive(Clone, Copy, Debug)]
enum Promise {
    Executed,
    Durable,
}

/// What opening a log found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// How many records there are that no snapshot stands for.
    pub records: u64,
    /// How many bytes of a torn tail were cut: nothing says of them that they were durable.
    pub cut: u64,
    /// Up to which record a snapshot stands for them, if there is one.
    pub snapshot: Option<u64>,
}

impl Log {
    /// Where it is: an absolute path without links.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What opening it found.
    pub fn recovered(&self) -> Recovered {
        self.shared.recovered
    }

    /// The sequence number of the record that was accepted last, or stands in the snapshot; 0 where
    /// there was none yet.
    pub fn last(&self) -> u64 {
        self.shared.live().ledger.mark().next - 1
    }

    /// Up to which record the snapshot stands for them; 0 without one.
    pub fn snapshot_upto(&self) -> u64 {
        self.shared.live().upto
    }

    /// Appends a record and says its sequence number, when it and all before it are executed (R8):
    /// readers see it, and a loss of power may take it.
    ///
    /// # Errors
    /// What the system said of this record or of one before it; then the log takes no more until it is
    /// opened again. The record is longer than a gigabyte.
    ///
    /// # Cancel safety
    /// Dropped before it is accepted, nothing is appended; once it is, it is, whether or not somebody
    /// waits for it.
    pub async fn append(&self, record: impl AsRef<[u8]>) -> io::Result<u64> {
        let (promise, deadline) = (Promise::Executed, Deadline::Never);
        self.shared.append(record.as_ref(), promise, deadline).await
    }

    /// Like [`append`](Log::append), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append`; `TimedOut` when the deadline passed. Where [`log_failure`](crate::log::log_failure) finds
    /// [`Unsound::UnderWay`] in that, the record was accepted and goes on without its caller; otherwise nothing
    /// was appended. Others go on as if nothing had been.
    ///
    /// # Cancel safety
    /// As `append`.
    pub async fn append_by(&self, record: impl AsRef<[u8]>, deadline: Deadline) -> io::Result<u64> {
        let promise = Promise::Executed;
        self.shared.append(record.as_ref(), promise, deadline).await
    }

    /// Appends a record and says its sequence number, when it and all before it are durable.
    ///
    /// # Errors
    /// As [`append`](Log::append) and [`sync`](Log::sync).
    ///
    /// # Cancel safety
    /// As [`append`](Log::append).
    pub async fn append_durable(&self, record: impl AsRef<[u8]>) -> io::Result<u64> {
        let (promise, deadline) = (Promise::Durable, Deadline::Never);
        self.shared.append(record.as_ref(), promise, deadline).await
    }

    /// Like [`append_durable`](Log::append_durable), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append_durable`, and as [`append_by`](Log::append_by).
    ///
    /// # Cancel safety
    /// As [`append`](Log::append).
    pub async fn append_durable_by(
        &self,
        record: impl AsRef<[u8]>,
        deadline: Deadline,
    ) -> io::Result<u64> {
        let promise = Promise::Durable;
        self.shared.append(record.as_ref(), promise, deadline).await
    }

    /// Makes durable every record that was accepted before. Those who ask at the same time share a
    /// system sync.
    ///
    /// # Errors
    /// What the system said. Then what was not durable may be lost, and the log takes no more until it
    /// is opened again, which finds what there is (R8).
    ///
    /// # Cancel safety
    /// Nothing is lost; a sync that has begun goes on.
    pub async fn sync(&self) -> io::Result<()> {
        self.sync_by(Deadline::Never).await
    }

    /// Like [`sync`](Log::sync), but waits no longer than until the deadline (R10). A sync that has begun goes
    /// on, and counts for whoever asks next.
    ///
    /// # Errors
    /// As `sync`; `TimedOut` when the deadline passed: nobody knows then what is durable.
    ///
    /// # Cancel safety
    /// As `sync`.
    pub async fn sync_by(&self, deadline: Deadline) -> io::Result<()> {
        let Shared { client, path, .. } = &*self.shared;
        let synced = client.until(deadline, pin!(self.shared.sync())).await;
        synced.unwrap_or_else(|| Err(late(Operation::Sync, path)))
    }

    /// Every record behind the snapshot that was accepted by now, from the first.
    #[must_use]
    pub fn records(&self) -> LogReader {
        let mut live = self.shared.live();
        let header = *live.ledger.header();
        let end = live.readable();
        // Whoever has the log open knows what is in it: nothing of that may be missing.
        let recovery = Recovery::new(&header, end, Payloads::Kept).expecting_all();
        let files = Files::beside(&self.shared.client, &self.shared.path, Deadline::Never);
        LogReader::over(
            live.file.clone(),
            recovery,
            live.upto,
            (files, header.lineage),
        )
    }

    /// The snapshot, if there is one.
    ///
    /// # Errors
    /// It is damaged, or what the system said.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        self.snapshot_by(Deadline::Never).await
    }

    /// Like [`snapshot`](Log::snapshot), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `snapshot`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `snapshot`.
    pub async fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        let lineage = self.shared.live().ledger.header().lineage;
        let files = Files::beside(&self.shared.client, &self.shared.path, deadline);
        let path = files.path_of(Which::Snapshot);
        let snapshot = files.newest_snapshot(lineage).await;
        snapshot.map_err(|error| of(Operation::Read, &path, error))
    }

    /// Writes a snapshot that stands for every record up to `upto`, and takes those out of the log
    /// (L2). After a crash at any moment the log has this snapshot or the one before, and exactly the
    /// records behind it.
    ///
    /// The snapshot is a file beside the log, with `.snapshot` at the end of its name, that is replaced
    /// whole (A1). Records behind `upto` are carried over in memory while appends wait, so let it be a
    /// late one.
    ///
    /// # Errors
    /// `upto` was not accepted yet, or lies before the last snapshot; what the system said. If the log
    /// was perhaps replaced, it takes no more until it is opened again.
    ///
    /// # Cancel safety
    /// Dropped, it has no effect, or that of the snapshot alone. Dropped while the log itself is replaced,
    /// the log takes no more until it is opened again.
    pub async fn checkpoint(&self, upto: u64, snapshot: impl AsRef<[u8]>) -> io::Result<()> {
        self.checkpoint_by(upto, snapshot, Deadline::Never).await
    }

    /// Like [`checkpoint`](Log::checkpoint), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `checkpoint`; `TimedOut` when the deadline passed. It had no effect then, or that of the snapshot
    /// alone; but where [`is_indeterminate`](Failure::is_indeterminate) says so, the file that the error names was
    /// being replaced. If that is the log, it takes no more until it is opened again, as it does when this is
    /// dropped.
    ///
    /// # Cancel safety
    /// As `checkpoint`.
    pub async fn checkpoint_by(
        &self,
        upto: u64,
        snapshot: impl AsRef<[u8]>,
        deadline: Deadline,
    ) -> io::Result<()> {
        let snapshot = snapshot.as_ref();
        self.shared.checkpoint(upto, snapshot, deadline).await
    }
}

impl Drop for Shared {
    /// What was accepted comes to its end, and before that nobody else has the log.
    fn drop(&mut self) {
        let live = self.live.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = live.leave(&self.client);
        if let (Some(right), Some(left)) = (self.right.take(), left) {
            right.give_back_after(self.client.hub(), left);
        }
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, operation: Operation, why: Unsound) -> io::Error {
        LogFailure {
            operation,
            path: Arc::clone(&self.path),
            why,
        }
        .into_io()
    }

    /// Appends a record, and waits for what was asked of it, until the deadline. A write or a sync that is under
    /// way is all callers', so this one's time does not end it.
    async fn append(
        &self,
        payload: &[u8],
        promise: Promise,
        deadline: Deadline,
    ) -> io::Result<u64> {
        let mut accepted = None;
        let appended = async {
            let seq = self.accept(payload).await?;
            accepted = Some(seq);
            let left = Left(self);
            match promise {
                Promise::Executed => self.settled(Operation::Append, seq).await?,
                Promise::Durable => self.sync().await?,
            }
            mem::forget(left);
            Ok(seq)
        };
        let appended = self.client.until(deadline, pin!(appended)).await;
        match (appended, accepted) {
            (Some(appended), _) => appended,
            (None, Some(seq)) => Err(self.failed(Operation::Append, Unsound::UnderWay { seq })),
            (None, None) => Err(late(Operation::Append, &self.path)),
        }
    }

    /// Gives a record its place. From then on it is under way, whoever waits.
    async fn accept(&self, payload: &[u8]) -> io::Result<u64> {
        let key = self.live().ledger.key();
        let mut record = Prepared::new(key, payload);
        if record.is_none() {
            let len = payload.len() as u64;
            return Err(self.failed(Operation::Append, Unsound::TooLong { len }));
        }
        loop {
            let begun = self
                .client
                .admit(|room| self.live().begin(&mut record, room))
                .await?;
            match begun {
                Begun::Accepted(seq) => return Ok(seq),
                Begun::Held => self.passable().await,
                Begun::Refused(why) => return Err(self.failed(Operation::Append, why)),
            }
        }
    }

    /// Waits while a checkpoint holds appends up.
    async fn passable(&self) {
        poll_fn(|context| match self.live().gate.pass(context.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Waits until every append up to this one has ended.
    async fn settled(&self, operation: Operation, seq: u64) -> io::Result<()> {
        loop {
            let next = self.live().executed(seq);
            match next {
                Ok(Executed::Already) => return Ok(()),
                Ok(Executed::By(ended)) => {
                    let _ = ended.await;
                }
                Ok(Executed::Gathered) => {
                    self.client.admit(|room| self.live().launch(room)).await?
                }
                Err(why) => return Err(self.failed(operation, why)),
            }
        }
    }

    /// Makes durable what was accepted by now. One sync at a time is under way: whoever comes meanwhile
    /// shares the next one with all others who do.
    async fn sync(&self) -> io::Result<()> {
        let mark = self.live().ledger.mark();
        let mut waited = false;
        loop {
            let next = self.live().durable(mark);
            let commit = match next {
                Durable::Already => return self.settled(Operation::Sync, mark.next - 1).await,
                Durable::By(commit) => commit,
                Durable::ByOne { alone } if alone || waited => {
                    self.client.admit(|room| self.live().commit(room)).await?
                }
                Durable::ByOne { .. } => {
                    waited = true;
                    give_way().await;
                    continue;
                }
            };
            commit.ended.await.map_err(Failure::into_io)?;
            self.live().committed(commit.mark);
            if commit.mark.has(mark) {
                // A sync says nothing of writes that failed before it.
                return self.settled(Operation::Sync, mark.next - 1).await;
            }
        }
    }
}

/// Lets everybody go first who can go on now.
async fn give_way() {
    let mut gave = false;
    poll_fn(|context| {
        if mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What was accepted goes to the file also if its caller is gone.
struct Left<'a>(&'a Shared);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        // Without room for it, it goes with the next.
        let _ = self.0.live().launch(None);
        self.0.client.hub().help_if_alone();
    }
}
