//! Bringing longer files in, chunk by chunk.

use super::identity::stamp_of;
use super::read_full;
use crate::contents::{Block, Clones, Mapping, Memory, Nameless, Share};
use crate::error::fault_of;
use crate::job::{Brought, Ended, Part};
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use staging_core::{Completion, Fault, How};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

/// Waits until the writes that are under way have ended: `lseek` to data behind the end of any file,
/// where there is none to look for.
///
/// A write changes the time of its file when it begins, and the bytes after that: between two equal
/// stamps one can lie that began before both (G5). But it holds the file's lock meanwhile, and this
/// call takes that lock on ext4, Btrfs and tmpfs (XFS takes it for each read). So whatever writes
/// after this call changed the stamp after the first look, and the second shows it. That is not so
/// of stores into a shared mapping, nor of file systems that look for data without the lock.
pub(super) fn outlast_writes(descriptor: &File) {
    // It always fails; what it is for is done by then.
    let _ = rustix::fs::seek(descriptor, SeekFrom::Data(i64::MAX as u64));
}

/// `mmap`; of a clone, where that is wished and can be had.
pub(super) fn map(
    path: &Path,
    descriptor: &File,
    len: u64,
    how: How,
    memory: &Arc<Memory>,
) -> Ended {
    let (share, clone) = match (how, memory.means().clones) {
        (How::MappedShared, _) => (Share::Shared, None),
        (_, Clones::Never) => (Share::Private, None),
        (_, Clones::WherePossible) => (Share::Private, Nameless::of(path, descriptor, len)),
    };
    let made = match clone {
        Some(clone) => Mapping::of_clone(memory, clone, len),
        None => Mapping::new(memory, descriptor.as_fd(), len, share),
    };
    match made {
        Ok(mapping) => {
            mapping.want_huge();
            let brought = Brought::Part(Part::Mapping(Arc::new(mapping)));
            Ended {
                completion: Completion::Mapped,
                brought,
            }
        }
        Err(error) => Ended::failed(&error),
    }
}

/// One chunk: `madvise` or `pread`, then `fstat`; before the first that is read, `lseek`.
pub(super) fn load(descriptor: &File, part: Part, offset: u64, len: u64) -> Ended {
    let (part, loaded) = load_chunk(descriptor, part, offset, len);
    let completion = match loaded.and_then(|filled| Ok((filled, stamp_of(descriptor)?))) {
        // It still claims to have the bytes that it did not give, or gave some that it does not
        // claim to have.
        Ok((filled, stamp)) if is_unsized(offset, len, filled, stamp.len) => Completion::Failed {
            fault: Fault::Unsized,
        },
        Ok((_, stamp)) => Completion::Loaded { stamp },
        Err(error) => Completion::Failed {
            fault: fault_of(&error),
        },
    };
    Ended {
        completion,
        brought: Brought::Part(part),
    }
}

/// Whether a file has other bytes than its length says.
const fn is_unsized(offset: u64, len: u64, filled: u64, claimed: u64) -> bool {
    let short = filled < len && offset.saturating_add(len) <= claimed;
    let long = len == 0 && filled > 0 && claimed == 0;
    short || long
}

/// How many bytes came in: fewer than asked where the file ended early.
fn load_chunk(descriptor: &File, part: Part, offset: u64, len: u64) -> (Part, io::Result<u64>) {
    match part {
        // An empty file: a byte that is read all the same shows that it is none.
        Part::Nothing { .. } if len == 0 => {
            let read = read_full(descriptor, &mut [0], offset);
            (part, read.map(|read| read as u64))
        }
        Part::Mapping(mapping) => {
            let populated = mapping.populate(offset, len);
            (Part::Mapping(mapping), populated.map(|()| len))
        }
        Part::Nothing { memory, total } => match room(&memory, total) {
            Ok(block) => load_chunk(descriptor, Part::Block(block), offset, len),
            Err(error) => (Part::Nothing { memory, total }, Err(error)),
        },
        Part::Block(mut block) => {
            if offset == 0 {
                outlast_writes(descriptor);
            }
            let filled = fill(descriptor, &mut block, offset, len);
            (Part::Block(block), filled)
        }
    }
}

fn room(memory: &Arc<Memory>, total: u64) -> io::Result<Block> {
    memory.take(usize::try_from(total).map_err(|_| Errno::FBIG)?)
}

/// Brings a chunk of the block in and reads it. A file that ends early leaves the rest as it was: it
/// must not be shown.
fn fill(descriptor: &File, block: &mut Block, offset: u64, len: u64) -> io::Result<u64> {
    let (Ok(from), Ok(count)) = (usize::try_from(offset), usize::try_from(len)) else {
        return Err(Errno::FBIG.into());
    };
    block.bring_in(from, count)?;
    let chunk = block.get_mut(from..).and_then(|rest| rest.get_mut(..count));
    match chunk {
        Some(chunk) => read_full(descriptor, chunk, offset).map(|filled| filled as u64),
        None => Err(Errno::INVAL.into()),
    }
}
