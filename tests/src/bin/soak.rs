//! Every instrument for a share of a long time: `cargo run --release -p tests --bin soak -- 480`
//! takes eight hours.
//!
//! The time is in minutes. An instrument that is at work when its share is over is stopped, and that
//! is well; one that fails before ends the soak with status 1, and says how to see it again.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

use rustix::process::{Pid, Signal, kill_process_group};
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long it takes unless told otherwise, in minutes.
const MINUTES: u64 = 60;

/// An instrument, and how it is told to go on for long.
struct Instrument {
    name: &'static str,
    arguments: &'static [&'static str],
    settings: &'static [(&'static str, &'static str)],
}

const INSTRUMENTS: [Instrument; 8] = [
    Instrument {
        name: "explore",
        arguments: &["-p", "tests", "--test", "explore", "--", "--large"],
        settings: &[],
    },
    Instrument {
        name: "histories",
        arguments: &["-p", "tests", "--test", "core_histories"],
        settings: &[("SEEDS", "1000000000")],
    },
    Instrument {
        name: "sim",
        arguments: &["-p", "tests", "--test", "simulation"],
        settings: &[("SIM_SEEDS", "1000000000")],
    },
    Instrument {
        name: "model",
        arguments: &["-p", "tests", "--test", "model"],
        settings: &[("MODEL_SEEDS", "1000000000")],
    },
    Instrument {
        name: "loom",
        arguments: &[
            "-p",
            "driver-kit",
            "--target-dir",
            "target/loom",
            "--test",
            "*loom*",
        ],
        settings: &[
            ("RUSTFLAGS", "--cfg staging_loom"),
            ("LOOM_MAX_PREEMPTIONS", "5"),
        ],
    },
    Instrument {
        name: "shuttle",
        arguments: &[
            "-p",
            "driver-kit",
            "--target-dir",
            "target/shuttle",
            "--test",
            "shuttle",
        ],
        settings: &[
            ("RUSTFLAGS", "--cfg staging_shuttle"),
            ("SCHEDULES", "100000000"),
        ],
    },
    Instrument {
        name: "conformance",
        arguments: &["-p", "tests", "--test", "conformance_*"],
        settings: &[],
    },
    Instrument {
        name: "rig",
        arguments: &["-p", "tests", "--test", "rig_power"],
        settings: &[("RIG_ROUNDS", "1000000000")],
    },
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let minutes = match std::env::args().nth(1) {
        Some(minutes) => minutes.parse()?,
        None => MINUTES,
    };
    let share = Duration::from_secs(minutes * 60) / INSTRUMENTS.len() as u32;
    let mut broken = Vec::new();
    for instrument in &INSTRUMENTS {
        // Building is not soaking.
        if !instrument.command(&["--no-run"]).status()?.success() {
            return Err(format!("{} does not compile", instrument.name).into());
        }
        let well = instrument.soak(share)?;
        println!(
            "soak: {}: {}",
            instrument.name,
            if well { "well" } else { "FAILED" }
        );
        if !well {
            broken.push(instrument.name);
        }
    }
    println!(
        "soak: minutes={minutes} instruments={} failed={}",
        INSTRUMENTS.len(),
        broken.len()
    );
    Ok(ExitCode::from(u8::from(!broken.is_empty())))
}

impl Instrument {
    fn command(&self, more: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["test", "--release"])
            .args(more)
            .args(self.arguments);
        cargo.envs(self.settings.iter().copied());
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        cargo
    }

    /// Again and again until its share is over. Says whether it never failed.
    fn soak(&self, share: Duration) -> Result<bool, Box<dyn Error>> {
        let end = Instant::now() + share;
        let mut well = true;
        while well && Instant::now() < end {
            // A group of its own, so that what cargo starts is stopped with it.
            let child = self.command(&[]).process_group(0).spawn()?;
            well = until(child, end)?.unwrap_or(true);
        }
        Ok(well)
    }
}

/// Whether it ended well; nothing where it had to be stopped.
fn until(mut child: Child, end: Instant) -> Result<Option<bool>, Box<dyn Error>> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, heard) = channel();
    let waiting = thread::spawn(move || {
        // Nobody listens any more where it was stopped.
        let _ = ended.send(child.wait().map(|status| status.success()));
    });
    let verdict = match heard.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(well) => Some(well?),
        Err(RecvTimeoutError::Timeout) => {
            if let Some(group) = group {
                kill_process_group(group, Signal::KILL)?;
            }
            None
        }
        Err(RecvTimeoutError::Disconnected) => return Err("nobody waits for it".into()),
    };
    waiting.join().map_err(|_| "the wait for it panicked")?;
    Ok(verdict)
}
