//! The promises of the core, over the two loops of the examples, which embed it without the kit:
//! those cases that ask for nothing but files. What the kit adds, such as mapped contents, gates
//! and readers, they do not have.

mod embedded;
mod poll_loop;
mod trial;
#[cfg(target_os = "linux")]
mod uring_loop;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tests::conformance::{Configuration, cases, children, run, run_child};

fn loops() -> Vec<Configuration> {
    let mut loops = vec![Configuration {
        name: "poll_loop",
        workers: 2,
        make: trial::Trial::<poll_loop::PollLoop>::make,
    }];
    #[cfg(target_os = "linux")]
    match uring_loop::to_be_had() {
        Ok(()) => loops.push(Configuration {
            name: "uring_loop",
            workers: 64,
            make: trial::Trial::<uring_loop::UringLoop>::make,
        }),
        Err(error) => {
            let word = format!("skipped: uring_loop, there is no io_uring here: {error}\n");
            std::io::Write::write_all(&mut std::io::stderr(), word.as_bytes()).unwrap_or_default();
        }
    }
    loops
}

fn main() -> ExitCode {
    let loops = loops();
    match run_child(children, &loops) {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(what)) => {
            std::io::Write::write_all(&mut std::io::stderr(), what.as_bytes()).unwrap_or_default();
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let mut trials = Vec::new();
    for configuration in loops {
        for case in cases().into_iter().filter(|case| case.is_of_the_core()) {
            let name = format!("{}::{}", configuration.name, case.name);
            trials.push(Trial::test(name, move || Ok(run(case, configuration)?)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
