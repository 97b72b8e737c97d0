//! What a machine is told and says, in the language of its transcripts.
//!
//! Where a handle is named, the caller says how: by a name that a script gave it, or as it is.

use staging_core::{
    Access, Action, BadLimit, Bound, Done, Existing, Fault, HandleId, How, Instead, IoKind, Life,
    LockId, LockStep, Missing, NodeKind, OpId, Outcome, Pressure, Reject, ReplaceStep, Reply,
    Report, Request, Scope, Sharing, Span, Staging, Standing, Stats, Tell, Wake, WakeReason, Why,
};

/// How a handle is called.
pub type Named<'a> = &'a dyn Fn(HandleId) -> String;

/// The name that every transcript can give to a handle.
pub fn as_it_is(handle: HandleId) -> String {
    format!("{handle:?}")
}

/// The word for what was asked.
pub fn kind(request: Request) -> &'static str {
    match request {
        Request::Open { .. } => "open",
        Request::Stage { .. } => "stage",
        Request::Unstage { .. } => "unstage",
        Request::Read { .. } => "read",
        Request::Write { .. } => "write",
        Request::Append { .. } => "append",
        Request::SetLength { .. } => "cut",
        Request::Flush { .. } => "flush",
        Request::Sync { .. } => "sync",
        Request::Replace { .. } => "replace",
        Request::Lock { .. } => "lock",
        Request::FlushAll => "flush-all",
        Request::SyncAll => "sync-all",
        Request::Close { .. } => "close",
    }
}

/// What was answered at once.
pub fn reply(reply: Reply) -> String {
    match reply {
        Reply::Accepted { op } => format!("accepted {op:?}"),
        Reply::Locking { op, lock } => format!("locking {op:?} {lock:?}"),
        Reply::Opening { op, .. } => format!("opening {op:?}"),
        Reply::Rejected(Reject::Full(full)) => format!("refused: {} full", bound(full)),
        Reply::Rejected(Reject::BadLimit(limit)) => format!("refused: {}", BadLimit(limit)),
        Reply::Rejected(why) => format!("refused: {}", words(&format!("{why:?}"))),
        Reply::Adopted { file } => format!("adopted by {file:?}"),
        Reply::Surplus => "surplus".into(),
        Reply::Done => "done".into(),
        Reply::Ignored(why) => format!("ignored: {}", words(&format!("{why:?}"))),
    }
}

/// What a machine says instead of what a journal does.
pub fn instead(instead: Instead) -> String {
    match instead {
        Instead::Reply(other) => format!("= {}", reply(other)),
        Instead::Action(Some(other)) => format!("< {}", action(other, &as_it_is)),
        Instead::Action(None) => "nothing".into(),
    }
}

/// What was polled.
pub fn action(action: Action, named: Named<'_>) -> String {
    match action {
        Action::Tell(said) => tell(said, named),
        Action::Perform { io, kind } => format!("{io:?}: {}", work(kind, named)),
    }
}

/// What is told.
pub fn tell(tell: Tell, named: Named<'_>) -> String {
    match tell {
        Tell::Resolve { op, outcome, .. } => format!("{op:?}: {}", answer(outcome)),
        Tell::Progress { file, done, total } => format!("progress of {file:?}: {done} of {total}"),
        Tell::Withdrawn { file } => format!("withdrawn: {file:?}"),
        Tell::Room { bound: free } => format!("room: {}", bound(free)),
        Tell::Abandoned { io, kind } => format!("abandoned {io:?}: {}", work(kind, named)),
        Tell::Phase { phase, cause } => {
            format!("{phase:?}: {}", words(&format!("{cause:?}")))
        }
    }
}

fn work(kind: IoKind, named: Named<'_>) -> String {
    let or_create = |missing| match missing {
        Missing::Fail => "",
        Missing::Create => ", or create it",
        Missing::CreateNew => ", newly created",
    };
    match kind {
        IoKind::Open {
            handle,
            access,
            missing,
        } => {
            let to_write = match access {
                Access::Read => "",
                Access::Write => " to write",
                Access::WriteThrough => " to write through",
                Access::WriteBehind => " to write behind",
            };
            format!("open {}{to_write}{}", named(handle), or_create(missing))
        }
        IoKind::Fetch {
            handle,
            missing,
            up_to,
        } => {
            let name = named(handle);
            format!("fetch {name} up to {up_to}{}", or_create(missing))
        }
        IoKind::Look { file } => format!("look at {file:?}"),
        IoKind::Map { file, len, how } => format!("map {file:?}, {len} bytes, {}", held(how)),
        IoKind::Load {
            file,
            offset,
            len,
            total,
        } => format!("load {file:?}, {len} at {offset} of {total}"),
        IoKind::Read {
            file,
            op,
            offset,
            len,
        } => format!("read {file:?} for {op:?}, {len} at {offset}"),
        IoKind::Write {
            file,
            op,
            offset,
            len,
            parts: 1,
        } => format!("write {file:?} for {op:?}, {len} at {offset}"),
        IoKind::Write {
            file,
            op,
            offset,
            len,
            parts,
        } => format!(
            "write {file:?} for {op:?} and {} more, {len} at {offset}",
            parts - 1
        ),
        IoKind::SetLength { file, op, len } => {
            format!("set the length of {file:?} to {len} for {op:?}")
        }
        IoKind::Sync { file } => format!("sync {file:?}"),
        IoKind::Replace { op, step } => step_of(op, step),
        IoKind::Lock { lock, step } => about_lock(lock, step),
        IoKind::Release { file } => format!("release {file:?}"),
        IoKind::Close { file } => format!("close {file:?}"),
    }
}

fn step_of(op: OpId, step: ReplaceStep) -> String {
    let anew = |existing| match existing {
        Existing::Replace => "",
        Existing::ReplaceLink => ", following no link",
        Existing::Fail => ", where nothing is",
    };
    match step {
        ReplaceStep::Create { len, existing } => {
            format!(
                "create a file for {op:?} with {len} bytes{}",
                anew(existing)
            )
        }
        ReplaceStep::Fill { offset, len } => format!("fill the file of {op:?}, {len} at {offset}"),
        ReplaceStep::SyncFile { files: 1 } => format!("sync the file of {op:?}"),
        ReplaceStep::SyncFile { files } => format!("sync {files} files, first that of {op:?}"),
        ReplaceStep::Publish { existing } => {
            format!("publish the file of {op:?}{}", anew(existing))
        }
        ReplaceStep::SyncDirectory => format!("sync the directory of {op:?}"),
        ReplaceStep::Discard => format!("discard the file of {op:?}"),
    }
}

fn about_lock(lock: LockId, step: LockStep) -> String {
    let LockStep::Try {
        span,
        sharing,
        scope,
    } = step
    else {
        return format!("give back {lock:?}");
    };
    let part = match span {
        Span::ALL => String::new(),
        Span { start, end } => format!(", {start} to {end}"),
    };
    let shared = match sharing {
        Sharing::Exclusive => "",
        Sharing::Shared => ", shared",
    };
    let anywhere = match scope {
        Scope::Machine | Scope::System => "",
        Scope::Network => ", on any file system",
    };
    format!("try {lock:?}{part}{shared}{anywhere}")
}

fn answer(outcome: Outcome) -> String {
    match outcome {
        Outcome::Opened {
            file,
            len,
            standing,
        } => format!("opened {file:?}, {len} bytes, {}", stands(standing)),
        Outcome::Staged { len, standing } => format!("{len} bytes, {}", stands(standing)),
        Outcome::Unstaged => "unstaged".into(),
        Outcome::Read { bytes } => format!("read {bytes} bytes"),
        Outcome::FromContents { file } => format!("from the contents of {file:?}"),
        Outcome::Accepted { offset } => format!("accepted, at {offset}"),
        Outcome::Written { offset, bytes } => format!("written {bytes} bytes at {offset}"),
        Outcome::LengthSet => "length set".into(),
        Outcome::Flushed => "flushed".into(),
        Outcome::Synced => "synced".into(),
        Outcome::SyncFailed {
            files,
            first,
            fault,
        } => format!("{files} not synced, first {first:?}: {}", failure(fault)),
        Outcome::Replaced => "replaced".into(),
        Outcome::Locked { lock } => format!("{lock:?} is held"),
        Outcome::Closed => "closed".into(),
        Outcome::Failed { fault, done } => {
            let done = match done {
                Done::Nothing => String::new(),
                Done::Bytes(bytes) => format!(", {bytes} bytes done"),
                Done::Unknown => ", nobody knows how far".into(),
            };
            format!("failed: {}{done}", failure(fault))
        }
    }
}

fn failure(fault: Fault) -> String {
    match fault {
        Fault::Os(errno) => format!("errno {errno}"),
        Fault::NotAFile(kind) => format!("not a file but a {}", words(&format!("{kind:?}"))),
        other => words(&format!("{other:?}")),
    }
}

fn stands(standing: Standing) -> String {
    match standing {
        Standing::Staged(how) => format!("staged: {}", held(how)),
        Standing::NotStaged(why) => format!("not staged: {}", because(why)),
    }
}

fn because(why: Why) -> String {
    match why {
        Why::Failed(fault) => failure(fault),
        other => words(&format!("{other:?}")),
    }
}

fn held(how: How) -> &'static str {
    match how {
        How::Empty => "empty",
        How::Loaded => "loaded",
        How::Mapped => "mapped",
        How::MappedShared => "mapped, shared",
    }
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Operations => "operations".into(),
        Bound::FileOperations(file) => format!("operations on {file:?}"),
        Bound::Handles => "handles".into(),
        Bound::Locks => "locks".into(),
        Bound::Bytes => "bytes".into(),
        Bound::FileBytes(file) => format!("bytes of {file:?}"),
    }
}

/// How a file stands.
pub fn staging(staging: Option<Staging>) -> String {
    let Some(staging) = staging else {
        return "no such file".into();
    };
    let len = staging.len;
    let life = match staging.life {
        Life::NotStaged(why) => format!("not staged: {}", because(why)),
        Life::Staging { done, since } => format!("staging since {since:?}: {done} of {len} bytes"),
        Life::Staged(how) => format!("staged: {}", held(how)),
    };
    let (charge, handles, waiting) = (staging.charge, staging.handles, staging.waiting);
    format!("{life}; {charge} bytes charged, {handles} handles, {waiting} wait")
}

/// When the machine wants to be woken, and why.
pub fn wake(wake: Option<Wake>) -> String {
    match wake {
        None => "sleep".into(),
        Some(Wake { at, reason }) => match reason {
            WakeReason::Retry(lock) => format!("at {at:?}, to try {lock:?} again"),
            WakeReason::Sync(file) => format!("at {at:?}, to sync {file:?}"),
            WakeReason::Deadline(op) => format!("at {at:?}, for the deadline of {op:?}"),
            other => format!("at {at:?}, for {}", words(&format!("{other:?}"))),
        },
    }
}

/// How it ended.
pub fn report(report: Option<Report>) -> String {
    let Some(r) = report else {
        return "not closed yet".into();
    };
    format!(
        "{}, {} ns draining, {} ns closing; {} completed, {} failed, {} cancelled, {} abandoned; exit code {}",
        words(&format!("{:?}", r.cause)),
        r.draining,
        r.closing,
        r.completed,
        r.failed,
        r.cancelled,
        r.abandoned,
        r.exit_code()
    )
}

/// How tight its budget is.
pub fn pressure(p: Pressure) -> String {
    format!(
        "{} of {} bytes: {} lent, {} linger, {} return; {} wanted",
        p.charged, p.budget, p.lent, p.lingering, p.returning, p.wanted
    )
}

/// One of its counts.
pub fn count(stats: &Stats, what: &str) -> String {
    let number = match what {
        "restarts" => stats.restarts,
        "staged" => stats.staged,
        "staged-bytes" => stats.staged_bytes,
        "written" => stats.written,
        "written-bytes" => stats.written_bytes,
        "replaced" => stats.replaced,
        "rewritten" => stats.rewritten,
        "locked" => stats.locked,
        "contended" => stats.contended,
        "synced" => stats.synced,
        "syncs-failed" => stats.syncs_failed,
        "accepted" => stats.accepted,
        "issued" => stats.issued,
        "pending" => stats.pending,
        "most-pending" => stats.most_pending,
        "most-charged" => stats.most_charged,
        "shared" => stats.shared,
        "evicted" => stats.evicted,
        "left-over-budget" => stats.left_over_budget,
        "refused-over-budget" => stats.refused_over_budget,
        "waited-for-room" => stats.waited_for_room,
        "recycled" => stats.descriptors_recycled,
        "ignored" => stats.ignored,
        "backwards" => stats.backwards,
        "rejected" => stats.rejected,
        _ => return format!("{what} is not counted"),
    };
    number.to_string()
}

/// A fault as one word: the system's number, what stood there instead of a file, or the name with hyphens.
pub fn fault(fault: Fault) -> String {
    let name = match fault {
        Fault::Os(errno) => return format!("errno={errno}"),
        Fault::NotAFile(NodeKind::Other) => return "other-node".to_owned(),
        Fault::NotAFile(node) => format!("{node:?}"),
        other => format!("{other:?}"),
    };
    words(&name).replace(' ', "-")
}

/// `OutOfTime` reads `out of time`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
