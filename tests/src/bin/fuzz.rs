//! Every fuzz target for so many seconds: `cargo run -p tests --bin fuzz -- 60`.
//!
//! Ends with a line of figures, and with status 0 only if no target failed. Where there is no nightly
//! toolchain or no cargo-fuzz, it says so and that nothing was done.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures are printed, and what the fuzzer says is passed on"
)]

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use tests::fuzzed::TARGETS;

/// How long each target runs unless told otherwise, in seconds.
const SECONDS: u64 = 30;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seconds = match env::args().nth(1) {
        Some(seconds) => seconds.parse()?,
        None => SECONDS,
    };
    for (what, args) in [
        ("nightly toolchain", &["+nightly", "--version"][..]),
        ("cargo-fuzz", &["+nightly", "fuzz", "--version"]),
    ] {
        if !is_there(args) {
            println!("fuzz: skipped: there is no {what}");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let (mut runs, mut crashes) = (0, 0);
    for (name, _) in TARGETS {
        let ran = run(name, seconds)?;
        println!("fuzz: {name}: runs={}", ran.runs);
        runs += ran.runs;
        crashes += u32::from(ran.crashed);
    }
    println!(
        "fuzz: targets={} runs={runs} crashes={crashes}",
        TARGETS.len()
    );
    Ok(match crashes {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// What became of one target.
struct Ran {
    runs: u64,
    crashed: bool,
}

fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    // Cargo tells its children which one it is; the other toolchain's is asked for.
    cargo.args(args).env_remove("CARGO");
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    cargo
}

fn is_there(args: &[&str]) -> bool {
    let mut asked = cargo(args);
    let asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Runs one target, and passes on what it says of failures.
fn run(name: &str, seconds: u64) -> io::Result<Ran> {
    let time = format!("-max_total_time={seconds}");
    let mut child = cargo(&["+nightly", "fuzz", "run", name, "--"])
        .args([&time, "-print_final_stats=1", "-verbosity=0"])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut runs = 0;
    for line in child
        .stderr
        .take()
        .into_iter()
        .flat_map(|said| BufReader::new(said).lines())
    {
        let line = line?;
        match line.strip_prefix("stat::number_of_executed_units:") {
            Some(number) => runs = number.trim().parse().unwrap_or_default(),
            None if line.starts_with("stat::") => {}
            None => eprintln!("{line}"),
        }
    }
    let crashed = !child.wait()?.success();
    Ok(Ran { runs, crashed })
}
