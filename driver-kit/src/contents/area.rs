//! The address range of a mapping, and the system calls that lay it out.
//!
//! Why it is laid out so is told in [`mapping`](super::mapping).

#![expect(unsafe_code, reason = "files are mapped here")]

use super::{
    Truncated,
    pages::{PAGE, retry},
};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::fd::BorrowedFd,
    ptr::{self, NonNull},
    slice,
};

/// Whether a mapping sees through the page cache alone or promises to share it.
///
/// For reading there is no difference on Linux; on filesystems that tell them apart, shared
/// mappings may be refused where private ones are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// `MAP_PRIVATE`.
    Private,
    /// `MAP_SHARED`.
    Shared,
}

/// The address range of a mapping: `pages` of the file and the sentinel behind them.
#[derive(Debug)]
pub(super) struct Area {
    base: NonNull<u8>,
    pages: usize,
}

// SAFETY: the range belongs to one `Mapping`, and is only read once that is made.
unsafe impl Send for Area {}
// SAFETY: as above; any thread may read it at the same time.
unsafe impl Sync for Area {}

impl Area {
    /// Maps `pages` of the file and one behind, and touches none.
    pub(super) fn map(file: BorrowedFd<'_>, pages: usize, share: Share) -> io::Result<Self> {
        let flags = match share {
            Share::Private => MapFlags::PRIVATE,
            Share::Shared => MapFlags::SHARED,
        };
        let len = (pages + 1) * PAGE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing. It goes
        // over the file's end, which is allowed, and is not touched there.
        let base =
            unsafe { rustix::mm::mmap(ptr::null_mut(), len, ProtFlags::READ, flags, file, 0) }?;
        // The guard puts pages under addresses that it has from the kernel.
        let _ = base.expose_provenance();
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, pages })
    }

    const fn page(&self, page: usize) -> *mut u8 {
        self.base.as_ptr().wrapping_add(page * PAGE)
    }

    /// The address of a page; the sentinel is page `pages`.
    pub(super) fn address(&self, page: usize) -> usize {
        self.page(page).addr()
    }

    /// Where the bytes of the file begin.
    #[inline]
    pub(super) const fn start(&self) -> *const u8 {
        self.base.as_ptr()
    }

    /// How many pages the file has.
    pub(super) const fn pages(&self) -> usize {
        self.pages
    }

    const fn sentinel(&self) -> *mut u64 {
        self.base.as_ptr().wrapping_add(self.pages * PAGE).cast()
    }

    /// The first word of the sentinel as it is now; zero at worst if the file was cut.
    #[inline]
    pub(super) fn sentinel_word(&self) -> u64 {
        // SAFETY: the sentinel is mapped while its mapping lives, aligned, and any bytes are a
        // word. If the file was cut the load faults, and the guard lets it go on with zeros.
        unsafe { self.sentinel().read_volatile() }
    }

    /// How many of all pages are in memory.
    pub(super) fn resident_pages(&self) -> io::Result<u64> {
        let mut states = vec![0u8; self.pages + 1];
        let len = states.len() * PAGE;
        // SAFETY: the range is mapped, and `states` has one byte for each of its pages.
        let done =
            unsafe { libc::mincore(self.base.as_ptr().cast(), len, states.as_mut_ptr().cast()) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(states.iter().map(|state| u64::from(state & 1)).sum())
    }

    /// Puts memory of our own in the place of the last page and reads the file into it.
    pub(super) fn copy_last_page(&self, file: BorrowedFd<'_>, len: usize) -> io::Result<()> {
        let start = (self.pages - 1) * PAGE;
        let at = self.page(self.pages - 1);
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: the page is part of this area, which nobody reads yet.
        unsafe { rustix::mm::mmap_anonymous(at.cast(), PAGE, prot, flags) }?;
        // SAFETY: the page is mapped, zeroed and nobody else's until the mapping is made.
        let page = unsafe { slice::from_raw_parts_mut(at, len - start) };
        let mut done = 0;
        while done < page.len() {
            let offset = (start + done) as u64;
            match retry(|| rustix::io::pread(file, &mut page[done..], offset))? {
                0 => return Err(Truncated.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    /// Maps the last page once more behind its copy and writes a random word into it, which is
    /// ours alone from then on. If the file is cut meanwhile, the word lands in the page that
    /// the guard puts there, and the mark tells.
    pub(super) fn arm_sentinel(&self, file: BorrowedFd<'_>) -> io::Result<u64> {
        let word = RandomState::new().build_hasher().finish();
        let at = self.sentinel().cast();
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        let offset = (self.pages as u64 - 1) * PAGE as u64;
        // SAFETY: the page is part of this area, which nobody reads yet; it is writable and
        // aligned for a word. After the write it is only read.
        unsafe {
            rustix::mm::mmap(at, PAGE, prot, flags, file, offset)?;
            self.sentinel().write_volatile(word);
            rustix::mm::mprotect(at, PAGE, MprotectFlags::READ)?;
        }
        Ok(word)
    }

    /// Advises the kernel on `[start, end)`; only for advice that changes no byte.
    pub(super) fn advise(
        &self,
        start: usize,
        end: usize,
        advice: Advice,
    ) -> rustix::io::Result<()> {
        let (at, len) = (self.page(start).cast(), (end - start) * PAGE);
        // SAFETY: the range is part of this area, and populating or wishing changes no byte.
        retry(|| unsafe { rustix::mm::madvise(at, len, advice) })
    }

    /// Keeps `[start, end)` in memory until it is unmapped.
    pub(super) fn lock(&self, start: usize, end: usize) -> rustix::io::Result<()> {
        // SAFETY: the range is part of this area, and locking changes no byte of it.
        unsafe { rustix::mm::mlock(self.page(start).cast(), (end - start) * PAGE) }
    }

    /// What populating does, for kernels before 5.14.
    pub(super) fn touch(&self, start: usize, end: usize) {
        for page in start..end {
            // SAFETY: the page is mapped and readable; the guard stands if it is lost.
            let _ = unsafe { self.page(page).read_volatile() };
        }
    }

    /// Unmaps everything.
    ///
    /// # Safety
    /// Once, with no reference into the area and no read to come.
    pub(super) unsafe fn unmap(&self) {
        // SAFETY: the range is this area's alone, and the caller vouches for the rest.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), (self.pages + 1) * PAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{error::Error, os::fd::AsFd};

    const PAGES: usize = 4096;

    /// An area over a file that has no page in memory yet, used and unmapped.
    fn over_a_cold_file(bring: fn(&Area)) -> Result<u64, Box<dyn Error>> {
        let file = tempfile::tempfile()?;
        file.set_len((PAGES * PAGE) as u64)?;
        let area = Area::map(file.as_fd(), PAGES, Share::Private)?;
        assert_eq!(area.resident_pages()?, 0);
        bring(&area);
        let resident = area.resident_pages();
        // SAFETY: the area is this test's alone, and nothing of it is kept.
        unsafe { area.unmap() };
        Ok(resident?)
    }

    #[test]
    fn touching_brings_in_what_populating_does() -> Result<(), Box<dyn Error>> {
        let touched = over_a_cold_file(|area| area.touch(0, PAGES))?;
        let populated = over_a_cold_file(|area| {
            assert_eq!(area.advise(0, PAGES, Advice::LinuxPopulateRead), Ok(()));
        })?;
        assert_eq!([touched, populated], [PAGES as u64; 2]);
        Ok(())
    }
}
