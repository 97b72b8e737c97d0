//! R3, R5, R8, R10: barriers cover what came before them and nothing else, and a failed sync is
//! never forgotten.

use super::writing::{held_write, opened};
use crate::conformance::driver::Opening;
use crate::conformance::errors::{cause_of, fault_of, is_errno, names_its_file};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Fault, Reject};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R3", a_flush_waits_for_every_write_before_it),
        case("R3", a_sync_begins_after_the_last_write_before_it),
        case("R5", a_write_after_a_flush_does_not_delay_it),
        case("R3", syncs_at_once_share_a_system_call),
        case("R3", a_flush_of_all_waits_for_every_file),
        case("R3", a_sync_of_all_syncs_what_is_dirty),
        case("R8", after_a_failed_sync_the_file_takes_no_more_writes),
        case("R8", a_sync_of_all_names_the_file_that_failed),
        case("R10", a_barrier_leaves_at_its_deadline),
        case("S2", draining_ends_what_is_dirty),
    ]
}

/// R3.
fn a_flush_waits_for_every_write_before_it(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    let flusher = Arc::clone(&file);
    let flush = start(move || flusher.flush(Deadline::Never));
    assert!(flush.is_waiting(), "a write before it is under way");
    gate.open();
    flush.join()??;
    write.join()??;
    Ok(())
}

/// R3: *nothing is queued* is no proof.
fn a_sync_begins_after_the_last_write_before_it(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    let syncer = Arc::clone(&file);
    let sync = start(move || syncer.sync(Deadline::Never));
    assert!(sync.is_waiting());
    assert_eq!(syncs.arrived(), 0, "a write before it is under way");
    gate.open();
    sync.join()??;
    assert_eq!(syncs.arrived(), 1);
    write.join()??;
    Ok(())
}

/// R5.
fn a_write_after_a_flush_does_not_delay_it(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    file.write_at(&[1; 10], 0)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let syncs = Gate::closed(driver.hub(), ActionKind::Sync);
    let syncer = Arc::clone(&file);
    // Who has a deadline leaves the work to the pool: else he may take the write, and be held by it.
    let patient = Deadline::within(Duration::from_secs(3600));
    let sync = start(move || syncer.sync(patient));
    syncs.wait_arrived(1)?;
    let writer = Arc::clone(&file);
    let write = start(move || writer.write_at(&[2; 10], 0));
    gate.wait_arrived(1)?;
    file.read(50, 1)?;
    syncs.open();
    sync.join()??;
    assert!(write.is_waiting(), "it is still held");
    gate.open();
    write.join()??;
    Ok(())
}

/// R3: those that come while one is under way share the next.
fn syncs_at_once_share_a_system_call(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Sync, 0);
    let sync = || {
        let syncer = Arc::clone(&file);
        start(move || {
            syncer.append(b"x")?;
            syncer.sync(Deadline::Never)
        })
    };
    let first = sync();
    gate.wait_arrived(1)?;
    let others: Vec<_> = match scene.configuration().workers {
        // With one worker, which is held, nothing is executed meanwhile.
        1 => Vec::new(),
        _ => (0..8).map(|_| sync()).collect(),
    };
    wait_for("all to wait for a sync", || {
        driver.stats().pending == 1 + others.len() as u64
            && driver.stats().written == 1 + others.len() as u64
    })?;
    gate.open();
    first.join()??;
    for other in &others {
        other.join()??;
    }
    assert_eq!(gate.arrived(), 1 + usize::from(!others.is_empty()));
    Ok(())
}

/// R3.
fn a_flush_of_all_waits_for_every_file(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, _) = scene.file("one", 10)?;
    let (other, _) = scene.file("two", 10)?;
    let file = driver.open(&path, Opening::to_write())?;
    let _other = driver.open(&other, Opening::to_write())?;
    driver.flush_all(Deadline::Never)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let write = start(move || file.write_at(&[1; 10], 0));
    gate.wait_arrived(1)?;
    let flusher = Arc::clone(&driver);
    let flush = start(move || flusher.flush_all(Deadline::Never));
    assert!(flush.is_waiting());
    gate.open();
    flush.join()??;
    write.join()??;
    Ok(())
}

/// R3: and leaves alone what is clean.
fn a_sync_of_all_syncs_what_is_dirty(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let mut files = Vec::new();
    for name in ["one", "two", "three"] {
        let (path, _) = scene.file(name, 10)?;
        files.push(driver.open(&path, Opening::to_write())?);
    }
    files[0].write_at(b"x", 0)?;
    files[2].set_len(3)?;
    let gate = Gate::counting(driver.hub(), ActionKind::Sync);
    driver.sync_all(Deadline::Never)?;
    let mut synced: Vec<_> = gate.seen().into_iter().map(|(_, path)| path).collect();
    synced.sort();
    assert_eq!(synced, [files[0].path(), files[2].path()]);
    driver.sync_all(Deadline::Never)?;
    assert_eq!(gate.arrived(), 2, "all is clean");
    Ok(())
}

/// R8: until it is opened again; nobody calls durable what may be lost.
fn after_a_failed_sync_the_file_takes_no_more_writes(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 10)?;
    let eio = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, eio);
    file.write_at(b"hello", 0)?;
    let error = file.sync(Deadline::Never).err().ok_or("it was synced")?;
    assert!(is_errno(&error, Errno::IO) && names_its_file(&error, Operation::Sync, file.path()));
    let refused = Some(Cause::Rejected(Reject::SyncFailed));
    let again = |result: io::Result<()>| result.err().as_ref().and_then(cause_of);
    assert_eq!(again(file.write_at(b"x", 0)), refused);
    assert_eq!(again(file.sync(Deadline::Never)), refused);
    assert_eq!(again(file.set_len(0)), refused);
    assert!(driver.sync_all(Deadline::Never).is_err());
    assert_eq!(file.read(0, 5)?, b"hello", "it can still be read");
    let reopened = driver.open(file.path(), Opening::to_write())?;
    drop(file);
    reopened.write_at(b"world", 0)?;
    reopened.sync(Deadline::Never)?;
    driver.sync_all(Deadline::Never)?;
    assert_eq!(gate.arrived(), 2, "the failed one was not tried again");
    Ok(())
}

/// R8.
fn a_sync_of_all_names_the_file_that_failed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("bad", 10)?;
    let file = driver.open(&path, Opening::to_write())?;
    file.write_at(b"x", 0)?;
    let eio = Fault::Os(Errno::IO.raw_os_error());
    let _gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, eio);
    let error = driver.sync_all(Deadline::Never).err().ok_or("synced")?;
    assert_eq!(fault_of(&error), Some(eio));
    assert!(error.to_string().contains(&path.display().to_string()));
    Ok(())
}

/// R3, R10.
fn a_barrier_leaves_at_its_deadline(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    let soon = || Deadline::within(Duration::from_millis(10));
    for late in [
        file.flush(soon()),
        file.sync(soon()),
        driver.flush_all(soon()),
        driver.sync_all(soon()),
    ] {
        let error = late.err().ok_or("it is still under way")?;
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    }
    gate.open();
    write.join()??;
    Ok(())
}

/// S2: reads, flushes, syncs, and writes to what is dirty already; nothing new.
fn draining_ends_what_is_dirty(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, _) = scene.file("dirty", 100)?;
    let (other, _) = scene.file("clean", 100)?;
    let file = driver.open(&path, Opening::to_write())?;
    let clean = driver.open(&other, Opening::to_write())?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    driver.hub().shut_down(driver_kit::core::Grace::default());
    let refused = clean.write_at(b"x", 0).err();
    let cause = refused.as_ref().and_then(cause_of);
    assert_eq!(cause, Some(Cause::Rejected(Reject::ShuttingDown)));
    let ending = Arc::clone(&file);
    let end = start(move || ending.write_at(&[2; 10], 50));
    gate.wait_arrived(2)?;
    let syncing = Arc::clone(&file);
    let sync = start(move || syncing.sync(Deadline::Never));
    wait_for("the sync to be accepted", || driver.stats().pending == 3)?;
    gate.open();
    end.join()??;
    write.join()??;
    sync.join()??;
    let all = fs::read(&path)?;
    assert_eq!((&all[..10], &all[50..60]), (&[1; 10][..], &[2; 10][..]));
    Ok(())
}
