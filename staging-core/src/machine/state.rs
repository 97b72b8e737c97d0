//! What the machine keeps of each thing. Every enum says what may happen in each of its states;
//! who stands in which list follows from the state alone.

use crate::action::{IoKind, Outcome};
use crate::event::{Key, Plan, Request, Stamp, Tag};
use crate::id::{FileId, HandleId, IoId, OpId};
use crate::slab::List;
use crate::staging::{How, Why};
use crate::time::Tick;

/// Lists of operations: an operation stands in one at a time.
pub(super) const OPS: usize = 0;
/// The list of actions to hand out.
pub(super) const READY: usize = 0;
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
    pub handle: HandleId,
    pub request: Request,
    pub state: OpState,
}

/// Where an operation is. Each state but the last two is a place that will answer it.
#[derive(Clone, Copy)]
pub(super) enum OpState {
    /// An open, in `openers`, until a descriptor may be acquired.
    AwaitingSlot,
    /// An open whose file is being opened.
    Opening { io: IoId },
    /// An open, a stage or a read, in `waiters` of its file, until staging ends.
    AwaitingStaging,
    /// A read, in `readers` of its file, until the file has a descriptor.
    AwaitingDescriptor,
    /// A read under way.
    Reading { io: IoId },
    /// An unstage, in `leavers` of its file, until the contents are given up.
    AwaitingRelease,
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

/// What an open gave its caller, and where it is in its life. `pending` counts the operations
/// accepted on it and not answered.
#[derive(Clone, Copy)]
pub(super) enum Handle {
    /// Its open, which alone is pending, is not answered. It may already be attached to a file that
    /// is being staged.
    Opening { op: OpId, file: Option<FileId> },
    /// It may be used.
    Open { file: FileId, pending: u32 },
    /// Closed or dropped; gone when nothing is pending on it, the close included.
    Leaving {
        file: Option<FileId>,
        closer: Option<OpId>,
        pending: u32,
    },
}

impl Handle {
    pub(super) fn file(&self) -> Option<FileId> {
        match *self {
            Handle::Opening { file, .. } | Handle::Leaving { file, .. } => file,
            Handle::Open { file, .. } => Some(file),
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
    pub room: Fullness,
    pub news: News,
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
    /// Unstages that wait for the release.
    pub leavers: List,
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
    /// Being closed.
    Closing {
        io: IoId,
    },
}

/// Whether a bound was hit and must be told when it no longer is (R12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fullness {
    Quiet,
    Refused,
}

/// What is to be told of a file; it stands in `news` unless quiet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Quiet,
    Room,
    Progress,
    RoomAndProgress,
}

/// One action.
#[derive(Clone)]
pub(super) struct Io {
    pub kind: IoKind,
    pub owner: Owner,
    pub place: Place,
}

/// On whose behalf an action is done.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// An open, which may have been answered before.
    Open { op: OpId },
    /// A file that needs a descriptor again.
    Reopen { file: FileId },
    /// The staging, the contents or the descriptor of a file.
    File { file: FileId },
    /// A read.
    Read { op: OpId, file: FileId },
}

/// Where an action is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In `ready`, to be handed out.
    Ready,
    /// With the driver.
    InFlight,
}
