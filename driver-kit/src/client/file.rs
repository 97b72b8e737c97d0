//! An open file.

use super::Background;
use super::wait::{Client, done};
use crate::clock::Deadline;
use crate::contents::Contents;
use crate::error::Failure;
#[cfg(not(any(staging_loom, staging_shuttle)))]
use crate::figures::Timings;
use crate::handle::Handle;
use crate::hub::{Answer, Read, Standby, Thread, Ticket, read_answer};
use bytes::Bytes;
use staging_core::{
    Backlog, Class, FileLimits, Life, Mode, Plan, Staging, Standing, Tuning, WriteCounts,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What an open file does on every executor. A driver's own adds its reader and its writer.
///
/// Clones are the same handle. Dropping the last of them, and of the readers and writers, closes it.
#[derive(Clone, Debug)]
pub struct File {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    handle: Handle,
    appends: bool,
}

impl File {
    pub(super) fn new(client: Client, handle: Handle, appends: bool) -> File {
        let shared = Shared {
            client,
            handle,
            appends,
        };
        File {
            shared: Arc::new(shared),
        }
    }

    /// Where the file is: an absolute path without links (G11).
    pub fn path(&self) -> &Path {
        self.handle().path()
    }

    /// How it stands with regard to memory: state, mode, length, share and progress (G1, G7).
    /// `None` after the stager was closed.
    pub fn staging(&self) -> Option<Staging> {
        self.handle().staging()
    }

    /// Whether it is in memory now.
    pub fn is_staged(&self) -> bool {
        self.staging()
            .is_some_and(|staging| matches!(staging.life, Life::Staged(_)))
    }

    /// Its length in bytes: as it was when it was opened or staged last, and as it will be after
    /// every write that was accepted since (R6).
    pub fn len(&self) -> u64 {
        match self.handle().contents() {
            Some(contents) => contents.len(),
            None => self.staging().map_or(0, |staging| staging.len),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its length once a staging that is under way has ended (G2).
    pub(crate) async fn end(&self) -> io::Result<u64> {
        if let Some(Staging {
            life: Life::Staging { .. },
            ..
        }) = self.staging()
        {
            // A read waits for the end of the staging; what it reads does not matter.
            self.read_into(&mut [0], 0).await?;
        }
        Ok(self.len())
    }

    /// Bytes from `offset`, fewer than `len` only at the end of the file. Loaded contents are
    /// handed out without a copy (G4); they stay valid as long as they are kept, whatever becomes
    /// of the file.
    ///
    /// # Errors
    /// What the system said, or that another process cut the file short (G6).
    ///
    /// # Cancel safety
    /// Dropped, the read is cancelled; nothing is lost.
    pub async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.read_at_by(offset, len, Deadline::Never).await
    }

    /// Like [`read_at`](File::read_at), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `read_at`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `read_at`.
    pub async fn read_at_by(
        &self,
        offset: u64,
        len: usize,
        deadline: Deadline,
    ) -> io::Result<Bytes> {
        if let Some(bytes) = self.handle().bytes_staged(offset, len) {
            return Ok(bytes);
        }
        let rest = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; len.min(rest)];
        let read = self.read_into_by(&mut buffer, offset, deadline).await?;
        buffer.truncate(read);
        Ok(buffer.into())
    }

    /// Reads from `offset` until the buffer is full or the file ends, and says how many bytes.
    ///
    /// Staged, this is a copy: no system call, no lock, no allocation (G4). While the file is
    /// being staged it waits (G2). Otherwise what the kernel has in memory is read at once, by
    /// this task; what it has not, by a worker.
    ///
    /// # Errors
    /// As [`read_at`](File::read_at).
    ///
    /// # Cancel safety
    /// Dropped, the read is cancelled; the buffer holds nothing of use.
    pub async fn read_into(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_into_by(buffer, offset, Deadline::Never).await
    }

    /// Like [`read_into`](File::read_into), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `read_into`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `read_into`.
    pub async fn read_into_by(
        &self,
        buffer: &mut [u8],
        offset: u64,
        deadline: Deadline,
    ) -> io::Result<usize> {
        let Shared { client, handle, .. } = &*self.shared;
        let answer = match handle.read(offset, buffer, deadline, Thread::MustNotBlock) {
            Read::Done(Err(failure)) if failure.is_for_fullness() => {
                let len = buffer.len() as u64;
                let asked = |room: Standby<'_>| handle.read_later(offset, len, deadline, room);
                client.ask(deadline, asked).await?
            }
            Read::Done(read) => return read.map_err(Failure::into_io),
            Read::Waits(ticket) => client.answered(ticket, deadline).await,
        };
        read_answer(answer, offset, buffer).map_err(Failure::into_io)
    }

    /// Writes all of `bytes` at `offset`, and waits until that is executed: every read that begins
    /// then sees it (R6, R8). [`Bytes`] are not copied.
    ///
    /// # Errors
    /// The file was not opened for writing; what the system said, and how many bytes were written;
    /// a sync of the file failed before (R8).
    ///
    /// # Cancel safety
    /// Dropped, a write that has not begun is taken back. One that has begun goes on: all of it, or
    /// a part, may be written; what comes later and meets it still waits for it (R10).
    pub async fn write_at(&self, offset: u64, bytes: impl Into<Bytes>) -> io::Result<()> {
        self.write_at_by(offset, bytes.into(), Deadline::Never)
            .await
    }

    /// Like [`write_at`](File::write_at), but waits no longer than until the deadline (R10). A
    /// write that has begun goes on, and what comes later and meets it waits for it.
    ///
    /// # Errors
    /// As `write_at`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `write_at`.
    pub async fn write_at_by(
        &self,
        offset: u64,
        bytes: Bytes,
        deadline: Deadline,
    ) -> io::Result<()> {
        let handle = self.handle();
        let asked = |room: Standby<'_>| handle.write(offset, bytes.clone(), deadline, room);
        self.ask(deadline, asked).await.and_then(done)
    }

    /// Writes all of `bytes` at the end, and says where that was, in bytes from the beginning.
    ///
    /// The place is taken when the append is accepted, so appends of this process never meet (R1).
    /// Other processes know nothing of it: where they append to the same file, lock it.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    ///
    /// # Cancel safety
    /// As [`write_at`](File::write_at).
    pub async fn append(&self, bytes: impl Into<Bytes>) -> io::Result<u64> {
        self.append_by(bytes.into(), Deadline::Never).await
    }

    /// Like [`append`](File::append), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `append`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As [`write_at`](File::write_at).
    pub async fn append_by(&self, bytes: Bytes, deadline: Deadline) -> io::Result<u64> {
        let handle = self.handle();
        let asked = |room: Standby<'_>| handle.append(bytes.clone(), deadline, room);
        let answer = self.ask(deadline, asked).await?;
        answer.written_at().map_err(Failure::into_io)
    }

    /// Cuts the file to `len` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    ///
    /// # Cancel safety
    /// As [`write_at`](File::write_at).
    pub async fn set_len(&self, len: u64) -> io::Result<()> {
        self.set_len_by(len, Deadline::Never).await
    }

    /// Like [`set_len`](File::set_len), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `set_len`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As [`write_at`](File::write_at).
    pub async fn set_len_by(&self, len: u64, deadline: Deadline) -> io::Result<()> {
        let handle = self.handle();
        let asked = |room: Standby<'_>| handle.set_len(len, deadline, room);
        self.ask(deadline, asked).await.and_then(done)
    }

    /// Waits until every write to the file that was accepted before is executed (R3), whoever
    /// asked for it. Later ones do not delay it (R5).
    ///
    /// # Errors
    /// The file was not opened for writing; the deadline passed.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn flush(&self, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle().flush(deadline, room);
        self.ask(deadline, asked).await.and_then(done)
    }

    /// Makes durable every write to the file that was accepted before (R3). Syncs that are asked
    /// for at once share a system call.
    ///
    /// # Errors
    /// What the system said. Then what was written since the last good sync may be lost, no later
    /// sync can tell, and the file takes no more writes through handles that are open now: open it
    /// again, and write it again (R8). The deadline passed.
    ///
    /// # Cancel safety
    /// Dropped, a sync that has begun goes on, and its end is nobody's to know.
    pub async fn sync(&self, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle().sync(deadline, room);
        self.ask(deadline, asked).await.and_then(done)
    }

    /// What became of the writes to the file since it was opened for writing, by whomever; `None` where
    /// it is not.
    pub fn writes(&self) -> Option<WriteCounts> {
        self.handle().hub().writes_to(self.handle().id())
    }

    /// How long operations on the file waited and were served, by kind and by class, since somebody opened it
    /// [`timed`](crate::client::OpenOptions::timed); `None` where nobody did. They go with the file: when
    /// its last handle is closed, it does not linger, and its descriptor is given back. What is read from memory
    /// (G4) is not among them. Exact to one part in ten.
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    #[must_use]
    pub fn timings(&self) -> Option<Timings> {
        self.handle().timings()
    }

    /// What is accepted on the file and not over, by whomever: how much is queued, how much is under way, and
    /// whether it is dirty or cannot be synced (R12). `None` after the stager was closed.
    #[must_use]
    pub fn backlog(&self) -> Option<Backlog> {
        self.handle().backlog()
    }

    /// How much may be under way on this file at once, in place of what the stager says of every file
    /// (R12): from now on, for all who have it open, until another says it or the last closes it.
    /// Whoever waits for room is woken if there is more; what was accepted stays accepted.
    ///
    /// # Errors
    /// 0 operations are asked for, or the stager was closed.
    pub fn set_limits(&self, limits: FileLimits) -> io::Result<()> {
        let tuned = self.handle().tune(Tuning::Limits(limits));
        tuned.map_err(Failure::into_io)
    }

    /// What was said of this file alone.
    pub fn limits(&self) -> FileLimits {
        self.handle().limits()
    }

    /// How urgent writes are that are asked for from now on, by all clones of this file (R2). What was
    /// asked before keeps its class, or the one that it was lent.
    pub fn set_class(&self, class: Class) {
        self.handle().set_class(class);
    }

    /// From now on whatever is written to the file, by whomever, is durable so long after it was accepted,
    /// though nobody asks (L3); see [`OpenOptions::sync_every`](crate::client::OpenOptions::sync_every).
    ///
    /// # Errors
    /// The system gives no thread to keep the time.
    pub fn set_sync_every(&self, every: Duration) -> io::Result<()> {
        self.handle().sync_every(every)
    }

    /// The staged contents themselves, if there are any: to be held and read many times, or to be
    /// asked whether a mapped file is still intact (G6).
    pub fn contents(&self) -> Option<Contents> {
        self.handle().contents()
    }

    /// Brings the file into memory. Does nothing if it is there; joins a staging that is under way
    /// (G9). `Auto` over budget is no error: the result says so.
    ///
    /// # Errors
    /// Staging failed, or was stopped by another's unstage.
    ///
    /// # Cancel safety
    /// Dropped, the staging ends, unless somebody else wants it too (G8).
    pub async fn stage(&self, mode: Mode) -> io::Result<Standing> {
        self.stage_by(Plan::of(mode), Deadline::Never).await
    }

    /// Like [`stage`](File::stage), by a whole plan, until a deadline.
    ///
    /// # Errors
    /// As `stage`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `stage`.
    pub async fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        let asked = |room: Standby<'_>| self.handle().stage(plan, deadline, room);
        let answer = self.ask(deadline, asked).await?;
        answer.standing().map_err(Failure::into_io)
    }

    /// Begins to bring the file into memory, and goes on with it in the background: what this
    /// returns tells how far it is, and can be awaited. Reads wait for its end (G2).
    ///
    /// # Errors
    /// Refused: the stager is closing, or has as many operations under way as it may have.
    pub fn begin_staging(&self, plan: Plan) -> io::Result<Background> {
        let asked = self.handle().stage(plan, Deadline::Never, None);
        let ticket = asked.map_err(Failure::into_io)?;
        Ok(Background::new(self.clone(), ticket))
    }

    /// Gives the memory back. Reads go to the file from now on; bytes handed out stay valid.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    ///
    /// # Cancel safety
    /// Dropped, the memory is given back all the same.
    pub async fn unstage(&self) -> io::Result<()> {
        let deadline = Deadline::Never;
        let asked = |room: Standby<'_>| self.handle().unstage(deadline, room);
        self.ask(deadline, asked).await.and_then(done)
    }

    /// Closes the file for all its clones, and waits until what is under way on it is answered.
    ///
    /// # Errors
    /// It was closed before, or the stager was.
    ///
    /// # Cancel safety
    /// Dropped, the file is closed all the same.
    pub async fn close(self) -> io::Result<()> {
        let Shared { client, handle, .. } = &*self.shared;
        let ticket = handle.close(Deadline::Never).map_err(Failure::into_io)?;
        done(client.answered(ticket, Deadline::Never).await)
    }

    /// Whether it was opened for appending.
    pub fn appends(&self) -> bool {
        self.shared.appends
    }

    /// The open file as the kit knows it.
    pub fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    async fn ask(
        &self,
        deadline: Deadline,
        asked: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<Answer> {
        self.shared.client.ask(deadline, asked).await
    }
}
