//! The memory of one stager: a budget, the arena behind it, and the blocks taken from it.

#![expect(unsafe_code, reason = "a block gives out the bytes of its own run")]

use super::{
    Loaded, Means,
    arena::Arena,
    bitmap::CHUNK_PAGES,
    chunk::Run,
    pages::{PAGE, Region, pages_of, populate},
};
use crate::sync::{Mutex, MutexGuard};
use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What `len` bytes cost the budget when they are loaded: their pages.
pub const fn charge_loaded(len: u64) -> u64 {
    len.div_ceil(PAGE as u64).saturating_mul(PAGE as u64)
}

/// What `len` bytes cost the budget when they are mapped: their pages and the one behind them
/// by which a mapping sees that its file was cut ([`Mapping`](super::Mapping)).
pub const fn charge_mapped(len: u64) -> u64 {
    if len == 0 {
        0
    } else {
        charge_loaded(len).saturating_add(PAGE as u64)
    }
}

/// The pool that all staged bytes of one stager live in (G10).
///
/// Memory given back stays resident and is handed out again first, because fresh pages cost as
/// much as the copy into them. It is counted all the same, and returned to the system as soon
/// as something else needs the room.
///
/// # Invariants
/// `arena_bytes() + mapped_bytes() <= budget`, always, unless a lower budget was set when there was more;
/// then that does not grow. A taker who never has more than the
/// budget out, by [`charge_loaded`] and [`charge_mapped`], is never refused for lack of room.
pub struct Memory {
    /// As it was said; the arena keeps to it.
    budget: AtomicU64,
    means: Means,
    arena: Mutex<Arena>,
}

impl Memory {
    /// A pool of at most `budget` bytes; `u64::MAX` is no bound. Nothing is mapped yet.
    pub fn new(budget: u64) -> Arc<Self> {
        Self::by_means(budget, Means::default())
    }

    /// A pool that holds contents by these means.
    pub fn by_means(budget: u64, means: Means) -> Arc<Self> {
        Arc::new(Self {
            budget: AtomicU64::new(budget),
            means,
            arena: Mutex::new(Arena::new(budget, means.paging)),
        })
    }

    /// By which means contents are held.
    pub const fn means(&self) -> Means {
        self.means
    }

    /// The bound of this pool, in bytes.
    pub fn budget(&self) -> u64 {
        self.budget.load(Ordering::Relaxed)
    }

    /// Another bound from now on. Over a lower one, nothing is taken from whoever has it, and nothing
    /// more is given out until it fits; pooled memory that is in no block goes back to the system as
    /// soon as [`fit`](Memory::fit) is called, or more is taken.
    pub fn set_budget(&self, budget: u64) {
        self.budget.store(budget, Ordering::Relaxed);
        self.lock().set_budget(budget);
    }

    /// Gives as much pooled memory back to the system as is over the bound, and says how much went.
    pub fn fit(&self) -> u64 {
        self.lock().fit() as u64 * PAGE as u64
    }

    /// Takes `len` bytes, writable; what they hold is left from earlier use. They are resident, but
    /// for those of a block so large that bringing it in takes long: its owner does that in steps,
    /// with [`Block::bring_in`].
    ///
    /// # Errors
    /// `ENOMEM`, if the budget or the system has no room; nothing is taken then.
    pub fn take(self: &Arc<Self>, len: usize) -> io::Result<Block> {
        let pages = pages_of(len);
        let (at, place) = match pages {
            0 => (NonNull::dangling(), Place::Nowhere),
            1..=CHUNK_PAGES => self.take_run(pages)?,
            _ => self.take_region(pages)?,
        };
        Ok(Block {
            at,
            len,
            place,
            memory: Arc::clone(self),
        })
    }

    fn take_run(&self, pages: usize) -> io::Result<(NonNull<u8>, Place)> {
        let taken = self.lock().take(pages)?;
        if taken.cold {
            // SAFETY: the run was marked as used under the lock, so it is this taker's alone.
            if let Err(error) = unsafe { populate(taken.at, pages * PAGE, self.means.paging) } {
                self.lock().disown(taken.run);
                return Err(error);
            }
        }
        Ok((taken.at, Place::Run(taken.run)))
    }

    fn take_region(&self, pages: usize) -> io::Result<(NonNull<u8>, Place)> {
        self.lock().admit(pages as u64, false)?;
        match Region::for_one(pages, self.means.paging) {
            Ok(region) => Ok((region.at(0), Place::Region(region))),
            Err(error) => {
                self.lock().dismiss(pages as u64, false);
                Err(error)
            }
        }
    }

    /// Resident bytes of the arena, those in blocks and those waiting to be taken again.
    pub fn arena_bytes(&self) -> u64 {
        self.lock().resident() * PAGE as u64
    }

    /// Bytes of all mappings, the page behind each included.
    pub fn mapped_bytes(&self) -> u64 {
        self.lock().mapped() * PAGE as u64
    }

    /// Gives all pooled memory that is in no block back to the system and says how much went.
    ///
    /// For a stager that has become idle; the next takes pay for fresh pages again.
    pub fn trim(&self) -> u64 {
        self.lock().cool(usize::MAX) as u64 * PAGE as u64
    }

    pub(super) fn admit_mapping(&self, pages: u64) -> io::Result<()> {
        self.lock().admit(pages, true)
    }

    pub(super) fn dismiss_mapping(&self, pages: u64) {
        self.lock().dismiss(pages, true);
    }

    fn lock(&self) -> MutexGuard<'_, Arena> {
        // Nothing under this lock can panic half way, so a poisoned arena is a whole one.
        self.arena.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("budget", &self.budget())
            .finish_non_exhaustive()
    }
}

/// A run of pages of a [`Memory`] that one owner writes; it returns to the pool when dropped.
#[derive(Debug)]
pub struct Block {
    at: NonNull<u8>,
    len: usize,
    place: Place,
    memory: Arc<Memory>,
}

#[derive(Debug)]
enum Place {
    /// An empty block has no memory.
    Nowhere,
    Run(Run),
    Region(Region),
}

// SAFETY: a block owns its run alone, as a `Box<[u8]>` owns its bytes, until it is dropped.
unsafe impl Send for Block {}
// SAFETY: a shared block gives out shared bytes only.
unsafe impl Sync for Block {}

impl Block {
    /// Makes the pages of `[offset, offset + len)` resident, if they are not: before they are
    /// written, so that each does not come in by a fault of its own, and in steps that somebody
    /// can stop between.
    ///
    /// # Errors
    /// What the system said: it has no memory, or no more may be locked.
    pub fn bring_in(&mut self, offset: usize, len: usize) -> io::Result<()> {
        let Place::Region(region) = &self.place else {
            return Ok(());
        };
        let end = offset
            .saturating_add(len)
            .min(self.len)
            .next_multiple_of(PAGE);
        let start = (offset - offset % PAGE).min(end);
        // SAFETY: the range lies in the region, which this block has to itself, and the block is
        // borrowed alone.
        unsafe { region.populate(start, end - start) }
    }

    /// Makes the first `filled` bytes immutable contents; more than there are means all.
    ///
    /// The whole run stays taken, and charged, until the last slice of them is dropped.
    pub fn freeze(self, filled: usize) -> Loaded {
        Loaded::new(self, filled)
    }

    /// What this block costs the budget, in bytes.
    pub const fn charged(&self) -> u64 {
        charge_loaded(self.len as u64)
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the run is mapped, initialised (by the kernel or an earlier owner), at least
        // `len` bytes long and this block's alone until it is dropped.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and the block itself is borrowed alone.
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.len) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.place, Place::Nowhere) {
            Place::Nowhere => {}
            Place::Run(run) => self.memory.lock().vacate(run),
            Place::Region(region) => {
                drop(region);
                self.memory.lock().dismiss(pages_of(self.len) as u64, false);
            }
        }
    }
}
