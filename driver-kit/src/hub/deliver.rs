//! What leaves the lock: answers, results, notices and wake-ups, each delivered outside of it.

use super::Hub;
use super::slot::{Answer, Slot};
use super::table::Table;
use crate::batch::{Batch, Item};
use crate::figures::{Sample, Samples, TimesOfFile};
use crate::journal::Recorder;
use crate::perform::{Locked, Temporary};
use staging_core::{Event, LockId, OpId};
use std::sync::Arc;
use std::task::Waker;

/// Filled under the lock, emptied outside; kept by its thread, so that it allocates rarely.
#[derive(Default)]
pub(crate) struct Deliveries {
    pub(super) answers: Vec<(Arc<Slot>, Answer)>,
    pub(super) results: Vec<(Arc<Batch>, Answer)>,
    /// Observers have something to be told.
    pub(super) noticed: bool,
    pub(super) wakers: Vec<Waker>,
    /// Files of batches that the machine refused.
    pub(crate) refused: Vec<(Arc<Batch>, Item)>,
    /// Batches that need the hub no more. Dropped outside: they may hold the last of their files.
    pub(crate) spent: Vec<Arc<Batch>>,
    /// Which operation the holder of the lock waits for, and its answer.
    pub(super) mine: Option<OpId>,
    pub(super) here: Option<Answer>,
    /// How long took what was answered.
    pub(super) samples: Samples,
    /// The same, of files whose times are kept.
    pub(super) of_files: Vec<(TimesOfFile, Sample)>,
    /// Whoever may have something to write now.
    pub(super) recorder: Option<Arc<Recorder>>,
    /// Temporary files that nobody needs any more. Dropped outside: that closes them.
    pub(super) outdated: Vec<Arc<Temporary>>,
    /// Locks that nobody has any more. Dropped outside: that closes their files.
    pub(super) unlocked: Vec<Locked>,
    /// Locks that are to be given back.
    pub(super) given_back: Vec<LockId>,
    /// Whoever is to look again, without an answer.
    pub(super) nudged: Vec<Arc<Slot>>,
    /// What the table still had when the machine closed.
    pub(super) rest: Option<Table>,
}

impl Deliveries {
    /// Delivers everything but `here`, in the order: times, locks that go back, answers, results, notices,
    /// wake-ups. Whoever hears that a replace is over finds nothing of it open, and whoever has an answer
    /// finds it measured.
    pub(super) fn deliver(&mut self, hub: &Arc<Hub>) {
        hub.measure(&mut self.samples);
        for (times, sample) in self.of_files.drain(..) {
            times.record(sample);
        }
        self.outdated.clear();
        if let Some(recorder) = self.recorder.take() {
            recorder.ring();
        }
        // Before the answers: whoever hears that he is done may ask again.
        for lock in self.given_back.drain(..) {
            hub.say(Event::Unlocked { lock });
        }
        for (slot, mut answer) in self.answers.drain(..) {
            answer.arm(hub);
            slot.put(answer);
        }
        for (batch, mut answer) in self.results.drain(..) {
            answer.arm(hub);
            batch.take_result(answer);
        }
        for (batch, item) in self.refused.drain(..) {
            batch.add(item);
        }
        if std::mem::take(&mut self.noticed) {
            hub.observers().tell_kept();
        }
        for slot in self.nudged.drain(..) {
            slot.nudge();
        }
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
        self.spent.clear();
        self.unlocked.clear();
        drop(self.rest.take());
    }
}
