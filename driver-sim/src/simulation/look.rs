//! What can be asked of a simulation at any moment.

use super::Simulation;
use super::tables::Held;
use super::ticket::Ticket;
use crate::dice::Dice;
use crate::disk::{Disk, InodeId};
use staging_core::{Entry, FileId, HandleId, IoKind, Machine, PhaseName, Tick};
use std::sync::Arc;

impl Simulation {
    /// The disk.
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The disk, to be changed: by a stranger, or to be given other faults.
    pub const fn disk_mut(&mut self) -> &mut Disk {
        &mut self.disk
    }

    /// The dice, for choices of one's own that belong to the run.
    pub const fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// The machine, to be asked.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The time.
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// How many events the machine was told.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// How often the machine said that there is room again.
    pub const fn rooms(&self) -> u64 {
        self.rooms
    }

    /// Whether the machine has told its last word.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What a shutdown gave up while it was under way: where, and what.
    pub fn unfinished(&self) -> &[(Arc<str>, IoKind)] {
        &self.unfinished
    }

    /// Why it is shut down, in the words of whoever asked for it, if he gave any (S8).
    pub fn reason(&self) -> Option<&Arc<str>> {
        self.reason.as_ref()
    }

    /// Where a handle leads, as an absolute path.
    pub fn path(&self, handle: HandleId) -> Arc<str> {
        self.tables.path(handle)
    }

    /// The path by which a file was first opened.
    pub fn path_of(&self, file: FileId) -> Arc<str> {
        let known = self.tables.files.get(file);
        known.map_or_else(|| Arc::from("?"), |row| Arc::clone(&row.path))
    }

    /// Which file on the disk is behind one of the machine's.
    pub fn inode(&self, file: FileId) -> Option<InodeId> {
        self.tables.files.get(file).map(|row| row.inode)
    }

    /// The copy of a file that is in memory, if it was loaded and is whole. It stays as it is for as
    /// long as it is held, and is charged to the budget as long.
    pub fn contents(&self, file: FileId) -> Option<Arc<Vec<u8>>> {
        match &self.tables.files.get(file)?.held {
            Held::Loaded(bytes) => Some(Arc::clone(bytes)),
            Held::Nothing | Held::Part(_) | Held::Mapped { .. } => None,
        }
    }

    /// What is under way: each action, and whose it is if it is somebody's.
    pub fn under_way(&self) -> impl Iterator<Item = (Option<Ticket>, IoKind)> {
        let flights = self.flights.iter().flatten();
        flights.map(|flight| (flight.ticket, flight.kind))
    }

    /// How many actions will never be answered.
    pub const fn hanging(&self) -> u32 {
        self.hanging
    }

    /// Everything that was said to the machine and polled from it.
    pub fn journal(&self) -> &[Entry] {
        &self.journal
    }

    /// The phase of the machine's life.
    pub fn phase(&self) -> PhaseName {
        self.machine.phase()
    }
}
