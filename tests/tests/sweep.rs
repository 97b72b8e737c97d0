//! A2: a process is killed while it replaces a file; the next one that replaces a file there sweeps what is
//! left.

use std::error::Error;
use std::process::{Command, Stdio};
use std::{env, fs};

/// In the child: a replace whose name is never given.
const CHILD: &str = "STAGING_SWEEP_CHILD";

#[test]
fn what_a_killed_process_leaves_is_swept() -> Result<(), Box<dyn Error>> {
    use driver_blocking::{ActionKind, Stager};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    if let Some(folder) = env::var_os(CHILD) {
        let stager = Stager::new();
        let steps = AtomicU32::new(0);
        let handler = Arc::new(move |job, next: &dyn Fn(_) -> _| {
            if steps.fetch_add(1, Ordering::Relaxed) == 2 {
                std::process::abort();
            }
            next(job)
        });
        stager.handlers().set(ActionKind::Replace, handler);
        let path = std::path::Path::new(&folder).join("file");
        stager.replace(path, "never").commit()?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("file"), "old")?;
    let child = Command::new(env::current_exe()?)
        .arg("what_a_killed_process_leaves_is_swept")
        .env(CHILD, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    assert!(!child.success());
    assert_eq!(fs::read_dir(folder.path())?.count(), 2, "it left nothing");
    assert_eq!(fs::read(folder.path().join("file"))?, b"old");
    Stager::new()
        .replace(folder.path().join("other"), "new")
        .commit()?;
    // Where the machine does not say who it is, nobody can tell whose it is.
    let known = fs::read_to_string("/etc/machine-id").is_ok_and(|id| !id.trim().is_empty());
    let left = if known { 2 } else { 3 };
    assert_eq!(fs::read_dir(folder.path())?.count(), left);
    Ok(())
}
