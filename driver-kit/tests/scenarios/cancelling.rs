//! Those who stop waiting against what they waited for.

use super::world::{World, by_hand, joined, limits, open_really, real_file};
use super::{Bed, Scenario, wait, whole};
use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Access, Fault, IoKind, Mode};
use driver_kit::job::Job;
use driver_kit::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{AcqRel, Acquire, Release},
};
use std::sync::Arc;
use std::task::Poll;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_cancel_against_the_completion_leaves_one_answer),
        whole(a_waiting_future_dropped_against_its_wake_leaves_nothing),
        whole(of_two_wakers_on_one_operation_the_last_is_woken),
        whole(a_dropped_write_in_flight_keeps_its_bytes),
        whole(a_write_cancelled_in_flight_holds_back_the_next),
    ]
}

/// R9: an operation that is cancelled while it completes is answered once, with either, and what
/// it opened is closed or its caller's. Two threads: one carries out, one cancels and waits. Whole.
fn a_cancel_against_the_completion_leaves_one_answer() {
    let world = World::by_hand(0);
    let ticket = world.open("/file", Mode::None);
    let worker = world.worker();
    ticket.cancel();
    let mut answer = wait(ticket);
    match answer.fault() {
        None => assert!(answer.take_handle().is_some(), "it is open"),
        Some(fault) => assert_eq!(fault, Fault::Cancelled),
    }
    joined(worker);
    world.work();
    world.is_empty();
}

/// R9, and no leak: an open whose future is dropped while its answer is on the way leaves no
/// operation, no handle and no waker behind. Two threads: one carries out, one waits and drops.
/// Whole.
fn a_waiting_future_dropped_against_its_wake_leaves_nothing() {
    let world = World::by_hand(0);
    let mut ticket = world.open("/file", Mode::None);
    let (bed, waker) = Bed::made();
    let worker = world.worker();
    let polled = ticket.poll_answer(&waker);
    drop((polled, ticket));
    assert_eq!(world.hub.stats().pending, 0, "no operation is left");
    joined(worker);
    drop(waker);
    assert_eq!(Arc::strong_count(&bed), 1, "no waker is left");
    // The drop may have left the closing of the descriptor to be done.
    world.work();
    world.is_empty();
}

/// A future may move from one task to another between two polls: whoever polled last is woken. Two
/// threads: one carries out, one polls for two. Whole.
fn of_two_wakers_on_one_operation_the_last_is_woken() {
    let world = World::by_hand(0);
    let mut ticket = world.open("/file", Mode::None);
    let worker = world.worker();
    let (_first, before) = Bed::made();
    let (bed, waker) = Bed::made();
    let mut polled = ticket.poll_answer(&before);
    while polled.is_pending() {
        polled = ticket.poll_answer(&waker);
        if polled.is_pending() {
            bed.lie();
        }
    }
    assert!(matches!(polled, Poll::Ready(answer) if answer.fault().is_none()));
    joined(worker);
    world.is_empty();
}

/// Says when the bytes that it lent are its own again.
struct Owner(Arc<AtomicBool>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        b"bytes"
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

/// R10: who stops waiting for a write in flight gets the bytes back when the system call has
/// ended, and not before; they are not copied for that. Two threads: one writes, one drops its
/// ticket. Whole.
fn a_dropped_write_in_flight_keeps_its_bytes() {
    let free = Arc::new(AtomicBool::new(false));
    let hands = {
        let free = Arc::clone(&free);
        move |job: Job| {
            let writes = matches!(job.kind(), IoKind::Write { .. });
            assert!(!writes || !free.load(Acquire), "the call has its bytes");
            open_really(job)
        }
    };
    let world = World::of(limits(), 0, Arc::new(hands));
    let file = world.opened(real_file(), Access::Write, Mode::None);
    let bytes = Bytes::from_owner(Owner(Arc::clone(&free)));
    let ticket = file
        .write(0, bytes, Deadline::Never, None)
        .expect("nothing is full");
    let worker = world.worker();
    drop(ticket);
    joined(worker);
    world.work();
    assert!(free.load(Acquire), "they are their owner's again");
    drop(file);
    world.is_empty();
}

/// R1, R10: a write that is cancelled in flight still keeps its range, so the next one to the same
/// bytes begins when it has really ended; and then it does. Three threads: two carry out, one
/// cancels the first. Whole.
fn a_write_cancelled_in_flight_holds_back_the_next() {
    let in_flight = Arc::new(AtomicU32::new(0));
    let hands = move |job: Job| {
        let writes = matches!(job.kind(), IoKind::Write { .. });
        if writes {
            assert_eq!(in_flight.fetch_add(1, AcqRel), 0, "one at a time");
        }
        let finished = by_hand(job);
        if writes {
            in_flight.fetch_sub(1, AcqRel);
        }
        finished
    };
    let world = World::of(limits(), 0, Arc::new(hands));
    let file = world.opened("/file", Access::Write, Mode::None);
    let write = |bytes: &'static [u8]| {
        file.write(0, Bytes::from_static(bytes), Deadline::Never, None)
            .expect("nothing is full")
    };
    let (first, second) = (write(b"one"), write(b"two"));
    let workers = [world.worker(), world.worker()];
    first.cancel();
    let fault = wait(first).fault();
    assert!(matches!(fault, None | Some(Fault::Cancelled)));
    for worker in workers {
        joined(worker);
    }
    world.work();
    assert_eq!(wait(second).fault(), None, "the next is written");
    drop(file);
    world.is_empty();
}
