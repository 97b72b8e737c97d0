//! Records appended durably by hand.

use crate::row::{Aspect, Run, Sample};
use crate::threads::on_threads;
use futures::channel::oneshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;
use std::{iter, thread};

/// What each record has.
pub(crate) const RECORD: [u8; 128] = [b'r'; 128];

/// So many records, to a log at a path.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) path: PathBuf,
    pub(crate) count: usize,
}

impl Records {
    pub(crate) fn new(folder: &Path, count: usize) -> Records {
        let path = folder.join("log");
        Records { path, count }
    }

    /// There is no log.
    pub(crate) fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Times one round, for one record.
    pub(crate) fn timed(&self, all: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
        let began = Instant::now();
        all()?;
        let took = began.elapsed().as_nanos() as f64;
        Ok(vec![(Aspect::Work, took / self.count as f64)])
    }
}

/// `write` of so many records, then `fdatasync`, again and again.
pub(crate) fn in_groups(records: &Records, group: usize) -> io::Result<Run> {
    let records = records.clone();
    Ok(Box::new(move || {
        let mut file = File::create(&records.path)?;
        records.timed(|| {
            let bytes = RECORD.repeat(group);
            for _ in 0..records.count / group {
                file.write_all(&bytes)?;
                file.sync_data()?;
            }
            Ok(())
        })
    }))
}

/// From so many tasks, each of which awaits its record: a thread writes and syncs what all have brought by then.
pub(crate) fn on_tasks_in_groups(records: &Records, tasks: usize) -> io::Result<Run> {
    let records = records.clone();
    Ok(Box::new(move || {
        let mut file = File::create(&records.path)?;
        let (brings, brought) = mpsc::channel::<oneshot::Sender<()>>();
        let thread = thread::spawn(move || {
            while let Ok(first) = brought.recv() {
                let group: Vec<_> = iter::once(first).chain(brought.try_iter()).collect();
                file.write_all(&RECORD.repeat(group.len()))?;
                file.sync_data()?;
                for one in group {
                    // Whoever asked may be gone.
                    let _ = one.send(());
                }
            }
            io::Result::Ok(())
        });
        let append = |_| {
            let (sender, durable) = oneshot::channel();
            let sent = brings.send(sender);
            async move {
                sent.map_err(io::Error::other)?;
                durable.await.map_err(io::Error::other)
            }
        };
        let sample = records.timed(|| {
            let all = stream::iter(0..records.count)
                .map(append)
                .buffer_unordered(tasks)
                .try_collect();
            smol::block_on(all)
        });
        drop(brings);
        let ended = thread.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
        sample
    }))
}

/// From so many threads, each of which waits for its record: whoever finds nobody at it writes and syncs what
/// all have brought by then.
pub(crate) fn on_threads_in_groups(records: &Records, threads: usize) -> io::Result<Run> {
    let records = records.clone();
    Ok(Box::new(move || {
        let shared = SharedLog {
            file: File::create(&records.path)?,
            state: Mutex::default(),
            synced: Condvar::new(),
        };
        let append = |_| shared.append_durable();
        records.timed(|| on_threads(records.count, threads, append).map(drop))
    }))
}

struct SharedLog {
    file: File,
    state: Mutex<Appends>,
    synced: Condvar,
}

#[derive(Default)]
struct Appends {
    gathered: Vec<u8>,
    /// How many records there are, and how many of them are durable.
    accepted: usize,
    durable: usize,
    somebody_syncs: bool,
}

impl SharedLog {
    fn append_durable(&self) -> io::Result<()> {
        let mut state = self.state();
        state.gathered.extend_from_slice(&RECORD);
        state.accepted += 1;
        let mine = state.accepted;
        while state.durable < mine {
            if state.somebody_syncs {
                let woken = self.synced.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.somebody_syncs = true;
            let bytes = std::mem::take(&mut state.gathered);
            let upto = state.accepted;
            drop(state);
            (&self.file).write_all(&bytes)?;
            self.file.sync_data()?;
            state = self.state();
            (state.somebody_syncs, state.durable) = (false, upto);
            self.synced.notify_all();
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Appends> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_appends_every_record() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let records = Records::new(folder.path(), 256);
        for way in [
            in_groups(&records, 64),
            on_tasks_in_groups(&records, 64),
            on_threads_in_groups(&records, 8),
        ] {
            records.clear()?;
            way?()?;
            assert_eq!(fs::read(&records.path)?, RECORD.repeat(256));
        }
        Ok(())
    }
}
