//! An open file.

use crate::simulation::{Payload, Ticket as Number};
use crate::ticket::{Deadline, Ticket, World, alone, refused};
use driver_kit::error::Operation;
use driver_kit::figures::Timings;
use staging_core::Standing;
use staging_core::{
    Backlog, Class, Event, FileId, FileLimits, HandleId, Life, Mode, OpId, Outcome, Plan, Reject,
    Request, Staging, Tuning, WriteCounts,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An open file on the simulated disk.
///
/// Each operation comes twice: under the name that it has in the other drivers it runs the
/// simulation until the answer is there; as `begin_…` it only asks, and gives a [`Ticket`], so that
/// many can be under way at once. Dropping the file closes it.
#[derive(Debug)]
pub struct File {
    world: World,
    handle: HandleId,
    file: FileId,
    class: Mutex<Class>,
    closed: bool,
}

impl File {
    pub(crate) const fn new(world: World, handle: HandleId, file: FileId, class: Class) -> File {
        let closed = false;
        let class = Mutex::new(class);
        File {
            world,
            handle,
            file,
            class,
            closed,
        }
    }

    /// Where the file is: an absolute path without links (G11).
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&*alone(&self.world).path(self.handle))
    }

    /// From now on whatever is written to the file, by whomever, is durable so long after it was accepted,
    /// though nobody asks (L3).
    pub fn set_sync_every(&self, every: Duration) {
        let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX);
        let handle = self.handle;
        alone(&self.world).tell(Event::IntervalSet { handle, every });
    }

    /// How urgent writes are that are asked for from now on (R2). What was asked before keeps its class.
    pub fn set_class(&self, class: Class) {
        *self.class.lock().unwrap_or_else(PoisonError::into_inner) = class;
    }

    fn class(&self) -> Class {
        *self.class.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of the writes to the file since it was opened for writing, by whomever; `None` where
    /// it is not.
    pub fn writes(&self) -> Option<WriteCounts> {
        alone(&self.world).machine().writes_to(self.handle).copied()
    }

    /// What is accepted on the file and not over, by whomever (R12). `None` after the stager was closed.
    #[must_use]
    pub fn backlog(&self) -> Option<Backlog> {
        let simulation = alone(&self.world);
        let file = simulation.machine().file_of(self.handle)?;
        Some(simulation.machine().backlog_of(file))
    }

    pub(crate) fn keep_times(&self) {
        alone(&self.world).keep_times(self.handle);
    }

    /// How long operations on the file waited and were served, in the time of the simulation, since somebody
    /// opened it [`timed`](crate::OpenOptions::timed); `None` where nobody did. Exact to one part in ten.
    #[must_use]
    pub fn timings(&self) -> Option<Timings> {
        alone(&self.world).timings_of(self.handle)
    }

    /// How it stands with regard to memory (G1, G7). `None` after the stager was closed.
    pub fn staging(&self) -> Option<Staging> {
        alone(&self.world).machine().staging(self.file)
    }

    /// Whether it is in memory now.
    pub fn is_staged(&self) -> bool {
        self.staging()
            .is_some_and(|staging| matches!(staging.life, Life::Staged(_)))
    }

    /// Its length in bytes, as it will be after every write that was accepted (R6).
    pub fn len(&self) -> u64 {
        self.staging().map_or(0, |staging| staging.len)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The copy that is in memory, if the file was loaded. It stays as it is, and charged to the
    /// budget, for as long as it is held (G1, G10).
    pub fn contents(&self) -> Option<Arc<Vec<u8>>> {
        alone(&self.world).contents(self.file)
    }

    /// Reads from `offset` until the buffer is full or the file ends, and says how many bytes.
    ///
    /// # Errors
    /// What the disk said, or that a stranger cut the mapped file short (G6).
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes_at(offset, buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// Bytes from `offset`, fewer than `len` only at the end of the file.
    ///
    /// # Errors
    /// As [`read_at`](File::read_at).
    pub fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let answer = self
            .begin_read_at(offset, len as u64, Deadline::Never)?
            .wait()?;
        Ok(answer.bytes)
    }

    /// Asks for bytes. The answer has them.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_read_at(&self, offset: u64, len: u64, deadline: Deadline) -> io::Result<Ticket> {
        let handle = self.handle;
        let read = Request::Read {
            handle,
            offset,
            len,
        };
        self.ask(Operation::Read, read, Payload::Nothing, deadline)
    }

    /// Writes all of `bytes` at `offset`; when this returns, every read sees it (R6).
    ///
    /// # Errors
    /// The file was not opened for writing; what the disk said, and how many bytes were written; a
    /// sync of the file failed before (R8).
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let ticket = self.begin_write_at(bytes, offset, Deadline::Never)?;
        ticket.wait().map(drop)
    }

    /// Asks for a write.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_write_at(&self, bytes: &[u8], offset: u64, by: Deadline) -> io::Result<Ticket> {
        let (handle, len) = (self.handle, bytes.len() as u64);
        let write = Request::Write {
            handle,
            offset,
            len,
            class: self.class(),
        };
        self.ask(Operation::Write, write, Payload::Bytes(bytes.to_vec()), by)
    }

    /// Writes all of `bytes` at the end, and says where that was (R1).
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    pub fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        match self.begin_append(bytes, Deadline::Never)?.wait()?.outcome {
            Outcome::Written { offset, .. } | Outcome::Accepted { offset } => Ok(offset),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    /// Asks for an append.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_append(&self, bytes: &[u8], deadline: Deadline) -> io::Result<Ticket> {
        let (handle, len) = (self.handle, bytes.len() as u64);
        let append = Request::Append {
            handle,
            len,
            class: self.class(),
        };
        let payload = Payload::Bytes(bytes.to_vec());
        self.ask(Operation::Append, append, payload, deadline)
    }

    /// Cuts the file to `len` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.begin_set_len(len, Deadline::Never)?.wait().map(drop)
    }

    /// Asks for another length.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_set_len(&self, len: u64, deadline: Deadline) -> io::Result<Ticket> {
        let cut = Request::SetLength {
            handle: self.handle,
            len,
            class: self.class(),
        };
        self.ask(Operation::SetLength, cut, Payload::Nothing, deadline)
    }

    /// Waits until every write to the file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The file was not opened for writing; the deadline passed.
    pub fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.begin_flush(deadline)?.wait().map(drop)
    }

    /// Asks for a flush.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_flush(&self, deadline: Deadline) -> io::Result<Ticket> {
        let handle = self.handle;
        let flush = Request::Flush { handle };
        self.ask(Operation::Flush, flush, Payload::Nothing, deadline)
    }

    /// Makes durable every write to the file that was accepted before (R3).
    ///
    /// # Errors
    /// What the disk said (R8); the deadline passed.
    pub fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.begin_sync(deadline)?.wait().map(drop)
    }

    /// Asks for a sync.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_sync(&self, deadline: Deadline) -> io::Result<Ticket> {
        let handle = self.handle;
        let sync = Request::Sync { handle };
        self.ask(Operation::Sync, sync, Payload::Nothing, deadline)
    }

    /// How much may be under way on this file at once, for all who have it open (R12).
    ///
    /// # Errors
    /// 0 operations are asked for, or the stager was closed.
    pub fn set_limits(&self, limits: FileLimits) -> io::Result<()> {
        self.tune(Tuning::Limits(limits))
    }

    /// What was said of this file alone.
    pub fn limits(&self) -> FileLimits {
        let simulation = alone(&self.world);
        let limits = simulation.machine().file_limits(self.handle);
        limits.unwrap_or_default()
    }

    pub(crate) fn tune(&self, tuning: Tuning) -> io::Result<()> {
        let mut simulation = alone(&self.world);
        let path: Arc<Path> = Arc::from(Path::new(&*simulation.path(self.handle)));
        let tuned = simulation.tune(self.handle, tuning);
        tuned.map_err(|reject| refused(Operation::Tune, &path, reject))
    }

    /// Brings the file into memory. `Auto` over budget is no error: the result says so.
    ///
    /// # Errors
    /// Staging failed, or was cancelled by another's unstage.
    pub fn stage(&self, mode: Mode) -> io::Result<Standing> {
        let ticket = self.begin_stage(Plan::of(mode), Deadline::Never)?;
        match ticket.wait()?.outcome {
            Outcome::Staged { standing, .. } => Ok(standing),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    /// Asks for it to be brought into memory.
    ///
    /// # Errors
    /// It was refused.
    pub fn begin_stage(&self, plan: Plan, deadline: Deadline) -> io::Result<Ticket> {
        let handle = self.handle;
        let stage = Request::Stage { handle, plan };
        self.ask(Operation::Stage, stage, Payload::Nothing, deadline)
    }

    /// Gives the memory back; reads go to the file from now on.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    pub fn unstage(&self) -> io::Result<()> {
        let handle = self.handle;
        let unstage = Request::Unstage { handle };
        let none = Payload::Nothing;
        let ticket = self.ask(Operation::Unstage, unstage, none, Deadline::Never)?;
        ticket.wait().map(drop)
    }

    /// Closes the file, and waits until what is under way on it is answered.
    ///
    /// # Errors
    /// The stager was closed before.
    pub fn close(mut self) -> io::Result<()> {
        let handle = self.handle;
        let close = Request::Close { handle };
        let none = Payload::Nothing;
        let ticket = self.ask(Operation::Close, close, none, Deadline::Never)?;
        self.closed = true;
        ticket.wait().map(drop)
    }

    fn ask(
        &self,
        operation: Operation,
        request: Request,
        payload: Payload<'_>,
        deadline: Deadline,
    ) -> io::Result<Ticket> {
        let mut simulation = alone(&self.world);
        let by = deadline.tick(&simulation);
        let path: Arc<Path> = Arc::from(Path::new(&*simulation.path(self.handle)));
        let asked: Result<(Number, OpId), Reject> = simulation.submit_op(request, payload, by);
        drop(simulation);
        let (number, op) = asked.map_err(|reject| refused(operation, &path, reject))?;
        Ok(Ticket {
            world: Arc::clone(&self.world),
            number,
            op,
            operation,
            path,
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if !self.closed {
            alone(&self.world).drop_handle(self.handle);
        }
    }
}
