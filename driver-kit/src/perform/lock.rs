//! Locks from the system, each on an open file description of its own (K1).
//!
//! The whole file, exclusively, is `flock`: that excludes whoever uses `flock(1)`, and nothing else does.
//! Whatever is shared, or of a part, is `flock` for sharing and then `F_OFD_SETLK` on its range: so a lock
//! on the whole keeps out those on parts, parts that are apart do not meet, and `lockf` users are kept out
//! of a part. Such locks belong to the description, not to the process: another descriptor of the same
//! file that is closed gives nothing up, and who dies gives up everything.

mod holder;
mod trust;

use crate::error::{Holder, fault_of};
use crate::job::{Brought, Ended};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use staging_core::{Completion, Fault, Scope, Sharing, Span};
use std::fs::File;
use std::path::Path;

/// A lock that the system granted.
#[derive(Debug)]
pub(crate) struct Locked {
    file: File,
}

/// Why a lock was not granted.
enum Refused {
    Contended,
    Failed(Fault),
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Refused {
        match errno {
            Errno::WOULDBLOCK => Refused::Contended,
            other => Refused::Failed(fault_of(&other.into())),
        }
    }
}

/// Asks once. What was not granted leaves nothing open.
pub(super) fn try_lock(
    path: &Path,
    span: Span,
    sharing: Sharing,
    scope: Scope,
    known: Option<Holder>,
) -> Ended {
    let file = match open(path, span, sharing) {
        Ok(file) => file,
        Err(fault) => return Ended::plain(Completion::Failed { fault }),
    };
    match claim(&file, path, span, sharing, scope) {
        Ok(()) => Ended {
            completion: Completion::Locked,
            brought: Brought::Locked(Locked { file }),
        },
        Err(Refused::Contended) => Ended {
            completion: Completion::Contended,
            brought: Brought::Holder(holder::of(&file, span, known)),
        },
        Err(Refused::Failed(fault)) => Ended::plain(Completion::Failed { fault }),
    }
}

/// Gives a lock back by name, not only by closing: a child between `fork` and `exec` has the description,
/// too, and would keep it.
pub(super) fn release(locked: Option<Locked>) -> Ended {
    if let Some(Locked { file }) = locked {
        let _ = part(&file, Span::ALL, None);
        let _ = rustix::fs::flock(&file, FlockOperation::Unlock);
    }
    Ended::plain(Completion::Unlocked)
}

fn claim(
    file: &File,
    path: &Path,
    span: Span,
    sharing: Sharing,
    scope: Scope,
) -> Result<(), Refused> {
    if scope != Scope::Network {
        let about = rustix::fs::fstatfs(file)?;
        if !trust::is_deserved(about.f_type) {
            return Err(Refused::Failed(Fault::LocksUntrusted));
        }
    }
    match (span, sharing) {
        (Span::ALL, Sharing::Exclusive) => whole(file, FlockOperation::NonBlockingLockExclusive)?,
        _ => {
            whole(file, FlockOperation::NonBlockingLockShared)?;
            if let Err(errno) = part(file, span, Some(sharing)) {
                let _ = rustix::fs::flock(file, FlockOperation::Unlock);
                return Err(errno.into());
            }
        }
    }
    // Another file may have taken the place before the lock was there; then it is the next one's turn.
    let locked = rustix::fs::fstat(file)?;
    match rustix::fs::stat(path) {
        Ok(there) if (there.st_dev, there.st_ino) == (locked.st_dev, locked.st_ino) => Ok(()),
        Ok(_) | Err(Errno::NOENT) => Err(Refused::Contended),
        Err(errno) => Err(errno.into()),
    }
}

fn whole(file: &File, operation: FlockOperation) -> Result<(), Errno> {
    loop {
        match rustix::fs::flock(file, operation) {
            Err(Errno::INTR) => {}
            ended => return ended,
        }
    }
}

/// `F_OFD_SETLK` on a range; without a sharing, it is unlocked.
#[cfg(target_os = "linux")]
fn part(file: &File, span: Span, sharing: Option<Sharing>) -> Result<(), Errno> {
    use nix::fcntl::{FcntlArg, fcntl};
    let kind = match sharing {
        Some(Sharing::Exclusive) => libc::F_WRLCK,
        Some(Sharing::Shared) => libc::F_RDLCK,
        None => libc::F_UNLCK,
    };
    // A length of 0 reaches to the end, wherever that will be.
    let len = match span.end {
        end if end > i64::MAX as u64 => 0,
        end => (end - span.start) as i64,
    };
    let range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: i64::try_from(span.start).map_err(|_| Errno::INVAL)?,
        l_len: len,
        l_pid: 0,
    };
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range)) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::EACCES) => return Err(Errno::WOULDBLOCK),
            Err(errno) => return Err(Errno::from_raw_os_error(errno as i32)),
            Ok(_) => return Ok(()),
        }
    }
}

/// Elsewhere only the whole file can be locked: what is shared is shared by `flock` alone.
#[cfg(not(target_os = "linux"))]
fn part(_: &File, span: Span, _: Option<Sharing>) -> Result<(), Errno> {
    match span {
        Span::ALL => Ok(()),
        _ => Err(Errno::NOTSUP),
    }
}

/// Opens the file. One that is not there is made, if all of it is to be locked: it is a lock file, and
/// stays. To lock a part exclusively it has to be open for writing; for the rest reading will do.
fn open(path: &Path, span: Span, sharing: Sharing) -> Result<File, Fault> {
    let plain = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let both = |more: OFlags| match rustix::fs::open(
        path,
        plain | OFlags::RDWR | more,
        Mode::from_raw_mode(0o666),
    ) {
        Err(Errno::ACCESS | Errno::ROFS | Errno::PERM)
            if (span, sharing) == (Span::ALL, Sharing::Exclusive) || sharing == Sharing::Shared =>
        {
            rustix::fs::open(path, plain | OFlags::RDONLY, Mode::empty())
        }
        opened => opened,
    };
    let opened = match both(OFlags::empty()) {
        Err(Errno::NOENT) if is_link(path) => return Err(Fault::Dangling),
        Err(Errno::NOENT) if span == Span::ALL => both(OFlags::CREATE | OFlags::NOFOLLOW),
        Err(Errno::ISDIR) => return Err(Fault::NotAFile(staging_core::NodeKind::Directory)),
        Err(Errno::NXIO) => return Err(Fault::NotAFile(staging_core::NodeKind::Socket)),
        opened => opened,
    };
    let file: File = opened.map_err(|errno| fault_of(&errno.into()))?.into();
    let about = rustix::fs::fstat(&file).map_err(|errno| fault_of(&errno.into()))?;
    super::identity::regular(about.st_mode)?;
    Ok(file)
}

fn is_link(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|about| FileType::from_raw_mode(about.st_mode).is_symlink())
}

/// Whether a file is on a file system that no other machine writes to, as far as can be known.
pub(super) fn is_of_this_machine(file: &File) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|about| trust::is_deserved(about.f_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io;

    /// K1: another file took the place between the open and the lock.
    #[test]
    fn k1_a_lock_on_a_file_that_lost_its_place_counts_for_nothing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("lock");
        let (span, sharing, scope) = (Span::ALL, Sharing::Exclusive, Scope::System);
        let opened =
            || open(&path, span, sharing).map_err(|fault| io::Error::other(format!("{fault:?}")));
        let counts = |file: &File| claim(file, &path, span, sharing, scope).is_ok();
        let old = opened()?;
        assert!(counts(&old));
        rustix::fs::flock(&old, FlockOperation::Unlock)?;
        fs::write(folder.path().join("other"), "")?;
        fs::rename(folder.path().join("other"), &path)?;
        let lost = claim(&old, &path, span, sharing, scope);
        assert!(matches!(lost, Err(Refused::Contended)));
        assert!(counts(&opened()?), "the new one is locked by nobody");
        fs::remove_file(&path)?;
        let gone = claim(&old, &path, span, sharing, scope);
        assert!(matches!(gone, Err(Refused::Contended)));
        Ok(())
    }
}
