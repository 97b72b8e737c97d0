//! How the world says no.

/// Why an accepted operation failed. Not a caller's mistake (that is [`Reject`](crate::Reject))
/// and not a driver's (that is [`Ignored`](crate::Ignored)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The operating system's error number.
    Os(i32),
    /// What the path leads to is not a regular file.
    NotAFile(NodeKind),
    /// The path is a symbolic link that leads nowhere.
    Dangling,
    /// The path leads to another file than the one that was opened.
    Replaced,
    /// The file was cut short while it was read.
    Truncated,
    /// The file has other bytes than its length says: one that the kernel makes up while it is
    /// read. It can be read, but not staged.
    Unsized,
    /// The file changed again and again while it was staged (G5).
    Changed,
    /// The budget has no room (G10).
    OverBudget,
    /// The file cannot be mapped: the application refused the guard that makes mappings safe (G6),
    /// the process has as many mappings as it may, or the file is open for writing. `Auto` loads
    /// instead.
    NoMapping,
    /// The system took fewer bytes than were written, and gave no error.
    Short,
    /// A sync of the file failed before this: what was written may be lost, and no later sync can
    /// tell (R8).
    SyncFailed,
    /// A write that was answered when it was accepted failed later, with this error of the operating
    /// system, or 0 where it was given up (R8). What asks is told so, and is not done; asked again it
    /// is.
    Behind(i32),
    /// A sync that nobody asked for failed, with this error of the operating system, or 0 (L3): what was
    /// written to the file since the last one may be lost. What asks is told so, and is not done; the file
    /// is to be opened again, and written again.
    SyncBehind(i32),
    /// The file is on a file system that other machines may write to, and whose locks cannot be trusted
    /// (K2).
    LocksUntrusted,
    /// Somebody else has the lock, and was not to be waited for (K1).
    Contended,
    /// The caller cancelled.
    Cancelled,
    /// The deadline passed (R10).
    Deadline,
    /// A shutdown began; new work is no longer done (S2).
    ShuttingDown,
    /// A phase of the shutdown ran out of time before this was done (S3).
    Abandoned,
    /// The driver was lost.
    DriverLost,
}

impl Fault {
    /// The system's error number; 0 where it gave none.
    pub(crate) const fn errno_or_0(self) -> i32 {
        match self {
            Fault::Os(errno) => errno,
            _ => 0,
        }
    }
}

/// What can stand at a path instead of a regular file (G11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Anything else.
    Other,
}
