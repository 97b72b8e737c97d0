//! Files that are synced by time (L3).

use super::world::{Asked, Known, Verdict, World};
use driver_sim::InodeId;
use staging_core::{Event, HandleId, PhaseName};

impl World<'_> {
    /// Every writer sets the interval, where the profile has one.
    pub(super) fn may_set_interval(&mut self, handle: HandleId) {
        if let Some(every) = self.every {
            self.sim.tell(Event::IntervalSet { handle, every });
        }
    }

    /// At rest every interval is over: whatever was written in this life is on the disk, though nobody asked
    /// for that, but for what a failed sync may have lost.
    pub(super) fn check_synced_by_time(&mut self, inode: InodeId) -> Verdict {
        let rests = self.sim.hanging() == 0 && self.sim.phase() == PhaseName::Running;
        let paced = self.every.is_some() && !self.liars;
        if !rests || !paced || !self.sim.disk().exists(inode) {
            return Ok(());
        }
        let Some(Known::Ours(book)) = self.known.get(&inode) else {
            return Ok(());
        };
        let mut book = book.clone();
        book.covered(self.begun..self.sim.next_ticket().0);
        let (bytes, len) = self.sim.disk().durable_of(inode);
        self.tally.checks += 1;
        self.tally.synced_by_time += 1;
        book.check_durable(&[], bytes, len)
            .map_err(|wrong| format!("L3: at rest {inode:?} has on the disk {wrong:?}"))
    }

    /// A flush or a close succeeded: not if a sync of its file failed before it was asked, and nobody has told
    /// its handle.
    pub(super) fn check_told(&self, asked: &Asked) -> Verdict {
        let handle = asked.request.handle();
        let row = self.rows.iter().find(|row| Some(row.id) == handle);
        let untold = |broken: u64| broken <= asked.ticket;
        match row.filter(|row| self.every.is_some() && !row.told) {
            Some(row) if row.broken.is_some_and(untold) => {
                Err(format!("L3: {asked:?} succeeded, and {row:?} was not told"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
