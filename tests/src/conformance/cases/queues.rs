//! R2, R4, R7, R8: what waits to be written goes by class, many at once, and is answered when its handle
//! says.

use super::writing::opened;
use crate::conformance::driver::{Answers, Driver, Open, Opening};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Class, Fault, Limits};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::Ticket;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R4", what_is_written_through_is_durable_when_it_is_answered),
        case("R4", a_write_through_fails_with_its_sync),
        case("R4", writes_through_at_once_share_syncs),
        case("R8", a_write_behind_is_answered_when_it_is_accepted),
        case("R6, R8", what_was_written_behind_is_read),
        case("R8", a_loss_behind_is_told_once_to_each_handle),
        case("R8", a_close_tells_of_a_loss_behind),
        case("R8", a_sync_of_all_tells_of_what_was_lost_behind),
        case("R8", what_was_written_behind_outlives_its_file),
        case("R12", who_writes_behind_waits_for_room),
        case("R7", writes_that_wait_go_together),
        case("R7", each_part_of_a_run_has_its_own_end),
        case("R2", who_is_more_urgent_goes_first),
        case("R9", writes_are_counted_by_class_and_by_file),
    ]
}

fn opened_so(
    scene: &Scene,
    driver: &dyn crate::conformance::Driver,
    answers: Answers,
) -> std::io::Result<Open> {
    let (path, _) = scene.file("file", 100)?;
    driver.open(&path, Opening::answering(answers))
}

/// R4.
fn what_is_written_through_is_durable_when_it_is_answered(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Durable)?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    file.write_at(b"through", 10)?;
    assert_eq!(syncs.arrived(), 1);
    assert_eq!(file.append(b"and on")?, 100);
    file.set_len(50)?;
    assert_eq!(syncs.arrived(), 3);
    assert_eq!(&fs::read(file.path())?[10..17], b"through");
    Ok(())
}

/// R4, R8: executed it is, and nobody knows whether it is durable.
fn a_write_through_fails_with_its_sync(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Durable)?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    let Err(error) = file.write_at(b"lost", 0) else {
        return Err("it is called durable".into());
    };
    assert!(is_errno(&error, Errno::IO), "{error}");
    assert!(
        names_its_file(&error, Operation::Write, file.path()),
        "{error}"
    );
    drop(gate);
    assert!(
        file.write_at(b"again", 0).is_err(),
        "what was lost is forgotten"
    );
    Ok(())
}

/// R3, R4: those that are executed while a sync is under way share the next.
fn writes_through_at_once_share_syncs(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Durable)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Sync, 0);
    let write = |at: u64| {
        let writer = Arc::clone(&file);
        start(move || writer.write_at(&[1; 4], 20 * at))
    };
    let first = write(0);
    gate.wait_arrived(1)?;
    let others: Vec<_> = (1..5).map(write).collect();
    wait_for("all to be executed", || driver.stats().written == 5)?;
    gate.open();
    first.join()??;
    for other in &others {
        other.join()??;
    }
    assert_eq!(gate.arrived(), 2);
    Ok(())
}

/// R8.
fn a_write_behind_is_answered_when_it_is_accepted(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    file.write_at(b"behind", 0)?;
    assert_eq!(file.append(b"the end")?, 100);
    assert_eq!(driver.stats().written, 0, "nothing passes the gate");
    gate.open();
    file.flush(Deadline::Never)?;
    assert_eq!(driver.stats().written, 2);
    let found = fs::read(file.path())?;
    assert_eq!(
        (&found[..6], &found[100..]),
        (&b"behind"[..], &b"the end"[..])
    );
    Ok(())
}

/// R6, R8: a read waits for what was accepted before it.
fn what_was_written_behind_is_read(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    for round in 0..50_u8 {
        file.write_at(&[round; 30], 0)?;
        file.write_at(&[round; 10], 30)?;
        assert_eq!(file.read(0, 40)?, [round; 40]);
    }
    Ok(())
}

/// Writes behind: the first write of all, which fails like this.
fn lose_a_write(driver: &dyn Driver, file: &Open, errno: Errno) -> io::Result<Gate> {
    let fault = Fault::Os(errno.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Write, 0, fault);
    file.write_at(b"lost", 0)?;
    Ok(gate)
}

/// R8.
fn a_loss_behind_is_told_once_to_each_handle(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let one = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let other = driver.open(one.path(), Opening::answering(Answers::Accepted))?;
    let gate = lose_a_write(driver.as_ref(), &one, Errno::NOSPC)?;
    let behind = Some(Fault::Behind(Errno::NOSPC.raw_os_error()));
    let Err(told) = one.flush(Deadline::Never) else {
        return Err("a flush that covers it says nothing".into());
    };
    assert_eq!(fault_of(&told), behind, "{told}");
    assert!(is_errno(&told, Errno::NOSPC), "{told}");
    assert!(
        names_its_file(&told, Operation::Flush, one.path()),
        "{told}"
    );
    drop(gate);
    one.flush(Deadline::Never)?;
    let Err(told) = other.write_at(b"next", 10) else {
        return Err("the other handle is not told".into());
    };
    assert_eq!(fault_of(&told), behind, "{told}");
    other.write_at(b"next", 10)?;
    other.sync(Deadline::Never)?;
    assert_eq!(&fs::read(one.path())?[10..14], b"next");
    Ok(())
}

/// R8: closed it is all the same.
fn a_close_tells_of_a_loss_behind(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let gate = lose_a_write(driver.as_ref(), &file, Errno::IO)?;
    let Err(told) = file.close() else {
        return Err("a close says nothing".into());
    };
    assert!(is_errno(&told, Errno::IO), "{told}");
    drop(gate);
    Ok(())
}

/// R8.
fn a_sync_of_all_tells_of_what_was_lost_behind(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let gate = lose_a_write(driver.as_ref(), &file, Errno::IO)?;
    let Err(told) = driver.sync_all(Deadline::Never) else {
        return Err("a sync of all says nothing".into());
    };
    assert!(is_errno(&told, Errno::IO), "{told}");
    drop(gate);
    driver.sync_all(Deadline::Never)?;
    Ok(())
}

/// R8: nobody waits for it, and it is written.
fn what_was_written_behind_outlives_its_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let path = file.path().to_path_buf();
    file.write_at(b"left alone", 5)?;
    drop(file);
    wait_for("it to be written", || {
        fs::read(&path).is_ok_and(|found| &found[5..15] == b"left alone")
    })?;
    Ok(())
}

/// R8, R12: what is on its way is bounded.
fn who_writes_behind_waits_for_room(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver_with(Limits {
        bytes_per_file: 100,
        ..Scene::limits()
    });
    let file = opened_so(scene, driver.as_ref(), Answers::Accepted)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    file.write_at(&[1; 60], 0)?;
    gate.wait_arrived(1)?;
    let writer = Arc::clone(&file);
    let second = start(move || writer.write_at(&[2; 60], 0));
    assert!(second.is_waiting(), "there is no room for it");
    gate.open();
    second.join()??;
    assert_eq!(file.read(0, 60)?, [2; 60]);
    Ok(())
}

/// The one worker has a write in its hands; nobody waits for it, so nobody helps.
fn occupy(file: &Open, gate: &Gate) -> Result<Ticket, Box<dyn std::error::Error>> {
    let bytes = vec![9; 10].into();
    let asked = file.handle().write(900, bytes, Deadline::Never, None)?;
    gate.wait_arrived(1)?;
    Ok(asked)
}

/// Who has a deadline leaves the work to the pool.
fn patient() -> Deadline {
    Deadline::within(Duration::from_secs(3600))
}

/// R7: three that follow each other are one system call.
fn writes_that_wait_go_together(scene: &Scene) -> Proof {
    if scene.configuration().workers != 1 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 1000)?;
    let behind = driver.open(file.path(), Opening::answering(Answers::Accepted))?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let held = occupy(&file, &gate)?;
    for at in [2, 0, 1] {
        behind.write_at(&[at; 100], 100 * u64::from(at))?;
    }
    gate.open();
    behind.flush(patient())?;
    drop(held);
    assert_eq!(gate.arrived(), 2, "one alone, and three together");
    assert_eq!(driver.stats().merged, 2);
    let found = fs::read(file.path())?;
    for at in 0..3 {
        assert_eq!(found[100 * at..100 * at + 100], [at as u8; 100]);
    }
    Ok(())
}

/// R7, R9: the system writes only the first part and a half.
fn each_part_of_a_run_has_its_own_end(scene: &Scene) -> Proof {
    if scene.configuration().workers != 1 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 1000)?;
    let fault = Fault::Os(Errno::NOSPC.raw_os_error());
    let gate = Gate::judging(driver.hub(), ActionKind::Write, |number| match number {
        0 => Verdict::Hold,
        _ => Verdict::Say(|_| driver_kit::core::Completion::CutShort {
            bytes: 150,
            fault: Fault::Os(Errno::NOSPC.raw_os_error()),
        }),
    });
    let held = occupy(&file, &gate)?;
    let mut parts = Vec::new();
    for at in 0..3 {
        let bytes = vec![at as u8; 100].into();
        let asked = file.handle().write(100 * at, bytes, Deadline::Never, None);
        parts.push(asked?);
    }
    gate.open();
    let mut ends = Vec::new();
    for mut part in parts {
        wait_for("its end", || match part.poll_answer(Waker::noop()) {
            Poll::Ready(answer) => {
                ends.push(answer.written_at().map_err(|failure| failure.cause));
                true
            }
            Poll::Pending => false,
        })?;
    }
    let half = Err(Cause::CutShort { fault, bytes: 50 });
    assert_eq!(ends, [Ok(0), half, Err(Cause::Fault(fault))]);
    assert_eq!(gate.arrived(), 2);
    drop(held);
    Ok(())
}

/// R2: of two that wait for the one worker, the more urgent goes first, though it came later.
fn who_is_more_urgent_goes_first(scene: &Scene) -> Proof {
    if scene.configuration().workers != 1 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 1000)?;
    let accepted = |class| {
        driver.open(
            file.path(),
            Opening::answering(Answers::Accepted).class(class),
        )
    };
    let (low, urgent) = (accepted(Class::Low)?, accepted(Class::Urgent)?);
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let held = occupy(&file, &gate)?;
    low.write_at(&[1; 10], 0)?;
    urgent.write_at(&[2; 10], 500)?;
    gate.open();
    low.flush(patient())?;
    let places: Vec<u64> = gate
        .seen()
        .iter()
        .map(|(kind, _)| super::writing::place(*kind))
        .collect();
    assert_eq!(places, [900, 500, 0]);
    drop(held);
    Ok(())
}

/// R9: whatever becomes of them.
fn writes_are_counted_by_class_and_by_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::to_write().class(Class::High))?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Write, 0, fault);
    assert!(file.write_at(&[1; 10], 0).is_err());
    drop(gate);
    file.write_at(&[1; 10], 0)?;
    file.append(&[2; 20])?;
    file.set_len(50)?;
    let hub = driver.hub();
    let counts = hub.writes_to(file.handle().id()).unwrap_or_default();
    assert_eq!(counts, hub.writes_of(Class::High));
    assert_eq!(hub.writes_of(Class::Normal).accepted, 0);
    let ended = (
        counts.accepted,
        counts.completed,
        counts.failed,
        counts.pending,
    );
    assert_eq!((ended, counts.bytes), ((4, 3, 1, 0), 30));
    Ok(())
}
