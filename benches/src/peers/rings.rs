//! The runtimes that are built on completion rings. Each has its ring on this thread, made before
//! the clock starts.

use crate::files::{BLOCK, Corpus, offsets};
use crate::kept::kept;
use crate::peers::reads::{Reads, each};
use crate::row::Run;
use compio::buf::BufResult;
use compio::io::AsyncReadAt;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::hint::black_box;
use std::io;
use std::path::PathBuf;

/// `compio::fs::read`.
pub(crate) fn compio(files: &Corpus, in_flight: usize) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), compio::runtime::Runtime::new()?);
    Ok(Box::new(move || {
        let reads = stream::iter(files.list()).map(compio::fs::read);
        let reads = reads.buffer_unordered(in_flight);
        let read_all = || runtime.block_on(reads.try_collect::<Vec<_>>());
        kept(files.bytes(), read_all, drop)
    }))
}

/// Single reads of compio, one after the other.
pub(crate) fn compio_alone(reads: &Reads) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), compio::runtime::Runtime::new()?);
    let file = runtime.block_on(compio::fs::File::open(&reads.path))?;
    Ok(Box::new(move || {
        each(reads.slow, || {
            runtime.block_on(async {
                let mut buffer = Vec::with_capacity(BLOCK);
                for offset in offsets(reads.size, 1, reads.slow) {
                    buffer.clear();
                    let BufResult(read, back) = file.read_at(buffer, offset).await;
                    black_box(read?);
                    buffer = back;
                }
                Ok(())
            })
        })
    }))
}

/// tokio-uring has no `read` of a whole file: open, ask for the length, read, close.
pub(crate) fn tokio_uring(files: &Corpus, in_flight: usize) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), ring_runtime()?);
    Ok(Box::new(move || {
        let reads = stream::iter(files.list()).map(read_whole);
        let reads = reads.buffer_unordered(in_flight);
        let read_all = || runtime.block_on(reads.try_collect::<Vec<_>>());
        kept(files.bytes(), read_all, drop)
    }))
}

/// Single reads of tokio-uring, one after the other.
pub(crate) fn tokio_uring_alone(reads: &Reads) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), ring_runtime()?);
    let file = runtime.block_on(tokio_uring::fs::File::open(&reads.path))?;
    let mut file = Some(file);
    Ok(Box::new(move || {
        each(reads.slow, || {
            runtime.block_on(async {
                let opened = file.take().ok_or(io::ErrorKind::NotFound)?;
                let mut buffer = Vec::with_capacity(BLOCK);
                for offset in offsets(reads.size, 1, reads.slow) {
                    let (read, back) = opened.read_at(buffer, offset).await;
                    black_box(read?);
                    buffer = back;
                }
                file = Some(opened);
                Ok(())
            })
        })
    }))
}

fn ring_runtime() -> io::Result<tokio_uring::Runtime> {
    tokio_uring::Runtime::new(tokio_uring::builder().entries(256))
}

async fn read_whole(path: PathBuf) -> io::Result<Vec<u8>> {
    let file = tokio_uring::fs::File::open(path).await?;
    let len = file.statx().await?.stx_size as usize;
    let (mut buffer, mut filled) = (Vec::with_capacity(len), 0);
    while filled < len {
        use tokio_uring::buf::BoundedBuf;
        let (read, back) = file.read_at(buffer.slice(filled..len), filled as u64).await;
        buffer = back.into_inner();
        match read? {
            0 => break,
            read => filled += read,
        }
    }
    file.close().await?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_read_everything_where_they_are_to_be_had() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 70, 5000)?;
        for way in [compio(&files, 64), tokio_uring(&files, 64)] {
            let Ok(mut way) = way else { continue };
            assert_eq!(way()?.len(), 2);
        }
        Ok(())
    }
}
