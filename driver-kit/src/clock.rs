//! Time for the machine, and deadlines for callers.

use staging_core::Tick;
use std::time::{Duration, Instant};

/// Counts the nanoseconds since the hub was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    zero: Instant,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock {
            zero: Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Tick {
        self.tick_of(Instant::now())
    }

    pub(crate) fn tick_of(self, at: Instant) -> Tick {
        Tick(nanos(at.saturating_duration_since(self.zero)))
    }

    /// `None` for a tick so far away that no clock will get there.
    pub(crate) fn instant_of(self, tick: Tick) -> Option<Instant> {
        match tick {
            Tick::NEVER => None,
            Tick(nanos) => self.zero.checked_add(Duration::from_nanos(nanos)),
        }
    }
}

/// A duration in the machine's unit; the longest there is where it does not fit.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// When a caller stops waiting (R10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Deadline {
    /// Never.
    #[default]
    Never,
    /// At this moment.
    At(Instant),
}

impl Deadline {
    /// So long from now.
    pub fn within(duration: Duration) -> Deadline {
        Instant::now()
            .checked_add(duration)
            .map_or(Deadline::Never, Deadline::At)
    }

    /// Whichever comes first.
    #[must_use]
    pub fn or_before(self, other: Deadline) -> Deadline {
        match (self, other) {
            (Deadline::Never, other) | (other, Deadline::Never) => other,
            (Deadline::At(one), Deadline::At(other)) => Deadline::At(one.min(other)),
        }
    }

    /// Whether it is over.
    pub(crate) fn has_passed(self) -> bool {
        match self {
            Deadline::Never => false,
            Deadline::At(at) => at <= Instant::now(),
        }
    }

    pub(crate) fn tick(self, clock: Clock) -> Tick {
        match self {
            Deadline::Never => Tick::NEVER,
            Deadline::At(at) => clock.tick_of(at),
        }
    }
}
