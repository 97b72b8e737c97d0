//! What the kernel allows: the system calls of a job and nothing else, for benchmarks to be measured
//! by.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Loads files of `len` bytes into memory that was touched before, on two threads: `openat`,
/// `fstat`, `pread`, `fstat`, `close` each.
///
/// # Panics
/// A file is not there, or not so long.
pub fn load_by_hand(paths: &[PathBuf], len: usize, pooled: &mut [u8]) {
    let next = AtomicUsize::new(0);
    let half = pooled.len() / 2;
    let (first, second) = pooled.split_at_mut(half);
    std::thread::scope(|scope| {
        for memory in [first, second] {
            let next = &next;
            scope.spawn(move || {
                let mut at = 0;
                loop {
                    let from = next.fetch_add(32, Ordering::Relaxed);
                    for path in paths.iter().skip(from).take(32) {
                        // The other thread may be slower: then this one wraps around.
                        at = if at + len > memory.len() { 0 } else { at };
                        load(path, &mut memory[at..at + len]);
                        at += len;
                    }
                    if from >= paths.len() {
                        return;
                    }
                }
            });
        }
    });
}

fn load(path: &Path, memory: &mut [u8]) {
    let loaded = File::open(path).and_then(|file| {
        let before = rustix::fs::fstat(&file)?;
        let read = file.read_at(memory, 0)?;
        let after = rustix::fs::fstat(&file)?;
        Ok((before.st_size, read, after.st_mtime))
    });
    let whole = loaded.is_ok_and(|(_, read, _)| read == memory.len());
    assert!(whole, "{} is there, whole", path.display());
}
