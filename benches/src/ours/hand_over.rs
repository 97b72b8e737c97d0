//! Work that is nothing, handed to a worker through each driver, and its answer awaited: a write that a handler
//! calls written.

use crate::peers::hand_over::{Hands, timed};
use crate::peers::whole::tokio_runtime;
use crate::row::Run;
use bytes::Bytes;
use driver_kit::client;
use driver_kit::core::Completion;
use driver_kit::handlers::ActionKind;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// driver-tokio.
pub(crate) fn tokio(folder: &Path, hands: Hands) -> io::Result<Run> {
    let runtime = tokio_runtime()?;
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let path = folder.join("handed-over-tokio");
    let file = runtime.block_on(stager.options().write(true).create(true).open(path))?;
    write_nothing(&stager);
    Ok(Box::new(move || {
        // Dropped, it is closed.
        let _open = &stager;
        timed(hands, || {
            runtime.block_on(hands.each(|place| write(&file, place)))
        })
    }))
}

/// driver-smol.
pub(crate) fn smol(folder: &Path, hands: Hands) -> io::Result<Run> {
    let stager = driver_smol::Stager::new();
    let path = folder.join("handed-over-smol");
    let file = smol::block_on(stager.options().write(true).create(true).open(path))?;
    write_nothing(&stager);
    Ok(Box::new(move || {
        let _open = &stager;
        timed(hands, || {
            smol::block_on(hands.each(|place| write(&file, place)))
        })
    }))
}

fn write_nothing(stager: &client::Stager) {
    let handler = |job: driver_kit::job::Job, _: &dyn Fn(_) -> _| job.answer(Completion::Written);
    let handlers = stager.hub().handlers();
    handlers.set(ActionKind::Write, Arc::new(handler));
}

/// Places that are apart, so that none waits for another, and none is merged.
async fn write(file: &client::File, place: usize) -> io::Result<()> {
    let byte = Bytes::from_static(b"-");
    file.write_at(place as u64 * 2, byte).await
}
