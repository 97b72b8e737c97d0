//! An open file.

use crate::background::Background;
use crate::options::{admitted, answer};
use crate::reader::Reader;
use crate::writer::Writer;
use bytes::Bytes;
use driver_kit::contents::Contents;
use driver_kit::core::{
    Backlog, Class, FileLimits, Life, Mode, Plan, Staging, Standing, Tuning, WriteCounts,
};
use driver_kit::error::Failure;
use driver_kit::figures::Timings;
use driver_kit::hub::{Answer, Read, Standby, Thread, Ticket, Write, read_answer};
use driver_kit::{Deadline, Handle};
use std::io;
use std::path::Path;
use std::time::Duration;

/// An open file, in memory unless its options said otherwise or the budget had no room.
///
/// All methods take `&self`; a file can be shared between threads. Dropping it closes it.
#[derive(Debug)]
pub struct File {
    handle: Handle,
    appends: bool,
}

impl File {
    pub(crate) fn new(handle: Handle, appends: bool) -> File {
        File { handle, appends }
    }

    /// Where the file is: an absolute path without links (G11).
    pub fn path(&self) -> &Path {
        self.handle.path()
    }

    /// How it stands with regard to memory: state, mode, length, share and progress (G1, G7).
    /// `None` after the stager was closed.
    pub fn staging(&self) -> Option<Staging> {
        self.handle.staging()
    }

    /// Whether it is in memory now.
    pub fn is_staged(&self) -> bool {
        self.staging()
            .is_some_and(|staging| matches!(staging.life, Life::Staged(_)))
    }

    /// Its length in bytes: as it was when it was opened or staged last, and as it will be after
    /// every write that was accepted since (R6).
    pub fn len(&self) -> u64 {
        match self.handle.contents() {
            Some(contents) => contents.len(),
            None => self.staging().map_or(0, |staging| staging.len),
        }
    }

    /// Its length in bytes once a staging that is under way has ended (G2).
    ///
    /// # Errors
    /// As [`read_at`](File::read_at).
    pub fn end(&self) -> io::Result<u64> {
        if let Some(Staging {
            life: Life::Staging { .. },
            ..
        }) = self.staging()
        {
            // A read waits for the end of the staging; what it reads does not matter.
            self.read_at(&mut [0], 0)?;
        }
        Ok(self.len())
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from `offset` until the buffer is full or the file ends, and says how many bytes.
    ///
    /// Staged, this is a copy: no system call, no lock, no allocation (G4). While the file is
    /// being staged it waits (G2). Otherwise it reads from the file, on this thread.
    ///
    /// # Errors
    /// What the system said, or that another process cut the file short (G6).
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at_by(buffer, offset, Deadline::Never)
    }

    /// Like [`read_at`](File::read_at), but waits no longer than until the deadline (R10). Where
    /// there is no pool, a system call of this thread's own is not interrupted.
    ///
    /// # Errors
    /// As `read_at`; `TimedOut` when the deadline passed.
    pub fn read_at_by(
        &self,
        buffer: &mut [u8],
        offset: u64,
        deadline: Deadline,
    ) -> io::Result<usize> {
        let read = match self.handle.read(offset, buffer, deadline, Thread::MayBlock) {
            Read::Done(Err(failure)) if failure.is_for_fullness() => {
                let (hub, len) = (self.handle.hub(), buffer.len() as u64);
                admitted(hub, deadline, |room| {
                    self.handle.read_later(offset, len, deadline, room)
                })
                .map(Read::Waits)?
            }
            read => read,
        };
        let read = match read {
            Read::Done(read) => read,
            Read::Waits(ticket) => read_answer(answer(ticket, deadline), offset, buffer),
        };
        read.map_err(Failure::into_io)
    }

    /// Bytes from `offset`, fewer than `len` only at the end of the file. Loaded contents are
    /// handed out without a copy (G4); they stay valid as long as they are kept, whatever becomes
    /// of the file.
    ///
    /// # Errors
    /// As [`read_at`](File::read_at).
    pub fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        if let Some(bytes) = self.handle.bytes_staged(offset, len) {
            return Ok(bytes);
        }
        let rest = self.len().saturating_sub(offset);
        let mut buffer = vec![0; len.min(usize::try_from(rest).unwrap_or(usize::MAX))];
        let read = self.read_at(&mut buffer, offset)?;
        buffer.truncate(read);
        Ok(buffer.into())
    }

    /// The staged contents themselves, if there are any: to be held and read many times, or to be
    /// asked whether a mapped file is still intact (G6).
    pub fn contents(&self) -> Option<Contents> {
        self.handle.contents()
    }

    /// A reader from the beginning: `Read`, `BufRead` and `Seek`.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    /// Brings the file into memory. Does nothing if it is there; joins a staging that is under way
    /// (G9). `Auto` over budget is no error: the result says so.
    ///
    /// # Errors
    /// Staging failed, or was cancelled by another's unstage.
    pub fn stage(&self, mode: Mode) -> io::Result<Standing> {
        self.stage_by(Plan::of(mode), Deadline::Never)
    }

    /// Like [`stage`](File::stage), by a whole plan, until a deadline.
    ///
    /// # Errors
    /// As `stage`; `TimedOut` when the deadline passed.
    pub fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        let hub = self.handle.hub();
        let ticket = admitted(hub, deadline, |room| {
            self.handle.stage(plan, deadline, room)
        })?;
        let staged = answer(ticket, deadline);
        staged.standing().map_err(Failure::into_io)
    }

    /// Begins to bring the file into memory, and returns: with a pool it goes on in the background.
    /// Reads wait for its end (G2).
    ///
    /// # Errors
    /// Refused: the stager is closing, or has as many operations under way as it may have.
    pub fn begin_staging(&self, plan: Plan) -> io::Result<Background<'_>> {
        let asked = self.handle.stage(plan, Deadline::Never, None);
        let ticket = asked.map_err(Failure::into_io)?;
        Ok(Background::new(self, ticket))
    }

    /// Gives the memory back. Reads go to the file from now on; bytes handed out stay valid.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    pub fn unstage(&self) -> io::Result<()> {
        let deadline = Deadline::Never;
        self.asked(deadline, |room| self.handle.unstage(deadline, room))
    }

    /// Writes all of `bytes` at `offset`, and returns when that is executed: every read that begins
    /// then sees it (R6, R8). Where nothing else has to happen first, this thread writes, without a
    /// copy.
    ///
    /// # Errors
    /// The file was not opened for writing; what the system said, and how many bytes were written;
    /// a sync of the file failed before (R8).
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_at_by(bytes, offset, Deadline::Never)
    }

    /// Like [`write_at`](File::write_at), but waits no longer than until the deadline (R10). A
    /// write that has begun goes on, and what comes later and meets it waits for it.
    ///
    /// # Errors
    /// As `write_at`; `TimedOut` when the deadline passed.
    pub fn write_at_by(&self, bytes: &[u8], offset: u64, deadline: Deadline) -> io::Result<()> {
        self.write(bytes, || Bytes::copy_from_slice(bytes), offset, deadline)
    }

    /// Like [`write_at`](File::write_at), of bytes that can be kept: they are copied in no case, also where
    /// they are written behind, or have to wait.
    ///
    /// # Errors
    /// As `write_at`.
    pub fn write_bytes_at(&self, bytes: impl Into<Bytes>, offset: u64) -> io::Result<()> {
        let bytes = bytes.into();
        self.write(&bytes, || bytes.clone(), offset, Deadline::Never)
    }

    fn write(
        &self,
        bytes: &[u8],
        own: impl Fn() -> Bytes,
        offset: u64,
        deadline: Deadline,
    ) -> io::Result<()> {
        let written = self.handle.write_now(offset, bytes, &own, deadline);
        let answer = self.written(written, deadline, |room| {
            self.handle.write(offset, own(), deadline, room)
        })?;
        answer.done().map_err(Failure::into_io)
    }

    /// Writes all of `bytes` at the end, and says where that was, in bytes from the beginning.
    ///
    /// The place is taken when the append is accepted, so appends of this process never meet (R1).
    /// Other processes know nothing of it: where they append to the same file, lock it.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    pub fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.append_by(bytes, Deadline::Never)
    }

    /// Like [`append`](File::append), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append`; `TimedOut` when the deadline passed.
    pub fn append_by(&self, bytes: &[u8], deadline: Deadline) -> io::Result<u64> {
        self.append_with(bytes, || Bytes::copy_from_slice(bytes), deadline)
    }

    /// Like [`append`](File::append), of bytes that can be kept, as by
    /// [`write_bytes_at`](File::write_bytes_at).
    ///
    /// # Errors
    /// As `write_at`.
    pub fn append_bytes(&self, bytes: impl Into<Bytes>) -> io::Result<u64> {
        let bytes = bytes.into();
        self.append_with(&bytes, || bytes.clone(), Deadline::Never)
    }

    fn append_with(
        &self,
        bytes: &[u8],
        own: impl Fn() -> Bytes,
        deadline: Deadline,
    ) -> io::Result<u64> {
        let written = self.handle.append_now(bytes, &own, deadline);
        let answer = self.written(written, deadline, |room| {
            self.handle.append(own(), deadline, room)
        })?;
        answer.written_at().map_err(Failure::into_io)
    }

    /// The answer to a write that was begun here, waiting for room if it was refused for fullness.
    fn written(
        &self,
        begun: Write,
        deadline: Deadline,
        again: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<Answer> {
        match begun {
            Write::Done(Err(failure)) if failure.is_for_fullness() => {
                let ticket = admitted(self.handle.hub(), deadline, again)?;
                Ok(answer(ticket, deadline))
            }
            Write::Done(answer) => answer.map_err(Failure::into_io),
            Write::Waits(ticket) => Ok(answer(ticket, deadline)),
        }
    }

    /// Cuts the file to `len` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.set_len_by(len, Deadline::Never)
    }

    /// Like [`set_len`](File::set_len), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `set_len`; `TimedOut` when the deadline passed.
    pub fn set_len_by(&self, len: u64, deadline: Deadline) -> io::Result<()> {
        self.asked(deadline, |room| self.handle.set_len(len, deadline, room))
    }

    /// Waits until every write to the file that was accepted before is executed (R3), whoever
    /// asked for it. Later ones do not delay it (R5).
    ///
    /// # Errors
    /// The file was not opened for writing; the deadline passed.
    pub fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.asked(deadline, |room| self.handle.flush(deadline, room))
    }

    /// Makes durable every write to the file that was accepted before (R3). Syncs that are asked
    /// for at once share a system call.
    ///
    /// # Errors
    /// What the system said. Then what was written since the last good sync may be lost, no later
    /// sync can tell, and the file takes no more writes through handles that are open now: open it
    /// again, and write it again (R8). The deadline passed.
    pub fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.asked(deadline, |room| self.handle.sync(deadline, room))
    }

    /// What became of the writes to the file since it was opened for writing, by whomever; `None` where
    /// it is not.
    pub fn writes(&self) -> Option<WriteCounts> {
        self.handle.hub().writes_to(self.handle.id())
    }

    /// How long operations on the file waited and were served, by kind and by class, since somebody opened it
    /// [`timed`](crate::OpenOptions::timed); `None` where nobody did. They go with the file: when
    /// its last handle is closed, it does not linger, and its descriptor is given back. What is read from memory
    /// (G4) is not among them. Exact to one part in ten.
    #[must_use]
    pub fn timings(&self) -> Option<Timings> {
        self.handle.timings()
    }

    /// What is accepted on the file and not over, by whomever: how much is queued, how much is under way, and
    /// whether it is dirty or cannot be synced (R12). `None` after the stager was closed.
    #[must_use]
    pub fn backlog(&self) -> Option<Backlog> {
        self.handle.backlog()
    }

    /// How much may be under way on this file at once, in place of what the stager says of every file
    /// (R12): from now on, for all who have it open, until another says it or the last closes it.
    /// Whoever waits for room is woken if there is more; what was accepted stays accepted.
    ///
    /// # Errors
    /// 0 operations are asked for, or the stager was closed.
    pub fn set_limits(&self, limits: FileLimits) -> io::Result<()> {
        let tuned = self.handle.tune(Tuning::Limits(limits));
        tuned.map_err(Failure::into_io)
    }

    /// What was said of this file alone.
    pub fn limits(&self) -> FileLimits {
        self.handle.limits()
    }

    /// How urgent writes are that are asked for from now on (R2). What was asked before keeps its class,
    /// or the one that it was lent.
    pub fn set_class(&self, class: Class) {
        self.handle.set_class(class);
    }

    /// From now on whatever is written to the file, by whomever, is durable so long after it was accepted,
    /// though nobody asks (L3); see [`OpenOptions::sync_every`](crate::OpenOptions::sync_every).
    ///
    /// # Errors
    /// The system gives no thread to keep the time.
    pub fn set_sync_every(&self, every: Duration) -> io::Result<()> {
        self.handle.sync_every(every)
    }

    fn asked(
        &self,
        deadline: Deadline,
        ask: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<()> {
        let ticket = admitted(self.handle.hub(), deadline, ask)?;
        answer(ticket, deadline).done().map_err(Failure::into_io)
    }

    /// A writer from the beginning, or, if the file was opened for appending, at its end.
    pub fn writer(&self) -> Writer<'_> {
        Writer::new(self)
    }

    /// Whether it was opened for appending.
    pub const fn appends(&self) -> bool {
        self.appends
    }

    /// Closes the file and waits until what other threads have under way on it is answered.
    ///
    /// # Errors
    /// The stager was closed before.
    pub fn close(self) -> io::Result<()> {
        let ticket = self
            .handle
            .close(Deadline::Never)
            .map_err(Failure::into_io)?;
        let closed = answer(ticket, Deadline::Never);
        closed.done().map_err(Failure::into_io)
    }

    /// The open file as the kit knows it.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }
}
