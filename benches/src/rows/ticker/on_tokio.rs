//! On a current-thread runtime of tokio.

use super::gaps::Gaps;
use super::{PIECE, Stage, touch};
use crate::peers::mapped::bare;
use crate::peers::reads::lone_runtime;
use crate::row::{Run, Sample};
use driver_tokio::Mode;
use memmap2::{Advice, MmapMut};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::{LocalSet, spawn_blocking, spawn_local, yield_now};
use tokio::time::{MissedTickBehavior, interval, sleep};

const TICK: Duration = Duration::from_millis(1);
const STEP: usize = 8 << 20;

/// Whether the file is made cold before each cycle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Chill,
    Nothing,
}

/// Cycles beside the ticker, until there were ticks enough.
fn beside_ticker(
    runtime: &Runtime,
    stage: &Stage,
    before: Before,
    mut cycle: impl AsyncFnMut() -> io::Result<()>,
) -> io::Result<Sample> {
    let gaps = Rc::new(Gaps::default());
    LocalSet::new().block_on(runtime, async {
        let ticking = Rc::clone(&gaps);
        let ticker = spawn_local(async move {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                ticking.tick();
            }
        });
        while gaps.ticks() < stage.ticks {
            if before == Before::Chill {
                let stage = stage.clone();
                spawn_blocking(move || stage.chill())
                    .await
                    .map_err(io::Error::other)??;
            }
            sleep(2 * TICK).await;
            gaps.watch();
            cycle().await?;
            // The tick that the end of the cycle made late is still to come.
            sleep(2 * TICK).await;
            gaps.look_away();
        }
        ticker.abort();
        Ok(gaps.sample())
    })
}

async fn touch_all(bytes: &[u8]) {
    for piece in bytes.chunks(PIECE) {
        touch(piece);
        yield_now().await;
    }
}

pub(super) fn ready(stage: &Stage, memory: &Rc<MmapMut>) -> io::Result<Run> {
    let (stage, memory, runtime) = (stage.clone(), Rc::clone(memory), lone_runtime()?);
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Nothing, async || {
            touch_all(&memory).await;
            Ok(())
        })
    }))
}

pub(super) fn mapped_inline(stage: &Stage) -> io::Result<Run> {
    let (stage, runtime) = (stage.clone(), lone_runtime()?);
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Chill, async || {
            touch_all(&bare(&stage.path)?).await;
            Ok(())
        })
    }))
}

pub(super) fn std_inline(stage: &Stage) -> io::Result<Run> {
    let (stage, runtime) = (stage.clone(), lone_runtime()?);
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Chill, async || {
            touch_all(&std::fs::read(&stage.path)?).await;
            Ok(())
        })
    }))
}

pub(super) fn tokio_fs(stage: &Stage) -> io::Result<Run> {
    let (stage, runtime) = (stage.clone(), lone_runtime()?);
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Chill, async || {
            touch_all(&tokio::fs::read(&stage.path).await?).await;
            Ok(())
        })
    }))
}

/// Mapped, populated step by step and unmapped by a thread that may block.
pub(super) fn worker(stage: &Stage) -> io::Result<Run> {
    let (stage, runtime) = (stage.clone(), lone_runtime()?);
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Chill, async || {
            let path = stage.path.clone();
            let populate = move || {
                let map = bare(&path)?;
                for from in (0..map.len()).step_by(STEP) {
                    let step = STEP.min(map.len() - from);
                    map.advise_range(Advice::PopulateRead, from, step)?;
                }
                io::Result::Ok(map)
            };
            let map = spawn_blocking(populate).await.map_err(io::Error::other)??;
            touch_all(&map).await;
            spawn_blocking(|| drop(map)).await.map_err(io::Error::other)
        })
    }))
}

pub(super) fn ours(stage: &Stage, mode: Mode) -> io::Result<Run> {
    let (stage, runtime) = (stage.clone(), lone_runtime()?);
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let mut buffer = vec![0; PIECE];
    Ok(Box::new(move || {
        beside_ticker(&runtime, &stage, Before::Chill, async || {
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
                sleep(TICK).await;
            }
            Ok(())
        })
    }))
}
