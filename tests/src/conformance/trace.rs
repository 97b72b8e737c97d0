//! What a driver and its machine said to each other, looked at afterwards.

use driver_kit::core::{Action, Entry, Event, IoId, Tell, Tick};
use driver_kit::journal::Journal;
use std::collections::BTreeSet;
use std::error::Error;

/// The journal, played against the core alone, gives the same replies and the same actions; and on
/// the driver's side the contract was kept: see [`keeps_the_contract`].
///
/// # Errors
/// Where the two part, or what the driver did that it must not do.
pub fn replays(journal: &Journal) -> Result<(), Box<dyn Error>> {
    let alone = journal.replay().map_err(|parting| {
        let entry = journal.entries().get(parting.at);
        format!("{parting}, and not as in {entry:?}")
    })?;
    let stats = alone.stats();
    if stats.backwards != 0 {
        return Err(format!("time went back {} times", stats.backwards).into());
    }
    keeps_the_contract(journal.entries())
}

/// Time never goes back; every action is completed once, or was abandoned; nothing is completed
/// that was not handed out.
///
/// # Errors
/// What the driver did otherwise.
pub fn keeps_the_contract(entries: &[Entry]) -> Result<(), Box<dyn Error>> {
    let (mut under_way, mut given_up) = (BTreeSet::<IoId>::new(), BTreeSet::<IoId>::new());
    let mut last = Tick::ZERO;
    for (at, entry) in entries.iter().enumerate() {
        match *entry {
            Entry::Said { now, event, .. } => {
                if now < last {
                    return Err(format!("entry {at}: {now:?} is before {last:?}").into());
                }
                last = now;
                if let Event::Completed { io, .. } = event
                    && !under_way.remove(&io)
                    && !given_up.remove(&io)
                {
                    return Err(format!("entry {at}: {io:?} is not under way").into());
                }
            }
            Entry::Polled(Action::Perform { io, .. }) => {
                under_way.insert(io);
            }
            Entry::Polled(Action::Tell(Tell::Abandoned { io, .. })) => {
                under_way.remove(&io);
                given_up.insert(io);
            }
            Entry::Polled(Action::Tell(_)) => {}
        }
    }
    match under_way.first() {
        None => Ok(()),
        Some(io) => Err(format!("{io:?} was never completed, nor abandoned").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driver_kit::core::{
        Access, Completion, Fault, Limits, Machine, Missing, Mode, Plan, Request, Tag, replay,
    };

    /// A machine asked for one open, and what it answers when the driver ends it `times` times.
    fn trace(times: usize) -> Vec<Entry> {
        let (mut machine, mut trace) = (Machine::new(Limits::default()), Vec::new());
        let mut say = |machine: &mut Machine, event| {
            let now = Tick(trace.len() as u64);
            let reply = machine.handle(now, event);
            trace.push(Entry::Said { now, event, reply });
            while let Some(action) = machine.poll_action() {
                trace.push(Entry::Polled(action));
            }
            trace.iter().find_map(|entry| match entry {
                Entry::Polled(Action::Perform { io, .. }) => Some(*io),
                _ => None,
            })
        };
        let request = Request::Open {
            access: Access::Read,
            missing: Missing::Fail,
            plan: Plan::of(Mode::None),
        };
        let asked = Event::Submitted {
            tag: Tag(0),
            deadline: Tick::NEVER,
            request,
        };
        let io = say(&mut machine, asked);
        let fault = Fault::Os(2);
        let completion = Completion::Failed { fault };
        for io in std::iter::repeat_n(io, times).flatten() {
            say(&mut machine, Event::Completed { io, completion });
        }
        trace
    }

    #[test]
    fn an_action_is_completed_once() {
        assert!(keeps_the_contract(&trace(1)).is_ok());
        assert!(keeps_the_contract(&trace(0)).is_err(), "never");
        assert!(keeps_the_contract(&trace(2)).is_err(), "twice");
    }

    #[test]
    fn another_driver_than_the_journal_says_is_seen() {
        let honest = trace(1);
        let machine = || Machine::new(Limits::default());
        assert_eq!(replay(&mut machine(), honest.iter().copied()), Ok(()));
        for at in 0..honest.len() {
            let mut forged = honest.clone();
            drop(forged.drain(at..=at));
            let replayed = replay(&mut machine(), forged.iter().copied());
            let last_word = at + 1 == honest.len();
            assert_eq!(replayed.is_ok(), last_word, "entry {at} can be left out");
        }
    }
}
