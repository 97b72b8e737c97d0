//! Random histories of every driver on real directories, held against a model in plain bytes.
//!
//! `Sequential`: one thing after the other, one outcome. `Bursts`: several operations are begun before
//! any is awaited, some cancelled, with storage that is held or fails; the order of acceptance decides.
//! `Threads`: each with a handle of its own; the journal tells the order afterwards. `Transcripts`: of
//! the same sequential history all drivers and their machines say the same; what is compared, and what
//! may differ, stands in `tests::model`'s `transcript` and at `Step::is_the_same_everywhere`.
//!
//! `MODEL_SEEDS=5000` makes a long run. A seed that fails is printed with the one command that repeats
//! it, and with the fewest steps that still fail; a history of threads as it was.

use std::fmt::Write;
use std::ops::Range;
use tests::conformance::{Configuration, blocking, smol, tokio};
use tests::model::{Kind, Tally, compare_seed, play_threads, run_seed};

const SEEDS: u64 = 20;
const KINDS: [&str; 4] = ["Sequential", "Bursts", "Threads", "Transcripts"];

fn configurations() -> Vec<Configuration> {
    let mut all = blocking::CONFIGURATIONS.to_vec();
    all.extend(tokio::CONFIGURATIONS);
    all.extend(smol::CONFIGURATIONS);
    all
}

/// Those that do one thing after the other: with one worker, or with none but the caller.
fn one_after_the_other() -> Vec<Configuration> {
    let few = |one: &Configuration| one.workers <= 1;
    let mut all: Vec<_> = blocking::CONFIGURATIONS.into_iter().filter(few).collect();
    all.extend(tokio::ONE_WORKER);
    all.extend(smol::ONE_WORKER);
    all
}

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |name: &str, all: &[&str]| {
        let mut named = asked
            .iter()
            .filter(|word| all.contains(&word.as_str()))
            .peekable();
        named.peek().is_none() || named.any(|word| word == name)
    };
    let configurations = configurations();
    let names: Vec<&str> = configurations.iter().map(|one| one.name).collect();
    let (mut tally, mut failures, mut over) = (Tally::default(), String::new(), 0);
    for configuration in &configurations {
        if !wanted(configuration.name, &names) {
            continue;
        }
        over += 1;
        for (kind, name) in [(Kind::Sequential, "Sequential"), (Kind::Bursts, "Bursts")] {
            if !wanted(name, &KINDS) {
                continue;
            }
            for seed in seeds() {
                if let Err(failed) = run_seed(*configuration, kind, seed, &mut tally) {
                    let _ = writeln!(failures, "{failed}\n");
                    break;
                }
            }
        }
    }
    for configuration in &configurations {
        if !wanted(configuration.name, &names) || !wanted("Threads", &KINDS) {
            continue;
        }
        for seed in seeds() {
            if let Err(what) = play_threads(*configuration, seed, &mut tally) {
                let _ = writeln!(
                    failures,
                    "{what}\nagain: MODEL_SEED={seed} cargo test -p tests --test model -- Threads {}\n",
                    configuration.name
                );
                break;
            }
        }
    }
    if wanted("Transcripts", &KINDS) {
        for seed in seeds() {
            if let Err(parted) = compare_seed(&one_after_the_other(), seed, &mut tally) {
                let _ = writeln!(
                    failures,
                    "{parted}\nagain: MODEL_SEED={seed} cargo test -p tests --test model -- Transcripts\n"
                );
                break;
            }
        }
    }
    let Tally { operations, checks } = tally;
    let line = format!(
        "model: configurations={over} seeds={} operations={operations} checks={checks}\n",
        seeds().count()
    );
    let out = format!("{failures}{line}");
    std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes()).unwrap_or_default();
    if !failures.is_empty() {
        std::process::exit(1);
    }
}

fn seeds() -> Range<u64> {
    let given = |name| std::env::var(name).ok()?.parse().ok();
    match (given("MODEL_SEED"), given("MODEL_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => 0..seeds,
        (None, None) => 0..SEEDS,
    }
}
