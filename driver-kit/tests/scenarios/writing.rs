//! Barriers against the writes before them.

use super::world::{Hands, World, by_hand, handle_of, joined, limits};
use super::{Scenario, wait, whole};
use bytes::Bytes;
use driver_kit::core::{Access, IoKind, Mode, Outcome, Request};
use driver_kit::error::Operation;
use driver_kit::hub::Write;
use driver_kit::{Deadline, Handle};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_write_whose_bytes_come_late_is_carried_out),
        whole(a_flush_is_answered_after_the_last_write),
        whole(a_sync_of_all_covers_the_last_write),
    ]
}

/// R8: a write that its caller may not carry out itself, and whose bytes come when the machine has
/// handed it out already, is written all the same, and its answer comes. A worker is started for it
/// at the worst moment: before the bytes are there. Two threads. Whole.
fn a_write_whose_bytes_come_late_is_carried_out() {
    let world = World::by_hand(1);
    let file = handle_of(wait(world.open_for("/file", Access::Write, Mode::None)));
    // There is no descriptor behind it, so it cannot be this thread's own.
    let answer = match file.write_now(
        0,
        &[1, 2, 3],
        || Bytes::from_static(&[1, 2, 3]),
        Deadline::Never,
    ) {
        Write::Done(answer) => answer.expect("it is not refused"),
        Write::Waits(ticket) => wait(ticket),
    };
    let written = Outcome::Written {
        offset: 0,
        bytes: 3,
    };
    assert_eq!(answer.outcome, written);
    world.end_without_closing(file);
}

/// What was carried out, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.said().push(what);
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands that note each write and sync when it has ended.
    fn hands(&self) -> Hands {
        let log = self.clone();
        Arc::new(move |job| {
            match job.kind() {
                IoKind::Write { .. } => log.note("write"),
                IoKind::Sync { .. } => log.note("sync"),
                _ => {}
            }
            by_hand(job)
        })
    }
}

fn write(file: &Handle) -> driver_kit::hub::Ticket {
    file.write(0, Bytes::from_static(b"last"), Deadline::Never, None)
        .expect("nothing is full")
}

/// R3: a flush is answered when the write before it is executed, also if that was in flight
/// already; and it is answered. Two threads: one carries out, one flushes and waits. Whole.
fn a_flush_is_answered_after_the_last_write() {
    let log = Log::default();
    let world = World::of(limits(), 0, log.hands());
    let file = world.opened("/file", Access::Write, Mode::None);
    let last = write(&file);
    let worker = world.worker();
    let flush = file.flush(Deadline::Never, None).expect("nothing is full");
    assert_eq!(wait(flush).outcome, Outcome::Flushed);
    assert_eq!(*log.said(), ["write"], "it is executed");
    joined(worker);
    assert!(wait(last).done().is_ok());
    drop(file);
    world.is_empty();
}

/// R3: a sync of all files is issued after the last write before it was executed, and once. Two
/// threads: both carry out, one of them syncs. Whole.
fn a_sync_of_all_covers_the_last_write() {
    let log = Log::default();
    let world = World::of(limits(), 0, log.hands());
    let file = world.opened("/file", Access::Write, Mode::None);
    let last = write(&file);
    let worker = world.worker();
    let sync = world
        .hub
        .submit_for_all(Operation::SyncAll, Request::SyncAll, Deadline::Never, None)
        .expect("nothing is full");
    world.work();
    assert_eq!(wait(sync).outcome, Outcome::Synced);
    assert_eq!(*log.said(), ["write", "sync"], "in this order");
    joined(worker);
    assert!(wait(last).done().is_ok());
    drop(file);
    world.is_empty();
}
