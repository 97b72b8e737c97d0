//! What is counted and measured of a simulation, on its own clock, and how it stands.

use super::Simulation;
use driver_kit::figures::{Figures, FileBacklog, TimesOfFile, Timings, Workers};
use staging_core::{HandleId, IoId, Subject};
use std::path::Path;
use std::sync::Arc;

/// The disk carries everything out, and is never short of hands.
const NOBODY: Workers = Workers {
    at_work: 0,
    most: 0,
    stuck_for: None,
};

impl Simulation {
    /// Counts, rates and health, as of now. Time is that of the simulation; there are no workers.
    pub fn figures(&self) -> Figures {
        let under_way = self.flights.iter().flatten().count() as u64;
        self.meter
            .figures(&self.machine, self.now, under_way, NOBODY)
    }

    /// How long operations waited and were served that are answered, in the time of the simulation.
    pub fn timings(&self) -> Timings {
        self.meter.timings()
    }

    /// The times of what is asked of an open file are kept apart from now on, whoever asks it.
    pub fn keep_times(&mut self, handle: HandleId) {
        let file = self.machine.file_of(handle);
        if let Some(row) = file.and_then(|file| self.tables.files.get_mut(file)) {
            row.times.keep();
        }
    }

    /// How long operations on an open file took since that is kept; `None` where it is not.
    pub fn timings_of(&self, handle: HandleId) -> Option<Timings> {
        self.times_of(Some(handle)).timings()
    }

    /// What is accepted and not over, by path, in their order (R12).
    pub fn backlog(&self) -> Vec<FileBacklog> {
        let pieces = self.machine.backlog().map(|(subject, backlog)| {
            let path = match subject {
                Subject::File(file) => self.path_of(file),
                Subject::Opening(handle) => self.tables.path(handle),
                Subject::Replace(op) => {
                    let row = self.tables.replacing.get(op);
                    row.map_or_else(|| "?".into(), |row| Arc::clone(&row.path))
                }
                // They have a number here, and no path.
                Subject::Lock(_) => "?".into(),
            };
            let path = Path::new(&*path).into();
            FileBacklog { path, backlog }
        });
        FileBacklog::by_path(pieces.collect())
    }

    pub(super) fn times_of(&self, handle: Option<HandleId>) -> TimesOfFile {
        let file = handle.and_then(|handle| self.machine.file_of(handle));
        let row = file.and_then(|file| self.tables.files.get(file));
        row.map_or_else(TimesOfFile::default, |row| row.times.clone())
    }

    /// The disk has an action.
    pub(super) fn hand_out(&mut self, io: IoId) {
        for op in self.machine.askers(io) {
            if let Some(row) = self.tables.ops.get_mut(op) {
                row.course.hand_out(self.now);
            }
        }
    }
}
