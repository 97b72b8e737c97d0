//! An open file.

use crate::reader::Reader;
use crate::writer::Writer;
use bytes::Bytes;
use driver_kit::client::OpenFile;
use driver_kit::contents::Contents;
use driver_kit::core::{Life, Mode, Plan, Staging, Standing};
use driver_kit::{Deadline, Handle};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// An open file, in memory unless its options said otherwise or the budget had no room.
///
/// Clones are the same handle. Dropping the last of them, and of the readers, closes it.
#[derive(Clone, Debug)]
pub struct File {
    file: Arc<OpenFile>,
}

impl File {
    pub(crate) fn new(file: OpenFile) -> File {
        File {
            file: Arc::new(file),
        }
    }

    /// Where the file is: an absolute path without links (G11).
    pub fn path(&self) -> &Path {
        self.file.handle().path()
    }

    /// How it stands with regard to memory: state, mode, length, share and progress (G1, G7).
    /// `None` after the stager was closed.
    pub fn staging(&self) -> Option<Staging> {
        self.file.handle().staging()
    }

    /// Whether it is in memory now.
    pub fn is_staged(&self) -> bool {
        self.staging()
            .is_some_and(|staging| matches!(staging.life, Life::Staged(_)))
    }

    /// Its length in bytes: as it was when it was opened or staged last, and as it will be after
    /// every write that was accepted since (R6).
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
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
        self.file.read_at(offset, len, Deadline::Never).await
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
        self.file.read_into(buffer, offset, Deadline::Never).await
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
        self.file.read_into(buffer, offset, deadline).await
    }

    /// The staged contents themselves, if there are any: to be held and read many times, or to be
    /// asked whether a mapped file is still intact (G6).
    pub fn contents(&self) -> Option<Contents> {
        self.file.handle().contents()
    }

    /// A reader from the beginning.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.file))
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
        let bytes = bytes.into();
        self.file.write_at(offset, bytes, Deadline::Never).await
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
        self.file.append(bytes.into(), Deadline::Never).await
    }

    /// Cuts the file to `len` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    ///
    /// # Cancel safety
    /// As [`write_at`](File::write_at).
    pub async fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len, Deadline::Never).await
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
        self.file.flush(deadline).await
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
        self.file.sync(deadline).await
    }

    /// A writer from the beginning, or, if the file was opened for appending, at its end.
    pub fn writer(&self) -> Writer {
        Writer::new(Arc::clone(&self.file))
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
        self.file.stage(plan, deadline).await
    }

    /// Gives the memory back. Reads go to the file from now on; bytes handed out stay valid.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    ///
    /// # Cancel safety
    /// Dropped, the memory is given back all the same.
    pub async fn unstage(&self) -> io::Result<()> {
        self.file.unstage().await
    }

    /// Closes the file for all its clones, and waits until what is under way on it is answered.
    ///
    /// # Errors
    /// It was closed before, or the stager was.
    ///
    /// # Cancel safety
    /// Dropped, the file is closed all the same.
    pub async fn close(self) -> io::Result<()> {
        self.file.close().await
    }

    /// The open file as the kit knows it.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.file.handle()
    }
}
