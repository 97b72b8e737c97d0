//! Asking for a lock, and having one (K1).

use super::Hub;
use super::room::Standby;
use super::slot::Ticket;
use super::state::State;
use super::table::{Locking, Waiter};
use super::target::target;
use crate::clock::Deadline;
use crate::error::{Failure, Holder, Operation};
use staging_core::{Event, IoKind, LockId, OpId, Patience, Request, Scope, Sharing, Span};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// What is to be locked, and against whom.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Which bytes.
    pub span: Span,
    /// Whether others may have it, too.
    pub sharing: Sharing,
    /// Who is kept out.
    pub scope: Scope,
    /// What to do where somebody is in the way.
    pub patience: Patience,
}

impl Claim {
    /// All of it, exclusively, against all processes of this system.
    pub const WHOLE: Claim = Claim {
        span: Span::ALL,
        sharing: Sharing::Exclusive,
        scope: Scope::System,
        patience: Patience::Waits,
    };

    /// The same on these bytes alone.
    pub const fn range(self, range: Range<u64>) -> Claim {
        let Range { start, end } = range;
        Claim {
            span: Span { start, end },
            ..self
        }
    }
}

/// A lock that is held. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping a lock gives it back"]
pub struct Lock {
    /// None when somebody else gives it back.
    hub: Option<Arc<Hub>>,
    id: LockId,
    path: Arc<Path>,
}

impl Lock {
    pub(super) const fn new(hub: Arc<Hub>, id: LockId, path: Arc<Path>) -> Lock {
        let hub = Some(hub);
        Lock { hub, id, path }
    }

    pub(super) const fn id(&self) -> LockId {
        self.id
    }

    /// It is another's to give back.
    pub(super) fn pass_on(mut self) {
        self.hub = None;
    }

    /// The absolute path of the locked file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(hub) = &self.hub {
            hub.say(Event::Unlocked { lock: self.id });
            hub.help_if_alone();
        }
    }
}

impl Hub {
    /// Asks for a lock on an absolute path.
    ///
    /// # Errors
    /// Refused: nothing changed. If it was for fullness, `room` is woken when there is room (R12).
    pub fn lock(
        self: &Arc<Self>,
        path: &Arc<Path>,
        claim: Claim,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let Claim {
            span,
            sharing,
            scope,
            patience,
        } = claim;
        let request = Request::Lock {
            target: target(path),
            span,
            sharing,
            scope,
            patience,
        };
        self.submit(Operation::Lock, path, request, deadline, room)
    }
}

impl State {
    pub(super) fn begin_locking(&mut self, op: OpId, lock: LockId, path: &Arc<Path>) {
        let locking = Locking {
            path: Arc::clone(path),
            op,
            locked: None,
        };
        self.table.locks.put(lock, locking);
        if let Some(row) = self.table.op(op) {
            row.in_the_way = Some(Holder::Caller);
        }
    }

    /// The system is asked: whoever of this machine was in the way is not any more. Says who was known to
    /// be.
    pub(super) fn ask_for(&mut self, lock: LockId) -> Option<Holder> {
        let op = self.table.locks.get(lock)?.op;
        let row = self.table.op(op)?;
        let known = row.in_the_way?;
        match known {
            Holder::Caller => row.in_the_way = None,
            Holder::Process(_) | Holder::Unseen => {}
        }
        Some(known)
    }

    /// Another process is in the way. Whoever waits looks when it will be tried again.
    pub(super) fn note_holder(&mut self, kind: IoKind, holder: Holder) {
        let IoKind::Lock { lock, .. } = kind else {
            return;
        };
        let Some(op) = self.table.locks.get(lock).map(|row| row.op) else {
            return;
        };
        if let Some(row) = self.table.ops.get_mut(op) {
            row.in_the_way = Some(holder);
            if let Waiter::Slot(slot) = &row.waiter {
                self.nudged.push(Arc::clone(slot));
            }
        }
    }

    /// Of a lock that the machine has forgotten nothing is needed any more.
    pub(super) fn forget_lock(&mut self, kind: IoKind) {
        if let IoKind::Lock { lock, .. } = kind
            && !self.machine.knows_lock(lock)
        {
            self.drop_lock(lock);
        }
    }

    pub(super) fn drop_lock(&mut self, lock: LockId) {
        if let Some(row) = self.table.locks.take(lock) {
            self.unlocked.extend(row.locked);
        }
    }
}
