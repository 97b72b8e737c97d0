//! Blocks written behind through each driver, one awaited call after the other, and flushed at the end.

use crate::peers::whole::tokio_runtime;
use crate::peers::writes::{BLOCK, Plan};
use crate::row::Run;
use bytes::Bytes;
use driver_blocking::Deadline;
use driver_kit::client;
use std::io;
use std::ops::Deref;

/// driver-blocking with a worker; the blocks can be kept, and nothing is copied.
pub(crate) fn blocking(plan: &Plan) -> io::Result<Run> {
    let plan = plan.clone();
    let stager = driver_blocking::Stager::builder().pool(1).build();
    Ok(Box::new(move || {
        plan.timed(|| {
            let options = stager.options().write(true).write_behind(true);
            let paths = plan.files.paths.iter();
            let files: Vec<_> = paths
                .map(|path| options.open(path))
                .collect::<Result<_, _>>()?;
            for (file, offset) in plan.blocks.iter() {
                files[*file].write_bytes_at(Bytes::from_static(&BLOCK), *offset)?;
            }
            stager.flush_all(Deadline::Never)
        })
    }))
}

/// driver-tokio; the blocks are owned, and nothing is copied.
pub(crate) fn tokio(plan: &Plan) -> io::Result<Run> {
    let (plan, runtime) = (plan.clone(), tokio_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    Ok(Box::new(move || {
        plan.timed(|| runtime.block_on(write_all(&plan, stager.options(), &stager)))
    }))
}

/// driver-smol; the same.
pub(crate) fn smol(plan: &Plan) -> io::Result<Run> {
    let plan = plan.clone();
    let stager = driver_smol::Stager::new();
    Ok(Box::new(move || {
        plan.timed(|| smol::block_on(write_all(&plan, stager.options(), &stager)))
    }))
}

async fn write_all<F: Deref<Target = client::File>>(
    plan: &Plan,
    options: client::OpenOptions<F>,
    stager: &client::Stager,
) -> io::Result<()> {
    let options = options.write(true).write_behind(true);
    let mut files = Vec::new();
    for path in plan.files.paths.iter() {
        files.push(options.open(path).await?);
    }
    for (file, offset) in plan.blocks.iter() {
        files[*file]
            .write_at(*offset, Bytes::from_static(&BLOCK))
            .await?;
    }
    stager.flush_all(Deadline::Never).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Corpus;

    #[test]
    fn every_driver_writes_every_block() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 3, 10)?;
        let plan = Plan::shuffled(files, 300);
        for way in [blocking(&plan), tokio(&plan), smol(&plan)] {
            plan.clear()?;
            way?()?;
            for path in plan.files.paths.iter() {
                assert_eq!(std::fs::read(path)?, BLOCK.repeat(100));
            }
        }
        Ok(())
    }
}
