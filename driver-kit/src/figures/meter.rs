//! The meter: where a driver notes what becomes of operations, and what whoever reads is told.

#[cfg(not(any(staging_loom, staging_shuttle)))]
use super::{Course, Measured, TimesOfFile, Timings};
use super::{Figures, Health, Paces, Samples, Workers};
use crate::sync::{Mutex, lock};
use staging_core::{Class, Machine, Stats, Tick, WriteCounts};
use std::time::Duration;

/// Counts and health of one moment. They are copied, and looked at later.
pub(crate) struct Moment {
    uptime: Duration,
    stats: Stats,
    writes: [WriteCounts; Class::ALL.len()],
    health: Health,
}

impl Moment {
    /// Of a machine whose driver has so many actions with somebody, and such workers.
    pub(crate) fn of(machine: &Machine, now: Tick, under_way: u64, workers: Workers) -> Moment {
        // In the order of their numbers, which is not that of `ALL`.
        let mut writes = [WriteCounts::default(); Class::ALL.len()];
        for class in Class::ALL {
            writes[class as usize] = *machine.writes_of(class);
        }
        Moment {
            uptime: Duration::from_nanos(now.0),
            stats: *machine.stats(),
            writes,
            health: Health::of(machine, under_way, workers),
        }
    }
}

/// What a driver measures. The hub has one; a driver without a hub has its own.
#[derive(Default)]
pub struct Meter {
    /// What readers of figures have in common.
    paces: Mutex<Paces>,
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    measured: Measured,
}

impl Meter {
    /// Nothing was measured yet.
    #[must_use]
    pub fn new() -> Meter {
        Meter::default()
    }

    pub(crate) fn figures_of(&self, moment: Moment) -> Figures {
        let Moment {
            uptime,
            stats,
            writes,
            health,
        } = moment;
        let rates = lock(&self.paces).look(uptime, &stats);
        Figures {
            uptime,
            stats,
            health,
            answered: rates.answered,
            staged: rates.staged,
            written: rates.written,
            writes,
        }
    }
}

#[cfg(not(any(staging_loom, staging_shuttle)))]
impl Meter {
    /// Counts, rates and health of a machine as of now, whose driver has so many actions with somebody.
    pub fn figures(
        &self,
        machine: &Machine,
        now: Tick,
        under_way: u64,
        workers: Workers,
    ) -> Figures {
        self.figures_of(Moment::of(machine, now, under_way, workers))
    }

    /// An operation is answered: its times are noted, and where those of its file are kept, there too.
    pub fn note(&self, course: Course, times: &TimesOfFile, now: Tick) {
        let sample = course.end(now);
        self.measured.record_one(sample);
        times.record(sample);
    }

    /// How long the operations took that are answered.
    pub fn timings(&self) -> Timings {
        self.measured.timings()
    }

    pub(crate) fn record(&self, samples: &mut Samples) {
        self.measured.record(samples);
    }
}

/// A model looks at what is decided, and not at how long it took.
#[cfg(any(staging_loom, staging_shuttle))]
impl Meter {
    pub(crate) fn record(&self, samples: &mut Samples) {
        samples.drain().for_each(drop);
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}
