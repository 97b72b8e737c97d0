//! A journal in memory.

use staging_core::{Divergence, Entry, Machine, replay};

/// Everything that passed between a hub and its machine while [`Hub::record`](crate::hub::Hub::record)
/// was in force. It holds the machine as it was when that began, so it can begin in mid-life; a file
/// holds none, and cannot.
#[derive(Clone, Debug)]
pub struct Journal {
    start: Machine,
    entries: Vec<Entry>,
}

impl Journal {
    pub(crate) fn of(machine: &Machine) -> Journal {
        Journal {
            start: machine.clone(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// What passed, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Plays it against an equal machine, and gives that as it is in the end.
    ///
    /// # Errors
    /// The machine alone says something else than it did in the hub.
    pub fn replay(&self) -> Result<Machine, Divergence> {
        let mut machine = self.start.clone();
        replay(&mut machine, self.entries.iter().copied())?;
        Ok(machine)
    }
}
