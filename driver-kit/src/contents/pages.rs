//! What the contents ask of the virtual memory system, in one place.
//!
//! Everything here is Linux as it is, with the plain fallback where an older kernel lacks a
//! call: pages are touched one by one where they cannot be populated in one step.

#![expect(unsafe_code, reason = "memory is mapped, advised and given back here")]

use super::Paging;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::{io, ptr, ptr::NonNull};

/// The unit in which contents are kept and charged, in bytes.
///
/// Where the machine's own pages are larger, nothing is ever given back page by page: the
/// kernel refuses the call, and the pages simply stay counted.
pub const PAGE: usize = 4096;

/// The size and alignment that the processor can map as one huge page, in bytes.
pub(super) const HUGE: usize = 2 << 20;

/// How many pages `len` bytes take.
pub(super) const fn pages_of(len: usize) -> usize {
    len.div_ceil(PAGE)
}

/// Anonymous memory of our own, unmapped when dropped.
#[derive(Debug)]
pub(super) struct Region {
    base: NonNull<u8>,
    len: usize,
    paging: Paging,
}

// SAFETY: a region is an address range that belongs to this value alone; which thread maps,
// touches or unmaps it makes no difference to the kernel.
unsafe impl Send for Region {}
// SAFETY: a shared region only tells its address; every access goes through code that proves
// its own right to the bytes.
unsafe impl Sync for Region {}

impl Region {
    /// Reserves `len` bytes (whole pages) that start on a huge page boundary.
    ///
    /// No memory is used yet, and none comes in huge steps until somebody asks for it: the
    /// arena counts pages, so a touch must bring in one page and not five hundred.
    pub(super) fn reserve(len: usize, paging: Paging) -> io::Result<Self> {
        let wide = len.checked_add(HUGE).ok_or_else(out_of_memory)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let raw = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), wide, prot, flags) }?;
        let ahead = raw.cast::<u8>().align_offset(HUGE).min(HUGE);
        let behind = HUGE - ahead;
        // SAFETY: `ahead <= HUGE` and `wide == len + HUGE`, so the kept range
        // `[ahead, ahead + len)` and both cut ends lie inside the mapping just made, which
        // nobody else knows of. What cannot be cut off stays reserved and unused.
        let base = unsafe {
            if ahead > 0 {
                let _ = rustix::mm::munmap(raw, ahead);
            }
            if behind > 0 {
                let _ = rustix::mm::munmap(raw.cast::<u8>().add(ahead + len).cast(), behind);
            }
            raw.cast::<u8>().add(ahead)
        };
        let base = NonNull::new(base).ok_or_else(out_of_memory)?;
        let region = Self { base, len, paging };
        region.want_huge(0, len, false);
        Ok(region)
    }

    /// Reserves `pages` pages for one owner, who will bring them in as he needs them.
    pub(super) fn for_one(pages: usize, paging: Paging) -> io::Result<Self> {
        let len = pages.checked_mul(PAGE).ok_or_else(out_of_memory)?;
        let region = Self::reserve(len, paging)?;
        // All of it is his and will be used, so huge pages bring in nothing that is not wanted.
        region.want_huge(0, len, true);
        Ok(region)
    }

    /// The address of the byte at `offset`, or of the region's end if that comes first.
    #[inline]
    pub(super) fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: the offset is inside the mapping or at its end.
        unsafe { self.base.add(offset.min(self.len)) }
    }

    /// Makes `[offset, offset + len)` resident, as [`populate`] does.
    ///
    /// # Safety
    /// As [`populate`]; the range must lie inside the region.
    pub(super) unsafe fn populate(&self, offset: usize, len: usize) -> io::Result<()> {
        debug_assert!(offset + len <= self.len);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { populate(self.at(offset), len, self.paging) }
    }

    /// Gives the memory behind `[offset, offset + len)` back; true if the kernel took it.
    ///
    /// # Safety
    /// Nobody may hold a reference into the range: its bytes become zero.
    pub(super) unsafe fn give_back(&self, offset: usize, len: usize) -> bool {
        if self.paging == Paging::Locked {
            // SAFETY: the range is ours; unlocking changes no byte.
            let _ = unsafe { rustix::mm::munlock(self.at(offset).as_ptr().cast(), len) };
        }
        // SAFETY: the range is ours, and the caller vouches that no reference into it lives.
        retry(|| unsafe { self.advise(offset, len, Advice::LinuxDontNeed) }).is_ok()
    }

    /// Says whether `[offset, offset + len)` may come in huge pages; a wish, so errors are not.
    pub(super) fn want_huge(&self, offset: usize, len: usize, huge: bool) {
        let advice = if huge {
            Advice::LinuxHugepage
        } else {
            Advice::LinuxNoHugepage
        };
        // SAFETY: the advice changes how memory is backed and no byte of it.
        let _ = unsafe { self.advise(offset, len, advice) };
    }

    /// # Safety
    /// As the advice itself demands for the range, which must lie inside the region.
    unsafe fn advise(&self, offset: usize, len: usize, advice: Advice) -> rustix::io::Result<()> {
        debug_assert!(offset + len <= self.len);
        // SAFETY: the caller answers for the advice; the range is part of our own mapping.
        unsafe { rustix::mm::madvise(self.at(offset).as_ptr().cast(), len, advice) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `reserve` and belongs to this value alone, and runs
        // inside it are gone before their region is dropped.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Makes `len` bytes from `at` resident and writable without a fault later, and keeps them so
/// where paging is not allowed.
///
/// # Safety
/// The range must be mapped, writable memory that no one else reads or writes meanwhile.
///
/// # Errors
/// What the kernel said when there was no memory, or no more that may be locked; the range may be
/// resident in part.
pub(super) unsafe fn populate(at: NonNull<u8>, len: usize, paging: Paging) -> io::Result<()> {
    // SAFETY: populating for writing maps memory and changes no byte of the range.
    let call =
        || unsafe { rustix::mm::madvise(at.as_ptr().cast(), len, Advice::LinuxPopulateWrite) };
    match retry(call) {
        Err(rustix::io::Errno::INVAL) => {
            for page in (0..len).step_by(PAGE) {
                // SAFETY: the page lies in the range, which the caller has to himself.
                unsafe {
                    let byte = at.as_ptr().add(page);
                    byte.write_volatile(byte.read_volatile());
                }
            }
        }
        other => other?,
    }
    match paging {
        Paging::Allowed => Ok(()),
        // SAFETY: the range is mapped, and locking changes no byte of it.
        Paging::Locked => Ok(unsafe { rustix::mm::mlock(at.as_ptr().cast(), len) }?),
    }
}

/// Repeats a call that a signal interrupted.
pub(super) fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            other => return other,
        }
    }
}

/// What is said where there is no room, by the budget as by the kernel.
pub(super) fn out_of_memory() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOMEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_repeated_while_signals_interrupt_it() {
        use rustix::io::Errno;
        let mut said = [Err(Errno::INTR), Err(Errno::INTR), Ok(7), Ok(8)].into_iter();
        assert_eq!(retry(|| said.next().unwrap_or(Ok(0))), Ok(7));
        let mut said = [Err(Errno::INTR), Err(Errno::NOMEM), Ok(7)].into_iter();
        assert_eq!(retry(|| said.next().unwrap_or(Ok(0))), Err(Errno::NOMEM));
    }
}
