//! Asking for a replace.

use super::call::Payload;
use super::room::Standby;
use super::slot::Ticket;
use super::state::State;
use super::target::target;
use super::{Hub, Lock};
use crate::clock::Deadline;
use crate::error::{Failure, Operation};
use bytes::Bytes;
use staging_core::{Durability, Existing, OpId, ReplaceStep, Request};
use std::path::Path;
use std::sync::Arc;

/// What a file is to be replaced by, and how.
#[derive(Clone, Debug)]
pub struct Content {
    /// All of it. It is not copied.
    pub bytes: Bytes,
    /// What of it is to survive a loss of power (A6).
    pub durability: Durability,
    /// What to do where there is something.
    pub existing: Existing,
}

impl Content {
    /// Durable with its name, in the place of whatever file there is.
    pub fn of(bytes: Bytes) -> Content {
        Content {
            bytes,
            durability: Durability::default(),
            existing: Existing::default(),
        }
    }

    /// Whether it fails where there is something (EEXIST).
    pub fn create_new(&mut self, create_new: bool) {
        self.existing = match (create_new, self.existing) {
            (true, _) => Existing::Fail,
            (false, Existing::Fail) => Existing::Replace,
            (false, before) => before,
        };
    }

    /// Whether a symbolic link is followed, or replaced itself. Where nothing may be there, a link may not
    /// either.
    pub fn follow_links(&mut self, follow: bool) {
        self.existing = match (follow, self.existing) {
            (_, Existing::Fail) => Existing::Fail,
            (true, _) => Existing::Replace,
            (false, _) => Existing::ReplaceLink,
        };
    }
}

impl Hub {
    /// Asks to replace what an absolute path leads to (A1).
    ///
    /// # Errors
    /// Refused: nothing changed. If it was for fullness, `room` is woken when there is room (R12).
    pub fn replace(
        self: &Arc<Self>,
        path: &Arc<Path>,
        content: &Content,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        self.replace_under(&mut None, path, content, deadline, room)
    }

    /// The same under a lock, which belongs to the replace once it is accepted: it is given back when
    /// nothing of the replace is under way any more, so that a rename that outlives its answer does not come
    /// after somebody else's.
    ///
    /// # Errors
    /// As of [`replace`](Hub::replace); the lock stays where it is.
    pub fn replace_under(
        self: &Arc<Self>,
        lock: &mut Option<Lock>,
        path: &Arc<Path>,
        content: &Content,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = Request::Replace {
            target: target(path),
            len: content.bytes.len() as u64,
            durability: content.durability,
            existing: content.existing,
        };
        let payload = Payload {
            bytes: content.bytes.clone(),
            under: lock.as_ref().map(Lock::id),
        };
        let ticket =
            self.submit_with(Operation::Replace, path, request, payload, deadline, room)?;
        if let Some(lock) = lock.take() {
            lock.pass_on();
        }
        Ok(ticket)
    }
}

impl State {
    /// A temporary file that was discarded is closed, before there is another.
    pub(super) fn forget_temporary(&mut self, op: OpId, step: ReplaceStep) {
        if step == ReplaceStep::Discard
            && let Some(row) = self.table.replacing.get_mut(op)
        {
            self.outdated.extend(row.temporary.take());
        }
    }

    /// Of a replace that the machine has forgotten nothing is needed any more.
    pub(super) fn forget_replaced(&mut self, op: OpId) {
        if !self.machine.is_under_way(op)
            && let Some(row) = self.table.replacing.take(op)
        {
            self.outdated.extend(row.temporary);
            self.given_back.extend(row.under);
        }
    }
}
