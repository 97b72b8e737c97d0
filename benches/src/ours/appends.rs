//! Records appended durably to a log by 64 at once, through each driver.

use crate::peers::appends::{RECORD, Records};
use crate::peers::whole::tokio_runtime;
use crate::row::Run;
use crate::threads::on_threads;
use driver_kit::client;
use std::io;

/// How many append at once.
pub(crate) const AT_ONCE: usize = 64;

/// driver-blocking, from so many threads.
pub(crate) fn blocking(records: &Records) -> io::Result<Run> {
    let records = records.clone();
    let stager = driver_blocking::Stager::builder().pool(4).build();
    Ok(Box::new(move || {
        let log = stager.log(&records.path).open()?;
        records.timed(|| {
            let append = |_| log.append_durable(RECORD).map(drop);
            on_threads(records.count, AT_ONCE, append).map(drop)
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
        records.timed(|| runtime.block_on(append_all(&log, &records)))
    }))
}

/// driver-smol.
pub(crate) fn smol(records: &Records) -> io::Result<Run> {
    let records = records.clone();
    let stager = driver_smol::Stager::new();
    Ok(Box::new(move || {
        let log = smol::block_on(stager.log(&records.path).open())?;
        records.timed(|| smol::block_on(append_all(&log, &records)))
    }))
}

async fn append_all(log: &client::Log, records: &Records) -> io::Result<()> {
    let append = |_| async { log.append_durable(RECORD).await.map(drop) };
    records.hands(AT_ONCE).each(append).await
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
