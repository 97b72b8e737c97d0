//! Logs of a driver under trial, in blocking words.

use super::awaited::{Awaited, World};
use super::blocking::Blocking;
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

    /// Begins to open, and walks away when this is so. `false` where callers cannot.
    fn open_log_until(&self, _path: &Path, _so: &dyn Fn() -> bool) -> bool {
        false
    }

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

    /// Syncs.
    ///
    /// # Errors
    /// What the driver says.
    fn sync(&self) -> io::Result<()>;

    /// Checkpoints.
    ///
    /// # Errors
    /// What the driver says.
    fn checkpoint(&self, upto: u64, snapshot: &[u8]) -> io::Result<()>;

    /// Begins a checkpoint, and walks away when this is so. `false` where callers cannot.
    fn checkpoint_until(&self, _upto: u64, _snapshot: &[u8], _so: &dyn Fn() -> bool) -> bool {
        false
    }

    /// The snapshot.
    ///
    /// # Errors
    /// What the driver says.
    fn snapshot(&self) -> io::Result<Option<Snapshot>>;

    /// Every record.
    ///
    /// # Errors
    /// What the driver says.
    fn records(&self) -> io::Result<Vec<Record>>;
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

    fn sync(&self) -> io::Result<()> {
        driver_blocking::Log::sync(self)
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

    fn open_log_until(&self, path: &Path, so: &dyn Fn() -> bool) -> bool {
        leave(&self.world, self.stager.log(path).open(), so);
        true
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

    fn sync(&self) -> io::Result<()> {
        self.world.block_on(self.log.sync())
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
