//! A log that is read.

use super::files::Files;
use super::late::{is_late, late, of};
use crate::client::File;
use crate::clock::Deadline;
use crate::error::Operation;
use crate::log::{
    Ending, HEADER, Header, Next, Payloads, Record, Recovery, SNAPSHOT_HEADER, SnapshotHeader,
    Step, Unsound, Which, damage, follows, reaches,
};
use crate::log::{Identity, LogFailure};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The records of a log, one after the other, in the memory of one record.
#[derive(Debug)]
pub struct LogReader {
    file: File,
    operation: Operation,
    path: Arc<Path>,
    recovery: Recovery,
    /// Records up to this one are passed over: the snapshot stands for them.
    upto: u64,
    end: End,
    beside: Beside,
}

/// Whether the end was come to.
#[derive(Clone, Copy, Debug)]
enum End {
    Ahead,
    /// Behind the last whole record there are so many bytes.
    Torn(u64),
    /// Why there is no more was told as an error.
    Told,
}

/// What is needed to look at the snapshot.
struct Beside {
    files: Files,
    lineage: Identity,
    header: Option<SnapshotHeader>,
}

/// A snapshot, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// It stands for every record up to this one.
    pub upto: u64,
    /// What the caller gave to the checkpoint.
    pub bytes: Bytes,
}

/// A log that was looked at from front to back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified {
    /// How many records are whole that no snapshot stands for.
    pub records: u64,
    /// The sequence number of the last record, in the log or the snapshot; 0 where there is none.
    pub last: u64,
    /// Up to which record a snapshot stands for them, if there is one.
    pub snapshot: Option<u64>,
    /// Where the last whole record ends, in bytes.
    pub end: u64,
    /// How many bytes of a torn tail follow: nothing says of them that they were durable. Opening the log
    /// for appending cuts them.
    pub torn: u64,
}

impl LogReader {
    /// Of a log that is open: its file as it is now, and up to where its snapshot stands for records.
    pub(super) fn over(
        file: File,
        recovery: Recovery,
        upto: u64,
        (files, lineage): (Files, Identity),
    ) -> LogReader {
        LogReader {
            file,
            operation: Operation::Read,
            path: Arc::clone(&files.path),
            recovery,
            upto,
            end: End::Ahead,
            beside: Beside {
                files,
                lineage,
                header: None,
            },
        }
    }

    /// Of files that are open.
    pub(super) async fn of(
        mut files: Files,
        operation: Operation,
        payloads: Payloads,
    ) -> io::Result<LogReader> {
        let lengths = files.lengths();
        let header = match lengths.snapshot {
            None => None,
            Some(len) => {
                let bytes = read(&mut files, Which::Snapshot, SNAPSHOT_HEADER).await?;
                let decoded = SnapshotHeader::decode(&bytes, len).map_err(|why| match why {
                    Unsound::Newer { .. } => why,
                    _ => Unsound::Snapshot,
                });
                Some(decoded.map_err(|why| files.failed(operation, why))?)
            }
        };
        let bytes = read(&mut files, Which::Log, HEADER).await?;
        let log = Header::decode(&bytes).and_then(|log| {
            follows(&log, header.as_ref())?;
            Ok(log)
        });
        let log = log.map_err(|why| files.failed(operation, why))?;
        let recovery = Recovery::new(&log, lengths.log.unwrap_or(0), payloads);
        let path = Arc::clone(&files.path);
        let Some(file) = files.take_log() else {
            return Err(files.failed(operation, Unsound::Undecided));
        };
        Ok(LogReader {
            file,
            operation,
            path,
            recovery,
            upto: header.map_or(0, |header| header.upto),
            end: End::Ahead,
            beside: Beside {
                files,
                lineage: log.lineage,
                header,
            },
        })
    }

    /// The next record; `None` behind the last that is whole, and after an error.
    ///
    /// # Errors
    /// The next one is damaged; what the system said.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> io::Result<Option<Record>> {
        self.next_by(Deadline::Never).await
    }

    /// Like [`next`](LogReader::next), but waits no longer than until the deadline (R10). After that the
    /// reader goes on where it was.
    ///
    /// # Errors
    /// As `next`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `next`.
    pub async fn next_by(&mut self, deadline: Deadline) -> io::Result<Option<Record>> {
        if let End::Told = self.end {
            return Ok(None);
        }
        let next = self.go_on(deadline).await;
        match next {
            Err(error) if is_late(&error) => Err(late(self.operation, &self.path)),
            Err(error) => {
                self.end = End::Told;
                Err(error)
            }
            Ok(record) => Ok(record),
        }
    }

    async fn go_on(&mut self, deadline: Deadline) -> io::Result<Option<Record>> {
        loop {
            match self.recovery.step() {
                Next::Read { offset, len } => {
                    let bytes = self.file.read_at_by(offset, len, deadline).await?;
                    self.recovery.give(&bytes);
                }
                Next::Record(record) if record.seq > self.upto => return Ok(Some(record)),
                Next::Record(_) => {}
                Next::End(ending) => return self.judge(ending).map(|()| None),
            }
        }
    }

    fn judge(&mut self, ending: Ending) -> io::Result<()> {
        match ending {
            Ending::Whole => self.end = End::Torn(0),
            Ending::Torn { offset, .. } => {
                self.end = End::Torn(self.file.len().saturating_sub(offset));
            }
            Ending::Damaged { .. } => return Err(self.failed(damage(ending))),
        }
        let next = self.recovery.position().1;
        reaches(next, self.beside.header.as_ref()).map_err(|why| self.failed(why))
    }

    /// How many bytes of a torn tail there are: known when [`next`](LogReader::next) has said `None`.
    pub const fn torn(&self) -> Option<u64> {
        match self.end {
            End::Torn(bytes) => Some(bytes),
            End::Ahead | End::Told => None,
        }
    }

    /// Up to which record the snapshot stands for them; 0 without one. Those are passed over.
    pub const fn snapshot_upto(&self) -> u64 {
        self.upto
    }

    /// The snapshot that the log had when it was opened to be read, if there was one, checked. Of a log that
    /// is open for appending, ask [`Log::snapshot`](super::Log::snapshot).
    ///
    /// # Errors
    /// It is damaged, or what the system said.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        self.snapshot_by(Deadline::Never).await
    }

    /// Like [`snapshot`](LogReader::snapshot), but waits no longer than until the deadline (R10).
    ///
    /// # Errors
    /// As `snapshot`; `TimedOut` when the deadline passed.
    ///
    /// # Cancel safety
    /// As `snapshot`.
    pub async fn snapshot_by(&self, deadline: Deadline) -> io::Result<Option<Snapshot>> {
        let Beside { files, lineage, .. } = &self.beside;
        match self.beside.header {
            Some(_) => files.snapshot(*lineage, deadline).await,
            None => Ok(None),
        }
    }

    pub(super) async fn verify(mut self, deadline: Deadline) -> io::Result<Verified> {
        let mut records = 0;
        while self.next_by(deadline).await?.is_some() {
            records += 1;
        }
        let snapshot = self.snapshot_by(deadline).await;
        let snapshot = snapshot.map_err(|error| of(self.operation, &self.path, error))?;
        let (end, next) = self.recovery.position();
        Ok(Verified {
            records,
            last: next - 1,
            snapshot: snapshot.map(|snapshot| snapshot.upto),
            end,
            torn: self.torn().unwrap_or(0),
        })
    }

    fn failed(&self, why: Unsound) -> io::Error {
        LogFailure {
            operation: self.operation,
            path: Arc::clone(&self.path),
            why,
        }
        .into_io()
    }
}

async fn read(files: &mut Files, which: Which, len: u64) -> io::Result<Bytes> {
    let (offset, len) = (0, len as usize);
    files.perform(Step::Read { which, offset, len }).await
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}
