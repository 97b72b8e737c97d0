//! How a history ends: everything comes to rest, every handle is closed, the machine is shut down, and
//! nothing is left.

use super::rules::quiet;
use super::world::{RowState, World};
use staging_core::{
    Access, Bound, Event, Grace, Missing, Mode, OpId, PhaseName, Plan, Reply, Request, Tick,
};

/// Only successes from now on: everything resolves in a bounded number of steps, except what
/// waits for room that callers hold.
pub(crate) fn come_to_rest(world: &mut World) {
    world.driver.luck.failing = 0;
    world.driver.luck.contended = 0;
    world.disk.heal();
    let mut steps = 0;
    loop {
        world.drain();
        world.check();
        let jobs = world.driver.jobs.len();
        if jobs == 0 {
            if try_again(world) {
                continue;
            }
            break;
        }
        let at = world.dice.below(jobs);
        world.finish(at);
        steps += 1;
        assert!(steps < 5_000, "it never comes to rest");
    }
    quiet(world);
}

/// Whether a lock is to be tried again that another process had.
fn try_again(world: &mut World) -> bool {
    let wake = world.machine.next_deadline();
    let retry = wake.filter(|_| world.locks.waits_for_another());
    if let Some(wake) = retry {
        world.now = wake.at.max(world.now);
        let _ = world.say(Event::Ticked);
    }
    retry.is_some()
}

/// Every handle is closed, every lock given back and every slice dropped: nothing is left but what may linger.
pub(crate) fn close_everything(world: &mut World) {
    loop {
        while world.driver.slices() > 0 {
            world.drop_slice(0);
        }
        let held: Vec<_> = world.locks.held().collect();
        for lock in &held {
            world.unlock(*lock);
        }
        come_to_rest(world);
        let open = world.rows.iter().find(|row| row.state == RowState::Open);
        let Some(handle) = open.map(|row| row.id) else {
            if world.driver.slices() == 0 && held.is_empty() {
                break;
            }
            continue;
        };
        world.submit(0, Tick::NEVER, Request::Close { handle });
    }
    let left: Vec<OpId> = world.asked.keys().copied().collect();
    assert!(
        left.is_empty(),
        "everything was closed, and these wait: {left:?}"
    );
    let lingering = world.machine.charged();
    assert!(lingering <= world.limits.linger, "{lingering} bytes linger");
    let all = world.driver.contents.len();
    assert_eq!(
        world.machine.files(),
        all,
        "a file without handle or contents"
    );
    if world.driver.slices() == 0 && world.limits.operations > 0 {
        one_more_open(world);
    }
}

/// What lingers keeps nobody from opening a file.
fn one_more_open(world: &mut World) {
    world
        .full
        .retain(|bound| !matches!(bound, Bound::FileOperations(_) | Bound::FileBytes(_)));
    assert!(
        world.full.is_empty(),
        "room, and nobody was told: {:?}",
        world.full
    );
    let plan = Plan::of(Mode::Auto);
    let request = Request::Open {
        access: Access::Read,
        missing: Missing::Create,
        plan,
    };
    world.submit(0, Tick::NEVER, request);
    let accepted = matches!(world.log.last_reply(), Some(Reply::Opening { .. }));
    assert!(accepted, "refused, and nothing is open");
    come_to_rest(world);
}

/// A shutdown with a driver that obeys ends in Closed, with nothing left.
pub(crate) fn end(world: &mut World) {
    let long = 1 << 50;
    if world.told < PhaseName::Closed {
        world.shut_down(Grace {
            total: long,
            draining: long,
            closing: long,
        });
    }
    let mut steps = 0;
    while world.told < PhaseName::Closed {
        world.drain();
        world.check();
        if world.told == PhaseName::Closed {
            break;
        }
        if world.driver.jobs.is_empty() {
            // Who waits for room that others hold is given up when draining runs out of time.
            let wake = world.machine.poll_timeout();
            assert!(wake.is_some(), "{:?} will never end", world.machine);
            world.now = wake.map_or(world.now, |wake| wake.at).max(world.now);
            let _ = world.say(Event::Ticked);
        } else {
            let at = world.dice.below(world.driver.jobs.len());
            world.finish(at);
        }
        steps += 1;
        assert!(steps < 5_000, "it never closes");
    }
    after_the_end(world);
}

pub(crate) fn after_the_end(world: &mut World) {
    let report = world.machine.report();
    let given_back = report.is_some_and(|report| report.cause == staging_core::Cause::GivenBack);
    if given_back && world.honest {
        assert!(
            world.driver.contents.is_empty(),
            "contents outlive the machine"
        );
        assert!(
            world.driver.descriptors.is_empty(),
            "descriptors outlive the machine"
        );
        assert!(
            world.driver.jobs.is_empty(),
            "an action outlives the machine"
        );
    }
    let request = Request::Open {
        access: Access::Read,
        missing: Missing::Fail,
        plan: Plan::of(Mode::Auto),
    };
    world.submit(0, Tick::NEVER, request);
    let _ = world.say(Event::Ticked);
    assert!(
        !world.poll_told() && !world.poll_io(),
        "words after the end"
    );
}
