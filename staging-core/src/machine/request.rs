//! Admission: a request is accepted whole or refused without a trace.

use super::Machine;
use super::stage::Seen;
use super::state::{Answers, Early, Fullness, Handle, Op, OpState, Order, Writes, WritingId};
use crate::action::{Bound, Outcome};
use crate::class::Class;
use crate::event::{Mode, Request, Tag};
use crate::id::{FileId, HandleId, OpId};
use crate::intervals::{Range, Touch};
use crate::phase::Phase;
use crate::reply::{Reject, Reply};
use crate::slab::List;
use crate::time::Tick;

impl Machine {
    pub(super) fn on_submitted(&mut self, tag: Tag, deadline: Tick, request: Request) -> Reply {
        match self.admit(tag, deadline, request) {
            Ok(reply) => reply,
            Err(reject) => {
                self.remember_refusal(reject);
                self.reject(reject)
            }
        }
    }

    pub(super) fn reject(&mut self, reject: Reject) -> Reply {
        self.stats.rejected += 1;
        Reply::Rejected(reject)
    }

    fn admit(&mut self, tag: Tag, deadline: Tick, request: Request) -> Result<Reply, Reject> {
        self.check_phase(request)?;
        let file = match request.handle() {
            Some(handle) => Some(self.check_usable(handle, request)?),
            None => None,
        };
        if matches!(request, Request::Open { .. }) && !self.handles_have_room() {
            return Err(Reject::Full(Bound::Handles));
        }
        if let Request::Read { offset, len, .. } = request
            && offset.checked_add(len).is_none()
        {
            return Err(Reject::BadRange);
        }
        if let Request::Replace { len, .. } = request {
            self.check_replace(len)?;
        }
        // A lock has its own bound; whoever holds one may need room to go on.
        if let Request::Lock { span, .. } = request {
            self.check_lock(span)?;
            return Ok(self.accept(tag, deadline, request, file));
        }
        // Closing ends work, so it is not refused for fullness (R12). One close a handle keeps
        // that bounded.
        if !self.operations_have_room() && !matches!(request, Request::Close { .. }) {
            return Err(Reject::Full(Bound::Operations));
        }
        Ok(self.accept(tag, deadline, request, file))
    }

    fn check_phase(&self, request: Request) -> Result<(), Reject> {
        match (self.phase, request) {
            (Phase::Running, _) => Ok(()),
            (
                Phase::Draining { .. },
                Request::Unstage { .. }
                | Request::Read { .. }
                | Request::Write { .. }
                | Request::Append { .. }
                | Request::SetLength { .. }
                | Request::Flush { .. }
                | Request::Sync { .. }
                | Request::FlushAll
                | Request::SyncAll
                | Request::Close { .. },
            ) => Ok(()),
            (
                Phase::Draining { .. },
                Request::Open { .. }
                | Request::Stage { .. }
                | Request::Replace { .. }
                | Request::Lock { .. },
            )
            | (Phase::Closing { .. } | Phase::Closed, _) => Err(Reject::ShuttingDown),
        }
    }

    /// The file that a request by a handle is about.
    fn check_usable(&self, handle: HandleId, request: Request) -> Result<FileId, Reject> {
        let entry = self.handles.get(handle).ok_or(Reject::UnknownHandle)?;
        let Handle::Open { file, .. } = *entry else {
            return Err(Reject::UnknownHandle);
        };
        let full = self.files[file].pending >= self.most_operations(file);
        if full && !matches!(request, Request::Close { .. }) {
            return Err(Reject::Full(Bound::FileOperations(file)));
        }
        if request.is_of_writers() {
            self.check_may_write(handle, file, request)?;
        }
        Ok(file)
    }

    fn check_may_write(
        &self,
        handle: HandleId,
        file: FileId,
        request: Request,
    ) -> Result<(), Reject> {
        if self.handles[handle].writes() == Writes::No {
            return Err(Reject::ReadOnly);
        }
        if matches!(request, Request::Flush { .. }) {
            return Ok(());
        }
        // Whoever has not heard of it hears of it first, and why.
        let unheard = || self.is_forsaken(handle) && self.is_untold(handle);
        if self.is_broken(handle) && !self.keeps_dirty(handle) && !unheard() {
            return Err(Reject::SyncFailed);
        }
        // While a shutdown drains, what is dirty already may be brought to an end (S2).
        let new_work = || !matches!(request, Request::Sync { .. }) && !self.is_dirty(file);
        if !matches!(self.phase, Phase::Running) && new_work() {
            return Err(Reject::ShuttingDown);
        }
        self.check_write(file, request)
    }

    fn remember_refusal(&mut self, reject: Reject) {
        match reject {
            Reject::Full(Bound::Operations) => self.operations_room = Fullness::Refused,
            Reject::Full(Bound::Locks) => self.locks_room = Fullness::Refused,
            Reject::Full(Bound::Handles) => self.handles_room = Fullness::Refused,
            Reject::Full(Bound::FileOperations(file)) => {
                self.files[file].room = Fullness::Refused;
                self.drop_room(file);
            }
            Reject::Full(Bound::Bytes) => self.bytes_room = Fullness::Refused,
            Reject::Full(Bound::FileBytes(file)) => self.remember_full_of_bytes(file),
            Reject::UnknownHandle
            | Reject::BadRange
            | Reject::ReadOnly
            | Reject::SyncFailed
            | Reject::BadLimit(_)
            | Reject::ShuttingDown => {}
        }
    }

    /// What is written through is High at least (R4).
    fn class_of_request(&self, request: Request) -> Class {
        let through = self.answers_of(request.handle()) == Answers::Durable;
        match through && request.is_write() {
            true => request.class().max(Class::High),
            false => request.class(),
        }
    }

    fn accept(
        &mut self,
        tag: Tag,
        deadline: Tick,
        request: Request,
        file: Option<FileId>,
    ) -> Reply {
        let opening = matches!(request, Request::Open { .. });
        let locking = matches!(request, Request::Lock { .. });
        let lock = locking.then(|| self.locks.vacant());
        let handle = match opening {
            true => Some(self.reserve_handle(self.ops.vacant())),
            false => request.handle(),
        };
        let own_class = self.class_of_request(request);
        let writer = file.filter(|_| request.is_of_writers());
        let writing = writer.and_then(|file| self.files[file].writing);
        // Of its file, by now.
        let failures = writing.map_or(0, |writing| self.writings[writing].failures);
        let op = self.ops.insert(Op {
            tag,
            handle,
            request,
            // Before anybody looks it has the place where it waits, or its answer.
            state: OpState::AwaitingOthers,
            own_class,
            class: own_class,
            place: 0,
            order: Order::Apart,
            early: Early::No,
            failures,
            epoch: 0,
            dependents: List::EMPTY,
        });
        if request.is_write() {
            self.count_write_entered(own_class, writing);
        }
        self.stats.accepted += 1;
        self.stats.pending += 1;
        self.stats.most_pending = self.stats.most_pending.max(self.stats.pending);
        if let Some(handle) = handle
            && let Handle::Open { file, pending, .. } = &mut self.handles[handle]
        {
            *pending += 1;
            self.files[*file].pending += 1;
        }
        if deadline != Tick::NEVER {
            self.timers.insert(deadline, op);
        }
        if !self.is_told_of_loss(op, writing) {
            self.start(op, request, file, writing);
        }
        if deadline <= self.now
            && let Some((_, first)) = self.timers.first()
            && first == op
        {
            self.expire(op);
        }
        match (handle, lock) {
            (Some(handle), _) if opening => Reply::Opening { op, handle },
            (_, Some(lock)) => Reply::Locking { op, lock },
            (Some(_) | None, None) => Reply::Accepted { op },
        }
    }

    /// Begins what was accepted. What names no file is of all of them; what is of writers has a write side.
    fn start(
        &mut self,
        op: OpId,
        request: Request,
        file: Option<FileId>,
        writing: Option<WritingId>,
    ) {
        match (request, file, writing) {
            (Request::Open { access, .. }, _, _) => self.start_open(op, access),
            (Request::Replace { target, len, .. }, _, _) => self.start_replace(op, target, len),
            (Request::Lock { .. }, _, _) => self.start_lock(op),
            (Request::Stage { plan, .. }, Some(file), _) => match plan.mode {
                Mode::None => {
                    let outcome = self.staged_outcome(file);
                    self.resolve(op, outcome);
                }
                Mode::Auto | Mode::Map | Mode::MapShared | Mode::Load => {
                    if self.take_place(op, file, Range::ALL, Touch::Looks) {
                        self.join(op, file, Seen::Before);
                    }
                }
            },
            (Request::Unstage { .. }, Some(file), _) => self.start_unstage(op, file),
            (Request::Read { len: 0, .. }, _, _) => self.resolve(op, Outcome::Read { bytes: 0 }),
            (Request::Read { offset, len, .. }, Some(file), _) => {
                let start = offset;
                let end = self.end_of_read(file, offset + len);
                if self.take_place(op, file, Range { start, end }, Touch::Looks) {
                    self.start_read(op, file);
                }
            }
            (Request::Write { offset, len, .. }, _, Some(writing)) => {
                self.start_write(op, writing, offset, len);
            }
            (Request::Append { len, .. }, _, Some(writing)) => self.start_append(op, writing, len),
            (Request::SetLength { len, .. }, _, Some(writing)) => self.start_cut(op, writing, len),
            (Request::Flush { .. } | Request::Sync { .. }, Some(file), Some(writing)) => {
                self.start_barrier(op, file, writing);
            }
            (Request::Close { handle }, Some(file), _) => self.start_close(op, handle, file),
            (Request::FlushAll | Request::SyncAll, _, _) | (_, None, _) | (_, _, None) => {
                self.start_barrier_over_all(op);
            }
        }
    }
}
