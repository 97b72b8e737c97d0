//! Files replaced through each driver, one after the other and all at once.

use crate::files::Corpus;
use crate::peers::replacing::{CONTENT, each, on_threads, timed};
use crate::peers::whole::tokio_runtime;
use crate::row::Run;
use driver_kit::client;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::future::IntoFuture;
use std::io;

/// How many are asked for at once.
const AT_ONCE: usize = 1_000;

/// driver-blocking, one after the other.
pub(crate) fn blocking_alone(files: &Corpus) -> io::Result<Run> {
    let stager = driver_blocking::Stager::new();
    each(files, move |path| {
        stager.replace(path, &CONTENT[..]).commit()
    })
}

/// driver-blocking, from so many threads, with a pool.
pub(crate) fn blocking(files: &Corpus, threads: usize) -> io::Result<Run> {
    let files = files.clone();
    let stager = driver_blocking::Stager::builder().pool(64).build();
    Ok(Box::new(move || {
        timed(&files, || {
            on_threads(&files, threads, |path| {
                stager.replace(path, &CONTENT[..]).commit()
            })
        })
    }))
}

/// driver-tokio, so many at once.
pub(crate) fn tokio(files: &Corpus, at_once: Option<usize>) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), tokio_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    Ok(Box::new(move || {
        timed(&files, || {
            runtime.block_on(replace_all(&stager, &files, at_once))
        })
    }))
}

/// driver-smol, so many at once.
pub(crate) fn smol(files: &Corpus, at_once: Option<usize>) -> io::Result<Run> {
    let files = files.clone();
    let stager = driver_smol::Stager::new();
    Ok(Box::new(move || {
        timed(&files, || {
            smol::block_on(replace_all(&stager, &files, at_once))
        })
    }))
}

async fn replace_all(
    stager: &client::Stager,
    files: &Corpus,
    at_once: Option<usize>,
) -> io::Result<()> {
    let replace = |path| stager.replace(path, &CONTENT[..]).into_future();
    stream::iter(files.paths.iter())
        .map(replace)
        .buffer_unordered(at_once.unwrap_or(AT_ONCE))
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_replaces_all_files() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 20, 100)?;
        for way in [
            blocking_alone(&files),
            blocking(&files, 4),
            tokio(&files, None),
            smol(&files, Some(1)),
        ] {
            for path in &*files.paths {
                std::fs::write(path, b"old")?;
            }
            way?()?;
            for path in &*files.paths {
                assert_eq!(std::fs::read(path)?, CONTENT);
            }
        }
        Ok(())
    }
}
