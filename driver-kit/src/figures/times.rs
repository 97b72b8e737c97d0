//! Many times, as a histogram.

use hdrhistogram::Histogram;
use std::fmt;
use std::time::Duration;

/// The finest difference that is told, in nanoseconds: 64 of them, since it is a power of two.
const LEAST: u64 = 64;
/// What takes longer counts as this long: an hour.
const MOST: u64 = 3_600_000_000_000;

/// How exact times are told, which says how much memory they take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grain {
    /// No more than a hundredth too long: 30 KiB.
    Fine,
    /// No more than a tenth too long: 5 KiB.
    Coarse,
}

impl Grain {
    /// How many figures are exact.
    const fn figures(self) -> u8 {
        match self {
            Grain::Fine => 2,
            Grain::Coarse => 1,
        }
    }
}

/// How long things took: a histogram of a fixed size, 30 KiB; of one file alone, 5 KiB.
///
/// Times are exact to 64 ns or one part in a hundred, of one file alone one part in ten, whichever is more,
/// and told too long rather than too short, but for the shortest; what took more than an hour counts as an
/// hour.
#[derive(Clone)]
pub struct Times {
    histogram: Histogram<u64>,
}

impl Times {
    /// None yet.
    #[expect(
        clippy::expect_used,
        reason = "bounds are refused where the least is 0, or more than half of the most, or more than 5 \
                  figures are asked for; these are constants"
    )]
    pub(crate) fn none(grain: Grain) -> Times {
        let histogram = Histogram::new_with_bounds(LEAST, MOST, grain.figures());
        Times {
            histogram: histogram.expect("bounds that a histogram can have"),
        }
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        self.histogram.saturating_record(nanos);
    }

    #[expect(
        clippy::expect_used,
        reason = "what is added has the same bounds, and the same grain wherever it is kept together"
    )]
    pub(crate) fn add(&mut self, others: &Times) {
        let added = self.histogram.add(&others.histogram);
        added.expect("histograms of the same bounds");
    }

    pub(crate) fn clear(&mut self) {
        self.histogram.reset();
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The time that this part of them did not exceed: 0.5 for the median, 0.99 for what only one in a
    /// hundred exceeded, 1 for the longest. `None` if there are none.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let told = |it: &Histogram<u64>| it.value_at_quantile(part.clamp(0.0, 1.0));
        self.unless_none(told)
    }

    /// The shortest. `None` if there are none.
    pub fn shortest(&self) -> Option<Duration> {
        self.unless_none(Histogram::min)
    }

    /// The longest. `None` if there are none.
    pub fn longest(&self) -> Option<Duration> {
        self.quantile(1.0)
    }

    /// Their mean. `None` if there are none.
    pub fn mean(&self) -> Option<Duration> {
        self.unless_none(|it| it.mean() as u64)
    }

    fn unless_none(&self, told: impl Fn(&Histogram<u64>) -> u64) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(told(&self.histogram)))
    }
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Times")
            .field("count", &self.count())
            .field("median", &self.quantile(0.5))
            .field("longest", &self.longest())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(nanos: impl IntoIterator<Item = u64>) -> Times {
        of_grain(Grain::Fine, nanos)
    }

    fn of_grain(grain: Grain, nanos: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::none(grain);
        nanos.into_iter().for_each(|nanos| times.record(nanos));
        times
    }

    fn nanos(duration: Option<Duration>) -> u128 {
        duration.unwrap_or_default().as_nanos()
    }

    #[test]
    fn a_time_is_told_a_hundredth_too_long_at_most_and_a_tenth_where_it_is_coarse() {
        for exact in [
            0,
            1,
            63,
            64,
            1_000,
            123_456,
            9_999_999,
            77_777_777_777,
            MOST,
        ] {
            for (grain, part) in [(Grain::Fine, 100), (Grain::Coarse, 10)] {
                let told = nanos(of_grain(grain, [exact]).quantile(0.5));
                let most = u128::from(exact + exact / part + LEAST);
                assert!(
                    (u128::from(exact)..=most).contains(&told),
                    "{exact}: {told}"
                );
            }
        }
    }

    #[test]
    fn what_takes_longer_than_an_hour_counts_as_an_hour() {
        let told = times([u64::MAX, MOST * 2]);
        let hour = u128::from(MOST);
        assert_eq!(told.count(), 2);
        assert!((hour..=hour + hour / 100).contains(&nanos(told.longest())));
    }

    #[test]
    fn parts_of_a_thousand_are_where_they_are_expected() {
        let told = times((1..=1_000).map(|millis| millis * 1_000_000));
        for (part, millis) in [
            (0.5, 500),
            (0.99, 990),
            (1.0, 1_000),
            (0.0, 1),
            (7.0, 1_000),
        ] {
            let exact = millis * 1_000_000;
            let off = nanos(told.quantile(part)).abs_diff(exact);
            assert!(off <= exact / 100, "{part}: {told:?}");
        }
        assert!((500..=510).contains(&(nanos(told.mean()) / 1_000_000)));
        assert!(nanos(told.shortest()) <= 1_000_000);
    }

    #[test]
    fn nothing_has_no_times_and_what_is_cleared_is_nothing() {
        let mut some = times([5, 6]);
        some.clear();
        for none in [Times::none(Grain::Fine), some] {
            assert_eq!(none.count(), 0);
            let told = [
                none.quantile(0.5),
                none.longest(),
                none.shortest(),
                none.mean(),
            ];
            assert_eq!(told, [None; 4]);
        }
    }

    #[test]
    fn it_takes_as_much_memory_as_it_says() {
        for (grain, kib) in [(Grain::Fine, 30), (Grain::Coarse, 5)] {
            let places = Times::none(grain).histogram.distinct_values();
            let bytes = places * size_of::<u64>();
            let told = (kib - 1) << 10..=kib << 10;
            assert!(told.contains(&bytes), "{grain:?}: {bytes}");
        }
    }

    #[test]
    fn nothing_is_longer_than_the_longest() {
        for nanos in [0, 5, 64, 70, 1_000_000] {
            let told = times([nanos]);
            assert_eq!(told.longest(), told.quantile(0.5), "{nanos}");
            assert!(told.longest() >= told.mean(), "{nanos}");
        }
    }

    #[test]
    fn what_is_added_is_all_there() {
        let mut sum = times([1_000, 2_000]);
        sum.add(&times([3_000_000]));
        assert_eq!(sum.count(), 3);
        assert!(nanos(sum.longest()) >= 3_000_000);
        assert!(nanos(sum.shortest()) <= 1_000);
    }
}
