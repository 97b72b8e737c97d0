//! L1, L2: logs lose nothing that was durable, cut what was not, and never take one for the other.

use crate::conformance::driver::Driver;
use crate::conformance::errors::is_errno;
use crate::conformance::gate::Gate;
use crate::conformance::guarding::Locking;
use crate::conformance::logs::{Logs, OpenLog};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{Scene, pattern};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::Fault;
use driver_kit::handlers::ActionKind;
use driver_kit::log::{LogFailure, Record, Unsound, log_failure};
use rustix::io::Errno;
use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("L1", records_come_back_as_they_were_appended),
        case("L1, R3", appenders_at_once_share_a_sync),
        case("L1", an_append_whose_caller_left_leaves_no_hole),
        case(
            "L1, K1",
            a_log_that_is_dropped_with_a_call_under_way_gives_its_lock_back,
        ),
        case("L1, R8", after_a_failed_sync_a_log_takes_no_more),
        case("L1, R8", an_append_that_fails_ends_the_log_there),
        case("L1", a_log_is_open_for_appending_once),
        case("L1", what_an_open_finds_is_written_again_and_synced),
        case("L2", a_checkpoint_leaves_the_snapshot_and_the_rest),
        case("L2", of_appends_beside_checkpoints_none_is_lost),
        case("L2", a_log_can_be_read_while_it_is_cut),
    ]
}

pub(super) fn logs(driver: &dyn Driver) -> Result<&dyn Logs, Box<dyn Error>> {
    driver
        .logs()
        .ok_or_else(|| "this driver has no logs".into())
}

/// The numbers of records, and that each has the payload that was appended under it.
pub(super) fn numbers(records: &[Record]) -> Vec<u64> {
    for record in records {
        assert_eq!(record.payload, payload(record.seq), "record {}", record.seq);
    }
    records.iter().map(|record| record.seq).collect()
}

/// Of lengths that differ, none included.
pub(super) fn payload(seq: u64) -> Vec<u8> {
    let len = if seq.is_multiple_of(5) {
        0
    } else {
        seq * 37 % 900
    };
    pattern(len as usize, seq as u8)
}

pub(super) fn fill(log: &dyn OpenLog, records: u64) -> io::Result<()> {
    for _ in 0..records {
        let seq = log.last() + 1;
        assert_eq!(log.append(&payload(seq))?, seq);
    }
    Ok(())
}

pub(super) fn unsound(error: &io::Error) -> Result<&LogFailure, Box<dyn Error>> {
    log_failure(error).ok_or_else(|| format!("another error: {error}").into())
}

pub(super) fn refused<T>(result: io::Result<T>) -> Result<io::Error, Box<dyn Error>> {
    match result {
        Ok(_) => Err("it succeeded".into()),
        Err(error) => Ok(error),
    }
}

/// L1: also empty ones, and one of many pieces.
fn records_come_back_as_they_were_appended(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    assert!(is_errno(
        &refused(logs.open_log(&path, false))?,
        Errno::NOENT
    ));
    let log = logs.open_log(&path, true)?;
    assert_eq!((log.last(), log.recovered().records), (0, 0));
    fill(log.as_ref(), 40)?;
    let large = pattern(900_000, 3);
    assert_eq!(log.append(&large)?, 41);
    assert_eq!(log.append_durable(b"")?, 42);
    let records = log.records()?;
    assert_eq!(numbers(&records[..40]), (1..=40).collect::<Vec<_>>());
    assert!(records[40].payload == large && records[41].payload.is_empty());
    drop(log);
    let read = logs.read_log(&path)?;
    assert!(read.records == records && read.torn == Some(0) && read.error.is_none());
    let log = logs.open_log(&path, false)?;
    assert_eq!((log.recovered().records, log.recovered().cut), (42, 0));
    assert_eq!(log.append_durable(&payload(43))?, 43);
    assert_eq!(logs.verify_log(&path)?.records, 43);
    Ok(())
}

/// L1, R3: those that come while a sync is under way share the next, and the write before it. Nobody is
/// answered by a sync that began before his record was written.
fn appenders_at_once_share_a_sync(scene: &Scene) -> Proof {
    const MANY: u64 = 24;
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let log = logs(driver.as_ref())?.open_log(&scene.path("log"), true)?;
    let before = driver.stats();
    let syncs = Gate::holding(driver.hub(), ActionKind::Sync, 0);
    let append = || {
        let log = Arc::clone(&log);
        start(move || log.append_durable(b"record"))
    };
    let first = append();
    syncs.wait_arrived(1)?;
    let others: Vec<_> = (1..MANY).map(|_| append()).collect();
    wait_for("all to be accepted", || log.last() == MANY)?;
    assert!(others.iter().all(|other| other.is_waiting()));
    syncs.open();
    let mut numbers = vec![first.join()??];
    for other in others {
        numbers.push(other.join()??);
    }
    assert_eq!(syncs.arrived(), 2, "one for the first, one for all others");
    assert_eq!(driver.stats().written - before.written, 2, "so do writes");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=MANY).collect::<Vec<_>>());
    Ok(())
}

/// L1: what was accepted is appended, whether or not somebody waits for it.
fn an_append_whose_caller_left_leaves_no_hole(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 2)?;
    let before = driver.stats().accepted;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    if !log.append_and_leave(&payload(3)) {
        return Ok(());
    }
    assert!(log.append_and_leave(&payload(4)));
    assert_eq!(log.last(), 4);
    // The one that had to wait for the other's write is on its way, too, although nobody waits for it.
    gate.wait_arrived(1)?;
    assert_eq!(driver.stats().accepted - before, 2);
    let (appender, record) = (Arc::clone(&log), payload(5));
    let append = start(move || appender.append(&record));
    assert!(append.is_waiting());
    gate.open();
    assert_eq!(append.join()??, 5);
    assert_eq!(numbers(&log.records()?), [1, 2, 3, 4, 5]);
    log.sync()?;
    drop(log);
    assert_eq!(numbers(&logs.read_log(&path)?.records), [1, 2, 3, 4, 5]);
    Ok(())
}

/// L1, K1: the lock goes with the last call, though nobody here opens a log again.
fn a_log_that_is_dropped_with_a_call_under_way_gives_its_lock_back(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    if !log.append_and_leave(&payload(1)) {
        return Ok(());
    }
    gate.wait_arrived(1)?;
    drop(log);
    let lock = scene.path(".log.lock");
    let once = || driver.lock(&lock, Locking::default().once());
    assert!(once().is_err(), "its file may be written still");
    gate.open();
    wait_for("the lock to be given back", || once().is_ok())?;
    assert_eq!(numbers(&logs.read_log(&path)?.records), [1]);
    Ok(())
}

/// L1, R8: until it is opened again, which finds what there is.
fn after_a_failed_sync_a_log_takes_no_more(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    assert_eq!(log.append_durable(&payload(1))?, 1);
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    refused(log.append_durable(&payload(2)))?;
    drop(gate);
    let before = fs::read(&path)?;
    for _ in 0..2 {
        let error = refused(log.append(&payload(3)))?;
        assert!(error.to_string().contains("open the log again"), "{error}");
        refused(log.sync())?;
    }
    assert_eq!(fs::read(&path)?, before);
    drop(log);
    let log = logs.open_log(&path, false)?;
    assert_eq!(numbers(&log.records()?), [1, 2]);
    assert_eq!(log.append_durable(&payload(3))?, 3);
    Ok(())
}

/// L1, R8: what was written behind it is no part of the log, and nobody is told that it is.
fn an_append_that_fails_ends_the_log_there(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    let fault = Fault::Os(Errno::NOSPC.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Write, 0, fault);
    let error = refused(log.append(&payload(4)))?;
    drop(gate);
    assert!(is_errno(&error, Errno::NOSPC), "{error}");
    assert!(error.to_string().contains(&*path.to_string_lossy()));
    assert!(matches!(
        unsound(&error)?.why,
        Unsound::Broken { seq: 4, .. }
    ));
    for error in [refused(log.append(b"behind"))?, refused(log.sync())?] {
        assert!(error.to_string().contains("record 4"), "{error}");
    }
    drop(log);
    let log = logs.open_log(&path, false)?;
    assert_eq!(numbers(&log.records()?), [1, 2, 3]);
    assert_eq!(log.append(&payload(4))?, 4);
    // Also where nobody waited for it.
    let gate = Gate::failing(driver.hub(), ActionKind::Write, 0, fault);
    if log.append_and_leave(&payload(5)) {
        refused(log.append(b"behind"))?;
        refused(log.sync())?;
    }
    drop((gate, log));
    assert_eq!(numbers(&logs.read_log(&path)?.records), [1, 2, 3, 4]);
    Ok(())
}

/// L1: two would write over each other.
fn a_log_is_open_for_appending_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    let link = scene.path("link");
    std::os::unix::fs::symlink(&path, &link)?;
    for path in [&path, &link] {
        let error = refused(logs.open_log(path, true))?;
        assert!(matches!(unsound(&error)?.why, Unsound::Busy), "{error}");
    }
    let other = scene.driver();
    refused(self::logs(other.as_ref())?.open_log(&path, true))?;
    drop(log);
    logs.open_log(&link, true)?.append(b"through a link")?;
    assert_eq!(logs.verify_log(&path)?.records, 1);
    Ok(())
}

/// L1: a sync alone would pass over what one that failed has left behind.
fn what_an_open_finds_is_written_again_and_synced(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 2)?;
    log.sync()?;
    fill(log.as_ref(), 3)?;
    drop(log);
    let before = fs::read(&path)?;
    let writes = Gate::counting(driver.hub(), ActionKind::Write);
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    let log = logs.open_log(&path, true)?;
    assert_eq!(writes.arrived(), 3, "those that nobody vouches for");
    assert_eq!(syncs.arrived(), 1);
    drop(log);
    assert_eq!(fs::read(&path)?, before);
    // An open that cannot make it durable is none.
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    refused(logs.open_log(&path, true))?;
    drop(gate);
    assert_eq!(
        numbers(&logs.open_log(&path, true)?.records()?),
        [1, 2, 3, 4, 5]
    );
    Ok(())
}

/// L2.
fn a_checkpoint_leaves_the_snapshot_and_the_rest(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 10)?;
    let long = fs::metadata(&path)?.len();
    for (upto, snapshot, rest) in [
        (6, "six", vec![7, 8, 9, 10]),
        (6, "six again", vec![7, 8, 9, 10]),
        (10, "ten", vec![]),
    ] {
        log.checkpoint(upto, snapshot.as_bytes())?;
        assert_eq!(numbers(&log.records()?), rest);
        let read = logs.read_log(&path)?;
        assert_eq!((numbers(&read.records), read.torn), (rest, Some(0)));
        for found in [read.snapshot, log.snapshot()?] {
            let found = found.ok_or("no snapshot")?;
            assert_eq!((found.upto, &found.bytes[..]), (upto, snapshot.as_bytes()));
        }
    }
    assert!(fs::metadata(&path)?.len() < long / 10);
    assert_eq!(log.append_durable(&payload(11))?, 11);
    drop(log);
    let log = logs.open_log(&path, true)?;
    assert_eq!(
        (log.recovered().records, log.recovered().snapshot),
        (1, Some(10))
    );
    assert_eq!(log.append(&payload(12))?, 12);
    assert_eq!(numbers(&log.records()?), [11, 12]);
    let verified = logs.verify_log(&path)?;
    assert_eq!((verified.records, verified.last), (2, 12));
    Ok(())
}

/// L2: they wait for the moment in which the log is exchanged.
fn of_appends_beside_checkpoints_none_is_lost(scene: &Scene) -> Proof {
    const EACH: u64 = 60;
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    let appending: Vec<_> = (0..3)
        .map(|_| {
            let log = Arc::clone(&log);
            start(move || -> io::Result<Vec<u64>> {
                (0..EACH).map(|_| log.append(b"one of many")).collect()
            })
        })
        .collect();
    let mut upto = 0;
    while upto < 2 * EACH {
        wait_for("an append", || log.last() > upto)?;
        upto = log.last();
        log.checkpoint(upto, upto.to_string().as_bytes())?;
    }
    let mut appended = Vec::new();
    for appender in appending {
        appended.extend(appender.join()??);
    }
    appended.sort_unstable();
    assert_eq!(appended, (1..=3 * EACH).collect::<Vec<_>>());
    drop(log);
    let log = logs.open_log(&path, false)?;
    let snapshot = log.snapshot()?.ok_or("no snapshot")?;
    assert_eq!(snapshot.bytes, upto.to_string());
    let rest: Vec<u64> = log.records()?.iter().map(|record| record.seq).collect();
    assert_eq!(rest, (upto + 1..=3 * EACH).collect::<Vec<_>>());
    Ok(())
}

/// L2: snapshot and records that belong together, whatever happens meanwhile; also through another stager.
fn a_log_can_be_read_while_it_is_cut(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let (reader, path) = (logs(other.as_ref())?, scene.path("log"));
    let log = logs(driver.as_ref())?.open_log(&path, true)?;
    log.append(b"first")?;
    let cutting = start(move || -> io::Result<u64> {
        for _ in 0..30 {
            for _ in 0..3 {
                log.append(b"one of many")?;
            }
            let upto = log.last() - 1;
            log.checkpoint(upto, &upto.to_le_bytes())?;
        }
        Ok(log.last())
    });
    let mut last = 0;
    while last < 91 {
        let read = reader.read_log(&path)?;
        if let Some(error) = read.error {
            return Err(error.into());
        }
        let upto = read.snapshot.map_or(0, |snapshot| snapshot.upto);
        let found: Vec<u64> = read.records.iter().map(|record| record.seq).collect();
        let now = upto + found.len() as u64;
        assert_eq!(found, (upto + 1..=now).collect::<Vec<_>>());
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
    assert_eq!(cutting.join()??, 91);
    Ok(())
}
