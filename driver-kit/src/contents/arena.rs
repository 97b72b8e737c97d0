//! The arena: chunks of pages, what stands behind them, and the room that is left.
//!
//! Blocks take hot pages first (their memory is there and often in the cache), then free
//! pages of a chunk, then a new chunk. New memory is brought in two mebibytes at a time while
//! the budget allows, and page by page when it does not. Free pages stay hot; only when the
//! budget is short are they given back.

#![expect(unsafe_code, reason = "a failed populate takes pages back")]

use super::{
    Paging,
    bitmap::CHUNK_PAGES,
    chunk::{Chunk, Run, STEP_PAGES, step_pages},
    pages::{PAGE, out_of_memory},
};
use std::{io, ops::Range, ptr::NonNull};

/// With this much room left, in pages, memory is asked for in huge pages.
const PLENTY: u64 = 32 * STEP_PAGES as u64;

/// Everything under the lock of one [`Memory`](super::Memory), in pages.
///
/// # Invariants
/// `resident + mapped <= budget`, unless that was lowered; `resident` is what stands behind all chunks and the large
/// runs, pooled pages included; `hot` is the part of it that is in no block.
#[derive(Debug)]
pub(super) struct Arena {
    budget: u64,
    paging: Paging,
    resident: u64,
    mapped: u64,
    chunks: Vec<Option<Box<Chunk>>>,
    /// No chunk before this one has hot pages.
    first_hot: usize,
}

/// What a taker got.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) run: Run,
    pub(super) at: NonNull<u8>,
    /// The memory is counted but not there: the taker populates it outside the lock.
    pub(super) cold: bool,
}

impl Arena {
    pub(super) const fn new(budget: u64, paging: Paging) -> Self {
        let budget = budget / PAGE as u64;
        Self {
            budget,
            paging,
            resident: 0,
            mapped: 0,
            chunks: Vec::new(),
            first_hot: 0,
        }
    }

    pub(super) const fn set_budget(&mut self, budget: u64) {
        self.budget = budget / PAGE as u64;
    }

    /// Gives back what is pooled beyond the budget, and says how many pages went.
    pub(super) fn fit(&mut self) -> usize {
        let over = (self.resident + self.mapped).saturating_sub(self.budget);
        self.cool(usize::try_from(over).unwrap_or(usize::MAX))
    }

    pub(super) const fn resident(&self) -> u64 {
        self.resident
    }

    pub(super) const fn mapped(&self) -> u64 {
        self.mapped
    }

    /// Takes a run of 1 to [`CHUNK_PAGES`] pages.
    ///
    /// # Errors
    /// Out of memory: the budget has no room even with all pooled pages given back, or the
    /// system has none.
    pub(super) fn take(&mut self, pages: usize) -> io::Result<Taken> {
        match self.take_hot(pages) {
            Some(taken) => Ok(taken),
            None => self.take_cold(pages),
        }
    }

    #[inline]
    fn take_hot(&mut self, pages: usize) -> Option<Taken> {
        for (index, slot) in self.chunks.iter_mut().enumerate().skip(self.first_hot) {
            let hot = slot.as_deref().map_or(0, |chunk| chunk.hot);
            if hot == 0 {
                if index == self.first_hot {
                    self.first_hot += 1;
                }
                continue;
            }
            if let Some(chunk) = slot.as_deref_mut()
                && let Some(page) = chunk.find_hot(pages)
            {
                chunk.occupy(page..page + pages);
                let at = chunk.region.at(page * PAGE);
                return Some(Taken {
                    run: Run {
                        chunk: index,
                        page,
                        pages,
                    },
                    at,
                    cold: false,
                });
            }
        }
        None
    }

    #[cold]
    fn take_cold(&mut self, pages: usize) -> io::Result<Taken> {
        let run = self.find_free(pages)?;
        let Some(chunk) = self.chunk(run.chunk) else {
            return Err(out_of_memory()); // `find_free` has just seen it
        };
        let at = chunk.region.at(run.page * PAGE);
        // Used first, so that making room cannot take these very pages away.
        let missing = chunk.occupy(run.range());
        if let Err(error) = self.make_room(missing as u64) {
            self.vacate(run);
            return Err(error);
        }
        if missing > STEP_PAGES {
            // Too long to hold the lock for. The taker owns the pages and populates them.
            self.resident += missing as u64;
            let plenty = self.room() >= PLENTY;
            if let Some(chunk) = self.chunk(run.chunk) {
                let inner = run.page.div_ceil(STEP_PAGES)..(run.page + pages) / STEP_PAGES;
                for step in inner.filter(|_| plenty) {
                    if chunk.cold(step_pages(step)) == STEP_PAGES {
                        chunk.want_huge(step);
                    }
                }
                chunk.mark_resident(run.range());
            }
            return Ok(Taken {
                run,
                at,
                cold: true,
            });
        }
        if let Err(error) = self.populate(run) {
            self.disown(run);
            return Err(error);
        }
        Ok(Taken {
            run,
            at,
            cold: false,
        })
    }

    /// Populates a run for which there is room, and the steps around it if there is more.
    fn populate(&mut self, run: Run) -> io::Result<()> {
        let range = run.range();
        for step in range.start / STEP_PAGES..range.end.div_ceil(STEP_PAGES) {
            let whole = step_pages(step);
            let own = whole.start.max(range.start)..whole.end.min(range.end);
            // What the run itself still lacks, in this step and behind it, comes first.
            let lacks = self.cold(run.chunk, own.start..range.end);
            let ahead = self.cold(run.chunk, whole.clone()) - self.cold(run.chunk, own.clone());
            let spare = self.room().saturating_sub(lacks as u64);
            let target = if ahead as u64 <= spare {
                whole.clone()
            } else {
                own
            };
            let before = self.cold(run.chunk, target.clone());
            let Some(chunk) = self.chunk(run.chunk) else {
                return Err(out_of_memory());
            };
            if before == STEP_PAGES && spare >= PLENTY {
                chunk.want_huge(step);
            }
            let done = chunk.populate(target.clone());
            let after = chunk.cold(target);
            self.resident += (before - after) as u64;
            done?;
        }
        self.first_hot = self.first_hot.min(run.chunk);
        Ok(())
    }

    /// Frees a run; its memory stays and is the next to be taken.
    #[inline]
    pub(super) fn vacate(&mut self, run: Run) {
        if let Some(chunk) = self.chunk(run.chunk) {
            chunk.vacate(run.range());
            self.first_hot = self.first_hot.min(run.chunk);
        }
    }

    /// Frees a run that could not be populated and that nobody refers to.
    pub(super) fn disown(&mut self, run: Run) {
        if let Some(chunk) = self.chunk(run.chunk) {
            // SAFETY: both callers got an error in place of a block, so no reference exists.
            let gone = unsafe { chunk.disown(run.range()) };
            self.resident -= gone as u64;
        }
        self.vacate(run);
    }

    /// Makes sure that `pages` more fit into the budget, giving pooled pages back if need be.
    ///
    /// # Errors
    /// Out of memory, if they do not fit even so.
    fn make_room(&mut self, pages: u64) -> io::Result<()> {
        if self.room() < pages {
            let want = pages - self.room();
            self.cool(usize::try_from(want).unwrap_or(usize::MAX));
        }
        if self.room() < pages {
            Err(out_of_memory())
        } else {
            Ok(())
        }
    }

    /// Gives at least `want` pooled pages back if there are as many, and says how many went:
    /// chunks nobody uses, then whole steps, then whatever there is; high addresses first.
    pub(super) fn cool(&mut self, want: usize) -> usize {
        let mut gone = 0;
        for slot in self.chunks.iter_mut().rev() {
            if let Some(chunk) = slot
                && chunk.free == CHUNK_PAGES
                && chunk.hot <= want - gone
            {
                gone += chunk.hot;
                *slot = None;
            }
        }
        for whole in [true, false] {
            for chunk in self.chunks.iter_mut().rev().flatten() {
                if gone < want && chunk.hot > 0 {
                    gone += chunk.cool(want - gone, whole);
                }
            }
        }
        self.resident -= gone as u64;
        gone
    }

    /// Counts a run too large for a chunk, or a mapping, before its memory comes.
    ///
    /// # Errors
    /// Out of memory, as [`take`](Self::take).
    pub(super) fn admit(&mut self, pages: u64, mapped: bool) -> io::Result<()> {
        self.make_room(pages)?;
        *self.count(mapped) += pages;
        Ok(())
    }

    /// Counts down what [`admit`](Self::admit) counted, after its memory went.
    pub(super) fn dismiss(&mut self, pages: u64, mapped: bool) {
        *self.count(mapped) -= pages;
    }

    fn count(&mut self, mapped: bool) -> &mut u64 {
        if mapped {
            &mut self.mapped
        } else {
            &mut self.resident
        }
    }

    const fn room(&self) -> u64 {
        self.budget.saturating_sub(self.resident + self.mapped)
    }

    fn cold(&self, chunk: usize, pages: Range<usize>) -> usize {
        self.chunks
            .get(chunk)
            .and_then(Option::as_deref)
            .map_or(0, |chunk| chunk.cold(pages))
    }

    #[inline]
    fn chunk(&mut self, index: usize) -> Option<&mut Chunk> {
        self.chunks.get_mut(index).and_then(Option::as_deref_mut)
    }

    fn find_free(&mut self, pages: usize) -> io::Result<Run> {
        for (index, slot) in self.chunks.iter_mut().enumerate() {
            if let Some(chunk) = slot
                && let Some(page) = chunk.find_free(pages)
            {
                return Ok(Run {
                    chunk: index,
                    page,
                    pages,
                });
            }
        }
        let chunk = Some(Box::new(Chunk::reserve(self.paging)?));
        let vacant = self.chunks.iter().position(Option::is_none);
        let index = vacant.unwrap_or(self.chunks.len());
        match vacant {
            Some(index) => self.chunks[index] = chunk,
            None => self.chunks.push(chunk),
        }
        Ok(Run {
            chunk: index,
            page: 0,
            pages,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mm::{MapFlags, ProtFlags};

    type Proof = io::Result<()>;

    const STEP: u64 = STEP_PAGES as u64;

    fn arena(pages: u64) -> Arena {
        Arena::new(pages * PAGE as u64, Paging::Allowed)
    }

    /// A pool of so many pages in one chunk, all of them free, with room for no other.
    fn pooled(pages: usize) -> io::Result<Arena> {
        let mut arena = arena(pages as u64);
        let taken = arena.take(pages)?;
        arena.vacate(taken.run);
        Ok(arena)
    }

    /// One bit for each step of the first chunk that was asked for as a huge page.
    fn huge(arena: &Arena) -> Option<u32> {
        Some(arena.chunks.first()?.as_deref()?.huge)
    }

    #[test]
    fn what_is_hot_is_taken_before_what_lies_lower() -> Proof {
        let mut arena = pooled(2 * STEP_PAGES)?;
        assert_eq!(arena.cool(STEP_PAGES), STEP_PAGES, "the lower of two steps");
        let taken = arena.take(10)?;
        assert_eq!((taken.run.page, taken.cold), (STEP_PAGES, false));
        assert_eq!(arena.resident(), STEP);
        Ok(())
    }

    #[test]
    fn a_search_begins_at_the_first_chunk_that_has_hot_pages() -> Proof {
        let mut arena = arena(u64::MAX / PAGE as u64);
        let all = arena.take(CHUNK_PAGES)?.run;
        let next = arena.take(10)?.run;
        assert_eq!((all.chunk, next.chunk, arena.first_hot), (0, 1, 1));
        assert_eq!(arena.take(5)?.run.chunk, 1);
        assert_eq!(arena.first_hot, 1);
        arena.vacate(next);
        assert_eq!(arena.first_hot, 1);
        arena.vacate(all);
        assert_eq!((arena.first_hot, arena.take(20)?.run.chunk), (0, 0));
        Ok(())
    }

    #[test]
    fn only_what_takes_longer_than_a_step_is_left_to_its_taker() -> Proof {
        let mut arena = arena(u64::MAX / PAGE as u64);
        assert!(!arena.take(STEP_PAGES)?.cold);
        let before = arena.resident();
        let taken = arena.take(STEP_PAGES + 1)?;
        assert!(taken.cold);
        assert_eq!(arena.resident(), before + STEP + 1);
        arena.disown(taken.run);
        assert_eq!(arena.resident(), before, "it never came");
        assert_eq!(arena.take(STEP_PAGES + 1)?.run.page, taken.run.page);
        Ok(())
    }

    #[test]
    fn a_step_comes_whole_where_there_is_room_for_it() -> Proof {
        let mut whole = arena(STEP);
        whole.take(10)?;
        assert_eq!(whole.resident(), STEP);
        let mut part = arena(STEP - 1);
        part.take(10)?;
        assert_eq!(part.resident(), 10);
        Ok(())
    }

    #[test]
    fn of_a_step_that_fails_what_came_in_is_counted() -> Proof {
        // Ten free pages without memory, ten that are used, and the rest of the step free again.
        let mut arena = arena(STEP - 1);
        let free = arena.take(10)?.run;
        let used = arena.take(10)?.run;
        arena.vacate(free);
        arena.cool(10);
        assert_eq!((free.page, used.page, arena.resident()), (0, 10, 10));
        arena.budget = u64::MAX;
        let nothing = tempfile::tempfile()?;
        let chunk = arena.chunks[0].as_deref().ok_or_else(out_of_memory)?;
        let (at, len) = (chunk.region.at(300 * PAGE), (STEP_PAGES - 300) * PAGE);
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: the pages are free and the chunk's own, which unmaps whatever is there.
        unsafe { rustix::mm::mmap(at.as_ptr().cast(), len, prot, flags, nothing, 0) }?;
        assert!(
            arena.take(5).is_err(),
            "behind the end of a file there is no memory"
        );
        assert_eq!(arena.resident(), 10 + 5, "the taker's five went back");
        assert_eq!(arena.take(5)?.run.page, 5);
        assert_eq!(arena.resident(), 10 + 5);
        Ok(())
    }

    #[test]
    fn a_large_run_comes_in_huge_pages_where_there_is_plenty_of_room() -> Proof {
        assert_eq!(PLENTY * PAGE as u64, 64 << 20);
        let long = 1100;
        let mut plenty = arena(STEP + long + PLENTY);
        plenty.take(STEP_PAGES)?;
        plenty.take(long as usize)?;
        assert_eq!(
            huge(&plenty),
            Some(0b111),
            "and not the one that it ends in"
        );
        let mut scarce = arena(long + PLENTY - 1);
        scarce.take(long as usize)?;
        assert_eq!(huge(&scarce), Some(0));
        let mut begun = pooled(10)?;
        begun.budget = u64::MAX;
        begun.take(long as usize)?;
        assert_eq!(
            huge(&begun),
            Some(0b10),
            "the first has small pages already"
        );
        Ok(())
    }

    #[test]
    fn a_small_run_brings_a_huge_page_where_there_is_plenty_of_room() -> Proof {
        let mut plenty = arena(10 + PLENTY);
        plenty.take(10)?;
        assert_eq!(huge(&plenty), Some(1));
        let mut scarce = arena(9 + PLENTY);
        scarce.take(10)?;
        assert_eq!(huge(&scarce), Some(0));
        let mut begun = pooled(10)?;
        begun.budget = u64::MAX;
        begun.take(20)?;
        assert_eq!(huge(&begun), Some(0), "it has small pages already");
        Ok(())
    }

    #[test]
    fn no_more_is_given_back_than_is_needed() -> Proof {
        let mut arena = pooled(200)?;
        arena.budget = 800;
        arena.admit(728, true)?;
        assert_eq!((arena.resident(), arena.mapped()), (72, 728));
        assert!(arena.admit(73, true).is_err());
        arena.admit(72, false)?;
        assert_eq!(arena.resident(), 72, "what was pooled went, and this came");
        arena.dismiss(72, false);
        arena.dismiss(728, true);
        assert_eq!((arena.resident(), arena.mapped()), (0, 0));
        Ok(())
    }

    #[test]
    fn a_chunk_that_nobody_uses_goes_whole_if_that_is_not_too_much() -> Proof {
        let two = || -> io::Result<Arena> {
            let mut arena = pooled(100)?;
            let mut other = pooled(100)?;
            arena.chunks.append(&mut other.chunks);
            arena.resident += other.resident;
            Ok(arena)
        };
        let chunks = |arena: &Arena| arena.chunks.iter().flatten().count();
        let mut arena = two()?;
        assert_eq!((arena.cool(100), chunks(&arena)), (100, 1));
        assert!(arena.chunks[1].is_none(), "the higher one");
        let mut arena = two()?;
        assert_eq!((arena.cool(150), chunks(&arena)), (164, 1));
        assert_eq!(arena.resident(), 36);
        let mut arena = two()?;
        assert_eq!((arena.cool(99), chunks(&arena)), (100, 2));
        Ok(())
    }
}
