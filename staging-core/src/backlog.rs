//! What is accepted and not over, as told outward: which files have work, and how much.

use crate::class::Class;
use crate::id::{FileId, HandleId, LockId, OpId};
use core::fmt;

/// Whose work it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// Of an open file.
    File(FileId),
    /// Of an open that is not answered, or whose system call outlived its answer: of its path.
    Opening(HandleId),
    /// Of a replace: of its target.
    Replace(OpId),
    /// Of a lock that is asked for: of its path.
    Lock(LockId),
}

/// How much work there is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Load {
    /// How many operations.
    pub operations: u32,
    /// Bytes that are to be written by those, as [`Limits::bytes`](crate::Limits::bytes) counts them: of
    /// writes, appends and replaces that have not been executed.
    pub bytes: u64,
}

impl Load {
    const fn and(self, other: Load) -> Load {
        Load {
            operations: self.operations + other.operations,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// What is accepted and not over, and what is left to be made durable.
///
/// An operation is **under way** while an action on which its answer depends is with the driver: its own, a
/// part of which it is, or what it shares with others, as a staging or a system sync. Otherwise it is
/// **queued**: behind others, for room, for the next step, or because nobody has taken its action. A write
/// that was answered when it was accepted is there until it is executed (R8); an operation that was given
/// up, until its system call has ended (R10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Backlog {
    /// What waits.
    pub queued: Load,
    /// What an action is with the driver for.
    pub under_way: Load,
    /// How many of both there are of each class, in which they were accepted, whatever they were lent
    /// (R2). See [`of_class`](Backlog::of_class).
    pub by_class: [u32; 4],
    /// Something was executed that no system sync has made durable that has ended: nobody asked for one
    /// since, or it is under way.
    pub dirty: bool,
    /// A sync failed, and handles of before are open: they refuse writes and syncs (R8).
    pub unsyncable: bool,
}

impl Backlog {
    /// How many operations are accepted and not over.
    pub const fn operations(&self) -> u32 {
        self.queued.operations + self.under_way.operations
    }

    /// How many of those are of a class.
    pub const fn of_class(&self, class: Class) -> u32 {
        self.by_class[class as usize]
    }

    /// Bytes that are to be written.
    pub const fn bytes(&self) -> u64 {
        self.queued.bytes.saturating_add(self.under_way.bytes)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Backlog) -> Backlog {
        let mut by_class = self.by_class;
        for (sum, more) in by_class.iter_mut().zip(other.by_class) {
            *sum += more;
        }
        Backlog {
            queued: self.queued.and(other.queued),
            under_way: self.under_way.and(other.under_way),
            by_class,
            dirty: self.dirty || other.dirty,
            unsyncable: self.unsyncable || other.unsyncable,
        }
    }
}

/// As `2 queued (20 bytes), 1 under way (10 bytes), dirty`.
impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loads = [(self.queued, "queued"), (self.under_way, "under way")];
        let states = [(self.dirty, "dirty"), (self.unsyncable, "unsyncable")];
        let mut between = "";
        for (load, what) in loads.iter().filter(|(load, _)| load.operations > 0) {
            write!(f, "{between}{} {what}", load.operations)?;
            if load.bytes > 0 {
                write!(f, " ({} bytes)", load.bytes)?;
            }
            between = ", ";
        }
        for (_, what) in states.iter().filter(|(is_so, _)| *is_so) {
            write!(f, "{between}{what}")?;
            between = ", ";
        }
        if between.is_empty() {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}
