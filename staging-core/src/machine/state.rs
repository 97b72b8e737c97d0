//! What the machine keeps of each thing. Every enum says what may happen in each of its states;
//! who stands in which list follows from the state alone.

mod locks;
mod names;
mod writing;

use crate::action::{Done, IoKind, Outcome};
use crate::class::Class;
use crate::completion::{Key, Stamp};
use crate::event::{Plan, Request, Tag};
use crate::fault::Fault;
use crate::id::{FileId, HandleId, Id, IoId, LockId, OpId};
use crate::slab::List;
use crate::staging::{How, Why};
use crate::time::Tick;

pub(super) use locks::{DEPENDENTS, Lock, LockState, LockTarget, LockTargetId, LockTargetKind};
pub(super) use names::{
    Directory, DirectoryId, DirectoryKind, Target, TargetId, TargetKind, Volume, VolumeId,
    VolumeKind,
};
pub(super) use writing::{
    Answers, Early, InRound, Pace, Sync, SyncAll, Writes, Writing, WritingId, WritingKind,
};

/// Lists of operations: an operation stands in one at a time.
pub(super) const OPS: usize = 0;
/// Writes and barriers of one file, in the order in which they were accepted.
pub(super) const ORDER: usize = 1;
/// Writes of all files and barriers over all, in the order in which they were accepted.
pub(super) const ALL: usize = 2;
/// Writes that were handed out as one action, in the order of their ranges.
pub(super) const RUN: usize = 3;
/// Writes whose acceptance is to be told.
pub(super) const EARLY: usize = 4;
/// Actions to hand out, in the order in which they became ready.
pub(super) const READY: usize = 0;
/// Those of one class.
pub(super) const LINE: usize = 1;
/// Files that a sync of all has to do with.
pub(super) const UNSYNCED: usize = 0;
/// Files with writes to hand out; one list for each class.
pub(super) const RINGS: usize = 1;
/// Queues of files: for budget, for a descriptor, or of those that linger.
pub(super) const QUEUE: usize = 0;
/// Files that have a descriptor, as candidates for giving it up.
pub(super) const IDLE: usize = 1;
/// Files of which something is to be told.
pub(super) const NEWS: usize = 2;

/// An accepted request.
#[derive(Clone)]
pub(super) struct Op {
    pub tag: Tag,
    /// None for what is asked of all files.
    pub handle: Option<HandleId>,
    pub request: Request,
    pub state: OpState,
    /// The class it was accepted in.
    pub own_class: Class,
    /// That, or what it was lent.
    pub class: Class,
    /// Where an append took its place.
    pub place: u64,
    pub order: Order,
    pub early: Early,
    /// How many syncs of its file had failed when it was accepted, if it is one of writers: it is not
    /// vouched for by a sync after another (R8).
    pub failures: u32,
    /// How many barriers over it had been accepted before it: no run reaches across one (R7).
    pub epoch: u64,
    /// Those that met it and came later, each waiting for it as the latest in its way.
    pub dependents: List,
}

/// Whether an operation has a place in the order on a file, and so may stand in the way of
/// others. It keeps it until its system call has ended, also when it was answered before (R10).
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// It has none.
    Apart,
    /// It looks at a file that nobody could write when it came: it is only counted.
    Counted(FileId),
    /// It stands among the ranges of a file that is open for writing.
    Placed(WritingId),
    /// A replace that has not begun: it stands in line for its target, or for its turn.
    InLine(TargetId),
    /// A replace that is at work on its target.
    Targeted(TargetId),
    /// The same with a second file, after the sync of its first failed.
    Rewriting(TargetId),
    /// A replace whose target has the new content.
    Published,
}

/// Where an operation is. Each state but the last two is a place that will answer it. What barriers
/// wait for is of one write side, or of all.
#[derive(Clone, Copy)]
pub(super) enum OpState {
    /// An open, in `openers`, until a descriptor may be acquired.
    AwaitingSlot,
    /// An open whose file is being opened.
    Opening { io: IoId },
    /// An open, a stage or a read, in `waiters` of its file, until staging ends.
    AwaitingStaging { file: FileId },
    /// A read, in `readers` of its file, until the file has a descriptor.
    AwaitingDescriptor { file: FileId },
    /// Anything with a place in the order, in `dependents` of one that came before, until that
    /// one ended.
    AwaitingOrder { behind: OpId },
    /// A write, in `held` of its file, until what was under way before anybody could write ended.
    AwaitingLookers { writing: WritingId },
    /// A read, a write or a step of a replace under way.
    Performing { io: IoId },
    /// An unstage or a write, in `leavers` of its file, until the contents are given up.
    AwaitingRelease { file: FileId },
    /// A flush or a sync, in the order of its file or of all, until every write before it ended.
    AwaitingEarlier { writing: Option<WritingId> },
    /// A sync, in `uncovered` of its file, until a system sync may begin that covers it; one of
    /// all, in `waiting`.
    AwaitingSync { writing: Option<WritingId> },
    /// A sync, in `covered` of its file or of all, until the system sync returns.
    Syncing { writing: Option<WritingId> },
    /// A replace, in `waiting` of its target, until those before it are published or gone.
    AwaitingTarget { target: TargetId },
    /// A replace, in `replacers`, until fewer are at work.
    AwaitingTurn,
    /// A replace whose temporary file is of no use, until that is gone; what comes of it then.
    Discarding { io: IoId, then: Discarded },
    /// A replace, in `uncovered` of its file system, until a sync may begin that covers it.
    AwaitingVolume { volume: VolumeId },
    /// A replace, in the run of the sync of its file system, until that returns.
    SyncingVolume { volume: VolumeId },
    /// A replace, in `uncovered` of its directory, until a system sync may begin that covers it.
    AwaitingDirectory { directory: DirectoryId },
    /// A replace, in `covered` of its directory, until the system sync returns.
    SyncingDirectory { directory: DirectoryId },
    /// A lock, which is not held yet; it knows where it waits.
    AwaitingLock { lock: LockId },
    /// A close, named by its handle, until the handle's other operations are answered.
    AwaitingOthers,
    /// Answered, in `told`, until the answer is polled. A flight may still be under way.
    Resolved {
        outcome: Outcome,
        flight: Option<IoId>,
    },
    /// Answer polled; the flight holds its buffer until it ends.
    Answered,
}

/// What comes of a replace when its temporary file is gone.
#[derive(Clone, Copy)]
pub(super) enum Discarded {
    /// It is told this.
    Failed { fault: Fault, done: Done },
    /// Its content is written again, into a new file.
    Unsynced,
}

/// What an open gave its caller, and where it is in its life. `pending` counts the operations
/// accepted on it and not answered. Two lie in a line of the cache, and none in two of them.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) enum Handle {
    /// Its open, which alone is pending, is not answered. It may already be attached to a file that
    /// is being staged.
    Opening {
        op: OpId,
        file: Option<FileId>,
        writes: Writes,
    },
    /// It may be used.
    Open {
        file: FileId,
        pending: u32,
        writes: Writes,
    },
    /// Closed or dropped; gone when nothing is pending on it, the close included.
    Leaving {
        file: FileId,
        closer: Option<OpId>,
        pending: u32,
        writes: Writes,
    },
}

impl Handle {
    pub(super) fn file(&self) -> Option<FileId> {
        match *self {
            Handle::Opening { file, .. } => file,
            Handle::Open { file, .. } | Handle::Leaving { file, .. } => Some(file),
        }
    }

    pub(super) fn pending(&self) -> u32 {
        match *self {
            Handle::Opening { .. } => 1,
            Handle::Open { pending, .. } | Handle::Leaving { pending, .. } => pending,
        }
    }

    pub(super) fn writes_mut(&mut self) -> &mut Writes {
        match self {
            Handle::Opening { writes, .. }
            | Handle::Open { writes, .. }
            | Handle::Leaving { writes, .. } => writes,
        }
    }

    pub(super) fn writes(&self) -> Writes {
        match *self {
            Handle::Opening { writes, .. }
            | Handle::Open { writes, .. }
            | Handle::Leaving { writes, .. } => writes,
        }
    }
}

/// The identity behind handles.
///
/// In this order in memory: what every event on a file touches stands first, in one line of the
/// cache, because with many files each further line is a miss.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct File {
    pub handles: u32,
    /// Operations accepted on it and not answered.
    pub pending: u32,
    /// Actions issued for it and not completed.
    pub flights: u32,
    /// Operations that look at it and were accepted while nobody could write.
    pub lookers: u32,
    pub room: Fullness,
    pub news: News,
    /// Whether it has `own` limits: what every event asks stands in the first line.
    pub has_own: bool,
    pub descriptor: Descriptor,
    /// Reads that wait for a descriptor.
    pub readers: List,
    pub contents: Contents,
    pub stamp: Stamp,
    pub key: Key,
    /// Operations that wait for staging to end, in order of arrival.
    pub waiters: List,
    pub waiting: u32,
    /// How many of them want the file in memory. Staging goes on while there is one.
    pub stagers: u32,
    /// Unstages and writes that wait for the release.
    pub leavers: List,
    /// What only a file has that is open for writing.
    pub writing: Option<WritingId>,
    /// What was said of its limits alone.
    pub own: Option<OwnLimitsId>,
}

impl File {
    /// One that nobody has asked for anything yet.
    pub(super) const fn of(key: Key, stamp: Stamp) -> File {
        File {
            handles: 0,
            pending: 0,
            flights: 0,
            lookers: 0,
            room: Fullness::Quiet,
            news: News::NONE,
            has_own: false,
            descriptor: Descriptor::Absent,
            readers: List::EMPTY,
            contents: Contents::Absent(Why::NeverAsked),
            stamp,
            key,
            waiters: List::EMPTY,
            waiting: 0,
            stagers: 0,
            leavers: List::EMPTY,
            writing: None,
            own: None,
        }
    }
}

/// What the machine holds of a file's bytes.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Contents {
    /// Nothing. Reads go to the file.
    Absent(Why),
    /// They are being brought in. Reads wait.
    Staging(Pass),
    /// All of them are there. Reads are answered from them.
    Staged { how: How, charge: u64 },
    /// All of them are there, for the next open: nobody has a handle. In `lingering`.
    Lingering { how: How, charge: u64 },
    /// Given up while a chunk is in flight; released when that ends.
    Stopping { io: IoId, charge: u64, then: Then },
    /// Being given back.
    Releasing { io: IoId, charge: u64, then: Then },
}

/// One attempt to bring a file in.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    pub plan: Plan,
    pub step: Step,
    pub since: Tick,
    pub restarts: u8,
}

/// How far an attempt is.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// Until the file has a descriptor.
    Opening,
    /// Reading the stamp, to know what there is to stage.
    Looking { io: IoId },
    /// In a queue of the budget, until there is room.
    AwaitingBudget { how: How, charge: u64, queue: Queue },
    /// Making the mapping.
    Mapping { io: IoId, how: How, charge: u64 },
    /// Bringing in the chunk that begins at `done`.
    Loading {
        io: IoId,
        how: How,
        charge: u64,
        done: u64,
    },
}

/// How long to wait for room in the budget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// As long as it takes: somebody asked to wait.
    Patient,
    /// Only while room is being given back.
    Hopeful,
}

/// What comes after contents are given back.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// Nothing, unless someone asked again meanwhile.
    Rest(Why),
    /// The next attempt: the file changed during the last one (G5). Reads go on waiting.
    Again {
        plan: Plan,
        since: Tick,
        restarts: u8,
    },
}

/// The descriptor of a file.
#[derive(Clone, Copy)]
pub(super) enum Descriptor {
    Absent,
    /// Wanted, but no slot was free: the file stands in `reopeners`.
    Wanted,
    /// Being opened again.
    Opening {
        io: IoId,
    },
    /// There, and nobody uses it: the file stands in `idle`. Used again since it took its place
    /// there, it has a second chance.
    Idle {
        again: bool,
    },
    /// There, used by this many actions. The file may still stand in `idle`: leaving and coming
    /// back for each action would touch two strangers' files each time.
    Busy {
        users: u32,
        queued: bool,
    },
    /// There, opened for writing, outside of the slots, used by this many actions: it stays as
    /// long as the file is open for writing, for an error of a write back is told only through it.
    Pinned {
        users: u32,
    },
    /// Being closed.
    Closing {
        io: IoId,
    },
}

impl Descriptor {
    /// How many actions use it, and whether its file stands in `idle`.
    pub(super) const fn users(self) -> (u32, bool) {
        match self {
            Descriptor::Idle { .. } => (0, true),
            Descriptor::Busy { users, queued } => (users, queued),
            Descriptor::Pinned { users } => (users, false),
            Descriptor::Absent
            | Descriptor::Wanted
            | Descriptor::Opening { .. }
            | Descriptor::Closing { .. } => (0, false),
        }
    }

    pub(super) const fn is_pinned(self) -> bool {
        matches!(self, Descriptor::Pinned { .. })
    }
}

/// Marks an [`OwnLimitsId`].
#[derive(Clone)]
pub(super) enum OwnLimitsKind {}
pub(super) type OwnLimitsId = Id<OwnLimitsKind>;

/// Whether a bound was hit and must be told when it no longer is (R12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fullness {
    Quiet,
    Refused,
    /// Something became free since a refusal: to be told.
    Freed,
}

/// What is to be told of a file; it stands in `news` unless it is nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    pub withdrawn: bool,
    pub room: bool,
    pub bytes_room: bool,
    pub progress: bool,
}

impl News {
    pub(super) const NONE: News = News {
        withdrawn: false,
        room: false,
        bytes_room: false,
        progress: false,
    };
}

/// One action.
#[derive(Clone, Copy)]
pub(super) struct Io {
    pub kind: IoKind,
    pub owner: Owner,
    pub class: Class,
    /// The operations of a run of writes.
    pub run: List,
    pub place: Place,
}

/// On whose behalf an action is done.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// An open, which may have been answered before; what it saw is older than a write that
    /// ended after `since`, by the machine's count.
    Open { op: OpId, since: u64 },
    /// A file that needs a descriptor again.
    Reopen { file: FileId },
    /// The staging, the contents or the descriptor of a file.
    File { file: FileId },
    /// A read.
    Read { op: OpId, file: FileId },
    /// A write, which keeps the write side of its file.
    Write { op: OpId, writing: WritingId },
    /// The system sync of a file.
    Sync { writing: WritingId },
    /// A step of a replace.
    Replace { op: OpId },
    /// A lock.
    Lock { lock: LockId },
    /// The sync of temporary files of a file system.
    Volume { volume: VolumeId },
    /// The system sync of a directory.
    Directory { directory: DirectoryId },
}

/// Where an action is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In `ready`, to be handed out.
    Ready,
    /// With the driver.
    InFlight,
}
