//! On an executor of smol, on one thread.

use super::gaps::Gaps;
use super::{PIECE, Stage, touch};
use crate::row::{Run, Sample};
use driver_smol::Mode;
use futures::StreamExt;
use memmap2::MmapMut;
use smol::future::yield_now;
use smol::{LocalExecutor, Timer, unblock};
use std::io;
use std::rc::Rc;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(1);

/// Whether the file is made cold before each cycle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Chill,
    Nothing,
}

/// Cycles beside the ticker, until there were ticks enough.
fn beside_ticker(
    stage: &Stage,
    before: Before,
    mut cycle: impl AsyncFnMut() -> io::Result<()>,
) -> io::Result<Sample> {
    let gaps = Rc::new(Gaps::default());
    let executor = LocalExecutor::new();
    let ticking = Rc::clone(&gaps);
    let _ticker = executor.spawn(async move {
        let mut ticks = Timer::interval(TICK);
        while ticks.next().await.is_some() {
            ticking.tick();
        }
    });
    smol::block_on(executor.run(async {
        while gaps.ticks() < stage.ticks {
            if before == Before::Chill {
                let stage = stage.clone();
                unblock(move || stage.chill()).await?;
            }
            Timer::after(2 * TICK).await;
            gaps.watch();
            cycle().await?;
            // The tick that the end of the cycle made late is still to come.
            Timer::after(2 * TICK).await;
            gaps.look_away();
        }
        Ok(gaps.sample())
    }))
}

async fn touch_all(bytes: &[u8]) {
    for piece in bytes.chunks(PIECE) {
        touch(piece);
        yield_now().await;
    }
}

pub(super) fn ready(stage: &Stage, memory: &Rc<MmapMut>) -> io::Result<Run> {
    let (stage, memory) = (stage.clone(), Rc::clone(memory));
    Ok(Box::new(move || {
        beside_ticker(&stage, Before::Nothing, async || {
            touch_all(&memory).await;
            Ok(())
        })
    }))
}

pub(super) fn async_fs(stage: &Stage) -> io::Result<Run> {
    let stage = stage.clone();
    Ok(Box::new(move || {
        beside_ticker(&stage, Before::Chill, async || {
            touch_all(&async_fs::read(&stage.path).await?).await;
            Ok(())
        })
    }))
}

pub(super) fn ours(stage: &Stage, mode: Mode) -> io::Result<Run> {
    let stage = stage.clone();
    let stager = driver_smol::Stager::new();
    let mut buffer = vec![0; PIECE];
    Ok(Box::new(move || {
        beside_ticker(&stage, Before::Chill, async || {
            let file = stager.options().mode(mode).open(&stage.path).await?;
            if !file.is_staged() {
                return Err(io::Error::other("it is not staged"));
            }
            for offset in (0..stage.len).step_by(PIECE) {
                let read = file.read_into(&mut buffer, offset as u64).await?;
                touch(&buffer[..read]);
                yield_now().await;
            }
            drop(file);
            // It is given back by a worker; a mapped page could not be made cold.
            while stager.charged() > 0 {
                Timer::after(TICK).await;
            }
            Ok(())
        })
    }))
}
