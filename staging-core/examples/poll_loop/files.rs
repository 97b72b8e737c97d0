//! The core and the tables beside it: steps 1, 2 and 3. Nothing here blocks, and nothing here knows
//! of sockets.

use super::calls::{self, Brought, Call};
use super::workers::{Ended, Job, Jobs};
use staging_core::*;
use std::{
    collections::HashMap, fs::File, path::PathBuf, sync::Arc, time::Duration, time::Instant,
};

/// What only the embedder knows of each id: the machine sees no path, descriptor or byte.
pub(crate) struct Files {
    machine: Machine,
    clock: Instant,
    jobs: Jobs,
    waiting: HashMap<OpId, Waiting>,
    paths: HashMap<HandleId, PathBuf>,
    descriptors: HashMap<FileId, Arc<File>>,
    contents: HashMap<FileId, Vec<u8>>,
    closed: bool,
}

/// What a request brings along that the machine does not see.
pub(crate) enum Payload {
    Nothing,
    /// Of an open.
    Path(PathBuf),
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
    pub(crate) op: OpId,
    pub(crate) outcome: Outcome,
    pub(crate) handle: Option<HandleId>,
    pub(crate) bytes: Vec<u8>,
}

impl Files {
    pub(crate) fn new(limits: Limits, jobs: Jobs) -> Files {
        Files {
            machine: Machine::new(limits),
            clock: Instant::now(),
            jobs,
            waiting: HashMap::new(),
            paths: HashMap::new(),
            descriptors: HashMap::new(),
            contents: HashMap::new(),
            closed: false,
        }
    }

    /// To be asked how things stand.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn now(&self) -> Tick {
        Tick(self.clock.elapsed().as_nanos() as u64)
    }

    /// For how long there is nothing to do but to wait for others.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let wake = self.machine.poll_timeout()?;
        Some(Duration::from_nanos(wake.at.since(self.now())))
    }

    /// How the shutdown went, once the machine has told its last word.
    pub(crate) fn report(&self) -> Option<Report> {
        self.machine.report().filter(|_| self.closed)
    }

    // 1. Say what happened.

    /// Somebody asks. The answer comes from [`next_answer`](Files::next_answer) unless the machine
    /// refuses at once.
    pub(crate) fn ask(
        &mut self,
        deadline: Tick,
        request: Request,
        payload: Payload,
    ) -> Result<OpId, Reply> {
        // 2. Do what the reply says: keep the payload, or nothing if it was refused.
        let reply = self.machine.submit(self.now(), Tag(0), deadline, request);
        let (op, waiting) = match (reply, payload) {
            (Reply::Opening { op, handle }, Payload::Path(path)) => {
                self.paths.insert(handle, path);
                (op, Waiting::Handle(handle))
            }
            (Reply::Accepted { op }, Payload::Bytes(bytes)) => (op, Waiting::Bytes(bytes)),
            (Reply::Accepted { op }, _) => (op, Waiting::Bytes(Vec::new())),
            (refused, _) => return Err(refused),
        };
        self.waiting.insert(op, waiting);
        Ok(op)
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn cancel(&mut self, op: OpId) {
        let _ = self.machine.cancel(self.now(), op);
    }

    /// The last word on a handle, when everything asked by it was answered.
    pub(crate) fn drop_handle(&mut self, handle: HandleId) {
        let _ = self.machine.handle(self.now(), Event::Dropped { handle });
        self.paths.remove(&handle);
    }

    /// Time passed, maybe beyond a deadline.
    pub(crate) fn tick(&mut self) {
        let _ = self.machine.tick(self.now());
    }

    /// Somebody wants the end.
    pub(crate) fn shutdown(&mut self, grace: Grace) {
        let _ = self.machine.shutdown(self.now(), grace);
    }

    /// A worker carried an action out, perhaps for somebody who was answered long ago: the reply
    /// says so.
    pub(crate) fn ended(&mut self, Ended { io, kind, call }: Ended) {
        let (completion, Brought { descriptor, bytes }) = match call {
            Ok(done) => done,
            Err(fault) => (Completion::Failed { fault }, Brought::default()),
        };
        let reply = self.machine.complete(self.now(), io, completion);
        // 2. Do what the reply says: keep what was adopted. What is surplus or ignored drops here.
        match (completion, kind, reply) {
            (Completion::Opened { .. }, _, Reply::Adopted { file }) => {
                let descriptor = descriptor.map(|descriptor| (file, Arc::new(descriptor)));
                self.descriptors.extend(descriptor);
            }
            (Completion::Fetched { .. }, _, Reply::Adopted { file })
            | (Completion::Loaded { .. }, IoKind::Load { file, .. }, Reply::Done) => {
                self.contents.insert(file, bytes);
            }
            (Completion::Read { .. }, IoKind::Read { op, .. }, Reply::Done) => {
                if let Some(waiting) = self.waiting.get_mut(&op) {
                    *waiting = Waiting::Bytes(bytes);
                }
            }
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
            ) => {}
        }
    }

    // 3. Drain: tell what is told, carry out what is to be done.

    /// Goes on until there is an answer. `None`: all is drained; now wait.
    pub(crate) fn next_answer(&mut self) -> Option<Answer> {
        loop {
            match self.machine.poll_action()? {
                Action::Tell(Tell::Resolve { op, outcome, .. }) => {
                    return Some(self.resolved(op, outcome));
                }
                Action::Tell(tell) => self.told(tell),
                Action::Perform { io, kind } => self.order(io, kind),
            }
        }
    }

    /// Gives an action to the workers, with all that it needs in its own hands: whatever happens
    /// meanwhile, a buffer or a descriptor lives as long as the call that uses it. What needs no
    /// system call ends here.
    fn order(&mut self, io: IoId, kind: IoKind) {
        let call: Box<dyn FnOnce() -> Call + Send> = match kind {
            IoKind::Open {
                handle,
                access,
                missing,
            } => {
                let path = self.paths[&handle].clone();
                Box::new(move || calls::open(&path, access, missing))
            }
            IoKind::Fetch {
                handle,
                missing,
                up_to,
            } => {
                let path = self.paths[&handle].clone();
                Box::new(move || calls::fetch(&path, missing, up_to))
            }
            IoKind::Look { file } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                Box::new(move || calls::look(&descriptor))
            }
            // Safe code cannot map; `Auto` loads instead.
            IoKind::Map { .. } => {
                let call = Err(Fault::NoMapping);
                return self.ended(Ended { io, kind, call });
            }
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                let contents = self.contents.remove(&file).unwrap_or_default();
                Box::new(move || calls::load(&descriptor, contents, offset, len, total))
            }
            IoKind::Read {
                file,
                op: _,
                offset,
                len,
            } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                Box::new(move || calls::read(&descriptor, offset, len))
            }
            IoKind::Write { file, offset, .. } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                // The worker has them from now on: who asked may be answered before it is through.
                let mut bytes = Vec::new();
                for (op, _) in self.machine.run(io) {
                    if let Some(Waiting::Bytes(part)) = self.waiting.get_mut(&op) {
                        bytes.append(part);
                    }
                }
                Box::new(move || calls::write(&descriptor, &bytes, offset))
            }
            IoKind::SetLength { file, op: _, len } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                Box::new(move || calls::set_length(&descriptor, len))
            }
            IoKind::Sync { file } => {
                let descriptor = Arc::clone(&self.descriptors[&file]);
                Box::new(move || calls::sync(&descriptor))
            }
            // Nobody asks this loop for these.
            IoKind::Replace { .. } | IoKind::Lock { .. } => {
                Box::new(|| Err(Fault::Os(libc::ENOSYS)))
            }
            IoKind::Release { file } => {
                self.contents.remove(&file);
                let call = Ok((Completion::Released { lent: 0 }, Brought::default()));
                return self.ended(Ended { io, kind, call });
            }
            // Taken now: before this ends, the file may have adopted another.
            IoKind::Close { file } => {
                let descriptor = self.descriptors.remove(&file);
                Box::new(move || calls::close(descriptor))
            }
        };
        if self.jobs.send(Job { io, kind, call }).is_err() {
            // No worker is left to do anything.
            let _ = self.machine.handle(self.now(), Event::DriverLost);
        }
    }

    fn told(&mut self, tell: Tell) {
        match tell {
            // An answer; see `resolved`.
            Tell::Resolve { .. } => {}
            // A file longer than a chunk came nearer; nobody here watches.
            Tell::Progress { .. } => {}
            // Readers ask the machine each time.
            Tell::Withdrawn { .. } => {}
            // Whoever was refused was told so, and may ask again.
            Tell::Room { .. } => {}
            // Its job keeps what it needs until it ends, and what it brings then drops.
            Tell::Abandoned { io, kind } => println!("[loop] abandoned {io:?}: {kind:?}"),
            Tell::Phase { phase, cause } => {
                println!("[loop] {phase:?}: {cause:?}");
                self.closed = phase == PhaseName::Closed;
            }
        }
    }

    fn resolved(&mut self, op: OpId, outcome: Outcome) -> Answer {
        let waiting = self.waiting.remove(&op);
        let (handle, bytes) = match (outcome, waiting) {
            // Before the next action is polled: that may be their release.
            (Outcome::FromContents { file }, _) => (None, self.contents.get(&file).cloned()),
            (Outcome::Read { bytes: read }, Some(Waiting::Bytes(mut bytes))) => {
                bytes.truncate(read as usize);
                (None, Some(bytes))
            }
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
            op,
            outcome,
            handle,
            bytes,
        }
    }
}
