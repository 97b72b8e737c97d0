//! driver-smol under trial: the same futures on smol, on async-std and on a plain executor.

use super::driver::{Configuration, Driver, Group, Open, OpenFile, Opening};
use bytes::Bytes;
use driver_kit::batch::{Item, Order, Progress};
use driver_kit::core::{Grace, Limits, Plan, Standing};
use driver_kit::hub::Hub;
use driver_kit::{Deadline, Handle, ShutdownReport};
use driver_smol::{Batch, File, Stager};
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use futures::stream::TryStreamExt;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The same futures on three executors.
pub const CONFIGURATIONS: [Configuration; 3] = [
    Configuration {
        name: "smol",
        workers: 2,
        make: |limits| Smol::make(limits, Executor::Smol),
    },
    Configuration {
        name: "async_std",
        workers: 2,
        make: |limits| Smol::make(limits, Executor::AsyncStd),
    },
    Configuration {
        name: "futures",
        workers: 2,
        make: |limits| Smol::make(limits, Executor::Futures),
    },
];

/// What polls the futures.
#[derive(Clone, Copy)]
enum Executor {
    Smol,
    AsyncStd,
    Futures,
}

impl Executor {
    fn block_on<T>(self, future: impl Future<Output = T>) -> T {
        match self {
            Executor::Smol => smol::block_on(future),
            Executor::AsyncStd => async_std::task::block_on(future),
            Executor::Futures => futures::executor::block_on(future),
        }
    }
}

struct Smol {
    stager: Stager,
    executor: Executor,
}

impl Smol {
    fn make(limits: Limits, executor: Executor) -> Arc<dyn Driver> {
        let stager = Stager::builder().limits(limits).build();
        Arc::new(Smol { stager, executor })
    }
}

impl Driver for Smol {
    fn hub(&self) -> &Arc<Hub> {
        self.stager.hub()
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Open> {
        let options = self
            .stager
            .options()
            .mode(how.plan.mode)
            .map_threshold(how.plan.map_threshold)
            .over_budget(how.plan.over_budget)
            .write(how.write)
            .append(how.append)
            .truncate(how.truncate)
            .create(how.create)
            .create_new(how.create_new)
            .deadline(how.deadline);
        let file = self.executor.block_on(options.open(path))?;
        Ok(Arc::new(Opened {
            file,
            executor: self.executor,
        }))
    }

    fn batch(
        &self,
        paths: Box<dyn Iterator<Item = PathBuf> + Send>,
        order: Order,
    ) -> io::Result<Arc<dyn Group>> {
        let batch = self
            .stager
            .stage(paths)
            .plan(order.plan)
            .concurrency(order.concurrency)
            .deadline(order.deadline)
            .start()?;
        Ok(Arc::new(Together {
            batch,
            executor: self.executor,
        }))
    }

    fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.executor.block_on(self.stager.flush_all(deadline))
    }

    fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.executor.block_on(self.stager.sync_all(deadline))
    }

    fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.executor.block_on(self.stager.shutdown(grace))
    }

    fn force(&self, closing: Duration) -> ShutdownReport {
        self.executor.block_on(self.stager.force(closing))
    }

    fn attend(&self) {}
}

struct Opened {
    file: File,
    executor: Executor,
}

impl OpenFile for Opened {
    fn handle(&self) -> &Handle {
        self.file.handle()
    }

    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize> {
        self.executor
            .block_on(self.file.read_into_by(buffer, offset, deadline))
    }

    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.executor.block_on(self.file.read_at(offset, len))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.executor.block_on(self.file.write_at(offset, bytes))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.executor.block_on(self.file.append(bytes))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.executor.block_on(self.file.set_len(len))
    }

    fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.executor.block_on(self.file.flush(deadline))
    }

    fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.executor.block_on(self.file.sync(deadline))
    }

    fn write_through(&self, from: u64, parts: &[&[u8]]) -> io::Result<u64> {
        self.executor.block_on(async {
            let mut writer = self.file.writer();
            writer.seek(SeekFrom::Start(from)).await?;
            for part in parts {
                writer.write_all(part).await?;
            }
            writer.flush().await?;
            Ok(writer.position())
        })
    }

    fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        self.executor.block_on(self.file.stage_by(plan, deadline))
    }

    fn unstage(&self) -> io::Result<()> {
        self.executor.block_on(self.file.unstage())
    }

    fn seek_from_end(&self, by: i64) -> io::Result<u64> {
        self.executor
            .block_on(self.file.reader().seek(SeekFrom::End(by)))
    }

    fn seek_from_start(&self, to: u64) -> io::Result<u64> {
        self.executor
            .block_on(self.file.reader().seek(SeekFrom::Start(to)))
    }

    fn read_through(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.executor
            .block_on(self.file.reader().read_to_end(&mut all))?;
        Ok(all)
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        self.executor
            .block_on(self.file.reader().lines().try_collect())
    }

    fn close(self: Arc<Self>) -> io::Result<()> {
        match Arc::into_inner(self) {
            Some(Opened { file, executor }) => executor.block_on(file.close()),
            None => Err(io::Error::other("the case still shares the file it closes")),
        }
    }
}

struct Together {
    batch: Batch,
    executor: Executor,
}

impl Group for Together {
    fn wait(&self) -> Vec<Item> {
        self.executor.block_on(self.batch.wait())
    }

    fn progress(&self) -> Progress {
        self.batch.progress()
    }

    fn cancel(&self) {
        self.batch.cancel();
    }
}
