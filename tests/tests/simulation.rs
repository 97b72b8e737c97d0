//! Random histories on a simulated disk, beside a model of what files may hold.
//!
//! Under plain `cargo test` a few seeds; `SIM_SEEDS=20000` makes the long run. A seed that fails is
//! printed with the command that lives it through again, to the same bit, and prints the transcript
//! of its last life: `SIM_SEED=7 cargo test -p tests --test simulation`.

use std::process::ExitCode;
use std::time::Instant;
use tests::simulation::{self, Tally};

/// How many seeds there are where nobody says.
const SEEDS: u64 = if cfg!(debug_assertions) { 500 } else { 20_000 };
/// From so many on everything must have been reached.
const ENOUGH: u64 = 1_000;

#[expect(clippy::print_stdout, reason = "what a run saw is read by people")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Whoever lists tests, or asks for others by name, wants none of this.
    let asked_for_others = arguments
        .iter()
        .any(|word| !word.starts_with('-') && !"simulation".contains(word.as_str()));
    if arguments.iter().any(|word| word == "--list") || asked_for_others {
        return ExitCode::SUCCESS;
    }
    let given = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let told = match (given("SIM_SEED"), given("SIM_SEEDS")) {
        (Some(seed), _) => one(seed),
        (None, seeds) => many(seeds.unwrap_or(SEEDS)),
    };
    match told {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// One seed, with its transcript; twice, for it must be the same.
fn one(seed: u64) -> Result<String, String> {
    let (text, wrong) = simulation::transcript(seed);
    if simulation::transcript(seed) != (text.clone(), wrong.clone()) {
        return Err(format!(
            "seed {seed} is not the same when it is lived again"
        ));
    }
    match wrong {
        Some(wrong) => Err(format!("{text}\nseed {seed}: {wrong}")),
        None => Ok(format!("{text}\nseed {seed}: nothing is wrong")),
    }
}

fn many(seeds: u64) -> Result<String, String> {
    let begun = Instant::now();
    let tally = simulation::run(0..seeds).map_err(|(seed, wrong)| {
        format!(
            "seed {seed}: {wrong}\nagain: SIM_SEED={seed} cargo test -p tests --test simulation"
        )
    })?;
    for seed in (0..seeds).step_by(997) {
        if simulation::transcript(seed) != simulation::transcript(seed) {
            return Err(format!(
                "seed {seed} is not the same when it is lived again"
            ));
        }
    }
    let missed = tally.missed();
    if seeds >= ENOUGH && !missed.is_empty() {
        return Err(format!("never reached: {missed:?}"));
    }
    let Tally {
        seeds,
        events,
        power_losses,
        checks,
        ..
    } = tally;
    let (faults, took) = (tally.struck.all(), begun.elapsed());
    Ok(format!(
        "{tally:?}\nsim: seeds={seeds} events={events} power_losses={power_losses} faults={faults} \
         checks={checks} in {took:.1?}"
    ))
}
