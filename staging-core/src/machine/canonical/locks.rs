//! Locks, in the order of their places.

use super::{GONE, Writer};
use crate::id::{LockId, OpId};
use crate::machine::state::{DEPENDENTS, LockState};

impl Writer<'_> {
    pub(super) fn locks(&mut self) {
        let m = self.machine;
        self.word(m.locks_room as u64);
        self.word(u64::from(m.locking));
        for id in m.lock_targets.ids() {
            let target = &m.lock_targets[id];
            self.words.extend(target.key.0);
            for (lock, range, _) in m.lock_ranges.in_order(target.ranges) {
                let rank = self.lock_rank(lock);
                self.words.extend([rank, range.start, range.end]);
                self.lock(lock);
            }
            self.end();
        }
        self.end();
        for (at, lock) in m.retries.sorted() {
            self.time(at);
            let rank = self.lock_rank(lock);
            self.word(rank);
        }
        self.end();
    }

    fn lock(&mut self, id: LockId) {
        let lock = &self.machine.locks[id];
        self.words
            .extend([lock.sharing as u64, lock.scope as u64, lock.patience as u64]);
        let waits = |writer: &mut Self, tag: u64, op: OpId| {
            let rank = writer.op_rank(op);
            writer.words.extend([tag, rank]);
        };
        match lock.state {
            LockState::InLine { op, behind } => {
                waits(self, 0, op);
                let behind = behind.map_or(GONE, |behind| self.lock_rank(behind));
                self.word(behind);
            }
            LockState::Trying { op, io, rested } => {
                waits(self, 1, op);
                let io = self.io_rank(io);
                self.words.extend([io, rested]);
            }
            LockState::Resting { op, rest } => {
                waits(self, 2, op);
                self.word(rest);
            }
            LockState::Held => self.word(3),
            LockState::GivenUp => self.word(4),
            LockState::Releasing => self.word(5),
        }
        let mut next = self.machine.locks.first(&lock.dependents);
        while let Some(other) = next {
            let rank = self.lock_rank(other);
            self.word(rank);
            next = self.machine.locks.after(DEPENDENTS, other);
        }
        self.end();
    }
}
