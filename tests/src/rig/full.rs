//! Filling a disk to the last block.

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;

/// Parts of it, ever smaller.
const STEPS: [u64; 4] = [16 << 20, 1 << 20, 64 << 10, 4 << 10];

/// Takes all the room there is for a new file.
///
/// # Errors
/// What the system said, but that there is no more room.
pub fn fill(path: &Path) -> Result<(), Errno> {
    let file =
        File::create(path).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let mut end = 0;
    for step in STEPS {
        loop {
            match fallocate(&file, FallocateFlags::empty(), end, step) {
                Ok(()) => end += step,
                Err(Errno::NOSPC) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    rustix::fs::fsync(&file)
}
