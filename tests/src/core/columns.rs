//! What was told, counted beside the machine's own counts.

use super::world::World;
use staging_core::{Class, Fault, Outcome, WakeReason, WriteCounts};

/// How operations ended, by the columns of the machine's statistics.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Columns {
    completed: u64,
    failed: u64,
    cancelled: u64,
    expired: u64,
    abandoned: u64,
}

impl Columns {
    pub(crate) fn count(&mut self, outcome: Outcome) {
        let column = match outcome {
            Outcome::Failed { fault, .. } => match fault {
                Fault::Cancelled | Fault::ShuttingDown => &mut self.cancelled,
                Fault::Deadline => &mut self.expired,
                Fault::Abandoned | Fault::DriverLost => &mut self.abandoned,
                _ => &mut self.failed,
            },
            Outcome::SyncFailed { .. } => &mut self.failed,
            _ => &mut self.completed,
        };
        *column += 1;
    }
}

impl World {
    /// Writes are conserved as operations are: of each class, of each file, and of all classes beside all
    /// operations.
    pub(crate) fn writes_are_conserved(&self) {
        let conserved = |counts: &WriteCounts| {
            let c = counts;
            let gone = c.completed + c.failed + c.cancelled + c.expired + c.abandoned;
            assert_eq!(c.accepted, gone + c.pending, "writes are lost: {c:?}");
            assert!(c.most_pending >= c.pending, "{c:?}");
        };
        let classes = Class::ALL.map(|class| *self.machine.writes_of(class));
        classes.iter().for_each(conserved);
        let accepted: u64 = classes.iter().map(|counts| counts.accepted).sum();
        let pending: u64 = classes.iter().map(|counts| counts.pending).sum();
        let all = self.machine.stats();
        assert!(
            accepted <= all.accepted && pending <= all.pending,
            "{classes:?}"
        );
        let files = self
            .rows
            .iter()
            .filter_map(|row| self.machine.writes_to(row.id));
        files.for_each(conserved);
    }

    /// Everything that was decided is told: the machine counted the same.
    pub(crate) fn check_columns(&self) {
        let wake = self.machine.poll_timeout();
        if wake.is_some_and(|wake| wake.reason == WakeReason::Told) {
            return;
        }
        let counted = self.machine.stats();
        let columns = Columns {
            completed: counted.completed,
            failed: counted.failed,
            cancelled: counted.cancelled,
            expired: counted.expired,
            abandoned: counted.abandoned,
        };
        assert_eq!(columns, self.columns, "counted, and told");
        assert_eq!(
            counted.issued,
            self.issued.len() as u64,
            "counted, and handed out"
        );
    }
}
