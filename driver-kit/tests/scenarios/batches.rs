//! Batches: the list that feeds them, those who wait for them, and those who stop them.

use super::world::{World, limits};
use super::{Scenario, bounded, until, whole};
use driver_kit::Deadline;
use driver_kit::batch::{Batch, Order};
use driver_kit::core::{Limits, Mode, Plan};
use driver_kit::path::Here;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(a_batch_ends_for_those_who_wait_for_it),
        bounded(a_batch_cancelled_against_its_feed_ends),
        whole(a_batch_that_was_refused_goes_on_when_there_is_room),
    ]
}

fn begin(world: &World, concurrency: u32) -> Arc<Batch> {
    let order = Order {
        plan: Plan::of(Mode::None),
        concurrency,
        deadline: Deadline::Never,
    };
    let here = Here::now().expect("there is a current directory");
    let paths = ["/b", "/cc"].map(PathBuf::from);
    Batch::begin(&world.hub, order, here, Box::new(paths.into_iter()))
}

fn ended(batch: &Arc<Batch>) -> usize {
    until(|waker| batch.poll_done(waker));
    batch.take_items().len()
}

/// R9: a batch ends when each of its files has its one result, and who waits is woken then. Two
/// threads: one waits, one worker. Whole.
fn a_batch_ends_for_those_who_wait_for_it() {
    let world = World::by_hand(1);
    // The list is at its end before the files are.
    let batch = begin(&world, 3);
    assert_eq!(ended(&batch), 2, "one result for each");
    world.all_left();
    world.is_empty();
}

/// G8, R9: a batch that is cancelled while its list is fetched ends, with one result for each path
/// that was taken from the list. Two threads: one cancels and waits, one worker. Bounded.
fn a_batch_cancelled_against_its_feed_ends() {
    let world = World::by_hand(1);
    let batch = begin(&world, 1);
    batch.cancel(&world.hub);
    let items = ended(&batch);
    let progress = batch.progress(&world.hub);
    assert_eq!(items as u64, progress.files_done);
    assert_eq!(progress.files_done, progress.files_taken);
    world.all_left();
    assert_eq!(batch.take_items().len(), 0, "nothing comes after the end");
    world.is_empty();
}

/// R12: a file of a batch that was refused for fullness is tried again when there is room. Two
/// threads: one waits, one worker. Whole.
fn a_batch_that_was_refused_goes_on_when_there_is_room() {
    let limits = Limits {
        operations: 1,
        ..limits()
    };
    let world = World::of(limits, 1, Arc::new(super::world::by_hand));
    let batch = begin(&world, 2);
    assert_eq!(ended(&batch), 2, "one result for each");
    world.all_left();
    world.is_empty();
}
