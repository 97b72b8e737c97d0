//! R8: a file that keeps dirty goes on after a failed sync, once it was told, and no sync vouches for what
//! was lost.

use crate::conformance::driver::{Answers, Driver, Open, Opening};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline::Never;
use driver_kit::core::{Fault, Mode};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R8", whoever_waited_for_the_failed_sync_goes_on),
        case("R8", whoever_did_not_is_told_once),
        case("R8", whoever_did_not_choose_it_is_refused),
        case("R8", a_close_tells_of_a_failed_sync),
        case("R8", a_sync_that_was_asked_before_fails),
        case("R8", a_sync_of_all_vouches_when_everybody_knows),
        case("R8", what_is_written_through_goes_on),
        case("R8", only_who_writes_keeps_dirty),
    ]
}

fn opened(scene: &Scene, driver: &dyn Driver) -> io::Result<Open> {
    let (path, _) = scene.file("file", 100)?;
    driver.open(&path, Opening::to_write().keep_dirty())
}

/// The first sync from now on fails.
fn failing(driver: &dyn Driver) -> Gate {
    let fault = Fault::Os(Errno::IO.raw_os_error());
    Gate::failing(driver.hub(), ActionKind::Sync, 0, fault)
}

fn lose(driver: &dyn Driver, file: &Open) -> Result<Gate, Box<dyn Error>> {
    let gate = failing(driver);
    file.write_at(b"lost", 0)?;
    let Err(told) = file.sync(Never) else {
        return Err("the sync failed, and says nothing".into());
    };
    assert!(is_errno(&told, Errno::IO), "{told}");
    Ok(gate)
}

fn is_told<T>(asked: io::Result<T>, operation: Operation, file: &Open) -> Proof {
    let Err(told) = asked else {
        return Err(format!("{operation:?} says nothing of what was lost").into());
    };
    assert_eq!(fault_of(&told), Some(Fault::SyncFailed), "{told}");
    assert!(names_its_file(&told, operation, file.path()), "{told}");
    Ok(())
}

/// R8.
fn whoever_waited_for_the_failed_sync_goes_on(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    let gate = lose(driver.as_ref(), &file)?;
    file.write_at(b"again", 0)?;
    file.sync(Never)?;
    assert_eq!(gate.arrived(), 2, "it is a sync of its own");
    assert_eq!(&fs::read(file.path())?[..5], b"again");
    Ok(())
}

/// R8: by what he asks next.
fn whoever_did_not_is_told_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    let again = || driver.open(file.path(), Opening::to_write().keep_dirty());
    let others = [again()?, again()?, again()?];
    let gate = lose(driver.as_ref(), &file)?;
    let written = driver.stats().written;
    let [writes, syncs, flushes] = &others;
    is_told(writes.write_at(b"next", 0), Operation::Write, writes)?;
    assert_eq!(driver.stats().written, written, "it is not begun");
    is_told(syncs.sync(Never), Operation::Sync, syncs)?;
    assert_eq!(gate.arrived(), 1, "it is not begun");
    is_told(flushes.flush(Never), Operation::Flush, flushes)?;
    for other in &others {
        other.write_at(b"next", 0)?;
        other.flush(Never)?;
        other.sync(Never)?;
    }
    Ok(())
}

/// R8: as ever.
fn whoever_did_not_choose_it_is_refused(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    let other = driver.open(file.path(), Opening::to_write())?;
    let _gate = lose(driver.as_ref(), &file)?;
    file.write_at(b"again", 0)?;
    file.sync(Never)?;
    for _ in 0..2 {
        assert!(other.write_at(b"next", 0).is_err(), "it is written to");
        assert!(other.sync(Never).is_err(), "it is synced");
    }
    Ok(())
}

/// R8: closed it is all the same.
fn a_close_tells_of_a_failed_sync(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    let other = driver.open(file.path(), Opening::to_write().keep_dirty())?;
    let _gate = lose(driver.as_ref(), &file)?;
    let Err(told) = other.close() else {
        return Err("a close says nothing".into());
    };
    assert_eq!(fault_of(&told), Some(Fault::SyncFailed), "{told}");
    file.close()?;
    Ok(())
}

/// R8: whatever its handle was told meanwhile.
fn a_sync_that_was_asked_before_fails(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    file.write_at(b"lost", 0)?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let syncs = Gate::judging(driver.hub(), ActionKind::Sync, move |number| match number {
        0 => Verdict::HoldAndFail(fault),
        _ => Verdict::Pass,
    });
    let sync = || {
        let syncer = Arc::clone(&file);
        start(move || syncer.sync(Never))
    };
    let fails = sync();
    syncs.wait_arrived(1)?;
    let writes = Gate::closed(driver.hub(), ActionKind::Write);
    let writer = Arc::clone(&file);
    let written = start(move || writer.write_at(b"held", 50));
    writes.wait_arrived(1)?;
    let waits = sync();
    wait_for("the second sync to wait", || driver.stats().pending == 3)?;
    syncs.open();
    // Whoever waits for it may stand at the other gate meanwhile, to help.
    wait_for("the first to fail", || driver.stats().syncs_failed == 1)?;
    writes.open();
    let Err(told) = fails.join()? else {
        return Err("it failed".into());
    };
    assert!(is_errno(&told, Errno::IO), "{told}");
    written.join()??;
    is_told(waits.join()?, Operation::Sync, &file)?;
    file.write_at(b"again", 0)?;
    file.sync(Never)?;
    Ok(())
}

/// R3, R8.
fn a_sync_of_all_vouches_when_everybody_knows(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref())?;
    let other = driver.open(file.path(), Opening::to_write().keep_dirty())?;
    let _gate = lose(driver.as_ref(), &file)?;
    let Err(told) = driver.sync_all(Never) else {
        return Err("somebody does not know".into());
    };
    assert_eq!(fault_of(&told), Some(Fault::SyncFailed), "{told}");
    is_told(other.flush(Never), Operation::Flush, &other)?;
    file.write_at(b"again", 0)?;
    driver.sync_all(Never)?;
    Ok(())
}

/// R4, R8.
fn what_is_written_through_goes_on(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::answering(Answers::Durable).keep_dirty())?;
    let gate = failing(driver.as_ref());
    let Err(told) = file.write_at(b"lost", 0) else {
        return Err("it is called durable".into());
    };
    assert!(is_errno(&told, Errno::IO), "{told}");
    file.write_at(b"again", 0)?;
    assert_eq!(gate.arrived(), 2);
    Ok(())
}

/// R8.
fn only_who_writes_keeps_dirty(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let Err(said) = driver.open(&path, Opening::by(Mode::Load).keep_dirty()) else {
        return Err("there is nothing to keep".into());
    };
    assert!(is_errno(&said, Errno::INVAL), "{said}");
    Ok(())
}
