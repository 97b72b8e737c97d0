//! What the machine says is queued and under way, beside what is known of it.

use super::world::{RowState, World};
use staging_core::{Backlog, IoKind, PhaseName, Request, Subject, WakeReason};
use std::collections::BTreeMap;

impl World {
    /// Whatever is accepted and not over is there once, where it belongs (R12).
    pub(crate) fn check_backlog(&self) {
        let machine = &self.machine;
        let wake = machine.poll_timeout().map(|wake| wake.reason);
        if wake == Some(WakeReason::Told) || machine.phase() == PhaseName::Closed {
            return;
        }
        let pieces: Vec<(Subject, Backlog)> = machine.backlog().collect();
        let all = pieces
            .iter()
            .fold(Backlog::default(), |sum, (_, piece)| sum.and(*piece));
        let over_all = self.asked.values();
        let over_all = over_all
            .filter(|asked| matches!(asked.request, Request::FlushAll | Request::SyncAll))
            .count() as u64;
        let known = machine.stats().pending - over_all;
        let operations = u64::from(all.operations());
        assert!(operations >= known, "{operations} of {known}: {pieces:?}");
        let by_class: u32 = all.by_class.iter().sum();
        assert_eq!(by_class, all.operations(), "{all:?}");
        // More than is pending are those alone whose system call outlived their answer.
        let begun = self.begun();
        let of_files: u32 = begun.values().sum();
        let idle = self.driver.jobs.is_empty() && wake != Some(WakeReason::Io);
        assert!(
            !idle || operations == known,
            "{operations} of {known}: {pieces:?}"
        );
        assert!(!idle || all.under_way.operations == 0, "{pieces:?}");
        assert!(
            all.under_way.operations >= of_files,
            "{begun:?}, {pieces:?}"
        );
        if self.honest {
            self.check_backlog_of_files(&begun);
        }
    }

    /// For how many operations of each file the driver has an action that is theirs alone, or of a run or a
    /// sync that they share.
    fn begun(&self) -> BTreeMap<Subject, u32> {
        let mut begun = BTreeMap::new();
        for job in &self.driver.jobs {
            if let IoKind::Read { file, .. }
            | IoKind::Write { file, .. }
            | IoKind::SetLength { file, .. }
            | IoKind::Sync { file } = job.kind
            {
                let askers = self.machine.askers(job.io).count() as u32;
                *begun.entry(Subject::File(file)).or_default() += askers;
            }
        }
        begun
    }

    fn check_backlog_of_files(&self, begun: &BTreeMap<Subject, u32>) {
        for row in self.rows.iter().filter(|row| row.state == RowState::Open) {
            let Some(file) = self.machine.file_of(row.id) else {
                continue;
            };
            let backlog = self.machine.backlog_of(file);
            let bytes = self.order.bytes_under_way(file);
            assert_eq!(backlog.bytes(), bytes, "{file:?}: {backlog}");
            let least = begun.get(&Subject::File(file)).copied().unwrap_or(0);
            assert!(backlog.under_way.operations >= least, "{file:?}: {backlog}");
        }
    }
}
