//! The write side of a file, and the sync of all.

use crate::fault::Fault;
use crate::id::{FileId, Id, IoId};
use crate::intervals::Root;
use crate::machine::state::Fullness;
use crate::slab::List;
use crate::stats::WriteCounts;
use crate::time::Tick;

/// Whether a handle may write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Writes {
    No,
    /// It may, unless a sync failed since: so many had when it was opened, or was told of one (R8).
    Since {
        failures: u32,
        /// After a failed sync it goes on, once it was told.
        keeps_dirty: bool,
        /// How many writes behind had failed when it was last told.
        told: u32,
        answers: Answers,
    },
}

/// When a write is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Answers {
    Executed,
    Durable,
    Accepted,
}

/// Whether an operation was answered when it was accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Early {
    No,
    /// It is to be, in `early`.
    ToTell,
    Told,
}

/// Marks a [`WritingId`].
#[derive(Clone)]
pub(in crate::machine) enum WritingKind {}
pub(in crate::machine) type WritingId = Id<WritingKind>;

/// The write side of a file, as long as it is open for writing.
#[derive(Clone)]
pub(in crate::machine) struct Writing {
    pub file: FileId,
    /// Handles that may write.
    pub handles: u32,
    /// How many syncs failed.
    pub failures: u32,
    /// Handles that were opened before the last of those, and have not been told of it since to go on.
    pub broken: u32,
    /// How many writes failed that had been answered before, and syncs that nobody asked for, and why the
    /// last of them.
    pub lost: u32,
    pub lost_to: Fault,
    /// What became of the writes.
    pub counts: WriteCounts,
    /// Writes accepted and not ended.
    pub active: u32,
    /// Those of them that set the length.
    pub cuts: u32,
    /// Those of them that append.
    pub appends: u32,
    /// How many of them are in each class.
    pub by_class: [u32; 4],
    /// Actions of those, to hand out, by class.
    pub queued: [List; 4],
    /// Bytes of those.
    pub bytes: u64,
    pub bytes_room: Fullness,
    /// Barriers over it that were ever accepted.
    pub barriers: u64,
    /// How long the file will be when those ended.
    pub end: u64,
    /// One of those was given up or failed since that was reckoned.
    pub end_is_old: bool,
    /// When the last write ended, by the machine's count.
    pub last: u64,
    /// Everything that has a place in the order, by range.
    pub ranges: Root,
    /// Active writes and barriers, by acceptance.
    pub order: List,
    /// Writes that wait for the lookers.
    pub held: List,
    pub sync: Sync,
    /// Bytes were executed since the last system sync was ordered.
    pub dirty: bool,
    /// Syncs that the one under way answers.
    pub covered: List,
    /// Syncs that need another one.
    pub uncovered: List,
    pub round: InRound,
    pub pace: Pace,
    /// How many syncs of all that waited when what was lost here was closed are still to be told.
    pub owed: u32,
    /// It stands in `unsynced`.
    pub listed: bool,
}

/// The system sync of a file.
#[derive(Clone, Copy)]
pub(in crate::machine) enum Sync {
    Resting,
    UnderWay { io: IoId },
}

/// What of a file is to become durable though nobody asks for it (L3).
///
/// # Invariants
///
/// - `served ≤ fallen`; they are equal where no sync is due.
/// - Whatever is of an epoch before `served` and was executed is durable, or covered by the sync under way.
#[derive(Clone, Copy)]
pub(in crate::machine) struct Pace {
    /// How long after it was accepted, in nanoseconds, if anybody wished that.
    pub every: Option<u64>,
    /// When the time is over that runs, in `dues`.
    pub at: Option<Tick>,
    /// What had been accepted when a sync fell due last: everything of an epoch before this one.
    pub fallen: u64,
    /// Up to which epoch a sync was ordered for that.
    pub served: u64,
    /// Something was executed, by a handle that no failed sync has broken, that no system sync covers.
    pub owed: bool,
    /// One is due, and the system sync under way does not cover it.
    pub waits: bool,
    /// Bytes executed since the last system sync was ordered, and of those that one covers.
    pub executed: u64,
    pub syncing: u64,
    /// Bytes of a sync that failed, until somebody is told.
    pub failed: u64,
}

impl Pace {
    pub(in crate::machine) const NONE: Pace = Pace {
        every: None,
        at: None,
        fallen: 0,
        served: 0,
        owed: false,
        waits: false,
        executed: 0,
        syncing: 0,
        failed: 0,
    };
}

/// What a file has to do with the sync of all files that is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum InRound {
    No,
    /// Its next system sync counts.
    Next,
    /// The one under way counts.
    Now,
}

/// The sync of all files: in rounds, each for all that asked before it began.
#[derive(Clone)]
pub(in crate::machine) struct SyncAll {
    /// How many were asked and are in no round yet.
    pub asked: u32,
    /// For the next round.
    pub waiting: List,
    /// For this round.
    pub covered: List,
    /// Files whose system sync has not returned in this round; 0 between rounds.
    pub remaining: u32,
    /// Files that could not be synced in this round, the first of them, and why.
    pub failed: Option<(u32, FileId, Fault)>,
}

impl SyncAll {
    pub(in crate::machine) const IDLE: SyncAll = SyncAll {
        asked: 0,
        waiting: List::EMPTY,
        covered: List::EMPTY,
        remaining: 0,
        failed: None,
    };
}
