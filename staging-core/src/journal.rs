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
