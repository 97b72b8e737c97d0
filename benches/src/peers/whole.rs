//! Whole files by the functions that everybody uses: `read` of std, tokio, async-fs, async-std.

use crate::files::Corpus;
use crate::kept::kept;
use crate::row::Run;
use crate::threads::on_threads;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::io;

/// One after the other.
pub(crate) fn std_loop(files: &Corpus) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let read_all = || files.paths.iter().map(std::fs::read).collect();
        kept::<Vec<Vec<u8>>>(files.bytes(), read_all, drop)
    }))
}

/// On so many threads.
pub(crate) fn threads(files: &Corpus, threads: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let read = |number: usize| std::fs::read(&files.paths[number]);
        let read_all = || on_threads(files.paths.len(), threads, read);
        kept(files.bytes(), read_all, drop)
    }))
}

/// A runtime of two threads, as for a server on a small machine.
pub(crate) fn tokio_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// `tokio::fs::read`, each in a task.
pub(crate) fn tokio_fs(files: &Corpus, in_flight: usize) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), tokio_runtime()?);
    Ok(Box::new(move || {
        let paths = files.list();
        let read = |path| async move {
            let task = tokio::spawn(tokio::fs::read(path));
            task.await.map_err(io::Error::other)?
        };
        let reads = stream::iter(paths).map(read).buffer_unordered(in_flight);
        let read_all = || runtime.block_on(reads.try_collect::<Vec<_>>());
        kept(files.bytes(), read_all, drop)
    }))
}

/// `async_fs::read`, which smol has too.
pub(crate) fn async_fs(files: &Corpus, in_flight: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let reads = stream::iter(files.list()).map(async_fs::read);
        let reads = reads.buffer_unordered(in_flight);
        let read_all = || smol::block_on(reads.try_collect::<Vec<_>>());
        kept(files.bytes(), read_all, drop)
    }))
}

/// `async_std::fs::read`.
pub(crate) fn async_std(files: &Corpus, in_flight: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let reads = stream::iter(files.list());
        let reads = reads.map(|path| async move { async_std::fs::read(&path).await });
        let reads = reads.buffer_unordered(in_flight);
        let read_all = || async_std::task::block_on(reads.try_collect::<Vec<_>>());
        kept(files.bytes(), read_all, drop)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_reads_everything() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 70, 5000)?;
        let ways = [
            std_loop(&files),
            threads(&files, 3),
            tokio_fs(&files, 64),
            async_fs(&files, 64),
            async_std(&files, 64),
        ];
        for way in ways {
            // `kept` counts the bytes.
            assert_eq!(way?()?.len(), 2);
        }
        Ok(())
    }
}
