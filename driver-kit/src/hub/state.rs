//! What the hub's one lock protects, and what is done under it: the machine is told and asked,
//! payloads are put and taken. No system call, no waking, no caller's code.

use super::crew::Crew;
use super::deliver::Deliveries;
use super::holding::whole;
use super::room::Line;
use super::slot::{Answer, OfLock, Slot};
use super::table::{FileRow, Holding, Table, Waiter};
use super::timekeeper::Timekeeper;
use crate::batch::Batch;
use crate::contents::{Contents, Memory, Notify};
use crate::error::Operation;
use crate::job::{Brought, Finished, Job, Part};
use crate::journal::{Journal, Recorder};
use crate::observe::{Notice, Observers};
use crate::perform::{Locked, Swept, Temporary};
use crate::report::Unfinished;
use staging_core::{
    Action, Cause, Done, Entry, Event, FileId, HandleId, How, IoId, IoKind, Life, LockId, Machine,
    OpId, Outcome, PhaseName, Reply, Tell, Tick, WakeReason,
};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// Everything under the lock.
pub(crate) struct State {
    pub(crate) machine: Machine,
    /// What the clock said when the lock was last used.
    pub(super) now: Tick,
    /// How many actions are with somebody, to be carried out.
    pub(super) under_way: u64,
    /// Why it is shut down, in the words of whoever asked for it.
    pub(super) reason: Option<Arc<str>>,
    /// What the machine is told and answers, while somebody wants to know.
    pub(super) journal: Option<Journal>,
    /// Whoever writes that to a file.
    pub(super) recorder: Option<Arc<Recorder>>,
    /// How many events the machine was told.
    pub(super) heard: u64,
    /// Closed, and how long a shutdown waits for its recording.
    pub(super) patience: Option<Tick>,
    pub(crate) table: Table,
    pub(super) crew: Crew,
    /// Batches that still have paths to feed, or results to come.
    pub(crate) batches: Vec<Arc<Batch>>,
    /// Jobs that were taken from the machine and given back to be done by others.
    pub(super) deferred: VecDeque<Job>,
    /// Writes that the machine handed out while their caller is still fetching their bytes.
    pub(super) parked: Vec<(IoId, IoKind)>,
    /// Callers that were refused for fullness.
    pub(super) blocked: Line,
    /// Callers that wait for `Closed`.
    pub(super) waiting_for_end: Line,
    /// What the shutdown could not finish (S3).
    pub(super) unfinished: Vec<Unfinished>,
    /// Temporary files that nobody needs any more, to be closed outside the lock.
    pub(super) outdated: Vec<Arc<Temporary>>,
    /// Locks that nobody has any more, to be closed outside the lock.
    pub(super) unlocked: Vec<Locked>,
    /// Locks under which something was replaced that is over.
    pub(super) given_back: Vec<LockId>,
    /// Whoever waits for a lock, and is to look when it will be tried again.
    pub(super) nudged: Vec<Arc<Slot>>,
    /// Who keeps the time of syncs that nobody waits for, once there are any.
    pub(super) timekeeper: Option<Timekeeper>,
    /// Where what crashes left was looked for.
    pub(super) swept: Arc<Swept>,
    /// Whether the times of any file were ever wanted: else nobody looks for them.
    pub(super) times_files: bool,
    pub(super) memory: Arc<Memory>,
    /// How much is charged over a budget that was lowered.
    pub(super) overdrawn: Option<u64>,
    pub(super) observers: Arc<Observers>,
    /// Says `Returned` when lent slices come back.
    pub(super) notify: Notify,
}

impl State {
    pub(crate) fn say(&mut self, now: Tick, event: Event) -> Reply {
        let reply = self.machine.handle(now, event);
        self.now = now;
        if let Event::Completed { .. } = event {
            self.under_way = self.under_way.saturating_sub(1);
        }
        self.heard += 1;
        self.note(Entry::Said { now, event, reply });
        if self
            .overdrawn
            .is_some_and(|last| self.machine.charged() < last)
        {
            self.fit_memory();
        }
        reply
    }

    pub(super) fn ordered(&mut self) -> Option<(IoId, IoKind)> {
        let Action::Perform { io, kind } = self.machine.poll_io()? else {
            return None;
        };
        self.under_way += 1;
        self.note(Entry::Polled(Action::Perform { io, kind }));
        Some((io, kind))
    }

    fn told(&mut self) -> Option<Tell> {
        let tell = self.machine.poll_told()?;
        self.note(Entry::Polled(Action::Tell(tell)));
        Some(tell)
    }

    /// Tells the machine how a job ended, and puts what it brought where it belongs.
    pub(super) fn finish(&mut self, now: Tick, finished: Finished) {
        let Finished {
            io,
            kind,
            path,
            completion,
            brought,
        } = finished;
        if let Brought::Part(part) = brought {
            self.put_part(kind, part);
            let _ = self.say(now, Event::Completed { io, completion });
            return self.publish_if_whole(kind);
        }
        let reply = match brought {
            Brought::Descriptor { descriptor, real } => {
                let reply = self.say(now, Event::Completed { io, completion });
                self.rename(kind, real.as_ref());
                if let Reply::Adopted { file } = reply {
                    let path = real.unwrap_or(path);
                    if let Some(row) = self.table.file(file, &path) {
                        row.descriptor = Some(Arc::new(descriptor));
                    }
                }
                reply
            }
            Brought::Contents { contents, real } => {
                let reply = self.say(now, Event::Completed { io, completion });
                self.rename(kind, real.as_ref());
                if let Reply::Adopted { file } = reply {
                    let path = real.unwrap_or(path);
                    if let Some(row) = self.table.file(file, &path) {
                        row.publish(contents);
                    }
                }
                reply
            }
            Brought::Buffer(buffer) => {
                if let IoKind::Read { op, .. } = kind
                    && let Some(row) = self.table.op(op)
                {
                    row.buffer = Some(buffer);
                }
                self.say(now, Event::Completed { io, completion })
            }
            Brought::Temporary(temporary) => {
                if let IoKind::Replace { op, .. } = kind
                    && let Some(row) = self.table.replacing.get_mut(op)
                {
                    if let Some(real) = &temporary.real {
                        row.path = Arc::clone(real);
                    }
                    row.temporary = Some(temporary);
                }
                self.say(now, Event::Completed { io, completion })
            }
            Brought::Locked(locked) => {
                if let IoKind::Lock { lock, .. } = kind
                    && let Some(row) = self.table.locks.get_mut(lock)
                {
                    row.locked = Some(locked);
                }
                self.say(now, Event::Completed { io, completion })
            }
            Brought::Holder(holder) => {
                self.note_holder(kind, holder);
                self.say(now, Event::Completed { io, completion })
            }
            Brought::Part(_) | Brought::Nothing => {
                self.say(now, Event::Completed { io, completion })
            }
        };
        if let IoKind::Replace { op, step } = kind {
            self.forget_temporary(op, step);
            self.forget_replaced(op);
        }
        self.forget_lock(kind);
        match reply {
            Reply::Adopted { file } => self.publish_staged(file),
            Reply::Accepted { .. }
            | Reply::Opening { .. }
            | Reply::Locking { .. }
            | Reply::Rejected(_)
            | Reply::Surplus
            | Reply::Done
            | Reply::Ignored(_) => self.publish_if_whole(kind),
        }
    }

    /// The path led over links: the handle is known by where the file is.
    fn rename(&mut self, kind: IoKind, real: Option<&Arc<Path>>) {
        if let (IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. }, Some(real)) =
            (kind, real)
            && self.table.handles.get(handle).is_some()
        {
            self.table.handles.put(handle, Arc::clone(real));
        }
    }

    fn put_part(&mut self, kind: IoKind, part: Part) {
        if let IoKind::Map { file, .. } | IoKind::Load { file, .. } = kind
            && let Some(row) = self.table.files.get_mut(file)
        {
            row.held = Holding::Part(part);
        }
    }

    /// If that made a file `Staged`, readers find its contents in the cell from now on. An open
    /// does, too: of an empty file, also where it brought nothing that was needed.
    fn publish_if_whole(&mut self, kind: IoKind) {
        let file = match kind {
            IoKind::Look { file } | IoKind::Map { file, .. } | IoKind::Load { file, .. } => {
                Some(file)
            }
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => {
                self.machine.file_of(handle)
            }
            IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. }
            | IoKind::Replace { .. }
            | IoKind::Lock { .. }
            | IoKind::Release { .. }
            | IoKind::Close { .. } => None,
        };
        if let Some(file) = file {
            self.publish_staged(file);
        }
    }

    fn publish_staged(&mut self, file: FileId) {
        let Some(staging) = self.machine.staging(file) else {
            return;
        };
        let Life::Staged(how) = staging.life else {
            return;
        };
        let Some(row) = self.table.files.get_mut(file) else {
            return;
        };
        match std::mem::replace(&mut row.held, Holding::Nothing) {
            Holding::Whole(contents) => row.held = Holding::Whole(contents),
            Holding::Part(part) => {
                if let Some(contents) = whole(part) {
                    row.publish(contents);
                }
            }
            Holding::Nothing if how == How::Empty => row.publish(Contents::Empty),
            Holding::Nothing => {}
        }
    }

    /// Whether everything the machine decided has been told.
    pub(super) fn nothing_to_tell(&self) -> bool {
        !matches!(self.machine.poll_timeout(), Some(wake) if wake.reason == WakeReason::Told)
    }

    /// The next job to carry out, with all it needs.
    pub(super) fn next_job(&mut self) -> Option<Job> {
        if let Some(job) = self.deferred.pop_front() {
            return Some(job);
        }
        while let Some((io, kind)) = self.ordered() {
            if let Some(job) = self.job_for(io, kind) {
                return Some(job);
            }
        }
        None
    }

    pub(super) fn row(&mut self, file: FileId) -> Option<&mut FileRow> {
        self.table.files.get_mut(file)
    }

    /// Takes what the machine has to tell, with what belongs to it, to be delivered outside.
    pub(super) fn drain_told(&mut self, out: &mut Deliveries) {
        out.recorder.clone_from(&self.recorder);
        while let Some(tell) = self.told() {
            match tell {
                Tell::Resolve { op, outcome, .. } => self.answer(op, outcome, out),
                Tell::Progress { file, done, total } => {
                    let path = self.table.file_path(file);
                    self.notice(Notice::Progress { path, done, total }, out);
                    for batch in &self.batches {
                        batch.chunk_came(&mut out.wakers);
                    }
                }
                Tell::Withdrawn { file } => {
                    if let Some(row) = self.row(file) {
                        drop(row.cell.withdraw());
                    }
                }
                Tell::Room { .. } => {
                    self.blocked.call_all(&mut out.wakers);
                    for batch in &self.batches {
                        batch.room_came();
                    }
                }
                Tell::Abandoned { kind, .. } => {
                    let path = self.path_of_action(kind);
                    self.unfinished
                        .push(Unfinished::action(kind, Arc::clone(&path)));
                    self.notice(Notice::Abandoned { path, kind }, out);
                }
                Tell::Phase { phase, cause } => {
                    self.notice(self.entered(phase, cause), out);
                    // A phase has a deadline of its own, which those keep who wait for the end.
                    self.waiting_for_end.call_all(&mut out.wakers);
                    if phase == PhaseName::Closed {
                        self.let_go(out);
                    }
                }
            }
        }
        // Answers make more of them, which are to be closed when these answers are heard.
        out.outdated.append(&mut self.outdated);
        self.dismiss_spent(out);
        out.outdated.append(&mut self.outdated);
        out.given_back.append(&mut self.given_back);
        out.unlocked.append(&mut self.unlocked);
        out.nudged.append(&mut self.nudged);
        out.wakers.extend(self.wake_timekeeper());
    }

    fn entered(&self, phase: PhaseName, cause: Cause) -> Notice {
        Notice::Phase {
            phase,
            cause,
            reason: self.reason.clone(),
        }
    }

    fn notice(&self, notice: Notice, out: &mut Deliveries) {
        self.observers.keep(notice);
        out.noticed = true;
    }

    fn answer(&mut self, op: OpId, outcome: Outcome, out: &mut Deliveries) {
        let Some(mut row) = self.table.ops.take(op) else {
            return;
        };
        let sample = row.course.end(self.now);
        out.samples.add(sample);
        if row.times.are_kept() {
            out.of_files.push((std::mem::take(&mut row.times), sample));
        }
        if matches!(outcome, Outcome::Accepted { .. }) && !row.taken {
            self.table.behind.put(op, row.payload.clone());
        }
        let known = row.handle.and_then(|handle| self.table.handles.get(handle));
        let replaced = self.table.replacing.get(op).map(|row| &row.path);
        let mut path = Arc::clone(known.or(replaced).unwrap_or(&row.path));
        let (mut cell, mut contents) = (None, None);
        match outcome {
            Outcome::Opened { file, .. } => {
                cell = self
                    .table
                    .file(file, &row.path)
                    .map(|row| Arc::clone(&row.cell));
            }
            Outcome::FromContents { file } => {
                let known = self.machine.staging(file);
                let empty = known.is_none_or(|staging| staging.len == 0);
                contents = self
                    .row(file)
                    .and_then(|row| row.contents_for_reading(empty));
            }
            Outcome::Closed => self.forget_path(row.handle),
            Outcome::SyncFailed { first, .. } => path = self.table.file_path(first),
            Outcome::Failed { fault, done } => {
                if let Some(unfinished) = Unfinished::operation(&row, fault) {
                    self.unfinished.push(unfinished);
                }
                // Closed it is, whatever had to be told; one that was given up may not be yet.
                let gone = |handle| self.machine.file_of(handle).is_none();
                if row.operation == Operation::Close && row.handle.is_some_and(gone) {
                    self.forget_path(row.handle);
                }
                // An open that is still in the kernel is named by its path, if it is given up.
                if row.operation == Operation::Open && done != Done::Unknown {
                    self.forget_path(row.handle);
                }
            }
            Outcome::Staged { .. }
            | Outcome::Unstaged
            | Outcome::Read { .. }
            | Outcome::Written { .. }
            | Outcome::Accepted { .. }
            | Outcome::LengthSet
            | Outcome::Flushed
            | Outcome::Synced
            | Outcome::Locked { .. }
            | Outcome::Replaced => {}
        }
        self.forget_replaced(op);
        let answer = Answer {
            outcome,
            operation: row.operation,
            path,
            handle: row.handle,
            cell,
            opened: None,
            contents,
            buffer: row.buffer,
            payload: row.payload,
            locking: row.in_the_way.map(OfLock::after),
        };
        match row.waiter {
            Waiter::Slot(slot) => out.answers.push((slot, answer)),
            Waiter::Batch(batch) => {
                batch.one_less();
                out.results.push((batch, answer));
            }
            // Somebody else's: that one sees that its answer went by.
            Waiter::Here if out.mine == Some(op) => out.here = Some(answer),
            Waiter::Here => {}
        }
    }

    fn forget_path(&mut self, handle: Option<HandleId>) {
        if let Some(handle) = handle {
            drop(self.table.handles.take(handle));
        }
    }

    pub(super) fn path_of_action(&self, kind: IoKind) -> Arc<Path> {
        match kind {
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => {
                self.table.path_of(handle)
            }
            IoKind::Look { file }
            | IoKind::Map { file, .. }
            | IoKind::Load { file, .. }
            | IoKind::Read { file, .. }
            | IoKind::Write { file, .. }
            | IoKind::SetLength { file, .. }
            | IoKind::Sync { file }
            | IoKind::Release { file }
            | IoKind::Close { file } => self.table.file_path(file),
            IoKind::Replace { op, .. } => self.table.replaced_path(op),
            IoKind::Lock { lock, .. } => self.table.lock_path(lock),
        }
    }

    /// Closed: everything the table still has is given back, outside the lock.
    fn let_go(&mut self, out: &mut Deliveries) {
        for (_, row) in self.table.files.iter() {
            drop(row.cell.withdraw());
        }
        out.rest = Some(std::mem::replace(&mut self.table, Table::new()));
        self.blocked.call_all(&mut out.wakers);
        for batch in &self.batches {
            batch.room_came();
        }
        self.crew.wake_all(&mut out.wakers);
    }
}
