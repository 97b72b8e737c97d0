//! The one mapping of actions to the operating system.
//!
//! Everything here blocks, takes no lock of the hub, and reports what the system said as it said
//! it. There is no policy: what a failure means is the machine's to decide.

mod identity;
mod load;
mod lock;
mod open;
mod replace;
mod write;

use crate::contents::{Contents, Notify};
use crate::job::{Brought, Ended, Finished, Held, Job, Part, Work};
use staging_core::Completion;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

pub use identity::stamp_of;
pub(crate) use lock::Locked;
pub(crate) use open::look_at;
pub(crate) use replace::{Swept, Temporary, sweep_directory};
pub(crate) use write::write;

/// Carries a job out: system calls, and nothing else.
pub fn perform(job: Job) -> Finished {
    let Job {
        io,
        kind,
        path,
        work,
    } = job;
    let Ended {
        completion,
        brought,
    } = carry_out(&path, work);
    Finished {
        io,
        kind,
        path,
        completion,
        brought,
    }
}

fn carry_out(path: &Path, work: Work) -> Ended {
    match work {
        Work::Open { access, missing } => open::open(path, access, missing),
        Work::Fetch {
            missing,
            up_to,
            memory,
        } => open::fetch(path, missing, up_to, &memory),
        Work::Look { descriptor } => look(&descriptor),
        Work::Map {
            descriptor,
            len,
            how,
            memory,
        } => load::map(path, &descriptor, len, how, &memory),
        Work::Load {
            descriptor,
            part,
            offset,
            len,
        } => load::load(&descriptor, part, offset, len),
        Work::Read {
            descriptor,
            buffer,
            offset,
        } => read(&descriptor, buffer, offset),
        Work::Write {
            descriptor,
            bytes,
            offset,
        } => Ended::plain(write::write(&descriptor, &bytes, offset)),
        Work::WriteRun {
            descriptor,
            parts,
            offset,
        } => Ended::plain(write::write_run(&descriptor, &parts, offset)),
        Work::SetLength { descriptor, len } => Ended::plain(write::set_length(&descriptor, len)),
        Work::Sync { descriptor } => Ended::plain(write::sync(&descriptor)),
        Work::Replace {
            step,
            temporary,
            bytes,
            swept,
        } => replace::step(path, step, temporary.as_deref(), &bytes, &swept),
        Work::SyncFiles { files } => Ended::plain(replace::sync_files(&files)),
        Work::Try {
            span,
            sharing,
            scope,
            known,
        } => lock::try_lock(path, span, sharing, scope, known),
        Work::Unlock { locked } => lock::release(locked),
        Work::Release { held, notify } => release(held, notify),
        Work::Close { descriptor } => {
            // What a close says of writing back, a sync would have said before.
            drop(descriptor);
            Ended::plain(Completion::Closed)
        }
        Work::Lost => Ended::failed(&rustix::io::Errno::BADF.into()),
    }
}

/// `fstat`.
fn look(descriptor: &File) -> Ended {
    match stamp_of(descriptor) {
        Ok(stamp) => Ended::plain(Completion::Looked { stamp }),
        Err(error) => Ended::failed(&error),
    }
}

/// `pread` until the buffer is full or the file ends.
fn read(descriptor: &File, mut buffer: Vec<u8>, offset: u64) -> Ended {
    let completion = match read_full(descriptor, &mut buffer, offset) {
        Ok(bytes) => Completion::Read {
            bytes: bytes as u64,
        },
        Err(error) => Completion::Failed {
            fault: crate::error::fault_of(&error),
        },
    };
    Ended {
        completion,
        brought: Brought::Buffer(buffer),
    }
}

/// The part of a buffer that a file can have bytes for, from an offset on: none reaches further than
/// `off_t` counts. Asked for more, the system refuses (EINVAL) what memory answers with no bytes.
fn within_reach(buffer: &mut [u8], offset: u64) -> &mut [u8] {
    let most = (i64::MAX as u64).saturating_sub(offset);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let len = buffer.len().min(most);
    &mut buffer[..len]
}

/// Reads until the buffer is full or the file ends, whatever interrupts (EINTR) or comes short.
///
/// # Errors
/// What `pread` said. Bytes read before that are not counted.
pub fn read_full(descriptor: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let buffer = within_reach(buffer, offset);
    let mut done = 0;
    while done < buffer.len() {
        match descriptor.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Reads like [`read_full`], but only what the kernel has in memory (`preadv2` with
/// `RWF_NOWAIT`); `None` where it would have to wait for the disk, or cannot tell.
pub(crate) fn read_if_cached(
    descriptor: &File,
    buffer: &mut [u8],
    offset: u64,
) -> Option<io::Result<usize>> {
    use rustix::io::{Errno, ReadWriteFlags};
    let buffer = within_reach(buffer, offset);
    let mut done = 0;
    while done < buffer.len() {
        let rest = &mut [io::IoSliceMut::new(&mut buffer[done..])];
        match rustix::io::preadv2(
            descriptor,
            rest,
            offset + done as u64,
            ReadWriteFlags::NOWAIT,
        ) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return None,
            Err(errno) => return Some(Err(errno.into())),
        }
    }
    Some(Ok(done))
}

/// Gives contents up; what readers still hold is lent until they let go.
fn release(held: Held, notify: Notify) -> Ended {
    let lent = match held {
        Held::Nothing | Held::Part(Part::Nothing { .. } | Part::Block(_)) => 0,
        Held::Part(Part::Mapping(mapping)) => Contents::Mapped(mapping).release(notify),
        Held::Contents(contents) => contents.release(notify),
    };
    Ended::plain(Completion::Released { lent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_behind_what_a_file_can_reach_brings_nothing() -> io::Result<()> {
        let file = tempfile::tempfile()?;
        for offset in [i64::MAX as u64 - 1, i64::MAX as u64, 1 << 63, u64::MAX - 8] {
            let mut buffer = [0; 8];
            assert_eq!(read_full(&file, &mut buffer, offset)?, 0, "{offset}");
            if let Some(cached) = read_if_cached(&file, &mut buffer, offset) {
                assert_eq!(cached?, 0, "{offset}");
            }
        }
        Ok(())
    }
}
