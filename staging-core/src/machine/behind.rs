//! Writing behind: a write is answered when it is accepted, and goes on like any other. If it fails
//! then, that is an error of the file, and told once to each handle that writes behind (R8).

use super::Machine;
use super::state::{Answers, EARLY, Early, Handle, Writes, WritingId};
use crate::action::{Done, Outcome};
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, HandleId, OpId};

/// What was lost behind everybody's back since the last flush or sync of all told of it.
#[derive(Clone, Copy)]
pub(super) struct Lost {
    pub writes: u32,
    pub first: FileId,
    pub fault: Fault,
}

impl Machine {
    /// A write took its place: by a handle that writes behind, its caller need not wait any longer.
    pub(super) fn answer_early(&mut self, op: OpId) {
        if self.answers_of(self.ops[op].handle) == Answers::Accepted {
            self.timers.remove(op);
            self.ops[op].early = Early::ToTell;
            self.ops.push_back(&mut self.early, EARLY, op);
        }
    }

    /// The acceptance that is told next.
    pub(super) fn next_early(&mut self) -> Option<(OpId, Outcome)> {
        let op = self.ops.pop_front(&mut self.early, EARLY)?;
        let entry = &mut self.ops[op];
        entry.early = Early::Told;
        let offset = match entry.request {
            Request::SetLength { len, .. } => len,
            _ => self.extent(op).offset,
        };
        Some((op, Outcome::Accepted { offset }))
    }

    /// An operation ends. Says whether its caller has his answer already; one who was to be told of
    /// the acceptance is told the end instead.
    pub(super) fn was_answered_early(
        &mut self,
        op: OpId,
        writing: Option<WritingId>,
        end: Outcome,
    ) -> bool {
        match self.ops[op].early {
            Early::No => return false,
            Early::ToTell => {
                self.ops.unlink(&mut self.early, EARLY, op);
                self.ops[op].early = Early::No;
                return false;
            }
            Early::Told => {}
        }
        if let (Outcome::Failed { fault, .. }, Some(writing)) = (end, writing) {
            self.lose(op, writing, fault);
        }
        true
    }

    fn lose(&mut self, op: OpId, writing: WritingId, fault: Fault) {
        let entry = &mut self.writings[writing];
        entry.lost = entry.lost.wrapping_add(1);
        entry.lost_to = Fault::Behind(fault.errno_or_0());
        let lost = self.lost_of(writing);
        lost.writes = lost.writes.saturating_add(1);
        if self.can_be_told(op, fault) {
            return;
        }
        let lost = self.extent(op).len;
        self.stats.lost_bytes = self.stats.lost_bytes.saturating_add(lost);
    }

    /// What the next flush or sync of all will tell: of this file, if it is the first.
    pub(super) fn lost_of(&mut self, writing: WritingId) -> &mut Lost {
        let entry = &self.writings[writing];
        let (first, fault) = (entry.file, entry.lost_to);
        self.lost.get_or_insert(Lost {
            writes: 0,
            first,
            fault,
        })
    }

    /// Whether the handle that wrote is still there to be told, and to write it again.
    fn can_be_told(&self, op: OpId, fault: Fault) -> bool {
        let handle = self.ops[op]
            .handle
            .and_then(|handle| self.handles.get(handle));
        let listens = match handle {
            Some(Handle::Open { .. }) => true,
            Some(Handle::Leaving { closer, .. }) => closer.is_some(),
            Some(Handle::Opening { .. }) | None => false,
        };
        listens && matches!(fault, Fault::Os(_) | Fault::Short)
    }

    /// Whether a handle that writes behind, or lost a sync that it did not ask for, has still to be told.
    pub(super) fn is_untold(&self, handle: HandleId) -> bool {
        match (self.handles[handle].writes(), self.writing_of(handle)) {
            (Writes::Since { told, answers, .. }, Some(writing)) => {
                let listens = answers == Answers::Accepted || self.is_forsaken(handle);
                listens && told != self.writings[writing].lost
            }
            (Writes::No, _) | (_, None) => false,
        }
    }

    /// Whether a sync failed since it was opened of which it is told though it asked for none (L3).
    pub(super) fn is_forsaken(&self, handle: HandleId) -> bool {
        let writing = self.writing_of(handle);
        let paced = writing.is_some_and(|writing| self.writings[writing].pace.every.is_some());
        paced && self.is_broken(handle)
    }

    /// What a handle that writes behind was not told yet, and is told now.
    pub(super) fn untold_loss(&mut self, handle: HandleId) -> Option<Fault> {
        self.handles
            .get(handle)
            .filter(|_| self.is_untold(handle))?;
        let writing = &self.writings[self.writing_of(handle)?];
        let (lost, fault) = (writing.lost, writing.lost_to);
        if let Writes::Since { told, .. } = self.handles[handle].writes_mut() {
            *told = lost;
        }
        Some(fault)
    }

    /// What was lost before a flush, a sync or a close that went well, and its handle is told of now.
    fn untold_failure(&mut self, op: OpId, handle: HandleId) -> Option<Fault> {
        self.hears_of_failed_sync(op)
            .or_else(|| self.untold_loss(handle))
    }

    /// A write that is asked for where one failed before that its handle was not told of, or a sync: it is
    /// not begun. Nor is a sync after a failed one.
    pub(super) fn is_told_of_loss(&mut self, op: OpId, writing: Option<WritingId>) -> bool {
        let entry = &self.ops[op];
        let (writes, syncs) = (
            entry.request.is_write(),
            matches!(entry.request, Request::Sync { .. }),
        );
        let handle = entry.handle.filter(|_| writes || syncs);
        let (Some(handle), Some(writing)) = (handle, writing) else {
            return false;
        };
        if !self.may_be_unheard(handle, writing) {
            return false;
        }
        let mut fault = self.hears_of_failed_sync(op);
        if writes && fault.is_none() {
            fault = self.untold_loss(handle);
        }
        let Some(fault) = fault else {
            return false;
        };
        let done = Done::Nothing;
        self.resolve(op, Outcome::Failed { fault, done });
        true
    }

    /// The answer to a flush, a sync or a close that went well: unless something was lost before it.
    pub(super) fn unless_lost(&mut self, op: OpId, well: Outcome) -> Outcome {
        let entry = &self.ops[op];
        let done = Done::Unknown;
        match (entry.request, entry.handle) {
            (
                Request::Flush { .. } | Request::Sync { .. } | Request::Close { .. },
                Some(handle),
            ) => match self.untold_failure(op, handle) {
                Some(fault) => Outcome::Failed { fault, done },
                None => well,
            },
            (Request::FlushAll | Request::SyncAll, _) => match self.lost.take() {
                Some(Lost {
                    writes,
                    first,
                    fault,
                }) => Outcome::SyncFailed {
                    files: writes,
                    first,
                    fault,
                },
                None => well,
            },
            _ => well,
        }
    }
}
