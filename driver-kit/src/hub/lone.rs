//! A lone read or write: the calling thread carries it out itself, where nothing else has to
//! happen first. No hand-over, no copy, no allocation.

use super::Hub;
use super::call::refusal;
use super::deliver::Deliveries;
use super::slot::{Answer, Coming, Slot, Ticket};
use super::state::State;
use super::table::Waiter;
use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation, fault_of};
use crate::handlers::ActionKind;
use crate::job::{Job, Work};
use crate::perform::{self, read_full, read_if_cached};
use crate::sync::lock;
use bytes::Bytes;
use staging_core::{
    Completion, Event, Fault, HandleId, IoId, IoKind, OpId, Outcome, Request, Tick,
};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A read that the caller may have to wait for.
pub enum Read {
    /// It is answered: so many bytes are in the buffer, or it failed.
    Done(Result<usize, Failure>),
    /// It has to wait; the ticket brings its own buffer.
    Waits(Ticket),
}

/// A write that the caller may have to wait for.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack of one call, and a write that is done allocates nothing"
)]
pub enum Write {
    /// It is answered.
    Done(Result<Answer, Failure>),
    /// It has to wait; a copy of the bytes waits with it.
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

/// What a lone operation turned out to need, under the lock.
enum Lone {
    Answered(Answer),
    Mine(Own),
    Waits(Ticket),
}

/// An action that its caller carries out.
struct Own {
    op: OpId,
    io: IoId,
    kind: IoKind,
    path: Arc<Path>,
    descriptor: Arc<File>,
}

/// The bytes of a caller who writes.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'a, F> {
    /// As they are while the call lasts.
    pub bytes: &'a [u8],
    /// Gives them to be kept: a copy, if they are not the hub's to share.
    pub own: F,
    /// Until when they are needed.
    pub until: Until,
}

/// When a write is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// When it is executed: if the caller carries it out himself, his bytes are enough.
    Executed,
    /// Before that, or later: it needs bytes that stay.
    Later,
}

impl Hub {
    /// Reads into the caller's buffer.
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
        match self.ask_here(Operation::Read, path, request) {
            Err(failure) => Read::Done(Err(failure)),
            Ok(Lone::Answered(answer)) => Read::Done(read_answer(answer, offset, buffer)),
            Ok(Lone::Mine(own)) => self.carry_out_read(own, offset, buffer, thread),
            Ok(Lone::Waits(ticket)) => Read::Waits(ticket),
        }
    }

    /// Writes the caller's bytes: a [`Request::Write`] or a [`Request::Append`]. The calling thread
    /// may wait for the disk. Where it is not this call that writes, `own` has to give bytes that stay.
    pub fn write_here(
        self: &Arc<Self>,
        operation: Operation,
        path: &Arc<Path>,
        request: Request,
        bytes: Lent<'_, impl Fn() -> Bytes>,
        deadline: Deadline,
    ) -> Write {
        let Lent { bytes, own, until } = bytes;
        let alone = deadline == Deadline::Never && !self.handlers.is_set(ActionKind::Write);
        if !alone || until == Until::Later {
            let payload = own();
            return match self.submit_with(operation, path, request, payload, deadline, None) {
                Ok(ticket) => Write::Waits(ticket),
                Err(failure) => Write::Done(Err(failure)),
            };
        }
        match self.ask_here(operation, path, request) {
            Err(failure) => Write::Done(Err(failure)),
            Ok(Lone::Answered(answer)) => Write::Done(Ok(answer)),
            Ok(Lone::Mine(own)) => {
                let offset = match own.kind {
                    IoKind::Write { offset, .. } => offset,
                    _ => return Write::Done(Err(given_up(operation, path))),
                };
                let completion = perform::write(&own.descriptor, bytes, offset);
                let answer = self.end_own(&own, completion);
                Write::Done(answer.ok_or_else(|| given_up(operation, path)))
            }
            Ok(Lone::Waits(ticket)) => {
                // Made outside the lock; until they are there, the write is parked.
                self.bring(ticket.op(), own());
                Write::Waits(ticket)
            }
        }
    }

    fn ask_here(
        self: &Arc<Self>,
        operation: Operation,
        path: &Arc<Path>,
        request: Request,
    ) -> Result<Lone, Failure> {
        let mut deliveries = Deliveries::default();
        let (lone, call) = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let accepted = state.accept(now, Tick::NEVER, operation, path, request, Waiter::Here);
            deliveries.mine = accepted.ok();
            state.drain_told(&mut deliveries);
            let lone = match accepted {
                Ok(op) => match deliveries.here.take() {
                    Some(answer) => Ok(Lone::Answered(answer)),
                    None => self
                        .take_own(&mut state, op)
                        .ok_or_else(|| given_up(operation, path)),
                },
                Err(reject) => Err(refusal(operation, path, reject)),
            };
            (lone, state.call())
        };
        deliveries.deliver(self);
        self.make(call);
        lone
    }

    fn carry_out_read(
        self: &Arc<Self>,
        own: Own,
        offset: u64,
        buffer: &mut [u8],
        thread: Thread,
    ) -> Read {
        tracing::trace!(io = ?own.io, kind = ?own.kind, path = %own.path.display(), "perform");
        let read = match thread {
            Thread::MayBlock => read_full(&own.descriptor, buffer, offset),
            Thread::MustNotBlock => match read_if_cached(&own.descriptor, buffer, offset) {
                Some(read) => read,
                None => return self.hand_over_read(own, offset, buffer.len()),
            },
        };
        let completion = match read {
            Ok(bytes) => Completion::Read {
                bytes: bytes as u64,
            },
            Err(error) => Completion::Failed {
                fault: fault_of(&error),
            },
        };
        Read::Done(match self.end_own(&own, completion) {
            Some(answer) => read_answer(answer, offset, buffer),
            None => Err(given_up(Operation::Read, &own.path)),
        })
    }

    /// Says how the caller's own action ended. No answer: a shutdown gave it up meanwhile; what the
    /// action used is the caller's again.
    fn end_own(self: &Arc<Self>, own: &Own, completion: Completion) -> Option<Answer> {
        let mut deliveries = Deliveries {
            mine: Some(own.op),
            ..Deliveries::default()
        };
        let call = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let io = own.io;
            let _ = state.say(now, Event::Completed { io, completion });
            state.drain_told(&mut deliveries);
            state.call()
        };
        let answer = deliveries.here.take();
        deliveries.deliver(self);
        self.make(call);
        answer
    }

    /// The bytes are not in memory: a worker reads them, into a buffer of its own.
    fn hand_over_read(self: &Arc<Self>, own: Own, offset: u64, len: usize) -> Read {
        let Own {
            op,
            io,
            kind,
            path,
            descriptor,
        } = own;
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
        let (ticket, call) = {
            let mut state = lock(&self.state);
            state.take_back(op);
            state.deferred.push_back(job);
            (self.wait_in_slot(&mut state, op), state.call())
        };
        self.make(call);
        match ticket {
            Some(ticket) => Read::Waits(ticket),
            None => Read::Done(Err(given_up(Operation::Read, &path))),
        }
    }

    /// What a write that waits is to write.
    fn bring(self: &Arc<Self>, op: OpId, payload: Bytes) {
        let call = {
            let mut state = lock(&self.state);
            if let Some(row) = state.table.op(op) {
                row.payload = payload;
            }
            state.unpark(op);
            state.call()
        };
        self.make(call);
    }

    /// If the next action is the caller's own, the caller takes it along. Otherwise the operation
    /// waits like any other.
    fn take_own(self: &Arc<Self>, state: &mut State, op: OpId) -> Option<Lone> {
        if let Some((io, kind)) = state.ordered() {
            // A run of writes is a job, whoever's it begins with.
            if let IoKind::Read {
                op: whose, file, ..
            }
            | IoKind::Write {
                op: whose,
                file,
                parts: 1,
                ..
            } = kind
                && whose == op
                && let Some(descriptor) = state.row(file).and_then(|row| row.descriptor.clone())
            {
                let path = state.table.file_path(file);
                state.keep_own(op);
                return Some(Lone::Mine(Own {
                    op,
                    io,
                    kind,
                    path,
                    descriptor,
                }));
            }
            if let Some(job) = state.job_for(io, kind) {
                state.deferred.push_back(job);
            }
        }
        self.wait_in_slot(state, op).map(Lone::Waits)
    }

    /// Nothing if the operation was answered, by a shutdown that gave it up.
    pub(super) fn wait_in_slot(self: &Arc<Self>, state: &mut State, op: OpId) -> Option<Ticket> {
        let slot = Slot::new();
        state.table.op(op)?.waiter = Waiter::Slot(Arc::clone(&slot));
        Some(Ticket::new(Arc::clone(self), op, Coming::In(slot)))
    }
}

/// The bytes of an answered read, in the caller's buffer.
///
/// # Errors
/// The read failed, or the contents lost bytes since they were staged (G6).
pub fn read_answer(answer: Answer, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
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
        _ => Err(answer.failure(answer.fault().unwrap_or(Fault::Cancelled))),
    }
}

pub(super) fn given_up(operation: Operation, path: &Arc<Path>) -> Failure {
    Failure {
        operation,
        path: Arc::clone(path),
        cause: Cause::Fault(Fault::Abandoned),
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the hub's lock needs a model
mod tests {
    use super::*;
    use crate::hub::{Idle, Opening, Turn, TurnEnd};
    use staging_core::{Access, Grace, Missing, Mode, PhaseName, Plan};
    use std::error::Error;
    use std::io;
    use std::task::{Poll, Waker};

    /// Whatever is still under way when the next event comes is given up.
    const HURRIED: Grace = Grace {
        total: 3_600_000_000_001,
        draining: 1,
        closing: 3_600_000_000_000,
    };

    /// An action that a caller takes along, on a file of its own.
    fn own(hub: &Arc<Hub>, path: &Path) -> Result<(Own, crate::Handle), Box<dyn Error>> {
        std::fs::write(path, "some")?;
        let opening = Opening {
            access: Access::Read,
            missing: Missing::Fail,
            plan: Plan::of(Mode::None),
        };
        let mut ticket = hub.open(&path.into(), opening, Deadline::Never, None)?;
        let mut turn = Turn::default();
        while hub.turn(&mut turn, 1, &Idle::Go) == TurnEnd::Work {
            hub.carry_out(&mut turn);
        }
        let Poll::Ready(answer) = ticket.poll_answer(Waker::noop()) else {
            return Err("not opened".into());
        };
        let handle = answer.opened()?;
        let request = Request::Read {
            handle: handle.id(),
            offset: 0,
            len: 4,
        };
        match hub.ask_here(Operation::Read, handle.path(), request)? {
            Lone::Mine(own) => Ok((own, handle)),
            Lone::Answered(_) | Lone::Waits(_) => Err("not the caller's own".into()),
        }
    }

    /// What is not in memory is left to a worker: until he has it, nobody serves it.
    #[test]
    fn a_read_that_is_left_to_others_waits_again() -> Result<(), Box<dyn Error>> {
        let hub = Hub::alone();
        let folder = tempfile::tempdir()?;
        let (own, _handle) = own(&hub, &folder.path().join("file"))?;
        let op = own.op;
        let serves = |hub: &Arc<Hub>| {
            let mut state = lock(&hub.state);
            let course = state.table.op(op).map(|row| row.course);
            course.and_then(|course| course.end(Tick::NEVER).service)
        };
        assert!(serves(&hub).is_some(), "the caller has it");
        let Read::Waits(_ticket) = hub.hand_over_read(own, 0, 4) else {
            return Err("nobody waits for it".into());
        };
        assert_eq!((serves(&hub), hub.stats().pending), (None, 1));
        let mut turn = Turn::default();
        assert_eq!(hub.turn(&mut turn, 1, &Idle::Go), TurnEnd::Work);
        assert!(serves(&hub).is_some(), "a worker has it");
        Ok(())
    }

    /// The end answers both of two callers, whichever of them hears of it first; each takes its own.
    #[test]
    fn of_two_callers_each_takes_its_own_answer() -> Result<(), Box<dyn Error>> {
        for first in [0, 1] {
            let hub = Hub::alone();
            let folder = tempfile::tempdir()?;
            let paths = ["a", "b"].map(|name| folder.path().join(name));
            let callers = [own(&hub, &paths[0])?, own(&hub, &paths[1])?];
            hub.shut_down(HURRIED);
            let (own, handle) = &callers[first];
            let answer = hub.end_own(own, Completion::Read { bytes: 4 });
            assert_eq!(hub.phase(), PhaseName::Closing);
            let answer = answer.ok_or_else(|| io::Error::other("no answer"))?;
            assert_eq!(&answer.path, handle.path());
            assert!(
                hub.end_own(&callers[1 - first].0, Completion::Read { bytes: 4 })
                    .is_none()
            );
        }
        Ok(())
    }
}
