//! The callers' side: asking, and taking back.

use super::Hub;
use super::deliver::Deliveries;
use super::lone::given_up;
use super::room::Standby;
use super::slot::{Coming, Ticket};
use super::state::State;
use super::table::{OpRow, Replacing, Waiter};
use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation};
use crate::sync::lock;
use bytes::Bytes;
use staging_core::{
    Access, Event, HandleId, LockId, Missing, OpId, Plan, Reject, Reply, Request, Staging, Tag,
    Tick,
};
use std::path::Path;
use std::sync::Arc;

/// How to open a file.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Whether the handle may write.
    pub access: Access,
    /// What to do where there is no file.
    pub missing: Missing,
    /// How to stage it.
    pub plan: Plan,
}

/// What a request brings along.
#[derive(Debug, Default)]
pub struct Payload {
    /// What is to be written.
    pub bytes: Bytes,
    /// Under which lock; it is given back when nothing of it is under way any more.
    pub under: Option<LockId>,
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Payload {
        let under = None;
        Payload { bytes, under }
    }
}

impl Hub {
    /// Asks to open a file by its absolute path; see [`crate::path::Here`].
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn open(
        self: &Arc<Self>,
        path: &Arc<Path>,
        opening: Opening,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let Opening {
            access,
            missing,
            plan,
        } = opening;
        let request = Request::Open {
            access,
            missing,
            plan,
        };
        self.submit(Operation::Open, path, request, deadline, room)
    }

    /// Asks for something about all files: [`Request::FlushAll`] or [`Request::SyncAll`].
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn submit_for_all(
        self: &Arc<Self>,
        operation: Operation,
        request: Request,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let everywhere = Arc::from(Path::new("/"));
        self.submit(operation, &everywhere, request, deadline, room)
    }

    /// Asks for something about an open handle, or for an open.
    ///
    /// # Errors
    /// Refused: nothing changed. If it was for fullness, `room` is woken when there is room (R12).
    pub fn submit(
        self: &Arc<Self>,
        operation: Operation,
        path: &Arc<Path>,
        request: Request,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let nothing = Payload::default();
        self.submit_with(operation, path, request, nothing, deadline, room)
    }

    /// The same, with the bytes that are to be written. They are kept until the system call that
    /// writes them has ended (R10), and so is the lock under which they are.
    ///
    /// # Errors
    /// Refused: nothing changed, nothing is kept.
    pub fn submit_with(
        self: &Arc<Self>,
        operation: Operation,
        path: &Arc<Path>,
        request: Request,
        payload: impl Into<Payload>,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let payload = payload.into();
        let mut deliveries = Deliveries::default();
        let (accepted, waits, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let deadline = deadline.tick(self.clock);
            let accepted = state.accept(now, deadline, operation, path, request, Waiter::Here);
            if let Ok(op) = accepted {
                deliveries.mine = Some(op);
                state.take_payload(op, payload);
            }
            if let (Err(Reject::Full(_)), Some((room, waker))) = (accepted, room) {
                state.blocked.stand(room.place(), waker);
            }
            state.drain_told(&mut deliveries);
            // A slot is for who has to wait; nobody else takes the lock before it is there.
            let waits = match (accepted, &deliveries.here) {
                (Ok(op), None) => self.wait_in_slot(&mut state, op),
                (Ok(_), Some(_)) | (Err(_), _) => None,
            };
            (accepted, waits, state.call())
        };
        let here = deliveries.here.take();
        deliveries.deliver(self);
        self.make(call);
        let op = accepted.map_err(|reject| refusal(operation, path, reject))?;
        match (waits, here) {
            (Some(ticket), _) => Ok(ticket),
            (None, Some(mut answer)) => {
                answer.arm(self);
                let answer = Coming::Here(Box::new(answer));
                Ok(Ticket::new(Arc::clone(self), op, answer))
            }
            (None, None) => Err(given_up(operation, path)),
        }
    }

    /// Cancels an operation; nothing happens if it was answered.
    pub fn cancel(self: &Arc<Self>, op: OpId) {
        self.say(Event::Cancelled { op });
    }

    /// The last reference to a handle is gone.
    pub(crate) fn drop_handle(self: &Arc<Self>, handle: HandleId) {
        let mut deliveries = Deliveries::default();
        let (path, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            // After a close there is nothing left to drop.
            if state.machine.file_of(handle).is_some() {
                let _ = state.say(now, Event::Dropped { handle });
            }
            // What is still under way on it may need the path again.
            let path = match state.machine.file_of(handle) {
                None => state.table.handles.take(handle),
                Some(_) => None,
            };
            state.drain_told(&mut deliveries);
            (path, state.call())
        };
        drop(path);
        deliveries.deliver(self);
        self.make(call);
        self.help_if_alone();
    }

    /// Says an event that has no payload.
    pub(super) fn say(self: &Arc<Self>, event: Event) {
        self.change(|state, now| {
            let _ = state.say(now, event);
        });
    }

    /// Time passed: whatever is due is decided and told.
    pub fn tick(self: &Arc<Self>) {
        self.say(Event::Ticked);
    }

    /// How the file behind a handle stands (G1, G7), at this moment.
    pub fn staging(&self, handle: HandleId) -> Option<Staging> {
        let state = lock(&self.state);
        state.machine.staging(state.machine.file_of(handle)?)
    }
}

impl State {
    fn take_payload(&mut self, op: OpId, payload: Payload) {
        let Payload { bytes, under } = payload;
        if let Some(row) = self.table.op(op) {
            row.payload = bytes;
        }
        if let Some(row) = self.table.replacing.get_mut(op) {
            row.under = under;
        }
    }

    /// Asks the machine, and keeps what the operation will need.
    pub(crate) fn accept(
        &mut self,
        now: Tick,
        deadline: Tick,
        operation: Operation,
        path: &Arc<Path>,
        request: Request,
        waiter: Waiter,
    ) -> Result<OpId, Reject> {
        // Before the machine hears of it: a close may be the end of its handle.
        let times = self.times_of(request.handle());
        let reply = self.say(
            now,
            Event::Submitted {
                tag: Tag(0),
                deadline,
                request,
            },
        );
        let (op, handle) = match reply {
            Reply::Opening { op, handle } => {
                self.table.handles.put(handle, Arc::clone(path));
                (op, Some(handle))
            }
            Reply::Accepted { op } | Reply::Locking { op, .. } => (op, request.handle()),
            Reply::Rejected(reject) => return Err(reject),
            Reply::Adopted { .. } | Reply::Surplus | Reply::Done | Reply::Ignored(_) => {
                return Err(Reject::UnknownHandle);
            }
        };
        let row = OpRow {
            operation,
            path: Arc::clone(path),
            handle,
            waiter,
            buffer: None,
            payload: Bytes::new(),
            taken: false,
            in_the_way: None,
            course: self.begin_course(op, request),
            times,
        };
        self.table.ops.put(op, row);
        if let Reply::Locking { lock, .. } = reply {
            self.begin_locking(op, lock, path);
        }
        if matches!(request, Request::Replace { .. }) {
            let path = Arc::clone(path);
            let replacing = Replacing {
                path,
                temporary: None,
                under: None,
            };
            self.table.replacing.put(op, replacing);
        }
        Ok(op)
    }
}

pub(crate) fn refusal(operation: Operation, path: &Arc<Path>, reject: Reject) -> Failure {
    Failure {
        operation,
        path: Arc::clone(path),
        cause: Cause::Rejected(reject),
    }
}
