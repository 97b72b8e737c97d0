//! Readers of contents, who take no lock, against those who give the contents up.

use super::world::{BYTES, World, joined, real_file};
use super::{Scenario, wait, whole};
use driver_kit::core::{Access, Life, Mode, Plan};
use driver_kit::hub::Ticket;
use driver_kit::sync::thread;
use driver_kit::{Deadline, Handle};
use std::sync::Arc;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_staged_read_against_an_unstage_sees_all_or_nothing),
        whole(a_staged_read_against_a_close_sees_all_or_nothing),
        whole(a_slice_that_outlives_its_staging_gives_its_memory_back),
        whole(contents_published_against_an_unstage_are_there_or_not),
    ]
}

/// G1, G4, G10: a read from memory that meets an unstage sees every byte or goes to the file, and
/// when both are over the memory is back. Two threads. Whole.
fn a_staged_read_against_an_unstage_sees_all_or_nothing() {
    given_up_under_a_reader(|file| {
        file.unstage(Deadline::Never, None)
            .expect("nothing is full")
    });
}

/// The same, where the last handle is closed: the file is given up with its contents. Two threads.
/// Whole.
fn a_staged_read_against_a_close_sees_all_or_nothing() {
    given_up_under_a_reader(|file| file.close(Deadline::Never).expect("it is open"));
}

fn given_up_under_a_reader(give_up: fn(&Handle) -> Ticket) {
    let world = World::real(0);
    let file = Arc::new(world.opened(real_file(), Access::Read, Mode::Load));
    let reader = {
        let file = Arc::clone(&file);
        thread::spawn(move || {
            let mut bytes = [0; BYTES.len()];
            if let Some(read) = file.read_staged(0, &mut bytes) {
                assert_eq!(read, Ok(BYTES.len()));
                assert_eq!(bytes, BYTES);
            }
        })
    };
    let ticket = give_up(&file);
    world.work();
    assert!(wait(ticket).done().is_ok());
    assert!(file.contents().is_none(), "nobody gets at them any more");
    joined(reader);
    assert_eq!(world.hub.charged(), 0, "the memory is back");
    drop(file);
    world.is_empty();
}

/// G1, G10: bytes that were handed out stay what they are, and count until they are dropped; then
/// they count no more. Two threads: one drops them, one unstages. Whole.
fn a_slice_that_outlives_its_staging_gives_its_memory_back() {
    let world = World::real(0);
    let file = world.opened(real_file(), Access::Read, Mode::Load);
    let slice = file.bytes_staged(1, 3).expect("it is staged");
    let holder = thread::spawn(move || {
        assert_eq!(slice, BYTES[1..4]);
        drop(slice);
    });
    let ticket = file
        .unstage(Deadline::Never, None)
        .expect("nothing is full");
    world.work();
    assert!(wait(ticket).done().is_ok());
    joined(holder);
    assert_eq!(world.hub.charged(), 0, "the memory is back");
    drop(file);
    world.is_empty();
}

/// G1, G8: a staging that ends while it is unstaged leaves the file staged and readable, or
/// neither, and never counts memory that nobody can read. Two threads: one carries out, one
/// unstages. Whole.
fn contents_published_against_an_unstage_are_there_or_not() {
    let world = World::real(0);
    let file = world.opened(real_file(), Access::Read, Mode::None);
    let staging = file
        .stage(Plan::of(Mode::Load), Deadline::Never, None)
        .expect("nothing is full");
    let worker = world.worker();
    let unstaging = file
        .unstage(Deadline::Never, None)
        .expect("nothing is full");
    joined(worker);
    world.work();
    assert!(wait(unstaging).done().is_ok());
    let _ = wait(staging).standing();
    let life = file.staging().map(|staging| staging.life);
    let staged = matches!(life, Some(Life::Staged(_)));
    assert!(!staged, "it was asked last, and so it holds");
    assert!(file.contents().is_none(), "nobody gets at them any more");
    assert_eq!(world.hub.charged(), 0, "the memory is back");
    drop(file);
    world.is_empty();
}
