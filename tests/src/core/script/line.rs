//! Reading a line of a transcript.

use super::Names;
use super::limits::{limit, limits, tuning};
use driver_kit::journal::wording;
use staging_core::{
    Access, Class, Completion, Durability, Event, Existing, Fault, Grace, HandleId, Id, IoId, Key,
    Limits, LockId, Missing, Mode, NodeKind, OpId, OverBudget, Patience, Plan, Request, Scope,
    Sharing, Span, Stamp, Tick,
};
use std::str::FromStr;

/// What a line asks for.
pub(super) enum Command {
    Nothing,
    Limits(Limits),
    Now(Tick),
    Ask {
        name: String,
        deadline: Tick,
        request: Request,
    },
    Say(Event),
    /// The oldest action under way that can end like this, ended like this.
    End(Option<&'static str>, Completion),
    /// The newest operation of this kind is cancelled.
    Cancel(&'static str),
    Hold,
    Told,
    Io,
    Drain,
    Stands(HandleId),
    Wake,
    Charged,
    Pressure,
    Backlog,
    Report,
    Count(String),
}

pub(super) type Read<T> = Result<T, String>;

pub(super) fn parse(line: &str, names: &Names) -> Read<Command> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok(Command::Nothing),
        [first, ..] if first.starts_with('#') => Ok(Command::Nothing),
        ["limits", settings @ ..] => limits(settings).map(Command::Limits),
        ["@", now] => Ok(Command::Now(Tick(number(now)?))),
        ["hold"] => Ok(Command::Hold),
        ["told"] => Ok(Command::Told),
        ["io"] => Ok(Command::Io),
        ["drain"] => Ok(Command::Drain),
        ["?", "wake"] => Ok(Command::Wake),
        ["?", "charged"] => Ok(Command::Charged),
        ["?", "pressure"] => Ok(Command::Pressure),
        ["?", "backlog"] => Ok(Command::Backlog),
        ["?", "report"] => Ok(Command::Report),
        ["?", "count", what] => Ok(Command::Count((*what).into())),
        ["?", name] => Ok(Command::Stands(known(name, names)?)),
        [">", said @ ..] => event(said, names),
        _ => Err("what is that?".into()),
    }
}

fn event(words: &[&str], names: &Names) -> Read<Command> {
    let said = match words {
        ["cancel", op] if op.starts_with("op") && *op != "open" => Event::Cancelled {
            op: id::<OpId>(op, "op")?,
        },
        ["cancel", kind] => return one_of(kind, &KINDS).map(Command::Cancel),
        ["drop", name] => Event::Dropped {
            handle: known(name, names)?,
        },
        ["interval", name, every] => Event::IntervalSet {
            handle: known(name, names)?,
            every: number(every)?,
        },
        ["unlock", lock] => Event::Unlocked {
            lock: id::<LockId>(lock, "lock")?,
        },
        ["limit", setting] => Event::Limited {
            limit: limit(setting)?,
        },
        ["tune", name, how @ ..] => Event::Tuned {
            handle: known(name, names)?,
            tuning: tuning(how)?,
        },
        ["returned", bytes] => Event::Returned {
            bytes: number(bytes)?,
        },
        ["shutdown", settings @ ..] => Event::ShutdownAsked {
            grace: grace(settings)?,
        },
        ["force", closing] => Event::Forced {
            closing: number(closing)?,
        },
        ["tick"] => Event::Ticked,
        ["lost"] => Event::DriverLost,
        [io, how @ ..] if io.starts_with("io") => Event::Completed {
            io: id::<IoId>(io, "io")?,
            completion: completion(how)?,
        },
        ["flush-all" | "sync-all", how @ ..] => return ask(words[0], "", how, names),
        ["failed", work, fault] => {
            let work = one_of(work, &WORK)?;
            let fault = self::fault(fault)?;
            return Ok(Command::End(Some(work), Completion::Failed { fault }));
        }
        ["replace" | "lock", target, how @ ..] => return ask(words[0], target, how, names),
        [verb, name, how @ ..] if KINDS.contains(verb) && names.or_new(verb, name) => {
            return ask(verb, name, how, names);
        }
        how => return completion(how).map(|how| Command::End(None, how)),
    };
    Ok(Command::Say(said))
}

/// What can be asked, and cancelled.
const KINDS: [&str; 14] = [
    "open",
    "stage",
    "unstage",
    "read",
    "write",
    "append",
    "cut",
    "flush",
    "sync",
    "replace",
    "lock",
    "flush-all",
    "sync-all",
    "close",
];
/// What can be asked of the driver, and fail.
const WORK: [&str; 17] = [
    "open",
    "fetch",
    "look",
    "map",
    "load",
    "read",
    "write",
    "cut",
    "sync",
    "create",
    "fill",
    "publish",
    "discard",
    "try",
    "give-back",
    "release",
    "close",
];

fn one_of(word: &str, words: &[&'static str]) -> Read<&'static str> {
    let found = words.iter().find(|known| **known == word);
    found
        .copied()
        .ok_or_else(|| format!("no such thing as {word}"))
}

fn ask(verb: &str, name: &str, how: &[&str], names: &Names) -> Read<Command> {
    let mut plan = Plan::of(Mode::Auto);
    let mut missing = Missing::Fail;
    let mut access = Access::Read;
    let mut durability = Durability::FileAndDirectory;
    let mut class = Class::Normal;
    let (mut sharing, mut scope) = (Sharing::Exclusive, Scope::System);
    let mut patience = Patience::Waits;
    let mut deadline = Tick::NEVER;
    let mut numbers = Vec::new();
    for word in how {
        match word.split_once('=') {
            Some(("by", at)) => deadline = Tick(number(at)?),
            Some(("threshold", len)) => plan.map_threshold = number(len)?,
            Some(_) => return Err(format!("{word}?")),
            None => match *word {
                "auto" => plan.mode = Mode::Auto,
                "map" => plan.mode = Mode::Map,
                "map-shared" => plan.mode = Mode::MapShared,
                "load" => plan.mode = Mode::Load,
                "none" => {
                    plan.mode = Mode::None;
                    durability = Durability::None;
                }
                "file" => durability = Durability::File,
                "shared" => sharing = Sharing::Shared,
                "once" => patience = Patience::AsksOnce,
                "machine" => scope = Scope::Machine,
                "network" => scope = Scope::Network,
                "wait" => plan.over_budget = OverBudget::Wait,
                "create" => missing = Missing::Create,
                "create-new" => missing = Missing::CreateNew,
                "write" => access = Access::Write,
                "write-through" => access = Access::WriteThrough,
                "write-behind" => access = Access::WriteBehind,
                "low" => class = Class::Low,
                "high" => class = Class::High,
                "urgent" => class = Class::Urgent,
                _ => numbers.push(number(word)?),
            },
        }
    }
    let request = match (verb, numbers.as_slice()) {
        ("open", []) => Request::Open {
            access,
            missing,
            plan,
        },
        ("stage", []) => Request::Stage {
            handle: known(name, names)?,
            plan,
        },
        ("unstage", []) => Request::Unstage {
            handle: known(name, names)?,
        },
        ("read", &[offset, len]) => Request::Read {
            handle: known(name, names)?,
            offset,
            len,
        },
        ("write", &[offset, len]) => Request::Write {
            handle: known(name, names)?,
            offset,
            len,
            class,
        },
        ("append", &[len]) => Request::Append {
            handle: known(name, names)?,
            len,
            class,
        },
        ("cut", &[len]) => Request::SetLength {
            handle: known(name, names)?,
            len,
            class,
        },
        ("flush", []) => Request::Flush {
            handle: known(name, names)?,
        },
        ("sync", []) => Request::Sync {
            handle: known(name, names)?,
        },
        ("replace", &[len]) => Request::Replace {
            target: key(name)?,
            len,
            durability,
            existing: match missing {
                Missing::CreateNew => Existing::Fail,
                Missing::Fail | Missing::Create => Existing::Replace,
            },
        },
        ("lock", part @ ([] | [_, _])) => Request::Lock {
            target: key(name)?,
            span: match *part {
                [start, end] => Span { start, end },
                _ => Span::ALL,
            },
            sharing,
            scope,
            patience,
        },
        ("flush-all", []) => Request::FlushAll,
        ("sync-all", []) => Request::SyncAll,
        ("close", []) => Request::Close {
            handle: known(name, names)?,
        },
        _ => return Err("no such request".into()),
    };
    let name = name.into();
    Ok(Command::Ask {
        name,
        deadline,
        request,
    })
}

fn completion(words: &[&str]) -> Read<Completion> {
    Ok(match words {
        ["opened", inode, rest @ ..] => Completion::Opened {
            key: key(inode)?,
            stamp: stamp(rest)?,
        },
        ["fetched", inode, rest @ ..] => Completion::Fetched {
            key: key(inode)?,
            stamp: stamp(rest)?,
        },
        ["looked", rest @ ..] => Completion::Looked {
            stamp: stamp(rest)?,
        },
        ["mapped"] => Completion::Mapped,
        ["loaded", rest @ ..] => Completion::Loaded {
            stamp: stamp(rest)?,
        },
        ["read", bytes] => Completion::Read {
            bytes: number(bytes)?,
        },
        ["written"] => Completion::Written,
        ["cut-short", bytes, fault] => Completion::CutShort {
            bytes: number(bytes)?,
            fault: self::fault(fault)?,
        },
        ["length-set"] => Completion::LengthSet,
        ["synced"] => Completion::Synced,
        ["created"] => Completion::Created { volume: None },
        ["created", "on", volume] => Completion::Created {
            volume: Some(number(volume)?),
        },
        ["published", directory] => Completion::Published {
            directory: key(directory)?,
        },
        ["unsure", fault] => Completion::Unsure {
            fault: self::fault(fault)?,
        },
        ["discarded"] => Completion::Discarded,
        ["locked"] => Completion::Locked,
        ["contended"] => Completion::Contended,
        ["unlocked"] => Completion::Unlocked,
        ["released"] => Completion::Released { lent: 0 },
        ["released", "lent", bytes] => Completion::Released {
            lent: number(bytes)?,
        },
        ["closed"] => Completion::Closed,
        ["failed", fault] => Completion::Failed {
            fault: self::fault(fault)?,
        },
        _ => return Err("no such completion".into()),
    })
}

fn fault(word: &str) -> Read<Fault> {
    Ok(match word {
        "ENOENT" => Fault::Os(2),
        "EIO" => Fault::Os(5),
        "ENOMEM" => Fault::Os(12),
        "EACCES" => Fault::Os(13),
        "ENOSPC" => Fault::Os(28),
        _ if word.starts_with("errno=") => Fault::Os(number(&word["errno=".len()..])?),
        _ => {
            let found = FAULTS.iter().find(|fault| wording::fault(**fault) == word);
            *found.ok_or_else(|| format!("no such fault as {word}"))?
        }
    })
}

/// Every fault but those that have a number.
const FAULTS: [Fault; 21] = [
    Fault::NotAFile(NodeKind::Directory),
    Fault::NotAFile(NodeKind::Fifo),
    Fault::NotAFile(NodeKind::Socket),
    Fault::NotAFile(NodeKind::Device),
    Fault::NotAFile(NodeKind::Other),
    Fault::Dangling,
    Fault::Replaced,
    Fault::Truncated,
    Fault::Unsized,
    Fault::LocksUntrusted,
    Fault::Contended,
    Fault::Changed,
    Fault::OverBudget,
    Fault::NoMapping,
    Fault::Short,
    Fault::SyncFailed,
    Fault::Cancelled,
    Fault::Deadline,
    Fault::ShuttingDown,
    Fault::Abandoned,
    Fault::DriverLost,
];

/// `INODE`, or `DEVICE:INODE`.
fn key(word: &str) -> Read<Key> {
    let (device, inode) = word.split_once(':').unwrap_or(("0", word));
    Ok(Key([number(device)?, number(inode)?]))
}

/// `LEN`, or `LEN vN` where another version is meant than the first.
fn stamp(words: &[&str]) -> Read<Stamp> {
    let (len, version) = match words {
        [len] => (len, "1"),
        [len, version] => (len, version.trim_start_matches('v')),
        _ => return Err("a length, and perhaps a version".into()),
    };
    Ok(Stamp {
        len: number(len)?,
        version: number(version)?,
    })
}

fn grace(settings: &[&str]) -> Read<Grace> {
    let mut grace = Grace::default();
    for setting in settings {
        match setting.split_once('=') {
            Some(("total", time)) => grace.total = number(time)?,
            Some(("draining", time)) => grace.draining = number(time)?,
            Some(("closing", time)) => grace.closing = number(time)?,
            _ => return Err(format!("no such grace as {setting}")),
        }
    }
    Ok(grace)
}

/// By the name that the script gave, or as every transcript writes it.
pub(super) fn known(name: &str, names: &Names) -> Read<HandleId> {
    match names.handles.get(name) {
        Some(handle) => Ok(*handle),
        None => id(name, "handle").map_err(|_| format!("nothing is called {name}")),
    }
}

pub(super) fn number<T: FromStr>(word: &str) -> Read<T> {
    let plain = word.replace('_', "");
    plain.parse().map_err(|_| format!("{word} is no number"))
}

/// Reads what an id prints: `io3`, or `io3.2` for the second of its place.
trait Named: Sized {
    fn numbered(raw: u64) -> Option<Self>;
}

impl<K> Named for Id<K> {
    fn numbered(raw: u64) -> Option<Self> {
        Id::from_u64(raw)
    }
}

fn id<T: Named>(word: &str, kind: &str) -> Read<T> {
    let numbers = word.strip_prefix(kind).ok_or("another kind of id")?;
    let (index, generation) = numbers.split_once('.').unwrap_or((numbers, "1"));
    let (index, generation): (u64, u64) = (number(index)?, number(generation)?);
    T::numbered(generation << 32 | index).ok_or_else(|| "no such id".into())
}
