//! Runs: writes that follow each other and are ready become one action when the first of them is
//! handed out (R7). Each part keeps its own answer; no run reaches across a barrier, so that what
//! comes later delays none (R5).

use super::Machine;
use super::extent::Extent;
use super::state::{Answers, Io, LINE, OpState, Owner, Place, RUN, WritingId};
use super::write::{Executed, written_outcome};
use crate::action::IoKind;
use crate::id::{IoId, OpId};
use crate::slab::List;

/// The operations whose buffers a write takes; see [`Machine::run`].
#[derive(Clone, Debug)]
pub struct Run<'a> {
    machine: &'a Machine,
    next: Option<OpId>,
}

impl<'a> Run<'a> {
    pub(super) fn of(machine: &'a Machine, io: IoId) -> Run<'a> {
        let entry = machine.ios.get(io);
        let next = entry.and_then(|entry| match entry.owner {
            Owner::Write { op, .. } if entry.run.is_empty() => Some(op),
            Owner::Write { .. } => machine.ops.first(&entry.run),
            // It takes no bytes.
            Owner::Open { .. }
            | Owner::Reopen { .. }
            | Owner::File { .. }
            | Owner::Read { .. }
            | Owner::Sync { .. }
            | Owner::Replace { .. }
            | Owner::Lock { .. }
            | Owner::Volume { .. }
            | Owner::Directory { .. } => None,
        });
        Run { machine, next }
    }
}

impl Iterator for Run<'_> {
    type Item = (OpId, u64);

    fn next(&mut self) -> Option<(OpId, u64)> {
        let op = self.next?;
        self.next = self.machine.ops.after(RUN, op);
        Some((op, self.machine.extent(op).len))
    }
}

/// One write that is ready to be handed out.
#[derive(Clone, Copy)]
struct Part {
    op: OpId,
    io: IoId,
    extent: Extent,
}

impl Machine {
    /// Gathers around a write that was just handed out whatever follows it and goes before it.
    pub(super) fn gather(&mut self, io: IoId) {
        let Io {
            owner: Owner::Write { op, writing },
            kind: IoKind::Write { file, len, .. },
            ..
        } = self.ios[io]
        else {
            return;
        };
        // Nobody else is ready.
        if self.ready.is_empty() {
            return;
        }
        let whole = Part {
            op,
            io,
            extent: self.extent(op),
        };
        let mut parts = core::mem::take(&mut self.parts);
        let (mut first, mut bytes) = (whole, len);
        while let Some(before) = self.neighbour(writing, op, first.extent.offset.checked_sub(1))
            && before.extent.end() == first.extent.offset
            && self.has_place(parts.len() + 1, bytes, before)
        {
            parts.push((before.extent.offset, before.op));
            (first, bytes) = (before, bytes + before.extent.len);
        }
        parts.reverse();
        parts.push((whole.extent.offset, op));
        let mut last = whole;
        while let Some(after) = self.follower(writing, whole, last)
            && after.extent.offset == last.extent.end()
            && self.has_place(parts.len(), bytes, after)
        {
            parts.push((after.extent.offset, after.op));
            (last, bytes) = (after, bytes + after.extent.len);
        }
        if parts.len() > 1 {
            self.stats.merged += parts.len() as u64 - 1;
            let kind = IoKind::Write {
                file,
                op: first.op,
                offset: first.extent.offset,
                len: bytes,
                parts: parts.len() as u32,
            };
            self.go_together(io, kind, &parts);
        }
        parts.clear();
        self.parts = parts;
    }

    /// The others need no action of their own.
    fn go_together(&mut self, io: IoId, kind: IoKind, parts: &[(u64, OpId)]) {
        let mut run = List::EMPTY;
        for (_, part) in parts {
            self.ops.push_back(&mut run, RUN, *part);
            if let OpState::Performing { io: own } = self.ops[*part].state
                && own != io
            {
                self.recall(own);
                self.ops[*part].state = OpState::Performing { io };
            }
        }
        let entry = &mut self.ios[io];
        (entry.run, entry.kind) = (run, kind);
    }

    /// What may come behind the last part of a run: mostly whoever stands behind it in its line. One that
    /// begins there and is ready is the first that changes its bytes, or it would wait.
    fn follower(&self, writing: WritingId, whole: Part, last: Part) -> Option<Part> {
        let end = last.extent.end();
        let next = match last.io == whole.io {
            // It has stepped out of its line already.
            true => {
                let class = self.ios[whole.io].class as usize;
                self.ios.first(&self.writings[writing].queued[class])
            }
            false => self.ios.after(LINE, last.io),
        };
        if let Some(io) = next
            && let Io {
                kind: IoKind::Write { op, offset, .. },
                ..
            } = self.ios[io]
            && offset == end
            && self.ops[op].epoch == self.ops[whole.op].epoch
        {
            let extent = self.extent(op);
            return Some(Part { op, io, extent });
        }
        self.neighbour(writing, whole.op, Some(end))
    }

    fn has_place(&self, parts: usize, bytes: u64, more: Part) -> bool {
        let together = bytes.saturating_add(more.extent.len);
        (parts as u64) < u64::from(self.limits.merge) && together <= self.limits.merge_bytes
    }

    /// The write whose place holds this byte, if it is ready and no barrier lies between.
    fn neighbour(&self, writing: WritingId, of: OpId, byte: Option<u64>) -> Option<Part> {
        let ranges = self.writings[writing].ranges;
        let op = self.intervals.first_change_at(ranges, byte?)?;
        let entry = &self.ops[op];
        let OpState::Performing { io } = entry.state else {
            return None;
        };
        let ready = self.ios[io].place == Place::Ready;
        let writes = matches!(self.ios[io].kind, IoKind::Write { .. });
        let beside = entry.epoch == self.ops[of].epoch && self.limits.merge > 1;
        let extent = self.extent(op);
        (ready && writes && beside).then_some(Part { op, io, extent })
    }

    /// A write ended, or a run of them: each part has its share of what was executed.
    pub(super) fn on_written(&mut self, ended: Io, op: OpId, writing: WritingId, end: Executed) {
        let Io { kind, run, .. } = ended;
        let file = self.writings[writing].file;
        self.files[file].flights -= 1;
        self.note_executed(writing, kind, end.bytes, end.fault.is_none());
        if end.fault.is_some() {
            self.writings[writing].end_is_old = true;
        }
        if run.is_empty() {
            self.part_written(op, writing, kind, end);
        } else {
            self.run_written(run, writing, kind, end);
        }
        self.after_flight(file, true);
    }

    fn run_written(&mut self, mut run: List, writing: WritingId, kind: IoKind, end: Executed) {
        let IoKind::Write { file, offset, .. } = kind else {
            return;
        };
        let mut parts = core::mem::take(&mut self.parts);
        while let Some(op) = self.ops.pop_front(&mut run, RUN) {
            parts.push((self.intervals.place(op), op));
        }
        // Answered in the order in which they were accepted.
        parts.sort_unstable();
        for (_, op) in parts.drain(..) {
            let extent = self.extent(op);
            let before = extent.offset - offset;
            let bytes = end.bytes.saturating_sub(before).min(extent.len);
            let fault = end.fault.filter(|_| bytes < extent.len);
            let kind = extent.write(file, op);
            self.part_written(op, writing, kind, Executed { bytes, fault });
        }
        self.parts = parts;
    }

    fn part_written(&mut self, op: OpId, writing: WritingId, kind: IoKind, end: Executed) {
        let file = self.writings[writing].file;
        if let Some(fault) = end.fault {
            self.fail_appends_behind(op, fault);
        } else {
            self.stats.written += 1;
        }
        self.owe_sync(op, writing, end);
        if !matches!(self.ops[op].state, OpState::Performing { .. }) {
            self.flight_ended(op);
        } else if end.fault.is_none() && self.answers_of(self.ops[op].handle) == Answers::Durable {
            // It stands in nobody's way any more: what is left is to make it durable.
            self.leave_place(op);
            self.cover(op, file, writing);
        } else {
            self.resolve(op, written_outcome(kind, end));
        }
    }
}
