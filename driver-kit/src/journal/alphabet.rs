//! The words for everything that passes between a driver and its machine.

use super::reading::Flaw;
use super::words::{Worded, Words, fields, put, unknown, words};
use staging_core::{
    Access, Action, Bound, Cause, Class, Completion, Done, Durability, Entry, Event, Existing,
    FailedSync, Fault, FileLimits, Grace, How, Ignored, IoKind, Limit, Limits, LockStep, Missing,
    Mode, NodeKind, Outcome, OverBudget, Patience, PhaseName, Plan, Reject, ReplaceStep, Reply,
    Request, Scope, Sharing, Span, Stamp, Standing, Tell, Tuning, Turns, Weights, Why,
};

words!(Entry {
    Said { now, event, reply },
    Polled(action)
});

words!(Event {
    Submitted { tag, deadline, request },
    Completed { io, completion },
    Cancelled { op },
    Dropped { handle },
    Unlocked { lock },
    Limited { limit },
    Tuned { handle, tuning },
    IntervalSet { handle, every },
    Returned { bytes },
    ShutdownAsked { grace },
    Forced { closing },
    Ticked,
    DriverLost
});

words!(Request {
    Open { access, missing, plan },
    Stage { handle, plan },
    Unstage { handle },
    Read { handle, offset, len },
    Write { handle, offset, len, class },
    Append { handle, len, class },
    SetLength { handle, len, class },
    Flush { handle },
    Sync { handle },
    Replace { target, len, durability, existing },
    Lock { target, span, sharing, scope, patience },
    FlushAll,
    SyncAll,
    Close { handle }
});

words!(Limit {
    Operations(most),
    OperationsPerFile(most),
    Bytes(most),
    BytesPerFile(most),
    Handles(most),
    Locks(most),
    Descriptors(most),
    Budget(most),
    Linger(most),
    Fetch(most),
    Chunk(most),
    Restarts(most),
    Merge(most),
    MergeBytes(most),
    Turns(turns)
});
words!(Tuning { Limits(limits), FailedSync(failed_sync) });
words!(FailedSync { Refuse, KeepDirty });
words!(Access {
    Read,
    Write,
    WriteThrough,
    WriteBehind
});
words!(Class {
    Low,
    Normal,
    High,
    Urgent
});
words!(Turns {
    ByClass { weights, patience },
    ByArrival
});
words!(Durability {
    None,
    File,
    FileAndDirectory
});
words!(Existing {
    Replace,
    ReplaceLink,
    Fail
});
words!(Sharing { Exclusive, Shared });
words!(Patience { Waits, AsksOnce });
words!(Scope {
    Machine,
    System,
    Network
});
words!(Missing {
    Fail,
    Create,
    CreateNew
});
words!(Mode {
    Auto,
    Map,
    MapShared,
    Load,
    None
});
words!(OverBudget { Refuse, Wait });

words!(Completion {
    Opened { key, stamp },
    Fetched { key, stamp },
    Looked { stamp },
    Mapped,
    Loaded { stamp },
    Read { bytes },
    Written,
    CutShort { bytes, fault },
    LengthSet,
    Synced,
    Created { volume },
    Published { directory },
    Unsure { fault },
    Discarded,
    Locked,
    Contended,
    Unlocked,
    Released { lent },
    Closed,
    Failed { fault }
});

words!(Fault {
    Os(errno),
    NotAFile(node),
    Dangling,
    Replaced,
    Truncated,
    Unsized,
    Changed,
    OverBudget,
    NoMapping,
    Short,
    SyncFailed,
    Behind(errno),
    SyncBehind(errno),
    LocksUntrusted,
    Contended,
    Cancelled,
    Deadline,
    ShuttingDown,
    Abandoned,
    DriverLost,
    .. ?
});

words!(NodeKind { Directory, Fifo, Socket, Device, Other, .. ? });

words!(Reply {
    Accepted { op },
    Opening { op, handle },
    Locking { op, lock },
    Rejected(reject),
    Adopted { file },
    Surplus,
    Done,
    Ignored(ignored)
});

words!(Reject {
    Full(bound),
    UnknownHandle,
    BadRange,
    ReadOnly,
    SyncFailed,
    BadLimit(limit),
    ShuttingDown,
    .. ?
});

words!(Ignored {
    UnknownOp,
    UnknownIo,
    UnknownHandle,
    UnknownLock,
    WrongKind,
    Impossible,
    Closed,
    .. ?
});

words!(Action {
    Tell(tell),
    Perform { io, kind }
});

words!(Tell {
    Resolve { op, tag, outcome },
    Progress { file, done, total },
    Withdrawn { file },
    Room { bound },
    Abandoned { io, kind },
    Phase { phase, cause }
});

words!(IoKind {
    Open { handle, access, missing },
    Fetch { handle, missing, up_to },
    Look { file },
    Map { file, len, how },
    Load { file, offset, len, total },
    Read { file, op, offset, len },
    Write { file, op, offset, len, parts },
    SetLength { file, op, len },
    Sync { file },
    Replace { op, step },
    Lock { lock, step },
    Release { file },
    Close { file }
});

words!(ReplaceStep {
    Create { len, existing },
    Fill { offset, len },
    SyncFile { files },
    Publish { existing },
    SyncDirectory,
    Discard
});

words!(LockStep { Try { span, sharing, scope }, Release });

words!(Outcome {
    Opened { file, len, standing },
    Staged { len, standing },
    Unstaged,
    Read { bytes },
    FromContents { file },
    Written { offset, bytes },
    Accepted { offset },
    LengthSet,
    Flushed,
    Synced,
    SyncFailed { files, first, fault },
    Replaced,
    Locked { lock },
    Closed,
    Failed { fault, done }
});

words!(Done { Nothing, Bytes(bytes), Unknown });

words!(Bound {
    Operations,
    FileOperations(file),
    Handles,
    Locks,
    Bytes,
    FileBytes(file)
});

words!(How {
    Empty,
    Loaded,
    Mapped,
    MappedShared
});
words!(Standing { Staged(how), NotStaged(why) });

words!(Why {
    NeverAsked,
    Unstaged,
    Cancelled,
    OverBudget,
    Evicted,
    Changed,
    Written,
    Failed(fault)
});

words!(PhaseName {
    Running,
    Draining,
    Closing,
    Closed
});
words!(Cause {
    Asked,
    Forced,
    Drained,
    GivenBack,
    OutOfTime,
    DriverLost
});

fields!(Plan {
    mode,
    over_budget,
    map_threshold
});
fields!(Grace {
    total,
    draining,
    closing
});
fields!(Weights {
    urgent,
    high,
    normal,
    low
});
fields!(FileLimits { operations, bytes });
fields!(Stamp { len, version });
fields!(Span { start, end });

fields!(Limits {
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
    turns
});
