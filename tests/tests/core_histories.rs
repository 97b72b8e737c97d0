//! Random histories of the machine: thousands of seeds, every rule checked after every event.
//!
//! A seed that fails is printed with all that was said. `SEED=7` repeats one; `SEEDS=1000000` makes
//! a long run.

use staging_core::{Machine, replay};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use tests::core::{history, journals};

const SEEDS: u64 = 10_000;

/// R9, R10, R12, G1, G2, G5, G8–G10, S1–S5, and the invariants of the machine.
#[test]
fn every_rule_holds_in_every_honest_history() {
    let mut happened = BTreeSet::new();
    for seed in seeds() {
        history::live(seed, 150).happened(&mut happened);
    }
    everything_happened(&happened, &HONEST);
}

/// A driver that lies causes no panic, no wrong outcome, and no change where it is not believed.
#[test]
fn a_driver_that_lies_changes_nothing_it_may_not() {
    let mut happened = BTreeSet::new();
    for seed in seeds() {
        history::endure(seed, 150).happened(&mut happened);
    }
    everything_happened(&happened, &LYING);
}

/// Each history is a journal: in a file it is the same, played it is the same, and its transcript is
/// a script that gives it again.
#[test]
fn every_history_is_a_journal() {
    for seed in seeds().take(500) {
        for lived in [history::live(seed, 150), history::endure(seed, 150)] {
            journals::holds(&lived.limits, &lived.entries());
        }
    }
}

/// Whatever tells two machines apart in these histories is in the canonical state: fewer would mean that
/// it forgot something. Whoever changes what machines do in them counts anew, and knows why.
#[test]
fn machines_in_histories_are_so_many_different_ones() {
    let mut different = BTreeSet::new();
    for seed in 0..1_000 {
        let lived = history::live(seed, 150);
        let mut machine = Machine::new(lived.limits);
        for entry in lived.entries() {
            assert_eq!(replay(&mut machine, [entry]), Ok(()));
            let mut hasher = DefaultHasher::new();
            machine.hash(&mut hasher);
            different.insert(hasher.finish());
        }
    }
    assert_eq!(different.len(), 97_887);
}

/// What must be reached, or the histories prove nothing.
const HONEST: [&str; 86] = [
    "Limited",
    "Tuned",
    "Open",
    "Stage",
    "Unstage",
    "Read",
    "Write",
    "Append",
    "SetLength",
    "Flush",
    "Sync",
    "FlushAll",
    "SyncAll",
    "Close",
    "Withdrawn",
    "ReadOnly",
    "SyncFailed",
    "Full(Bytes)",
    "Full(FileBytes(file",
    "Answer Written",
    "Answer LengthSet",
    "Answer Flushed",
    "Answer Synced",
    "Answer SyncFailed",
    "Failed Short",
    "Failed SyncFailed",
    "NotStaged(Written)",
    "NotStaged(Cancelled)",
    "Closing Forced",
    "Cancelled",
    "Dropped",
    "Returned",
    "ShutdownAsked",
    "Forced",
    "DriverLost",
    "Ticked",
    "Adopted",
    "Surplus",
    "Done",
    "Fetch",
    "Look",
    "Map",
    "Load",
    "Release",
    "Progress",
    "Room",
    "Abandoned",
    "Full(Operations)",
    "Full(Handles)",
    "Full(FileOperations(file",
    "UnknownHandle",
    "BadRange",
    "ShuttingDown",
    "Ignored UnknownOp",
    "Ignored UnknownHandle",
    "Ignored Closed",
    "Answer Staged",
    "Answer Unstaged",
    "Answer Read",
    "Answer FromContents",
    "Answer Closed",
    "Failed Os(",
    "Failed Replaced",
    "Failed Changed",
    "Failed OverBudget",
    "Failed NoMapping",
    "Failed Cancelled",
    "Failed Deadline",
    "Failed ShuttingDown",
    "Failed Abandoned",
    "Failed DriverLost",
    "Staged(Empty)",
    "Staged(Loaded)",
    "Staged(Mapped)",
    "Staged(MappedShared)",
    "NotStaged(NeverAsked)",
    "NotStaged(Unstaged)",
    "NotStaged(OverBudget)",
    "NotStaged(Evicted)",
    "NotStaged(Changed)",
    "Draining Asked",
    "Closing Drained",
    "Closing OutOfTime",
    "Closed GivenBack",
    "Closed OutOfTime",
    "Closed DriverLost",
];
const LYING: [&str; 6] = [
    "Ignored UnknownIo",
    "Ignored UnknownOp",
    "Ignored UnknownHandle",
    "Ignored WrongKind",
    "Ignored Impossible",
    "Closed DriverLost",
];

fn everything_happened(happened: &BTreeSet<String>, expected: &[&str]) {
    let missed: Vec<_> = expected
        .iter()
        .filter(|word| !happened.contains(**word))
        .collect();
    let few = seeds().count() < SEEDS as usize;
    assert!(
        few || missed.is_empty(),
        "never happened: {missed:?}\nhappened: {happened:?}"
    );
}

fn seeds() -> Range<u64> {
    let given = |name| {
        std::env::var(name)
            .ok()
            .and_then(|number| number.parse().ok())
    };
    match (given("SEED"), given("SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => 0..seeds,
        (None, None) => 0..SEEDS,
    }
}
