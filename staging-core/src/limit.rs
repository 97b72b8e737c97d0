//! One bound of the machine, and what it is to be from now on; and the bounds of a single file.

use crate::class::Turns;
use crate::limits::Limits;
use core::fmt;

/// One field of [`Limits`], changed while the machine runs by
/// [`Event::Limited`](crate::Event::Limited) (R12).
///
/// There is none that cannot be changed: nothing in the machine has a size that was fixed when it was
/// made. What is lowered below what is there takes nothing away; it lets nothing in until there is room.
/// So the machine's memory is a function of the highest limits that it ever had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Limit {
    /// [`Limits::operations`].
    Operations(u32),
    /// [`Limits::operations_per_file`]: of all files whose own is not set.
    OperationsPerFile(u32),
    /// [`Limits::bytes`].
    Bytes(u64),
    /// [`Limits::bytes_per_file`]: of all files whose own is not set.
    BytesPerFile(u64),
    /// [`Limits::handles`]. Lowered, files that only linger make room at once.
    Handles(u32),
    /// [`Limits::locks`].
    Locks(u32),
    /// [`Limits::descriptors`]. Lowered, idle ones are closed at once, and others when they are idle.
    Descriptors(u32),
    /// [`Limits::budget`]. Lowered, what nobody holds is given up at once, and nothing is taken from who
    /// holds it; who waits for more room than there will ever be is told so (G10).
    Budget(u64),
    /// [`Limits::linger`]. Lowered, what lingered the longest is given up at once.
    Linger(u64),
    /// [`Limits::fetch`], from the next open on.
    Fetch(u64),
    /// [`Limits::chunk`], from the next action on.
    Chunk(u64),
    /// [`Limits::restarts`].
    Restarts(u8),
    /// [`Limits::merge`], from the next action on.
    Merge(u32),
    /// [`Limits::merge_bytes`], from the next action on.
    MergeBytes(u64),
    /// [`Limits::turns`], from the next action on. Turns begin anew.
    Turns(Turns),
}

impl Limit {
    /// The name of the field.
    pub const fn name(self) -> &'static str {
        match self {
            Limit::Operations(_) => "operations",
            Limit::OperationsPerFile(_) => "operations_per_file",
            Limit::Bytes(_) => "bytes",
            Limit::BytesPerFile(_) => "bytes_per_file",
            Limit::Handles(_) => "handles",
            Limit::Locks(_) => "locks",
            Limit::Descriptors(_) => "descriptors",
            Limit::Budget(_) => "budget",
            Limit::Linger(_) => "linger",
            Limit::Fetch(_) => "fetch",
            Limit::Chunk(_) => "chunk",
            Limit::Restarts(_) => "restarts",
            Limit::Merge(_) => "merge",
            Limit::MergeBytes(_) => "merge_bytes",
            Limit::Turns(_) => "turns",
        }
    }

    /// Whether a machine can go on with it. A machine that is made counts such a 0 as 1; one that runs
    /// refuses it, because whoever asks for it then means something that will not happen.
    pub const fn is_sensible(self) -> bool {
        match self {
            Limit::Operations(most)
            | Limit::OperationsPerFile(most)
            | Limit::Handles(most)
            | Limit::Locks(most)
            | Limit::Descriptors(most)
            | Limit::Merge(most) => most > 0,
            Limit::Chunk(bytes) => bytes > 0,
            Limit::Bytes(_)
            | Limit::BytesPerFile(_)
            | Limit::Budget(_)
            | Limit::Linger(_)
            | Limit::Fetch(_)
            | Limit::Restarts(_)
            | Limit::MergeBytes(_)
            | Limit::Turns(_) => true,
        }
    }
}

impl Limits {
    /// Each of them, as what it is to be.
    pub const fn each(&self) -> [Limit; 15] {
        // By name, so that a new field breaks the build here.
        let Limits {
            operations,
            operations_per_file,
            bytes,
            bytes_per_file,
            handles,
            locks,
            descriptors,
            budget,
            linger,
            fetch,
            chunk,
            restarts,
            merge,
            merge_bytes,
            turns,
        } = *self;
        [
            Limit::Operations(operations),
            Limit::OperationsPerFile(operations_per_file),
            Limit::Bytes(bytes),
            Limit::BytesPerFile(bytes_per_file),
            Limit::Handles(handles),
            Limit::Locks(locks),
            Limit::Descriptors(descriptors),
            Limit::Budget(budget),
            Limit::Linger(linger),
            Limit::Fetch(fetch),
            Limit::Chunk(chunk),
            Limit::Restarts(restarts),
            Limit::Merge(merge),
            Limit::MergeBytes(merge_bytes),
            Limit::Turns(turns),
        ]
    }

    /// What has to be changed to get from these to others: each an
    /// [`Event::Limited`](crate::Event::Limited) of its own.
    ///
    /// ```
    /// use staging_core::{Limit, Limits};
    ///
    /// let now = Limits::default();
    /// let later = Limits { operations: 8, budget: 1 << 30, ..now };
    /// let changes: Vec<Limit> = now.changes(&later).collect();
    /// assert_eq!(changes, [Limit::Operations(8), Limit::Budget(1 << 30)]);
    /// ```
    pub fn changes(&self, others: &Limits) -> impl Iterator<Item = Limit> + use<> {
        let pairs = self.each().into_iter().zip(others.each());
        pairs.filter(|(old, new)| old != new).map(|(_, new)| new)
    }

    /// Looks for a bound with which no machine can go on, as a running one would refuse it.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self) -> Result<(), BadLimit> {
        let bad = self.each().into_iter().find(|limit| !limit.is_sensible());
        bad.map_or(Ok(()), |limit| Err(BadLimit(limit)))
    }

    /// These, but for this one.
    #[must_use]
    pub const fn with(mut self, limit: Limit) -> Limits {
        match limit {
            Limit::Operations(most) => self.operations = most,
            Limit::OperationsPerFile(most) => self.operations_per_file = most,
            Limit::Bytes(most) => self.bytes = most,
            Limit::BytesPerFile(most) => self.bytes_per_file = most,
            Limit::Handles(most) => self.handles = most,
            Limit::Locks(most) => self.locks = most,
            Limit::Descriptors(most) => self.descriptors = most,
            Limit::Budget(most) => self.budget = most,
            Limit::Linger(most) => self.linger = most,
            Limit::Fetch(most) => self.fetch = most,
            Limit::Chunk(most) => self.chunk = most,
            Limit::Restarts(most) => self.restarts = most,
            Limit::Merge(most) => self.merge = most,
            Limit::MergeBytes(most) => self.merge_bytes = most,
            Limit::Turns(turns) => self.turns = turns,
        }
        self
    }
}

/// A bound with which no machine can go on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BadLimit(pub Limit);

impl fmt::Display for BadLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.name();
        write!(
            f,
            "the limit `{name}` must be 1 at least, and 0 was asked for"
        )
    }
}

impl core::error::Error for BadLimit {}

/// What one file may hold at once, in place of what [`Limits`] say of every file (R12).
///
/// Whoever has the file open may say it, by [`Tuning::Limits`](crate::Tuning::Limits); where several
/// do, the latest counts, for all of them. It ends with the last handle of the file. The bounds of all
/// files together hold as ever, so whatever is said of single files, memory stays a function of
/// `Limits`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FileLimits {
    /// Accepted operations without an outcome; [`Limits::operations_per_file`] where it is not said.
    /// 0 is refused.
    pub operations: Option<u32>,
    /// Bytes of writes that are accepted and not ended; [`Limits::bytes_per_file`] where it is not said.
    /// One write alone may be longer.
    pub bytes: Option<u64>,
}

impl FileLimits {
    /// Nothing is said of the file alone.
    pub const NONE: FileLimits = FileLimits {
        operations: None,
        bytes: None,
    };

    /// Looks for a bound with which nothing could be done on the file any more.
    ///
    /// # Errors
    /// That bound.
    pub const fn check(&self) -> Result<(), BadLimit> {
        match self.operations {
            Some(0) => Err(BadLimit(Limit::OperationsPerFile(0))),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn what_is_changed_leads_from_some_limits_to_others() {
        let mut now = Limits::default();
        let later = Limits {
            operations: 1,
            operations_per_file: 2,
            bytes: 3,
            bytes_per_file: 4,
            handles: 5,
            locks: 6,
            descriptors: 7,
            budget: 8,
            linger: 9,
            fetch: 10,
            chunk: 11,
            restarts: 12,
            merge: 13,
            merge_bytes: 14,
            turns: Turns::ByArrival,
        };
        let changes: Vec<Limit> = now.changes(&later).collect();
        assert_eq!(changes, later.each(), "each of them is another");
        assert_eq!(later.check(), Ok(()));
        changes.into_iter().for_each(|limit| now = now.with(limit));
        assert_eq!(now, later);
        assert_eq!(now.changes(&later).count(), 0);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let limits = Limits {
            chunk: 0,
            merge: 0,
            budget: 0,
            ..Limits::default()
        };
        let said = limits.check().map_err(|bad| bad.to_string());
        let words = "the limit `chunk` must be 1 at least, and 0 was asked for";
        assert_eq!(said, Err(words.into()));
        assert_eq!(limits.at_least_one().check(), Ok(()), "a new machine mends");
        let none = FileLimits {
            operations: Some(0),
            bytes: Some(0),
        };
        assert_eq!(none.check(), Err(BadLimit(Limit::OperationsPerFile(0))));
        let one = FileLimits {
            operations: Some(1),
            ..none
        };
        assert_eq!(one.check(), Ok(()));
    }
}
