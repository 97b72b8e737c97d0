//! Small files through a completion ring: for each a chain of open, read and close, many at once,
//! with descriptors of the ring's own, into memory that was touched before.

#![expect(unsafe_code, reason = "a ring takes raw pointers to buffers")]

use crate::files::Corpus;
use crate::kept::{Pooled, kept, work_alone};
use crate::limits::memory::{touched, wait};
use crate::row::Run;
use io_uring::types::{DestinationSlot, Fd, Fixed};
use io_uring::{IoUring, opcode, squeue};
use memmap2::MmapMut;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// How many chains are under way at once.
const DEPTH: u32 = 256;
const CALLS: u32 = 3;

/// Loads all files.
pub(crate) fn chains(files: &Corpus) -> io::Result<Run> {
    let mut chains = Chains::new(files)?;
    let wanted = files.bytes();
    Ok(Box::new(move || {
        kept(wanted, || chains.load_all(), drop).map(work_alone)
    }))
}

struct Chains {
    ring: IoUring,
    names: Vec<CString>,
    memory: MmapMut,
    len: usize,
}

/// Which call of which chain ended: what the ring gives back.
#[derive(Clone, Copy)]
struct Call {
    slot: u32,
    step: u32,
}

impl Call {
    const fn to_u64(self) -> u64 {
        (self.slot * CALLS + self.step) as u64
    }

    const fn from_u64(name: u64) -> Call {
        let name = name as u32;
        Call {
            slot: name / CALLS,
            step: name % CALLS,
        }
    }
}

impl Chains {
    fn new(files: &Corpus) -> io::Result<Chains> {
        let ring = IoUring::new((DEPTH * CALLS).next_power_of_two())?;
        ring.submitter().register_files_sparse(DEPTH)?;
        let name = |path: &std::path::PathBuf| CString::new(path.as_os_str().as_bytes());
        let names: Result<Vec<CString>, _> = files.paths.iter().map(name).collect();
        Ok(Chains {
            ring,
            names: names?,
            memory: touched(files.paths.len() * files.len)?,
            len: files.len,
        })
    }

    fn load_all(&mut self) -> io::Result<Pooled> {
        let mut free: Vec<u32> = (0..DEPTH).collect();
        let (mut next, mut bytes) = (0, 0);
        let mut failed = None;
        // After a failure too everything is waited for: the kernel may still write.
        while (failed.is_none() && next < self.names.len()) || free.len() < DEPTH as usize {
            while failed.is_none() && next < self.names.len() {
                let Some(slot) = free.pop() else { break };
                match self.begin(slot, next) {
                    Ok(()) => next += 1,
                    Err(error) => {
                        free.push(slot);
                        failed = Some(error);
                    }
                }
            }
            if free.len() == DEPTH as usize {
                break;
            }
            wait(&self.ring);
            for ended in self.ring.completion() {
                let call = Call::from_u64(ended.user_data());
                match (call.step, ended.result()) {
                    (_, errno) if errno < 0 => {
                        failed = failed.or(Some(io::Error::from_raw_os_error(-errno)));
                    }
                    (1, read) => bytes += read as u64,
                    _ => {}
                }
                if call.step == CALLS - 1 {
                    free.push(call.slot);
                }
            }
        }
        failed.map_or(Ok(Pooled(bytes)), Err)
    }

    /// Puts the chain of a file into the queue.
    fn begin(&mut self, slot: u32, file: usize) -> io::Result<()> {
        let target = DestinationSlot::try_from_slot_target(slot)
            .map_err(|_| io::Error::other("the ring has no such slot"))?;
        let named = |step| Call { slot, step }.to_u64();
        let place = &mut self.memory[file * self.len..][..self.len];
        let linked = squeue::Flags::IO_LINK;
        let calls = [
            opcode::OpenAt::new(Fd(libc::AT_FDCWD), self.names[file].as_ptr())
                .file_index(Some(target))
                .flags(libc::O_RDONLY)
                .build()
                .user_data(named(0))
                .flags(linked),
            opcode::Read::new(Fixed(slot), place.as_mut_ptr(), self.len as u32)
                .build()
                .user_data(named(1))
                .flags(linked),
            opcode::Close::new(Fixed(slot)).build().user_data(named(2)),
        ];
        // SAFETY: names and memory live as long as the ring and are not touched before the chain
        // has ended: `load_all` returns only when every chain has, and no two have the same place.
        let pushed = unsafe { self.ring.submission().push_multiple(&calls) };
        pushed.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_loaded_where_there_is_a_ring() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let files = Corpus::make(folder.path(), 600, 4096)?;
        std::fs::write(&files.paths[599], vec![9; 4096])?;
        let Ok(mut chains) = Chains::new(&files) else {
            return Ok(());
        };
        for _ in 0..2 {
            assert_eq!(chains.load_all()?.0, files.bytes());
        }
        assert!(chains.memory[599 * 4096..].iter().all(|byte| *byte == 9));
        std::fs::remove_file(&files.paths[300])?;
        assert!(chains.load_all().is_err(), "a file is missing");
        Ok(())
    }
}
