//! An open file, as every driver has it: the handle, and the short way to its contents.

use crate::clock::Deadline;
use crate::contents::{Contents, Published, Truncated};
use crate::error::{Cause, Failure, Operation, fault_of};
#[cfg(not(any(staging_loom, staging_shuttle)))]
use crate::figures::Timings;
use crate::hub::{Hub, Lent, Read, Standby, Thread, Ticket, Until, Write};
use bytes::Bytes;
use staging_core::{
    Backlog, Class, Fault, FileId, FileLimits, HandleId, Plan, Reject, Request, Staging, Tuning,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// How a handle writes. Any thread may change it; no order with anything else is promised, so it is
/// no part of what loom looks at.
struct Manner {
    class: AtomicU8,
    apart: AtomicBool,
}

impl Manner {
    const fn new() -> Manner {
        Manner {
            class: AtomicU8::new(Class::Normal as u8),
            apart: AtomicBool::new(false),
        }
    }

    fn class(&self) -> Class {
        let kept = self.class.load(Ordering::Relaxed);
        let known = Class::ALL.into_iter().find(|class| *class as u8 == kept);
        known.unwrap_or_default()
    }
}

/// An open file. Dropping it closes it; what is under way on it is finished first.
pub struct Handle {
    hub: Arc<Hub>,
    id: HandleId,
    file: FileId,
    path: Arc<Path>,
    cell: Arc<Published<Contents>>,
    manner: Manner,
}

impl Handle {
    pub(crate) fn new(
        hub: Arc<Hub>,
        id: HandleId,
        file: FileId,
        path: Arc<Path>,
        cell: Arc<Published<Contents>>,
    ) -> Handle {
        Handle {
            hub,
            id,
            file,
            path,
            cell,
            manner: Manner::new(),
        }
    }

    /// The hub it belongs to.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The machine's name for it.
    pub const fn id(&self) -> HandleId {
        self.id
    }

    /// The machine's name for the file behind it: equal for handles on the same file.
    pub const fn file(&self) -> FileId {
        self.file
    }

    /// Where the file is: an absolute path without links (G11).
    pub const fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// How urgent what is written through it is, unless this is changed: Normal.
    pub fn class(&self) -> Class {
        self.manner.class()
    }

    /// How urgent writes are that are asked for from now on (R2). What was asked before keeps its
    /// class.
    pub fn set_class(&self, class: Class) {
        self.manner.class.store(class as u8, Ordering::Relaxed);
    }

    /// Says how it is to be used from now on.
    ///
    /// # Errors
    /// The stager was closed, or that makes no sense.
    pub fn tune(&self, tuning: Tuning) -> Result<(), Failure> {
        self.hub.tune(&self.path, self.id, tuning)
    }

    /// What its file may hold in place of what the stager says of every file; none after the stager was
    /// closed.
    pub fn limits(&self) -> FileLimits {
        self.hub.file_limits(self.id).unwrap_or_default()
    }

    /// From now on whatever is written to the file, by whomever, is synced so long after it was accepted
    /// though nobody asks (L3).
    ///
    /// # Errors
    /// The system gives no thread to keep the time.
    pub fn sync_every(&self, every: Duration) -> io::Result<()> {
        self.hub
            .sync_every(self.id, every)
            .map_err(|error| self.failure(Operation::Open, fault_of(&error)).into_io())
    }

    /// Its writes are answered before or after they are executed: whoever asks for one cannot carry it
    /// out himself and be done.
    pub(crate) fn answers_apart(&self) {
        self.manner.apart.store(true, Ordering::Relaxed);
    }

    /// How it stands with regard to memory (G1, G7), at this moment.
    pub fn staging(&self) -> Option<Staging> {
        self.hub.staging(self.id)
    }

    /// What is accepted on its file and not over, by whomever, at this moment (R12).
    pub fn backlog(&self) -> Option<Backlog> {
        self.hub.backlog_of(self.id)
    }

    /// How long operations on its file take is kept apart from now on, of whoever has it open.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn keep_times(&self) {
        self.hub.keep_times(self.id);
    }

    /// How long operations on its file took since that is kept; `None` where it is not.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    pub fn timings(&self) -> Option<Timings> {
        self.hub.timings_of(self.id)
    }

    /// Reads from memory, if the file is staged: no system call, no lock, no allocation (G4).
    ///
    /// # Errors
    /// The contents are mapped, and another process cut the file (G6).
    #[inline]
    pub fn read_staged(&self, offset: u64, buffer: &mut [u8]) -> Option<Result<usize, Truncated>> {
        self.cell.read(|contents| contents.read_at(offset, buffer))
    }

    /// Bytes from memory without a copy, if the file is loaded (G4).
    #[inline]
    pub fn bytes_staged(&self, offset: u64, len: usize) -> Option<Bytes> {
        self.cell
            .read(|contents| contents.bytes(offset, len))
            .flatten()
    }

    /// The staged contents themselves, to be held: they stay valid memory until dropped, whatever
    /// becomes of the file's staging (G1).
    pub fn contents(&self) -> Option<Contents> {
        self.cell.read(Contents::clone)
    }

    /// Reads a range: from memory if it is there, from the file on this thread if nothing else
    /// has to happen first, otherwise by waiting.
    pub fn read(&self, offset: u64, buffer: &mut [u8], deadline: Deadline, thread: Thread) -> Read {
        match self.read_staged(offset, buffer) {
            Some(Ok(bytes)) => Read::Done(Ok(bytes)),
            Some(Err(Truncated)) => {
                Read::Done(Err(self.failure(Operation::Read, Fault::Truncated)))
            }
            None => self
                .hub
                .read_here(self.id, &self.path, offset, buffer, deadline, thread),
        }
    }

    /// Asks for a range as an operation like any other, with a buffer of its own.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn read_later(
        &self,
        offset: u64,
        len: u64,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = Request::Read {
            handle: self.id,
            offset,
            len,
        };
        self.hub
            .submit(Operation::Read, &self.path, request, deadline, room)
    }

    /// Asks to write a range.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn write(
        &self,
        offset: u64,
        bytes: Bytes,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = self.write_request(offset, bytes.len());
        self.hub
            .submit_with(Operation::Write, &self.path, request, bytes, deadline, room)
    }

    /// Asks to write at the end; the answer says where that was.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn append(
        &self,
        bytes: Bytes,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = self.append_request(bytes.len());
        self.hub.submit_with(
            Operation::Append,
            &self.path,
            request,
            bytes,
            deadline,
            room,
        )
    }

    /// Writes a range on this thread if nothing else has to happen first, otherwise by waiting. `own`
    /// gives the same bytes to be kept, where this call is not the one that writes them.
    pub fn write_now(
        &self,
        offset: u64,
        bytes: &[u8],
        own: impl Fn() -> Bytes,
        deadline: Deadline,
    ) -> Write {
        let request = self.write_request(offset, bytes.len());
        self.now(Operation::Write, request, bytes, own, deadline)
    }

    /// Writes at the end on this thread if nothing else has to happen first, otherwise by waiting; the
    /// bytes are as in [`write_now`](Handle::write_now).
    pub fn append_now(&self, bytes: &[u8], own: impl Fn() -> Bytes, deadline: Deadline) -> Write {
        let request = self.append_request(bytes.len());
        self.now(Operation::Append, request, bytes, own, deadline)
    }

    fn now(
        &self,
        operation: Operation,
        request: Request,
        bytes: &[u8],
        own: impl Fn() -> Bytes,
        deadline: Deadline,
    ) -> Write {
        let until = match self.manner.apart.load(Ordering::Relaxed) {
            true => Until::Later,
            false => Until::Executed,
        };
        let bytes = Lent { bytes, own, until };
        self.hub
            .write_here(operation, &self.path, request, bytes, deadline)
    }

    fn write_request(&self, offset: u64, len: usize) -> Request {
        Request::Write {
            handle: self.id,
            offset,
            len: len as u64,
            class: self.class(),
        }
    }

    fn append_request(&self, len: usize) -> Request {
        Request::Append {
            handle: self.id,
            len: len as u64,
            class: self.class(),
        }
    }

    /// Asks to cut the file, or to fill it up with zeros.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn set_len(
        &self,
        len: u64,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = Request::SetLength {
            handle: self.id,
            len,
            class: self.class(),
        };
        self.hub
            .submit(Operation::SetLength, &self.path, request, deadline, room)
    }

    /// Asks to wait until every write accepted before is executed (R3).
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn flush(&self, deadline: Deadline, room: Standby<'_>) -> Result<Ticket, Failure> {
        let request = Request::Flush { handle: self.id };
        self.hub
            .submit(Operation::Flush, &self.path, request, deadline, room)
    }

    /// Asks to make durable every write accepted before (R3).
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn sync(&self, deadline: Deadline, room: Standby<'_>) -> Result<Ticket, Failure> {
        let request = Request::Sync { handle: self.id };
        self.hub
            .submit(Operation::Sync, &self.path, request, deadline, room)
    }

    /// Asks to bring the file into memory.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn stage(
        &self,
        plan: Plan,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = Request::Stage {
            handle: self.id,
            plan,
        };
        self.hub
            .submit(Operation::Stage, &self.path, request, deadline, room)
    }

    /// Asks to give the memory back.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn unstage(&self, deadline: Deadline, room: Standby<'_>) -> Result<Ticket, Failure> {
        let request = Request::Unstage { handle: self.id };
        self.hub
            .submit(Operation::Unstage, &self.path, request, deadline, room)
    }

    /// Asks to close. The answer comes when what is under way on it is answered.
    ///
    /// # Errors
    /// Refused: nothing changed.
    pub fn close(&self, deadline: Deadline) -> Result<Ticket, Failure> {
        let request = Request::Close { handle: self.id };
        self.hub
            .submit(Operation::Close, &self.path, request, deadline, None)
    }

    /// A failure on this file in words.
    pub fn failure(&self, operation: Operation, fault: Fault) -> Failure {
        self.failed(operation, Cause::Fault(fault))
    }

    /// Where a position comes to stand that is moved so far from here: what a seek of any world is
    /// made of.
    ///
    /// # Errors
    /// That is before the beginning, or farther than can be counted.
    pub fn moved(&self, from: u64, by: i64) -> io::Result<u64> {
        from.checked_add_signed(by).ok_or_else(|| {
            let cause = Cause::Rejected(Reject::BadRange);
            self.failed(Operation::Seek, cause).into_io()
        })
    }

    fn failed(&self, operation: Operation, cause: Cause) -> Failure {
        Failure {
            operation,
            path: Arc::clone(&self.path),
            cause,
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.hub.drop_handle(self.id);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
