//! Workers who leave, helpers who rest, and work that comes just then.

use super::world::{World, help, joined, real_file};
use super::{Scenario, bounded, wait, whole};
use driver_kit::core::Mode;
use driver_kit::sync::thread;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(work_that_arrives_while_a_worker_leaves_is_done),
        bounded(each_of_two_submits_calls_somebody),
        bounded(callers_that_help_do_not_leave_each_other_waiting),
        bounded(a_helper_with_its_answer_passes_the_call_on),
    ]
}

/// A worker that leaves while work arrives: the work is done all the same. Two threads at a time:
/// one caller, which opens twice, and the workers that the hub starts for it. Whole.
fn work_that_arrives_while_a_worker_leaves_is_done() {
    let world = World::by_hand(1);
    let first = wait(world.open("/file", Mode::None));
    let second = wait(world.open("/file", Mode::None));
    assert!(first.fault().is_none() && second.fault().is_none());
    assert_eq!(world.hub.stats().pending, 0);
    world.all_left();
    assert_eq!(world.hub.working(), 0, "nobody stays for nothing");
}

/// What comes to an idle hub calls somebody, and so does what comes behind it, whether that one is
/// at work, leaving or gone. Three threads at a time: two callers, who wait, and the one worker that
/// the hub may have. Bounded.
fn each_of_two_submits_calls_somebody() {
    let world = World::by_hand(1);
    let other = {
        let world = world.clone();
        thread::spawn(move || wait(world.open("/b", Mode::None)))
    };
    let own = wait(world.open("/cc", Mode::None));
    let both = [own, joined(other)];
    assert!(both.iter().all(|answer| answer.fault().is_none()));
    world.end_without_closing(both);
}

/// Callers help each other: whoever rests is called when there is something to do. Three callers,
/// one of which needs three actions in turn. Bounded.
fn callers_that_help_do_not_leave_each_other_waiting() {
    let world = World::real(0);
    let others = ["/nothing/a", "/nothing/b"].map(|path| {
        let world = world.clone();
        thread::spawn(move || drop(help(&world.hub, world.open(path, Mode::None))))
    });
    let staged = help(&world.hub, world.open(real_file(), Mode::Load));
    assert_eq!(staged.fault(), None);
    drop(staged);
    for other in others {
        joined(other);
    }
    world.is_empty();
}

/// A helper that is called for work just when its own answer comes passes the call on: another
/// caller, who only waits, must not wait for ever. Three threads: one helper, one who waits, one
/// worker. Bounded.
fn a_helper_with_its_answer_passes_the_call_on() {
    let world = World::real(1);
    let helper = {
        let world = world.clone();
        thread::spawn(move || help(&world.hub, world.open("/nothing", Mode::None)))
    };
    let staged = wait(world.open(real_file(), Mode::Load));
    assert_eq!(staged.fault(), None);
    world.end_without_closing([staged, joined(helper)]);
}
