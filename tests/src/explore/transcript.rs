//! The way to a state as a script: what can be saved beside the others and replayed by anybody.

use super::around::State;
use super::reached::Reached;
use super::step::{Choice, Said, Turn};
use super::world::World;
use crate::core::script;
use staging_core::{
    Access, Completion, Event, Fault, Grace, HandleId, Limits, Mode, OverBudget, Plan, Request,
    Stamp, Tick,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The names of the seats.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Replays choices from the first state and writes down what was said, and what was answered.
pub(crate) fn write(world: &World, way: &[Choice], complaint: &str) -> String {
    let mut log = Vec::new();
    let mut reached = Reached::default();
    let mut state = State::first(world);
    // The last choice may well stop the machine.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for choice in way {
            let mut turn = Turn {
                world,
                state: &mut state,
                reached: &mut reached,
                heard: None,
                shown: None,
                log: Some(&mut log),
            };
            if turn.take(*choice).is_err() {
                break;
            }
        }
    }));
    let mut text = format!("# {}: {}\n", world.name, world.purpose);
    if !complaint.is_empty() {
        let _ = writeln!(text, "# {complaint}");
    }
    let _ = writeln!(text, "{}", limits(&world.limits));
    let mut names = BTreeMap::new();
    let mut now = Tick::ZERO;
    if world.dawdles() {
        text.push_str("hold\n");
    }
    for said in log {
        match said {
            Said::Event(at, event, opened) => {
                if at != now {
                    let _ = writeln!(text, "@ {}", at.0);
                    now = at;
                }
                if let Some((seat, handle)) = opened {
                    names.insert(handle, NAMES[seat]);
                }
                let opens = opened.map_or("x", |(seat, _)| NAMES[seat]);
                let _ = writeln!(text, "> {}", self::event(event, opens, &names));
            }
            Said::Told if world.dawdles() => text.push_str("told\n"),
            Said::Io if world.dawdles() => text.push_str("io\n"),
            Said::Told | Said::Io => {}
        }
    }
    let played = catch_unwind(AssertUnwindSafe(|| script::play(&text)));
    match played {
        Ok(Ok(played)) => played,
        Ok(Err(what)) => format!("{text}# not played: {what}\n"),
        Err(_) => format!("{text}# and here it panics\n"),
    }
}

type Names = BTreeMap<HandleId, &'static str>;

fn event(event: Event, opens: &str, names: &Names) -> String {
    match event {
        Event::Submitted {
            deadline, request, ..
        } => {
            let by = match deadline {
                Tick::NEVER => String::new(),
                Tick(at) => format!(" by={at}"),
            };
            format!("{}{by}", self::request(request, opens, names))
        }
        Event::Completed { io, completion } => format!("{io:?} {}", self::completion(completion)),
        Event::Cancelled { op } => format!("cancel {op:?}"),
        Event::Dropped { handle } => format!("drop {}", name(handle, names)),
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
        Event::Ticked => "tick".into(),
        Event::DriverLost => "lost".into(),
    }
}

fn name(handle: HandleId, names: &Names) -> &'static str {
    names.get(&handle).copied().unwrap_or("x")
}

fn request(request: Request, opens: &str, names: &Names) -> String {
    let name = |handle| name(handle, names);
    match request {
        Request::Open { access, plan, .. } => {
            let to_write = match access {
                Access::Read => "",
                Access::Write => " write",
            };
            format!("open {opens} {}{to_write}", self::plan(plan))
        }
        Request::Stage { handle, plan } => format!("stage {} {}", name(handle), self::plan(plan)),
        Request::Unstage { handle } => format!("unstage {}", name(handle)),
        Request::Read {
            handle,
            offset,
            len,
        } => format!("read {} {offset} {len}", name(handle)),
        Request::Write {
            handle,
            offset,
            len,
        } => format!("write {} {offset} {len}", name(handle)),
        Request::Append { handle, len } => format!("append {} {len}", name(handle)),
        Request::SetLength { handle, len } => format!("cut {} {len}", name(handle)),
        Request::Flush { handle } => format!("flush {}", name(handle)),
        Request::Sync { handle } => format!("sync {}", name(handle)),
        Request::FlushAll => "flush-all".into(),
        Request::SyncAll => "sync-all".into(),
        Request::Close { handle } => format!("close {}", name(handle)),
    }
}

fn plan(plan: Plan) -> String {
    let mode = match plan.mode {
        Mode::Auto => "auto",
        Mode::Map => "map",
        Mode::MapShared => "map-shared",
        Mode::Load => "load",
        Mode::None => "none",
    };
    let wait = match plan.over_budget {
        OverBudget::Refuse => "",
        OverBudget::Wait => " wait",
    };
    format!("{mode}{wait} threshold={}", plan.map_threshold)
}

fn completion(completion: Completion) -> String {
    match completion {
        Completion::Opened { key, stamp } => format!("opened {} {}", key.0[1], self::stamp(stamp)),
        Completion::Fetched { key, stamp } => {
            format!("fetched {} {}", key.0[1], self::stamp(stamp))
        }
        Completion::Looked { stamp } => format!("looked {}", self::stamp(stamp)),
        Completion::Mapped => "mapped".into(),
        Completion::Loaded { stamp } => format!("loaded {}", self::stamp(stamp)),
        Completion::Read { bytes } => format!("read {bytes}"),
        Completion::Written => "written".into(),
        Completion::CutShort { bytes, fault } => {
            format!("cut-short {bytes} {}", self::fault(fault))
        }
        Completion::LengthSet => "length-set".into(),
        Completion::Synced => "synced".into(),
        Completion::Released { lent: 0 } => "released".into(),
        Completion::Released { lent } => format!("released lent {lent}"),
        Completion::Closed => "closed".into(),
        Completion::Failed { fault } => format!("failed {}", self::fault(fault)),
    }
}

fn stamp(stamp: Stamp) -> String {
    format!("{} v{}", stamp.len, stamp.version)
}

/// The faults that a driver tells of here.
fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Os(28) => "ENOSPC",
        Fault::Truncated => "truncated",
        Fault::NoMapping => "no-mapping",
        _ => "EIO",
    }
}

fn limits(limits: &Limits) -> String {
    let Limits {
        operations,
        operations_per_file,
        bytes,
        bytes_per_file,
        handles,
        descriptors,
        budget,
        linger,
        fetch,
        chunk,
        restarts,
    } = limits;
    format!(
        "limits operations={operations} per-file={operations_per_file} bytes={bytes} \
         bytes-per-file={bytes_per_file} handles={handles} descriptors={descriptors} \
         budget={budget} linger={linger} fetch={fetch} chunk={chunk} restarts={restarts}"
    )
}
