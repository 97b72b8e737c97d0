//! The life of the machine itself (S1): the table, and the diagram that a test checks against it.
//!
//! ```text
//! Running  -> Draining : Asked
//! Running  -> Closing  : Forced
//! Running  -> Closed   : DriverLost
//! Draining -> Closing  : Drained
//! Draining -> Closing  : OutOfTime
//! Draining -> Closing  : Forced
//! Draining -> Closed   : DriverLost
//! Closing  -> Closed   : GivenBack
//! Closing  -> Closed   : OutOfTime
//! Closing  -> Closed   : DriverLost
//! ```

use crate::time::Tick;

/// Which phase. Later ones are greater; there is no way back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PhaseName {
    /// Everything is served.
    Running,
    /// What makes new work is refused; what ends work is served (S2).
    Draining,
    /// Everything is refused; what is held is given back.
    Closing,
    /// Nothing is held, queued or told any more (S5).
    Closed,
}

/// Why a phase began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// A shutdown was asked for.
    Asked,
    /// A shutdown was forced.
    Forced,
    /// Every accepted operation was answered.
    Drained,
    /// Everything was given back.
    GivenBack,
    /// The phase before ran out of time; what remained is named.
    OutOfTime,
    /// The driver was lost.
    DriverLost,
}

/// Every edge of the life there is. What is not here cannot happen.
pub const EDGES: [(PhaseName, PhaseName, Cause); 10] = [
    (PhaseName::Running, PhaseName::Draining, Cause::Asked),
    (PhaseName::Running, PhaseName::Closing, Cause::Forced),
    (PhaseName::Running, PhaseName::Closed, Cause::DriverLost),
    (PhaseName::Draining, PhaseName::Closing, Cause::Drained),
    (PhaseName::Draining, PhaseName::Closing, Cause::OutOfTime),
    (PhaseName::Draining, PhaseName::Closing, Cause::Forced),
    (PhaseName::Draining, PhaseName::Closed, Cause::DriverLost),
    (PhaseName::Closing, PhaseName::Closed, Cause::GivenBack),
    (PhaseName::Closing, PhaseName::Closed, Cause::OutOfTime),
    (PhaseName::Closing, PhaseName::Closed, Cause::DriverLost),
];

/// Where the machine is in its life, with what only that phase has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase {
    Running,
    Draining {
        until: Tick,
        closing: u64,
        end: Tick,
    },
    Closing {
        until: Tick,
    },
    Closed,
}

impl Phase {
    pub(crate) const fn name(self) -> PhaseName {
        match self {
            Phase::Running => PhaseName::Running,
            Phase::Draining { .. } => PhaseName::Draining,
            Phase::Closing { .. } => PhaseName::Closing,
            Phase::Closed => PhaseName::Closed,
        }
    }

    /// When this phase runs out of time.
    pub(crate) const fn until(self) -> Tick {
        match self {
            Phase::Running | Phase::Closed => Tick::NEVER,
            Phase::Draining { until, .. } | Phase::Closing { until } => until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EDGES;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn the_diagram_is_the_table() {
        let drawn: Vec<String> = include_str!("phase.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! "))
            .filter(|line| line.contains("->"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let meant: Vec<String> = EDGES
            .iter()
            .map(|(from, to, cause)| format!("{from:?} -> {to:?} : {cause:?}"))
            .collect();
        assert_eq!(drawn, meant);
    }

    #[test]
    fn s1_no_edge_leads_back() {
        assert!(EDGES.iter().all(|(from, to, _)| from < to));
    }
}
