//! The hub under shuttle: more threads than loom could explore, under schedules drawn at random.
//!
//! ```text
//! RUSTFLAGS="--cfg staging_shuttle" cargo test --release -p driver-kit --target-dir target/shuttle --test shuttle
//! ```
//!
//! The scenarios of loom, and crowds of up to eight threads. Half of the schedules are drawn
//! evenly, half by priorities that change a few times (PCT), which finds what needs a rare order.
//! The seeds are always the same, unless `SHUTTLE_RANDOM_SEED` says which; `SCHEDULES` says how
//! many schedules there are for each scenario. A failure prints its schedule, to be replayed.
//!
//! What this does not show: anything about the orders of atomics, which are all the strongest here.
#![cfg_attr(
    staging_shuttle,
    allow(clippy::expect_used, reason = "it ends the scenario, and says so")
)]

#[cfg(staging_shuttle)]
mod crowds;
#[cfg(staging_shuttle)]
#[path = "../scenarios/mod.rs"]
mod scenarios;

#[cfg(staging_shuttle)]
mod drawn {
    use super::crowds;
    use super::scenarios::{self, Scenario};
    use libtest_mimic::{Arguments, Trial};
    use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Instant;

    /// How many schedules there are for each scenario, unless it is said.
    const A_FEW: usize = 10_000;
    /// How often the priorities change: most faults need fewer.
    const CHANGES: usize = 4;
    const STACK: usize = 256 << 10;

    /// Runs what the arguments ask for, and ends with one line of figures.
    #[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
    pub(super) fn all() -> ExitCode {
        let began = Instant::now();
        let runs = Arc::new(AtomicU64::new(0));
        let trials = scenarios::all().into_iter().chain(crowds::room());
        let trials = trials.map(|scenario| trial(scenario, &runs)).collect();
        let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
        let (runs, seconds) = (runs.load(Relaxed), began.elapsed().as_secs_f64());
        println!(
            "shuttle: scenarios={} failed={} schedules={runs} seconds={seconds:.1} per_second={:.0}",
            conclusion.num_passed + conclusion.num_failed,
            conclusion.num_failed,
            runs as f64 / seconds,
        );
        conclusion.exit_code()
    }

    fn trial(scenario: Scenario, runs: &Arc<AtomicU64>) -> Trial {
        let runs = Arc::clone(runs);
        Trial::test(scenario.name, move || {
            let many = schedules().div_ceil(2);
            play(RandomScheduler::new_from_seed(1, many), &scenario, &runs);
            play(
                PctScheduler::new_from_seed(2, CHANGES, many),
                &scenario,
                &runs,
            );
            Ok(())
        })
    }

    fn play(scheduler: impl Scheduler + 'static, scenario: &Scenario, runs: &Arc<AtomicU64>) {
        let mut config = shuttle::Config::new();
        config.stack_size = STACK;
        config.silence_warnings = true;
        let (run, runs) = (Arc::clone(&scenario.run), Arc::clone(runs));
        shuttle::Runner::new(scheduler, config).run(move || {
            runs.fetch_add(1, Relaxed);
            run();
        });
    }

    fn schedules() -> usize {
        let asked = std::env::var("SCHEDULES").ok();
        asked.and_then(|asked| asked.parse().ok()).unwrap_or(A_FEW)
    }
}

#[cfg(staging_shuttle)]
fn main() -> std::process::ExitCode {
    drawn::all()
}

/// Without shuttle there is nothing to draw.
#[cfg(not(staging_shuttle))]
fn main() {}
