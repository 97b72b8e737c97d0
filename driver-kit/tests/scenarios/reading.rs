//! Readers against a staging that is under way.

use super::world::{BYTES, World, joined, read, real_file};
use super::{Scenario, bounded, wait, whole};
use driver_kit::core::{Access, Mode, Outcome, Plan};
use driver_kit::sync::thread;
use driver_kit::{Deadline, Handle};
use std::sync::Arc;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_read_while_staging_completes_is_answered),
        bounded(two_readers_are_answered_by_one_completion),
        whole(contents_are_whole_when_they_are_published),
    ]
}

fn staging(file: &Handle) -> driver_kit::hub::Ticket {
    file.stage(Plan::of(Mode::Load), Deadline::Never, None)
        .expect("nothing is full")
}

/// G2: a read that meets a staging is answered, whenever the staging ends; from the contents if it
/// waited or came later, from the file if it came first. Two threads: one stages and is its own
/// worker, one reads. Whole.
fn a_read_while_staging_completes_is_answered() {
    let world = World::by_hand(0);
    let file = Arc::new(world.opened("/file", Access::Read, Mode::None));
    let ticket = staging(&file);
    let reader = {
        let file = Arc::clone(&file);
        thread::spawn(move || {
            assert_eq!(read(&file, &mut [0]), 0, "the file is empty by then");
        })
    };
    world.work();
    let answer = wait(ticket);
    assert!(matches!(answer.outcome, Outcome::Staged { .. }));
    joined(reader);
    assert_eq!(world.hub.stats().pending, 0);
}

/// G2, G9: of several who wait for one staging, each is answered and woken by its one end. Three
/// threads: one stages and is its own worker, two read. Bounded.
fn two_readers_are_answered_by_one_completion() {
    let world = World::by_hand(0);
    let file = Arc::new(world.opened("/file", Access::Read, Mode::None));
    let ticket = staging(&file);
    let readers = [(); 2].map(|()| {
        let file = Arc::clone(&file);
        thread::spawn(move || assert_eq!(read(&file, &mut [0]), 0))
    });
    world.work();
    assert!(wait(ticket).standing().is_ok());
    for reader in readers {
        joined(reader);
    }
    assert_eq!(world.hub.stats().pending, 0);
}

/// G4: contents that come in two chunks show when both are there, and then all of them. Two
/// threads: one stages and is its own worker, one reads as one reads what is in memory. Whole.
fn contents_are_whole_when_they_are_published() {
    let world = World::real(0);
    let file = Arc::new(world.opened(real_file(), Access::Read, Mode::None));
    let ticket = staging(&file);
    let reader = {
        let file = Arc::clone(&file);
        thread::spawn(move || {
            let mut bytes = [0; BYTES.len()];
            if let Some(read) = file.read_staged(0, &mut bytes) {
                assert_eq!(read, Ok(BYTES.len()));
                assert_eq!(bytes, BYTES, "what is published is whole");
            }
        })
    };
    world.work();
    assert!(wait(ticket).standing().is_ok());
    let mut bytes = [0; BYTES.len()];
    assert_eq!(file.read_staged(0, &mut bytes), Some(Ok(BYTES.len())));
    assert_eq!(bytes, BYTES);
    joined(reader);
}
