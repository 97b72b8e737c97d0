//! Opening without surprises: no hang on a pipe, no link unnoticed, no directory taken for a file.

use super::load::outlast_writes;
use super::{identity, read_full, stamp_of};
use crate::contents::{Contents, Memory};
use crate::error::fault_of;
use crate::job::{Brought, Ended};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use staging_core::{Access, Completion, Fault, Key, Missing, NodeKind, Stamp};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// An open regular file, and what it is.
struct Opened {
    descriptor: File,
    key: Key,
    stamp: Stamp,
    real: Option<Arc<Path>>,
}

/// For what, and what if there is nothing.
#[derive(Clone, Copy)]
struct How {
    access: Access,
    missing: Missing,
}

/// `openat2`, `statx`: a regular file to look at, and where it really is, if links led to it.
pub(crate) fn look_at(path: &Path) -> Result<(File, Stamp, Option<Arc<Path>>), Fault> {
    let (access, missing) = (Access::Read, Missing::Fail);
    let opened = open_regular(path, How { access, missing })?;
    Ok((opened.descriptor, opened.stamp, opened.real))
}

/// `openat2`, `statx`.
pub(super) fn open(path: &Path, access: Access, missing: Missing) -> Ended {
    match open_regular(path, How { access, missing }) {
        Ok(opened) => keep_open(opened),
        Err(fault) => Ended::plain(Completion::Failed { fault }),
    }
}

/// `openat2`, `statx`, `lseek`, `pread`, `fstat`, `close`: a small file, whole, in one go. What is longer
/// than `up_to`, or changed meanwhile, is only opened.
pub(super) fn fetch(path: &Path, missing: Missing, up_to: u64, memory: &Arc<Memory>) -> Ended {
    let access = Access::Read;
    let opened = match open_regular(path, How { access, missing }) {
        Ok(opened) => opened,
        Err(fault) => return Ended::plain(Completion::Failed { fault }),
    };
    if opened.stamp.len > up_to {
        return keep_open(opened);
    }
    match load_whole(&opened, memory) {
        Ok(Loaded::Same(contents)) => {
            let Opened {
                key, stamp, real, ..
            } = opened;
            let completion = Completion::Fetched { key, stamp };
            Ended {
                completion,
                brought: Brought::Contents { contents, real },
            }
        }
        Ok(Loaded::Changed(stamp)) => keep_open(Opened { stamp, ..opened }),
        Err(fault) => Ended::plain(Completion::Failed { fault }),
    }
}

fn keep_open(opened: Opened) -> Ended {
    let Opened {
        descriptor,
        key,
        stamp,
        real,
    } = opened;
    let completion = Completion::Opened { key, stamp };
    Ended {
        completion,
        brought: Brought::Descriptor { descriptor, real },
    }
}

enum Loaded {
    Same(Contents),
    Changed(Stamp),
}

/// Loads the file and looks whether it is still the one that was opened (G5).
///
/// # Errors
/// What the system said; `Unsized` if the file has other bytes than its length says.
fn load_whole(opened: &Opened, memory: &Arc<Memory>) -> Result<Loaded, Fault> {
    if opened.stamp.len == 0 {
        return confirm_empty(opened);
    }
    let fault = |error: io::Error| fault_of(&error);
    let len = usize::try_from(opened.stamp.len).map_err(|_| fault(Errno::FBIG.into()))?;
    let mut block = memory.take(len).map_err(fault)?;
    outlast_writes(&opened.descriptor);
    let filled = read_full(&opened.descriptor, &mut block, 0).map_err(fault)?;
    let after = stamp_of(&opened.descriptor).map_err(fault)?;
    if after != opened.stamp {
        Ok(Loaded::Changed(after))
    } else if filled < len {
        Err(Fault::Unsized)
    } else {
        Ok(Loaded::Same(Contents::Loaded(block.freeze(len))))
    }
}

/// A file of length 0 may have bytes all the same: those that the kernel makes up as they are
/// read say nothing of their length.
fn confirm_empty(opened: &Opened) -> Result<Loaded, Fault> {
    let fault = |error: io::Error| fault_of(&error);
    if read_full(&opened.descriptor, &mut [0], 0).map_err(fault)? == 0 {
        return Ok(Loaded::Same(Contents::Empty));
    }
    match stamp_of(&opened.descriptor).map_err(fault)? {
        after if after == opened.stamp => Err(Fault::Unsized),
        after => Ok(Loaded::Changed(after)),
    }
}

/// Opens a regular file by the one path that leads to it without links.
fn open_regular(path: &Path, how: How) -> Result<Opened, Fault> {
    let (descriptor, real) = match open_without_links(path, how) {
        Ok(descriptor) => (descriptor, None),
        Err(Errno::LOOP) => {
            let real = resolve(path, how.missing)?;
            let descriptor = open_without_links(&real, how).map_err(|e| refused(&real, e))?;
            (descriptor, Some(real))
        }
        Err(errno) => return Err(refused(path, errno)),
    };
    let (key, stamp) = identity::of(&descriptor)?;
    Ok(Opened {
        descriptor,
        key,
        stamp,
        real,
    })
}

/// `openat2`, refusing every symbolic link (ELOOP). Without blocking on a pipe that nobody writes
/// to, and without taking a terminal.
fn open_without_links(path: &Path, how: How) -> Result<File, Errno> {
    let mut flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    flags |= match how.access {
        Access::Read => OFlags::RDONLY,
        // What is written through is made durable by syncs that many writes share.
        Access::Write | Access::WriteThrough | Access::WriteBehind => OFlags::RDWR,
    };
    flags |= match how.missing {
        Missing::Fail => OFlags::empty(),
        Missing::Create => OFlags::CREATE,
        Missing::CreateNew => OFlags::CREATE | OFlags::EXCL,
    };
    let mode = match how.missing {
        Missing::Fail => Mode::empty(),
        Missing::Create | Missing::CreateNew => Mode::from_raw_mode(0o666),
    };
    loop {
        let opened = rustix::fs::openat2(
            rustix::fs::CWD,
            path,
            flags,
            mode,
            ResolveFlags::NO_SYMLINKS,
        );
        match opened {
            Ok(descriptor) => return Ok(File::from(descriptor)),
            Err(Errno::INTR) => {}
            // A lease of another process is being broken: this open may wait for it.
            Err(Errno::AGAIN) if flags.contains(OFlags::NONBLOCK) && is_regular(path) => {
                flags -= OFlags::NONBLOCK;
            }
            // A kernel or a sandbox without openat2: links are looked for by hand.
            Err(Errno::NOSYS | Errno::PERM) if !has_links(path) => {
                return rustix::fs::open(path, flags, mode).map(File::from);
            }
            Err(Errno::NOSYS) => return Err(Errno::LOOP),
            Err(errno) => return Err(errno),
        }
    }
}

fn is_regular(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file())
}

fn has_links(path: &Path) -> bool {
    path.canonicalize().map_or(true, |real| real != path)
}

/// Where a path over links leads. A link to nothing is told apart from nothing (G11).
fn resolve(path: &Path, missing: Missing) -> Result<Arc<Path>, Fault> {
    match path.canonicalize() {
        Ok(_) if missing == Missing::CreateNew => Err(fault_of(&Errno::EXIST.into())),
        Ok(real) => Ok(real.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match missing {
            Missing::Fail if is_link(path) => Err(Fault::Dangling),
            Missing::Fail => Err(fault_of(&error)),
            Missing::Create | Missing::CreateNew => resolve_parent(path),
        },
        Err(error) => Err(fault_of(&error)),
    }
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink())
}

/// Where a file is to be created: its directory resolved, its name kept. Not through a link that
/// dangles, which would create a file somewhere else.
fn resolve_parent(path: &Path) -> Result<Arc<Path>, Fault> {
    if is_link(path) {
        return Err(Fault::Dangling);
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::NotAFile(NodeKind::Directory));
    };
    let parent = parent.canonicalize().map_err(|error| fault_of(&error))?;
    Ok(parent.join(name).into())
}

/// What a refused open says about what stands there.
fn refused(path: &Path, errno: Errno) -> Fault {
    match errno {
        Errno::ISDIR => Fault::NotAFile(NodeKind::Directory),
        // What a socket answers to an open; a pipe or a device without a driver may, too.
        Errno::NXIO => match rustix::fs::lstat(path) {
            Ok(about) => identity::regular(about.st_mode)
                .err()
                .unwrap_or(Fault::Os(errno.raw_os_error())),
            Err(_) => Fault::Os(errno.raw_os_error()),
        },
        errno => Fault::Os(errno.raw_os_error()),
    }
}
