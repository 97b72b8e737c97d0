//! Clones of files that have no name: nobody else can open them, so nobody else can write to them.

use rustix::fs::{CWD, Mode, OFlags, fstat, ioctl_ficlone, openat};
use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

/// A clone of a file as it was at one moment, without a name and never to get one. It goes when its
/// last mapping does.
#[derive(Debug)]
pub struct Nameless(File);

impl Nameless {
    /// A clone of the file that is open there: `openat` with `O_TMPFILE`, `FICLONE`, `fstat`. It
    /// shares the file's blocks until somebody writes to that. The kernel lets no write in between.
    ///
    /// `None` where there can be none: the file system makes no clones, its directory may not be
    /// written to, or the file has another length by now.
    pub fn of(path: &Path, file: &File, len: u64) -> Option<Nameless> {
        let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let clone = openat(CWD, path.parent()?, flags, Mode::RUSR | Mode::WUSR).ok()?;
        ioctl_ficlone(&clone, file).ok()?;
        let has = u64::try_from(fstat(&clone).ok()?.st_size).ok()?;
        (has == len).then(|| Nameless(clone.into()))
    }
}

impl AsFd for Nameless {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
