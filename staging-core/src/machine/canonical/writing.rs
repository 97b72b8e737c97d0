//! The write side, and the sync of all.

use super::{GONE, Writer};
use crate::machine::state::{ALL, ORDER, Owner, Pace, Sync, UNSYNCED, WritingId};
use crate::slab::List;

impl Writer<'_> {
    pub(super) fn writing(&mut self, id: WritingId) {
        let m = self.machine;
        let writing = &m.writings[id];
        self.words.extend([
            u64::from(writing.handles),
            u64::from(writing.broken),
            u64::from(writing.active),
            writing.bytes,
            writing.bytes_room as u64,
            u64::from(writing.dirty),
            writing.round as u64,
            u64::from(writing.owed),
        ]);
        self.hashed(&writing.lost_to);
        self.pace(&writing.pace, &writing.order);
        self.outdated(writing.last);
        for (op, range, touch) in m.intervals.in_order(writing.ranges) {
            let rank = self.op_rank(op);
            self.words
                .extend([rank, range.start, range.end, touch as u64]);
        }
        self.end();
        self.op_list_by(ORDER, &writing.order);
        self.barriers_between(&writing.order);
        self.op_list(&writing.held);
        self.op_list(&writing.covered);
        self.op_list(&writing.uncovered);
        let sync = match writing.sync {
            Sync::Resting => GONE,
            Sync::UnderWay { io } => self.io_rank(io),
        };
        self.word(sync);
    }

    /// The times that run are told with those of all files. Of what fell due it matters which of the writes
    /// under way are awaited, and how often in between a sync would begin.
    fn pace(&mut self, pace: &Pace, order: &List) {
        let Pace { served, fallen, .. } = *pace;
        let flags = u64::from(pace.waits) | u64::from(pace.owed) << 1;
        self.words.extend([
            pace.every.unwrap_or(GONE),
            flags | u64::from(fallen > served) << 2,
        ]);
        let ops = &self.machine.ops;
        let mut next = ops.first(order).filter(|_| fallen > served);
        let mut before = served;
        while let Some(op) = next {
            if ops[op].request.is_write() {
                let until = ops[op].epoch.clamp(served, fallen);
                self.words
                    .push(u64::from(until > before) | u64::from(until == fallen) << 1);
                before = until;
            }
            next = ops.after(ORDER, op);
        }
        self.end();
    }

    /// Whether a barrier was accepted between each write and the one before: it counts also where it
    /// was answered since.
    fn barriers_between(&mut self, order: &List) {
        let ops = &self.machine.ops;
        let (mut next, mut before) = (ops.first(order), None);
        while let Some(op) = next {
            if ops[op].request.is_write() {
                let epoch = Some(ops[op].epoch);
                self.words.push(u64::from(before != epoch));
                before = epoch;
            }
            next = ops.after(ORDER, op);
        }
    }

    /// How many of the opens under way are older than a write.
    pub(super) fn outdated(&mut self, write: u64) {
        let m = self.machine;
        let opens = m
            .ios
            .ids()
            .filter(|io| matches!(m.ios[*io].owner, Owner::Open { since, .. } if since < write));
        let count = opens.count() as u64;
        self.word(count);
    }

    pub(super) fn sync_all(&mut self) {
        let m = self.machine;
        self.words.extend([
            m.bytes,
            m.bytes_room as u64,
            u64::from(m.sync_all.remaining),
        ]);
        self.outdated(m.last_forgotten);
        self.op_list_by(ALL, &m.all_writes);
        self.op_list(&m.sync_all.waiting);
        self.op_list(&m.sync_all.covered);
        if let Some((files, first, fault)) = m.sync_all.failed {
            let rank = self.file_rank(first);
            self.words.extend([u64::from(files), rank]);
            self.hashed(&fault);
        }
        if let Some(lost) = m.lost {
            let rank = self.file_rank(lost.first);
            self.words.extend([u64::from(lost.writes), rank]);
            self.hashed(&lost.fault);
        }
        self.end();
        let mut next = m.writings.first(&m.unsynced);
        while let Some(writing) = next {
            let rank = self.file_rank(m.writings[writing].file);
            self.word(rank);
            next = m.writings.after(UNSYNCED, writing);
        }
        self.end();
        for (at, writing) in m.dues.sorted() {
            self.time(at);
            let rank = self.file_rank(m.writings[writing].file);
            self.word(rank);
        }
        self.end();
    }
}
