//! Memory that was touched before the clock starts, in huge pages where they are to be had, and the
//! wait for a kernel that still has some of it.

use io_uring::IoUring;
use memmap2::{Advice, MmapMut};
use std::io;

/// So much memory, every page of it there.
pub(crate) fn touched(len: usize) -> io::Result<MmapMut> {
    let mut memory = MmapMut::map_anon(len)?;
    // Without huge pages it is slower, and right all the same.
    let _ = memory.advise(Advice::HugePage);
    memory.fill(1);
    Ok(memory)
}

/// Submits what is queued, and waits until a call has ended.
///
/// A ring that cannot be waited for leaves our memory with the kernel, with nobody to say until
/// when: then the process ends, because nothing else is safe.
pub(crate) fn wait(ring: &IoUring) {
    loop {
        match ring.submit_and_wait(1) {
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => std::process::abort(),
        }
    }
}
