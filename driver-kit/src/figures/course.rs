//! The course of one operation: noted under the hub's lock, measured outside of it.

use super::RequestKind;
use staging_core::{Class, Machine, OpId, Request, Tick};

/// When an operation was accepted, and handed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    kind: RequestKind,
    class: Class,
    accepted: Tick,
    handed_out: Option<Tick>,
}

impl Course {
    /// Of a request that a machine just accepted as this operation.
    pub fn of(machine: &Machine, op: OpId, request: Request, now: Tick) -> Course {
        let class = machine.class_of_op(op).unwrap_or_default();
        Course::begin(RequestKind::of(request), class, now)
    }

    pub(crate) const fn begin(kind: RequestKind, class: Class, now: Tick) -> Course {
        Course {
            kind,
            class,
            accepted: now,
            handed_out: None,
        }
    }

    /// An action for it is handed out. The first counts.
    pub fn hand_out(&mut self, now: Tick) {
        self.handed_out.get_or_insert(now);
    }

    /// Whoever took the action could not carry it out, and left it to others.
    pub(crate) fn take_back(&mut self) {
        self.handed_out = None;
    }

    /// It is answered.
    pub(crate) fn end(self, now: Tick) -> Sample {
        let waited_until = self.handed_out.unwrap_or(now);
        Sample {
            kind: self.kind,
            class: self.class,
            waiting: waited_until.since(self.accepted),
            service: self.handed_out.map(|handed_out| now.since(handed_out)),
        }
    }
}

/// How long an operation took, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    pub(crate) kind: RequestKind,
    pub(crate) class: Class,
    pub(crate) waiting: u64,
    /// None where nothing was handed out for it.
    pub(crate) service: Option<u64>,
}

/// Samples on their way out of the lock. One alone, as of a lone read, takes no memory.
#[derive(Default)]
pub(crate) struct Samples {
    first: Option<Sample>,
    others: Vec<Sample>,
}

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) {
        match self.first {
            None => self.first = Some(sample),
            Some(_) => self.others.push(sample),
        }
    }

    /// Takes all of them; the memory is kept.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Sample> + '_ {
        self.first.take().into_iter().chain(self.others.drain(..))
    }

    /// Takes the one that there is; nothing where there are more, or none.
    #[cfg(not(any(staging_loom, staging_shuttle)))] // nobody measures in a model
    pub(crate) fn take_alone(&mut self) -> Option<Sample> {
        if self.others.is_empty() {
            self.first.take()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course::begin(RequestKind::Read, Class::Normal, Tick(10))
    }

    #[test]
    fn what_is_handed_out_was_waited_for_until_the_first_time() {
        let mut course = course();
        course.hand_out(Tick(15));
        course.hand_out(Tick(20));
        let Sample {
            waiting, service, ..
        } = course.end(Tick(40));
        assert_eq!((waiting, service), (5, Some(25)));
    }

    #[test]
    fn what_is_never_handed_out_only_waits() {
        let sample = course().end(Tick(40));
        assert_eq!((sample.waiting, sample.service), (30, None));
    }

    #[test]
    fn what_was_taken_in_vain_waits_again() {
        let mut course = course();
        course.hand_out(Tick(15));
        course.take_back();
        course.hand_out(Tick(30));
        let sample = course.end(Tick(40));
        assert_eq!((sample.waiting, sample.service), (20, Some(10)));
    }

    #[test]
    fn all_samples_come_out_in_their_order() {
        let mut samples = Samples::default();
        for round in 0..2 {
            for now in 11..14 {
                samples.add(course().end(Tick(now)));
            }
            let waited: Vec<u64> = samples.drain().map(|sample| sample.waiting).collect();
            assert_eq!(waited, [1, 2, 3], "round {round}");
            assert_eq!(samples.drain().count(), 0);
        }
    }
}
