//! Writing: each write has its place in the order when it is accepted, sends what is in memory of
//! the file away before it runs (G1), and is answered when it is executed (R8).

use super::Machine;
use super::state::{
    ALL, Contents, Fullness, News, OPS, ORDER, OpState, Order, Owner, Place, Then, WritingId,
};
use crate::action::{Bound, Done, IoKind, Outcome};
use crate::class::Turns;
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, OpId};
use crate::intervals::{Range, Touch};
use crate::reply::Reject;
use crate::slab::List;
use crate::staging::Why;

/// How much a write executed, and what went wrong.
#[derive(Clone, Copy)]
pub(super) struct Executed {
    pub bytes: u64,
    pub fault: Option<Fault>,
}

/// What a write that was accepted makes of its file.
struct Change {
    /// Where nobody else may be.
    range: Range,
    /// How long the file is then.
    size: u64,
    /// How many bytes the caller lends.
    bytes: u64,
    /// Whether it sets the length.
    cuts: u32,
}

/// The greatest offset that a file can have (`off_t`).
const MOST: u64 = i64::MAX as u64;

impl Machine {
    /// How long the file will be after everything accepted so far (R6).
    pub(super) fn size(&self, file: FileId) -> u64 {
        let entry = &self.files[file];
        match entry.writing.map(|writing| &self.writings[writing]) {
            Some(writing) if writing.active > 0 && writing.end_is_old => {
                self.reckon_size(entry.stamp.len, &writing.order)
            }
            Some(writing) if writing.active > 0 => writing.end,
            Some(_) | None => entry.stamp.len,
        }
    }

    /// Up to where the file has bytes now, and will have, whatever becomes of the writes under way.
    pub(super) fn surely_there(&self, file: FileId) -> u64 {
        let entry = &self.files[file];
        match entry.writing.map(|writing| self.writings[writing].cuts) {
            None | Some(0) => entry.stamp.len,
            Some(_) => 0,
        }
    }

    /// What the active writes make of a length, in the order in which they were accepted. Needed
    /// once after some were given up, whatever their number.
    fn reckon_size(&self, from: u64, order: &List) -> u64 {
        let mut size = from;
        let mut next = self.ops.first(order);
        while let Some(op) = next {
            size = match self.ops[op].request {
                Request::Write { .. } | Request::Append { .. } => size.max(self.extent(op).end()),
                Request::SetLength { len, .. } => len,
                _ => size,
            };
            next = self.ops.after(ORDER, op);
        }
        size
    }

    /// The appends that took their places behind a change of the length, up to the next one.
    pub(super) fn next_append_behind(&self, op: OpId) -> Option<OpId> {
        let cut = matches!(self.ops[op].request, Request::SetLength { .. });
        let follows = |op: &OpId| matches!(self.ops[*op].request, Request::Append { .. });
        let mut next = self.ops.after(ORDER, op).filter(|_| cut);
        while let Some(op) = next {
            if matches!(self.ops[op].request, Request::SetLength { .. }) {
                return None;
            }
            if follows(&op) {
                return Some(op);
            }
            next = self.ops.after(ORDER, op);
        }
        None
    }

    /// A change of the length did not happen. Appends that took their places behind it would write
    /// over what it was to cut: they fail with it. None of them has begun, for each meets it.
    pub(super) fn fail_appends_behind(&mut self, op: OpId, fault: Fault) {
        while let Some(append) = self.next_append_behind(op) {
            self.give_up(append, fault);
        }
    }

    /// Whether a write fits: into what an offset can be, and into the limits (R12). Alone, it may
    /// be of any length.
    pub(super) fn check_write(&self, file: FileId, request: Request) -> Result<(), Reject> {
        let (end, bytes) = match request {
            Request::Write { offset, len, .. } => (offset.checked_add(len), len),
            Request::Append { len, .. } => (self.size(file).checked_add(len), len),
            Request::SetLength { len, .. } => (Some(len), 0),
            _ => return Ok(()),
        };
        if end.is_none_or(|end| end > MOST) {
            return Err(Reject::BadRange);
        }
        let too_many = |before: u64, limit| before > 0 && before.saturating_add(bytes) > limit;
        // Of one file not more than of all.
        if bytes == 0 || self.bytes == 0 {
            return Ok(());
        }
        let before = self.files[file]
            .writing
            .map_or(0, |writing| self.writings[writing].bytes);
        if too_many(before, self.most_bytes(file)) {
            return Err(Reject::Full(Bound::FileBytes(file)));
        }
        if too_many(self.bytes, self.limits.bytes) {
            return Err(Reject::Full(Bound::Bytes));
        }
        Ok(())
    }

    /// Whether something was written to it, or will be, that no sync has covered.
    pub(super) fn is_dirty(&self, file: FileId) -> bool {
        let writing = self.files[file].writing;
        writing.is_some_and(|writing| {
            let entry = &self.writings[writing];
            entry.dirty || entry.active > 0
        })
    }

    pub(super) fn remember_full_of_bytes(&mut self, file: FileId) {
        if let Some(writing) = self.files[file].writing {
            self.writings[writing].bytes_room = Fullness::Refused;
            let news = News {
                bytes_room: false,
                ..self.files[file].news
            };
            self.tell_news(file, news);
        }
    }

    pub(super) fn start_write(&mut self, op: OpId, writing: WritingId, offset: u64, len: u64) {
        if len == 0 {
            return self.resolve(op, Outcome::Written { offset, bytes: 0 });
        }
        let size = self.size(self.writings[writing].file);
        let end = offset + len;
        // Behind the end it fills the gap with zeros, too.
        let start = offset.min(size);
        let change = Change {
            range: Range { start, end },
            size: size.max(end),
            bytes: len,
            cuts: 0,
        };
        self.enter_order(op, writing, change);
    }

    pub(super) fn start_append(&mut self, op: OpId, writing: WritingId, len: u64) {
        let size = self.size(self.writings[writing].file);
        self.ops[op].place = size;
        self.start_write(op, writing, size, len);
    }

    pub(super) fn start_cut(&mut self, op: OpId, writing: WritingId, len: u64) {
        let start = len.min(self.size(self.writings[writing].file));
        let end = u64::MAX;
        let change = Change {
            range: Range { start, end },
            size: len,
            bytes: 0,
            cuts: 1,
        };
        self.enter_order(op, writing, change);
    }

    fn enter_order(&mut self, op: OpId, writing: WritingId, change: Change) {
        let Change {
            range,
            size,
            bytes,
            cuts,
        } = change;
        let entry = &mut self.writings[writing];
        let file = entry.file;
        entry.end = size;
        entry.end_is_old = false;
        entry.active += 1;
        entry.cuts += cuts;
        entry.bytes += bytes;
        self.bytes += bytes;
        self.ops.push_back(&mut entry.order, ORDER, op);
        self.ops.push_back(&mut self.all_writes, ALL, op);
        self.count_write(op, writing);
        self.run_pace(writing);
        self.send_contents_away(file);
        // Strictly by arrival, every write is in the way of every later one.
        let range = match self.limits.turns {
            Turns::ByClass { .. } => range,
            Turns::ByArrival => Range::ALL,
        };
        if self.take_place(op, file, range, Touch::Changes) {
            self.run_write(op, file, writing);
        }
    }

    /// Nothing that came before is in the way: what is in memory goes, then the write runs.
    pub(super) fn run_write(&mut self, op: OpId, file: FileId, writing: WritingId) {
        if self.files[file].lookers > 0 {
            self.ops[op].state = OpState::AwaitingLookers { writing };
            let held = &mut self.writings[writing].held;
            return self.ops.push_back(held, OPS, op);
        }
        if self.turn_away(file, Why::Written) {
            self.leave_release(op, file);
        } else {
            self.ops[op].state = OpState::AwaitingRelease { file };
            self.ops.push_back(&mut self.files[file].leavers, OPS, op);
            self.raise_release(file, self.ops[op].class);
        }
    }

    /// The file holds nothing: a write sets out, and whoever waited for that alone is answered.
    pub(super) fn leave_release(&mut self, op: OpId, file: FileId) {
        let entry = &self.ops[op];
        let (kind, writing) = match (entry.request, entry.order) {
            (Request::Write { .. } | Request::Append { .. }, Order::Placed(writing)) => {
                (self.extent(op).write(file, op), writing)
            }
            (Request::SetLength { len, .. }, Order::Placed(writing)) => {
                (IoKind::SetLength { file, op, len }, writing)
            }
            _ => return self.resolve(op, Outcome::Unstaged),
        };
        self.use_descriptor(file);
        let io = self.issue(kind, Owner::Write { op, writing });
        self.ops[op].state = OpState::Performing { io };
    }

    /// What is in memory is not what a write that was accepted makes of the file: it goes, and
    /// reads asked from now on come to the machine (R6).
    pub(super) fn send_away(&mut self, file: FileId) {
        let written = self.files[file]
            .writing
            .is_some_and(|writing| self.writings[writing].active > 0);
        if written {
            self.send_contents_away(file);
        }
    }

    fn send_contents_away(&mut self, file: FileId) {
        match self.files[file].contents {
            Contents::Staged { .. } => {
                self.withdraw(file);
                self.turn_away(file, Why::Written);
            }
            // Given up before for another reason: the driver has them until it is asked for them.
            Contents::Releasing { io, then, .. }
                if self.ios[io].place == Place::Ready
                    && !matches!(then, Then::Rest(Why::Written)) =>
            {
                self.withdraw(file);
            }
            Contents::Absent(_)
            | Contents::Staging(_)
            | Contents::Stopping { .. }
            | Contents::Releasing { .. }
            | Contents::Lingering { .. } => {}
        }
    }

    /// Reads asked from now on come to the machine.
    pub(super) fn withdraw(&mut self, file: FileId) {
        let news = News {
            withdrawn: true,
            ..self.files[file].news
        };
        self.tell_news(file, news);
    }

    pub(super) fn note_executed(
        &mut self,
        writing: WritingId,
        kind: IoKind,
        bytes: u64,
        whole: bool,
    ) {
        self.writes_ended += 1;
        let file = self.writings[writing].file;
        let len = &mut self.files[file].stamp.len;
        let changed = match kind {
            IoKind::Write { offset, .. } if bytes > 0 => {
                *len = (*len).max(offset.saturating_add(bytes));
                true
            }
            IoKind::SetLength { len: set, .. } if whole => {
                *len = set;
                true
            }
            _ => false,
        };
        self.stats.written_bytes = self.stats.written_bytes.saturating_add(bytes);
        let entry = &mut self.writings[writing];
        entry.last = self.writes_ended;
        entry.dirty |= changed;
        self.list_unsynced(writing);
    }

    /// A write ended: it counts no more. Says whether it was one.
    pub(super) fn forget_write(&mut self, op: OpId, writing: WritingId) -> bool {
        let (bytes, cuts, appends) = match self.ops[op].request {
            Request::Write { len, .. } => (len, 0, 0),
            Request::Append { len, .. } => (len, 0, 1),
            Request::SetLength { .. } => (0, 1, 0),
            _ => return false,
        };
        let class = self.ops[op].class as usize;
        let entry = &mut self.writings[writing];
        self.ops.unlink(&mut entry.order, ORDER, op);
        self.ops.unlink(&mut self.all_writes, ALL, op);
        entry.active -= 1;
        entry.cuts -= cuts;
        entry.appends -= appends;
        entry.by_class[class] -= 1;
        self.writes_by_class[class] -= 1;
        entry.bytes -= bytes;
        self.bytes -= bytes;
        if bytes > 0 {
            self.offer_bytes();
            self.offer_bytes_of(writing);
        }
        true
    }

    /// There is room for more bytes. Whether there is enough for whoever was refused, only he can say.
    pub(super) fn offer_bytes(&mut self) {
        if self.bytes_room == Fullness::Refused {
            self.bytes_room = Fullness::Freed;
        }
    }

    /// The same, to one file.
    pub(super) fn offer_bytes_of(&mut self, writing: WritingId) {
        let entry = &mut self.writings[writing];
        if entry.bytes_room == Fullness::Refused {
            entry.bytes_room = Fullness::Quiet;
            let file = entry.file;
            let news = News {
                bytes_room: true,
                ..self.files[file].news
            };
            self.tell_news(file, news);
        }
    }
}

pub(super) fn written_outcome(kind: IoKind, end: Executed) -> Outcome {
    match (kind, end.fault) {
        (_, Some(fault)) => {
            let done = match end.bytes {
                0 => Done::Nothing,
                bytes => Done::Bytes(bytes),
            };
            Outcome::Failed { fault, done }
        }
        (IoKind::Write { offset, .. }, None) => {
            let bytes = end.bytes;
            Outcome::Written { offset, bytes }
        }
        (_, None) => Outcome::LengthSet,
    }
}
