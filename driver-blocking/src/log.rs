//! A log that is appended to.

use crate::wait::{alarm, block_on};
use driver_kit::Deadline;
use driver_kit::client;
use driver_kit::core::Scope;
use driver_kit::hub::Hub;
use driver_kit::log::Record;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use driver_kit::client::{Recovered, Snapshot, Verified};

/// How a log is opened; see [`Stager::log`](crate::Stager::log).
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` or `read` is called"]
pub struct LogBuilder {
    hub: Arc<Hub>,
    builder: client::LogBuilder,
    deadline: Deadline,
}

impl LogBuilder {
    pub(crate) fn new(hub: Arc<Hub>, path: PathBuf) -> LogBuilder {
        let client = client::Client::of(Arc::clone(&hub), Arc::new(alarm));
        LogBuilder {
            hub,
            builder: client::LogBuilder::new(client, path),
            deadline: Deadline::Never,
        }
    }

    /// Whether [`open`](LogBuilder::open) makes a log where there is none. It does, unless this says no.
    pub fn create(mut self, create: bool) -> LogBuilder {
        self.builder = self.builder.create(create);
        self
    }

    /// Who else is kept from appending while it is open. By default all processes of this system, by an
    /// empty lock file beside it (`.NAME.lock`) that stays (K1); with [`Scope::Machine`] nobody but the rest
    /// of this process.
    pub fn scope(mut self, scope: Scope) -> LogBuilder {
        self.builder = self.builder.scope(scope);
        self
    }

    /// How long after it was accepted a record is durable though nobody asks for a sync (L3): for those who
    /// append without waiting, and can do without what came last. Not at all, unless this is called. If such a
    /// sync fails, the next append, sync or checkpoint says so, and the log takes no more until it is
    /// opened again.
    pub fn sync_every(mut self, every: Duration) -> LogBuilder {
        self.builder = self.builder.sync_every(every);
        self
    }

    /// When [`open`](LogBuilder::open), [`read`](LogBuilder::read) and [`verify`](LogBuilder::verify) are given up
    /// (R10). What is done with the open log has deadlines of its own.
    pub fn deadline(mut self, deadline: Deadline) -> LogBuilder {
        self.builder = self.builder.deadline(deadline);
        self.deadline = deadline;
        self
    }

    /// Opens the log for appending: a torn tail is cut, and every record that is found is durable when
    /// this returns (L1).
    ///
    /// # Errors
    /// It is damaged, or no log: then nothing was changed. It is open for appending already, here or in
    /// another process, which is named. What the system said. `TimedOut` when the deadline passed: then the log
    /// is as if it had not been opened, or as if it had. A system call under way that changes it goes on; nobody
    /// else has the log before that has ended, and whoever opens it here waits for that.
    pub fn open(self) -> io::Result<Log> {
        let (hub, deadline) = (self.hub, self.deadline);
        let log = block_on(&hub, deadline, self.builder.open())?;
        Ok(Log { hub, log })
    }

    /// Reads the log, and changes nothing: the records behind its snapshot, up to a torn tail or to
    /// damage, whichever comes. While another process appends, what is on its way looks like a torn tail.
    ///
    /// # Errors
    /// There is none, or it is no log; what the system said; the deadline passed.
    pub fn read(self) -> io::Result<LogReader> {
        let (hub, deadline) = (self.hub, self.deadline);
        let reader = block_on(&hub, deadline, self.builder.read())?;
        Ok(LogReader { hub, reader })
    }

    /// Looks whether the log and its snapshot are whole, and changes nothing. A torn tail is no error
    /// here: it is told.
    ///
    /// # Errors
    /// It is damaged, or no log; what the system said; the deadline passed.
    pub fn verify(self) -> io::Result<Verified> {
        block_on(&self.hub, self.deadline, self.builder.verify())
    }
}

/// A log that is open for appending (L1): records in the order in which they were accepted, framed and
/// checked, and never a part of one.
///
/// Clones are the same log; when the last is dropped, it is closed. Threads that append at the same time
/// share a system sync where they ask for durability (R3). One process at a time may append to a log,
/// and in it one `Log`.
#[derive(Clone, Debug)]
pub struct Log {
    hub: Arc<Hub>,
    log: client::Log,
}

impl Log {
    /// Where it is: an absolute path without links.
    pub fn path(&self) -> &Path {
        self.log.path()
    }

    /// What opening it found.
    pub fn recovered(&self) -> Recovered {
        self.log.recovered()
    }

    /// The sequence number of the record that was accepted last, or stands in the snapshot; 0 where
    /// there was none yet.
    pub fn last(&self) -> u64 {
        self.log.last()
    }

    /// Up to which record the snapshot stands for them; 0 without one.
    pub fn snapshot_upto(&self) -> u64 {
        self.log.snapshot_upto()
    }

    /// Appends a record and says its sequence number, when it and all before it are executed (R8):
    /// readers see it, and a loss of power may take it.
    ///
    /// # Errors
    /// What the system said of this record or of one before it; then the log takes no more until it is
    /// opened again. The record is longer than a gigabyte.
    pub fn append(&self, record: impl AsRef<[u8]>) -> io::Result<u64> {
        self.append_by(record, Deadline::Never)
    }

    /// Like [`append`](Log::append), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append`; `TimedOut` when the deadline passed. Where [`log_failure`](crate::log_failure) finds
    /// [`UnderWay`](crate::Unsound::UnderWay) in that, the record was accepted and goes on without its caller;
    /// otherwise nothing was appended. Others go on as if nothing had been.
    pub fn append_by(&self, record: impl AsRef<[u8]>, deadline: Deadline) -> io::Result<u64> {
        block_on(&self.hub, deadline, self.log.append_by(record, deadline))
    }

    /// Appends a record and says its sequence number, when it and all before it are durable.
    ///
    /// # Errors
    /// As [`append`](Log::append) and [`sync`](Log::sync).
    pub fn append_durable(&self, record: impl AsRef<[u8]>) -> io::Result<u64> {
        self.append_durable_by(record, Deadline::Never)
    }

    /// Like [`append_durable`](Log::append_durable), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append_durable`, and as [`append_by`](Log::append_by).
    pub fn append_durable_by(
        &self,
        record: impl AsRef<[u8]>,
        deadline: Deadline,
    ) -> io::Result<u64> {
        let appended = self.log.append_durable_by(record, deadline);
        block_on(&self.hub, deadline, appended)
    }

    /// Makes durable every record that was accepted before. Threads that ask at the same time share a
    /// system sync.
    ///
    /// # Errors
    /// What the system said. Then what was not durable may be lost, and the log takes no more until it
    /// is opened again, which finds what there is (R8).
    pub fn sync(&self) -> io::Result<()> {
        self.sync_by(Deadline::Never)
    }

    /// Like [`sync`](Log::sync), but waits no longer than until the deadline (R10). A sync that has begun goes
    /// on, and counts for whoever asks next.
    ///
    /// # Errors
    /// As `sync`; `TimedOut` when the deadline passed: nobody knows then what is durable.
    pub fn sync_by(&self, deadline: Deadline) -> io::Result<()> {
        block_on(&self.hub, deadline, self.log.sync_by(deadline))
    }

    /// Every record behind the snapshot that was accepted by now, from the first.
    pub fn records(&self) -> LogReader {
        LogReader {
            hub: Arc::clone(&self.hub),
            reader: self.log.records(),
        }
    }

    /// The snapshot, if there is one.
    ///
    /// # Errors
    /// It is damaged, or what the system said.
    pub fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        self.snapshot_by(Deadline::Never)
    }

    /// Like [`snapshot`](Log::snapshot), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `snapshot`; `TimedOut` when the deadline passed.
    pub fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        block_on(&self.hub, deadline, self.log.snapshot_by(deadline))
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
    pub fn checkpoint(&self, upto: u64, snapshot: impl AsRef<[u8]>) -> io::Result<()> {
        self.checkpoint_by(upto, snapshot, Deadline::Never)
    }

    /// Like [`checkpoint`](Log::checkpoint), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `checkpoint`; `TimedOut` when the deadline passed. It had no effect then, or that of the snapshot
    /// alone; but where [`is_indeterminate`](crate::Failure::is_indeterminate) says so, the file that the error
    /// names was being replaced. If that is the log, it takes no more until it is opened again.
    pub fn checkpoint_by(
        &self,
        upto: u64,
        snapshot: impl AsRef<[u8]>,
        deadline: Deadline,
    ) -> io::Result<()> {
        let cut = self.log.checkpoint_by(upto, snapshot, deadline);
        block_on(&self.hub, deadline, cut)
    }
}

/// The records of a log, one after the other, in the memory of one record. After an error, and behind
/// the last record that is whole, it ends.
#[derive(Debug)]
pub struct LogReader {
    hub: Arc<Hub>,
    reader: client::LogReader,
}

impl LogReader {
    /// How many bytes of a torn tail there are: known when the iteration is over.
    pub fn torn(&self) -> Option<u64> {
        self.reader.torn()
    }

    /// Up to which record the snapshot stands for them; 0 without one. Those are passed over.
    pub fn snapshot_upto(&self) -> u64 {
        self.reader.snapshot_upto()
    }

    /// The snapshot that the log had when it was opened to be read, if there was one, checked. Of a log that
    /// is open for appending, ask [`Log::snapshot`].
    ///
    /// # Errors
    /// It is damaged, or what the system said.
    pub fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        self.snapshot_by(Deadline::Never)
    }

    /// Like [`snapshot`](LogReader::snapshot), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `snapshot`; `TimedOut` when the deadline passed.
    pub fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        block_on(&self.hub, deadline, self.reader.snapshot_by(deadline))
    }

    /// The next record, as the iterator has it, but waits no longer than until the deadline (R10). After that the
    /// reader goes on where it was.
    ///
    /// # Errors
    /// The next one is damaged; what the system said; `TimedOut` when the deadline passed.
    pub fn next_by(&mut self, deadline: Deadline) -> io::Result<Option<Record>> {
        block_on(&self.hub, deadline, self.reader.next_by(deadline))
    }
}

impl Iterator for LogReader {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<io::Result<Record>> {
        self.next_by(Deadline::Never).transpose()
    }
}
