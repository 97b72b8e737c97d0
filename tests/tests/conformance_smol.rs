//! Every promise of SEMANTICS.md that a driver keeps, over every configuration of driver-smol.
//!
//! `cargo test -p tests --test conformance_smol -- paths` runs some of them.

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tests::conformance::smol::CONFIGURATIONS;
use tests::conformance::{cases, children, run, run_child};

fn main() -> ExitCode {
    match run_child(children, &CONFIGURATIONS) {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(what)) => {
            std::io::Write::write_all(&mut std::io::stderr(), what.as_bytes()).unwrap_or_default();
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let mut trials = Vec::new();
    for configuration in CONFIGURATIONS {
        for case in cases() {
            let name = format!("{}::{}", configuration.name, case.name);
            trials.push(Trial::test(name, move || Ok(run(case, configuration)?)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
