//! R9: whatever interrupts a system call (EINTR), it is carried through. `strace` interrupts.

use driver_blocking::{Deadline, Mode, Stager};
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

type Proof = Result<(), Box<dyn std::error::Error>>;

const PLACE: &str = "STAGING_TEST_INTERRUPTED";
const LEN: usize = 50_000;

/// In a process of its own, every second of these calls on the file fails with EINTR.
#[test]
fn interrupted_calls_are_carried_through() -> Proof {
    if let Some(place) = env::var_os(PLACE) {
        return reads_and_writes(Path::new(&place));
    }
    let dir = tempfile::tempdir()?;
    let (path, log) = (dir.path().join("file"), dir.path().join("log"));
    std::fs::write(&path, vec![7; LEN])?;
    let ended = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg("-P")
        .arg(&path)
        .args(["-e", "inject=pread64,pwrite64:error=EINTR:when=1+2"])
        .arg(env::current_exe()?)
        .args(["--exact", "interrupted_calls_are_carried_through"])
        .env(PLACE, &path)
        .stdout(Stdio::null())
        .status();
    let ended = match ended {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return skipped("there is no strace here");
        }
        ended => ended?,
    };
    let log = std::fs::read_to_string(log)?;
    if log.is_empty() {
        return skipped("strace may not trace here");
    }
    assert!(ended.success(), "{log}");
    for call in ["pread64", "pwrite64"] {
        let interrupted = |line: &&str| line.contains(call) && line.contains("(INJECTED)");
        assert!(log.lines().filter(interrupted).count() > 0, "{call}: {log}");
    }
    Ok(())
}

fn reads_and_writes(path: &Path) -> Proof {
    let stager = Stager::new();
    let mut buffer = vec![0; LEN];
    for mode in [Mode::None, Mode::Load] {
        let file = stager.options().mode(mode).open(path)?;
        assert_eq!(file.read_at(&mut buffer, 0)?, LEN);
        assert!(buffer == [7; LEN]);
    }
    let file = stager.options().write(true).open(path)?;
    for _ in 0..3 {
        file.write_at(&[8; LEN], 0)?;
    }
    file.sync(Deadline::Never)?;
    assert_eq!(file.read_at(&mut buffer, 0)?, LEN);
    assert!(buffer == [8; LEN]);
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "what was not proven must not pass unseen"
)]
fn skipped(why: &str) -> Proof {
    eprintln!("skipped: {why}");
    Ok(())
}
