//! driver-tokio under trial: on a current-thread runtime, and on one of two threads.

use super::awaited::{Awaited, World};
use super::driver::{Configuration, Driver};
use driver_kit::core::{Grace, Limits};
use driver_tokio::{File, FollowBuilder, OpenOptions, Stager};
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

/// Both kinds of runtime.
pub const CONFIGURATIONS: [Configuration; 2] = [
    Configuration {
        name: "tokio_current",
        workers: 2,
        make: |limits| on(Builder::new_current_thread(), limits, 2),
    },
    Configuration {
        name: "tokio_multi",
        workers: 2,
        make: |limits| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2);
            on(builder, limits, 2)
        },
    },
];

/// The same with one worker, which does one thing after the other.
pub const ONE_WORKER: [Configuration; 2] = [
    Configuration {
        name: "tokio_current_1",
        workers: 1,
        make: |limits| on(Builder::new_current_thread(), limits, 1),
    },
    Configuration {
        name: "tokio_multi_1",
        workers: 1,
        make: |limits| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2);
            on(builder, limits, 1)
        },
    },
];

#[expect(clippy::expect_used, reason = "a test without a runtime cannot go on")]
fn on(mut builder: Builder, limits: Limits, workers: u32) -> Arc<dyn Driver> {
    let runtime = builder.enable_all().build().expect("a runtime can be made");
    let stager = {
        let _entered = runtime.enter();
        Stager::builder()
            .limits(limits)
            .workers(workers)
            .build()
            .expect("there is a runtime")
    };
    Arc::new(Awaited {
        stager,
        world: Arc::new(runtime),
    })
}

impl World for Arc<Runtime> {
    type Stager = Stager;
    type File = File;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        Runtime::block_on(self, future)
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
        let mut lines = file.reader().lines();
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().await? {
            all.push(line);
        }
        Ok(all)
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
