//! How far the staging of one open file is, for whoever began it and goes on with other things (G7).

use crate::batch::Progress;
use crate::handle::Handle;
use crate::pace::Pace;
use crate::sync::{Mutex, lock};
use staging_core::{Life, Why};
use std::time::{Duration, Instant};

/// Looks at a staging from the moment it was begun until it has ended, and then shows how it ended.
#[derive(Debug)]
pub struct Gauge {
    began: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
enum Seen {
    UnderWay(Pace),
    Ended(Progress),
}

impl Gauge {
    /// Begins to look, now.
    pub fn begin() -> Gauge {
        Gauge {
            began: Instant::now(),
            seen: Mutex::new(Seen::UnderWay(Pace::default())),
        }
    }

    /// How far it is; once it has ended, how far it was then.
    pub fn look(&self, handle: &Handle) -> Progress {
        let elapsed = self.began.elapsed();
        let mut seen = lock(&self.seen);
        let pace = match &mut *seen {
            Seen::Ended(progress) => return *progress,
            Seen::UnderWay(pace) => pace,
        };
        let Some(staging) = handle.staging() else {
            let progress = progress(Ending::Failed, [0, 0], elapsed, 0.0);
            *seen = Seen::Ended(progress);
            return progress;
        };
        let (ending, done) = match staging.life {
            Life::Staging { done, .. } => {
                pace.look(elapsed, done);
                return progress(Ending::NotYet, [done, staging.len], elapsed, pace.rate());
            }
            // What stays on the disk because there is no room was dealt with all the same.
            Life::Staged(_) | Life::NotStaged(Why::OverBudget) => (Ending::Well, staging.len),
            Life::NotStaged(_) => (Ending::Failed, 0),
        };
        let mut whole = Pace::default();
        whole.look(elapsed, done);
        let progress = progress(ending, [done, staging.len], elapsed, whole.rate());
        *seen = Seen::Ended(progress);
        progress
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    Well,
    Failed,
}

/// The progress of a batch of one.
fn progress(ending: Ending, [done, known]: [u64; 2], elapsed: Duration, rate: f64) -> Progress {
    Progress {
        files_done: u64::from(ending != Ending::NotYet),
        files_taken: 1,
        list_ended: true,
        failed: u64::from(ending == Ending::Failed),
        bytes_done: done,
        bytes_known: known,
        elapsed,
        rate,
    }
}
