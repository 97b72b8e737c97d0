//! The machine explored: every state of small worlds, every rule in each of them.
//!
//! Plain, a slice of each world; `--full` all of each, held against the counts that are pinned;
//! `--large` the larger ones, too; `--rules` all of each, where only a broken rule is a failure and no
//! count is. A word picks worlds by their names.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::explore::{Explored, LARGER, Rule, WORLDS, World, explore};

/// How many states of each world a slice has.
const SLICE: u64 = 4_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| words.iter().any(|word| word == name);
    let (rules, large) = (flag("--rules"), flag("--large"));
    let full = flag("--full") || large || rules;
    let named: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let larger = LARGER.iter().filter(|_| large);
    let worlds: Vec<&World> = WORLDS
        .iter()
        .chain(larger)
        .filter(|world| named.is_empty() || named.iter().any(|name| world.name.contains(*name)))
        .collect();
    let given = words
        .iter()
        .find_map(|word| word.strip_prefix("--most=")?.parse().ok());
    let most = given.unwrap_or(if full { u64::MAX } else { SLICE });
    let every = if large { 1 } else { 64 };
    let found = everywhere(&worlds, most, every);
    let is_broken = |explored: &&Explored| match rules {
        true => explored.broken.is_some(),
        false => !explored.is_well(),
    };
    let broken = found.iter().filter(is_broken).count();
    let states: u64 = found.iter().map(|explored| explored.states).sum();
    let transitions: u64 = found.iter().map(|explored| explored.transitions).sum();
    say(&format!(
        "explore: worlds={} states={states} transitions={transitions} invariants={}",
        found.len(),
        Rule::COUNT
    ));
    match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Two worlds at a time.
fn everywhere(worlds: &[&World], most: u64, every: u64) -> Vec<Explored> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(world) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let explored = explore(world, most, every);
                    if let Ok(mut found) = found.lock() {
                        tell(world, &explored);
                        found.push(explored);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap_or_default()
}

/// Says what was found.
fn tell(world: &World, explored: &Explored) {
    let rate = explored.transitions as f64 / explored.seconds / 1000.0;
    say(&format!(
        "{:<12} {:>9} states {:>10} transitions, {} deep, {} to rest, {:.1} s, {rate:.0} k/s",
        world.name,
        explored.states,
        explored.transitions,
        explored.depth,
        explored.longest_calm,
        explored.seconds,
    ));
    for complaint in &explored.complaints {
        say(&format!("  {complaint}"));
    }
    if let Some((rule, script)) = &explored.broken {
        say(&format!("  broken: {rule:?}\n{script}"));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
}
