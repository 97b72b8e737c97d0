//! A file system in a file, mounted; and gone again, whatever happens.

use super::command::run;
use super::kind::Kind;
use crate::conformance::wait_for;
use std::fs;
use std::path::{Path, PathBuf};

/// How the loop device reaches the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Through the page cache.
    Cached,
    /// Every block as it comes.
    Direct,
}

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
    pub fn new(kind: Kind, image: &Path, reach: Reach, at: &Path) -> Result<Mounted, String> {
        fs::create_dir_all(at).map_err(|error| format!("{}: {error}", at.display()))?;
        let (image, place) = (image.display().to_string(), at.display().to_string());
        let direct = match reach {
            Reach::Cached => "--direct-io=off",
            Reach::Direct => "--direct-io=on",
        };
        let device = run("losetup", &["--find", "--show", direct, &image])?;
        let mounted = run("mount", &["-t", kind.name(), &device, &place]);
        // The device goes when it is unmounted, by whomever; at once where it is not mounted.
        let detached = run("losetup", &["--detach", &device]);
        mounted?;
        let mounted = Mounted {
            at: at.to_owned(),
            state: State::Mounted,
        };
        detached?;
        Ok(mounted)
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
        // Where it cannot be unmounted now, it is as soon as nobody uses it. Its device goes with it, and
        // its number may be another's by then.
        if run("umount", &[&self.at]).is_err() {
            let _ = run("umount", &["-l".as_ref(), self.at.as_os_str()]);
        }
    }
}
