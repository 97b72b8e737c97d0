//! The order on one file: what meets, one of it a write, never runs in another order than it was
//! accepted in (R1).
//!
//! A file that nobody may write needs none: its reads and stagings are only counted. Once it is
//! open for writing, whatever touches a range has a place: a read looks at its range, a staging
//! looks at all of it, a write changes its own. Who finds somebody in the way waits behind the
//! latest of those, and looks again when that one ended. So a place costs O(log n), and what waits
//! for nothing runs at once.

use super::Machine;
use super::stage::Seen;
use super::state::{OPS, OpState, Order, WritingId};
use crate::event::Request;
use crate::id::{FileId, OpId};
use crate::intervals::{Range, Touch};
use crate::slab::List;

impl Machine {
    /// Gives an operation its place. Says whether nothing is in its way.
    pub(super) fn take_place(
        &mut self,
        op: OpId,
        file: FileId,
        range: Range,
        touch: Touch,
    ) -> bool {
        let Some(writing) = self.files[file].writing else {
            self.files[file].lookers += 1;
            self.ops[op].order = Order::Counted(file);
            return true;
        };
        self.ops[op].order = Order::Placed(writing);
        let ranges = &mut self.writings[writing].ranges;
        let alone = ranges.is_empty();
        self.intervals.insert(ranges, op, range, touch);
        alone || self.is_free(op, writing)
    }

    /// Whether nothing is in the way of an operation. Otherwise it waits behind that.
    fn is_free(&mut self, op: OpId, writing: WritingId) -> bool {
        let ranges = self.writings[writing].ranges;
        let Some(behind) = self.intervals.blocker(ranges, op) else {
            return true;
        };
        self.ops[op].state = OpState::AwaitingOrder { behind };
        self.raise(behind, self.ops[op].class);
        let mut dependents = self.ops[behind].dependents;
        self.ops.push_back(&mut dependents, OPS, op);
        self.ops[behind].dependents = dependents;
        false
    }

    /// Takes an operation that is given up out of the line behind another.
    pub(super) fn leave_line(&mut self, op: OpId, behind: OpId) {
        let mut dependents = self.ops[behind].dependents;
        self.ops.unlink(&mut dependents, OPS, op);
        self.ops[behind].dependents = dependents;
    }

    /// An operation is answered and its system call has ended: whoever waited behind it looks
    /// again.
    pub(super) fn leave_place(&mut self, op: OpId) {
        match core::mem::replace(&mut self.ops[op].order, Order::Apart) {
            Order::Apart => {}
            Order::Counted(file) => {
                self.files[file].lookers -= 1;
                self.free_held(file);
            }
            Order::InLine(target) => self.leave_target(op, target),
            Order::Targeted(target) | Order::Rewriting(target) => {
                self.leave_target(op, target);
                self.one_less_at_work();
            }
            Order::Published => self.one_less_at_work(),
            Order::Placed(writing) => {
                let entry = &mut self.writings[writing];
                let file = entry.file;
                self.intervals.remove(&mut entry.ranges, op);
                let is_write = self.forget_write(op, writing);
                let mut dependents = core::mem::replace(&mut self.ops[op].dependents, List::EMPTY);
                while let Some(next) = self.ops.pop_front(&mut dependents, OPS) {
                    if self.is_free(next, writing) {
                        self.resume(next, file, writing);
                    }
                }
                if is_write {
                    self.settle_barriers(file);
                    self.settle_barriers_over_all();
                }
                self.settle_writing(file);
            }
        }
    }

    /// What was under way before anybody could write has ended: writes may set out.
    fn free_held(&mut self, file: FileId) {
        while self.files[file].lookers == 0
            && let Some(writing) = self.files[file].writing
            && let Some(op) = self.ops.pop_front(&mut self.writings[writing].held, OPS)
        {
            self.run_write(op, file, writing);
        }
    }

    /// Nothing is in the way any more.
    fn resume(&mut self, op: OpId, file: FileId, writing: WritingId) {
        if self.plan_of(op).is_some() {
            self.join(op, file, Seen::Before);
        } else if matches!(self.ops[op].request, Request::Read { .. }) {
            self.start_read(op, file);
        } else {
            self.run_write(op, file, writing);
        }
    }
}
