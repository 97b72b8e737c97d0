//! Small files into a pooled arena: a few threads, and for each file `openat`, `pread`, `close`,
//! with the two `fstat` that tell a torn read or without.

use crate::files::Corpus;
use crate::kept::{Pooled, kept, work_alone};
use crate::limits::memory::touched;
use crate::row::Run;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How many files a thread takes at a time.
const TAKEN: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stats {
    Taken,
    LeftOut,
}

/// Loads all files, on so many threads.
pub(crate) fn pooled(files: &Corpus, threads: usize, stats: Stats) -> io::Result<Run> {
    let files = files.clone();
    let mut arena = touched(files.paths.len() * files.len)?;
    Ok(Box::new(move || {
        let work = || load_all(&files, &mut arena, threads, stats);
        // The arena is kept for the next round.
        kept(files.bytes(), work, drop).map(work_alone)
    }))
}

fn load_all(files: &Corpus, arena: &mut [u8], threads: usize, stats: Stats) -> io::Result<Pooled> {
    let parts = files.paths.chunks(TAKEN);
    let parts = Mutex::new(parts.zip(arena.chunks_mut(TAKEN * files.len)));
    let take = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let one_thread = || {
        let mut bytes = 0;
        while let Some((paths, memory)) = take() {
            for (path, memory) in paths.iter().zip(memory.chunks_mut(files.len)) {
                bytes += load(path, memory, stats)? as u64;
            }
        }
        io::Result::Ok(bytes)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        let mut bytes = 0;
        for thread in threads {
            let ended = thread.join();
            bytes += ended.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
        }
        Ok(Pooled(bytes))
    })
}

fn load(path: &Path, memory: &mut [u8], stats: Stats) -> io::Result<usize> {
    let file = File::open(path)?;
    if stats == Stats::LeftOut {
        return file.read_at(memory, 0);
    }
    let before = rustix::fs::fstat(&file)?;
    let read = file.read_at(memory, 0)?;
    let after = rustix::fs::fstat(&file)?;
    match before.st_mtime == after.st_mtime && before.st_size == after.st_size {
        true => Ok(read),
        false => Err(io::Error::other("changed while it was read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_place() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 2 * TAKEN + 5, 4096)?;
        for (n, path) in files.paths.iter().enumerate() {
            std::fs::write(path, vec![n as u8; 4096])?;
        }
        for stats in [Stats::Taken, Stats::LeftOut] {
            let mut arena = vec![0; files.bytes() as usize];
            let loaded = load_all(&files, &mut arena, 3, stats)?;
            assert_eq!(loaded.0, files.bytes());
            let right = |(n, file): (usize, &[u8])| file.iter().all(|byte| *byte == n as u8);
            assert!(arena.chunks(4096).enumerate().all(right));
        }
        Ok(())
    }
}
