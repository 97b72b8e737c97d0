//! What is counted and measured of a hub, and how it stands.

use super::Hub;
use super::state::State;
#[cfg(not(any(staging_loom, staging_shuttle)))]
use crate::figures::Timings;
use crate::figures::{Course, Figures, FileBacklog, Moment, Samples, TimesOfFile};
use crate::sync::lock;
use staging_core::{Backlog, Class, HandleId, IoId, OpId, Request, Stats, Subject, WriteCounts};
use std::path::Path;
use std::sync::Arc;

impl Hub {
    /// What the machine has counted.
    pub fn stats(&self) -> Stats {
        *lock(&self.state).machine.stats()
    }

    /// What became of the writes of a class.
    pub fn writes_of(&self, class: Class) -> WriteCounts {
        *lock(&self.state).machine.writes_of(class)
    }

    /// What became of the writes to a file since it was opened for writing; `None` where it is not.
    pub fn writes_to(&self, handle: HandleId) -> Option<WriteCounts> {
        lock(&self.state).machine.writes_to(handle).copied()
    }

    /// Counts, rates and health, as of one moment. The hub's lock is held for the time that it takes to copy
    /// them, about a tenth of a microsecond.
    pub fn figures(&self) -> Figures {
        let moment = {
            let state = lock(&self.state);
            let now = self.clock.now();
            let waiting = state.deferred.len() + state.parked.len();
            let under_way = state.under_way.saturating_sub(waiting as u64);
            let workers = state.crew.workers(now, state.has_work());
            Moment::of(&state.machine, now, under_way, workers)
        };
        self.meter.figures_of(moment)
    }

    /// What is accepted and not over, by path, as of one moment, and which files are dirty or cannot be
    /// synced (R12). In the order of the paths. What is asked of all files is of none, and not there.
    ///
    /// The hub's lock is held for a walk over the operations that there are, and over the files that are open
    /// for writing.
    pub fn backlog(&self) -> Vec<FileBacklog> {
        let pieces = lock(&self.state).backlog();
        FileBacklog::by_path(pieces)
    }

    /// The same of one open file; `None` where it is not open.
    pub fn backlog_of(&self, handle: HandleId) -> Option<Backlog> {
        let state = lock(&self.state);
        let file = state.machine.file_of(handle)?;
        Some(state.machine.backlog_of(file))
    }

    /// How the operations waited and were served that were answered until now. The hub's lock is not
    /// taken, and nobody who works is held up for longer than it takes to exchange two pointers; the
    /// histograms are copied, 60 KiB for each kind and class that there was.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn timings(&self) -> Timings {
        self.meter.timings()
    }

    /// The times of what is asked of an open file are kept apart from now on, whoever asks it.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn keep_times(&self, handle: HandleId) {
        let mut state = lock(&self.state);
        if let Some(file) = state.machine.file_of(handle)
            && let Some(row) = state.row(file)
        {
            row.times.keep();
            state.times_files = true;
        }
    }

    /// How the operations on an open file waited and were served since its times are kept; `None` where they
    /// are not, or it is not open.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn timings_of(&self, handle: HandleId) -> Option<Timings> {
        let times = {
            let state = lock(&self.state);
            let file = state.machine.file_of(handle)?;
            state.table.files.get(file)?.times.clone()
        };
        times.timings()
    }

    pub(super) fn measure(&self, samples: &mut Samples) {
        self.meter.record(samples);
    }
}

impl State {
    pub(super) fn begin_course(&self, op: OpId, request: Request) -> Course {
        Course::of(&self.machine, op, request, self.now)
    }

    /// Where the times of what is asked of a handle are noted, beside those of all.
    pub(super) fn times_of(&self, handle: Option<HandleId>) -> TimesOfFile {
        let kept = handle.filter(|_| self.times_files);
        let file = kept.and_then(|handle| self.machine.file_of(handle));
        let row = file.and_then(|file| self.table.files.get(file));
        row.map_or_else(TimesOfFile::default, |row| row.times.clone())
    }

    /// Whoever is to carry an action out has it.
    pub(super) fn hand_out(&mut self, io: IoId) {
        for op in self.machine.askers(io) {
            if let Some(row) = self.table.op(op) {
                row.course.hand_out(self.now);
            }
        }
    }

    /// The caller has the action himself.
    pub(super) fn keep_own(&mut self, op: OpId) {
        if let Some(row) = self.table.op(op) {
            row.course.hand_out(self.now);
        }
    }

    /// Whoever had the action of an operation left it to others.
    pub(super) fn take_back(&mut self, op: OpId) {
        if let Some(row) = self.table.op(op) {
            row.course.take_back();
        }
    }

    fn backlog(&self) -> Vec<FileBacklog> {
        let pieces = self.machine.backlog();
        let of_path = |(subject, backlog)| {
            let path = self.path_of_subject(subject);
            FileBacklog { path, backlog }
        };
        pieces.map(of_path).collect()
    }

    fn path_of_subject(&self, subject: Subject) -> Arc<Path> {
        match subject {
            Subject::File(file) => self.table.file_path(file),
            Subject::Opening(handle) => self.table.path_of(handle),
            Subject::Replace(op) => self.table.replaced_path(op),
            Subject::Lock(lock) => self.table.lock_path(lock),
        }
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the hub's lock needs a model
mod tests {
    use super::*;
    use crate::figures::RequestKind;
    use crate::signals::Press;
    use staging_core::Tick;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    /// After this long somebody is taken to hang.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// While one has the hub's lock, another measures and reads the times.
    #[test]
    fn times_are_recorded_and_read_without_the_lock() -> Result<(), RecvTimeoutError> {
        let hub = Hub::alone();
        let held = lock(&hub.state);
        let (reader, (tell, told)) = (Arc::clone(&hub), channel());
        thread::spawn(move || {
            let course = Course::begin(RequestKind::Read, Class::Normal, Tick::ZERO);
            let mut samples = Samples::default();
            samples.add(course.end(Tick(5)));
            reader.measure(&mut samples);
            tell.send(reader.timings().of_all().count())
        });
        let count = told.recv_timeout(PATIENCE);
        drop(held);
        assert_eq!(count?, 1);
        Ok(())
    }

    /// S6, S8.
    #[test]
    fn a_signal_is_a_reason() {
        for press in [Press::Graceful, Press::Force] {
            let hub = Hub::alone();
            press.shut_down(&Arc::downgrade(&hub), staging_core::Grace::default());
            let reason = lock(&hub.state).reason.clone();
            assert_eq!(reason.as_deref(), Some("a signal came"));
        }
    }
}
