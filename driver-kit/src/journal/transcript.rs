//! A journal as a transcript, in the language of the scripts that test the machine: what it says can
//! be played as one.

use super::wording;
use staging_core::{
    Access, Action, Class, Completion, Durability, Entry, Event, Existing, FailedSync, FileLimits,
    Grace, Key, Limit, Limits, Missing, Mode, OverBudget, Patience, Plan, Reply, Request, Scope,
    Sharing, Span, Stamp, Tick, Tuning, Turns, Weights,
};

/// Writes entry by entry what was said when.
///
/// ```text
/// limits operations=4096 …        what the machine keeps to
/// hold                            nothing is polled unless a line says so
/// @ 1200                          it is 1,200 ns after the beginning
/// > open handle0 auto             what it was told, and `=` what it answered
///   = opening op0
/// io                              somebody asked for an action (`told`: for what is to be told),
///   < io0: fetch handle0 …        and this was it
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    now: Tick,
}

impl Transcript {
    /// A transcript that begins with the machine.
    pub fn new() -> Transcript {
        Transcript::default()
    }

    /// Its first lines.
    pub fn beginning(&self, limits: &Limits) -> String {
        let each: Vec<String> = limits.each().into_iter().map(limit_of).collect();
        format!("limits {}\nhold\n", each.join(" "))
    }

    /// The lines of the next entry.
    pub fn entry(&mut self, entry: &Entry) -> String {
        let mut text = String::new();
        match *entry {
            Entry::Said { now, event, reply } => {
                if now != self.now {
                    self.now = now;
                    text.push_str(&format!("@ {}\n", now.0));
                }
                let (said, reply) = (event_of(event, reply), wording::reply(reply));
                text.push_str(&format!("> {said}\n  = {reply}\n"));
            }
            Entry::Polled(action) => {
                let asked = match action {
                    Action::Tell(_) => "told",
                    Action::Perform { .. } => "io",
                };
                let said = wording::action(action, &wording::as_it_is);
                text.push_str(&format!("{asked}\n  < {said}\n"));
            }
        }
        text
    }
}

fn event_of(event: Event, reply: Reply) -> String {
    match event {
        Event::Submitted {
            deadline, request, ..
        } => {
            let mut said = request_of(request, reply);
            if deadline != Tick::NEVER {
                said.push_str(&format!(" by={}", deadline.0));
            }
            said
        }
        Event::Completed { io, completion } => format!("{io:?} {}", completion_of(completion)),
        Event::Cancelled { op } => format!("cancel {op:?}"),
        Event::Dropped { handle } => format!("drop {handle:?}"),
        Event::Unlocked { lock } => format!("unlock {lock:?}"),
        Event::Limited { limit } => format!("limit {}", limit_of(limit)),
        Event::Tuned { handle, tuning } => format!("tune {handle:?}{}", tuning_of(tuning)),
        Event::IntervalSet { handle, every } => format!("interval {handle:?} {every}"),
        Event::Returned { bytes } => format!("returned {bytes}"),
        Event::ShutdownAsked { grace } => {
            let Grace {
                total,
                draining,
                closing,
            } = grace;
            format!("shutdown total={total} draining={draining} closing={closing}")
        }
        Event::Forced { closing } => format!("force {closing}"),
        Event::Ticked => "tick".to_owned(),
        Event::DriverLost => "lost".to_owned(),
    }
}

fn request_of(request: Request, reply: Reply) -> String {
    let verb = wording::kind(request);
    match request {
        Request::Open {
            access,
            missing,
            plan,
        } => {
            let name = match reply {
                Reply::Opening { handle, .. } => format!("{handle:?}"),
                _ => "nothing".to_owned(),
            };
            let access = match access {
                Access::Read => "",
                Access::Write => " write",
                Access::WriteThrough => " write-through",
                Access::WriteBehind => " write-behind",
            };
            let missing = match missing {
                Missing::Fail => "",
                Missing::Create => " create",
                Missing::CreateNew => " create-new",
            };
            format!("{verb} {name} {}{access}{missing}", plan_of(plan))
        }
        Request::Stage { handle, plan } => format!("{verb} {handle:?} {}", plan_of(plan)),
        Request::Read {
            handle,
            offset,
            len,
        } => format!("{verb} {handle:?} {offset} {len}"),
        Request::Write {
            handle,
            offset,
            len,
            class,
        } => format!("{verb} {handle:?} {offset} {len}{}", class_of(class)),
        Request::Append { handle, len, class } | Request::SetLength { handle, len, class } => {
            format!("{verb} {handle:?} {len}{}", class_of(class))
        }
        Request::Unstage { handle }
        | Request::Flush { handle }
        | Request::Sync { handle }
        | Request::Close { handle } => format!("{verb} {handle:?}"),
        Request::FlushAll | Request::SyncAll => verb.to_owned(),
        Request::Replace {
            target,
            len,
            durability,
            existing,
        } => {
            let durability = match durability {
                Durability::None => " none",
                Durability::File => " file",
                Durability::FileAndDirectory => "",
            };
            let existing = match existing {
                Existing::Replace => "",
                Existing::ReplaceLink => " no-follow",
                Existing::Fail => " create-new",
            };
            format!("{verb} {} {len}{durability}{existing}", key_of(target))
        }
        Request::Lock {
            target,
            span,
            sharing,
            scope,
            patience,
        } => {
            let part = match span {
                Span::ALL => String::new(),
                Span { start, end } => format!(" {start} {end}"),
            };
            let sharing = match sharing {
                Sharing::Exclusive => "",
                Sharing::Shared => " shared",
            };
            let once = match patience {
                Patience::Waits => "",
                Patience::AsksOnce => " once",
            };
            let scope = match scope {
                Scope::Machine => " machine",
                Scope::System => "",
                Scope::Network => " network",
            };
            format!("{verb} {}{part}{sharing}{scope}{once}", key_of(target))
        }
    }
}

fn limit_of(limit: Limit) -> String {
    match limit {
        Limit::Operations(most) => format!("operations={most}"),
        Limit::OperationsPerFile(most) => format!("per-file={most}"),
        Limit::Bytes(most) => format!("bytes={most}"),
        Limit::BytesPerFile(most) => format!("bytes-per-file={most}"),
        Limit::Handles(most) => format!("handles={most}"),
        Limit::Locks(most) => format!("locks={most}"),
        Limit::Descriptors(most) => format!("descriptors={most}"),
        Limit::Budget(most) => format!("budget={most}"),
        Limit::Linger(most) => format!("linger={most}"),
        Limit::Fetch(most) => format!("fetch={most}"),
        Limit::Chunk(most) => format!("chunk={most}"),
        Limit::Restarts(most) => format!("restarts={most}"),
        Limit::Merge(most) => format!("merge={most}"),
        Limit::MergeBytes(most) => format!("merge-bytes={most}"),
        Limit::Turns(turns) => format!("turns={}", turns_of(turns)),
    }
}

fn tuning_of(tuning: Tuning) -> String {
    match tuning {
        Tuning::Limits(FileLimits { operations, bytes }) => {
            let operations = operations.map(|most| format!(" operations={most}"));
            let bytes = bytes.map(|most| format!(" bytes={most}"));
            format!(
                "{}{}",
                operations.unwrap_or_default(),
                bytes.unwrap_or_default()
            )
        }
        Tuning::FailedSync(FailedSync::KeepDirty) => " keep-dirty".to_owned(),
        Tuning::FailedSync(FailedSync::Refuse) => " refuse".to_owned(),
    }
}

fn turns_of(turns: Turns) -> String {
    match turns {
        Turns::ByArrival => "by-arrival".to_owned(),
        Turns::ByClass {
            weights:
                Weights {
                    urgent,
                    high,
                    normal,
                    low,
                },
            patience,
        } => format!("{urgent},{high},{normal},{low},{patience}"),
    }
}

const fn class_of(class: Class) -> &'static str {
    match class {
        Class::Low => " low",
        Class::Normal => "",
        Class::High => " high",
        Class::Urgent => " urgent",
    }
}

fn key_of(Key([device, inode]): Key) -> String {
    match device {
        0 => inode.to_string(),
        _ => format!("{device}:{inode}"),
    }
}

fn plan_of(plan: Plan) -> String {
    let Plan {
        mode,
        over_budget,
        map_threshold,
    } = plan;
    let mode = match mode {
        Mode::Auto => "auto",
        Mode::Map => "map",
        Mode::MapShared => "map-shared",
        Mode::Load => "load",
        Mode::None => "none",
    };
    let wait = match over_budget {
        OverBudget::Refuse => "",
        OverBudget::Wait => " wait",
    };
    match map_threshold {
        Plan::MAP_THRESHOLD => format!("{mode}{wait}"),
        other => format!("{mode}{wait} threshold={other}"),
    }
}

fn completion_of(completion: Completion) -> String {
    let stamp_of = |Stamp { len, version }| format!("{len} v{version}");
    match completion {
        Completion::Opened { key, stamp } => format!("opened {} {}", key_of(key), stamp_of(stamp)),
        Completion::Fetched { key, stamp } => {
            format!("fetched {} {}", key_of(key), stamp_of(stamp))
        }
        Completion::Looked { stamp } => format!("looked {}", stamp_of(stamp)),
        Completion::Mapped => "mapped".to_owned(),
        Completion::Loaded { stamp } => format!("loaded {}", stamp_of(stamp)),
        Completion::Read { bytes } => format!("read {bytes}"),
        Completion::Written => "written".to_owned(),
        Completion::CutShort { bytes, fault } => {
            format!("cut-short {bytes} {}", wording::fault(fault))
        }
        Completion::LengthSet => "length-set".to_owned(),
        Completion::Synced => "synced".to_owned(),
        Completion::Created { volume: None } => "created".to_owned(),
        Completion::Created {
            volume: Some(volume),
        } => format!("created on {volume}"),
        Completion::Published { directory } => format!("published {}", key_of(directory)),
        Completion::Unsure { fault } => format!("unsure {}", wording::fault(fault)),
        Completion::Discarded => "discarded".to_owned(),
        Completion::Locked => "locked".to_owned(),
        Completion::Contended => "contended".to_owned(),
        Completion::Unlocked => "unlocked".to_owned(),
        Completion::Released { lent: 0 } => "released".to_owned(),
        Completion::Released { lent } => format!("released lent {lent}"),
        Completion::Closed => "closed".to_owned(),
        Completion::Failed { fault } => format!("failed {}", wording::fault(fault)),
    }
}
