//! One run of one instrument on the copy.

use crate::fault::Finder;
use crate::tree::Tree;
use rustix::process::{Pid, Signal, kill_process_group};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take. One that takes longer has found nothing.
const LIMIT: Duration = Duration::from_secs(300);
/// How long a build may take.
const LIMIT_OF_BUILDS: Duration = Duration::from_secs(1800);

/// What came of it.
pub(crate) struct Run {
    pub(crate) verdict: Verdict,
    /// Of the run, without the build.
    pub(crate) seconds: f64,
    /// What it said.
    pub(crate) log: PathBuf,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Tests ran, and all of them passed.
    Passed,
    /// A test failed.
    Failed,
    /// The filter chose no test.
    Idle,
    /// It had to be stopped.
    Endless,
    /// The tree does not compile.
    Unbuilt,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Idle => "has no such test",
            Verdict::Endless => "did not end in time",
            Verdict::Unbuilt => "does not compile",
        })
    }
}

/// Builds and runs an instrument on the copy as it is now.
///
/// # Errors
/// Cargo cannot be started, or the log not be written.
pub(crate) fn run(tree: &Tree, finder: &Finder, on: &str) -> Result<Run, Box<dyn Error>> {
    let log = tree.log(&format!(
        "{on}.{}.txt",
        finder.to_string().replace(' ', ".")
    ));
    let mut cargo = cargo(tree, finder);
    cargo.arg("--no-run");
    let built = ended(cargo, &log, LIMIT_OF_BUILDS)?;
    if !built.is_some_and(|status| status.success()) {
        return Ok(Run {
            verdict: Verdict::Unbuilt,
            seconds: 0.0,
            log,
        });
    }
    let mut cargo = self::cargo(tree, finder);
    cargo
        .arg("--")
        .args(&finder.filter)
        .args(finder.instrument.words);
    let began = Instant::now();
    let status = ended(cargo, &log, LIMIT)?;
    let seconds = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let verdict = match status {
        None => Verdict::Endless,
        Some(_) if finder.filter.is_some() && !ran_something(&said) => Verdict::Idle,
        Some(status) if status.success() => Verdict::Passed,
        Some(_) => Verdict::Failed,
    };
    Ok(Run {
        verdict,
        seconds,
        log,
    })
}

fn cargo(tree: &Tree, finder: &Finder) -> Command {
    let instrument = finder.instrument;
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "test",
            "--release",
            "-p",
            instrument.package,
            "--test",
            instrument.test,
        ])
        .current_dir(tree.copied())
        .env(
            "CARGO_TARGET_DIR",
            tree.builds(instrument.model.unwrap_or("plain")),
        )
        .env("RUST_BACKTRACE", "0")
        // One line changes from build to build.
        .env("CARGO_INCREMENTAL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env_remove("RUSTFLAGS");
    cargo.envs(instrument.setting);
    if let Some(model) = instrument.model {
        cargo.env("RUSTFLAGS", format!("--cfg {model}"));
    }
    cargo
}

/// Both kinds of test programs say first how many tests they run.
fn ran_something(said: &str) -> bool {
    said.lines()
        .filter_map(|line| line.strip_prefix("running "))
        .any(|rest| !rest.starts_with("0 "))
}

/// Runs it to its end; `None` if it had to be stopped, with whatever it had started.
fn ended(
    mut command: Command,
    log: &Path,
    limit: Duration,
) -> Result<Option<ExitStatus>, Box<dyn Error>> {
    let said = File::create(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said)
        .process_group(0)
        .spawn()?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || tell.send(child.wait()));
    let status = match told.recv_timeout(limit) {
        Ok(status) => Some(status?),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            kill_process_group(group, Signal::KILL)?;
            None
        }
    };
    let _ = waiting.join();
    Ok(status)
}

/// A run of nothing is not a run that passed.
#[test]
fn a_filter_that_chooses_nothing_is_seen() {
    assert!(!ran_something("running 0 tests\n\nrunning 0 tests\n"));
    assert!(ran_something("running 0 tests\n\nrunning 1 test\n"));
    assert!(!ran_something("error: no test target named `x`\n"));
}
