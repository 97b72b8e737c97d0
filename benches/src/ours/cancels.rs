//! Stagings that are given up in the middle, through each driver.

use crate::files::{Corpus, offsets};
use crate::peers::whole::tokio_runtime;
use crate::row::{Aspect, Run, Sample};
use driver_kit::batch::Progress;
use driver_kit::core::{Mode, Plan};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::Hub;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many are given up in a run.
const TIMES: usize = 12;

/// When the memory of the last one began to be given back: whatever was under way has ended by then.
type Ended = Arc<Mutex<Option<Instant>>>;

/// driver-blocking, with a pool.
pub(crate) fn blocking(files: &Corpus, mode: Mode) -> io::Result<Run> {
    let stager = driver_blocking::Stager::builder().pool(2).build();
    let ended = watch(stager.hub());
    let file = stager.options().mode(Mode::None).open(&files.paths[0])?;
    let size = files.bytes();
    Ok(Box::new(move || {
        let begin = || file.begin_staging(Plan::of(mode));
        let late = || file.is_staged().then(|| file.unstage());
        give_up(stager.hub(), size, &ended, begin, |it| it.progress(), late)
    }))
}

/// driver-tokio.
pub(crate) fn tokio(files: &Corpus, mode: Mode) -> io::Result<Run> {
    let (runtime, size) = (tokio_runtime()?, files.bytes());
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let ended = watch(stager.hub());
    let file = runtime.block_on(stager.options().mode(Mode::None).open(&files.paths[0]))?;
    Ok(Box::new(move || {
        let begin = || file.begin_staging(Plan::of(mode));
        let late = || file.is_staged().then(|| runtime.block_on(file.unstage()));
        give_up(stager.hub(), size, &ended, begin, |it| it.progress(), late)
    }))
}

/// driver-smol.
pub(crate) fn smol(files: &Corpus, mode: Mode) -> io::Result<Run> {
    let (stager, size) = (driver_smol::Stager::new(), files.bytes());
    let ended = watch(stager.hub());
    let file = smol::block_on(stager.options().mode(Mode::None).open(&files.paths[0]))?;
    Ok(Box::new(move || {
        let begin = || file.begin_staging(Plan::of(mode));
        let late = || file.is_staged().then(|| smol::block_on(file.unstage()));
        give_up(stager.hub(), size, &ended, begin, |it| it.progress(), late)
    }))
}

fn watch(hub: &Hub) -> Ended {
    let ended = Ended::default();
    let seen = Arc::clone(&ended);
    let handler = Arc::new(move |job, next: &dyn Fn(_) -> _| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        next(job)
    });
    hub.handlers().set(ActionKind::Release, handler);
    ended
}

/// Begins a staging, lets it come to some point, and gives it up; and again. Until it ends: the mean,
/// and the longest; until its memory is given back: the mean.
fn give_up<B>(
    hub: &Arc<Hub>,
    size: u64,
    ended: &Ended,
    begin: impl Fn() -> io::Result<B>,
    progress: impl Fn(&B) -> Progress,
    late: impl Fn() -> Option<io::Result<()>>,
) -> io::Result<Sample> {
    let (mut to_end, mut to_memory) = (Vec::new(), Vec::new());
    for until in offsets(size * 3 / 4, 7, TIMES as u64) {
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let staging = begin()?;
        while progress(&staging).bytes_done <= until {
            thread::sleep(Duration::from_micros(20));
        }
        let given_up = Instant::now();
        drop(staging);
        if let Some(unstaged) = late() {
            unstaged?;
            continue;
        }
        while hub.charged() > 0 {
            thread::yield_now();
        }
        to_memory.push(given_up.elapsed());
        let at = *ended.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = at else {
            return Err(io::Error::other("nothing was given back"));
        };
        to_end.push(at.saturating_duration_since(given_up));
    }
    if to_end.is_empty() {
        return Err(io::Error::other("every staging was faster"));
    }
    let mean = |all: &[Duration]| all.iter().sum::<Duration>().as_nanos() as f64 / all.len() as f64;
    let longest = to_end.iter().max().map_or(0, Duration::as_nanos) as f64;
    Ok(vec![
        (Aspect::Work, mean(&to_end)),
        (Aspect::Longest, longest),
        (Aspect::GivenBack, mean(&to_memory)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_driver_gives_up_what_it_has_begun() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 1, 128 << 20)?;
        for way in [
            blocking(&files, Mode::Load),
            tokio(&files, Mode::Map),
            smol(&files, Mode::Load),
        ] {
            assert_eq!(way?()?.len(), 3);
        }
        Ok(())
    }
}
