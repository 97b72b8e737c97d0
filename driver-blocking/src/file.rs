//! An open file.

use crate::options::{admitted, answer};
use crate::reader::Reader;
use bytes::Bytes;
use driver_kit::contents::Contents;
use driver_kit::core::{Life, Mode, Outcome, Plan, Staging, Standing};
use driver_kit::error::Failure;
use driver_kit::hub::{Read, Thread, read_answer};
use driver_kit::{Deadline, Handle};
use std::io;
use std::path::Path;

/// An open file, in memory unless its options said otherwise or the budget had no room.
///
/// All methods take `&self`; a file can be shared between threads. Dropping it closes it.
#[derive(Debug)]
pub struct File {
    handle: Handle,
}

impl File {
    pub(crate) fn new(handle: Handle) -> File {
        File { handle }
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

    /// Its length in bytes, as it was when it was opened or staged last.
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
        let answer = answer(ticket, deadline);
        match answer.outcome {
            Outcome::Staged { standing, .. } => Ok(standing),
            Outcome::Failed { fault, .. } => Err(answer.failure(fault).into_io()),
            Outcome::Opened { .. }
            | Outcome::Unstaged
            | Outcome::Read { .. }
            | Outcome::FromContents { .. }
            | Outcome::Closed => Err(unexpected(&answer)),
        }
    }

    /// Gives the memory back. Reads go to the file from now on; bytes handed out stay valid.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    pub fn unstage(&self) -> io::Result<()> {
        let deadline = Deadline::Never;
        let hub = self.handle.hub();
        let ticket = admitted(hub, deadline, |room| self.handle.unstage(deadline, room))?;
        let answer = answer(ticket, deadline);
        match answer.fault() {
            None => Ok(()),
            Some(fault) => Err(answer.failure(fault).into_io()),
        }
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
        let answer = answer(ticket, Deadline::Never);
        match answer.fault() {
            None => Ok(()),
            Some(fault) => Err(answer.failure(fault).into_io()),
        }
    }

    /// The open file as the kit knows it.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }
}

fn unexpected(answer: &driver_kit::hub::Answer) -> io::Error {
    debug_assert!(
        false,
        "{:?} answered {:?}",
        answer.operation, answer.outcome
    );
    answer.failure(driver_kit::core::Fault::Cancelled).into_io()
}
