//! Records appended durably to a log by 64 at once, through each driver.

use crate::peers::appends::{RECORD, Records};
use crate::peers::whole::tokio_runtime;
use crate::row::Run;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many append at once.
pub(crate) const AT_ONCE: usize = 64;

/// driver-blocking, from so many threads.
pub(crate) fn blocking(records: &Records) -> io::Result<Run> {
    let records = records.clone();
    let stager = driver_blocking::Stager::builder().pool(4).build();
    Ok(Box::new(move || {
        let log = stager.log(&records.path).open()?;
        records.timed(|| {
            let next = AtomicUsize::new(0);
            let one_thread = || {
                while next.fetch_add(1, Ordering::Relaxed) < records.count {
                    log.append_durable(RECORD)?;
                }
                io::Result::Ok(())
            };
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(one_thread)).collect();
                threads.into_iter().try_for_each(|thread| {
                    let ended = thread.join();
                    ended.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
                })
            })
        })
    }))
}

/// driver-tokio.
pub(crate) fn tokio(records: &Records) -> io::Result<Run> {
    let (records, runtime) = (records.clone(), tokio_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    Ok(Box::new(move || {
        let log = runtime.block_on(stager.log(&records.path).open())?;
        let all = || stream::iter(0..records.count).map(|_| log.append_durable(RECORD));
        let all = || {
            all()
                .buffer_unordered(AT_ONCE)
                .try_for_each(|_| async { Ok(()) })
        };
        records.timed(|| runtime.block_on(all()))
    }))
}

/// driver-smol.
pub(crate) fn smol(records: &Records) -> io::Result<Run> {
    let records = records.clone();
    let stager = driver_smol::Stager::new();
    Ok(Box::new(move || {
        let log = smol::block_on(stager.log(&records.path).open())?;
        let all = || stream::iter(0..records.count).map(|_| log.append_durable(RECORD));
        let all = || {
            all()
                .buffer_unordered(AT_ONCE)
                .try_for_each(|_| async { Ok(()) })
        };
        records.timed(|| smol::block_on(all()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_appends_every_record() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let records = Records::new(folder.path(), 200);
        for way in [blocking(&records), tokio(&records), smol(&records)] {
            records.clear()?;
            way?()?;
            let stager = driver_blocking::Stager::new();
            let found = stager.log(&records.path).read()?.count();
            assert_eq!(found, 200);
        }
        Ok(())
    }
}
