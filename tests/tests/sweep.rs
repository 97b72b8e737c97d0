//! A2: a process is killed while it replaces a file; the next one that replaces a file there sweeps what is
//! left, and so does who asks for that.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// What a driver has of it.
type Sweep<'a> = &'a dyn Fn(&Path) -> io::Result<u64>;

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
    let folder = left()?;
    Stager::new()
        .replace(folder.path().join("other"), "new")
        .commit()?;
    let left = if is_known() { 2 } else { 3 };
    assert_eq!(fs::read_dir(folder.path())?.count(), left);
    Ok(())
}

#[test]
fn what_a_killed_process_leaves_is_swept_on_request() -> Result<(), Box<dyn Error>> {
    let blocking = driver_blocking::Stager::new();
    let smol = driver_smol::Stager::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let tokio = runtime.block_on(async { driver_tokio::Stager::new() })?;
    let sweeps: [Sweep<'_>; 3] = [
        &|folder| blocking.sweep(folder),
        &|folder| runtime.block_on(tokio.sweep(folder)),
        &|folder| smol::block_on(smol.sweep(folder)),
    ];
    for sweep in sweeps {
        let folder = left()?;
        fs::write(folder.path().join(".staging-of-somebody-else"), "kept")?;
        assert_eq!(sweep(folder.path())?, u64::from(is_known()));
        assert_eq!(sweep(folder.path())?, 0);
        assert_eq!(fs::read(folder.path().join("file"))?, b"old");
        assert!(folder.path().join(".staging-of-somebody-else").exists());
        let nowhere = folder.path().join("nowhere");
        let Err(error) = sweep(&nowhere) else {
            return Err("it swept nothing".into());
        };
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let message = error.to_string();
        let named = message.starts_with("sweep ") && message.contains("nowhere");
        assert!(named, "{message}");
    }
    Ok(())
}

/// A directory in which a process was killed.
fn left() -> Result<tempfile::TempDir, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("file"), "old")?;
    let child = Command::new(env::current_exe()?)
        .args(["--exact", "what_a_killed_process_leaves_is_swept"])
        .env(CHILD, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    assert!(!child.success());
    assert_eq!(fs::read_dir(folder.path())?.count(), 2, "it left nothing");
    assert_eq!(fs::read(folder.path().join("file"))?, b"old");
    Ok(folder)
}

/// Where the machine does not say who it is, nobody can tell whose it is.
fn is_known() -> bool {
    fs::read_to_string("/etc/machine-id").is_ok_and(|id| !id.trim().is_empty())
}
