//! What a hub keeps of its run: a journal in memory, or one in a file.

use super::Hub;
use super::state::State;
use crate::journal::{Journal, Recorder, Recording, Unrecordable};
use crate::path;
use crate::sync::lock;
use staging_core::{Entry, Tick};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::Waker;

/// How long the end of a shutdown waits for its recording, in nanoseconds.
const PATIENCE: u64 = 2_000_000_000;

impl Hub {
    /// Begins to keep a journal of what the machine is told and answers, in memory, for as long as
    /// the hub lives or until [`journal`](Hub::journal) takes it. One that is kept is dropped.
    pub fn record(&self) {
        let mut state = lock(&self.state);
        state.journal = Some(Journal::of(&state.machine));
    }

    /// Takes the journal, if one is kept, and keeps none any more.
    pub fn journal(&self) -> Option<Journal> {
        lock(&self.state).journal.take()
    }

    /// Begins to write a journal of what the machine is told and answers to a new file, for as long
    /// as the hub lives: see [`journal`](crate::journal). A thread writes it, beside the run, which
    /// never waits for it and goes on where it fails; [`recording`](Hub::recording) says how it
    /// stands. The report of a shutdown comes when all of it is written, or two seconds later.
    ///
    /// # Errors
    /// Something was asked of the hub before, or it is recorded already ([`Unrecordable`]). There is
    /// a file already, or it cannot be made.
    pub fn record_to(&self, path: &Path) -> io::Result<()> {
        let path = path::absolute(path).map_err(crate::error::Failure::into_io)?;
        let limits = {
            let state = lock(&self.state);
            state.recordable()?;
            *state.machine.limits()
        };
        let recorder = Arc::new(Recorder::begin(Arc::clone(&path), &limits)?);
        let begun = {
            let mut state = lock(&self.state);
            let recordable = state.recordable();
            if recordable.is_ok() {
                state.recorder = Some(Arc::clone(&recorder));
            }
            recordable
        };
        if begun.is_err() {
            // Somebody was faster. The file is ours, and holds nothing.
            let _ = fs::remove_file(&path);
        }
        begun
    }

    /// How the recording stands, if there is one.
    pub fn recording(&self) -> Option<Recording> {
        let recorder = lock(&self.state).recorder.clone();
        recorder.map(|recorder| recorder.stands())
    }
}

impl State {
    pub(super) fn note(&mut self, entry: Entry) {
        if let Some(journal) = &mut self.journal {
            journal.add(entry);
        }
        if let Some(recorder) = &self.recorder {
            recorder.put(entry);
        }
    }

    fn recordable(&self) -> io::Result<()> {
        let why = match (self.heard, &self.recorder) {
            (_, Some(_)) => Unrecordable::Recorded,
            (0, None) => return Ok(()),
            (_, None) => Unrecordable::Begun,
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }

    /// Whether all of the recording is in its file, or was waited for long enough.
    pub(super) fn is_written(&mut self, now: Tick, waker: &Waker) -> bool {
        let Some(recorder) = &self.recorder else {
            return true;
        };
        let until = *self.patience.get_or_insert(now.plus(PATIENCE));
        if recorder.poll_written(waker).is_pending() && until <= now {
            recorder.give_up();
        }
        let written = recorder.poll_written(waker).is_ready();
        if written {
            self.patience = None;
        }
        written
    }
}
