//! Files that are synced by time (L3).

use super::world::{Known, Verdict, World};
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
}
