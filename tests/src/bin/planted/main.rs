//! Faults planted in copies of this tree, to see that the instruments find them.
//!
//! ```text
//! cargo run --release -p tests --bin planted -- [NAME…] [--instrument NAME]… [--list] [--every]
//! ```
//!
//! A fault is a file `tests/planted/NAME.patch`: what it is, which instruments must find it (with
//! the name of a test, or a part of it, where one is meant), and a diff against this tree:
//!
//! ```text
//! # what: a bell is not rung
//! # found by: loom each_of_two_submits_calls_somebody
//! # found by: shuttle
//! --- a/driver-kit/src/hub/crew.rs
//! +++ b/driver-kit/src/hub/crew.rs
//! …
//! ```
//!
//! The tree is copied, working changes included, to `target/planted/tree`;
//! there each named instrument has to pass as it is, and to fail with the fault in it. A tree that
//! does not compile proves nothing, and neither does a filter that chooses no test, so both are
//! errors. Nothing is ever changed outside of `target/planted`.
//!
//! `--every` asks every instrument that looks at the machine, of each fault in it, and tells which of
//! them find it, whether they must or not.

mod fault;
mod instrument;
mod run;
mod tree;

use fault::{Fault, Finder};
use run::{Run, Verdict};
use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;
use tree::Tree;

/// What is asked for.
#[derive(Default)]
struct Asked {
    names: BTreeSet<String>,
    /// By these alone; by all, if there are none.
    instruments: BTreeSet<String>,
    only_list: bool,
    every: bool,
}

impl Asked {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Asked, Box<dyn Error>> {
        let mut asked = Asked::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => asked.only_list = true,
                "--every" => asked.every = true,
                "--instrument" => {
                    let name = words.next().ok_or("--instrument needs a name")?;
                    instrument::named(&name)?;
                    asked.instruments.insert(name);
                }
                option if option.starts_with('-') => {
                    return Err(format!("there is no option {option}").into());
                }
                name => {
                    asked.names.insert(name.trim_end_matches(".patch").into());
                }
            }
        }
        Ok(asked)
    }

    /// What of a fault is asked for.
    fn choose(&self, mut fault: Fault) -> Option<Fault> {
        if !self.names.is_empty() && !self.names.contains(&fault.name) {
            return None;
        }
        if self.every {
            fault.finders = match fault.is_in_the_machine {
                true => instrument::of_the_machine().map(Finder::whole).collect(),
                false => Vec::new(),
            };
        }
        if !self.instruments.is_empty() {
            let asked = |finder: &Finder| self.instruments.contains(finder.instrument.name);
            fault.finders.retain(asked);
        }
        (!fault.finders.is_empty()).then_some(fault)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let asked = Asked::of(std::env::args().skip(1))?;
    let tree = Tree::of_this_project()?;
    let known = fault::all(&tree.planted())?;
    if let Some(name) = asked
        .names
        .iter()
        .find(|name| known.iter().all(|fault| fault.name != **name))
    {
        return Err(format!("there is no tests/planted/{name}.patch").into());
    }
    let faults: Vec<Fault> = known
        .into_iter()
        .filter_map(|fault| asked.choose(fault))
        .collect();
    if asked.only_list {
        list(&faults);
        return Ok(ExitCode::SUCCESS);
    }
    tree.copy()?;
    let sound = passes_as_it_is(&tree, &faults)?;
    let found = sound && finds(&tree, &faults)?;
    Ok(ExitCode::from(u8::from(!sound || !found && !asked.every)))
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn list(faults: &[Fault]) {
    for fault in faults {
        println!("{}: {}", fault.name, fault.what);
        for finder in &fault.finders {
            println!("    {finder}");
        }
    }
}

/// Whether each instrument passes on the tree as it is.
#[expect(clippy::print_stdout, reason = "the progress of a long run")]
fn passes_as_it_is(tree: &Tree, faults: &[Fault]) -> Result<bool, Box<dyn Error>> {
    let finders: BTreeSet<&Finder> = faults.iter().flat_map(|fault| &fault.finders).collect();
    let mut sound = true;
    for finder in finders {
        let run = run::run(tree, finder, "as_it_is")?;
        let passes = run.verdict == Verdict::Passed;
        if !passes {
            println!(
                "as it is, {finder} {}; see {}",
                run.verdict,
                tree.shown(&run.log)
            );
        }
        sound &= passes;
    }
    Ok(sound)
}

/// Whether each named instrument finds its fault; a table, and one line of figures.
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
fn finds(tree: &Tree, faults: &[Fault]) -> Result<bool, Box<dyn Error>> {
    let (mut found, mut missed) = (0, 0);
    println!("| fault | instrument | seconds | |");
    println!("|---|---|---|---|");
    for fault in faults {
        tree.plant(fault)?;
        let mut all = true;
        for finder in &fault.finders {
            let Run {
                verdict,
                seconds,
                log,
            } = run::run(tree, finder, &fault.name)?;
            let word = match verdict {
                Verdict::Failed => "found".to_owned(),
                other => format!("NOT FOUND: it {other}; see {}", tree.shown(&log)),
            };
            println!("| {} | {finder} | {seconds:.1} | {word} |", fault.name);
            all &= verdict == Verdict::Failed;
        }
        *(if all { &mut found } else { &mut missed }) += 1;
        tree.pull_up(fault)?;
    }
    println!(
        "planted: faults={} found={found} missed={missed}",
        faults.len()
    );
    Ok(missed == 0)
}
