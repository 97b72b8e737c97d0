//! Where the rig works: a directory in memory, among mounts that nobody else sees, so that nothing of it
//! is left when its process ends, however that ends.

use super::command::run;
use super::kind::Kind;
use super::mounted::Mounted;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Set in the process that has mounts of its own.
const OWN_MOUNTS: &str = "STAGING_RIG_OWN_MOUNTS";

/// Everything of one process.
#[derive(Debug)]
pub struct House {
    directory: TempDir,
    program: PathBuf,
    rooms: AtomicU32,
}

/// What one case has for itself.
#[derive(Debug)]
pub struct Room {
    directory: PathBuf,
    program: PathBuf,
}

/// Whether this process may go on.
#[derive(Debug)]
pub enum Entered {
    /// Here is where it works.
    House(House),
    /// Another process, with mounts of its own, did all of it, or nothing can be done here, and that was said.
    Ended(ExitCode),
}

impl House {
    /// Begins the program anew with mounts of its own, unless this is that one. `program` is the disk's.
    pub fn enter(program: &str) -> Entered {
        if std::env::var_os(OWN_MOUNTS).is_none() {
            return Entered::Ended(with_own_mounts());
        }
        match House::build(program) {
            Ok(house) => Entered::House(house),
            Err(why) => Entered::Ended(skipped(&why)),
        }
    }

    fn build(program: &str) -> Result<House, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let at = directory.path().display().to_string();
        run("mount", &["-t", "tmpfs", "-o", "size=3g", "tmpfs", &at])?;
        Ok(House {
            directory,
            program: program.into(),
            rooms: AtomicU32::new(0),
        })
    }

    /// A room that nobody else has.
    ///
    /// # Errors
    /// What the system said.
    pub fn room(&self) -> io::Result<Room> {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.path().join(number.to_string());
        fs::create_dir(&directory)?;
        Ok(Room {
            directory,
            program: self.program.clone(),
        })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = run(
            "umount",
            &["-l".as_ref(), self.directory.path().as_os_str()],
        );
    }
}

impl Room {
    /// A name in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The disk's program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A new file system, mounted here, on a disk that keeps no log.
    ///
    /// # Errors
    /// What is missing, or what the system said.
    pub fn mounted(&self, kind: Kind) -> Result<Mounted, String> {
        let image = self.path("image");
        kind.make(&image)?;
        Mounted::new(kind, &image, &self.path("at"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The kinds of file systems that can be made and mounted here. Of the others it is said why not.
pub fn kinds_to_be_had(house: &House) -> Vec<Kind> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.retain(|kind| {
        let had = to_be_had(house, *kind);
        if let Err(why) = &had {
            say(&format!("skipped: {}: {why}", kind.name()));
        }
        had.is_ok()
    });
    kinds
}

/// Why no file system of this kind can be made and mounted here; `Ok` if one can.
fn to_be_had(house: &House, kind: Kind) -> Result<(), String> {
    for device in ["/dev/fuse", "/dev/loop-control"] {
        File::options()
            .read(true)
            .write(true)
            .open(device)
            .map_err(|error| format!("{device}: {error}"))?;
    }
    let room = house.room().map_err(|error| error.to_string())?;
    super::disk::LoggedDisk::new(&room, kind)?.end().map(|_| ())
}

fn with_own_mounts() -> ExitCode {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root may mount");
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return skipped(&error.to_string()),
    };
    let may = run("unshare", &["--mount", "--propagation", "private", "true"]);
    if let Err(why) = may {
        return skipped(&format!("no mounts of its own are to be had: {why}"));
    }
    let ended = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(OWN_MOUNTS, "1")
        .status();
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => skipped(&error.to_string()),
    }
}

/// Says that nothing was done, and why. It is no failure.
fn skipped(why: &str) -> ExitCode {
    say(&format!(
        "skipped: the rig needs root, mounts, FUSE and loop devices: {why}"
    ));
    ExitCode::SUCCESS
}

/// A line for whoever looks on.
pub fn say(line: &str) {
    // Whoever does not look on need not.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
