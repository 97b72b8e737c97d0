//! How long operations took, by kind and by class, as of one look.

use super::course::Sample;
use super::times::Grain;
use super::{RequestKind, Times};
use staging_core::Class;
use std::time::Duration;

/// How long some operations took, each counted when it is answered.
///
/// # Invariants
///
/// `service.count() <= waiting.count()`.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From acceptance until the first action for it was handed out; until its answer, where none was.
    pub waiting: Times,
    /// From there to its answer. Those are not here for which nothing was handed out.
    pub service: Times,
}

impl Timing {
    pub(super) fn none(grain: Grain) -> Timing {
        Timing {
            waiting: Times::none(grain),
            service: Times::none(grain),
        }
    }

    /// How many operations there are.
    pub fn count(&self) -> u64 {
        self.waiting.count()
    }

    /// How long an operation took in the mean, from its acceptance to its answer. `None` if there are
    /// none.
    pub fn mean(&self) -> Option<Duration> {
        let waiting = self.waiting.mean()?.as_secs_f64();
        let service = self.service.mean().unwrap_or_default().as_secs_f64();
        let served = self.service.count() as f64 / self.count() as f64;
        Some(Duration::from_secs_f64(waiting + service * served))
    }

    pub(super) fn record(&mut self, sample: Sample) {
        let Sample {
            waiting, service, ..
        } = sample;
        self.waiting.record(waiting);
        if let Some(service) = service {
            self.service.record(service);
        }
    }

    pub(super) fn add(&mut self, others: &Timing) {
        let Timing { waiting, service } = others;
        self.waiting.add(waiting);
        self.service.add(service);
    }

    pub(super) fn clear(&mut self) {
        let Timing { waiting, service } = self;
        waiting.clear();
        service.clear();
    }
}

/// How long all operations took that were answered until now, or those on one file, by kind and by class. An operation is in
/// the class that it was accepted in, whatever it was lent (R2).
#[derive(Clone, Debug)]
pub struct Timings {
    grain: Grain,
    parts: Vec<(RequestKind, Class, Timing)>,
}

impl Timings {
    pub(super) const fn of(grain: Grain, parts: Vec<(RequestKind, Class, Timing)>) -> Timings {
        Timings { grain, parts }
    }

    /// Of all operations.
    #[must_use]
    pub fn of_all(&self) -> Timing {
        self.sum(|_, _| true)
    }

    /// Of those of one class.
    #[must_use]
    pub fn of_class(&self, class: Class) -> Timing {
        self.sum(|_, other| class == other)
    }

    /// Of those of one kind.
    #[must_use]
    pub fn of_kind(&self, kind: RequestKind) -> Timing {
        self.sum(|other, _| kind == other)
    }

    /// Of those of one kind and one class.
    #[must_use]
    pub fn of_kind_and_class(&self, kind: RequestKind, class: Class) -> Timing {
        self.sum(|other, its| (kind, class) == (other, its))
    }

    fn sum(&self, belongs: impl Fn(RequestKind, Class) -> bool) -> Timing {
        let mut sum = Timing::none(self.grain);
        for (kind, class, timing) in &self.parts {
            if belongs(*kind, *class) {
                sum.add(timing);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_all_also_of_those_that_are_not_served() {
        let mut timing = Timing::none(Grain::Fine);
        assert_eq!(timing.mean(), None);
        for (waiting, service) in [(1_000_000, Some(3_000_000)), (2_000_000, None)] {
            let (kind, class) = (RequestKind::Read, Class::Normal);
            timing.record(Sample {
                kind,
                class,
                waiting,
                service,
            });
        }
        assert_eq!(timing.count(), 2);
        let micros = timing.mean().unwrap_or_default().as_micros();
        assert!(micros.abs_diff(3_000) <= 30, "{micros}");
    }
}
