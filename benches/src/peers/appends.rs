//! Records appended durably by hand.

use super::hand_over::Hands;
use crate::row::{Aspect, Run, Sample};
use crate::threads::{Together, on_threads};
use futures::channel::oneshot;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
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

    /// So many of them at once.
    pub(crate) const fn hands(&self, at_once: usize) -> Hands {
        let count = self.count;
        Hands { count, at_once }
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
        let hands = records.hands(tasks);
        let sample = records.timed(|| smol::block_on(hands.each(append)));
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
        let file = File::create(&records.path)?;
        let together = Together::new();
        let append_all = |group: Vec<()>| {
            (&file).write_all(&RECORD.repeat(group.len()))?;
            file.sync_data()
        };
        let append = |_| together.bring((), append_all);
        records.timed(|| on_threads(records.count, threads, append).map(drop))
    }))
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
