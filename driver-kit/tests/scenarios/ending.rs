//! The end: of a file, of the driver, of everything.

use super::world::{World, by_hand, handle_of, joined, limits};
use super::{Scenario, bounded, wait, wait_closed, whole};
use driver_kit::Deadline;
use driver_kit::core::{Access, Fault, Grace, Missing, Mode, PhaseName, Plan, Reject};
use driver_kit::error::{Cause, Failure};
use driver_kit::hub::{Hub, Opening, Ticket};
use driver_kit::observe::Notice;
use driver_kit::sync::thread;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) fn room() -> Vec<Scenario> {
    vec![
        whole(the_last_handle_dropped_against_a_leaving_worker_is_closed),
        bounded(a_submit_against_a_shutdown_is_refused_or_answered),
        whole(everybody_hears_of_the_end),
        whole(a_completion_after_the_end_changes_nothing),
        bounded(a_lost_driver_answers_everybody_who_waits),
        whole(observers_hear_the_phases_in_their_order),
    ]
}

/// So long that no scenario sees the end of it.
const AN_HOUR: Duration = Duration::from_secs(3600);
const PATIENT: Grace = Grace {
    total: 3 * 3_600_000_000_000,
    draining: 3_600_000_000_000,
    closing: 3_600_000_000_000,
};

/// Asks where it may be refused.
fn opening(hub: &Arc<Hub>, path: &str) -> Result<Ticket, Failure> {
    let opening = Opening {
        access: Access::Read,
        missing: Missing::Fail,
        plan: Plan::of(Mode::None),
    };
    hub.open(&Path::new(path).into(), opening, Deadline::Never, None)
}

/// A drop that leaves the closing of a descriptor to be done, while the one worker leaves: it is
/// closed, by that worker or by another. Two threads at a time. Whole.
fn the_last_handle_dropped_against_a_leaving_worker_is_closed() {
    let world = World::by_hand(1);
    drop(handle_of(wait(world.open("/file", Mode::None))));
    world.all_left();
    assert_eq!(world.hub.working(), 0, "nobody stays for nothing");
    world.is_empty();
}

/// S2, S5, R9: an open that meets a shutdown is refused or answered, and the end comes. Three
/// threads: one asks, one shuts down, one worker at a time. Bounded.
fn a_submit_against_a_shutdown_is_refused_or_answered() {
    let world = World::by_hand(1);
    let asks = {
        let hub = Arc::clone(&world.hub);
        thread::spawn(move || match opening(&hub, "/file") {
            Ok(ticket) => drop(wait(ticket)),
            Err(failure) => {
                assert_eq!(failure.cause, Cause::Rejected(Reject::ShuttingDown));
            }
        })
    };
    world.hub.shut_down(PATIENT);
    let report = wait_closed(&world.hub);
    assert!(report.is_clean(), "{report:?}");
    joined(asks);
    world.all_left();
    world.is_empty();
}

/// S5: everybody who waits for the end is woken by it, and those who come later see it at once.
/// Three threads: two wait, one ends. Whole.
fn everybody_hears_of_the_end() {
    let world = World::by_hand(0);
    let waiting = [(); 2].map(|()| {
        let hub = Arc::clone(&world.hub);
        thread::spawn(move || drop(wait_closed(&hub)))
    });
    world.hub.force(AN_HOUR);
    for one in waiting {
        joined(one);
    }
    world.is_empty();
}

/// S3, S5: an action that is given up by the end of the closing phase may complete as late as it
/// likes: its caller is answered, nothing is told after `Closed`, and what it opened is given back.
/// Two threads: one carries out, one forces the end. Whole.
fn a_completion_after_the_end_changes_nothing() {
    let world = World::by_hand(0);
    let ticket = world.open("/file", Mode::None);
    let worker = world.worker();
    world.hub.force(Duration::ZERO);
    while world.hub.phase() != PhaseName::Closed {
        // The clock goes on, and so the phase runs out of its time.
        world.hub.tick();
    }
    let _ = wait(ticket).done();
    joined(worker);
    assert_eq!(world.hub.phase(), PhaseName::Closed);
    world.is_empty();
}

/// R9: where no worker can be had, everybody who waits is told so: for an answer, and for the end.
/// Four threads at the most: two callers, and those that were to be started. Bounded.
fn a_lost_driver_answers_everybody_who_waits() {
    let world = World::without_its_worker();
    let ask = |hub: &Arc<Hub>, path: &str| match opening(hub, path) {
        Ok(ticket) => assert_eq!(wait(ticket).fault(), Some(Fault::DriverLost)),
        Err(failure) => assert_eq!(failure.cause, Cause::Rejected(Reject::ShuttingDown)),
    };
    let other = {
        let hub = Arc::clone(&world.hub);
        thread::spawn(move || ask(&hub, "/b"))
    };
    ask(&world.hub, "/cc");
    assert!(!wait_closed(&world.hub).is_clean());
    joined(other);
    world.all_left();
    assert_eq!(world.hub.working(), 0, "nobody is counted who never came");
    world.is_empty();
}

/// S5, S7: observers hear of each phase once, in the order of the phases, whichever threads tell
/// them; so `Closed` is the last that is ever heard. Three threads: two ask for the end, one
/// carries out. Whole.
fn observers_hear_the_phases_in_their_order() {
    let world = World::of(limits(), 0, Arc::new(by_hand));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listen = {
        let heard = Arc::clone(&heard);
        Arc::new(move |notice: &Notice| {
            if let Notice::Phase { phase, .. } = notice {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push(*phase);
            }
        })
    };
    world.hub.observers().add(listen);
    let open = world.opened("/file", Access::Read, Mode::None);
    let worker = {
        let world = world.clone();
        thread::spawn(move || {
            drop(open);
            world.work();
        })
    };
    world.hub.shut_down(PATIENT);
    world.hub.force(AN_HOUR);
    joined(worker);
    world.work();
    drop(wait_closed(&world.hub));
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(heard.first(), Some(&PhaseName::Draining));
    assert_eq!(heard.last(), Some(&PhaseName::Closed));
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
}
