//! Large cold files past the page cache: `O_DIRECT` through a completion ring, into memory that was
//! touched before.

#![expect(unsafe_code, reason = "a ring takes raw pointers to buffers")]

use crate::files::Corpus;
use crate::kept::{Pooled, kept, work_alone};
use crate::limits::memory::{touched, wait};
use crate::row::Run;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use memmap2::MmapMut;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

/// How many reads are under way at once, and how long each is.
const DEPTH: u32 = 32;
const PIECE: usize = 1 << 20;

/// Reads all files. Their length must be a whole number of pages.
pub(crate) fn direct(files: &Corpus) -> io::Result<Run> {
    let mut direct = Direct {
        ring: IoUring::new(DEPTH)?,
        memory: touched(files.paths.len() * files.len)?,
        files: files.clone(),
    };
    // Where the file system does not know `O_DIRECT`, it is better known now.
    open(&files.paths[0])?;
    let wanted = files.bytes();
    Ok(Box::new(move || {
        kept(wanted, || direct.read_all(), drop).map(work_alone)
    }))
}

struct Direct {
    ring: IoUring,
    memory: MmapMut,
    files: Corpus,
}

fn open(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)
}

impl Direct {
    fn read_all(&mut self) -> io::Result<Pooled> {
        let opened: io::Result<Vec<File>> = self.files.paths.iter().map(|p| open(p)).collect();
        let opened = opened?;
        let len = self.files.len;
        let mut pieces = (0..opened.len())
            .flat_map(|file| (0..len).step_by(PIECE).map(move |from| (file, from)))
            .peekable();
        let (mut under_way, mut bytes, mut failed) = (0, 0, None);
        while under_way > 0 || (failed.is_none() && pieces.peek().is_some()) {
            while failed.is_none()
                && under_way < DEPTH
                && let Some((file, from)) = pieces.next()
            {
                let now = PIECE.min(len - from);
                let place = &mut self.memory[file * len + from..][..now];
                let read =
                    opcode::Read::new(Fd(opened[file].as_raw_fd()), place.as_mut_ptr(), now as u32)
                        .offset(from as u64)
                        .build();
                // SAFETY: memory and descriptors are kept until every read has ended, also after a
                // failure, and no two reads have the same place.
                match unsafe { self.ring.submission().push(&read) } {
                    Ok(()) => under_way += 1,
                    Err(error) => failed = Some(io::Error::other(error)),
                }
            }
            if under_way == 0 {
                break;
            }
            wait(&self.ring);
            for ended in self.ring.completion() {
                under_way -= 1;
                match ended.result() {
                    errno if errno < 0 => failed = Some(io::Error::from_raw_os_error(-errno)),
                    read => bytes += read as u64,
                }
            }
        }
        failed.map_or(Ok(Pooled(bytes)), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_where_it_can_be() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 3, 5 * PIECE / 2)?;
        let Ok(mut run) = direct(&files) else {
            return Ok(());
        };
        // `kept` counts the bytes.
        run().map(drop)
    }
}
