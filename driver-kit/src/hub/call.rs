//! The callers' side: asking, and taking back.

use super::Hub;
use super::deliver::Deliveries;
use super::room::Standby;
use super::slot::{Answer, Slot, Ticket};
use super::state::State;
use super::table::{OpRow, Waiter};
use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation};
use crate::handlers::ActionKind;
use crate::job::{Job, Work};
use crate::perform::{read_full, read_if_cached};
use crate::sync::lock;
use staging_core::{
    Action, Completion, Event, HandleId, IoId, IoKind, OpId, Plan, Reject, Reply, Request, Staging,
    Tag, Tick,
};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A read that the caller may have to carry out itself.
pub enum Read {
    /// It is answered: so many bytes are in the buffer, or it failed.
    Done(Result<usize, Failure>),
    /// It has to wait; the ticket brings its own buffer.
    Waits(Ticket),
}

/// What the calling thread may do to carry out its own read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thread {
    /// Wait for the disk.
    MayBlock,
    /// Take what is in memory; what would wait for the disk goes to a worker.
    MustNotBlock,
}

/// What a lone read turned out to need, under the lock.
enum Lone {
    Answered(Answer),
    Mine {
        io: IoId,
        kind: IoKind,
        path: Arc<Path>,
        descriptor: Arc<File>,
    },
    Waits,
}

impl Hub {
    /// Asks to open a file by its absolute path; see [`crate::path::Here`].
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn open(
        self: &Arc<Self>,
        path: &Arc<Path>,
        missing: staging_core::Missing,
        plan: Plan,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        self.submit(
            Operation::Open,
            path,
            Request::Open { missing, plan },
            deadline,
            room,
        )
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
        let slot = Slot::new();
        let mut deliveries = Deliveries::default();
        let (accepted, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let deadline = deadline.tick(self.clock);
            let waiter = Waiter::Slot(Arc::clone(&slot));
            let accepted = state.accept(now, deadline, operation, path, request, waiter);
            if let (Err(Reject::Full(_)), Some((room, waker))) = (accepted, room) {
                state.blocked.stand(room.place(), waker);
            }
            state.drain_told(&mut deliveries);
            (accepted, state.call())
        };
        deliveries.deliver(self);
        self.make(call);
        match accepted {
            Ok(op) => Ok(Ticket::new(Arc::clone(self), op, slot)),
            Err(reject) => Err(refusal(operation, path, reject)),
        }
    }

    /// Reads into the caller's buffer, on the caller's thread where nothing else has to happen
    /// first: no hand-over, no copy, no allocation.
    pub fn read_here(
        self: &Arc<Self>,
        handle: HandleId,
        path: &Arc<Path>,
        offset: u64,
        buffer: &mut [u8],
        deadline: Deadline,
        thread: Thread,
    ) -> Read {
        let len = buffer.len() as u64;
        let request = Request::Read {
            handle,
            offset,
            len,
        };
        // A system call does not look at deadlines, and a handler wants a job.
        if deadline != Deadline::Never || self.handlers.is_set(ActionKind::Read) {
            return match self.submit(Operation::Read, path, request, deadline, None) {
                Ok(ticket) => Read::Waits(ticket),
                Err(failure) => Read::Done(Err(failure)),
            };
        }
        let mut deliveries = Deliveries::default();
        let mut waits = None;
        let (lone, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let accepted = state.accept(
                now,
                Tick::NEVER,
                Operation::Read,
                path,
                request,
                Waiter::Here,
            );
            deliveries.mine = accepted.ok();
            state.drain_told(&mut deliveries);
            let lone = match accepted {
                Ok(op) => match deliveries.here.take() {
                    Some(answer) => Ok(Lone::Answered(answer)),
                    None => Ok(state.take_own_read(op, &mut waits)),
                },
                Err(reject) => Err(refusal(Operation::Read, path, reject)),
            };
            (lone, state.call())
        };
        deliveries.deliver(self);
        self.make(call);
        match lone {
            Err(failure) => Read::Done(Err(failure)),
            Ok(Lone::Answered(answer)) => Read::Done(read_answer(answer, offset, buffer)),
            Ok(Lone::Mine {
                io,
                kind,
                path,
                descriptor,
            }) => self.carry_out_read((io, kind), path, descriptor, offset, buffer, thread),
            Ok(Lone::Waits) => match waits {
                Some((op, slot)) => Read::Waits(Ticket::new(Arc::clone(self), op, slot)),
                None => Read::Done(Err(refusal(Operation::Read, path, Reject::UnknownHandle))),
            },
        }
    }

    fn carry_out_read(
        self: &Arc<Self>,
        (io, kind): (IoId, IoKind),
        path: Arc<Path>,
        descriptor: Arc<File>,
        offset: u64,
        buffer: &mut [u8],
        thread: Thread,
    ) -> Read {
        tracing::trace!(?io, ?kind, path = %path.display(), "perform");
        let read = match thread {
            Thread::MayBlock => read_full(&descriptor, buffer, offset),
            Thread::MustNotBlock => match read_if_cached(&descriptor, buffer, offset) {
                Some(read) => read,
                None => {
                    return self.hand_over_read((io, kind), path, descriptor, offset, buffer.len());
                }
            },
        };
        let completion = match read {
            Ok(bytes) => Completion::Read {
                bytes: bytes as u64,
            },
            Err(error) => Completion::Failed {
                fault: crate::error::fault_of(&error),
            },
        };
        let mut deliveries = Deliveries::default();
        if let IoKind::Read { op, .. } = kind {
            deliveries.mine = Some(op);
        }
        let call = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let _ = state.say(now, Event::Completed { io, completion });
            state.drain_told(&mut deliveries);
            state.call()
        };
        let answer = deliveries.here.take();
        deliveries.deliver(self);
        self.make(call);
        Read::Done(match answer {
            Some(answer) => read_answer(answer, offset, buffer),
            // Answered meanwhile by a shutdown that gave it up; the buffer is ours again.
            None => Err(given_up(path)),
        })
    }

    /// The bytes are not in memory: a worker reads them, into a buffer of its own.
    fn hand_over_read(
        self: &Arc<Self>,
        (io, kind): (IoId, IoKind),
        path: Arc<Path>,
        descriptor: Arc<File>,
        offset: u64,
        len: usize,
    ) -> Read {
        let IoKind::Read { op, .. } = kind else {
            return Read::Done(Err(given_up(path)));
        };
        let slot = Slot::new();
        let work = Work::Read {
            descriptor,
            buffer: vec![0; len],
            offset,
        };
        let job = Job {
            io,
            kind,
            path: Arc::clone(&path),
            work,
        };
        let (waits, call) = {
            let mut state = lock(&self.state);
            state.deferred.push_back(job);
            let waits = state
                .table
                .op(op)
                .map(|row| row.waiter = Waiter::Slot(Arc::clone(&slot)));
            (waits.is_some(), state.call())
        };
        self.make(call);
        if waits {
            Read::Waits(Ticket::new(Arc::clone(self), op, slot))
        } else {
            Read::Done(Err(given_up(path)))
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
        let (op, handle) = match self.say(
            now,
            Event::Submitted {
                tag: Tag(0),
                deadline,
                request,
            },
        ) {
            Reply::Opening { op, handle } => {
                self.table.handles.put(handle, Arc::clone(path));
                (op, handle)
            }
            Reply::Accepted { op } => match request {
                Request::Stage { handle, .. }
                | Request::Unstage { handle }
                | Request::Read { handle, .. }
                | Request::Close { handle } => (op, handle),
                Request::Open { .. } => return Err(Reject::UnknownHandle),
            },
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
        };
        self.table.ops.put(op, row);
        Ok(op)
    }

    /// If the next action is the caller's own read, the caller takes it along. Otherwise the read
    /// waits in a slot, like any other.
    fn take_own_read(&mut self, op: OpId, waits: &mut Option<(OpId, Arc<Slot>)>) -> Lone {
        match self.machine.poll_io() {
            Some(Action::Perform {
                io,
                kind:
                    kind @ IoKind::Read {
                        op: whose, file, ..
                    },
            }) if whose == op => {
                let descriptor = self
                    .table
                    .files
                    .get(file)
                    .and_then(|row| row.descriptor.clone());
                match descriptor {
                    Some(descriptor) => {
                        let path = self.table.file_path(file);
                        return Lone::Mine {
                            io,
                            kind,
                            path,
                            descriptor,
                        };
                    }
                    None => {
                        let job = self.equip(io, kind);
                        self.deferred.push_back(job);
                    }
                }
            }
            Some(Action::Perform { io, kind }) => {
                let job = self.equip(io, kind);
                self.deferred.push_back(job);
            }
            Some(Action::Tell(_)) | None => {}
        }
        let slot = Slot::new();
        if let Some(row) = self.table.op(op) {
            row.waiter = Waiter::Slot(Arc::clone(&slot));
        }
        *waits = Some((op, slot));
        Lone::Waits
    }
}

/// The bytes of an answered read, in the caller's buffer.
///
/// # Errors
/// The read failed, or the contents lost bytes since they were staged (G6).
pub fn read_answer(answer: Answer, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
    use staging_core::{Fault, Outcome};
    match answer.outcome {
        Outcome::Read { bytes } => {
            let bytes = (bytes as usize).min(buffer.len());
            if let Some(read) = answer.buffer.as_ref().and_then(|read| read.get(..bytes)) {
                buffer[..bytes].copy_from_slice(read);
            }
            Ok(bytes)
        }
        Outcome::FromContents { .. } => match &answer.contents {
            Some(contents) => contents
                .read_at(offset, buffer)
                .map_err(|_| answer.failure(Fault::Truncated)),
            None => Err(answer.failure(Fault::Truncated)),
        },
        Outcome::Failed { fault, .. } => Err(answer.failure(fault)),
        Outcome::Opened { .. } | Outcome::Staged { .. } | Outcome::Unstaged | Outcome::Closed => {
            Err(answer.failure(Fault::Cancelled))
        }
    }
}

fn given_up(path: Arc<Path>) -> Failure {
    let cause = Cause::Fault(staging_core::Fault::Abandoned);
    Failure {
        operation: Operation::Read,
        path,
        cause,
    }
}

pub(crate) fn refusal(operation: Operation, path: &Arc<Path>, reject: Reject) -> Failure {
    Failure {
        operation,
        path: Arc::clone(path),
        cause: Cause::Rejected(reject),
    }
}
