//! driver-smol under trial: the same futures on smol, on async-std and on a plain executor.

use super::awaited::{Awaited, World};
use super::driver::{Configuration, Driver};
use driver_kit::core::{Grace, Limits};
use driver_smol::{File, FollowBuilder, OpenOptions, Stager};
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use futures::stream::TryStreamExt;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// The same futures on three executors.
pub const CONFIGURATIONS: [Configuration; 3] = [
    Configuration {
        name: "smol",
        workers: 2,
        make: |limits| on(Executor::Smol, limits, 2),
    },
    Configuration {
        name: "async_std",
        workers: 2,
        make: |limits| on(Executor::AsyncStd, limits, 2),
    },
    Configuration {
        name: "futures",
        workers: 2,
        make: |limits| on(Executor::Futures, limits, 2),
    },
];

/// The same with one worker, which does one thing after the other.
pub const ONE_WORKER: [Configuration; 3] = [
    Configuration {
        name: "smol_1",
        workers: 1,
        make: |limits| on(Executor::Smol, limits, 1),
    },
    Configuration {
        name: "async_std_1",
        workers: 1,
        make: |limits| on(Executor::AsyncStd, limits, 1),
    },
    Configuration {
        name: "futures_1",
        workers: 1,
        make: |limits| on(Executor::Futures, limits, 1),
    },
];

/// What polls the futures.
#[derive(Clone, Copy)]
enum Executor {
    Smol,
    AsyncStd,
    Futures,
}

fn on(executor: Executor, limits: Limits, workers: u32) -> Arc<dyn Driver> {
    Arc::new(Awaited {
        stager: Stager::builder().limits(limits).workers(workers).build(),
        world: executor,
    })
}

impl World for Executor {
    type Stager = Stager;
    type File = File;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        match self {
            Executor::Smol => smol::block_on(future),
            Executor::AsyncStd => async_std::task::block_on(future),
            Executor::Futures => futures::executor::block_on(future),
        }
    }

    fn options(stager: &Stager) -> OpenOptions {
        stager.options()
    }

    fn follow(stager: &Stager, path: &Path) -> FollowBuilder {
        stager.follow(path)
    }

    fn shutdown_on_signals(stager: &Stager, grace: Grace) -> io::Result<()> {
        stager.shutdown_on_signals(grace)
    }

    async fn seek(file: &File, to: SeekFrom) -> io::Result<u64> {
        file.reader().seek(to).await
    }

    async fn travel(file: &File, legs: &[(SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut reader = file.reader();
        let mut came = Vec::new();
        for (to, len) in legs {
            let (begin, mut bytes) = (reader.seek(*to).await?, Vec::new());
            (&mut reader)
                .take(*len as u64)
                .read_to_end(&mut bytes)
                .await?;
            came.push((begin, bytes));
        }
        Ok(came)
    }

    async fn read_through(file: &File) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        file.reader().read_to_end(&mut all).await?;
        Ok(all)
    }

    async fn lines(file: &File) -> io::Result<Vec<String>> {
        file.reader().lines().try_collect().await
    }

    async fn write_through(file: &File, from: u64, parts: &[&[u8]]) -> io::Result<u64> {
        let mut writer = file.writer();
        writer.seek(SeekFrom::Start(from)).await?;
        for part in parts {
            writer.write_all(part).await?;
        }
        writer.flush().await?;
        Ok(writer.position())
    }

    async fn close(file: File) -> io::Result<()> {
        file.close().await
    }
}
