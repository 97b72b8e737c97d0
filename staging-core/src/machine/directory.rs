//! Group commit: replaces that were published in one directory share the system syncs that make their
//! names durable (A4), each one that was ordered after it was published (R3).

use super::Machine;
use super::state::{Directory, DirectoryId, Io, OPS, OpState, Owner, Place};
use crate::action::{Done, IoKind, Outcome, ReplaceStep};
use crate::completion::Key;
use crate::fault::Fault;
use crate::id::{IoId, OpId};
use crate::slab::List;

impl Machine {
    /// A replace was published, and waits for a system sync that begins after that; the one that is
    /// ordered and not handed out does.
    pub(super) fn await_directory(&mut self, op: OpId, key: Key) {
        let directory = match self.directories_by_key.get(key) {
            Some(directory) => directory,
            None => {
                let directory = self.directories.insert(Directory {
                    key,
                    sync: None,
                    covered: List::EMPTY,
                    uncovered: List::EMPTY,
                });
                self.directories_by_key.insert(key, directory);
                directory
            }
        };
        let entry = &mut self.directories[directory];
        if entry
            .sync
            .is_some_and(|io| self.ios[io].place == Place::Ready)
        {
            self.ops[op].state = OpState::SyncingDirectory { directory };
            return self.ops.push_back(&mut entry.covered, OPS, op);
        }
        self.ops[op].state = OpState::AwaitingDirectory { directory };
        self.ops.push_back(&mut entry.uncovered, OPS, op);
        self.sync_directory(directory);
    }

    /// Orders a system sync for all that wait for one, on behalf of the first of them; unless one is
    /// under way, or nobody waits.
    fn sync_directory(&mut self, directory: DirectoryId) {
        let entry = &self.directories[directory];
        if entry.sync.is_some() {
            return;
        }
        let Some(op) = self.ops.first(&entry.uncovered) else {
            let key = entry.key;
            self.directories.remove(directory);
            self.directories_by_key.remove(key);
            return;
        };
        let step = ReplaceStep::SyncDirectory;
        let io = self.issue(IoKind::Replace { op, step }, Owner::Directory { directory });
        let entry = &mut self.directories[directory];
        entry.sync = Some(io);
        while let Some(op) = self.ops.pop_front(&mut entry.uncovered, OPS) {
            self.ops[op].state = OpState::SyncingDirectory { directory };
            self.ops.push_back(&mut entry.covered, OPS, op);
        }
    }

    /// A system sync ended that was on behalf of this operation.
    pub(super) fn on_directory_synced(
        &mut self,
        op: OpId,
        directory: DirectoryId,
        result: Result<(), Fault>,
    ) {
        if !matches!(self.ops[op].state, OpState::SyncingDirectory { .. }) {
            self.flight_ended(op);
        }
        let entry = &mut self.directories[directory];
        entry.sync = None;
        let mut covered = core::mem::replace(&mut entry.covered, List::EMPTY);
        let mut lost = List::EMPTY;
        let outcome = match result {
            Ok(()) => {
                self.stats.synced += 1;
                Outcome::Replaced
            }
            Err(fault) => {
                self.stats.syncs_failed += 1;
                // What a failed sync forgot, a later one does not make durable.
                lost = core::mem::replace(&mut entry.uncovered, List::EMPTY);
                let done = Done::Unknown;
                Outcome::Failed { fault, done }
            }
        };
        self.sync_directory(directory);
        self.resolve_each(&mut covered, outcome);
        self.resolve_each(&mut lost, outcome);
    }

    /// Takes a replace that is given up out of those that wait for a system sync to begin.
    pub(super) fn leave_uncovered_names(&mut self, op: OpId, directory: DirectoryId) {
        let uncovered = &mut self.directories[directory].uncovered;
        self.ops.unlink(uncovered, OPS, op);
    }

    /// Takes a replace that is given up out of those that wait for a system sync to return. One that
    /// was to be on its behalf, and was not handed out, is ordered again for the others; one that was
    /// holds it until it ends, and is returned.
    pub(super) fn leave_covered_names(&mut self, op: OpId, directory: DirectoryId) -> Option<IoId> {
        let entry = &mut self.directories[directory];
        self.ops.unlink(&mut entry.covered, OPS, op);
        let io = entry.sync?;
        let Io { kind, place, .. } = self.ios[io];
        let mine = matches!(kind, IoKind::Replace { op: whose, .. } if whose == op);
        if place == Place::InFlight || !mine {
            return mine.then_some(io);
        }
        entry.sync = None;
        entry.uncovered = core::mem::replace(&mut entry.covered, List::EMPTY);
        self.take_back(io);
        self.sync_directory(directory);
        None
    }
}
