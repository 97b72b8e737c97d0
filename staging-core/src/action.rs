//! What comes out: orders in the imperative, and what is told outward.

use crate::completion::{Completion, Key};
use crate::event::{Access, Existing, Missing, Tag};
use crate::fault::Fault;
use crate::id::{FileId, HandleId, IoId, LockId, OpId};
use crate::lock::{Scope, Sharing, Span};
use crate::phase::{Cause, PhaseName};
use crate::staging::{How, Standing};

/// Everything the machine can ask for or tell.
///
/// The enum is exhaustive: a driver that ignores an action hangs an operation, so it has to be
/// compiled against all of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Tell a caller or an observer. Needs no completion.
    Tell(Tell),
    /// Carry this out, then say [`Event::Completed`](crate::Event::Completed) with the same id,
    /// once.
    Perform {
        /// The name of this piece of work.
        io: IoId,
        /// What to do.
        kind: IoKind,
    },
}

/// What is told outward.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tell {
    /// The one answer to an accepted operation (R9).
    Resolve {
        /// Which operation. The id is free for another from now on, unless the outcome came
        /// before a system call ended; then its buffer stays needed until that ends.
        op: OpId,
        /// The caller's word for it.
        tag: Tag,
        /// The answer.
        outcome: Outcome,
    },
    /// Another chunk of a file was brought in (G7). At most one for each chunk.
    Progress {
        /// Which file.
        file: FileId,
        /// How many bytes are in.
        done: u64,
        /// How many there will be.
        total: u64,
    },
    /// The contents of a file are about to be given up because it is written: reads asked from now
    /// on must come to the machine, and not go to what is in memory (R6). The contents themselves
    /// stay until `Release` asks for them.
    Withdrawn {
        /// Which file's.
        file: FileId,
    },
    /// A request was refused for fullness, and now there is room (R12). Told once for each time
    /// of fullness.
    Room {
        /// What has room.
        bound: Bound,
    },
    /// An action that was handed out is given up: its completion will be ignored, whatever it
    /// holds stays the driver's until it ends (S5).
    Abandoned {
        /// Which action.
        io: IoId,
        /// What it was.
        kind: IoKind,
    },
    /// The phase changed (S1). `Closed` is the last thing the machine ever tells.
    Phase {
        /// The phase that began.
        phase: PhaseName,
        /// Why.
        cause: Cause,
    },
}

/// Work for the driver. The variant says which system calls it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IoKind {
    /// Open the handle's path and say what file it is: `openat2`, `fstat`.
    ///
    /// Comes for an open that loads nothing, and again when a file needs a descriptor it gave
    /// back. Must not block on a FIFO. Completes as `Opened`. The reply says whether the file
    /// takes the descriptor ([`Reply::Adopted`](crate::Reply::Adopted)) or the driver is to drop
    /// it ([`Reply::Surplus`](crate::Reply::Surplus)). One opened for writing may be adopted in
    /// place of one that was not, which is closed when nothing in flight uses it.
    Open {
        /// Whose path.
        handle: HandleId,
        /// `O_RDONLY` or `O_RDWR`.
        access: Access,
        /// What to do where there is no file.
        missing: Missing,
    },
    /// Open the handle's path; if the file is no longer than `up_to`, load all of it, look at the
    /// stamp again and close it: `openat2`, `fstat`, `pread`, `fstat`, `close`.
    ///
    /// One turn for a small file, and no descriptor kept. Completes as `Fetched`, or as `Opened`
    /// where the file is longer or changed meanwhile.
    Fetch {
        /// Whose path.
        handle: HandleId,
        /// What to do where there is no file.
        missing: Missing,
        /// The greatest length to load, in bytes.
        up_to: u64,
    },
    /// Read the stamp of an open file: `fstat`. Completes as `Looked`.
    Look {
        /// Which file.
        file: FileId,
    },
    /// Map the file, populating nothing: `mmap`. Completes as `Mapped`.
    Map {
        /// Which file.
        file: FileId,
        /// How long it is, in bytes; never 0.
        len: u64,
        /// `Map` or `MapShared`.
        how: How,
    },
    /// Bring one chunk into memory, then read the stamp: `madvise` with populate for a mapping,
    /// `pread` otherwise; `fstat`.
    ///
    /// The chunks of a file come in order, one at a time. The first of an unmapped file
    /// (`offset` 0) makes room for `total` bytes. For a file of length 0 one comes, too, with `len`
    /// 0: to see that it has no bytes, for some that say 0 have ([`Fault::Unsized`]). Completes as
    /// `Loaded`.
    Load {
        /// Which file.
        file: FileId,
        /// Where the chunk begins.
        offset: u64,
        /// How long it is; 0 for an empty file alone.
        len: u64,
        /// How long the whole file is.
        total: u64,
    },
    /// Read from the file into the operation's buffer: `pread` until full or at the end. Completes
    /// as `Read`.
    Read {
        /// Which file.
        file: FileId,
        /// Whose buffer.
        op: OpId,
        /// Where to begin.
        offset: u64,
        /// How much.
        len: u64,
    },
    /// Write the operation's buffer to the file: `pwrite` until all is written. Completes as
    /// `Written` or `CutShort`.
    ///
    /// Of several `parts` it is a run of writes that follow each other (R7): `pwritev` of the buffers
    /// that [`Machine::run`](crate::Machine::run) names, in that order, together `len` bytes.
    Write {
        /// Which file.
        file: FileId,
        /// Whose buffer; of a run, the first one.
        op: OpId,
        /// Where to begin.
        offset: u64,
        /// How much, in all.
        len: u64,
        /// How many buffers; 1 for a write alone.
        parts: u32,
    },
    /// Set the length of the file: `ftruncate`. Completes as `LengthSet`.
    SetLength {
        /// Which file.
        file: FileId,
        /// Who asked.
        op: OpId,
        /// How long it is to be.
        len: u64,
    },
    /// Make durable what was written to the file: `fsync`. Completes as `Synced`. One that failed
    /// must not be tried again (R8).
    Sync {
        /// Which file.
        file: FileId,
    },
    /// One step of replacing what a path leads to (A1). They come one after the other.
    Replace {
        /// Whose path and buffer.
        op: OpId,
        /// What to do.
        step: ReplaceStep,
    },
    /// Get a lock from the system, or give it back (K1).
    Lock {
        /// Whose path.
        lock: LockId,
        /// What to do.
        step: LockStep,
    },
    /// Give up the contents the file has, whole or in part, if any: `munmap`, or back to the pool.
    /// Slices handed out stay valid. Completes as `Released`.
    Release {
        /// Whose contents.
        file: FileId,
    },
    /// Close the descriptor the file has: `close`. Completes as `Closed`.
    ///
    /// It is the one the file has when this is handed out: before this completes, the file may have
    /// adopted another.
    Close {
        /// Whose descriptor.
        file: FileId,
    },
}

/// The steps of a replace, each once but `Fill`, and `Discard` instead of whatever can no longer be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReplaceStep {
    /// Make a temporary file in the target's directory: `openat` with `O_EXCL` under a name that
    /// nobody can guess, no wider permissions than the target has, then its mode, owner and extended
    /// attributes; and write the first `len` bytes. Completes as `Created`; where it fails, nothing
    /// is left.
    Create {
        /// How much to write, in bytes.
        len: u64,
        /// What to do where there is something: it is known before anything is written.
        existing: Existing,
    },
    /// Write more of the bytes: `pwrite`. Completes as `Written`.
    Fill {
        /// From where, in the buffer and in the file.
        offset: u64,
        /// How much.
        len: u64,
    },
    /// Make the bytes durable: `fsync`; of so many temporary files, all of one
    /// [volume](crate::Completion::Created), which [`Machine::files_of`](crate::Machine::files_of) names:
    /// `syncfs`, or `fsync` of each. Completes as `Synced`, if each of them is. One that failed must not be
    /// tried again on the same files (A1).
    SyncFile {
        /// How many.
        files: u32,
    },
    /// Give the temporary file the target's name: `rename`; `link` where nothing may be there. Completes
    /// as `Published`.
    Publish {
        /// What to do where there is something.
        existing: Existing,
    },
    /// Make the name durable: `fsync` of the directory, on behalf of all that were published in it
    /// before this began (A4). Completes as `Synced`.
    SyncDirectory,
    /// Remove the temporary file: `unlink`. Completes as `Discarded`.
    Discard,
}

impl ReplaceStep {
    /// What it completes as where it goes well, in this directory.
    pub const fn done(self, directory: Key) -> Completion {
        match self {
            ReplaceStep::Create { .. } => Completion::Created { volume: None },
            ReplaceStep::Fill { .. } => Completion::Written,
            ReplaceStep::SyncFile { .. } | ReplaceStep::SyncDirectory => Completion::Synced,
            ReplaceStep::Publish { .. } => Completion::Published { directory },
            ReplaceStep::Discard => Completion::Discarded,
        }
    }
}

/// What is done about a lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LockStep {
    /// Get it, without waiting: `open` of the path, as an open file description of its own, then `flock`
    /// for the whole file, `F_OFD_SETLK` for a part. Completes as `Locked`, and the driver keeps the
    /// description; or as `Contended`, and nothing is kept: the machine asks again after a while.
    Try {
        /// Which bytes.
        span: Span,
        /// Whether others may hold it, too.
        sharing: Sharing,
        /// `System` or `Network`: whether to trust any file system.
        scope: Scope,
    },
    /// Give it back: unlock, then `close`. The file stays. Completes as `Unlocked`.
    Release,
}

impl LockStep {
    /// What it completes as where it goes well and nobody is in the way.
    pub const fn done(self) -> Completion {
        match self {
            LockStep::Try { .. } => Completion::Locked,
            LockStep::Release => Completion::Unlocked,
        }
    }
}

/// The one answer to an accepted operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// To `Open`: the handle may be used.
    Opened {
        /// The file behind the handle.
        file: FileId,
        /// Its length in bytes, as last seen.
        len: u64,
        /// Whether it is in memory, and if not, why.
        standing: Standing,
    },
    /// To `Stage`: whether it is in memory now, and if not (`Auto` over budget), why.
    Staged {
        /// Its length in bytes, as last seen.
        len: u64,
        /// How it stands.
        standing: Standing,
    },
    /// To `Unstage`: the contents were given up.
    Unstaged,
    /// To `Read`: the bytes are in the caller's buffer.
    Read {
        /// How many; less than asked only at the end of the file.
        bytes: u64,
    },
    /// To `Read`: take the bytes from the staged contents, which the driver has, whole, until it
    /// is asked to release them; that is asked after this was told, and may be decided before.
    FromContents {
        /// From which file.
        file: FileId,
    },
    /// To `Write` and `Append`: all of it is executed: every later read sees it.
    Written {
        /// Where it begins.
        offset: u64,
        /// How much it was.
        bytes: u64,
    },
    /// To a write by a handle that writes behind: it is accepted, has its place in the order, and every
    /// later read will see it. If it fails later, that is an error of the file (R8).
    Accepted {
        /// Where it begins.
        offset: u64,
    },
    /// To `SetLength`: it is executed.
    LengthSet,
    /// To `Flush` and `FlushAll`: what was accepted before is executed (R3).
    Flushed,
    /// To `Sync` and `SyncAll`: what was accepted before is executed, and durable where it was
    /// executed well (R3).
    Synced,
    /// To `SyncAll`: some files could not be synced; the others are.
    SyncFailed {
        /// How many could not.
        files: u32,
        /// The first of them.
        first: FileId,
        /// Why.
        fault: Fault,
    },
    /// To `Replace`: committed. The path has the new content, as durably as was asked.
    Replaced,
    /// To `Lock`: it is held, until [`Event::Unlocked`](crate::Event::Unlocked).
    Locked {
        /// Which lock.
        lock: LockId,
    },
    /// To `Close`: the handle is gone.
    Closed,
    /// To any: it failed, and this much had happened (R9).
    Failed {
        /// Why.
        fault: Fault,
        /// How much had happened.
        done: Done,
    },
}

impl Outcome {
    /// Why it failed, if it did; of a sync of all, why the first file could not be synced.
    pub const fn fault(&self) -> Option<Fault> {
        match *self {
            Outcome::Failed { fault, .. } | Outcome::SyncFailed { fault, .. } => Some(fault),
            Outcome::Opened { .. }
            | Outcome::Staged { .. }
            | Outcome::Unstaged
            | Outcome::Read { .. }
            | Outcome::FromContents { .. }
            | Outcome::Written { .. }
            | Outcome::Accepted { .. }
            | Outcome::LengthSet
            | Outcome::Flushed
            | Outcome::Synced
            | Outcome::Replaced
            | Outcome::Locked { .. }
            | Outcome::Closed => None,
        }
    }
}

/// How much of a failed operation had happened (R9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Done {
    /// Nothing.
    Nothing,
    /// So many bytes.
    Bytes(u64),
    /// A system call was under way whose end the caller did not wait for.
    Unknown,
}

/// What can be full.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bound {
    /// Accepted operations, in all.
    Operations,
    /// Accepted operations on one file.
    FileOperations(FileId),
    /// Handles.
    Handles,
    /// Locks, waited for or held.
    Locks,
    /// Bytes of accepted writes, in all.
    Bytes,
    /// Bytes of accepted writes to one file.
    FileBytes(FileId),
}
