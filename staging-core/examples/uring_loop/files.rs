//! The core on the ring: the loop, and the tables beside it.

use super::flight::{Brought, Flight, Next, failed};
use super::ring::{Descriptor, Ring};
use staging_core::*;
use std::{collections::HashMap, ffi::CString, io, time::Duration, time::Instant};

/// What only the embedder knows of each id: the machine sees no path, descriptor or byte.
pub(crate) struct Files {
    machine: Machine,
    pub(crate) ring: Ring,
    clock: Instant,
    paths: HashMap<HandleId, CString>,
    descriptors: HashMap<FileId, Descriptor>,
    contents: HashMap<FileId, Vec<u8>>,
    waiting: HashMap<OpId, Waiting>,
    /// The actions under way. The ring keeps what their calls use; here is how far they are.
    flights: HashMap<IoId, (IoKind, Flight)>,
    /// Whether the machine refused a request for fullness, and did not tell of room since.
    full: bool,
    /// How often what came was needed by nobody.
    pub(crate) surplus: usize,
}

/// What a request brings along that the machine does not see.
pub(crate) enum Payload {
    Nothing,
    /// Of an open.
    Path(CString),
    /// Of a write or an append: as long as the request says.
    Bytes(Vec<u8>),
}

/// What an operation has here until it is answered.
enum Waiting {
    /// An open: the handle that it will give, or not.
    Handle(HandleId),
    /// Any other: bytes to be written, or a place for bytes to come.
    Bytes(Vec<u8>),
}

/// The one outcome of an operation: with the handle of an open, with the bytes of a read.
pub(crate) struct Answer {
    pub(crate) tag: Tag,
    pub(crate) outcome: Outcome,
    pub(crate) handle: Option<HandleId>,
    pub(crate) bytes: Vec<u8>,
}

impl Files {
    pub(crate) fn new(limits: Limits, ring: Ring) -> Files {
        Files {
            machine: Machine::new(limits),
            ring,
            clock: Instant::now(),
            paths: HashMap::new(),
            descriptors: HashMap::new(),
            contents: HashMap::new(),
            waiting: HashMap::new(),
            flights: HashMap::new(),
            full: false,
            surplus: 0,
        }
    }

    /// To be asked how things stand.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn now(&self) -> Tick {
        Tick(self.clock.elapsed().as_nanos() as u64)
    }

    /// Step 1. Say what happened: somebody asks.
    ///
    /// # Errors
    /// It was refused. If that was for fullness, [`may_ask`](Files::may_ask) says when to ask again.
    pub(crate) fn ask(
        &mut self,
        tag: Tag,
        deadline: Tick,
        request: Request,
        payload: Payload,
    ) -> Result<OpId, Reply> {
        // 2. Do what the reply says: keep the payload, or nothing if it was refused.
        let reply = self.machine.submit(self.now(), tag, deadline, request);
        let (op, waiting) = match (reply, payload) {
            (Reply::Opening { op, handle }, Payload::Path(path)) => {
                self.paths.insert(handle, path);
                (op, Waiting::Handle(handle))
            }
            (Reply::Accepted { op }, Payload::Bytes(bytes)) => (op, Waiting::Bytes(bytes)),
            (Reply::Accepted { op }, _) => (op, Waiting::Bytes(Vec::new())),
            (refused, _) => {
                self.full = matches!(refused, Reply::Rejected(Reject::Full(_)));
                return Err(refused);
            }
        };
        self.waiting.insert(op, waiting);
        Ok(op)
    }

    pub(crate) fn may_ask(&self) -> bool {
        !self.full
    }

    pub(crate) fn cancel(&mut self, op: OpId) {
        let _ = self.machine.cancel(self.now(), op);
    }

    /// The last word on a handle, when everything asked by it was answered.
    pub(crate) fn drop_handle(&mut self, handle: HandleId) {
        let _ = self.machine.handle(self.now(), Event::Dropped { handle });
        self.paths.remove(&handle);
    }

    pub(crate) fn shutdown(&mut self, grace: Grace) {
        let _ = self.machine.shutdown(self.now(), grace);
    }

    /// Step 3. Drain: tell what is told, and carry out what is to be done, while the ring has room.
    /// Goes on until there is an answer. `None`: now wait.
    pub(crate) fn next_answer(&mut self) -> Option<Answer> {
        loop {
            if let Some(tell) = self.machine.poll_told() {
                match tell {
                    Tell::Resolve { op, tag, outcome } => {
                        return Some(self.resolved(op, tag, outcome));
                    }
                    Tell::Room { .. } => self.full = false,
                    // Readers ask the machine each time.
                    Tell::Withdrawn { .. } => {}
                    // A file longer than a chunk came nearer.
                    Tell::Progress { .. } => {}
                    // Its flight goes on, and keeps what it needs until it ends.
                    Tell::Abandoned { .. } => {}
                    // The phase can be asked.
                    Tell::Phase { .. } => {}
                }
            } else if self.ring.has_room()
                && let Some(Action::Perform { io, kind }) = self.machine.poll_io()
            {
                let next = self.set_out(io, kind);
                self.go_on(io, kind, next);
            } else {
                return None;
            }
        }
    }

    /// How the shutdown went. Asked when all is drained, so that the last word was told.
    pub(crate) fn report(&self) -> Option<Report> {
        self.machine.report()
    }

    /// Step 4. Wait for a completion, or for the machine's time; then steps 1 and 2.
    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.wait_at_most(Duration::MAX)
    }

    /// The same, but no longer than so, where somebody else may have something to say.
    pub(crate) fn wait_at_most(&mut self, most: Duration) -> io::Result<()> {
        // With a full ring there may be work left to poll. That is no reason to wake up at once.
        let wake = match self.ring.has_room() {
            true => self.machine.poll_timeout(),
            false => self.machine.next_deadline(),
        };
        let timeout = wake.map(|wake| Duration::from_nanos(wake.at.since(self.now())));
        let timeout = timeout.unwrap_or(most).min(most);
        self.ring
            .wait((timeout < Duration::MAX).then_some(timeout))?;
        let _ = self.machine.tick(self.now());
        while let Some((name, got)) = self.ring.reap() {
            let flight = IoId::from_u64(name).and_then(|io| Some((io, self.flights.remove(&io)?)));
            if let Some((io, (kind, flight))) = flight {
                self.go_on(io, kind, flight.next(got));
            }
        }
        Ok(())
    }

    /// The first call of an action. Nothing is left out of this match, or an operation would hang.
    fn set_out(&mut self, io: IoId, kind: IoKind) -> Next {
        match kind {
            IoKind::Open {
                handle,
                access,
                missing,
            } => Flight::open(self.paths[&handle].clone(), access, missing, None),
            IoKind::Fetch {
                handle,
                missing,
                up_to,
            } => {
                let path = self.paths[&handle].clone();
                Flight::open(path, Access::Read, missing, Some(up_to))
            }
            IoKind::Look { file } => Flight::look(Descriptor::clone(&self.descriptors[&file])),
            // A ring cannot map; `Auto` loads instead.
            IoKind::Map { .. } => failed(Fault::NoMapping),
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let contents = self.contents.remove(&file).unwrap_or_default();
                let descriptor = Descriptor::clone(&self.descriptors[&file]);
                Flight::load(descriptor, contents, [offset, len], total)
            }
            IoKind::Read {
                file,
                op: _,
                offset,
                len,
            } => Flight::read(Descriptor::clone(&self.descriptors[&file]), offset, len),
            IoKind::Write { file, offset, .. } => {
                // The ring has them from now on: who asked may be answered before it is through.
                let mut bytes = Vec::new();
                for (op, _) in self.machine.run(io) {
                    if let Some(Waiting::Bytes(part)) = self.waiting.get_mut(&op) {
                        bytes.append(part);
                    }
                }
                Flight::write(Descriptor::clone(&self.descriptors[&file]), bytes, offset)
            }
            IoKind::SetLength { file, op: _, len } => {
                Flight::set_length(Descriptor::clone(&self.descriptors[&file]), len)
            }
            IoKind::Sync { file } => Flight::sync(Descriptor::clone(&self.descriptors[&file])),
            // Nobody asks this loop for these.
            IoKind::Replace { .. } | IoKind::Lock { .. } => failed(Fault::Os(libc::ENOSYS)),
            IoKind::Release { file } => {
                self.contents.remove(&file);
                Next::End(Completion::Released { lent: 0 }, Brought::Nothing)
            }
            // Taken now: before this ends, the file may have adopted another.
            IoKind::Close { file } => match self.descriptors.remove(&file) {
                Some(descriptor) => Flight::close(descriptor),
                None => failed(Fault::Os(libc::EBADF)),
            },
        }
    }

    /// The next call of an action, or its end.
    fn go_on(&mut self, io: IoId, kind: IoKind, next: Next) {
        let (completion, brought) = match next {
            Next::Call(flight, call) => match self.ring.submit(io.to_u64(), call) {
                Ok(()) => {
                    self.flights.insert(io, (kind, flight));
                    return;
                }
                Err(error) => {
                    let fault = Fault::Os(error.raw_os_error().unwrap_or(libc::EIO));
                    (Completion::Failed { fault }, Brought::Nothing)
                }
            },
            Next::End(completion, brought) => (completion, brought),
        };
        // 1. Say what happened. 2. Do what the reply says: keep what was adopted, or has its place.
        let reply = self.machine.complete(self.now(), io, completion);
        self.surplus += usize::from(reply == Reply::Surplus);
        match (completion, brought, kind, reply) {
            (Completion::Opened { .. }, Brought::Descriptor(new), _, Reply::Adopted { file }) => {
                self.descriptors.insert(file, new);
            }
            (Completion::Fetched { .. }, Brought::Bytes(bytes), _, Reply::Adopted { file })
            | (Completion::Loaded { .. }, Brought::Bytes(bytes), IoKind::Load { file, .. }, _) => {
                self.contents.insert(file, bytes);
            }
            (
                Completion::Read { bytes },
                Brought::Bytes(mut buffer),
                IoKind::Read { op, .. },
                _,
            ) => {
                buffer.truncate(bytes as usize);
                if let Some(waiting) = self.waiting.get_mut(&op) {
                    *waiting = Waiting::Bytes(buffer);
                }
            }
            // What is surplus or ignored drops here.
            (
                Completion::Opened { .. }
                | Completion::Fetched { .. }
                | Completion::Looked { .. }
                | Completion::Mapped
                | Completion::Loaded { .. }
                | Completion::Read { .. }
                | Completion::Written
                | Completion::CutShort { .. }
                | Completion::LengthSet
                | Completion::Synced
                | Completion::Created { .. }
                | Completion::Published { .. }
                | Completion::Unsure { .. }
                | Completion::Discarded
                | Completion::Locked
                | Completion::Contended
                | Completion::Unlocked
                | Completion::Released { .. }
                | Completion::Closed
                | Completion::Failed { .. },
                _,
                _,
                _,
            ) => {}
        }
    }

    fn resolved(&mut self, op: OpId, tag: Tag, outcome: Outcome) -> Answer {
        let waiting = self.waiting.remove(&op);
        let (handle, bytes) = match (outcome, waiting) {
            // Before the next action is polled: that may be their release.
            (Outcome::FromContents { file }, _) => (None, self.contents.get(&file).cloned()),
            (Outcome::Read { .. }, Some(Waiting::Bytes(bytes))) => (None, Some(bytes)),
            (Outcome::Opened { .. }, Some(Waiting::Handle(handle))) => (Some(handle), None),
            // A handle that was not opened is gone.
            (Outcome::Failed { .. }, Some(Waiting::Handle(handle))) => {
                self.paths.remove(&handle);
                (None, None)
            }
            (
                Outcome::Opened { .. }
                | Outcome::Staged { .. }
                | Outcome::Unstaged
                | Outcome::Read { .. }
                | Outcome::Written { .. }
                | Outcome::Accepted { .. }
                | Outcome::LengthSet
                | Outcome::Flushed
                | Outcome::Synced
                | Outcome::SyncFailed { .. }
                | Outcome::Replaced
                | Outcome::Locked { .. }
                | Outcome::Closed
                | Outcome::Failed { .. },
                _,
            ) => (None, None),
        };
        let bytes = bytes.unwrap_or_default();
        Answer {
            tag,
            outcome,
            handle,
            bytes,
        }
    }
}
