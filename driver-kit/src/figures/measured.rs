//! Where times are kept, of a hub or of a file: a cell for each kind and class, made when its first time
//! comes.

use super::course::{Sample, Samples};
use super::times::Grain;
use super::{RequestKind, Timing, Timings};
use crate::sync::{Mutex, lock};
use staging_core::Class;

const KINDS: usize = RequestKind::ALL.len();
const CLASSES: usize = Class::ALL.len();

/// All times of a hub, or of a file. What was never measured takes no memory. A cell of a hub takes 60 KiB,
/// and twice that once it was read, so all of them 4 MiB at the very most; one of a file 10 KiB, and what it
/// is for all 32 of them where nothing was measured, 1.3 KiB.
pub(crate) struct Measured {
    grain: Grain,
    cells: [[Cell; CLASSES]; KINDS],
}

/// The times of one kind and class. Whoever ends operations only ever sees `recent`, and whoever reads
/// holds that for no longer than it takes to put another in its place.
#[derive(Default)]
struct Cell {
    recent: Mutex<Option<Box<Timing>>>,
    earlier: Mutex<Earlier>,
}

/// What readers share.
#[derive(Default)]
struct Earlier {
    /// All that was there when somebody last read.
    sum: Option<Box<Timing>>,
    /// Empty, for the next exchange.
    spare: Option<Box<Timing>>,
}

/// Of all files.
impl Default for Measured {
    fn default() -> Measured {
        Measured::of(Grain::Fine)
    }
}

impl Measured {
    /// Of a file.
    pub(crate) fn coarse() -> Measured {
        Measured::of(Grain::Coarse)
    }

    fn of(grain: Grain) -> Measured {
        let cells = Default::default();
        Measured { grain, cells }
    }

    /// Records one time.
    pub(crate) fn record_one(&self, sample: Sample) {
        let mut recent = lock(&self.cell(sample.kind, sample.class).recent);
        recent.get_or_insert_with(|| self.made()).record(sample);
    }

    /// Records times, and takes one lock for those in a row that are of one kind and class.
    pub(crate) fn record(&self, samples: &mut Samples) {
        if let Some(sample) = samples.take_alone() {
            return self.record_one(sample);
        }
        let mut samples = samples.drain().peekable();
        while let Some(sample) = samples.next() {
            let Sample { kind, class, .. } = sample;
            let mut recent = lock(&self.cell(kind, class).recent);
            let timing = recent.get_or_insert_with(|| self.made());
            timing.record(sample);
            while let Some(more) = samples.next_if(|it| (it.kind, it.class) == (kind, class)) {
                timing.record(more);
            }
        }
    }

    const fn cell(&self, kind: RequestKind, class: Class) -> &Cell {
        &self.cells[kind as usize][class as usize]
    }

    pub(crate) fn timings(&self) -> Timings {
        let mut parts = Vec::new();
        for kind in RequestKind::ALL {
            for class in Class::ALL {
                let cell = self.cell(kind, class);
                parts.extend(cell.look().map(|timing| (kind, class, timing)));
            }
        }
        Timings::of(self.grain, parts)
    }

    fn made(&self) -> Box<Timing> {
        Box::new(Timing::none(self.grain))
    }
}

impl Cell {
    fn look(&self) -> Option<Timing> {
        let mut earlier = lock(&self.earlier);
        let Earlier { sum, spare } = &mut *earlier;
        let empty = spare.take();
        let came = std::mem::replace(&mut *lock(&self.recent), empty);
        match (&mut *sum, came) {
            (Some(sum), Some(mut came)) => {
                sum.add(&came);
                came.clear();
                *spare = Some(came);
            }
            (None, came) => *sum = came,
            (Some(_), None) => {}
        }
        sum.as_deref().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: RequestKind, class: Class, waiting: u64) -> Sample {
        let service = waiting.is_multiple_of(2).then_some(waiting);
        Sample {
            kind,
            class,
            waiting,
            service,
        }
    }

    fn record(measured: &Measured, all: impl Iterator<Item = Sample>) {
        let mut samples = Samples::default();
        all.for_each(|sample| samples.add(sample));
        measured.record(&mut samples);
        assert_eq!(samples.drain().count(), 0);
    }

    fn reads(waits: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Sample> {
        let waits = waits.into_iter();
        waits.map(|waiting| sample(RequestKind::Read, Class::Normal, waiting))
    }

    #[test]
    fn each_time_is_kept_where_it_belongs() {
        let measured = Measured::default();
        let write = sample(RequestKind::Write, Class::High, 4);
        let sync = sample(RequestKind::Sync, Class::High, 6);
        record(&measured, reads([1, 2, 3]).chain([write, sync, write]));
        let timings = measured.timings();
        let count = |timing: Timing| (timing.count(), timing.service.count());
        assert_eq!(count(timings.of_all()), (6, 4));
        assert_eq!(count(timings.of_kind(RequestKind::Read)), (3, 1));
        assert_eq!(count(timings.of_kind(RequestKind::Write)), (2, 2));
        assert_eq!(count(timings.of_class(Class::High)), (3, 3));
        assert_eq!(count(timings.of_class(Class::Low)), (0, 0));
        let both = timings.of_kind_and_class(RequestKind::Sync, Class::High);
        assert_eq!(count(both), (1, 1));
    }

    #[test]
    fn whoever_reads_takes_nothing_away() {
        let measured = Measured::default();
        for round in 1..=5 {
            record(&measured, reads([100 * round]));
            for _ in 0..3 {
                let read = measured.timings().of_all();
                assert_eq!(read.count(), round);
                let longest = read.waiting.longest().unwrap_or_default().as_nanos();
                assert!(longest >= u128::from(100 * round), "{longest}");
            }
        }
    }

    /// Another may be at reading for as long as he likes.
    #[test]
    fn whoever_records_needs_nothing_that_readers_hold() {
        let measured = Measured::default();
        let cell = measured.cell(RequestKind::Read, Class::Normal);
        let reading = lock(&cell.earlier);
        record(&measured, reads([7]));
        drop(reading);
        assert_eq!(measured.timings().of_all().count(), 1);
    }

    #[test]
    fn what_was_never_measured_takes_no_memory() {
        let measured = Measured::default();
        record(&measured, reads([5]));
        assert_eq!(measured.timings().of_all().count(), 1);
        let made = measured.cells.iter().flatten();
        let made =
            made.filter(|cell| lock(&cell.recent).is_some() || lock(&cell.earlier).sum.is_some());
        assert_eq!(made.count(), 1);
    }
}
