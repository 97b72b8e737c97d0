//! What happened at least once in a world, in words: a world that never gets somewhere proves
//! nothing about it.

use staging_core::{
    Access, Bound, Cause, Done, Fault, How, IoKind, LockStep, Outcome, PhaseName, Reject,
    ReplaceStep, Standing, Tell, Why,
};

/// Which words were reached, a bit each.
#[derive(Clone, Default)]
pub(crate) struct Reached(u128);

/// The words, each at its bit.
const WORDS: [&str; 91] = [
    "opened staged empty",
    "opened staged loaded",
    "opened staged mapped",
    "opened staged mapped shared",
    "opened never asked",
    "opened unstaged",
    "opened cancelled",
    "opened over budget",
    "opened evicted",
    "opened changed",
    "opened written",
    "opened failed",
    "staged",
    "staged not",
    "unstaged",
    "read",
    "from contents",
    "written",
    "length set",
    "flushed",
    "synced",
    "sync failed",
    "closed",
    "failed os",
    "failed replaced",
    "failed truncated",
    "failed changed",
    "failed over budget",
    "failed no mapping",
    "failed sync failed",
    "failed cancelled",
    "failed deadline",
    "failed shutting down",
    "failed abandoned",
    "failed driver lost",
    "failed otherwise",
    "unknown done",
    "bytes done",
    "progress",
    "withdrawn",
    "room for operations",
    "room on a file",
    "room for handles",
    "room for bytes",
    "room for bytes of a file",
    "abandoned",
    "draining asked",
    "closing drained",
    "closing out of time",
    "closing forced",
    "closed given back",
    "closed out of time",
    "closed driver lost",
    "open",
    "open to write",
    "fetch",
    "look",
    "map",
    "load",
    "reading",
    "writing",
    "setting length",
    "sync",
    "release",
    "close",
    "full of operations",
    "full on a file",
    "full of handles",
    "full of bytes",
    "full of bytes of a file",
    "refused shutting down",
    "refused read only",
    "refused sync failed",
    "refused bad range",
    "refused unknown handle",
    "refused otherwise",
    "closing otherwise",
    "create",
    "fill",
    "sync of a file to be published",
    "publish",
    "sync of a directory",
    "discard",
    "replaced",
    "try",
    "give back",
    "locked",
    "room for locks",
    "full of locks",
    "accepted",
    "failed sync behind",
];

/// Where the words of replacing begin.
const REPLACES: usize = 77;
/// Where those of locking do.
const LOCKS: usize = 84;

impl Reached {
    pub(crate) fn told(&mut self, tell: Tell) {
        match tell {
            Tell::Resolve { outcome, .. } => self.outcome(outcome),
            Tell::Progress { .. } => self.mark(38),
            Tell::Withdrawn { .. } => self.mark(39),
            Tell::Room {
                bound: Bound::Locks,
            } => self.mark(LOCKS + 3),
            Tell::Room { bound } => self.mark(40 + place(bound)),
            Tell::Abandoned { .. } => self.mark(45),
            Tell::Phase { phase, cause } => self.mark(match (phase, cause) {
                (PhaseName::Draining, _) => 46,
                (PhaseName::Closing, Cause::Drained) => 47,
                (PhaseName::Closing, Cause::OutOfTime) => 48,
                (PhaseName::Closing, Cause::Forced) => 49,
                (PhaseName::Closed, Cause::GivenBack) => 50,
                (PhaseName::Closed, Cause::OutOfTime) => 51,
                (PhaseName::Closed, Cause::DriverLost) => 52,
                _ => 76,
            }),
        }
    }

    pub(crate) fn asked_for(&mut self, kind: IoKind) {
        self.mark(match kind {
            IoKind::Open {
                access: Access::Read,
                ..
            } => 53,
            IoKind::Open {
                access: Access::Write | Access::WriteThrough | Access::WriteBehind,
                ..
            } => 54,
            IoKind::Fetch { .. } => 55,
            IoKind::Look { .. } => 56,
            IoKind::Map { .. } => 57,
            IoKind::Load { .. } => 58,
            IoKind::Read { .. } => 59,
            IoKind::Write { .. } => 60,
            IoKind::SetLength { .. } => 61,
            IoKind::Sync { .. } => 62,
            IoKind::Lock { step, .. } => match step {
                LockStep::Try { .. } => LOCKS,
                LockStep::Release => LOCKS + 1,
            },
            IoKind::Release { .. } => 63,
            IoKind::Close { .. } => 64,
            IoKind::Replace { step, .. } => match step {
                ReplaceStep::Create { .. } => REPLACES,
                ReplaceStep::Fill { .. } => REPLACES + 1,
                ReplaceStep::SyncFile { .. } => REPLACES + 2,
                ReplaceStep::Publish { .. } => REPLACES + 3,
                ReplaceStep::SyncDirectory => REPLACES + 4,
                ReplaceStep::Discard => REPLACES + 5,
            },
        });
    }

    pub(crate) fn refused(&mut self, reject: Reject) {
        self.mark(match reject {
            Reject::Full(Bound::Locks) => LOCKS + 4,
            Reject::Full(bound) => 65 + place(bound),
            Reject::ShuttingDown => 70,
            Reject::ReadOnly => 71,
            Reject::SyncFailed => 72,
            Reject::BadRange => 73,
            Reject::UnknownHandle => 74,
            _ => 75,
        });
    }

    fn outcome(&mut self, outcome: Outcome) {
        let bit = match outcome {
            Outcome::Opened { standing, .. } => match standing {
                Standing::Staged(How::Empty) => 0,
                Standing::Staged(How::Loaded) => 1,
                Standing::Staged(How::Mapped) => 2,
                Standing::Staged(How::MappedShared) => 3,
                Standing::NotStaged(why) => 4 + because(why),
            },
            Outcome::Staged {
                standing: Standing::Staged(_),
                ..
            } => 12,
            Outcome::Staged { .. } => 13,
            Outcome::Unstaged => 14,
            Outcome::Read { .. } => 15,
            Outcome::FromContents { .. } => 16,
            Outcome::Written { .. } => 17,
            Outcome::LengthSet => 18,
            Outcome::Flushed => 19,
            Outcome::Synced => 20,
            Outcome::SyncFailed { .. } => 21,
            Outcome::Closed => 22,
            Outcome::Replaced => REPLACES + 6,
            Outcome::Locked { .. } => LOCKS + 2,
            Outcome::Accepted { .. } => LOCKS + 5,
            Outcome::Failed { fault, done } => {
                match done {
                    Done::Nothing => {}
                    Done::Unknown => self.mark(36),
                    Done::Bytes(_) => self.mark(37),
                }
                match fault {
                    Fault::SyncBehind(_) => LOCKS + 6,
                    fault => 23 + failure(fault),
                }
            }
        };
        self.mark(bit);
    }

    fn mark(&mut self, bit: usize) {
        self.0 |= 1 << bit;
    }

    /// Those of some words that were never reached.
    pub(crate) fn missing(&self, words: &[&'static str]) -> Vec<&'static str> {
        let reached = |word: &&str| {
            let bit = WORDS.iter().position(|known| known == word);
            bit.is_some_and(|bit| self.0 & (1 << bit) != 0)
        };
        words
            .iter()
            .filter(|word| !reached(word))
            .copied()
            .collect()
    }

    /// All that were reached.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let all = WORDS.iter().enumerate();
        all.filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, word)| *word)
            .collect()
    }
}

fn because(why: Why) -> usize {
    match why {
        Why::NeverAsked => 0,
        Why::Unstaged => 1,
        Why::Cancelled => 2,
        Why::OverBudget => 3,
        Why::Evicted => 4,
        Why::Changed => 5,
        Why::Written => 6,
        Why::Failed(_) => 7,
    }
}

fn failure(fault: Fault) -> usize {
    match fault {
        Fault::Os(_) => 0,
        Fault::Replaced => 1,
        Fault::Truncated => 2,
        Fault::Changed => 3,
        Fault::OverBudget => 4,
        Fault::NoMapping => 5,
        Fault::SyncFailed => 6,
        Fault::Cancelled => 7,
        Fault::Deadline => 8,
        Fault::ShuttingDown => 9,
        Fault::Abandoned => 10,
        Fault::DriverLost => 11,
        _ => 12,
    }
}

fn place(bound: Bound) -> usize {
    match bound {
        Bound::Operations => 0,
        Bound::FileOperations(_) => 1,
        Bound::Handles => 2,
        Bound::Bytes => 3,
        // Locks have words of their own.
        Bound::FileBytes(_) | Bound::Locks => 4,
    }
}
