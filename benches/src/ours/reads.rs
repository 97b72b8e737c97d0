//! Single reads of one file through each driver, in memory or not. A stager that is dropped closes
//! its files, so each way keeps its own.

use crate::files::{BLOCK, offsets};
use crate::peers::reads::{Reads, TASKS, each, lone_runtime, on_smol, on_tokio};
use crate::peers::whole::tokio_runtime;
use crate::row::Run;
use driver_kit::client;
use driver_kit::core::Mode;
use std::hint::black_box;
use std::io;
use std::ops::Deref;

/// driver-blocking, one read after the other.
pub(crate) fn blocking(reads: &Reads, mode: Mode) -> io::Result<Run> {
    let reads = reads.clone();
    let stager = driver_blocking::Stager::new();
    let file = stager.options().mode(mode).open(&reads.path)?;
    let mut buffer = [0; BLOCK];
    Ok(Box::new(move || {
        let _open = &stager;
        each(reads.fast, || {
            for offset in offsets(reads.size, 1, reads.fast) {
                black_box(file.read_at(&mut buffer, offset)?);
            }
            Ok(())
        })
    }))
}

/// driver-tokio on a runtime of one thread, one awaited read after the other.
pub(crate) fn tokio(reads: &Reads, mode: Mode) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), lone_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let file = runtime.block_on(stager.options().mode(mode).open(&reads.path))?;
    let mut buffer = vec![0; BLOCK];
    Ok(Box::new(move || {
        let _open = &stager;
        each(reads.fast, || {
            runtime.block_on(async {
                for offset in offsets(reads.size, 1, reads.fast) {
                    black_box(file.read_into(&mut buffer, offset).await?);
                }
                Ok(())
            })
        })
    }))
}

/// driver-smol, one awaited read after the other.
pub(crate) fn smol(reads: &Reads, mode: Mode) -> io::Result<Run> {
    let reads = reads.clone();
    let stager = driver_smol::Stager::new();
    let file = smol::block_on(stager.options().mode(mode).open(&reads.path))?;
    let mut buffer = vec![0; BLOCK];
    Ok(Box::new(move || {
        let _open = &stager;
        each(reads.fast, || {
            smol::block_on(async {
                for offset in offsets(reads.size, 1, reads.fast) {
                    black_box(file.read_into(&mut buffer, offset).await?);
                }
                Ok(())
            })
        })
    }))
}

/// driver-tokio from eight tasks on two threads.
pub(crate) fn tokio_tasks(reads: &Reads) -> io::Result<Run> {
    let (reads, runtime) = (reads.clone(), tokio_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let file = runtime.block_on(stager.open(&reads.path))?;
    let count = reads.fast / TASKS;
    Ok(Box::new(move || {
        let _open = &stager;
        let task = |task| read_all(file.deref().clone(), offsets(reads.size, task, count));
        each(TASKS * count, || on_tokio(&runtime, task))
    }))
}

/// driver-smol from eight tasks.
pub(crate) fn smol_tasks(reads: &Reads) -> io::Result<Run> {
    let reads = reads.clone();
    let stager = driver_smol::Stager::new();
    let file = smol::block_on(stager.open(&reads.path))?;
    let count = reads.fast / TASKS;
    Ok(Box::new(move || {
        let _open = &stager;
        let task = |task| read_all(file.deref().clone(), offsets(reads.size, task, count));
        each(TASKS * count, || on_smol(task))
    }))
}

/// What one task of eight does, on any executor.
async fn read_all(file: client::File, places: impl Iterator<Item = u64>) -> io::Result<()> {
    let mut buffer = vec![0; BLOCK];
    for offset in places {
        black_box(file.read_into(&mut buffer, offset).await?);
    }
    Ok(())
}
