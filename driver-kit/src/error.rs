//! Errors a person can act on: the operation, the absolute path, what went wrong, what to do.

use crate::contents::Truncated;
use crate::log::log_failure;
use staging_core::{BadLimit, Bound, Fault, NodeKind, Reject};
use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What was being done when something failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a file, and staging it if that was asked with it.
    Open,
    /// Staging an open file.
    Stage,
    /// Giving staged contents up.
    Unstage,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Writing at the end.
    Append,
    /// Setting the length.
    SetLength,
    /// Waiting until what was written is executed.
    Flush,
    /// The same for all files.
    FlushAll,
    /// Making what was written durable.
    Sync,
    /// The same for all files.
    SyncAll,
    /// Replacing a file, whole.
    Replace,
    /// Getting a lock.
    Lock,
    /// Reading a file, and replacing it by what comes of that.
    Update,
    /// Removing what crashes left in a directory.
    Sweep,
    /// Moving the position of a reader or a writer.
    Seek,
    /// Closing a handle.
    Close,
    /// Saying how an open file is to be used.
    Tune,
    /// Asking how much of a file is in memory.
    Status,
    /// Looking whether a log is whole.
    Verify,
    /// Writing a snapshot of a log, and cutting the log.
    Checkpoint,
}

impl Operation {
    /// The word for it, as in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Open => "open",
            Operation::Stage => "stage",
            Operation::Unstage => "unstage",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Append => "append to",
            Operation::SetLength => "set the length of",
            Operation::Flush => "flush",
            Operation::FlushAll => "flush all files at",
            Operation::Sync => "sync",
            Operation::SyncAll => "sync all files, at",
            Operation::Replace => "replace",
            Operation::Lock => "lock",
            Operation::Update => "update",
            Operation::Sweep => "sweep",
            Operation::Seek => "seek",
            Operation::Close => "close",
            Operation::Tune => "adjust",
            Operation::Status => "ask about",
            Operation::Verify => "verify",
            Operation::Checkpoint => "checkpoint",
        }
    }
}

/// Why an operation did not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// It was accepted, and the world said no.
    Fault(Fault),
    /// The world said no when a part of it was done.
    CutShort {
        /// Why it went no further.
        fault: Fault,
        /// How many bytes were written.
        bytes: u64,
    },
    /// A file was being replaced, and this came when its name may have had the new content: it has the
    /// old one or the new one, whole, and after a loss of power either (A1).
    Indeterminate(Fault),
    /// Somebody else has the lock, and the deadline passed, or he was not to be waited for (K1).
    Contended(Holder),
    /// It was refused before it began.
    Rejected(Reject),
}

/// Who has a lock that somebody else waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holder {
    /// Another caller of the same stager, who has it or is before in line.
    Caller,
    /// A process.
    Process(Process),
    /// Nobody who can be seen from here: a process of another user, of another container, of another
    /// machine.
    Unseen,
}

/// A process, by number and name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// The system cuts names to 15 bytes.
    name: [u8; 15],
}

impl Process {
    /// Of this number, and of a name that is cut to 15 bytes.
    pub fn new(id: u32, name: &[u8]) -> Process {
        let mut cut = [0; 15];
        for (to, from) in cut.iter_mut().zip(name) {
            *to = *from;
        }
        Process { id, name: cut }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Caller => f.write_str("another caller of this process"),
            Holder::Process(process) => write!(f, "{process}"),
            Holder::Unseen => f.write_str("a process that cannot be seen from here"),
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self
            .name
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        write!(f, "process {} ({})", self.id, String::from_utf8_lossy(name))
    }
}

/// A failed operation, inside the [`io::Error`] that the drivers return.
///
/// [`failure`] finds it again; [`errno`] reads the system's error number.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was being done.
    pub operation: Operation,
    /// To what: an absolute path.
    pub path: Arc<Path>,
    /// Why it failed.
    pub cause: Cause,
}

impl Failure {
    /// The failure as the error that std's traits speak of.
    pub fn into_io(self) -> io::Error {
        io::Error::new(self.kind(), self)
    }

    /// The system's error number, where the system said no.
    pub const fn errno(&self) -> Option<i32> {
        match self.cause {
            Cause::Fault(Fault::Behind(0) | Fault::SyncBehind(0)) => None,
            Cause::Fault(Fault::Os(errno) | Fault::Behind(errno) | Fault::SyncBehind(errno))
            | Cause::CutShort {
                fault: Fault::Os(errno),
                ..
            }
            | Cause::Indeterminate(Fault::Os(errno)) => Some(errno),
            Cause::Fault(_)
            | Cause::CutShort { .. }
            | Cause::Indeterminate(_)
            | Cause::Contended(_)
            | Cause::Rejected(_) => None,
        }
    }

    /// Whether it was refused because something was full, so that waiting may help (R12).
    pub const fn is_for_fullness(&self) -> bool {
        matches!(self.cause, Cause::Rejected(Reject::Full(_)))
    }

    /// Whether a replace may have happened all the same (A1). Any other that failed did not: the old
    /// content stands.
    pub const fn is_indeterminate(&self) -> bool {
        matches!(self.cause, Cause::Indeterminate(_))
    }

    fn kind(&self) -> io::ErrorKind {
        match self.cause {
            Cause::Fault(fault) | Cause::CutShort { fault, .. } | Cause::Indeterminate(fault) => {
                match fault {
                    Fault::Os(errno) => io::Error::from_raw_os_error(errno).kind(),
                    Fault::NotAFile(NodeKind::Directory) => io::ErrorKind::IsADirectory,
                    Fault::NotAFile(_) => io::ErrorKind::InvalidInput,
                    Fault::Dangling => io::ErrorKind::NotFound,
                    Fault::Replaced => io::ErrorKind::StaleNetworkFileHandle,
                    Fault::Truncated => io::ErrorKind::UnexpectedEof,
                    Fault::Changed => io::ErrorKind::ResourceBusy,
                    Fault::OverBudget => io::ErrorKind::QuotaExceeded,
                    Fault::NoMapping | Fault::Unsized | Fault::LocksUntrusted => {
                        io::ErrorKind::Unsupported
                    }
                    Fault::Short => io::ErrorKind::WriteZero,
                    Fault::SyncFailed => io::ErrorKind::Other,
                    Fault::Behind(errno) | Fault::SyncBehind(errno) => {
                        io::Error::from_raw_os_error(errno).kind()
                    }
                    Fault::Cancelled => io::ErrorKind::Interrupted,
                    Fault::Deadline | Fault::Contended => io::ErrorKind::TimedOut,
                    Fault::ShuttingDown | Fault::Abandoned | Fault::DriverLost => {
                        io::ErrorKind::BrokenPipe
                    }
                    _ => io::ErrorKind::Other,
                }
            }
            Cause::Contended(_) => io::ErrorKind::TimedOut,
            Cause::Rejected(reject) => match reject {
                Reject::Full(_) => io::ErrorKind::WouldBlock,
                Reject::UnknownHandle | Reject::BadRange | Reject::BadLimit(_) => {
                    io::ErrorKind::InvalidInput
                }
                Reject::ReadOnly => io::ErrorKind::PermissionDenied,
                Reject::ShuttingDown => io::ErrorKind::BrokenPipe,
                _ => io::ErrorKind::Other,
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.operation.name(), self.path.display())?;
        match self.cause {
            Cause::Fault(fault) if self.operation == Operation::Replace => {
                write_fault(f, fault)?;
                f.write_str("; not committed: the old content stands")
            }
            Cause::Fault(fault) => write_fault(f, fault),
            Cause::Indeterminate(fault) => {
                write_fault(f, fault)?;
                f.write_str(
                    "; indeterminate: the old content or the new one stands, whole; read it, or \
                     replace it again",
                )
            }
            Cause::CutShort { fault, bytes } => {
                write_fault(f, fault)?;
                write!(f, "; {bytes} bytes were written before")
            }
            Cause::Contended(holder) => write!(
                f,
                "{holder} has it, and the time to wait is over; wait longer, or look what that one does"
            ),
            Cause::Rejected(Reject::BadLimit(limit)) => write!(f, "refused: {}", BadLimit(limit)),
            Cause::Rejected(reject) => f.write_str(explain_reject(reject)),
        }
    }
}

impl Error for Failure {}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: Fault) -> fmt::Result {
    match fault {
        Fault::Os(errno) => write!(f, "{}", io::Error::from_raw_os_error(errno)),
        Fault::Behind(errno) | Fault::SyncBehind(errno) if errno != 0 => {
            let error = io::Error::from_raw_os_error(errno);
            write!(f, "{error}; {}", explain_fault(fault))
        }
        fault => f.write_str(explain_fault(fault)),
    }
}

fn explain_fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Os(_) => "the system refused",
        Fault::NotAFile(node) => match node {
            NodeKind::Directory => "is a directory; name the files in it, or stage it recursively",
            NodeKind::Fifo => "is a named pipe; only regular files can be staged",
            NodeKind::Socket => "is a socket; only regular files can be staged",
            NodeKind::Device => "is a device; only regular files can be staged",
            _ => "is not a regular file; only regular files can be staged",
        },
        Fault::Dangling => "is a symbolic link whose target does not exist",
        Fault::Replaced => {
            "another file has taken the place of the one that was opened; open it again"
        }
        Fault::Truncated => {
            "another process cut the file short meanwhile; stage or read it again to see what it \
             holds now"
        }
        Fault::Unsized => {
            "has other bytes than its length says, as files do that the kernel makes up while they \
             are read; open it unstaged (mode none) and read it"
        }
        Fault::Changed => {
            "the file changed each time it was staged; stage it when its writer is done"
        }
        Fault::OverBudget => {
            "the budget has no room for it; raise the budget, unstage others, or wait for room"
        }
        Fault::NoMapping => {
            "it cannot be mapped: the SIGBUS guard was refused, the process has nearly as many \
             mappings as vm.max_map_count grants, or the file is open for writing; load it"
        }
        Fault::Short => "the system took fewer bytes than were written and gave no error",
        Fault::SyncFailed => {
            "a sync of it failed before: what was written since the last one that succeeded may be \
             lost; write that again, to the file opened again unless it was opened to keep dirty"
        }
        Fault::Behind(_) => {
            "a write that was answered when it was accepted failed later: what was written behind since \
             the last good flush may be missing; what was asked now was not done; write it again"
        }
        Fault::SyncBehind(_) => {
            "a sync by its interval failed: what was written since the last one may be lost; what was asked \
             now was not done; open it again and write that again"
        }
        Fault::LocksUntrusted => {
            "it is on a file system that other machines may write to, whose locks cannot be trusted; lock a \
             file on a disk of this machine, or say that those of the network will do"
        }
        Fault::Contended => "somebody else has it; wait for it",
        Fault::Cancelled => "cancelled",
        Fault::Deadline => "the deadline passed before it was done",
        Fault::ShuttingDown => "not begun, because a shutdown began",
        Fault::Abandoned => "given up by a shutdown that ran out of time",
        Fault::DriverLost => "the driver that was to do it is gone",
        _ => "failed",
    }
}

fn explain_reject(reject: Reject) -> &'static str {
    match reject {
        Reject::Full(Bound::Operations) => "refused: too many operations at once",
        Reject::Full(Bound::FileOperations(_)) => "refused: too many operations on this file",
        Reject::Full(Bound::Handles) => "refused: too many open files; close some",
        Reject::Full(Bound::Locks) => "refused: too many locks at once; give some back",
        Reject::Full(Bound::Bytes) => "refused: too many bytes are waiting to be written",
        Reject::Full(Bound::FileBytes(_)) => {
            "refused: too many bytes are waiting to be written to this file"
        }
        Reject::ReadOnly => "refused: it was opened for reading only; open it for writing",
        Reject::SyncFailed => explain_fault(Fault::SyncFailed),
        Reject::UnknownHandle => "refused: the file is closed",
        Reject::BadRange => {
            "refused: the range has no bytes, begins before a file does, or ends beyond what one can hold"
        }
        Reject::ShuttingDown => "refused: a shutdown began",
        _ => "refused",
    }
}

/// The [`Failure`] inside an error that a driver returned.
pub fn failure(error: &io::Error) -> Option<&Failure> {
    error.get_ref()?.downcast_ref()
}

/// The system's error number of an error that a driver returned.
pub fn errno(error: &io::Error) -> Option<i32> {
    error
        .raw_os_error()
        .or_else(|| failure(error)?.errno())
        .or_else(|| log_failure(error)?.errno())
}

/// What an open gave, and nothing where no file is there: for whoever makes what is missing.
///
/// # Errors
/// The open failed for another reason.
pub fn if_there<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    let nothing = Cause::Fault(Fault::Os(rustix::io::Errno::NOENT.raw_os_error()));
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if failure(&error).is_some_and(|failure| failure.cause == nothing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The fault that a system call's error stands for.
pub fn fault_of(error: &io::Error) -> Fault {
    match (error.raw_os_error(), error.kind()) {
        (Some(errno), _) => Fault::Os(errno),
        (None, io::ErrorKind::UnexpectedEof) => Fault::Truncated,
        (None, io::ErrorKind::Unsupported) => Fault::NoMapping,
        // Such as a path with a NUL in it, which never gets as far as the system.
        (None, io::ErrorKind::InvalidInput) => Fault::Os(rustix::io::Errno::INVAL.raw_os_error()),
        (None, io::ErrorKind::OutOfMemory) => Fault::Os(rustix::io::Errno::NOMEM.raw_os_error()),
        (None, _) => Fault::Os(rustix::io::Errno::IO.raw_os_error()),
    }
}

impl From<Truncated> for Cause {
    fn from(_: Truncated) -> Cause {
        Cause::Fault(Fault::Truncated)
    }
}
