//! The hub and the cell of staged contents under loom: every interleaving of a few threads.
//!
//! ```text
//! RUSTFLAGS="--cfg staging_loom" cargo test --release -p driver-kit --target-dir target/loom --test '*loom*'
//! ```
//!
//! Light scenarios are explored whole, heavy ones with at most 3 preemptions; for a long run,
//! `LOOM_MAX_PREEMPTIONS` says how many.
#![cfg_attr(
    staging_loom,
    allow(clippy::expect_used, reason = "it ends the scenario, and says so")
)]

#[cfg(staging_loom)]
mod cell;
#[cfg(staging_loom)]
#[path = "../scenarios/mod.rs"]
mod scenarios;

#[cfg(staging_loom)]
mod explored {
    use super::cell;
    use super::scenarios::{self, Reach, Scenario};
    use libtest_mimic::{Arguments, Trial};
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Instant;

    /// Runs what the arguments ask for, and ends with one line of figures.
    #[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
    pub(super) fn all() -> ExitCode {
        let began = Instant::now();
        let runs = Arc::new(AtomicU64::new(0));
        let trials = scenarios::all().into_iter().chain(cell::room());
        let trials = trials.map(|scenario| trial(scenario, &runs)).collect();
        let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
        println!(
            "loom: scenarios={} failed={} interleavings={} preemptions={} seconds={:.1}",
            conclusion.num_passed + conclusion.num_failed,
            conclusion.num_failed,
            runs.load(Relaxed),
            preemptions(),
            began.elapsed().as_secs_f64(),
        );
        conclusion.exit_code()
    }

    fn trial(scenario: Scenario, runs: &Arc<AtomicU64>) -> Trial {
        let runs = Arc::clone(runs);
        Trial::test(scenario.name, move || {
            let mut model = loom::model::Builder::new();
            model.max_branches = 100_000;
            model.preemption_bound = match scenario.reach {
                Reach::All => None,
                Reach::Bounded => Some(preemptions()),
            };
            model.check(move || {
                runs.fetch_add(1, Relaxed);
                (scenario.run)();
            });
            Ok(())
        })
    }

    fn preemptions() -> usize {
        let asked = std::env::var("LOOM_MAX_PREEMPTIONS").ok();
        asked.and_then(|asked| asked.parse().ok()).unwrap_or(3)
    }
}

#[cfg(staging_loom)]
fn main() -> std::process::ExitCode {
    explored::all()
}

/// Without loom there is nothing to explore.
#[cfg(not(staging_loom))]
fn main() {}
