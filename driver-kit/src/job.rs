//! Work on its way: what the hub hands to a worker, and what comes back.
//!
//! A [`Job`] carries everything it needs, so that nothing is looked up, and no lock taken, while
//! it is carried out; a [`Finished`] brings back what must not be lost.

use crate::contents::{Block, Contents, Mapping, Memory, Notify};
use crate::error::{Holder, Operation, fault_of};
use crate::perform::{Locked, Swept, Temporary};
use bytes::Bytes;
use staging_core::{
    Access, Completion, Fault, How, IoId, IoKind, Key, Missing, ReplaceStep, Scope, Sharing, Span,
    Stamp,
};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// One action to be carried out, with all it needs.
#[must_use = "a job that is dropped leaves its operation without an answer"]
pub struct Job {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    pub(crate) path: Arc<Path>,
    pub(crate) work: Work,
}

/// What a job needs, by what it is.
pub(crate) enum Work {
    Open {
        access: Access,
        missing: Missing,
    },
    Fetch {
        missing: Missing,
        up_to: u64,
        memory: Arc<Memory>,
    },
    Look {
        descriptor: Arc<File>,
    },
    Map {
        descriptor: Arc<File>,
        len: u64,
        how: How,
        memory: Arc<Memory>,
    },
    Load {
        descriptor: Arc<File>,
        part: Part,
        offset: u64,
        len: u64,
    },
    Read {
        descriptor: Arc<File>,
        buffer: Vec<u8>,
        offset: u64,
    },
    /// The bytes stay until the system call ended, whoever stopped waiting for it (R10).
    Write {
        descriptor: Arc<File>,
        bytes: Bytes,
        offset: u64,
    },
    /// Several writes that follow each other (R7).
    WriteRun {
        descriptor: Arc<File>,
        parts: Vec<Bytes>,
        offset: u64,
    },
    SetLength {
        descriptor: Arc<File>,
        len: u64,
    },
    Sync {
        descriptor: Arc<File>,
    },
    Replace {
        step: ReplaceStep,
        temporary: Option<Arc<Temporary>>,
        bytes: Bytes,
        swept: Arc<Swept>,
    },
    SyncFiles {
        files: Vec<Arc<Temporary>>,
    },
    Try {
        span: Span,
        sharing: Sharing,
        scope: Scope,
        /// Who had it when it was last tried.
        known: Option<Holder>,
    },
    /// Dropped without being carried out, it gives the lock back all the same.
    Unlock {
        locked: Option<Locked>,
    },
    Release {
        held: Held,
        notify: Notify,
    },
    Close {
        descriptor: Option<Arc<File>>,
    },
    /// What the job was to work on is gone. It can only be answered.
    Lost,
}

/// Up to this many bytes a write is done in microseconds, where the page cache takes it.
const SMALL_WRITE: u64 = 64 << 10;

/// Contents in the making.
#[derive(Debug)]
pub enum Part {
    /// Room for so many bytes is to be taken first.
    Nothing {
        /// Of which memory.
        memory: Arc<Memory>,
        /// How many.
        total: u64,
    },
    /// A run of the arena, filled from the front.
    Block(Block),
    /// A mapping, populated from the front.
    Mapping(Arc<Mapping>),
}

/// What a release gives up.
#[derive(Debug)]
pub(crate) enum Held {
    Nothing,
    Part(Part),
    Contents(Contents),
}

/// A job that was carried out, or failed.
#[derive(Debug)]
#[must_use = "the hub must be told how a job ended"]
pub struct Finished {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    pub(crate) path: Arc<Path>,
    pub(crate) completion: Completion,
    pub(crate) brought: Brought,
}

/// How carrying out ended, before it is known whose work it was.
pub(crate) struct Ended {
    pub(crate) completion: Completion,
    pub(crate) brought: Brought,
}

impl Ended {
    pub(crate) const fn plain(completion: Completion) -> Ended {
        Ended {
            completion,
            brought: Brought::Nothing,
        }
    }

    pub(crate) fn failed(error: &io::Error) -> Ended {
        Ended::plain(Completion::Failed {
            fault: fault_of(error),
        })
    }
}

/// What a finished job brings back.
#[derive(Debug)]
pub(crate) enum Brought {
    Nothing,
    /// A descriptor, and where the file really is if the path led over links.
    Descriptor {
        descriptor: File,
        real: Option<Arc<Path>>,
    },
    /// Whole contents, and where the file really is.
    Contents {
        contents: Contents,
        real: Option<Arc<Path>>,
    },
    Part(Part),
    Buffer(Vec<u8>),
    /// A file that is to take the place of another.
    Temporary(Arc<Temporary>),
    /// A lock.
    Locked(Locked),
    /// Who has the lock.
    Holder(Holder),
}

impl Job {
    /// Which action this is.
    pub const fn io(&self) -> IoId {
        self.io
    }

    /// What the machine asked for.
    pub const fn kind(&self) -> IoKind {
        self.kind
    }

    /// Whether it is done in microseconds, where the disk does not make it wait: opening, with a
    /// small file along, writing a little, and giving back.
    pub(crate) const fn is_small(&self) -> bool {
        match self.kind {
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Look { .. }
            | IoKind::Close { .. } => true,
            IoKind::Release { .. } => !matches!(
                self.work,
                Work::Release {
                    held: Held::Contents(Contents::Mapped(_)),
                    ..
                }
            ),
            IoKind::Write { len, .. } => len <= SMALL_WRITE,
            IoKind::Lock { .. } => true,
            IoKind::Map { .. }
            | IoKind::Load { .. }
            | IoKind::Read { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. } => false,
            IoKind::Replace { step, .. } => match step {
                ReplaceStep::Create { len, .. } => len <= SMALL_WRITE,
                ReplaceStep::Publish { .. } | ReplaceStep::Discard => true,
                ReplaceStep::Fill { .. }
                | ReplaceStep::SyncFile { .. }
                | ReplaceStep::SyncDirectory => false,
            },
        }
    }

    /// The absolute path of the file it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a person would say is being done.
    pub const fn operation(&self) -> Operation {
        match self.kind {
            IoKind::Open { .. } | IoKind::Fetch { .. } => Operation::Open,
            IoKind::Look { .. } | IoKind::Map { .. } | IoKind::Load { .. } => Operation::Stage,
            IoKind::Read { .. } => Operation::Read,
            IoKind::Write { .. } => Operation::Write,
            IoKind::SetLength { .. } => Operation::SetLength,
            IoKind::Sync { .. } => Operation::Sync,
            IoKind::Replace { .. } => Operation::Replace,
            IoKind::Lock { .. } => Operation::Lock,
            IoKind::Release { .. } => Operation::Unstage,
            IoKind::Close { .. } => Operation::Close,
        }
    }

    /// Ends the job as another backing carried it out, with nothing to keep: no descriptor, no
    /// bytes.
    pub fn answer(self, completion: Completion) -> Finished {
        Finished {
            completion,
            ..self.fail(Fault::Cancelled)
        }
    }

    /// Ends a `Fetch` with contents from another backing.
    ///
    /// # Errors
    /// It is another kind of job, or the memory has no room: the job, to be ended otherwise.
    pub fn fetched(self, key: Key, bytes: &[u8], version: u64) -> Result<Finished, Box<Job>> {
        let Work::Fetch { memory, .. } = &self.work else {
            return Err(Box::new(self));
        };
        let contents = if bytes.is_empty() {
            Contents::Empty
        } else {
            let Ok(mut block) = memory.take(bytes.len()) else {
                return Err(Box::new(self));
            };
            block.copy_from_slice(bytes);
            Contents::Loaded(block.freeze(bytes.len()))
        };
        let stamp = Stamp {
            len: bytes.len() as u64,
            version,
        };
        let completion = Completion::Fetched { key, stamp };
        let brought = Brought::Contents {
            contents,
            real: None,
        };
        Ok(Finished {
            io: self.io,
            kind: self.kind,
            path: self.path,
            completion,
            brought,
        })
    }

    /// Ends the job without carrying it out: for handlers that inject faults.
    pub fn fail(self, fault: Fault) -> Finished {
        let brought = match self.work {
            Work::Load { part, .. } => Brought::Part(part),
            Work::Read { buffer, .. } => Brought::Buffer(buffer),
            Work::Open { .. }
            | Work::Fetch { .. }
            | Work::Look { .. }
            | Work::Map { .. }
            | Work::Write { .. }
            | Work::WriteRun { .. }
            | Work::SetLength { .. }
            | Work::Sync { .. }
            | Work::Replace { .. }
            | Work::SyncFiles { .. }
            | Work::Try { .. }
            | Work::Unlock { .. }
            | Work::Release { .. }
            | Work::Close { .. }
            | Work::Lost => Brought::Nothing,
        };
        let completion = Completion::Failed { fault };
        Finished {
            io: self.io,
            kind: self.kind,
            path: self.path,
            completion,
            brought,
        }
    }
}

impl Finished {
    /// Which action ended.
    pub const fn io(&self) -> IoId {
        self.io
    }

    /// How it ended.
    pub const fn completion(&self) -> Completion {
        self.completion
    }

    /// The same end under another completion: for handlers that lie, so that tests can see the
    /// machine not believe them.
    pub fn say(self, completion: Completion) -> Finished {
        Finished { completion, ..self }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("io", &self.io)
            .field("kind", &self.kind)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
