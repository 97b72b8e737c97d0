//! Which pages of a chunk are so: one bit a page, found and changed by words.

use std::ops::Range;

/// How many pages one chunk of the arena has.
pub(super) const CHUNK_PAGES: usize = 8192;
const WORDS: usize = CHUNK_PAGES / 64;

/// One bit for each page of a chunk.
#[derive(Debug)]
pub(super) struct Bitmap([u64; WORDS]);

impl Bitmap {
    pub(super) const fn new() -> Self {
        Self([0; WORDS])
    }

    pub(super) fn set(&mut self, pages: Range<usize>) {
        each_word(pages, |word, mask| self.0[word] |= mask);
    }

    pub(super) fn clear(&mut self, pages: Range<usize>) {
        each_word(pages, |word, mask| self.0[word] &= !mask);
    }

    /// How many bits of the range are set.
    pub(super) fn count(&self, pages: Range<usize>) -> usize {
        let mut count = 0;
        each_word(pages, |word, mask| {
            count += (self.0[word] & mask).count_ones() as usize
        });
        count
    }

    /// The word that holds the bit of `page`.
    pub(super) const fn word(&self, word: usize) -> u64 {
        self.0[word]
    }
}

/// Calls `f` with each word that the range meets and the mask of its bits there.
#[inline]
fn each_word(pages: Range<usize>, mut f: impl FnMut(usize, u64)) {
    let mut at = pages.start;
    while at < pages.end {
        let word = at / 64;
        let end = pages.end.min((word + 1) * 64);
        let mask = (u64::MAX >> (64 - (end - at))) << (at % 64);
        f(word, mask);
        at = end;
    }
}

/// Where `n` set bits in a row begin, looking from the page `from` to the end and then at
/// what was passed over; `word` gives the words of the set.
#[inline]
pub(super) fn find_run(word: impl Fn(usize) -> u64, n: usize, from: usize) -> Option<usize> {
    let from = (from / 64).min(WORDS - 1);
    // A run may begin before `from` and end behind it, so the second look goes on that far.
    let behind = (from + n / 64 + 2).min(WORDS);
    find_between(&word, n, from..WORDS).or_else(|| find_between(&word, n, 0..behind))
}

fn find_between(word: &impl Fn(usize) -> u64, n: usize, words: Range<usize>) -> Option<usize> {
    let mut run = 0; // set bits directly before the word in hand
    for index in words {
        let bits = word(index);
        if bits == u64::MAX {
            run += 64;
            if run >= n {
                return Some((index + 1) * 64 - run);
            }
            continue;
        }
        if bits == 0 {
            run = 0;
            continue;
        }
        if run + bits.trailing_ones() as usize >= n {
            return Some(index * 64 - run);
        }
        if n < 64
            && let Some(bit) = run_inside(bits, n)
        {
            return Some(index * 64 + bit);
        }
        run = bits.leading_ones() as usize;
    }
    None
}

/// The lowest bit of `bits` at which `n` set bits begin, found by halving: after each step a
/// set bit means that as many as were shifted away follow it.
fn run_inside(mut bits: u64, n: usize) -> Option<usize> {
    let mut rest = n - 1;
    let mut width = 1;
    while rest > 0 {
        let step = rest.min(width);
        bits &= bits >> step;
        rest -= step;
        width += step;
    }
    (bits != 0).then(|| bits.trailing_zeros() as usize)
}

/// The first run of pages in `range` for which `word` has bits set, cut to `range`.
pub(super) fn next_run(word: impl Fn(usize) -> u64, range: Range<usize>) -> Option<Range<usize>> {
    let start = first_bit(&word, range.clone())?;
    let end = first_bit(&|index| !word(index), start..range.end).unwrap_or(range.end);
    Some(start..end)
}

fn first_bit(word: &impl Fn(usize) -> u64, range: Range<usize>) -> Option<usize> {
    let mut at = range.start;
    while at < range.end {
        let bits = word(at / 64) >> (at % 64);
        if bits != 0 {
            let found = at + bits.trailing_zeros() as usize;
            return (found < range.end).then_some(found);
        }
        at = (at / 64 + 1) * 64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_wherever_it_lies() {
        for n in [1, 2, 3, 5, 31, 63, 64, 65, 128, 200, 1000] {
            for start in [0, 1, 60, 63, 64, 127, 4000, CHUNK_PAGES - n] {
                let mut map = Bitmap::new();
                map.set(start..start + n);
                for from in [0, start, start + n - 1, CHUNK_PAGES - 1] {
                    let found = find_run(|word| map.word(word), n, from);
                    assert_eq!(found, Some(start), "{n} pages at {start}, from {from}");
                    assert_eq!(find_run(|word| map.word(word), n + 1, from), None);
                }
                assert_eq!(map.count(0..CHUNK_PAGES), n);
                let run = next_run(|word| map.word(word), 0..CHUNK_PAGES);
                assert_eq!(run, Some(start..start + n));
                map.clear(start..start + n);
                assert_eq!(next_run(|word| map.word(word), 0..CHUNK_PAGES), None);
            }
        }
    }

    #[test]
    fn what_lies_behind_the_start_of_the_search_is_found_before_what_was_passed_over() {
        let mut map = Bitmap::new();
        map.set(3..13);
        map.set(5000..5010);
        for (from, found) in [(0, 3), (64, 5000), (5000, 5000), (5056, 3)] {
            assert_eq!(find_run(|word| map.word(word), 10, from), Some(found));
        }
    }

    #[test]
    fn a_long_run_that_begins_right_before_the_search_is_found() {
        for n in [64, 640, 1000] {
            let mut map = Bitmap::new();
            map.set(1983..1983 + n);
            assert_eq!(find_run(|word| map.word(word), n, 1984), Some(1983), "{n}");
        }
    }

    #[test]
    fn a_run_is_cut_to_the_range_and_not_seen_outside() {
        let mut map = Bitmap::new();
        map.set(100..200);
        let next = |range| next_run(|word| map.word(word), range);
        assert_eq!(next(0..150), Some(100..150));
        assert_eq!(next(150..8000), Some(150..200));
        assert_eq!(
            [next(0..100), next(200..8000), next(0..64)],
            [None, None, None]
        );
    }

    #[test]
    fn a_run_too_short_is_passed_over() {
        let mut map = Bitmap::new();
        map.set(10..13);
        map.set(62..66);
        map.set(100..170);
        assert_eq!(find_run(|word| map.word(word), 3, 0), Some(10));
        assert_eq!(find_run(|word| map.word(word), 4, 0), Some(62));
        assert_eq!(find_run(|word| map.word(word), 5, 0), Some(100));
        assert_eq!(find_run(|word| map.word(word), 70, 0), Some(100));
        assert_eq!(find_run(|word| map.word(word), 71, 0), None);
    }
}
