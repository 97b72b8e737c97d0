//! The way to a state as a script: what can be saved beside the others and replayed by anybody.

use super::around::State;
use super::reached::Reached;
use super::step::{Choice, Said, Turn};
use super::world::World;
use driver_kit::journal::Transcript;
use staging_core::{Action, Entry, Machine};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Takes choices from the first state and writes down what was said, and what was answered.
pub(crate) fn write(world: &World, way: &[Choice], complaint: &str) -> String {
    let mut transcript = Transcript::new();
    let mut text = format!("# {}: {}\n", world.name, world.purpose);
    if !complaint.is_empty() {
        let _ = writeln!(text, "# {complaint}");
    }
    text.push_str(&transcript.beginning(&world.limits));
    let mut machine = Machine::new(world.limits);
    for said in said_on(world, way) {
        // The last word may well stop the machine.
        match catch_unwind(AssertUnwindSafe(|| answered(&mut machine, said))) {
            Ok(Some(entry)) => text.push_str(&transcript.entry(&entry)),
            Ok(None) => {}
            Err(_) => {
                let _ = writeln!(text, "# and here it panics: {said:?}");
                break;
            }
        }
    }
    text
}

/// What is said to the machine on the way.
fn said_on(world: &World, way: &[Choice]) -> Vec<Said> {
    let mut log = Vec::new();
    let mut reached = Reached::default();
    let mut state = State::first(world);
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for choice in way {
            let mut turn = Turn {
                world,
                state: &mut state,
                reached: &mut reached,
                heard: None,
                shown: None,
                log: Some(&mut log),
            };
            if turn.take(*choice).is_err() {
                break;
            }
        }
    }));
    log
}

/// The same word to a machine alone, with what it answers.
fn answered(machine: &mut Machine, said: Said) -> Option<Entry> {
    match said {
        Said::Event(now, event) => {
            let reply = machine.handle(now, event);
            Some(Entry::Said { now, event, reply })
        }
        Said::Told => machine
            .poll_told()
            .map(|tell| Entry::Polled(Action::Tell(tell))),
        Said::Io => machine.poll_io().map(Entry::Polled),
    }
}
