//! What a new file takes over from the one whose place it takes: owner, extended attributes (access control
//! lists are among them) and mode, in an order in which it is never open to more people than the old one
//! (A3).

use rustix::fs::{Gid, Mode, Stat, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::os::fd::AsRawFd;

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
fn attributes(directory: &File, name: &OsStr, file: &File) -> Result<(), Errno> {
    let path =
        std::path::PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    let mut names = Vec::new();
    match list(&path, &mut names) {
        Ok(()) => {}
        Err(Errno::OPNOTSUPP | Errno::NOENT | Errno::NOSYS) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else {
            continue;
        };
        let mut value = vec![0; 64 << 10];
        match rustix::fs::lgetxattr(&path, name, &mut value[..]) {
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

/// The names of all, each with a zero behind it.
fn list(path: &std::path::Path, names: &mut Vec<u8>) -> Result<(), Errno> {
    let mut room = 4 << 10;
    loop {
        names.resize(room, 0);
        match rustix::fs::llistxattr(path, &mut names[..]) {
            Ok(len) => {
                names.truncate(len);
                return Ok(());
            }
            Err(Errno::RANGE) if room < 1 << 20 => room *= 4,
            Err(errno) => return Err(errno),
        }
    }
}
