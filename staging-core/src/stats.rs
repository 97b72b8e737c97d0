//! What the machine counts. No decision depends on a count, but one: draining ends when nothing is
//! pending any more.

use crate::action::{Done, Outcome};
use crate::fault::Fault;

/// Counts since the machine was made, and high-water marks.
///
/// # Invariants
///
/// `accepted = completed + failed + cancelled + expired + abandoned + pending`, at every moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stats {
    /// Requests accepted.
    pub accepted: u64,
    /// Requests refused.
    pub rejected: u64,
    /// Outcomes that were a success.
    pub completed: u64,
    /// Outcomes that were a failure of the world.
    pub failed: u64,
    /// Outcomes that were a caller's cancel or a shutdown's refusal to go on.
    pub cancelled: u64,
    /// Outcomes that were a passed deadline.
    pub expired: u64,
    /// Outcomes that were given up by a shutdown or lost with the driver.
    pub abandoned: u64,
    /// Operations accepted and not yet answered.
    pub pending: u64,
    /// The most that were pending at once.
    pub most_pending: u64,
    /// Events that changed nothing.
    pub ignored: u64,
    /// Events whose time lay before an earlier one's.
    pub backwards: u64,
    /// Actions handed out.
    pub issued: u64,
    /// Stagings that ended with the file in memory.
    pub staged: u64,
    /// Bytes of files brought into memory by those.
    pub staged_bytes: u64,
    /// Stagings that began again because the file changed (G5).
    pub restarts: u64,
    /// Opens that found their file staged or being staged by another (G9).
    pub shared: u64,
    /// Writes executed.
    pub written: u64,
    /// Bytes of those.
    pub written_bytes: u64,
    /// Writes that went to the system together with another (R7).
    pub merged: u64,
    /// Bytes of writes that failed after they had been answered as accepted, when nobody was left who
    /// could be told (R8, S8).
    pub lost_bytes: u64,
    /// Replaces that were published.
    pub replaced: u64,
    /// Contents of replaces that were written again, into a new file, because the sync of the first failed
    /// (A1).
    pub rewritten: u64,
    /// Locks that were granted.
    pub locked: u64,
    /// Tries that found another process in the way.
    pub contended: u64,
    /// System syncs that returned success, of files and of directories.
    pub synced: u64,
    /// System syncs that failed.
    pub syncs_failed: u64,
    /// Files whose sync failed and that are still open by handles of before: these refuse writes and
    /// syncs (R8).
    pub unsyncable: u64,
    /// Files given up because others needed the room (G10).
    pub evicted: u64,
    /// Stagings by `Auto` that the budget had no room for: their files stay on the disk (G10).
    pub left_over_budget: u64,
    /// Stagings by an explicit mode that failed because the budget had no room (G10).
    pub refused_over_budget: u64,
    /// Stagings that had to wait for room in the budget, as they had asked to (G10).
    pub waited_for_room: u64,
    /// Idle descriptors closed because others needed them.
    pub descriptors_recycled: u64,
    /// The most bytes of budget ever taken at once.
    pub most_charged: u64,
}

/// How an accepted operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Completed,
    Failed,
    Cancelled,
    Expired,
    Abandoned,
}

impl Ending {
    pub(crate) const fn of(outcome: Outcome) -> Ending {
        match (outcome, outcome.fault()) {
            (_, None) => Ending::Completed,
            // It went to its end, and says which files it could not sync.
            (Outcome::SyncFailed { .. }, Some(_)) => Ending::Failed,
            (_, Some(fault)) => match fault {
                Fault::Cancelled | Fault::ShuttingDown => Ending::Cancelled,
                Fault::Deadline => Ending::Expired,
                Fault::Abandoned | Fault::DriverLost => Ending::Abandoned,
                _ => Ending::Failed,
            },
        }
    }
}

/// What became of the writes, appends and changes of the length of one class, or to one file.
///
/// # Invariants
///
/// `accepted = completed + failed + cancelled + expired + abandoned + pending`, at every moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct WriteCounts {
    /// Those that were accepted.
    pub accepted: u64,
    /// Executed, and durable where that was asked for.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Given up by their callers, or refused to go on by a shutdown.
    pub cancelled: u64,
    /// Given up at their deadlines.
    pub expired: u64,
    /// Given up by a shutdown, or lost with the driver.
    pub abandoned: u64,
    /// Accepted and not over.
    pub pending: u64,
    /// The most that were pending at once.
    pub most_pending: u64,
    /// Bytes that were executed, also of those that failed halfway.
    pub bytes: u64,
}

impl WriteCounts {
    pub(crate) fn enter(&mut self) {
        self.accepted += 1;
        self.pending += 1;
        self.most_pending = self.most_pending.max(self.pending);
    }

    pub(crate) fn leave(&mut self, outcome: Outcome) {
        self.pending -= 1;
        let column = match Ending::of(outcome) {
            Ending::Completed => &mut self.completed,
            Ending::Failed => &mut self.failed,
            Ending::Cancelled => &mut self.cancelled,
            Ending::Expired => &mut self.expired,
            Ending::Abandoned => &mut self.abandoned,
        };
        *column += 1;
        let bytes = match outcome {
            Outcome::Written { bytes, .. }
            | Outcome::Failed {
                done: Done::Bytes(bytes),
                ..
            } => bytes,
            _ => 0,
        };
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
