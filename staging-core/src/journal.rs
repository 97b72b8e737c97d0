//! What passed between a driver and its machine, and the same again.
//!
//! A driver that keeps every event with its reply, and every action it polled, in their order, has a
//! journal of its run. Played against an equal machine it must give the same replies and the same
//! actions: the machine has no other input. Where it does not, the driver did something else than
//! what it wrote down, or the machine is another one.

use crate::action::Action;
use crate::event::Event;
use crate::machine::Machine;
use crate::reply::Reply;
use crate::time::Tick;

/// One exchange with a machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// It was told something: [`Machine::handle`].
    Said {
        /// When.
        now: Tick,
        /// What.
        event: Event,
        /// What it answered at once.
        reply: Reply,
    },
    /// It was asked what to tell or what to do, and there was this: [`Machine::poll_told`] where it
    /// tells, [`Machine::poll_io`] where it orders.
    Polled(Action),
}

/// Where a journal and a machine part.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Divergence {
    /// Which entry of the journal, counted from 0.
    pub at: usize,
    /// What the machine says instead of it.
    pub instead: Instead,
}

/// What a machine says instead of what a journal does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Instead {
    /// Another reply.
    Reply(Reply),
    /// Another action, or none.
    Action(Option<Action>),
}

/// Plays a journal against a machine, which must be equal to what the recorded one was at its
/// beginning, and is in the end what that was at its end.
///
/// # Errors
/// The first entry that went otherwise. The machine has then heard everything before it, and it.
pub fn replay(
    machine: &mut Machine,
    journal: impl IntoIterator<Item = Entry>,
) -> Result<(), Divergence> {
    for (at, entry) in journal.into_iter().enumerate() {
        let instead = match entry {
            Entry::Said { now, event, reply } => {
                let other = machine.handle(now, event);
                (other != reply).then_some(Instead::Reply(other))
            }
            Entry::Polled(action) => {
                let other = match action {
                    Action::Tell(_) => machine.poll_told().map(Action::Tell),
                    Action::Perform { .. } => machine.poll_io(),
                };
                (other != Some(action)).then_some(Instead::Action(other))
            }
        };
        if let Some(instead) = instead {
            return Err(Divergence { at, instead });
        }
    }
    Ok(())
}

impl core::fmt::Display for Divergence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Divergence { at, instead } = self;
        write!(
            f,
            "at entry {at} of the journal the machine says {instead:?}"
        )
    }
}

impl core::error::Error for Divergence {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IoKind, Limits, Missing, Mode, Plan, Request, Tag, Tick};
    use alloc::string::ToString;

    /// An open is asked for, and handed out.
    fn recorded() -> [Entry; 2] {
        let mut machine = Machine::new(Limits::default());
        let event = Event::Submitted {
            tag: Tag(1),
            deadline: Tick::NEVER,
            request: Request::Open {
                access: crate::Access::Read,
                missing: Missing::Fail,
                plan: Plan::of(Mode::None),
            },
        };
        let reply = machine.handle(Tick(1), event);
        let now = Tick(1);
        let action = machine.poll_io();
        assert!(matches!(
            action,
            Some(Action::Perform {
                kind: IoKind::Open { .. },
                ..
            })
        ));
        let polled = action.map(Entry::Polled);
        [
            Entry::Said { now, event, reply },
            polled.unwrap_or_else(|| unreachable!("seen above")),
        ]
    }

    #[test]
    fn a_journal_is_what_its_machine_says_again() {
        let mut again = Machine::new(Limits::default());
        assert_eq!(replay(&mut again, recorded()), Ok(()));
        assert_eq!(again.stats().issued, 1, "it was played");
    }

    #[test]
    fn a_journal_that_parts_says_where() {
        let [said, polled] = recorded();
        let mut other = Machine::new(Limits::default());
        let instead = Instead::Action(None);
        let parted = replay(&mut other, [polled]);
        assert_eq!(parted, Err(Divergence { at: 0, instead }));
        let mut full = Machine::new(Limits {
            handles: 1,
            ..Limits::default()
        });
        let parted = replay(&mut full, [said, polled, said]);
        let said = parted.map_err(|parted| parted.to_string());
        let words = "at entry 2 of the journal the machine says Reply(Rejected(Full(Handles)))";
        assert_eq!(said, Err(words.into()));
    }
}
