//! An embedder's loop under trial, in the words of the conformance cases.

use crate::embedded::{Answer, Embedded, Running};
use bytes::Bytes;
use driver_kit::batch::Order;
use driver_kit::contents::Contents;
use driver_kit::core::{
    Access, Class, Done, Fault, FileId, Grace, HandleId, Limits, Machine, Missing, Outcome,
    PhaseName, Plan, Request, Staging, Standing, Stats,
};
use driver_kit::error::{Cause, Failure, Operation};
use driver_kit::hub::Hub;
use driver_kit::{Deadline, Handle, ShutdownReport, path};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tests::conformance::{Begun, Driver, Group, Open, OpenFile, Opening, Replacing, wait_for};

/// A loop as a driver.
pub(crate) struct Trial<E: Embedded> {
    running: Running<E>,
}

impl<E: Embedded> Trial<E> {
    pub(crate) fn make(limits: Limits) -> Arc<dyn Driver> {
        let running = Running::<E>::start(limits);
        Arc::new(Trial { running })
    }

    #[expect(clippy::expect_used, reason = "a loop that has ended fails its case")]
    fn seen<T: Send + 'static>(&self, look: impl FnOnce(&Machine) -> T + Send + 'static) -> T {
        let seen = self.running.with(|embedded| look(embedded.machine()));
        seen.expect("the loop goes on")
    }

    fn for_all(&self, operation: Operation, ask: Request, deadline: Deadline) -> io::Result<()> {
        let path = Path::new("/").into();
        let answer = self
            .running
            .ask(deadline, move |embedded, by| embedded.ask(by, ask, &[]))?;
        let answer = answer.map_err(|reject| failure(operation, &path, Cause::Rejected(reject)))?;
        ended(operation, &path, answer).map(drop)
    }
}

impl<E: Embedded> Driver for Trial<E> {
    fn kit(&self) -> Option<&Arc<Hub>> {
        None
    }

    fn open(&self, asked: &Path, how: Opening) -> io::Result<Open> {
        let operation = Operation::Open;
        let path = path::absolute(asked).map_err(Failure::into_io)?;
        let missing = match (how.create_new, how.create) {
            (true, _) => Missing::CreateNew,
            (false, true) => Missing::Create,
            (false, false) => Missing::Fail,
        };
        let access = match how.write || how.append {
            true => Access::Write,
            false => Access::Read,
        };
        let open = Request::Open {
            access,
            missing,
            plan: how.plan,
        };
        let place = path.to_path_buf();
        let answer = self.running.ask(how.deadline, move |embedded, by| {
            embedded.open(by, open, place.clone())
        })?;
        let answer = answer.map_err(|reject| failure(operation, &path, Cause::Rejected(reject)))?;
        let opened = ended(operation, &path, answer)?;
        let handle = opened.handle.ok_or(io::ErrorKind::NotFound)?;
        let file = self.seen(move |machine| machine.file_of(handle));
        let opened = Opened {
            running: self.running.clone(),
            handle,
            file: file.ok_or(io::ErrorKind::NotFound)?,
            path,
        };
        if how.truncate {
            opened.set_len(0)?;
        }
        Ok(Arc::new(opened))
    }

    fn batch(
        &self,
        _: Box<dyn Iterator<Item = PathBuf> + Send>,
        _: Order,
    ) -> io::Result<Arc<dyn Group>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nobody asks the loops for one.
    fn replace(&self, _path: &Path, _content: &[u8], _how: Replacing) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::FlushAll, Request::FlushAll, deadline)
    }

    fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::SyncAll, Request::SyncAll, deadline)
    }

    fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.running.say(move |embedded| embedded.shutdown(grace));
        self.closed()
    }

    #[expect(
        clippy::expect_used,
        reason = "a loop that never closes fails its case"
    )]
    fn closed(&self) -> ShutdownReport {
        let report = || self.running.with(|embedded| embedded.report());
        wait_for("the loop to close", || matches!(report(), Ok(Some(_)))).expect("it closes");
        ShutdownReport {
            reason: None,
            machine: report().ok().flatten().expect("it has closed"),
            unfinished: Vec::new(),
            panics: 0,
        }
    }

    fn force(&self, closing: Duration) -> ShutdownReport {
        let closing = u64::try_from(closing.as_nanos()).unwrap_or(u64::MAX);
        self.shutdown(Grace {
            total: closing,
            draining: 0,
            closing,
        })
    }

    fn shutdown_on_signals(&self, _: Grace) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn attend(&self) {}

    fn stats(&self) -> Stats {
        self.seen(|machine| *machine.stats())
    }

    fn charged(&self) -> u64 {
        self.seen(Machine::charged)
    }

    fn phase(&self) -> PhaseName {
        self.seen(Machine::phase)
    }
}

/// A file that a loop has open.
struct Opened<E: Embedded> {
    running: Running<E>,
    handle: HandleId,
    file: FileId,
    path: Arc<Path>,
}

impl<E: Embedded> Opened<E> {
    fn ask(
        &self,
        operation: Operation,
        request: Request,
        bytes: &[u8],
        deadline: Deadline,
    ) -> io::Result<Answer> {
        let bytes: Arc<[u8]> = bytes.into();
        let answer = self.running.ask(deadline, move |embedded, by| {
            embedded.ask(by, request, &bytes)
        })?;
        let rejected = |reject| failure(operation, &self.path, Cause::Rejected(reject));
        ended(operation, &self.path, answer.map_err(rejected)?)
    }
}

impl<E: Embedded> Drop for Opened<E> {
    fn drop(&mut self) {
        let handle = self.handle;
        self.running
            .say(move |embedded| embedded.drop_handle(handle));
    }
}

impl<E: Embedded> OpenFile for Opened<E> {
    fn handle(&self) -> &Handle {
        unreachable!("a case of the kit, run over a loop that has none")
    }

    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize> {
        let (handle, len) = (self.handle, buffer.len() as u64);
        let read = Request::Read {
            handle,
            offset,
            len,
        };
        let answer = self.ask(Operation::Read, read, &[], deadline)?;
        let bytes = match answer.outcome {
            Outcome::FromContents { .. } => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                &answer.bytes[from.min(answer.bytes.len())..]
            }
            _ => &answer.bytes,
        };
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        Ok(read)
    }

    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.read(offset, len).map(Bytes::from)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (handle, len) = (self.handle, bytes.len() as u64);
        let write = Request::Write {
            handle,
            offset,
            len,
            class: Class::Normal,
        };
        self.ask(Operation::Write, write, bytes, Deadline::Never)
            .map(drop)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let (handle, len) = (self.handle, bytes.len() as u64);
        let append = Request::Append {
            handle,
            len,
            class: Class::Normal,
        };
        let answer = self.ask(Operation::Append, append, bytes, Deadline::Never)?;
        match answer.outcome {
            Outcome::Written { offset, .. } => Ok(offset),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let handle = self.handle;
        let cut = Request::SetLength {
            handle,
            len,
            class: Class::Normal,
        };
        self.ask(Operation::SetLength, cut, &[], Deadline::Never)
            .map(drop)
    }

    fn flush(&self, deadline: Deadline) -> io::Result<()> {
        let handle = self.handle;
        self.ask(Operation::Flush, Request::Flush { handle }, &[], deadline)
            .map(drop)
    }

    fn sync(&self, deadline: Deadline) -> io::Result<()> {
        let handle = self.handle;
        self.ask(Operation::Sync, Request::Sync { handle }, &[], deadline)
            .map(drop)
    }

    fn write_through(&self, _: u64, _: &[&[u8]]) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        let handle = self.handle;
        let stage = Request::Stage { handle, plan };
        match self.ask(Operation::Stage, stage, &[], deadline)?.outcome {
            Outcome::Staged { standing, .. } => Ok(standing),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    fn begin_staging(&self, _: Plan) -> io::Result<Box<dyn Begun + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unstage(&self) -> io::Result<()> {
        let handle = self.handle;
        let unstage = Request::Unstage { handle };
        self.ask(Operation::Unstage, unstage, &[], Deadline::Never)
            .map(drop)
    }

    fn seek_from_end(&self, _: i64) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn seek_from_start(&self, _: u64) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn travel(&self, _: &[(io::SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_through(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn close(self: Arc<Self>) -> io::Result<()> {
        let handle = self.handle;
        let close = Request::Close { handle };
        self.ask(Operation::Close, close, &[], Deadline::Never)
            .map(drop)
    }

    fn staging(&self) -> Option<Staging> {
        let file = self.file;
        let staging = self
            .running
            .with(move |embedded| embedded.machine().staging(file));
        staging.ok().flatten()
    }

    fn contents(&self) -> Option<Contents> {
        None
    }

    fn file(&self) -> FileId {
        self.file
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

fn failure(operation: Operation, path: &Arc<Path>, cause: Cause) -> io::Error {
    let path = Arc::clone(path);
    Failure {
        operation,
        path,
        cause,
    }
    .into_io()
}

fn ended(operation: Operation, path: &Arc<Path>, answer: Answer) -> io::Result<Answer> {
    let cause = match answer.outcome {
        Outcome::Failed {
            fault,
            done: Done::Bytes(bytes),
        } => Cause::CutShort { fault, bytes },
        Outcome::Failed { fault, .. } => Cause::Fault(fault),
        Outcome::SyncFailed { .. } => Cause::Fault(Fault::SyncFailed),
        _ => return Ok(answer),
    };
    Err(failure(operation, path, cause))
}
