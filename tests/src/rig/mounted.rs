//! A file system in a file, mounted; and gone again, whatever happens.

use super::command::run;
use super::kind::Kind;
use crate::conformance::wait_for;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// It is there until this is dropped.
#[derive(Debug)]
pub struct Mounted {
    at: PathBuf,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Mounted,
    Gone,
}

impl Mounted {
    /// Mounts the file system that is in a file, on a directory that is made if it is not there.
    ///
    /// # Errors
    /// There is no loop device, or it cannot be mounted.
    pub fn new(kind: Kind, image: &Path, at: &Path) -> Result<Mounted, String> {
        fs::create_dir_all(at).map_err(|error| format!("{}: {error}", at.display()))?;
        // By one call, so that the loop device never is without a mount, with which it goes.
        let words = ["-t", kind.name(), "-o", kind.options()].map(OsStr::new);
        run(
            "mount",
            &[&words[..], &[image.as_os_str(), at.as_os_str()]].concat(),
        )?;
        Ok(Mounted {
            at: at.to_owned(),
            state: State::Mounted,
        })
    }

    /// Where.
    pub fn at(&self) -> &Path {
        &self.at
    }

    /// Mounts it anew in another way, such as read-only.
    ///
    /// # Errors
    /// What `mount` said.
    pub fn remount(&self, options: &str) -> Result<(), String> {
        let at = self.at.display().to_string();
        run("mount", &["-o", &format!("remount,{options}"), &at]).map(|_| ())
    }

    /// Writes everything back, and takes it away. A worker that was just told to leave may have a directory
    /// open for a moment yet.
    ///
    /// # Errors
    /// It is in use.
    pub fn unmount(mut self) -> Result<(), String> {
        let what = format!("nothing is open beneath {}", self.at.display());
        wait_for(&what, || !is_open_beneath(&self.at)).map_err(|error| error.to_string())?;
        run("umount", &[&self.at])?;
        self.state = State::Gone;
        Ok(())
    }
}

/// Whether this process has something open there.
fn is_open_beneath(at: &Path) -> bool {
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let mut leads = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    leads.any(|lead| lead.starts_with(at))
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.state == State::Gone {
            return;
        }
        // Where it cannot be unmounted now, it is as soon as nobody uses it. Its device goes with it.
        if run("umount", &[&self.at]).is_err() {
            let _ = run("umount", &["-l".as_ref(), self.at.as_os_str()]);
        }
    }
}
