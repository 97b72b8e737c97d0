//! The executor-neutral side of a driver: what a runtime's stager, files and batches do, as
//! futures that any executor can poll.
//!
//! What differs between runtimes is how a worker is started and how an alarm is set; both are
//! given to [`Client::new`]. Dropping any of these futures cancels what it waited for (R10) and
//! leaves no operation, buffer or waker behind.

use crate::batch::{Batch, Item, Order, Paths, Progress};
use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation};
use crate::handle::Handle;
use crate::hub::{Answer, End, Hub, Read, Room, Setup, Standby, Thread, Ticket, read_answer};
use crate::options::Options;
use crate::path::{self, Here};
use crate::report::ShutdownReport;
use bytes::Bytes;
use staging_core::{Fault, Grace, Life, Outcome, Plan, Request, Staging, Standing};
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A future that is ready at a given moment, or later.
pub type Alarm = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// How a runtime sets an alarm. Called only where there is a deadline.
pub type SetAlarm = Arc<dyn Fn(Instant) -> Alarm + Send + Sync>;

/// A hub, and how its callers keep their deadlines.
#[derive(Clone)]
pub struct Client {
    hub: Arc<Hub>,
    set_alarm: SetAlarm,
}

impl Client {
    /// A client of a new hub.
    pub fn new(setup: Setup, set_alarm: SetAlarm) -> Client {
        Client {
            hub: Hub::new(setup),
            set_alarm,
        }
    }

    /// The hub.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Opens a file and stages it as planned.
    ///
    /// # Errors
    /// There is no regular file, it may not be read, staging it failed, or the deadline passed.
    pub async fn open(&self, asked: &Path, options: &Options) -> io::Result<OpenFile> {
        let path = path::absolute(asked).map_err(Failure::into_io)?;
        let opening = options.opening(&path).map_err(Failure::into_io)?;
        let deadline = options.deadline;
        let mut answer = self
            .ask(deadline, |room| {
                self.hub.open(&path, opening, deadline, room)
            })
            .await?;
        let file = match (answer.fault(), answer.take_handle()) {
            (None, Some(handle)) => OpenFile {
                client: self.clone(),
                handle,
                appends: options.append,
            },
            (fault, _) => {
                return Err(answer.failure(fault.unwrap_or(Fault::Cancelled)).into_io());
            }
        };
        if options.truncate {
            file.set_len(0, deadline).await?;
        }
        Ok(file)
    }

    /// Waits until every write to any file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The deadline passed, or the stager was closed.
    pub async fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        let (operation, request) = (Operation::FlushAll, Request::FlushAll);
        let asked = |room: Standby<'_>| self.hub.submit_for_all(operation, request, deadline, room);
        finished(self.ask(deadline, asked).await?)
    }

    /// Makes durable what was written to the files that are open for writing (R3).
    ///
    /// # Errors
    /// A file could not be synced: the first of them, and why. The deadline passed, or the stager
    /// was closed.
    pub async fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        let (operation, request) = (Operation::SyncAll, Request::SyncAll);
        let asked = |room: Standby<'_>| self.hub.submit_for_all(operation, request, deadline, room);
        finished(self.ask(deadline, asked).await?)
    }

    /// Begins a batch; it goes on by itself.
    ///
    /// # Errors
    /// Relative paths begin at the current directory, and there is none.
    pub fn stage(&self, order: Order, paths: Paths) -> io::Result<StagingBatch> {
        let batch = Batch::begin(&self.hub, order, Here::now()?, paths);
        Ok(StagingBatch {
            hub: Arc::clone(&self.hub),
            batch,
        })
    }

    /// Shuts down gracefully, and waits for the end. Dropped, the shutdown goes on.
    pub async fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.hub.shut_down(grace);
        self.closed().await
    }

    /// Forces a shutdown, and waits for the end.
    pub async fn force(&self, closing: Duration) -> ShutdownReport {
        self.hub.force(closing);
        self.closed().await
    }

    /// Waits for the end of somebody else's shutdown.
    pub async fn closed(&self) -> ShutdownReport {
        let mut end = End::of(Arc::clone(&self.hub));
        let mut alarm = None;
        poll_fn(|context| {
            loop {
                if let Poll::Ready(report) = self.hub.poll_closed(&mut end, context.waker()) {
                    return Poll::Ready(report);
                }
                // A shutdown asked again moves its deadlines: the alarm follows.
                let next = self.hub.next_wake();
                if alarm.as_ref().map(|(at, _)| *at) != next {
                    alarm = next.map(|at| (at, (self.set_alarm)(at)));
                }
                let rang = alarm
                    .as_mut()
                    .is_some_and(|(_, alarm)| alarm.as_mut().poll(context).is_ready());
                if !rang {
                    return Poll::Pending;
                }
                alarm = None;
                self.hub.tick();
            }
        })
        .await
    }

    /// Asks until there is room (R12), then waits for the answer, until the deadline (R10).
    async fn ask(
        &self,
        deadline: Deadline,
        mut ask: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<Answer> {
        let mut alarm = match deadline {
            Deadline::Never => None,
            Deadline::At(at) => Some((self.set_alarm)(at)),
        };
        let mut room = Room::of(Arc::clone(&self.hub));
        let ticket = poll_fn(|context| match ask(Some((&mut room, context.waker()))) {
            Err(failure) if failure.is_for_fullness() => match rings(&mut alarm, context) {
                true => {
                    let cause = Cause::Fault(Fault::Deadline);
                    Poll::Ready(Err(Failure { cause, ..failure }))
                }
                false => Poll::Pending,
            },
            asked => Poll::Ready(asked),
        })
        .await
        .map_err(Failure::into_io)?;
        drop(room);
        Ok(self.answered(ticket, alarm).await)
    }

    /// Waits for an answer. Whether the deadline has passed is decided by the clock: the alarm
    /// only has it looked at.
    async fn answered(&self, ticket: Ticket, mut alarm: Option<Alarm>) -> Answer {
        let mut ticket = pin!(ticket);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(answer) = ticket.as_mut().poll(context) {
                    return Poll::Ready(answer);
                }
                if !rings(&mut alarm, context) {
                    return Poll::Pending;
                }
                alarm = None;
                self.hub.tick();
            }
        })
        .await
    }
}

/// Whether the alarm went off; one that is not set never does.
fn rings(alarm: &mut Option<Alarm>, context: &mut Context<'_>) -> bool {
    alarm
        .as_mut()
        .is_some_and(|alarm| alarm.as_mut().poll(context).is_ready())
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.hub.fmt(f)
    }
}

/// An open file of a [`Client`].
#[derive(Debug)]
pub struct OpenFile {
    client: Client,
    handle: Handle,
    appends: bool,
}

impl OpenFile {
    /// The open file as the kit knows it.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Its length in bytes, as it was when it was opened or staged last.
    pub fn len(&self) -> u64 {
        match self.handle.contents() {
            Some(contents) => contents.len(),
            None => self.handle.staging().map_or(0, |staging| staging.len),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its length in bytes once a staging that is under way has ended (G2).
    ///
    /// # Errors
    /// As [`read_into`](OpenFile::read_into).
    pub async fn end(&self) -> io::Result<u64> {
        if let Some(Staging {
            life: Life::Staging { .. },
            ..
        }) = self.handle.staging()
        {
            // A read waits for the end of the staging; what it reads does not matter.
            self.read_into(&mut [0], 0, Deadline::Never).await?;
        }
        Ok(self.len())
    }

    /// Reads from `offset` until the buffer is full or the file ends. Bytes that are in memory are
    /// read at once, without a hand-over.
    ///
    /// # Errors
    /// What the system said; that another process cut the file short (G6); `TimedOut`.
    pub async fn read_into(
        &self,
        buffer: &mut [u8],
        offset: u64,
        deadline: Deadline,
    ) -> io::Result<usize> {
        let ticket = match self
            .handle
            .read(offset, buffer, deadline, Thread::MustNotBlock)
        {
            Read::Done(Err(failure)) if failure.is_for_fullness() => {
                let len = buffer.len() as u64;
                let asked = |room: Standby<'_>| self.handle.read_later(offset, len, deadline, room);
                let answer = self.client.ask(deadline, asked).await?;
                return read_answer(answer, offset, buffer).map_err(Failure::into_io);
            }
            Read::Done(read) => return read.map_err(Failure::into_io),
            Read::Waits(ticket) => ticket,
        };
        let alarm = match deadline {
            Deadline::Never => None,
            Deadline::At(at) => Some((self.client.set_alarm)(at)),
        };
        let answer = self.client.answered(ticket, alarm).await;
        read_answer(answer, offset, buffer).map_err(Failure::into_io)
    }

    /// Bytes from `offset`, fewer than `len` only at the end of the file; without a copy where the
    /// file is loaded (G4).
    ///
    /// # Errors
    /// As [`read_into`](OpenFile::read_into).
    pub async fn read_at(&self, offset: u64, len: usize, deadline: Deadline) -> io::Result<Bytes> {
        if let Some(bytes) = self.handle.bytes_staged(offset, len) {
            return Ok(bytes);
        }
        let rest = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; len.min(rest)];
        let read = self.read_into(&mut buffer, offset, deadline).await?;
        buffer.truncate(read);
        Ok(buffer.into())
    }

    /// Whether it was opened for appending.
    pub const fn appends(&self) -> bool {
        self.appends
    }

    /// Writes all of `bytes` at `offset`, without a copy, and waits until that is executed (R8).
    ///
    /// Dropped, it takes the write back if it has not begun; one that has begun goes on, and keeps
    /// its bytes and its range until it ends (R10).
    ///
    /// # Errors
    /// The file was not opened for writing; what the system said, and how many bytes were written;
    /// a sync of it failed before (R8); `TimedOut`.
    pub async fn write_at(&self, offset: u64, bytes: Bytes, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle.write(offset, bytes.clone(), deadline, room);
        finished(self.client.ask(deadline, asked).await?)
    }

    /// Writes all of `bytes` at the end, and says where that was. The place is taken when the
    /// append is accepted (R1): several at once never meet.
    ///
    /// # Errors
    /// As [`write_at`](OpenFile::write_at).
    pub async fn append(&self, bytes: Bytes, deadline: Deadline) -> io::Result<u64> {
        let asked = |room: Standby<'_>| self.handle.append(bytes.clone(), deadline, room);
        let answer = self.client.ask(deadline, asked).await?;
        match answer.outcome {
            Outcome::Written { offset, .. } => Ok(offset),
            _ => Err(answer
                .failure(answer.fault().unwrap_or(Fault::Cancelled))
                .into_io()),
        }
    }

    /// Cuts the file to `len` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As [`write_at`](OpenFile::write_at).
    pub async fn set_len(&self, len: u64, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle.set_len(len, deadline, room);
        finished(self.client.ask(deadline, asked).await?)
    }

    /// Waits until every write to the file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The file was not opened for writing; the deadline passed.
    pub async fn flush(&self, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle.flush(deadline, room);
        finished(self.client.ask(deadline, asked).await?)
    }

    /// Makes durable every write to the file that was accepted before (R3). Syncs that are asked
    /// for at once share one system call.
    ///
    /// # Errors
    /// What the system said: then what was written since the last sync that succeeded may be lost,
    /// and the file takes no more writes through handles that are open (R8). The deadline passed.
    pub async fn sync(&self, deadline: Deadline) -> io::Result<()> {
        let asked = |room: Standby<'_>| self.handle.sync(deadline, room);
        finished(self.client.ask(deadline, asked).await?)
    }

    /// Brings the file into memory, or joins a staging that is under way (G9).
    ///
    /// # Errors
    /// Staging failed, was stopped by another's unstage, or the deadline passed.
    pub async fn stage(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        let asked = |room: Standby<'_>| self.handle.stage(plan, deadline, room);
        let answer = self.client.ask(deadline, asked).await?;
        match answer.outcome {
            Outcome::Staged { standing, .. } => Ok(standing),
            _ => Err(answer
                .failure(answer.fault().unwrap_or(Fault::Cancelled))
                .into_io()),
        }
    }

    /// Gives the memory back.
    ///
    /// # Errors
    /// The stager was closed meanwhile.
    pub async fn unstage(&self) -> io::Result<()> {
        let deadline = Deadline::Never;
        let asked = |room: Standby<'_>| self.handle.unstage(deadline, room);
        finished(self.client.ask(deadline, asked).await?)
    }

    /// Closes the file for whoever shares this, and waits until what is under way on it is
    /// answered.
    ///
    /// # Errors
    /// It was closed before, or the stager was.
    pub async fn close(&self) -> io::Result<()> {
        let ticket = self
            .handle
            .close(Deadline::Never)
            .map_err(Failure::into_io)?;
        finished(self.client.answered(ticket, None).await)
    }
}

fn finished(answer: Answer) -> io::Result<()> {
    match answer.fault() {
        None => Ok(()),
        Some(fault) => Err(answer.failure(fault).into_io()),
    }
}

/// A batch of a [`Client`]. Dropped, it cancels what is not done.
#[derive(Debug)]
#[must_use = "dropping a batch cancels what is not done"]
pub struct StagingBatch {
    hub: Arc<Hub>,
    batch: Arc<Batch>,
}

impl StagingBatch {
    /// The hub.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The batch.
    pub const fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }

    /// Waits until every file has its result, and takes the results.
    pub async fn wait(&self) -> Vec<Item> {
        poll_fn(|context| self.batch.poll_done(context.waker())).await;
        self.batch.take_items()
    }

    /// How far it is (G7).
    pub fn progress(&self) -> Progress {
        self.batch.progress(&self.hub)
    }

    /// How far it is, once it is further than `seen` says; `None` after the end was seen.
    pub fn poll_progress(&self, seen: &mut u64, waker: &Waker) -> Poll<Option<Progress>> {
        match self.batch.poll_step(seen, waker) {
            Poll::Ready(true) => Poll::Ready(Some(self.progress())),
            Poll::Ready(false) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Takes no further path and cancels what is under way.
    pub fn cancel(&self) {
        self.batch.cancel(&self.hub);
    }
}

impl Drop for StagingBatch {
    fn drop(&mut self) {
        self.cancel();
    }
}
