//! What a driver and its machine said to each other, without what may differ between two drivers
//! that do the same.
//!
//! Kept are, in their order, the requests with what was answered at once, the outcomes and the
//! notices; and the actions, in the order in which they were handed out, each with its end and with
//! how much had been said before. Left out is what two runs of one driver differ in, too: times, and
//! with them the ticks that say that time passed and the moments at which phases end; and the names
//! that the system gave, identities and versions of files. Left out is also how many small actions
//! somebody takes at a time, for that is the driver's: callers who help take one, a worker all there
//! are, so the ends of two of them may come before or after the beginning of the second. Identities
//! and actions are numbered by their first appearance.

use driver_kit::core::{Action, Completion, Entry, Event, IoId, Key, Reply, Tell, Tick};

/// The transcript of a journal: a line for each thing that was said, then one for each action.
pub(crate) fn transcript(entries: &[Entry]) -> Vec<String> {
    let mut keys: Vec<Key> = Vec::new();
    let (mut lines, mut actions) = (Vec::new(), Vec::<(IoId, String)>::new());
    for entry in entries {
        match *entry {
            Entry::Said {
                event: Event::Completed { io, completion },
                reply,
                ..
            } => {
                let end = ended(completion, &mut keys);
                if let Some((_, line)) = actions.iter_mut().rfind(|(of, _)| *of == io) {
                    line.push_str(&format!(": {end} = {reply:?}"));
                }
            }
            Entry::Said { event, reply, .. } => lines.extend(said(event, reply)),
            Entry::Polled(Action::Tell(tell)) => lines.extend(told(tell)),
            Entry::Polled(Action::Perform { io, kind }) => {
                actions.push((io, format!("after {} {kind:?}", lines.len())));
            }
        }
    }
    lines.extend(actions.into_iter().map(|(_, line)| line));
    lines
}

fn said(event: Event, reply: Reply) -> Option<String> {
    let said = match event {
        Event::Ticked | Event::Completed { .. } => return None,
        Event::Submitted {
            deadline, request, ..
        } => {
            let late = if deadline == Tick::NEVER { "" } else { " late" };
            format!("{request:?}{late}")
        }
        Event::Cancelled { .. }
        | Event::Dropped { .. }
        | Event::Unlocked { .. }
        | Event::Limited { .. }
        | Event::Tuned { .. }
        | Event::IntervalSet { .. }
        | Event::Returned { .. }
        | Event::ShutdownAsked { .. }
        | Event::Forced { .. }
        | Event::DriverLost => format!("{event:?}"),
    };
    Some(format!("> {said} = {reply:?}"))
}

fn ended(completion: Completion, keys: &mut Vec<Key>) -> String {
    let mut known = |key: Key| {
        let place = keys.iter().position(|other| *other == key);
        place.unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        })
    };
    match completion {
        Completion::Opened { key, stamp } => format!("opened {} {}", known(key), stamp.len),
        Completion::Fetched { key, stamp } => format!("fetched {} {}", known(key), stamp.len),
        Completion::Looked { stamp } => format!("looked {}", stamp.len),
        Completion::Loaded { stamp } => format!("loaded {}", stamp.len),
        Completion::Mapped
        | Completion::Read { .. }
        | Completion::Written
        | Completion::CutShort { .. }
        | Completion::LengthSet
        | Completion::Synced
        | Completion::Created { .. }
        | Completion::Published { .. }
        | Completion::Unsure { .. }
        | Completion::Discarded
        | Completion::Locked
        | Completion::Contended
        | Completion::Unlocked
        | Completion::Released { .. }
        | Completion::Closed
        | Completion::Failed { .. } => format!("{completion:?}"),
    }
}

fn told(tell: Tell) -> Option<String> {
    match tell {
        // When a phase ends is a matter of time.
        Tell::Phase { .. } => None,
        tell => Some(format!("  < {tell:?}")),
    }
}
