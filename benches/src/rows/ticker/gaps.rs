//! The time from one tick to the next.

use crate::row::{Aspect, Sample};
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// What a ticker saw while it was watched.
#[derive(Default)]
pub(super) struct Gaps {
    /// `None` while nobody watches.
    last: Cell<Option<Instant>>,
    /// In nanoseconds.
    seen: RefCell<Vec<f64>>,
}

impl Gaps {
    /// From here on ticks count.
    pub(super) fn watch(&self) {
        self.last.set(Some(Instant::now()));
    }

    /// What comes now is nobody's fault.
    pub(super) fn look_away(&self) {
        self.last.set(None);
    }

    pub(super) fn tick(&self) {
        let now = Instant::now();
        if let Some(last) = self.last.get() {
            self.seen.borrow_mut().push((now - last).as_nanos() as f64);
            self.last.set(Some(now));
        }
    }

    pub(super) fn ticks(&self) -> usize {
        self.seen.borrow().len()
    }

    pub(super) fn sample(&self) -> Sample {
        let mut seen = self.seen.borrow().clone();
        seen.sort_by(f64::total_cmp);
        let longest = seen.last().copied().unwrap_or(f64::NAN);
        // The least that is not shorter than 99.9 % of all.
        let rank = (seen.len() * 999).div_ceil(1000);
        let rare = seen
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or(f64::NAN);
        vec![(Aspect::OneInAThousand, rare), (Aspect::Longest, longest)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_is_by_rank() {
        let gaps = Gaps::default();
        gaps.seen.replace((1..=2000).rev().map(f64::from).collect());
        let sample = gaps.sample();
        assert_eq!(
            sample,
            [(Aspect::OneInAThousand, 1998.0), (Aspect::Longest, 2000.0)]
        );
        gaps.seen.replace(vec![3.0, 9.0, 4.0]);
        assert_eq!(gaps.sample()[0].1, 9.0);
    }

    #[test]
    fn only_what_is_watched_counts() {
        let gaps = Gaps::default();
        gaps.tick();
        gaps.watch();
        gaps.tick();
        gaps.tick();
        gaps.look_away();
        gaps.tick();
        assert_eq!(gaps.ticks(), 2);
    }
}
