//! A read-only mapping of a file that other processes may cut or rewrite (G4, G6).
//!
//! # Layout
//! A file of `n` pages takes `n + 1` pages of address space:
//!
//! ```text
//!   page    0 … n-2                 n-1                      n
//!         ┌─────────────────────┬──────────────────────┬──────────────────────┐
//!         │ the file's pages    │ a copy of its last   │ its last page again: │
//!         │                     │ page, ours alone     │ the sentinel         │
//!         └─────────────────────┴──────────────────────┴──────────────────────┘
//! ```
//!
//! Cutting a file has two effects on a mapping. Pages behind the new end fault when touched,
//! which the [guard] turns into a mark. But the page that the new end lies in
//! stays, and its tail silently reads as zero: no fault tells.
//!
//! - If the end moves within the last page, that page is the only one with a zeroed tail. Its
//!   bytes are read from the copy, so nothing is lost and nothing shows.
//! - If it moves before the last page, the last page goes, and the sentinel with it. The
//!   sentinel is a private page that we wrote a random word into; the kernel drops such pages
//!   too when it cuts a file. So after each copy one word of it is read: it faults while the
//!   file is short, and it is another word if the file has been cut and has *grown again*,
//!   which no fault would tell. Only if the word is there was the file never cut below its
//!   last page until after the copy.
//!
//! So a copying read of a whole file costs one load more than the copy, and no system call.
//!
//! # What is trusted
//! The kernel takes the sentinel away before it zeroes the tail of the new last page. Linux
//! does so in the common code (`truncate_setsize`) and on ext4, btrfs and tmpfs. XFS zeroes
//! first: on it a read that falls into the microseconds between the two may see the zeros of a
//! truncation under way. Network filesystems learn of a truncation elsewhere late or never.
//! Bytes that another process *writes* into the file show as they are, new or old (G4).

#![expect(unsafe_code, reason = "files are mapped and their bytes copied out")]

use super::{
    Memory, Nameless, Paging, Truncated,
    area::{Area, Share},
    areas::Areas,
    guard,
    lent::{Announce, Lent},
    memory::charge_mapped,
    pages::PAGE,
    registry,
};
use bytes::Bytes;
use rustix::mm::Advice;
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    ptr, slice,
    sync::{
        Arc,
        atomic::{Ordering::Acquire, fence},
    },
};

/// A copy goes in pieces of this many bytes with a look at the sentinel behind each, so that
/// reading a lost gigabyte costs a handful of faults and not one for each of its pages.
const PIECE: usize = 1 << 20;

/// A read-only mapping of a whole file, safe against its truncation.
///
/// Dropping it unmaps, which for a large one takes long: not on an executor.
#[derive(Debug)]
pub struct Mapping {
    area: Area,
    slot: &'static registry::Slot,
    len: usize,
    word: u64,
    whose: Whose,
    memory: Arc<Memory>,
    /// Given back after `drop` has unmapped.
    _areas: Areas,
    /// The last field: it says that the memory is back.
    back: Announce,
}

impl Mapping {
    /// Maps the first `len` bytes of `file`, which is all of it. The descriptor may be closed
    /// afterwards. Nothing but the last page is resident yet.
    ///
    /// # Errors
    /// `Unsupported` where the guard cannot stand, or the process has nearly as many mappings as
    /// the system grants (load instead); `ENOMEM` if the budget has
    /// no room; `UnexpectedEof` if the file is shorter by now; `InvalidInput` if `len` is 0;
    /// else what the system said.
    pub fn new(
        memory: &Arc<Memory>,
        file: BorrowedFd<'_>,
        len: u64,
        share: Share,
    ) -> io::Result<Self> {
        guard::install()?;
        if rustix::param::page_size() != PAGE {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let size = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if size == 0 || size > isize::MAX as usize - 2 * PAGE {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let pages = size.div_ceil(PAGE);
        let areas = Areas::take()?;
        memory.admit_mapping(pages as u64 + 1)?;
        let area = match Area::map(file, pages, share) {
            Ok(area) => area,
            Err(error) => {
                memory.dismiss_mapping(pages as u64 + 1);
                return Err(error);
            }
        };
        // From here on the range is guarded, and dropping the mapping undoes all of it. It was
        // not touched before.
        let slot = registry::enter(area.address(0), area.address(pages + 1));
        let mut mapping = Self {
            area,
            slot,
            len: size,
            word: 0,
            whose: Whose::Everybodys,
            memory: Arc::clone(memory),
            _areas: areas,
            back: Announce(Lent::new(charge_mapped(len))),
        };
        mapping.area.copy_last_page(file, size)?;
        mapping.word = mapping.area.arm_sentinel(file)?;
        // The rest is locked as it is populated.
        let locked = mapping.lock(pages - 1, pages + 1);
        if mapping.is_intact() {
            locked.map(|()| mapping)
        } else {
            Err(Truncated.into())
        }
    }

    /// Maps a clone in the place of its file: its bytes are handed out without a copy.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_clone(memory: &Arc<Memory>, clone: Nameless, len: u64) -> io::Result<Self> {
        let mut mapping = Self::new(memory, clone.as_fd(), len, Share::Private)?;
        mapping.whose = Whose::Ours;
        Ok(mapping)
    }

    /// Where paging is not allowed, keeps these pages in memory.
    fn lock(&self, start: usize, end: usize) -> io::Result<()> {
        match self.memory.means().paging {
            Paging::Allowed => Ok(()),
            Paging::Locked => Ok(self.area.lock(start, end)?),
        }
    }

    /// The length of the file when it was mapped, in bytes.
    pub const fn len(&self) -> u64 {
        self.len as u64
    }

    /// Never: an empty file is not mapped.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What this mapping costs the budget.
    pub fn charged(&self) -> u64 {
        self.back.0.charged()
    }

    pub(super) fn lent(&self) -> Arc<Lent> {
        Arc::clone(&self.back.0)
    }

    /// Whether the file has kept every byte of the mapping until now.
    ///
    /// A cut within the last page loses none. Once false it stays false, also if the file
    /// grows again. While the file is whole this is two loads.
    pub fn is_intact(&self) -> bool {
        // What was read before must be read before.
        fence(Acquire);
        if self.area.sentinel_word() != self.word {
            self.slot.mark_lost();
        }
        !self.slot.is_lost()
    }

    /// Copies bytes from `offset` into `buf` and says how many: fewer only at the end of the
    /// file, none behind it.
    ///
    /// No system call, no lock and no allocation; a page that is not resident comes in by a
    /// fault.
    ///
    /// # Errors
    /// The file lost bytes since it was mapped. That is said for every offset: which of the
    /// bytes still there are the file's own cannot be proven without asking the system. `buf`
    /// then holds nothing of use.
    #[inline]
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Truncated> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len);
        let len = buf.len().min(self.len - offset);
        let mut done = 0;
        while done < len {
            let piece = PIECE.min(len - done);
            // SAFETY: source and target are `piece` bytes inside the mapping and inside `buf`,
            // which do not overlap: nobody has a mutable reference into the mapping. Another
            // process may write the source meanwhile. Rust's rules know threads of one program
            // and say nothing of that; what is relied on is that no reference to these bytes is
            // made, that bytes are valid whatever they are, that the compiler cannot see where
            // this memory comes from and so cannot read it twice and trust that both are
            // equal, and that nothing is decided by what is copied before it was copied.
            unsafe {
                let from = self.area.start().add(offset + done);
                ptr::copy_nonoverlapping(from, buf.as_mut_ptr().add(done), piece);
            }
            if !self.is_intact() {
                return Err(Truncated);
            }
            done += piece;
        }
        Ok(len)
    }

    /// Bytes from `offset` on without a copy, if a clone is mapped; they keep the mapping alive.
    pub fn bytes(self: &Arc<Self>, offset: u64, len: usize) -> Option<Bytes> {
        match self.whose {
            Whose::Everybodys => None,
            Whose::Ours => {
                let all = Bytes::from_owner(Ours(Arc::clone(self)));
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len);
                Some(all.slice(offset..offset + len.min(self.len - offset)))
            }
        }
    }

    /// The mapped bytes, without a copy.
    ///
    /// # Safety
    /// The caller vouches that while the slice lives nobody, in this process or another,
    /// writes to the file: a `&[u8]` that changes is undefined behaviour. If the file is cut
    /// nevertheless, the slice stays readable and lost bytes read as zero; whether that
    /// happened, [`is_intact`](Self::is_intact) says afterwards.
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped and readable from `base` on while `self` lives; that
        // they do not change is the caller's word.
        unsafe { slice::from_raw_parts(self.area.start(), self.len) }
    }

    /// Brings the pages that `[offset, offset + len)` meets into memory, without faults later.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file was cut; else what the system said, an I/O error mostly.
    pub fn populate(&self, offset: u64, len: u64) -> io::Result<()> {
        let (start, end) = self.file_pages(offset, len);
        let mut locked = Ok(());
        if start < end {
            match self.area.advise(start, end, Advice::LinuxPopulateRead) {
                // What says that a touch would raise SIGBUS: the page is behind the end.
                Err(rustix::io::Errno::FAULT) => self.slot.mark_lost(),
                Err(rustix::io::Errno::INVAL) => self.area.touch(start, end),
                other => other?,
            }
            locked = self.lock(start, end);
        }
        if self.is_intact() {
            locked
        } else {
            Err(Truncated.into())
        }
    }

    /// Wishes for huge pages where the kernel can have them for this file.
    pub fn want_huge(&self) {
        let (start, end) = self.file_pages(0, self.len());
        if start < end {
            let _ = self.area.advise(start, end, Advice::LinuxHugepage);
        }
    }

    /// How many of the mapping's pages are in memory, the copy and the sentinel included.
    ///
    /// # Errors
    /// What the system said.
    pub fn resident_pages(&self) -> io::Result<u64> {
        self.area.resident_pages()
    }

    /// The pages of the range that are the file's own: the copy is in memory anyway.
    fn file_pages(&self, offset: u64, len: u64) -> (usize, usize) {
        let page = PAGE as u64;
        let own = self.area.pages() as u64 - 1;
        let end = offset.saturating_add(len).div_ceil(page).min(own);
        ((offset / page).min(own) as usize, end as usize)
    }
}

/// Who else can write to what is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Whoever may open the file.
    Everybodys,
    /// Nobody: it is a clone without a name.
    Ours,
}

/// What `Bytes` of a mapped clone keep alive.
struct Ours(Arc<Mapping>);

impl AsRef<[u8]> for Ours {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: nobody can write to the mapped file: it has no name, its descriptor was closed
        // when it was mapped, and this is only made of mappings of such clones.
        unsafe { self.0.as_slice() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Out of the register first: once unmapped the addresses may become somebody else's.
        registry::remove(self.slot);
        // SAFETY: the mapping is being dropped, so nobody reads it any more; slices borrow it.
        unsafe { self.area.unmap() };
        self.memory.dismiss_mapping(self.area.pages() as u64 + 1);
    }
}
