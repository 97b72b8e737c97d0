//! One chunk of the arena: a reserved region and two bits for each of its pages.
//!
//! A page is *used* while a block has it and *resident* while memory stands behind it. What is
//! resident and not used is *hot*: the next block takes it without a fault.

#![expect(unsafe_code, reason = "free pages are given back to the kernel here")]

use super::{
    Paging,
    bitmap::{Bitmap, CHUNK_PAGES, find_run, next_run},
    pages::{HUGE, PAGE, Region},
};
use std::{io, ops::Range};

/// How many pages are populated ahead, and how many one huge page has.
pub(super) const STEP_PAGES: usize = HUGE / PAGE;

/// A run of pages in a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) chunk: usize,
    pub(super) page: usize,
    pub(super) pages: usize,
}

impl Run {
    pub(super) fn range(self) -> Range<usize> {
        self.page..self.page + self.pages
    }
}

/// A chunk of the arena.
///
/// # Invariants
/// A used page is resident, except while its taker populates it.
/// `hot` is the number of pages that are resident and not used, `free` of those not used.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) region: Region,
    used: Bitmap,
    resident: Bitmap,
    pub(super) hot: usize,
    pub(super) free: usize,
    /// No hot run is longer than this, so a search that must fail is not made twice.
    hot_bound: usize,
    free_bound: usize,
    /// Where the next search begins: behind what was taken last, or at what came back below.
    cursor: usize,
    /// One bit for each step of pages that was asked for as a huge page.
    pub(super) huge: u32,
}

impl Chunk {
    pub(super) fn reserve(paging: Paging) -> io::Result<Self> {
        Ok(Self {
            region: Region::reserve(CHUNK_PAGES * PAGE, paging)?,
            used: Bitmap::new(),
            resident: Bitmap::new(),
            hot: 0,
            free: CHUNK_PAGES,
            hot_bound: 0,
            free_bound: CHUNK_PAGES,
            cursor: 0,
            huge: 0,
        })
    }

    /// Where `n` hot pages in a row begin.
    #[inline]
    pub(super) fn find_hot(&mut self, n: usize) -> Option<usize> {
        if self.hot < n || self.hot_bound < n {
            return None;
        }
        let found = find_run(|word| self.hot_word(word), n, self.cursor);
        match found {
            Some(page) => self.cursor = page,
            None => self.hot_bound = n - 1,
        }
        found
    }

    /// Where `n` free pages in a row begin, hot or not, lowest first.
    pub(super) fn find_free(&mut self, n: usize) -> Option<usize> {
        if self.free < n || self.free_bound < n {
            return None;
        }
        let found = find_run(|word| !self.used.word(word), n, 0);
        if found.is_none() {
            self.free_bound = n - 1;
        }
        found
    }

    /// Marks free pages as used and says how many of them have no memory behind them yet.
    #[inline]
    pub(super) fn occupy(&mut self, pages: Range<usize>) -> usize {
        let hot = self.resident.count(pages.clone());
        self.hot -= hot;
        self.free -= pages.len();
        self.used.set(pages.clone());
        pages.len() - hot
    }

    /// Marks used pages as free; their memory stays.
    #[inline]
    pub(super) fn vacate(&mut self, pages: Range<usize>) {
        self.hot += self.resident.count(pages.clone());
        self.free += pages.len();
        self.hot_bound = CHUNK_PAGES;
        self.free_bound = CHUNK_PAGES;
        self.cursor = self.cursor.min(pages.start);
        self.used.clear(pages);
    }

    /// How many pages of the range have no memory behind them.
    pub(super) fn cold(&self, pages: Range<usize>) -> usize {
        pages.len() - self.resident.count(pages)
    }

    /// Asks for huge pages in a step that has no memory yet and is about to get all of it.
    pub(super) fn want_huge(&mut self, step: usize) {
        self.region.want_huge(step * HUGE, HUGE, true);
        self.huge |= 1 << step;
    }

    /// Puts memory behind every page of the range that has none.
    ///
    /// # Errors
    /// There was no memory; what came in before that is counted as resident.
    pub(super) fn populate(&mut self, pages: Range<usize>) -> io::Result<()> {
        let mut rest = pages;
        while let Some(run) = next_run(|word| !self.resident.word(word), rest.clone()) {
            rest.start = run.end;
            // SAFETY: pages without memory behind them have never been handed out.
            let done = unsafe { self.region.populate(run.start * PAGE, run.len() * PAGE) };
            if let Err(error) = done {
                // SAFETY: for the same reason nobody refers to what came in before the failure.
                unsafe { self.give_back(run) };
                return Err(error);
            }
            self.mark_resident(run);
        }
        Ok(())
    }

    /// Counts the range as resident; whoever calls this populates it. What is free in it has no
    /// memory yet.
    pub(super) fn mark_resident(&mut self, pages: Range<usize>) {
        let free = pages.len() - self.used.count(pages.clone());
        self.hot += free;
        self.resident.set(pages);
        if free > 0 {
            self.hot_bound = CHUNK_PAGES;
        }
    }

    /// Takes the memory from used pages that nobody refers to, after populating them failed.
    ///
    /// # Safety
    /// As [`Region::give_back`].
    pub(super) unsafe fn disown(&mut self, pages: Range<usize>) -> usize {
        let resident = self.resident.count(pages.clone());
        // SAFETY: the caller's promise is the one asked for.
        if unsafe { self.give_back(pages.clone()) } {
            self.resident.clear(pages);
            return resident;
        }
        0
    }

    /// Gives hot pages back to the kernel until `want` are gone, and says how many went.
    ///
    /// `whole` takes only steps that are hot from end to end: a huge page goes back at once
    /// only as a whole; a part of one stays with the kernel until it is short of memory.
    pub(super) fn cool(&mut self, want: usize, whole: bool) -> usize {
        let grain = if whole { STEP_PAGES } else { 64 };
        let want = want.min(CHUNK_PAGES);
        let mut gone = 0;
        let mut rest = 0..CHUNK_PAGES;
        while gone < want
            && let Some(run) = next_run(|word| self.hot_word(word), rest.clone())
        {
            rest.start = run.end;
            let mut run = if whole { whole_steps(run) } else { run };
            run.end = run
                .end
                .min(run.start + (want - gone).next_multiple_of(grain));
            // SAFETY: hot pages are in no block, so nobody has a reference into them.
            if !run.is_empty() && unsafe { self.give_back(run.clone()) } {
                self.resident.clear(run.clone());
                self.hot -= run.len();
                gone += run.len();
            }
        }
        gone
    }

    /// # Safety
    /// As [`Region::give_back`].
    unsafe fn give_back(&mut self, pages: Range<usize>) -> bool {
        for step in pages.start / STEP_PAGES..pages.end.div_ceil(STEP_PAGES) {
            // Else a later touch of one page would bring in five hundred that nobody counts.
            if self.huge & (1 << step) != 0 {
                self.region.want_huge(step * HUGE, HUGE, false);
                self.huge &= !(1 << step);
            }
        }
        // SAFETY: the caller's promise is the one asked for.
        unsafe {
            self.region
                .give_back(pages.start * PAGE, pages.len() * PAGE)
        }
    }

    fn hot_word(&self, word: usize) -> u64 {
        self.resident.word(word) & !self.used.word(word)
    }
}

/// The steps that lie wholly inside the run; empty if none does.
fn whole_steps(run: Range<usize>) -> Range<usize> {
    let start = run.start.next_multiple_of(STEP_PAGES);
    start..(run.end / STEP_PAGES * STEP_PAGES).max(start)
}

/// The pages of one step.
pub(super) fn step_pages(step: usize) -> Range<usize> {
    step * STEP_PAGES..(step + 1) * STEP_PAGES
}

#[cfg(test)]
mod tests {
    use super::*;

    type Proof = io::Result<()>;

    /// A chunk with free pages that have memory.
    fn with_hot(from_to: &[(usize, usize)]) -> io::Result<Chunk> {
        let mut chunk = Chunk::reserve(Paging::Allowed)?;
        for (from, to) in from_to {
            chunk.mark_resident(*from..*to);
        }
        Ok(chunk)
    }

    #[test]
    fn a_search_for_hot_pages_that_failed_is_made_again_only_when_some_came() -> Proof {
        let mut chunk = with_hot(&[(10, 20)])?;
        assert_eq!(chunk.find_hot(10), Some(10), "all there are");
        chunk.mark_resident(30..40);
        assert_eq!(chunk.find_hot(11), None);
        assert_eq!((chunk.hot_bound, chunk.find_hot(10)), (10, Some(10)));
        chunk.occupy(20..30);
        chunk.mark_resident(20..30);
        assert_eq!(chunk.hot_bound, 10, "nothing came that is free");
        chunk.vacate(20..30);
        assert_eq!((chunk.hot, chunk.find_hot(30)), (30, Some(10)));
        assert_eq!(chunk.find_hot(31), None);
        chunk.mark_resident(40..41);
        chunk.mark_resident(100..120);
        assert_eq!(chunk.find_hot(31), Some(10));
        assert_eq!(chunk.cursor, 10);
        Ok(())
    }

    #[test]
    fn a_search_for_free_pages_that_failed_is_made_again_only_when_some_came() -> Proof {
        let mut chunk = Chunk::reserve(Paging::Allowed)?;
        chunk.occupy(10..CHUNK_PAGES - 10);
        assert_eq!((chunk.free, chunk.find_free(11)), (20, None));
        assert_eq!((chunk.free_bound, chunk.find_free(10)), (10, Some(0)));
        chunk.vacate(10..11);
        assert_eq!(chunk.find_free(11), Some(0));
        chunk.occupy(0..11);
        assert_eq!(chunk.find_free(10), Some(CHUNK_PAGES - 10), "all there are");
        Ok(())
    }

    #[test]
    fn a_huge_page_that_goes_in_part_is_none_any_more() -> Proof {
        let mut chunk = Chunk::reserve(Paging::Allowed)?;
        [2, 3, 5].iter().for_each(|step| chunk.want_huge(*step));
        assert_eq!(chunk.huge, 0b10_1100);
        let pages = step_pages(3).start + 7..step_pages(4).start + 7;
        chunk.mark_resident(pages.clone());
        assert_eq!(chunk.cool(pages.len(), false), pages.len());
        assert_eq!(chunk.huge, 0b10_0100);
        assert_eq!((chunk.hot, chunk.cold(pages.clone())), (0, pages.len()));
        Ok(())
    }

    #[test]
    fn about_as_much_is_given_back_as_is_wanted() -> Proof {
        let mut chunk = with_hot(&[(0, 100), (200, 300)])?;
        assert_eq!(chunk.cool(130, false), 100 + 64);
        assert_eq!((chunk.hot, chunk.cold(264..300)), (36, 0));
        let mut chunk = with_hot(&[(100, 2500)])?;
        assert_eq!(chunk.cool(1, true), STEP_PAGES);
        assert_eq!(chunk.cold(step_pages(1)), STEP_PAGES);
        assert_eq!(chunk.cool(CHUNK_PAGES, true), 2 * STEP_PAGES);
        assert_eq!(chunk.cool(usize::MAX, true), 0);
        assert_eq!(chunk.cool(usize::MAX, false), 412 + 452);
        assert_eq!(chunk.hot, 0);
        Ok(())
    }

    #[test]
    fn whole_steps_are_those_inside() {
        assert_eq!(whole_steps(0..512), 0..512);
        assert_eq!(whole_steps(100..1100), 512..1024);
        assert_eq!(whole_steps(512..1535), 512..1024);
        assert!(
            [1..512, 1..1023, 700..900]
                .map(whole_steps)
                .iter()
                .all(Range::is_empty)
        );
    }
}
