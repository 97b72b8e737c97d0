//! What stirred, and when to look at it: as soon as it was quiet for a while, but at the latest some
//! time after it began, so that an endless storm is told of now and then.
//!
//! A pure machine: moments come in as durations since a beginning that the caller chose, and nothing
//! here asks a clock.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// How many times the quiet may be waited for, before a storm is told of.
const STORM: u32 = 5;

/// Things that stirred, each with the moment at which it is due.
#[derive(Debug)]
pub(super) struct Debounce<K> {
    quiet: Duration,
    stirred: HashMap<K, Stirred>,
    order: BTreeSet<(Duration, K)>,
}

#[derive(Clone, Copy, Debug)]
struct Stirred {
    first: Duration,
    due: Duration,
}

impl<K: Clone + Eq + Hash + Ord> Debounce<K> {
    /// Looks when something was quiet for so long.
    pub(super) fn new(quiet: Duration) -> Debounce<K> {
        Debounce {
            quiet,
            stirred: HashMap::new(),
            order: BTreeSet::new(),
        }
    }

    /// Something stirred.
    pub(super) fn stir(&mut self, key: &K, now: Duration) {
        let first = match self.stirred.get(key) {
            Some(stirred) => {
                self.order.remove(&(stirred.due, key.clone()));
                stirred.first
            }
            None => now,
        };
        let latest = first.saturating_add(self.quiet.saturating_mul(STORM));
        let due = now.saturating_add(self.quiet).min(latest);
        self.stirred.insert(key.clone(), Stirred { first, due });
        self.order.insert((due, key.clone()));
    }

    /// When the next is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.order.first().map(|(due, _)| *due)
    }

    /// Takes the next that is due at this moment.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<K> {
        let (due, _) = self.order.first()?;
        if *due > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.stirred.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::{Debounce, STORM};
    use std::collections::BTreeMap;
    use std::time::Duration;

    const QUIET: u64 = 200;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn due_at(debounce: &mut Debounce<&'static str>, now: u64) -> Vec<&'static str> {
        std::iter::from_fn(|| debounce.take_due(ms(now))).collect()
    }

    #[test]
    fn what_is_quiet_for_the_debounce_is_due_once() {
        let mut debounce = Debounce::new(ms(QUIET));
        debounce.stir(&"a", ms(0));
        debounce.stir(&"a", ms(150));
        debounce.stir(&"b", ms(160));
        assert_eq!(debounce.next_due(), Some(ms(350)));
        assert!(due_at(&mut debounce, 349).is_empty());
        assert_eq!(due_at(&mut debounce, 350), ["a"]);
        assert_eq!(due_at(&mut debounce, 1000), ["b"]);
        assert_eq!(debounce.next_due(), None);
    }

    #[test]
    fn an_endless_storm_is_told_of_now_and_then() {
        let mut debounce = Debounce::new(ms(QUIET));
        let mut told = Vec::new();
        for now in (0..10_000).step_by(10) {
            debounce.stir(&"a", ms(now));
            told.extend(due_at(&mut debounce, now).iter().map(|_| now));
        }
        // Each stretch begins with the stir that came after the one before was told.
        let stretch = QUIET * u64::from(STORM);
        assert_eq!(told.first(), Some(&stretch));
        assert!(told.len() >= 9, "{told:?}");
    }

    /// The same in the plainest words: a list of stirs for each key, looked through at each moment.
    #[derive(Default)]
    struct Naive {
        stirs: BTreeMap<u8, Vec<u64>>,
    }

    impl Naive {
        fn due(&mut self, now: u64) -> Vec<u8> {
            let is_due = |stirs: &Vec<u64>| {
                let (first, last) = (stirs[0], stirs[stirs.len() - 1]);
                now >= last + QUIET || now >= first + QUIET * u64::from(STORM)
            };
            let due: Vec<u8> = self
                .stirs
                .iter()
                .filter(|(_, stirs)| is_due(stirs))
                .map(|(key, _)| *key)
                .collect();
            due.iter().for_each(|key| drop(self.stirs.remove(key)));
            due
        }
    }

    #[test]
    fn random_histories_are_told_as_the_plainest_model_tells_them() {
        for seed in 1..200_u64 {
            let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut roll = |sides: u64| {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                dice % sides
            };
            let (mut debounce, mut naive) = (Debounce::new(ms(QUIET)), Naive::default());
            let mut now = 0;
            for _ in 0..400 {
                now += roll(if seed % 2 == 0 { 40 } else { 400 });
                let mut told: Vec<u8> = std::iter::from_fn(|| debounce.take_due(ms(now))).collect();
                told.sort_unstable();
                assert_eq!(told, naive.due(now), "seed {seed} at {now}");
                let key = roll(4) as u8;
                debounce.stir(&key, ms(now));
                naive.stirs.entry(key).or_default().push(now);
            }
        }
    }
}
