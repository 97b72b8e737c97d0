//! A history that fails is made smaller while it still does.

use super::directory::COUNT;
use super::play::{Tally, limits, play, record};
use super::step::{Kind, Step, draw};
use crate::conformance::{Configuration, start};
use crate::core::dice::Dice;
use driver_kit::core::Limits;
use std::fmt;
use std::time::{Duration, Instant};

/// How long smaller histories are tried before one is content with what one has.
const PATIENCE: Duration = Duration::from_secs(10);

/// A history that failed.
#[derive(Debug)]
pub struct Failed {
    configuration: &'static str,
    kind: Kind,
    seed: u64,
    limits: Limits,
    what: String,
    steps: Vec<Step>,
}

/// Draws the history of a seed, plays it over a configuration, and makes it smaller if it fails.
///
/// # Errors
/// It fails.
pub fn run_seed(
    configuration: Configuration,
    kind: Kind,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), Box<Failed>> {
    let mut dice = Dice::of(seed);
    let limits = limits(&mut dice);
    let len = 10 + dice.below(50);
    let steps = draw(&mut dice, kind, COUNT, len);
    let Err(what) = attempt(configuration, limits, &steps, tally) else {
        return Ok(());
    };
    let (steps, what) = shrink(configuration, limits, steps, what);
    Err(Box::new(Failed {
        configuration: configuration.name,
        kind,
        seed,
        limits,
        what,
        steps,
    }))
}

/// Draws the sequential history of a seed, plays it over each of these configurations, and compares
/// what was said.
///
/// # Errors
/// Where two of them part.
pub fn compare_seed(
    configurations: &[Configuration],
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut dice = Dice::of(seed);
    let limits = limits(&mut dice);
    let len = 10 + dice.below(50);
    let mut steps = draw(&mut dice, Kind::Sequential, COUNT, len);
    steps.retain(Step::is_the_same_everywhere);
    let mut first: Option<(&str, Vec<String>)> = None;
    for configuration in configurations {
        let lines = record(*configuration, limits, &steps, tally);
        let lines = lines.map_err(|what| format!("{} seed {seed}: {what}", configuration.name))?;
        match &first {
            None => first = Some((configuration.name, lines)),
            Some((name, expected)) => {
                tally.checks += lines.len() as u64;
                let same = |(a, b): &(&String, &String)| a == b;
                let until = expected.iter().zip(&lines).take_while(same).count();
                if until < expected.len().max(lines.len()) {
                    let before = expected[until.saturating_sub(12)..until].join("\n");
                    let one = expected.get(until).map_or("(the end)", String::as_str);
                    let other = lines.get(until).map_or("(the end)", String::as_str);
                    return Err(format!(
                        "seed {seed}, line {until}\n{before}\n{name} says\n{one}\nand {} says\n{other}",
                        configuration.name
                    ));
                }
            }
        }
    }
    Ok(())
}

/// On a thread of its own: one that hangs or panics has failed.
fn attempt(
    configuration: Configuration,
    limits: Limits,
    steps: &[Step],
    tally: &mut Tally,
) -> Result<(), String> {
    let steps = steps.to_vec();
    let thread = start(move || {
        let mut tally = Tally::default();
        play(configuration, limits, &steps, &mut tally).map(|()| tally)
    });
    let one = thread.join().map_err(|error| error.to_string())??;
    tally.operations += one.operations;
    tally.checks += one.checks;
    Ok(())
}

/// Leaves out halves, quarters, and in the end single steps.
fn shrink(
    configuration: Configuration,
    limits: Limits,
    mut steps: Vec<Step>,
    mut what: String,
) -> (Vec<Step>, String) {
    let end = Instant::now() + PATIENCE;
    let mut width = steps.len().div_ceil(2);
    let fails = |steps: &[Step]| match Instant::now() < end {
        true => attempt(configuration, limits, steps, &mut Tally::default()).err(),
        false => None,
    };
    while width > 0 {
        let (mut from, mut smaller) = (0, false);
        while from < steps.len() {
            let mut fewer = steps.clone();
            drop(fewer.drain(from..(from + width).min(steps.len())));
            match fails(&fewer) {
                Some(why) => (steps, what, smaller) = (fewer, why, true),
                None => from += width,
            }
        }
        if !smaller || width > 1 {
            width /= 2;
        }
    }
    (steps, what)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed {
            configuration,
            kind,
            seed,
            ..
        } = self;
        writeln!(f, "{}", self.what)?;
        writeln!(f, "{:?}", self.limits)?;
        for (at, step) in self.steps.iter().enumerate() {
            writeln!(f, "{at:>4} {step:?}")?;
        }
        write!(
            f,
            "again: MODEL_SEED={seed} cargo test -p tests --test model -- {kind:?} {configuration}"
        )
    }
}
