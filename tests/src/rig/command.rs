//! Programs of the system that mount, attach and make file systems. None of them is waited for without end.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// After this a program hangs.
const PATIENCE: &str = "60";

/// One at a time: until a child has become its program it holds all files open that its parent had, and
/// nothing that they are on can be unmounted.
static SPAWNING: Mutex<()> = Mutex::new(());

/// Starts a program; when this returns, it is that program.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let _alone = SPAWNING.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Runs a program; what it wrote to standard output.
///
/// # Errors
/// It is not here, hangs, or failed: the whole line and what it said.
pub fn run<W: AsRef<OsStr>>(program: &str, words: &[W]) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", PATIENCE, program]).args(words);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = spawn(&mut command)
        .and_then(Child::wait_with_output)
        .map_err(|error| format!("{command:?}: {error}"))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
    Err(format!("{command:?}: {}: {said}", ended.status))
}
