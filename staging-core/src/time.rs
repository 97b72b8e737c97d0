//! Time as the machine sees it: a number that the driver says with every event.

use core::fmt;

/// A point in time: nanoseconds since a beginning that the driver chose.
///
/// The machine has no clock. Time that goes backwards is held at the latest it has seen and
/// counted in [`Stats::backwards`](crate::Stats::backwards).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// Where a driver's clock may begin.
    pub const ZERO: Tick = Tick(0);
    /// Later than anything: a deadline that never comes.
    pub const NEVER: Tick = Tick(u64::MAX);

    /// This much later; `NEVER` where the sum would pass it.
    pub const fn plus(self, nanos: u64) -> Tick {
        Tick(self.0.saturating_add(nanos))
    }

    /// How many nanoseconds lie between an earlier tick and this one; 0 if it is later.
    pub const fn since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The earlier of two.
    pub const fn or_sooner(self, other: Tick) -> Tick {
        if other.0 < self.0 { other } else { self }
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Tick::NEVER => f.write_str("never"),
            Tick(nanos) => write!(f, "{nanos}ns"),
        }
    }
}
