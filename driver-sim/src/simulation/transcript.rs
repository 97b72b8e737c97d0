//! A run as text: one line for everything that was said to the machine or came from it.

use super::Simulation;
use staging_core::{Action, Entry};
use std::fmt::Write;

impl Simulation {
    /// Everything that passed between the driver and the machine so far, a line each: what was said,
    /// when, and the reply; what was told; what was ordered. Empty unless it was
    /// [recorded](super::Setup::record).
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for entry in &self.journal {
            let _ = match entry {
                Entry::Said { now, event, reply } => {
                    writeln!(text, "{:>12} said  {event:?}  -> {reply:?}", now.0)
                }
                Entry::Polled(Action::Tell(tell)) => writeln!(text, "{:>12} told  {tell:?}", ""),
                Entry::Polled(Action::Perform { io, kind }) => {
                    writeln!(text, "{:>12} order {io:?}  {kind:?}", "")
                }
            };
        }
        text
    }
}
