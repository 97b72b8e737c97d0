//! What comes in: facts in the past tense, and requests.
//!
//! In this crate an *event* goes **in** and an *action* comes **out**. Every event is plain data;
//! bytes, buffers, paths and wakers stay with the driver, keyed by id.

use crate::class::Class;
use crate::completion::{Completion, Key};
use crate::id::{HandleId, IoId, LockId, OpId};
use crate::limit::{FileLimits, Limit};
use crate::lock::{Patience, Scope, Sharing, Span};
use crate::time::Tick;

/// Everything that can be said to the machine. Each is answered at once by a
/// [`Reply`](crate::Reply).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A caller asked for something. Accepted, it ends with exactly one
    /// [`Outcome`](crate::Outcome); refused, nothing changed and the payload is still the
    /// caller's.
    Submitted {
        /// The caller's own word for it, echoed with the outcome.
        tag: Tag,
        /// When the caller stops waiting; [`Tick::NEVER`] for no deadline (R10).
        deadline: Tick,
        /// What was asked.
        request: Request,
    },
    /// The driver carried an action out, or failed to.
    Completed {
        /// Which action.
        io: IoId,
        /// How it ended.
        completion: Completion,
    },
    /// The caller no longer wants the answer: a dropped future, a cancelled batch. The outcome
    /// is [`Fault::Cancelled`](crate::Fault::Cancelled), at once, also while a system call is
    /// under way (R10).
    Cancelled {
        /// Which operation.
        op: OpId,
    },
    /// The last reference to a handle is gone. It cannot be refused and has no outcome; what the
    /// handle still has under way is finished first.
    Dropped {
        /// Which handle.
        handle: HandleId,
    },
    /// The holder of a lock is done with it, or gone. It cannot be refused and has no outcome (K1).
    Unlocked {
        /// Which lock.
        lock: LockId,
    },
    /// A bound is another from now on (R12). Refused as [`Reject::BadLimit`](crate::Reject::BadLimit)
    /// where nothing could be done with it; nothing that was accepted is refused by it.
    Limited {
        /// Which bound, and what it is.
        limit: Limit,
    },
    /// The holder of a handle said how it is to be used from now on: right after it was opened, or at
    /// any time before it is closed. Refused where there is no such handle, or it makes no sense.
    Tuned {
        /// Which handle.
        handle: HandleId,
        /// How.
        tuning: Tuning,
    },
    /// Whoever has a handle wants that whatever is written to its file be durable so long after it was
    /// accepted, without being asked (L3). The shortest interval that was set counts, as long as the file is
    /// open for writing. It has no outcome; if such a sync fails, each handle that was open is told once, by
    /// its next write, flush, sync or close, as [`Fault::SyncBehind`](crate::Fault::SyncBehind).
    IntervalSet {
        /// Which handle; it may write.
        handle: HandleId,
        /// How long, in nanoseconds; 0 counts as 1.
        every: u64,
    },
    /// Slices that outlived the staging of their file were dropped, and their memory is back:
    /// a part of what [`Completion::Released`] called `lent`.
    Returned {
        /// How many bytes of the budget they had taken.
        bytes: u64,
    },
    /// Shutdown was asked for (S1). Asked again, it only shortens (S4).
    ShutdownAsked {
        /// How long each phase may take from now.
        grace: Grace,
    },
    /// Shutdown was forced: Closing begins now, from any phase (S4).
    Forced {
        /// How long closing may take from now, in nanoseconds.
        closing: u64,
    },
    /// Time passed. Needed when [`poll_timeout`](crate::Machine::poll_timeout) says so, harmless
    /// at any other time.
    Ticked,
    /// The driver can do nothing more: its threads or its ring are gone. Everything pending is
    /// answered with [`Fault::DriverLost`](crate::Fault::DriverLost), and the machine closes.
    DriverLost,
}

/// The caller's own word for a request, echoed with its outcome. The machine gives it no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tag(pub u64);

/// What a caller can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Open a file and bring it into memory as planned (G3). The handle is reserved at once and
    /// told with [`Reply::Opening`](crate::Reply::Opening); it may be used when the outcome says
    /// [`Opened`](crate::Outcome::Opened).
    Open {
        /// Whether the handle may write.
        access: Access,
        /// What to do where there is no file.
        missing: Missing,
        /// How to stage it.
        plan: Plan,
    },
    /// Bring an open file into memory. Joins a staging that is under way (G9).
    Stage {
        /// Which file, by any of its handles.
        handle: HandleId,
        /// How.
        plan: Plan,
    },
    /// Give the memory back; reads go to the file from now on. Ends a staging under way within
    /// one chunk (G8). The outcome comes when the driver gave the contents up.
    Unstage {
        /// Which file, by any of its handles.
        handle: HandleId,
    },
    /// Read a range. Waits while the file is being staged (G2), and for earlier writes that it
    /// meets (R1, R6).
    Read {
        /// From which file, by any of its handles.
        handle: HandleId,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Write a range. Waits for what was accepted earlier and meets it (R1); a write behind the
    /// end meets the gap, too. What is in memory of the file is given up first (G1).
    Write {
        /// To which file, by a handle that may write.
        handle: HandleId,
        /// Where the range begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
        /// How urgent it is.
        class: Class,
    },
    /// Write at the end: the range is taken now, behind everything accepted so far (R1), and told
    /// with the outcome.
    Append {
        /// To which file, by a handle that may write.
        handle: HandleId,
        /// How much, in bytes.
        len: u64,
        /// How urgent it is.
        class: Class,
    },
    /// Cut the file, or fill it up with zeros: a write from there to the end (R1).
    SetLength {
        /// Of which file, by a handle that may write.
        handle: HandleId,
        /// How long it is to be, in bytes.
        len: u64,
        /// How urgent it is.
        class: Class,
    },
    /// Wait until every write to the file accepted before is executed (R3). Later ones do not
    /// delay it (R5).
    Flush {
        /// Which file, by a handle that may write.
        handle: HandleId,
    },
    /// The same, and then make it durable (R3).
    Sync {
        /// Which file, by a handle that may write.
        handle: HandleId,
    },
    /// Replace what a path leads to by the operation's buffer, whole or not at all (A1). Those of one
    /// target are published in the order in which they were accepted. The outcome is
    /// [`Replaced`](crate::Outcome::Replaced); or it failed, with
    /// [`Nothing`](crate::Done::Nothing) where the old content stands, and
    /// [`Unknown`](crate::Done::Unknown) where either may.
    Replace {
        /// What the path is to the caller; the same path, the same target.
        target: Key,
        /// How much, in bytes.
        len: u64,
        /// What is to survive a loss of power (A6).
        durability: Durability,
        /// What to do where there is something.
        existing: Existing,
    },
    /// Get an advisory lock on what a path leads to, whole or in part (K1). It is named at once and
    /// told with [`Reply::Locking`](crate::Reply::Locking); it is held when the outcome says
    /// [`Locked`](crate::Outcome::Locked), until [`Event::Unlocked`]. Those of one target that meet,
    /// one of them exclusive, are granted in the order in which they were accepted.
    Lock {
        /// What the path is to the caller; the same path, the same target.
        target: Key,
        /// Which bytes of it. They need not be there.
        span: Span,
        /// Whether others may hold it, too.
        sharing: Sharing,
        /// Who else is to be kept out.
        scope: Scope,
        /// What to do where somebody is in the way.
        patience: Patience,
    },
    /// Wait until every write to any file accepted before is executed (R3).
    FlushAll,
    /// The same, and then make durable what was written to the files that are open for writing
    /// (R3).
    SyncAll,
    /// Close the handle. Refuses further requests on it at once; the outcome comes when what was
    /// under way on it is answered.
    Close {
        /// Which handle.
        handle: HandleId,
    },
}

impl Request {
    /// The handle it goes by; none for an open, a replace or a lock, and for what is asked of all files.
    pub const fn handle(&self) -> Option<HandleId> {
        match *self {
            Request::Open { .. }
            | Request::Replace { .. }
            | Request::Lock { .. }
            | Request::FlushAll
            | Request::SyncAll => None,
            Request::Stage { handle, .. }
            | Request::Unstage { handle }
            | Request::Read { handle, .. }
            | Request::Write { handle, .. }
            | Request::Append { handle, .. }
            | Request::SetLength { handle, .. }
            | Request::Flush { handle }
            | Request::Sync { handle }
            | Request::Close { handle } => Some(handle),
        }
    }

    /// How urgent it is: what it says itself; flushes and syncs are urgent (R4), all else is normal.
    pub const fn class(&self) -> Class {
        match *self {
            Request::Write { class, .. }
            | Request::Append { class, .. }
            | Request::SetLength { class, .. } => class,
            Request::Flush { .. } | Request::Sync { .. } | Request::FlushAll | Request::SyncAll => {
                Class::Urgent
            }
            Request::Open { .. }
            | Request::Stage { .. }
            | Request::Unstage { .. }
            | Request::Read { .. }
            | Request::Replace { .. }
            | Request::Lock { .. }
            | Request::Close { .. } => Class::Normal,
        }
    }

    /// Whether it needs a handle that may write.
    pub(crate) const fn is_of_writers(&self) -> bool {
        self.is_write() || matches!(self, Request::Flush { .. } | Request::Sync { .. })
    }

    /// Whether it changes its file in place: those have places in its order, and are counted.
    pub(crate) const fn is_write(&self) -> bool {
        matches!(
            self,
            Request::Write { .. } | Request::Append { .. } | Request::SetLength { .. }
        )
    }
}

/// What a handle may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Access {
    /// Read.
    #[default]
    Read,
    /// Read and write. The file keeps a descriptor of its own, outside
    /// [`Limits::descriptors`](crate::Limits::descriptors), as long as such a handle is open,
    /// and is not mapped meanwhile. A write is answered when it is executed.
    Write,
    /// The same, but a write is answered when it is durable, and is High at least (R4): what `O_SYNC`
    /// means. It waits for no other write but those that it meets.
    WriteThrough,
    /// The same as `Write`, but a write is answered when it is accepted, as
    /// [`Accepted`](crate::Outcome::Accepted) (R8). If it fails later, that is an error of the file:
    /// told once to each handle that writes behind, by its next write, flush, sync or close, as
    /// [`Fault::Behind`](crate::Fault::Behind).
    WriteBehind,
}

impl Access {
    /// Whether it may write.
    pub const fn may_write(self) -> bool {
        match self {
            Access::Read => false,
            Access::Write | Access::WriteThrough | Access::WriteBehind => true,
        }
    }
}

/// How a handle is to be used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tuning {
    /// What its file may hold at once (R12). Of several who say it, the latest counts, for all who have
    /// the file open.
    Limits(FileLimits),
    /// What a failed sync means to it (R8). It must be one that may write.
    FailedSync(FailedSync),
}

/// What it means to a handle that may write when a sync of its file fails. What was not durable then is
/// lost, whoever wrote it: the system takes it for written and does not try again. So in either case no
/// later sync vouches for it (R8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FailedSync {
    /// It writes and syncs no more: both are refused with
    /// [`Reject::SyncFailed`](crate::Reject::SyncFailed) until the file is opened again.
    #[default]
    Refuse,
    /// It goes on. Once, it is told with [`Fault::SyncFailed`](crate::Fault::SyncFailed): by the sync
    /// that failed, if it waited for it; else by its next write or sync, which is not begun, or by its
    /// next flush or close, which is done. Whatever was accepted before that answer, and had not been
    /// synced before, may be lost, and is to be written again by whoever still has it. What is accepted
    /// after it, a later sync makes durable. A sync that was asked before the failure fails, too.
    KeepDirty,
}

/// What of a replace survives a loss of power (A6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Durability {
    /// Nothing for certain: neither the content nor the name, and perhaps an empty file. Readers
    /// see the old content or the new one, whole.
    None,
    /// The old content or the new one, whole, and no one can say which.
    File,
    /// Once it is answered: the new one.
    #[default]
    FileAndDirectory,
}

/// What a replace does where there is something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Existing {
    /// Replace it, if it is a regular file; a symbolic link is followed to one.
    #[default]
    Replace,
    /// The same, but a symbolic link is replaced itself, and not what it leads to (A3).
    ReplaceLink,
    /// Fail with the system's EEXIST.
    Fail,
}

/// What an open does where there is no file (G11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Missing {
    /// Fail with the system's ENOENT.
    #[default]
    Fail,
    /// Create an empty file.
    Create,
    /// Create an empty file, and fail with the system's EEXIST where there is something.
    CreateNew,
}

impl Missing {
    /// For the same open once more, after it succeeded: what there was to create is there.
    pub(crate) const fn again(self) -> Missing {
        match self {
            Missing::Fail => Missing::Fail,
            Missing::Create | Missing::CreateNew => Missing::Create,
        }
    }
}

/// How a file is to be brought into memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Plan {
    /// By which means.
    pub mode: Mode,
    /// What an explicit mode does when the budget has no room (G10).
    pub over_budget: OverBudget,
    /// Up to this length, in bytes, `Auto` loads; longer files are mapped.
    pub map_threshold: u64,
}

impl Plan {
    /// Where `Auto` goes over from loading to mapping unless told otherwise: 1 MiB.
    pub const MAP_THRESHOLD: u64 = 1 << 20;

    /// The plan for a mode, with the default threshold, refused when the budget is full.
    pub const fn of(mode: Mode) -> Plan {
        Plan {
            mode,
            over_budget: OverBudget::Refuse,
            map_threshold: Plan::MAP_THRESHOLD,
        }
    }
}

/// By which means a file is brought into memory (G3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// Load what is small, map what is large; where mapping is not to be had, load.
    #[default]
    Auto,
    /// Map it privately and populate the mapping.
    Map,
    /// Map it shared, and populate the mapping.
    MapShared,
    /// Copy it into memory of our own.
    Load,
    /// Do not stage.
    None,
}

/// What an explicit mode does when the budget has no room (G10). `Auto` never waits for room that
/// only its holders could make; it leaves the file unstaged and says so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum OverBudget {
    /// Fail with [`Fault::OverBudget`](crate::Fault::OverBudget).
    #[default]
    Refuse,
    /// Wait until others gave back enough, in order of arrival.
    Wait,
}

/// How long each phase of a shutdown may take, in nanoseconds (S3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Grace {
    /// For everything together.
    pub total: u64,
    /// For the operations already accepted.
    pub draining: u64,
    /// For giving everything back.
    pub closing: u64,
}

impl Default for Grace {
    /// 15 seconds in all, 5 for draining, 8 for closing.
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Grace {
            total: 15 * SECOND,
            draining: 5 * SECOND,
            closing: 8 * SECOND,
        }
    }
}
