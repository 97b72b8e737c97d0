//! Lending: who waits for another lends him his class, so that nobody urgent waits for somebody who
//! is not; and where the class alone might overtake what it must not, it is lent as well (R2, R4).

use super::Machine;
use super::state::{ALL, Contents, ORDER, OpState, Order, WritingId};
use crate::class::Class;
use crate::event::Request;
use crate::id::{FileId, OpId};
use crate::slab::List;

impl Machine {
    /// A write took its place among those of its file. What it may not overtake is as urgent as it is
    /// from now on.
    pub(super) fn count_write(&mut self, op: OpId, writing: WritingId) {
        let class = self.ops[op].class;
        let appends = matches!(self.ops[op].request, Request::Append { .. });
        let entry = &mut self.writings[writing];
        entry.appends += u32::from(appends);
        self.ops[op].epoch = entry.barriers + self.barriers;
        entry.by_class[class as usize] += 1;
        self.writes_by_class[class as usize] += 1;
        if self.keeps_behind(op, writing) {
            self.hurry(writing, class);
        }
        self.answer_early(op);
    }

    /// Lends a class to an operation, to whatever it waits for, and to what it may not overtake.
    pub(super) fn raise(&mut self, op: OpId, class: Class) {
        let mut next = Some(op);
        while let Some(op) = next
            && self.ops[op].class < class
        {
            next = self.waits_behind(op);
            match self.write_side_of(op) {
                Some(writing) if self.keeps_behind(op, writing) => self.hurry(writing, class),
                Some(_) | None => self.set_class(op, class),
            }
        }
    }

    /// Raises every write to a file that is not over, in their order: so they line up again.
    pub(super) fn hurry(&mut self, writing: WritingId, class: Class) {
        let entry = &self.writings[writing];
        let mut next = self.first_below(class, &entry.order, ORDER, &entry.by_class);
        while let Some(op) = next {
            next = self.ops.after(ORDER, op);
            if self.is_write_below(class, op) {
                self.set_class(op, class);
                self.hurry_reader(op, class);
            }
        }
    }

    /// A write behind which another waits is hurried with it; a read may have to be.
    fn hurry_reader(&mut self, op: OpId, class: Class) {
        if let Some(behind) = self.waits_behind(op)
            && self.ops[behind].class < class
            && !self.ops[behind].request.is_write()
        {
            self.set_class(behind, class);
        }
    }

    /// The same, of all files.
    pub(super) fn hurry_all(&mut self, class: Class) {
        let mut next = self.first_below(class, &self.all_writes, ALL, &self.writes_by_class);
        while let Some(op) = next {
            next = self.ops.after(ALL, op);
            if self.is_write_below(class, op) {
                self.raise(op, class);
            }
        }
    }

    /// The first write of a list that is of a lower class. Nobody looks farther back than to that
    /// one: the list counts how many it has of each class.
    fn first_below(
        &self,
        class: Class,
        list: &List,
        link: usize,
        by_class: &[u32; 4],
    ) -> Option<OpId> {
        let mut left: u32 = by_class[..class as usize].iter().sum();
        let mut first = None;
        let mut next = self.ops.last(list);
        while let Some(op) = next
            && left > 0
        {
            if self.is_write_below(class, op) {
                (first, left) = (Some(op), left - 1);
            }
            next = self.ops.before(link, op);
        }
        first
    }

    fn is_write_below(&self, class: Class, op: OpId) -> bool {
        self.ops[op].request.is_write() && self.ops[op].class < class
    }

    fn waits_behind(&self, op: OpId) -> Option<OpId> {
        match self.ops[op].state {
            OpState::AwaitingOrder { behind } => Some(behind),
            _ => None,
        }
    }

    fn write_side_of(&self, op: OpId) -> Option<WritingId> {
        match self.ops[op].order {
            Order::Placed(writing) if self.ops[op].request.is_write() => Some(writing),
            _ => None,
        }
    }

    /// Whether a write may not overtake what lies apart from it: an append, a change of the length,
    /// one that reaches behind the end that the file has, or any where somebody appends (R2).
    pub(super) fn keeps_behind(&self, op: OpId, writing: WritingId) -> bool {
        let entry = &self.writings[writing];
        let reaches = match self.ops[op].request {
            Request::Write { offset, len, .. } => offset + len > self.files[entry.file].stamp.len,
            Request::Append { .. } | Request::SetLength { .. } => true,
            _ => false,
        };
        reaches || entry.appends > 0
    }

    fn set_class(&mut self, op: OpId, class: Class) {
        let before = core::mem::replace(&mut self.ops[op].class, class);
        if let Some(writing) = self.write_side_of(op) {
            let counts = &mut self.writings[writing].by_class;
            counts[before as usize] -= 1;
            counts[class as usize] += 1;
            self.writes_by_class[before as usize] -= 1;
            self.writes_by_class[class as usize] += 1;
        }
        match self.ops[op].state {
            OpState::Performing { io } => self.raise_action(io, class),
            OpState::AwaitingRelease { file } => self.raise_release(file, class),
            _ => {}
        }
    }

    /// Somebody waits for the contents of a file to be given up.
    pub(super) fn raise_release(&mut self, file: FileId, class: Class) {
        if let Contents::Releasing { io, .. } = self.files[file].contents {
            self.raise_action(io, class);
        }
    }
}
