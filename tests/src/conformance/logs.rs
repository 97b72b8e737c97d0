//! Logs of a driver under trial, in blocking words.

use super::awaited::{Awaited, World};
use super::blocking::Blocking;
use driver_kit::Deadline;
use driver_kit::client::{self, Recovered, Snapshot, Verified};
use driver_kit::log::Record;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What a driver has of logs.
pub trait Logs {
    /// Opens for appending.
    ///
    /// # Errors
    /// What the driver says.
    fn open_log(&self, path: &Path, create: bool) -> io::Result<Arc<dyn OpenLog>>;

    /// The same, of one that is synced so long after a record was accepted.
    ///
    /// # Errors
    /// What the driver says.
    fn open_log_synced(&self, path: &Path, every: Duration) -> io::Result<Arc<dyn OpenLog>>;

    /// Opens what is there for appending, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn open_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Arc<dyn OpenLog>>;

    /// Begins to open, and walks away when this is so. `false` where callers cannot.
    fn open_log_until(&self, _path: &Path, _so: &dyn Fn() -> bool) -> bool {
        false
    }

    /// Opens for reading, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn begin_to_read(&self, path: &Path, deadline: Deadline) -> io::Result<()>;

    /// Looks whether it is whole, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn verify_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Verified>;

    /// Reads to the end, or to an error.
    ///
    /// # Errors
    /// What the driver says before the first record.
    fn read_log(&self, path: &Path) -> io::Result<ReadLog>;

    /// Looks whether it is whole.
    ///
    /// # Errors
    /// What the driver says.
    fn verify_log(&self, path: &Path) -> io::Result<Verified>;
}

/// A log that was read.
#[derive(Debug, Default)]
pub struct ReadLog {
    /// Every record that came.
    pub records: Vec<Record>,
    /// Bytes of a torn tail.
    pub torn: Option<u64>,
    /// What ended it, if an error did.
    pub error: Option<io::Error>,
    /// The snapshot beside it.
    pub snapshot: Option<Snapshot>,
}

/// A log that is open for appending.
pub trait OpenLog: Send + Sync {
    /// What opening found.
    fn recovered(&self) -> Recovered;

    /// The number of the last record.
    fn last(&self) -> u64;

    /// Appends; executed.
    ///
    /// # Errors
    /// What the driver says.
    fn append(&self, record: &[u8]) -> io::Result<u64>;

    /// Appends; durable.
    ///
    /// # Errors
    /// What the driver says.
    fn append_durable(&self, record: &[u8]) -> io::Result<u64>;

    /// Begins to append, and walks away. `false` where callers cannot.
    fn append_and_leave(&self, _record: &[u8]) -> bool {
        false
    }

    /// Appends, until a deadline; executed.
    ///
    /// # Errors
    /// What the driver says.
    fn append_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64>;

    /// Appends, until a deadline; durable.
    ///
    /// # Errors
    /// What the driver says.
    fn append_durable_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64>;

    /// Syncs.
    ///
    /// # Errors
    /// What the driver says.
    fn sync(&self) -> io::Result<()>;

    /// Syncs, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn sync_by(&self, deadline: Deadline) -> io::Result<()>;

    /// Checkpoints.
    ///
    /// # Errors
    /// What the driver says.
    fn checkpoint(&self, upto: u64, snapshot: &[u8]) -> io::Result<()>;

    /// Checkpoints, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn checkpoint_by(&self, upto: u64, snapshot: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Begins a checkpoint, and walks away when this is so. `false` where callers cannot.
    fn checkpoint_until(&self, _upto: u64, _snapshot: &[u8], _so: &dyn Fn() -> bool) -> bool {
        false
    }

    /// The snapshot.
    ///
    /// # Errors
    /// What the driver says.
    fn snapshot(&self) -> io::Result<Option<Snapshot>>;

    /// The snapshot, until a deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>>;

    /// Every record.
    ///
    /// # Errors
    /// What the driver says.
    fn records(&self) -> io::Result<Vec<Record>>;

    /// Asks a reader for the first record until a deadline, then does this, and asks it for every record.
    ///
    /// # Errors
    /// What the driver says the second time.
    fn records_twice(
        &self,
        deadline: Deadline,
        between: &dyn Fn(),
    ) -> io::Result<(io::Result<Option<Record>>, Vec<Record>)>;
}

impl Logs for Blocking {
    fn open_log(&self, path: &Path, create: bool) -> io::Result<Arc<dyn OpenLog>> {
        let log = self.stager.log(path).create(create).open()?;
        Ok(Arc::new(log))
    }

    fn open_log_synced(&self, path: &Path, every: Duration) -> io::Result<Arc<dyn OpenLog>> {
        let log = self.stager.log(path).sync_every(every).open()?;
        Ok(Arc::new(log))
    }

    fn open_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Arc<dyn OpenLog>> {
        let log = self.stager.log(path).create(false).deadline(deadline);
        Ok(Arc::new(log.open()?))
    }

    fn begin_to_read(&self, path: &Path, deadline: Deadline) -> io::Result<()> {
        let reader = self.stager.log(path).deadline(deadline).read();
        reader.map(drop)
    }

    fn verify_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Verified> {
        self.stager.log(path).deadline(deadline).verify()
    }

    fn read_log(&self, path: &Path) -> io::Result<ReadLog> {
        let mut reader = self.stager.log(path).read()?;
        let mut read = ReadLog {
            snapshot: reader.snapshot()?,
            ..ReadLog::default()
        };
        for record in &mut reader {
            match record {
                Ok(record) => read.records.push(record),
                Err(error) => read.error = Some(error),
            }
        }
        read.torn = reader.torn();
        Ok(read)
    }

    fn verify_log(&self, path: &Path) -> io::Result<Verified> {
        self.stager.log(path).verify()
    }
}

impl OpenLog for driver_blocking::Log {
    fn recovered(&self) -> Recovered {
        driver_blocking::Log::recovered(self)
    }

    fn last(&self) -> u64 {
        driver_blocking::Log::last(self)
    }

    fn append(&self, record: &[u8]) -> io::Result<u64> {
        driver_blocking::Log::append(self, record)
    }

    fn append_durable(&self, record: &[u8]) -> io::Result<u64> {
        driver_blocking::Log::append_durable(self, record)
    }

    fn append_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64> {
        driver_blocking::Log::append_by(self, record, deadline)
    }

    fn append_durable_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64> {
        driver_blocking::Log::append_durable_by(self, record, deadline)
    }

    fn sync(&self) -> io::Result<()> {
        driver_blocking::Log::sync(self)
    }

    fn sync_by(&self, deadline: Deadline) -> io::Result<()> {
        driver_blocking::Log::sync_by(self, deadline)
    }

    fn checkpoint_by(&self, upto: u64, snapshot: &[u8], deadline: Deadline) -> io::Result<()> {
        driver_blocking::Log::checkpoint_by(self, upto, snapshot, deadline)
    }

    fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        driver_blocking::Log::snapshot_by(self, deadline)
    }

    fn records_twice(
        &self,
        deadline: Deadline,
        between: &dyn Fn(),
    ) -> io::Result<(io::Result<Option<Record>>, Vec<Record>)> {
        let mut reader = driver_blocking::Log::records(self);
        let first = reader.next_by(deadline);
        between();
        Ok((first, reader.collect::<io::Result<_>>()?))
    }

    fn checkpoint(&self, upto: u64, snapshot: &[u8]) -> io::Result<()> {
        driver_blocking::Log::checkpoint(self, upto, snapshot)
    }

    fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        driver_blocking::Log::snapshot(self)
    }

    fn records(&self) -> io::Result<Vec<Record>> {
        driver_blocking::Log::records(self).collect()
    }
}

impl<W: World> Logs for Awaited<W> {
    fn open_log(&self, path: &Path, create: bool) -> io::Result<Arc<dyn OpenLog>> {
        let opening = self.stager.log(path).create(create).open();
        let log = self.world.block_on(opening)?;
        let world = self.world.clone();
        Ok(Arc::new(Opened { log, world }))
    }

    fn open_log_synced(&self, path: &Path, every: Duration) -> io::Result<Arc<dyn OpenLog>> {
        let opening = self.stager.log(path).sync_every(every).open();
        let log = self.world.block_on(opening)?;
        let world = self.world.clone();
        Ok(Arc::new(Opened { log, world }))
    }

    fn open_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Arc<dyn OpenLog>> {
        let log = self.stager.log(path).create(false).deadline(deadline);
        let log = self.world.block_on(log.open())?;
        let world = self.world.clone();
        Ok(Arc::new(Opened { log, world }))
    }

    fn open_log_until(&self, path: &Path, so: &dyn Fn() -> bool) -> bool {
        leave(&self.world, self.stager.log(path).open(), so);
        true
    }

    fn begin_to_read(&self, path: &Path, deadline: Deadline) -> io::Result<()> {
        let reader = self.stager.log(path).deadline(deadline).read();
        self.world.block_on(reader).map(drop)
    }

    fn verify_log_by(&self, path: &Path, deadline: Deadline) -> io::Result<Verified> {
        let verified = self.stager.log(path).deadline(deadline).verify();
        self.world.block_on(verified)
    }

    fn read_log(&self, path: &Path) -> io::Result<ReadLog> {
        let reading = async {
            let mut reader = self.stager.log(path).read().await?;
            let mut read = ReadLog {
                snapshot: reader.snapshot().await?,
                ..ReadLog::default()
            };
            loop {
                match reader.next().await {
                    Ok(Some(record)) => read.records.push(record),
                    Ok(None) => break,
                    Err(error) => read.error = Some(error),
                }
            }
            read.torn = reader.torn();
            Ok(read)
        };
        self.world.block_on(reading)
    }

    fn verify_log(&self, path: &Path) -> io::Result<Verified> {
        self.world.block_on(self.stager.log(path).verify())
    }
}

struct Opened<W> {
    log: client::Log,
    world: W,
}

/// Polls until this is so, and drops the future.
fn leave<T>(world: &impl World, future: impl Future<Output = T>, so: &dyn Fn() -> bool) {
    world.block_on(async {
        let mut future = pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending if so() => Poll::Ready(()),
            Poll::Pending => {
                std::thread::yield_now();
                context.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
    });
}

impl<W: World> OpenLog for Opened<W> {
    fn recovered(&self) -> Recovered {
        self.log.recovered()
    }

    fn last(&self) -> u64 {
        self.log.last()
    }

    fn append(&self, record: &[u8]) -> io::Result<u64> {
        self.world.block_on(self.log.append(record))
    }

    fn append_durable(&self, record: &[u8]) -> io::Result<u64> {
        self.world.block_on(self.log.append_durable(record))
    }

    fn append_and_leave(&self, record: &[u8]) -> bool {
        leave(&self.world, self.log.append(record), &|| true);
        true
    }

    fn append_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64> {
        self.world.block_on(self.log.append_by(record, deadline))
    }

    fn append_durable_by(&self, record: &[u8], deadline: Deadline) -> io::Result<u64> {
        let appended = self.log.append_durable_by(record, deadline);
        self.world.block_on(appended)
    }

    fn sync(&self) -> io::Result<()> {
        self.world.block_on(self.log.sync())
    }

    fn sync_by(&self, deadline: Deadline) -> io::Result<()> {
        self.world.block_on(self.log.sync_by(deadline))
    }

    fn checkpoint_by(&self, upto: u64, snapshot: &[u8], deadline: Deadline) -> io::Result<()> {
        let cut = self.log.checkpoint_by(upto, snapshot, deadline);
        self.world.block_on(cut)
    }

    fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        self.world.block_on(self.log.snapshot_by(deadline))
    }

    fn records_twice(
        &self,
        deadline: Deadline,
        between: &dyn Fn(),
    ) -> io::Result<(io::Result<Option<Record>>, Vec<Record>)> {
        let reading = async {
            let (mut reader, mut records) = (self.log.records(), Vec::new());
            let first = reader.next_by(deadline).await;
            between();
            while let Some(record) = reader.next().await? {
                records.push(record);
            }
            Ok((first, records))
        };
        self.world.block_on(reading)
    }

    fn checkpoint(&self, upto: u64, snapshot: &[u8]) -> io::Result<()> {
        self.world.block_on(self.log.checkpoint(upto, snapshot))
    }

    fn checkpoint_until(&self, upto: u64, snapshot: &[u8], so: &dyn Fn() -> bool) -> bool {
        leave(&self.world, self.log.checkpoint(upto, snapshot), so);
        true
    }

    fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        self.world.block_on(self.log.snapshot())
    }

    fn records(&self) -> io::Result<Vec<Record>> {
        let reading = async {
            let (mut reader, mut records) = (self.log.records(), Vec::new());
            while let Some(record) = reader.next().await? {
                records.push(record);
            }
            Ok(records)
        };
        self.world.block_on(reading)
    }
}
