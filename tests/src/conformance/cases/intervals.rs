//! L3: what is written with an interval is synced though nobody asks, and who lost it is told.

use crate::conformance::Driver;
use crate::conformance::driver::{Answers, Open, Opening};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::wait_for;
use driver_kit::Deadline;
use driver_kit::core::{Fault, Grace};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::time::Duration;

/// Soon.
const SOON: Duration = Duration::from_millis(5);
/// Not within any test.
const LATE: Duration = Duration::from_secs(3600);

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("L3", what_is_written_is_synced_though_nobody_asks),
        case("L3", what_is_written_behind_is_synced_though_nobody_waits),
        case("L3", a_sync_by_time_waits_for_what_is_under_way),
        case("L3, R8", a_failed_sync_by_time_is_told_once_to_each_handle),
        case("L3", a_close_makes_durable_what_the_interval_has_not),
        case("L3", what_is_dropped_is_synced_at_once),
        case("L3", a_shutdown_syncs_what_the_interval_has_not),
        case("L3", records_are_synced_though_nobody_asks),
        case("L3, R8", a_log_hears_of_a_failed_sync_by_time),
    ]
}

fn every(interval: Duration) -> Opening {
    Opening {
        every: Some(interval),
        ..Opening::to_write()
    }
}

fn opened(scene: &Scene, driver: &dyn Driver, how: Opening) -> std::io::Result<Open> {
    let (path, _) = scene.file("file", 100)?;
    driver.open(&path, how)
}

/// L3: each time something was written; then nothing is due.
fn what_is_written_is_synced_though_nobody_asks(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), every(SOON))?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    assert_eq!(driver.hub().next_wake(), None, "nothing was written");
    for round in 1..4 {
        file.write_at(b"some", 0)?;
        syncs.wait_arrived(round)?;
        wait_for("the sync to be over", || {
            driver.stats().synced == round as u64
        })?;
        assert_eq!(driver.hub().next_wake(), None, "nothing was written since");
    }
    assert_eq!(syncs.arrived(), 3);
    Ok(())
}

/// L3: those that nobody waits for are executed before, by whoever there is.
fn what_is_written_behind_is_synced_though_nobody_waits(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let how = Opening {
        answers: Answers::Accepted,
        ..every(SOON)
    };
    let file = opened(scene, driver.as_ref(), how)?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    file.write_at(b"some", 0)?;
    file.write_at(b"more", 50)?;
    syncs.wait_arrived(1)?;
    assert_eq!(&std::fs::read(file.path())?[50..54], b"more");
    Ok(())
}

/// L3: whoever ends it may leave at once.
fn a_sync_by_time_waits_for_what_is_under_way(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), every(SOON))?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    let writes = Gate::closed(driver.hub(), ActionKind::Write);
    let writer = std::sync::Arc::clone(&file);
    let writing = crate::conformance::watch::start(move || writer.write_at(b"some", 0));
    writes.wait_arrived(1)?;
    wait_for("the time to be over", || driver.hub().next_wake().is_none())?;
    assert_eq!(syncs.arrived(), 0, "it covers nothing");
    writes.open();
    writing.join()??;
    syncs.wait_arrived(1)?;
    Ok(())
}

/// L3, R8: and what asks is not done; after that the file takes no more, as after any failed sync.
fn a_failed_sync_by_time_is_told_once_to_each_handle(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let one = opened(scene, driver.as_ref(), every(SOON))?;
    let [other, third] = [(); 2].map(|()| driver.open(one.path(), Opening::to_write()));
    let (other, third) = (other?, third?);
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let _gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    one.write_at(b"lost", 0)?;
    wait_for("the sync to fail", || driver.stats().syncs_failed == 1)?;
    let told = Some(Fault::SyncBehind(Errno::IO.raw_os_error()));
    let Err(error) = one.write_at(b"next", 10) else {
        return Err("a write says nothing".into());
    };
    assert_eq!(fault_of(&error), told, "{error}");
    assert!(is_errno(&error, Errno::IO), "{error}");
    assert!(
        names_its_file(&error, Operation::Write, one.path()),
        "{error}"
    );
    let Err(error) = one.write_at(b"next", 10) else {
        return Err("what was lost is forgotten".into());
    };
    assert_eq!(fault_of(&error), None, "it is told once: {error}");
    let Err(error) = other.sync(Deadline::Never) else {
        return Err("a sync says nothing".into());
    };
    assert_eq!(fault_of(&error), told, "{error}");
    let Err(error) = third.close() else {
        return Err("a close says nothing".into());
    };
    assert_eq!(fault_of(&error), told, "{error}");
    one.close()?;
    assert_ne!(&std::fs::read(other.path())?[10..14], b"next");
    Ok(())
}

/// L3.
fn a_close_makes_durable_what_the_interval_has_not(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), every(LATE))?;
    let path = file.path().to_path_buf();
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    file.write_at(b"some", 0)?;
    file.close()?;
    assert_eq!(syncs.arrived(), 1);
    drop(syncs);
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let _gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    let file = driver.open(&path, every(LATE))?;
    file.write_at(b"some", 0)?;
    let Err(error) = file.close() else {
        return Err("a close says nothing".into());
    };
    assert!(is_errno(&error, Errno::IO), "{error}");
    assert!(names_its_file(&error, Operation::Close, &path), "{error}");
    Ok(())
}

/// L3: if that fails, the next sync of all says so.
fn what_is_dropped_is_synced_at_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), every(LATE))?;
    let path = file.path().to_path_buf();
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    file.write_at(b"some", 0)?;
    drop(file);
    syncs.wait_arrived(1)?;
    wait_for("the file to go", || driver.hub().files() == 0)?;
    drop(syncs);
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let _gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    let file = driver.open(&path, every(LATE))?;
    file.write_at(b"some", 0)?;
    drop(file);
    wait_for("the sync to fail", || driver.stats().syncs_failed == 1)?;
    let Err(error) = driver.sync_all(Deadline::Never) else {
        return Err("a sync of all says nothing".into());
    };
    assert!(is_errno(&error, Errno::IO), "{error}");
    driver.sync_all(Deadline::Never)?;
    let report = driver.shutdown(Grace::default());
    assert_eq!(report.machine.undurable_bytes, 4);
    Ok(())
}

/// L3: while it closes; what it cannot is counted.
fn a_shutdown_syncs_what_the_interval_has_not(scene: &Scene) -> Proof {
    for fails in [false, true] {
        let driver = scene.driver();
        let file = opened(scene, driver.as_ref(), every(LATE))?;
        let number = if fails { 0 } else { u64::MAX };
        let fault = Fault::Os(Errno::IO.raw_os_error());
        let syncs = Gate::failing(driver.hub(), ActionKind::Sync, number, fault);
        file.write_at(b"some", 0)?;
        let report = driver.shutdown(Grace::default());
        assert_eq!(syncs.arrived(), 1);
        let lost = report.machine.undurable_bytes;
        assert_eq!(lost, if fails { 4 } else { 0 });
        assert_eq!(report.machine.exit_code(), u8::from(fails));
    }
    Ok(())
}

/// L3, L1: also after a checkpoint, which makes another file the log.
fn records_are_synced_though_nobody_asks(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let logs = super::logs::logs(driver.as_ref())?;
    let log = logs.open_log_synced(&scene.path("log"), SOON)?;
    let before = driver.stats().synced;
    log.append(b"one")?;
    wait_for("the record to be synced", || driver.stats().synced > before)?;
    log.append(b"two")?;
    log.checkpoint(1, b"one")?;
    wait_for("everything to be synced", || {
        driver.hub().next_wake().is_none()
    })?;
    let before = driver.stats().synced;
    log.append(b"three")?;
    wait_for("the record to be synced", || driver.stats().synced > before)?;
    Ok(())
}

/// L3, L1, R8: it takes no more until it is opened again.
fn a_log_hears_of_a_failed_sync_by_time(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let logs = super::logs::logs(driver.as_ref())?;
    let path = scene.path("log");
    let log = logs.open_log_synced(&path, SOON)?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    log.append(b"one")?;
    wait_for("the sync to fail", || driver.stats().syncs_failed == 1)?;
    assert!(log.append(b"two").is_err(), "an append says nothing");
    assert!(log.append(b"three").is_err());
    drop((gate, log));
    let log = logs.open_log_synced(&path, SOON)?;
    assert_eq!(log.last(), 1);
    assert_eq!(log.append(b"two")?, 2);
    Ok(())
}
