//! The core and the tables beside it: steps 1, 2 and 3. Nothing here blocks, and nothing here knows
//! of sockets.

use crate::calls::{self, Brought, Call};
use crate::workers::{Ended, Job, Jobs};
use mio::Token;
use staging_core::*;
use std::{
    collections::HashMap, fs::File, path::PathBuf, sync::Arc, time::Duration, time::Instant,
};

/// What only the embedder knows of each id: the machine sees no path, descriptor or byte.
pub(crate) struct Files {
    machine: Machine,
    clock: Instant,
    jobs: Jobs,
    asks: HashMap<OpId, Ask>,
    paths: HashMap<HandleId, PathBuf>,
    descriptors: HashMap<FileId, Arc<File>>,
    contents: HashMap<FileId, Vec<u8>>,
    closed: bool,
}

/// What a peer asked for, on its way through the machine: open, read, drop.
struct Ask {
    peer: Token,
    handle: HandleId,
    range: [u64; 2],
    deadline: Tick,
    buffer: Vec<u8>,
}

/// What a peer is told.
pub(crate) type Answer = Result<Vec<u8>, String>;

impl Files {
    pub(crate) fn new(limits: Limits, jobs: Jobs) -> Files {
        Files {
            machine: Machine::new(limits),
            clock: Instant::now(),
            jobs,
            asks: HashMap::new(),
            paths: HashMap::new(),
            descriptors: HashMap::new(),
            contents: HashMap::new(),
            closed: false,
        }
    }

    fn now(&self) -> Tick {
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

    /// A peer asked for a part of a file. The answer comes from [`next_answer`](Files::next_answer)
    /// unless the machine refuses at once.
    pub(crate) fn ask(
        &mut self,
        peer: Token,
        path: PathBuf,
        range: [u64; 2],
        within: Duration,
    ) -> Result<(), Reply> {
        let deadline = self.now().plus(within.as_nanos() as u64);
        let (missing, plan) = (Missing::Fail, Plan::of(Mode::Auto));
        let access = Access::Read;
        let open = Request::Open {
            access,
            missing,
            plan,
        };
        // 2. Do what the reply says: keep the path for the handle, or nothing if it was refused.
        match self.machine.submit(self.now(), Tag(0), deadline, open) {
            Reply::Opening { op, handle } => {
                let buffer = Vec::new();
                let ask = Ask {
                    peer,
                    handle,
                    range,
                    deadline,
                    buffer,
                };
                self.asks.insert(op, ask);
                self.paths.insert(handle, path);
                Ok(())
            }
            refused => Err(refused),
        }
    }

    /// A peer hung up: nobody waits for its answer.
    pub(crate) fn forget(&mut self, peer: Token) {
        let asked = self.asks.iter().find(|(_, ask)| ask.peer == peer);
        if let Some(op) = asked.map(|(op, _)| *op) {
            let _ = self.machine.cancel(self.now(), op);
        }
    }

    /// Time passed, maybe beyond a deadline.
    pub(crate) fn tick(&mut self) {
        let _ = self.machine.tick(self.now());
    }

    /// Somebody wants the end.
    pub(crate) fn shutdown(&mut self) {
        let _ = self.machine.shutdown(self.now(), Grace::default());
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
                if let Some(ask) = self.asks.get_mut(&op) {
                    ask.buffer = bytes;
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
                | Completion::Released { .. }
                | Completion::Closed
                | Completion::Failed { .. },
                _,
                _,
            ) => {}
        }
    }

    // 3. Drain: tell what is told, carry out what is to be done.

    /// Goes on until there is an answer for a peer. `None`: all is drained; now wait.
    pub(crate) fn next_answer(&mut self) -> Option<(Token, Answer)> {
        loop {
            let answer = match self.machine.poll_action()? {
                Action::Tell(tell) => self.told(tell),
                Action::Perform { io, kind } => {
                    self.order(io, kind);
                    None
                }
            };
            if answer.is_some() {
                return answer;
            }
        }
    }

    /// Gives an action to the workers, with all that it needs in its own hands: whatever happens
    /// meanwhile, a buffer or a descriptor lives as long as the call that uses it. What needs no
    /// system call ends here.
    fn order(&mut self, io: IoId, kind: IoKind) {
        let call: Box<dyn FnOnce() -> Call + Send> = match kind {
            // Nobody here asks to write, or to create what is missing.
            IoKind::Open {
                handle,
                access: _,
                missing: _,
            } => {
                let path = self.paths[&handle].clone();
                Box::new(move || calls::open(&path))
            }
            IoKind::Fetch {
                handle,
                missing: _,
                up_to,
            } => {
                let path = self.paths[&handle].clone();
                Box::new(move || calls::fetch(&path, up_to))
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
            // Only a handle that may write leads to these.
            IoKind::Write { .. } | IoKind::SetLength { .. } | IoKind::Sync { .. } => {
                let call = Err(Fault::Os(libc::ENOSYS));
                return self.ended(Ended { io, kind, call });
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

    fn told(&mut self, tell: Tell) -> Option<(Token, Answer)> {
        match tell {
            Tell::Resolve {
                op,
                tag: _,
                outcome,
            } => return self.resolved(op, outcome),
            // A file longer than a chunk came nearer; nobody here watches.
            Tell::Progress { .. } => {}
            // Readers ask the machine each time.
            Tell::Withdrawn { .. } => {}
            // Whoever was refused was told `NO`, and may ask again.
            Tell::Room { .. } => {}
            // Its job keeps what it needs until it ends, and what it brings then drops.
            Tell::Abandoned { io, kind } => println!("[loop] abandoned {io:?}: {kind:?}"),
            Tell::Phase { phase, cause } => {
                println!("[loop] {phase:?}: {cause:?}");
                self.closed = phase == PhaseName::Closed;
            }
        }
        None
    }

    /// The one outcome of an operation: an open goes on as a read, all else is an answer.
    fn resolved(&mut self, op: OpId, outcome: Outcome) -> Option<(Token, Answer)> {
        let mut ask = self.asks.remove(&op)?;
        let (peer, handle) = (ask.peer, ask.handle);
        let [offset, len] = ask.range;
        let answer = match outcome {
            Outcome::Opened { .. } => {
                let read = Request::Read {
                    handle,
                    offset,
                    len,
                };
                match self.machine.submit(self.now(), Tag(0), ask.deadline, read) {
                    Reply::Accepted { op } => {
                        self.asks.insert(op, ask);
                        return None;
                    }
                    refused => Err(format!("{refused:?}")),
                }
            }
            Outcome::Read { bytes } => {
                ask.buffer.truncate(bytes as usize);
                Ok(ask.buffer)
            }
            // Before the next action is polled: that may be their release.
            Outcome::FromContents { file } => Ok(self.part(file, offset, len)),
            Outcome::Failed { fault, done: _ } => Err(format!("{fault:?}")),
            Outcome::Staged { .. }
            | Outcome::Unstaged
            | Outcome::Written { .. }
            | Outcome::LengthSet
            | Outcome::Flushed
            | Outcome::Synced
            | Outcome::SyncFailed { .. }
            | Outcome::Closed => Err("never asked for here".into()),
        };
        // The last word on this handle. If its open failed it is gone already, which is no harm.
        let _ = self.machine.handle(self.now(), Event::Dropped { handle });
        self.paths.remove(&handle);
        Some((peer, answer))
    }

    fn part(&self, file: FileId, offset: u64, len: u64) -> Vec<u8> {
        let contents = self.contents.get(&file).map_or(&[][..], Vec::as_slice);
        let end = contents.len() as u64;
        let (from, to) = (offset.min(end), offset.saturating_add(len).min(end));
        contents[from as usize..to as usize].to_vec()
    }
}
