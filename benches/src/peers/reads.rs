//! Single reads of 4 KiB at random places of one file, one after the other or from eight tasks.

use crate::files::{BLOCK, offsets};
use crate::peers::whole::tokio_runtime;
use crate::row::{Aspect, Run, Sample};
use futures::io::{AsyncReadExt as _, AsyncSeekExt as _};
use rustix::io::ReadWriteFlags;
use std::fs::File;
use std::future::Future;
use std::hint::black_box;
use std::io::{self, IoSliceMut, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// How many tasks read at once, where several do.
pub(crate) const TASKS: u64 = 8;

/// Which file, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    /// How often those read that take nanoseconds.
    pub(crate) fast: u64,
    /// How often those that take many microseconds.
    pub(crate) slow: u64,
}

/// Times the work, and says what one of so many parts of it took.
pub(crate) fn each(parts: u64, work: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
    let began = Instant::now();
    work()?;
    let took = began.elapsed().as_nanos() as f64;
    Ok(vec![(Aspect::Work, took / parts as f64)])
}

/// A runtime on this thread alone: what a task waits for is then seen.
pub(crate) fn lone_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// The system call.
pub(crate) fn pread(reads: &Reads) -> io::Result<Run> {
    let (reads, file) = (reads.clone(), File::open(&reads.path)?);
    let mut buffer = [0; BLOCK];
    Ok(Box::new(move || {
        each(reads.fast, || {
            for offset in offsets(reads.size, 1, reads.fast) {
                black_box(file.read_at(&mut buffer, offset)?);
            }
            Ok(())
        })
    }))
}

/// The system call that would rather not read than wait.
pub(crate) fn nowait(reads: &Reads) -> io::Result<Run> {
    let (reads, file) = (reads.clone(), File::open(&reads.path)?);
    let mut buffer = [0; BLOCK];
    Ok(Box::new(move || {
        each(reads.fast, || {
            for offset in offsets(reads.size, 1, reads.fast) {
                let mut into = [IoSliceMut::new(&mut buffer)];
                black_box(rustix::io::preadv2(
                    &file,
                    &mut into,
                    offset,
                    ReadWriteFlags::NOWAIT,
                )?);
            }
            Ok(())
        })
    }))
}

async fn tokio_reads(reads: Reads, task: u64, count: u64) -> io::Result<()> {
    let mut file = tokio::fs::File::open(&reads.path).await?;
    let mut buffer = vec![0; BLOCK];
    for offset in offsets(reads.size, task, count) {
        file.seek(SeekFrom::Start(offset)).await?;
        file.read_exact(&mut buffer).await?;
        black_box(&buffer);
    }
    Ok(())
}

async fn futures_reads<F>(mut file: F, size: u64, task: u64, count: u64) -> io::Result<()>
where
    F: futures::AsyncRead + futures::AsyncSeek + Unpin,
{
    let mut buffer = vec![0; BLOCK];
    for offset in offsets(size, task, count) {
        file.seek(SeekFrom::Start(offset)).await?;
        file.read_exact(&mut buffer).await?;
        black_box(&buffer);
    }
    Ok(())
}

/// `tokio::fs`, seek and read, as its `File` has no read at a place.
pub(crate) fn tokio_alone(reads: &Reads) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), lone_runtime()?);
    Ok(Box::new(move || {
        let work = tokio_reads(reads.clone(), 1, reads.slow);
        each(reads.slow, || runtime.block_on(work))
    }))
}

/// `tokio::fs` from eight tasks on two threads.
pub(crate) fn tokio_tasks(reads: &Reads) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), tokio_runtime()?);
    Ok(Box::new(move || {
        let task = |task| tokio_reads(reads.clone(), task, reads.slow);
        each(TASKS * reads.slow, || on_tokio(&runtime, task))
    }))
}

/// `async_fs`, seek and read.
pub(crate) fn async_fs_alone(reads: &Reads) -> io::Result<Run> {
    let reads = reads.clone();
    Ok(Box::new(move || {
        each(reads.slow, || {
            smol::block_on(async {
                let file = async_fs::File::open(&reads.path).await?;
                futures_reads(file, reads.size, 1, reads.slow).await
            })
        })
    }))
}

/// `async_fs` from eight tasks.
pub(crate) fn async_fs_tasks(reads: &Reads) -> io::Result<Run> {
    let reads = reads.clone();
    Ok(Box::new(move || {
        let task = |task| {
            let reads = reads.clone();
            async move {
                let file = async_fs::File::open(&reads.path).await?;
                futures_reads(file, reads.size, task, reads.slow).await
            }
        };
        each(TASKS * reads.slow, || on_smol(task))
    }))
}

/// `async_std::fs`, seek and read.
pub(crate) fn async_std_alone(reads: &Reads) -> io::Result<Run> {
    let reads = reads.clone();
    Ok(Box::new(move || {
        each(reads.slow, || {
            async_std::task::block_on(async {
                let file = async_std::fs::File::open(&reads.path).await?;
                futures_reads(file, reads.size, 1, reads.slow).await
            })
        })
    }))
}

/// Eight tasks on the runtime, until all have ended.
pub(crate) fn on_tokio<F>(
    runtime: &tokio::runtime::Runtime,
    task: impl Fn(u64) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|n| runtime.spawn(task(n))).collect();
    tasks
        .into_iter()
        .try_for_each(|task| runtime.block_on(task).map_err(io::Error::other)?)
}

/// Eight tasks on an executor on this thread, until all have ended.
pub(crate) fn on_smol<F>(task: impl Fn(u64) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let executor = smol::Executor::new();
    let tasks: Vec<_> = (0..TASKS).map(|n| executor.spawn(task(n))).collect();
    smol::block_on(executor.run(async {
        for task in tasks {
            task.await?;
        }
        Ok(())
    }))
}
