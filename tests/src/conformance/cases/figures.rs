//! R9, R12: what is counted, measured and told of health is what happened. That times and counts agree
//! is asserted at the end of every case, in `scene.rs`.

use super::writing::{held_write, opened};
use crate::conformance::driver::{Answers, Driver, Opening, Replacing};
use crate::conformance::gate::Gate;
use crate::conformance::guarding::Locking;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Class, Fault, Grace, Limits, Mode, WriteCounts};
use driver_kit::figures::{Condition, RequestKind, Timing};
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R9", each_operation_is_measured_by_kind_and_by_class),
        case("R1, R9", one_that_is_held_is_served_and_one_behind_it_waits),
        case("R9, R10", what_is_never_handed_out_only_waits),
        case("R3, R9", whoever_shares_a_sync_is_served_by_it),
        case("R7, R9", each_part_of_a_run_is_served),
        case("G4, R9", a_read_from_memory_is_in_no_figure),
        case("R9", a_lone_read_and_a_lone_write_are_measured),
        case("R9", figures_belong_together),
        case("R8", a_file_whose_sync_failed_is_told_until_it_is_closed),
        case("R12", a_full_stager_says_so),
        case("S1", a_stager_that_ends_says_how_far_it_is),
        case("R10", workers_that_are_all_stuck_are_told),
    ]
}

fn counts(timing: &Timing) -> (u64, u64) {
    (timing.waiting.count(), timing.service.count())
}

fn of(driver: &dyn Driver, kind: RequestKind) -> (u64, u64) {
    counts(&driver.timings().of_kind(kind))
}

/// R9.
fn each_operation_is_measured_by_kind_and_by_class(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::to_write().class(Class::High))?;
    file.write_at(&[1; 10], 0)?;
    file.append(&[2; 10])?;
    file.set_len(50)?;
    file.read(0, 10)?;
    file.flush(Deadline::Never)?;
    file.sync(Deadline::Never)?;
    file.stage(Mode::Load)?;
    file.unstage()?;
    file.close()?;
    driver.replace(&scene.path("other"), b"new", Replacing::default())?;
    let lock = driver.lock(&scene.path("locked"), Locking::default())?;
    drop(lock);
    let measured = RequestKind::ALL.map(|kind| of(driver.as_ref(), kind));
    // Nothing is handed out for a flush, and nothing for a close.
    let opens = (1, 1);
    assert_eq!(
        measured,
        [
            opens,
            (2, 2),
            (1, 1),
            (3, 3),
            (2, 1),
            (1, 1),
            (1, 1),
            (1, 0)
        ]
    );
    let timings = driver.timings();
    assert_eq!(timings.of_class(Class::High).count(), 3);
    assert_eq!(timings.of_class(Class::Urgent).count(), 2);
    assert_eq!(timings.of_class(Class::Low).count(), 0);
    assert_eq!(timings.of_all().count(), 12);
    Ok(())
}

/// R1, R9: whoever comes later waits at least as long as both of them were there.
fn one_that_is_held_is_served_and_one_behind_it_waits(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, first) = held_write(driver.as_ref(), &file, 0)?;
    let behind = file
        .handle()
        .write(5, vec![2; 10].into(), Deadline::Never, None)?;
    let held = Instant::now();
    assert_eq!(
        of(driver.as_ref(), RequestKind::Write),
        (0, 0),
        "neither is answered"
    );
    scene.file("meanwhile", 1 << 20)?;
    let held = held.elapsed();
    gate.open();
    first.join()??;
    driver.attend();
    wait_for("the second write", || driver.stats().written == 2)?;
    drop(behind);
    wait_for("its times", || {
        of(driver.as_ref(), RequestKind::Write) == (2, 2)
    })?;
    let writes = driver.timings().of_kind(RequestKind::Write);
    assert!(
        writes.service.longest() >= Some(held),
        "{writes:?}, {held:?}"
    );
    assert!(
        writes.waiting.longest() >= Some(held),
        "{writes:?}, {held:?}"
    );
    assert!(
        writes.waiting.shortest() < writes.waiting.longest(),
        "{writes:?}"
    );
    Ok(())
}

/// R10: it was given up in the queue.
fn what_is_never_handed_out_only_waits(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, first) = held_write(driver.as_ref(), &file, 0)?;
    let behind = file
        .handle()
        .write(5, vec![2; 10].into(), Deadline::Never, None)?;
    drop(behind);
    assert_eq!(driver.stats().cancelled, 1);
    assert_eq!(of(driver.as_ref(), RequestKind::Write), (1, 0));
    gate.open();
    first.join()??;
    assert_eq!(of(driver.as_ref(), RequestKind::Write), (2, 1));
    Ok(())
}

/// R3: two that wait for the same system sync are both handed out with it.
fn whoever_shares_a_sync_is_served_by_it(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    let handle = file.handle();
    let mut syncs = Vec::new();
    for _ in 0..3 {
        syncs.push(handle.sync(Deadline::Never, None)?);
    }
    gate.open();
    write.join()??;
    wait_for("all to be measured", || {
        of(driver.as_ref(), RequestKind::Sync) == (3, 3)
    })?;
    assert_eq!(driver.stats().synced, 1);
    drop(syncs);
    Ok(())
}

/// R7: those that go to the system together are served together.
fn each_part_of_a_run_is_served(scene: &Scene) -> Proof {
    if scene.configuration().workers != 1 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 1_000)?;
    let handle = file.handle();
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let write = |place| handle.write(place, vec![3; 10].into(), Deadline::Never, None);
    let mut asked = vec![write(900)?];
    gate.wait_arrived(1)?;
    for place in [0, 10, 20] {
        asked.push(write(place)?);
    }
    gate.open();
    wait_for("all to be measured", || {
        of(driver.as_ref(), RequestKind::Write) == (4, 4)
    })?;
    assert_eq!(driver.stats().merged, 2);
    drop(asked);
    Ok(())
}

/// G4: it comes by nobody who could count it.
fn a_read_from_memory_is_in_no_figure(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let before = driver.stats().accepted;
    for _ in 0..100 {
        assert_eq!(file.read(0, 100)?, bytes);
    }
    assert_eq!(of(driver.as_ref(), RequestKind::Read), (0, 0));
    assert_eq!(driver.stats().accepted, before);
    Ok(())
}

/// R9: also where no worker has them.
fn a_lone_read_and_a_lone_write_are_measured(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    for round in 1..=50 {
        file.write_at(&[7; 10], 0)?;
        assert_eq!(file.read(0, 10)?, [7; 10]);
        assert_eq!(of(driver.as_ref(), RequestKind::Write), (round, round));
        assert_eq!(of(driver.as_ref(), RequestKind::Read), (round, round));
    }
    Ok(())
}

/// R9: as of one moment, whatever goes on.
fn figures_belong_together(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    assert_eq!(driver.figures().success_rate(), None);
    let file = driver.open(&path, Opening::to_write().class(Class::Low))?;
    let writer = Arc::clone(&file);
    let writing = start(move || {
        for _ in 0..200 {
            writer.write_at(&[1; 10], 0)?;
        }
        Ok::<_, std::io::Error>(())
    });
    let mut looks = 0;
    let mut uptime = Duration::ZERO;
    loop {
        let figures = driver.figures();
        let stats = figures.stats;
        let ended = stats.completed + stats.failed + stats.cancelled + stats.expired;
        assert_eq!(stats.accepted, ended + stats.abandoned + stats.pending);
        let writes = figures.writes_of(Class::Low);
        assert_eq!(
            writes.accepted,
            writes.completed + writes.pending,
            "{writes:?}"
        );
        assert_eq!(
            (writes.bytes, stats.written_bytes),
            (10 * writes.completed, 10 * stats.written)
        );
        assert!(stats.accepted > writes.accepted && stats.written >= writes.completed);
        assert_eq!(figures.health.queue.operations, stats.pending);
        assert_eq!(figures.writes_of(Class::High), WriteCounts::default());
        assert!(figures.uptime >= uptime);
        uptime = figures.uptime;
        looks += 1;
        if writes.completed == 200 {
            break;
        }
    }
    writing.join()??;
    let figures = driver.figures();
    assert!(looks > 0 && figures.health.is_sound() && figures.health.takes_work());
    assert_eq!(figures.success_rate(), Some(1.0));
    assert!(figures.written.over_life > 0.0 && figures.answered.over_life > 0.0);
    assert!(figures.written.lately > 0.0 && figures.answered.lately > 0.0);
    assert!(driver.open_staged(&scene.path("missing")).is_err());
    assert!(driver.figures().success_rate() < Some(1.0));
    Ok(())
}

/// R8.
fn a_file_whose_sync_failed_is_told_until_it_is_closed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let other = driver.open(file.path(), Opening::to_write())?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    file.write_at(&[1; 10], 0)?;
    assert!(file.sync(Deadline::Never).is_err());
    drop(gate);
    let unsyncable = || driver.figures().health.unsyncable;
    assert_eq!(unsyncable(), 1);
    assert!(!driver.figures().health.is_sound() && driver.figures().health.takes_work());
    let _ = file.close();
    assert_eq!(unsyncable(), 1, "another handle of before is open");
    let _ = other.close();
    assert_eq!(unsyncable(), 0);
    assert!(driver.figures().health.is_sound());
    Ok(())
}

/// R12.
fn a_full_stager_says_so(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        ..Scene::limits()
    });
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    let health = driver.figures().health;
    assert_eq!(health.condition, Condition::Full);
    assert!(!health.takes_work());
    assert_eq!((health.queue.operations, health.queue.limit), (1, 1));
    assert_eq!(health.queue.under_way, 1);
    gate.open();
    write.join()??;
    let health = driver.figures().health;
    assert_eq!(health.condition, Condition::Ready);
    assert_eq!((health.queue.operations, health.queue.most), (0, 1));
    wait_for("nothing to be under way", || {
        driver.figures().health.queue.under_way == 0
    })?;
    Ok(())
}

/// S1.
fn a_stager_that_ends_says_how_far_it_is(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let condition = || driver.figures().health.condition;
    assert_eq!(condition(), Condition::Ready);
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    driver.hub().shut_down(Grace::default());
    assert_eq!(condition(), Condition::Draining);
    gate.open();
    write.join()??;
    assert!(driver.closed().is_clean());
    assert_eq!(condition(), Condition::Closed);
    let lost = scene.driver();
    lost.hub().driver_lost();
    assert_eq!(lost.figures().health.condition, Condition::DriverLost);
    assert!(!lost.figures().health.takes_work());
    Ok(())
}

/// R10: nobody comes back, and there is more to do.
fn workers_that_are_all_stuck_are_told(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::answering(Answers::Accepted))?;
    let stuck = || driver.figures().health.workers.stuck_for;
    assert_eq!(stuck(), None);
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let apart = 1_000;
    let most = driver.figures().health.workers.most;
    for place in 0..u64::from(most) {
        file.write_at(&[1; 10], place * apart)?;
        // Each of them alone: who comes late may take several.
        gate.wait_arrived(place as usize + 1)?;
    }
    assert_eq!(driver.figures().health.workers.at_work, most);
    assert_eq!(stuck(), None, "there is nothing that nobody has");
    file.write_at(&[1; 10], u64::from(most) * apart)?;
    assert!(stuck().is_some());
    assert!(!driver.figures().health.is_sound());
    let (before, moment) = (stuck(), Instant::now());
    wait_for("time to pass", || {
        moment.elapsed() > Duration::from_millis(1)
    })?;
    assert!(stuck() > before, "it grows");
    gate.open();
    file.flush(Deadline::Never)?;
    wait_for("them to go on", || stuck().is_none())?;
    Ok(())
}
