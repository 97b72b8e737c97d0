//! The arena: chunks of pages, what stands behind them, and the room that is left.
//!
//! Blocks take hot pages first (their memory is there and often in the cache), then free
//! pages of a chunk, then a new chunk. New memory is brought in two mebibytes at a time while
//! the budget allows, and page by page when it does not. Free pages stay hot; only when the
//! budget is short are they given back.

#![expect(unsafe_code, reason = "a failed populate takes pages back")]

use super::{
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
/// `resident + mapped <= budget`; `resident` is what stands behind all chunks and the large
/// runs, pooled pages included; `hot` is the part of it that is in no block.
#[derive(Debug)]
pub(super) struct Arena {
    budget: u64,
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
    pub(super) const fn new(budget: u64) -> Self {
        let budget = budget / PAGE as u64;
        Self {
            budget,
            resident: 0,
            mapped: 0,
            chunks: Vec::new(),
            first_hot: 0,
        }
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
        let chunk = Some(Box::new(Chunk::reserve()?));
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
