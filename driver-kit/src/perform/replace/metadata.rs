//! What a new file takes over from the one whose place it takes: owner, extended attributes (access control
//! lists are among them) and mode, in an order in which it is never open to more people than the old one
//! (A3).

use rustix::fs::{Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Takes over from `before`, which stands under this name in the directory. What this process may not set
/// stays as a new file of its own has it.
///
/// # Errors
/// What the system said, but that it is not permitted, or not kept here.
pub(super) fn keep(
    before: &Stat,
    directory: &File,
    name: &OsStr,
    file: &File,
) -> Result<(), Errno> {
    let new = rustix::fs::fstat(file)?;
    let owner = (before.st_uid != new.st_uid).then(|| Uid::from_raw(before.st_uid));
    let group = (before.st_gid != new.st_gid).then(|| Gid::from_raw(before.st_gid));
    let mut owned = true;
    if owner.is_some() || group.is_some() {
        owned = permitted(rustix::fs::fchown(file, owner, group))?;
        if !owned && group.is_some() {
            // Whoever owns it may give it to a group of his, if not to another owner.
            permitted(rustix::fs::fchown(file, None, group))?;
        }
    }
    attributes(directory, name, file)?;
    // Last: a change of the owner takes setuid and setgid away. They are not given to another's file.
    let mut mode = Mode::from_raw_mode(before.st_mode & 0o7777);
    if !owned {
        mode.remove(Mode::SUID | Mode::SGID);
    }
    permitted(rustix::fs::fchmod(file, mode)).map(|_| ())
}

/// Whether it was done; that it may not be, or is not kept by this file system, is no error.
fn permitted(result: Result<(), Errno>) -> Result<bool, Errno> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
            Ok(false)
        }
        Err(errno) => Err(errno),
    }
}

/// Copies every extended attribute.
///
/// # Errors
/// There are some, or may be, and they cannot be read.
fn attributes(directory: &File, name: &OsStr, file: &File) -> Result<(), Errno> {
    let Some((from, names)) = listed(directory, name)? else {
        return Ok(());
    };
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else {
            continue;
        };
        let mut value = vec![0; 64 << 10];
        match from.get(name, &mut value) {
            Ok(len) => value.truncate(len),
            // Gone meanwhile, or not for this process to see.
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => continue,
            Err(errno) => return Err(errno),
        }
        permitted(rustix::fs::fsetxattr(
            file,
            name,
            &value,
            XattrFlags::empty(),
        ))?;
    }
    Ok(())
}

/// By which way the attributes of the old file are read.
enum Attributed {
    /// By its name, which asks for no permission to read it.
    Named(PathBuf),
    /// Where there is no `/proc`, by a descriptor.
    Open(File),
}

/// The names of all attributes, each with a zero behind it; none if there is no such file any more, or it
/// cannot have any.
fn listed(directory: &File, name: &OsStr) -> Result<Option<(Attributed, Vec<u8>)>, Errno> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    let mut from = Attributed::Named(path);
    let mut listed = from.list();
    if listed == Err(Errno::NOENT) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        from = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
            Ok(open) => Attributed::Open(open.into()),
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        listed = from.list();
    }
    match listed {
        Ok(names) => Ok(Some((from, names))),
        Err(Errno::OPNOTSUPP | Errno::NOENT | Errno::NOSYS) => Ok(None),
        Err(errno) => Err(errno),
    }
}

impl Attributed {
    fn list(&self) -> Result<Vec<u8>, Errno> {
        let mut names = Vec::new();
        let mut room = 4 << 10;
        loop {
            names.resize(room, 0);
            let listed = match self {
                Attributed::Named(path) => rustix::fs::llistxattr(path, &mut names[..]),
                Attributed::Open(open) => rustix::fs::flistxattr(open, &mut names[..]),
            };
            match listed {
                Ok(len) => {
                    names.truncate(len);
                    return Ok(names);
                }
                Err(Errno::RANGE) if room < 1 << 20 => room *= 4,
                Err(errno) => return Err(errno),
            }
        }
    }

    fn get(&self, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Attributed::Named(path) => rustix::fs::lgetxattr(path, name, value),
            Attributed::Open(open) => rustix::fs::fgetxattr(open, name, value),
        }
    }
}
