//! How fast bytes come, smoothed, and how long the rest will take (G7).

use std::time::Duration;

/// After this long an observation counts a third of what it counted at first.
const MEMORY: Duration = Duration::from_secs(2);

/// A rate in bytes per second in which what came lately counts more than what came long ago. Until
/// much time has passed it is the mean since the beginning.
///
/// It knows no clock: whoever looks says how long it has been going, and how much is done.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Pace {
    elapsed: Duration,
    done: u64,
    sum: f64,
    weight: f64,
}

impl Pace {
    /// Takes a look into account: so much was done after so long. Looks may come as often as one
    /// likes; one that goes backwards in time changes nothing.
    pub fn look(&mut self, elapsed: Duration, done: u64) {
        let Some(since) = elapsed.checked_sub(self.elapsed).filter(|it| !it.is_zero()) else {
            return;
        };
        let kept = (-since.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        // What is done can grow less: a staging that begins again has nothing.
        let came = done.saturating_sub(self.done) as f64 / since.as_secs_f64();
        self.sum = self.sum * kept + came * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
        (self.elapsed, self.done) = (elapsed, done);
    }

    /// Bytes per second; 0 before the first look.
    pub fn rate(&self) -> f64 {
        if self.weight > 0.0 {
            self.sum / self.weight
        } else {
            0.0
        }
    }
}

/// How long so many bytes will take at this rate; `None` if none are coming.
pub fn remaining(bytes: u64, rate: f64) -> Option<Duration> {
    match bytes {
        0 => Some(Duration::ZERO),
        _ if rate > 0.0 => {
            let seconds = bytes as f64 / rate;
            Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// So many bytes a second from one moment to another, looked at so often a second.
    fn go(pace: &mut Pace, from: f64, to: f64, rate: f64, looks: f64) {
        let (start, mut at) = (pace.done as f64, from);
        while at < to {
            at += 1.0 / looks;
            pace.look(seconds(at), (start + (at - from) * rate) as u64);
        }
    }

    fn near(pace: &Pace, rate: f64) -> bool {
        (pace.rate() - rate).abs() < rate / 100.0
    }

    #[test]
    fn a_steady_pace_is_told_at_once_and_however_often_one_looks() {
        for looks in [1.0, 10.0, 1000.0] {
            let mut pace = Pace::default();
            assert_eq!(pace.rate(), 0.0);
            go(&mut pace, 0.0, 1.0, 1e9, looks);
            assert!(near(&pace, 1e9), "{looks} looks: {pace:?}");
            go(&mut pace, 1.0, 60.0, 1e9, looks);
            assert!(near(&pace, 1e9), "{looks} looks: {pace:?}");
        }
    }

    #[test]
    fn what_came_lately_counts_more() {
        let mut pace = Pace::default();
        go(&mut pace, 0.0, 60.0, 1e9, 10.0);
        go(&mut pace, 60.0, 62.0, 1e6, 10.0);
        // The mean would be 968 million.
        assert!((3.0e8..4.5e8).contains(&pace.rate()), "{pace:?}");
        go(&mut pace, 62.0, 82.0, 1e6, 10.0);
        assert!(pace.rate() < 2e6, "{pace:?}");
    }

    #[test]
    fn a_standstill_is_seen() {
        let mut pace = Pace::default();
        go(&mut pace, 0.0, 1.0, 1e9, 10.0);
        pace.look(seconds(30.0), pace.done);
        assert!(pace.rate() < 1e3, "{pace:?}");
    }

    #[test]
    fn a_look_back_changes_nothing_and_a_loss_is_no_negative_rate() {
        let mut pace = Pace::default();
        go(&mut pace, 0.0, 1.0, 1e6, 10.0);
        let before = pace;
        pace.look(seconds(0.5), 7);
        pace.look(before.elapsed, 7);
        assert_eq!(pace, before);
        pace.look(seconds(2.0), 0);
        assert!((0.0..1e6).contains(&pace.rate()), "{pace:?}");
    }

    #[test]
    fn what_remains_takes_as_long_as_it_will() {
        assert_eq!(remaining(10, 5.0), Some(seconds(2.0)));
        assert_eq!(remaining(10, 0.0), None);
        assert_eq!(remaining(0, 0.0), Some(Duration::ZERO));
        assert_eq!(remaining(u64::MAX, 1e-300), Some(Duration::MAX));
    }
}
