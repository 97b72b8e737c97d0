//! One absolute path for each file, however it was spelled (G11).
//!
//! [`absolute`] makes a path absolute without asking the disk where that is not needed: `~` and
//! the current directory are put in front, `.` is dropped; only `..` has to be looked up, because
//! what stands before it may be a symbolic link. Links in the rest are found by the open itself,
//! which is told to refuse them: only then is the path resolved, and opened by what it led to. So
//! a path without links costs no extra system call, and what is shown is where the file is.

use crate::error::{Cause, Failure, Operation, fault_of};
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Where relative paths begin: the current directory, asked once for many paths.
#[derive(Clone, Debug)]
pub struct Here {
    current: PathBuf,
    home: Option<PathBuf>,
}

impl Here {
    /// Asks for the current directory and for `HOME`.
    ///
    /// # Errors
    /// The current directory was removed or may not be read (`getcwd`).
    pub fn now() -> io::Result<Here> {
        Ok(Here {
            current: std::env::current_dir()?,
            home: home(),
        })
    }

    /// The absolute form of a path: no `~` at its start, no `.`, no `..`.
    ///
    /// # Errors
    /// An empty path is ENOENT, as the system has it. `..` behind something that is not there, or
    /// is not a directory, is what `realpath` says of it. `~` without an absolute `HOME` is
    /// ENOENT.
    pub fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        let current = || Ok(self.current.clone());
        absolute_from(path, current, || self.home.clone())
    }
}

/// `HOME`, if it is absolute.
fn home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    home.filter(|home| home.is_absolute())
}

/// Asks only for what the path begins with.
fn absolute_from(
    path: &Path,
    current: impl FnOnce() -> io::Result<PathBuf>,
    home: impl FnOnce() -> Option<PathBuf>,
) -> io::Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(rustix::io::Errno::NOENT.into());
    }
    let mut components = path.components().peekable();
    let mut whole = match components.peek() {
        Some(Component::Normal(first)) if *first == OsStr::new("~") => {
            components.next();
            home().ok_or(rustix::io::Errno::NOENT)?
        }
        Some(Component::RootDir | Component::Prefix(_)) => PathBuf::new(),
        _ => current()?,
    };
    for component in components {
        match component {
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                whole.push(component);
            }
            Component::CurDir => {}
            Component::ParentDir => {
                // The dot makes a file that stands there an error, as for the system.
                whole = whole.join(".").canonicalize()?;
                whole.pop();
            }
        }
    }
    Ok(whole)
}

/// The absolute form of one path that is to be opened; see [`Here::absolute`].
///
/// # Errors
/// As [`Here::absolute`]; where the path is relative, as [`Here::now`], too. With the path as it was given.
pub fn absolute(path: &Path) -> Result<Arc<Path>, Failure> {
    match absolute_from(path, std::env::current_dir, home) {
        Ok(whole) => Ok(whole.into()),
        Err(error) => Err(refused(path.into(), &error)),
    }
}

/// The failed open of a path that has no absolute form.
pub(crate) fn refused(path: Arc<Path>, error: &io::Error) -> Failure {
    let cause = Cause::Fault(fault_of(error));
    Failure {
        operation: Operation::Open,
        path,
        cause,
    }
}
