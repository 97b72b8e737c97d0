//! Many files staged together, by a batch of each driver.

use crate::files::Corpus;
use crate::kept::kept;
use crate::peers::whole::tokio_runtime;
use crate::row::{Run, Sample};
use driver_kit::batch::Item;
use std::io;

/// How many files may be under way.
const CONCURRENCY: u32 = 256;

/// Gives a batch back: its files are closed, and then nothing of them is in memory.
fn give_back(items: Vec<Item>, charged: impl Fn() -> u64) {
    drop(items);
    // Workers give back what is large; the clock runs until they are through.
    while charged() > 0 {
        std::thread::yield_now();
    }
}

/// driver-blocking, with a pool of so many threads and memory from the rounds before.
pub(crate) fn blocking(files: &Corpus, threads: u32) -> io::Result<Run> {
    let files = files.clone();
    let stager = driver_blocking::Stager::builder().pool(threads).build();
    Ok(Box::new(move || stage_blocking(&stager, &files)))
}

/// driver-blocking, with a stager made for each round, which has touched no memory.
pub(crate) fn blocking_anew(files: &Corpus, threads: u32) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let stager = driver_blocking::Stager::builder().pool(threads).build();
        stage_blocking(&stager, &files)
    }))
}

fn stage_blocking(stager: &driver_blocking::Stager, files: &Corpus) -> io::Result<Sample> {
    let paths = files.list();
    let work = || {
        let batch = stager.stage(paths).concurrency(CONCURRENCY).start()?;
        Ok(batch.wait())
    };
    kept(files.bytes(), work, |items| {
        give_back(items, || stager.charged());
    })
}

/// driver-tokio, with so many of the runtime's blocking threads.
pub(crate) fn tokio(files: &Corpus, workers: u32) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), tokio_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::builder().workers(workers).build()?
    };
    Ok(Box::new(move || {
        let paths = files.list();
        let work = || {
            let batch = stager.stage(paths).concurrency(CONCURRENCY).start()?;
            Ok(runtime.block_on(batch.wait()))
        };
        kept(files.bytes(), work, |items| {
            give_back(items, || stager.charged());
        })
    }))
}

/// driver-smol, with so many threads of the `blocking` crate.
pub(crate) fn smol(files: &Corpus, workers: u32) -> io::Result<Run> {
    let files = files.clone();
    let stager = driver_smol::Stager::builder().workers(workers).build();
    Ok(Box::new(move || {
        let paths = files.list();
        let work = || {
            let batch = stager.stage(paths).concurrency(CONCURRENCY).start()?;
            Ok(smol::block_on(batch.wait()))
        };
        kept(files.bytes(), work, |items| {
            give_back(items, || stager.charged());
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_stages_everything_again_and_again() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 70, 5000)?;
        let ways = [
            blocking(&files, 2),
            blocking_anew(&files, 2),
            tokio(&files, 2),
            smol(&files, 2),
        ];
        for way in ways {
            let mut way = way?;
            for _ in 0..3 {
                // `kept` counts the bytes.
                assert_eq!(way()?.len(), 2);
            }
        }
        Ok(())
    }
}
