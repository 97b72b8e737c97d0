//! Every bound of the machine, in one place. Memory is a function of these.

use crate::class::Turns;

/// What the machine may hold at once. Each bound may be as low as 1 (0 counts as 1), except
/// `budget` and `linger`, which may be 0.
///
/// Each can be changed while the machine runs, by [`Event::Limited`](crate::Event::Limited); see
/// [`Limit`](crate::Limit) for what happens to what is there. A 0 that a new machine counts as 1 is
/// refused then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Accepted operations without an outcome, in all (R12).
    pub operations: u32,
    /// Accepted operations without an outcome, on one file, unless
    /// [its own](crate::FileLimits::operations) are set (R12).
    pub operations_per_file: u32,
    /// Bytes of writes that are accepted and not ended, in all (R12). One write alone may be longer.
    pub bytes: u64,
    /// Bytes of writes that are accepted and not ended, to one file, unless
    /// [its own](crate::FileLimits::bytes) are set (R12). One write alone may be longer.
    pub bytes_per_file: u64,
    /// Handles, open or being opened.
    pub handles: u32,
    /// Locks, waited for or held (K1). One that is held, and keeps other processes out, has a descriptor,
    /// those of [`descriptors`](Limits::descriptors) not counted.
    pub locks: u32,
    /// Descriptors that files may hold or be acquiring, those of files open for writing not
    /// counted. A file that is in memory needs none, and
    /// an idle one gives its descriptor back when others need it.
    pub descriptors: u32,
    /// Bytes of staged contents, in whole pages (G10).
    pub budget: u64,
    /// Bytes of staged contents that may stay after the last handle was closed, for the next
    /// open; the oldest are given up first, and all of them before anyone is refused.
    pub linger: u64,
    /// The longest file that is opened, loaded and closed in one action, in bytes.
    pub fetch: u64,
    /// How much one action brings in of a longer file, in bytes: the grain of progress and
    /// cancel (G7, G8).
    pub chunk: u64,
    /// How often the staging of a file that changes meanwhile begins again before it fails (G5).
    pub restarts: u8,
    /// How many writes that follow each other become one action at most (R7); 1 for none. Systems take
    /// 1,024 buffers at once (`IOV_MAX`).
    pub merge: u32,
    /// How long such an action is at most, in bytes. One write alone may be longer. Longer is not always
    /// faster: file systems with large folios look for as much memory in one piece.
    pub merge_bytes: u64,
    /// In which order actions are handed out that are ready (R11).
    pub turns: Turns,
}

impl Default for Limits {
    /// No budget, nothing lingers; 4,096 operations and 256 MiB of writes, a quarter of each on
    /// one file; a million handles, 256 locks, 512 descriptors; files up to 128 KiB in one action, others in
    /// chunks of 8 MiB; three restarts; up to 1,024 writes and 128 KiB in one action.
    fn default() -> Self {
        Limits {
            operations: 4096,
            operations_per_file: 1024,
            bytes: 256 << 20,
            bytes_per_file: 64 << 20,
            handles: 1 << 20,
            locks: 256,
            descriptors: 512,
            budget: u64::MAX,
            linger: 0,
            fetch: 128 << 10,
            chunk: 8 << 20,
            restarts: 3,
            merge: 1024,
            merge_bytes: 128 << 10,
            turns: Turns::default(),
        }
    }
}

impl Limits {
    pub(crate) fn at_least_one(self) -> Limits {
        Limits {
            operations: self.operations.max(1),
            operations_per_file: self.operations_per_file.max(1),
            handles: self.handles.max(1),
            locks: self.locks.max(1),
            descriptors: self.descriptors.max(1),
            chunk: self.chunk.max(1),
            merge: self.merge.max(1),
            ..self
        }
    }
}

/// The unit in which contents are charged to the budget.
pub const PAGE: u64 = 4096;

/// What loaded contents of this length are charged: whole pages.
pub const fn charge_loaded(len: u64) -> u64 {
    len.div_ceil(PAGE).saturating_mul(PAGE)
}

/// What a mapping of this length is charged: whole pages, and one more, because a driver may keep
/// a page beside it by which it notices a truncation (G6).
pub const fn charge_mapped(len: u64) -> u64 {
    charge_loaded(len).saturating_add(PAGE)
}
