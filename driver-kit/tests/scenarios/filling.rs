//! Those who were refused for fullness against the room that comes (R12).

use super::world::{World, joined, limits};
use super::{Bed, Scenario, until, wait, whole};
use bytes::Bytes;
use driver_kit::core::{Access, Limits, Mode};
use driver_kit::hub::{Room, Ticket};
use driver_kit::sync::thread;
use driver_kit::{Deadline, Handle};
use std::sync::Arc;
use std::task::{Poll, Waker};

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_blocked_writer_is_woken_by_room),
        whole(a_place_given_up_takes_nobody_elses_call),
    ]
}

/// A world with room for the bytes of one write.
fn narrow() -> (World, Arc<Handle>) {
    let limits = Limits {
        bytes: 1,
        ..limits()
    };
    let world = World::of(limits, 0, Arc::new(super::world::by_hand));
    let file = world.opened("/file", Access::Write, Mode::None);
    (world, Arc::new(file))
}

/// Asks, and leaves the waker in line where it was refused.
fn ask(file: &Handle, room: &mut Room, waker: &Waker) -> Poll<Ticket> {
    let byte = Bytes::from_static(b"a");
    match file.write(0, byte, Deadline::Never, Some((room, waker))) {
        Ok(ticket) => Poll::Ready(ticket),
        Err(failure) => {
            assert!(failure.is_for_fullness());
            Poll::Pending
        }
    }
}

fn write(world: &World, file: &Handle) {
    let mut room = Room::of(Arc::clone(&world.hub));
    let ticket = until(|waker| ask(file, &mut room, waker));
    world.work();
    assert!(wait(ticket).done().is_ok());
}

/// R12: of two writers where there is room for one, the other is refused, waits for room, is woken
/// and writes. Two threads, each of which carries out what there is. Whole.
fn a_blocked_writer_is_woken_by_room() {
    let (world, file) = narrow();
    let other = {
        let (world, file) = (world.clone(), Arc::clone(&file));
        thread::spawn(move || write(&world, &file))
    };
    write(&world, &file);
    joined(other);
    drop(file);
    world.is_empty();
}

/// R12: a writer who stops waiting for room leaves the others in line. Three threads: one has the
/// room and gives it back, one stops waiting, one waits on. Whole.
fn a_place_given_up_takes_nobody_elses_call() {
    let (world, file) = narrow();
    let (_bed, waker) = Bed::made();
    let mut impatient = Room::of(Arc::clone(&world.hub));
    let first = file
        .write(0, Bytes::from_static(b"a"), Deadline::Never, None)
        .expect("there is room for one");
    assert!(ask(&file, &mut impatient, &waker).is_pending());
    let other = {
        let (world, file) = (world.clone(), Arc::clone(&file));
        thread::spawn(move || write(&world, &file))
    };
    let worker = world.worker();
    drop(impatient);
    joined(worker);
    assert!(wait(first).done().is_ok());
    joined(other);
    drop(file);
    world.is_empty();
}
