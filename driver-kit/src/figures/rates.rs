//! Counts, and how fast they grow.

use super::Health;
use crate::pace::Pace;
use staging_core::{Class, Stats, WriteCounts};
use std::time::Duration;

/// What a stager has done since it was made, and how it stands, as of one moment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figures {
    /// Since the stager was made.
    pub uptime: Duration,
    /// What the machine has counted.
    pub stats: Stats,
    /// How it stands.
    pub health: Health,
    /// Operations that were answered.
    pub answered: Rate,
    /// Bytes of files brought into memory.
    pub staged: Rate,
    /// Bytes written, replaces not among them.
    pub written: Rate,
    pub(crate) writes: [WriteCounts; Class::ALL.len()],
}

impl Figures {
    /// What became of the writes of a class, as [`Stats`] of the same moment.
    pub const fn writes_of(&self, class: Class) -> WriteCounts {
        self.writes[class as usize]
    }

    /// Which part of the operations that were answered were a success, from 0 to 1; `None` before the
    /// first. Cancels and passed deadlines are none.
    pub fn success_rate(&self) -> Option<f64> {
        let answered = answered(&self.stats);
        (answered > 0).then(|| self.stats.completed as f64 / answered as f64)
    }
}

/// How fast something grows, in units of it per second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rate {
    /// The mean since the stager was made.
    pub over_life: f64,
    /// Lately: since figures were last asked for, smoothed over about two seconds where they are asked for
    /// more often. At the first look the mean since the stager was made.
    pub lately: f64,
}

/// What rates go by; everybody who asks looks at the same.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Paces {
    answered: Pace,
    staged: Pace,
    written: Pace,
}

/// The rates of one look.
pub(crate) struct Rates {
    pub(crate) answered: Rate,
    pub(crate) staged: Rate,
    pub(crate) written: Rate,
}

impl Paces {
    pub(crate) fn look(&mut self, uptime: Duration, stats: &Stats) -> Rates {
        Rates {
            answered: rate(&mut self.answered, uptime, answered(stats)),
            staged: rate(&mut self.staged, uptime, stats.staged_bytes),
            written: rate(&mut self.written, uptime, stats.written_bytes),
        }
    }
}

fn rate(pace: &mut Pace, uptime: Duration, done: u64) -> Rate {
    pace.look(uptime, done);
    let over_life = match uptime.as_secs_f64() {
        seconds if seconds > 0.0 => done as f64 / seconds,
        _ => 0.0,
    };
    Rate {
        over_life,
        lately: pace.rate(),
    }
}

const fn answered(stats: &Stats) -> u64 {
    stats.completed + stats.failed + stats.cancelled + stats.expired + stats.abandoned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(completed: u64, staged_bytes: u64, written_bytes: u64) -> Stats {
        Stats {
            completed,
            staged_bytes,
            written_bytes,
            ..Stats::default()
        }
    }

    fn near(rate: f64, expected: f64) -> bool {
        (rate - expected).abs() <= expected / 100.0
    }

    #[test]
    fn a_rate_tells_the_life_and_what_came_lately() {
        let mut paces = Paces::default();
        let first = paces.look(Duration::from_secs(10), &stats(10, 1_000, 0));
        assert!(near(first.answered.over_life, 1.0) && near(first.answered.lately, 1.0));
        assert!(near(first.staged.over_life, 100.0) && near(first.staged.lately, 100.0));
        assert_eq!(first.written, Rate::default());
        let later = paces.look(Duration::from_secs(110), &stats(10, 1_000, 50_000));
        assert!(near(later.staged.over_life, 1_000.0 / 110.0) && later.staged.lately < 1.0);
        assert!(near(later.written.lately, 500.0));
        assert!(near(later.written.over_life, 50_000.0 / 110.0));
    }

    #[test]
    fn nothing_after_no_time_is_no_rate() {
        let rates = Paces::default().look(Duration::ZERO, &stats(0, 0, 0));
        assert_eq!(rates.answered, Rate::default());
    }
}
