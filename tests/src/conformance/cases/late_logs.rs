//! R10 of logs: whoever runs out of time is answered and told what is known, and the log goes on.

use super::logs::{fill, logs, numbers, payload, refused, unsound};
use crate::conformance::driver::Driver;
use crate::conformance::errors::{cause_of, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::guarding::Locking;
use crate::conformance::logs::OpenLog;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{PATIENCE, start, until, wait_for};
use driver_kit::Deadline;
use driver_kit::core::Fault;
use driver_kit::error::{Cause, Operation, failure};
use driver_kit::handlers::ActionKind;
use driver_kit::log::{Unsound, Which, log_failure};
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("L1, R10", an_append_out_of_time_leaves_no_hole),
        case("L1, R10", a_record_is_written_though_its_caller_has_no_time),
        case("L1, R10", what_comes_too_late_is_not_begun),
        case(
            "L1, L2, R10",
            an_append_is_not_accepted_while_the_log_is_exchanged,
        ),
        case("L1, R3, R10", a_sync_out_of_time_counts_for_the_next),
        case(
            "L1, R10",
            an_open_out_of_time_keeps_others_out_until_its_cut_ended,
        ),
        case("L1, R10", an_open_looks_at_the_time_between_its_steps),
        case("L2, R10", a_checkpoint_out_of_time_has_no_effect),
        case(
            "L2, R10",
            a_checkpoint_out_of_time_names_the_file_that_it_replaces,
        ),
        case("L1, R10", a_reader_out_of_time_goes_on_where_it_was),
    ]
}

/// Long enough for what waits for nobody, most of the time.
const MOMENT: Duration = Duration::from_millis(20);

fn soon() -> Deadline {
    Deadline::within(MOMENT)
}

/// Asks with more and more time until the deadline is met where it was to be met: a busy machine takes its time to
/// get there.
fn with_more_time<T>(
    mut ask: impl FnMut(Deadline) -> Result<Option<T>, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let mut time = MOMENT;
    while time < PATIENCE {
        if let Some(met) = ask(Deadline::within(time))? {
            return Ok(met);
        }
        time *= 2;
    }
    Err("it never came so far".into())
}

fn over() -> Deadline {
    Deadline::At(Instant::now())
}

/// It ran out of time, and nothing of it is under way.
fn is_late<T>(result: io::Result<T>, operation: Operation, path: &Path) -> Proof {
    let error = refused(result)?;
    assert_eq!(
        cause_of(&error),
        Some(Cause::Fault(Fault::Deadline)),
        "{error}"
    );
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(names_its_file(&error, operation, path), "{error}");
    Ok(())
}

/// It runs out of time when this record is accepted; before that nothing is.
fn is_under_way(
    log: &dyn OpenLog,
    seq: u64,
    path: &Path,
    append: impl Fn(&[u8], Deadline) -> io::Result<u64>,
) -> Proof {
    with_more_time(|deadline| {
        let last = log.last();
        let error = refused(append(&payload(seq), deadline))?;
        if log.last() == last {
            return is_late::<()>(Err(error), Operation::Append, path).map(|()| None);
        }
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let failure = unsound(&error)?;
        assert!(
            matches!(failure.why, Unsound::UnderWay { seq: this } if this == seq),
            "{error}"
        );
        let about = (failure.operation, &*failure.path);
        assert_eq!(about, (Operation::Append, path));
        Ok(Some(()))
    })
}

/// L1, R10: a record that was accepted is appended, whether or not its caller has time.
fn an_append_out_of_time_leaves_no_hole(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 2)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    for seq in [3, 4] {
        is_under_way(log.as_ref(), seq, &path, |record, deadline| {
            log.append_by(record, deadline)
        })?;
    }
    is_under_way(log.as_ref(), 5, &path, |record, deadline| {
        log.append_durable_by(record, deadline)
    })?;
    let (appender, record) = (Arc::clone(&log), payload(6));
    let append = start(move || appender.append_durable(&record));
    gate.open();
    assert_eq!(append.join()??, 6);
    assert_eq!(numbers(&log.records()?), [1, 2, 3, 4, 5, 6]);
    drop((gate, log));
    assert_eq!(numbers(&logs.read_log(&path)?.records), [1, 2, 3, 4, 5, 6]);
    let verified = logs.verify_log(&path)?;
    assert_eq!((verified.records, verified.torn), (6, 0));
    Ok(())
}

/// L1, R10: also where nobody but callers does the work, and the time is over before a call could begin.
fn a_record_is_written_though_its_caller_has_no_time(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    let mut record = vec![7; 1 << 20];
    // Until it takes longer to make a frame of it than there is time.
    let appended = loop {
        let late = log.append_by(&record, Deadline::within(Duration::from_millis(1)));
        match late {
            Ok(_) => record.resize(2 * record.len(), 7),
            Err(error) if log_failure(&error).is_some() => break log.last(),
            // It was not even accepted.
            Err(error) => assert_eq!(cause_of(&error), Some(Cause::Fault(Fault::Deadline))),
        }
    };
    // Through another stager: one that reads here may do the work.
    let other = scene.driver();
    let other = self::logs(other.as_ref())?;
    wait_for("the record to be written", || {
        let verified = other.verify_log(&path);
        verified.is_ok_and(|verified| verified.last == appended)
    })?;
    Ok(())
}

/// R10: nothing of it happens at all.
fn what_comes_too_late_is_not_begun(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    is_late(logs.open_log_by(&path, over()), Operation::Open, &path)?;
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    log.checkpoint(1, b"one")?;
    let before = (fs::read(&path)?, driver.stats().accepted);
    is_late(log.append_by(b"late", over()), Operation::Append, &path)?;
    is_late(
        log.append_durable_by(b"late", over()),
        Operation::Append,
        &path,
    )?;
    is_late(log.sync_by(over()), Operation::Sync, &path)?;
    is_late(
        log.checkpoint_by(2, b"two", over()),
        Operation::Checkpoint,
        &path,
    )?;
    assert_eq!((fs::read(&path)?, driver.stats().accepted), before);
    let upto = log.snapshot()?.map(|snapshot| snapshot.upto);
    assert_eq!((log.last(), upto), (3, Some(1)));
    let snapshot = scene.path("log.snapshot");
    is_late(log.snapshot_by(over()), Operation::Read, &snapshot)?;
    is_late(logs.begin_to_read(&path, over()), Operation::Read, &path)?;
    is_late(logs.verify_log_by(&path, over()), Operation::Verify, &path)?;
    fill(log.as_ref(), 1)?;
    assert_eq!(numbers(&log.records()?), [2, 3, 4]);
    Ok(())
}

/// L1, L2, R10: it has no number yet, so the next one has none less for it.
fn an_append_is_not_accepted_while_the_log_is_exchanged(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    let gate = Gate::holding_from(driver.hub(), ActionKind::Replace, STEPS);
    let cutting = Arc::clone(&log);
    let checkpoint = start(move || cutting.checkpoint(2, b"two"));
    gate.wait_arrived(STEPS as usize + 1)?;
    is_late(log.append_by(b"late", soon()), Operation::Append, &path)?;
    is_late(
        log.checkpoint_by(3, b"late", soon()),
        Operation::Checkpoint,
        &path,
    )?;
    gate.open();
    checkpoint.join()??;
    assert_eq!(log.append(&payload(4))?, 4);
    assert_eq!(numbers(&log.records()?), [3, 4]);
    Ok(())
}

/// L1, R3, R10: it goes on without its caller, and nobody asks for another.
fn a_sync_out_of_time_counts_for_the_next(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 2)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Sync);
    with_more_time(|deadline| {
        is_late(log.sync_by(deadline), Operation::Sync, &path)?;
        Ok((gate.arrived() > 0).then_some(()))
    })?;
    is_late(log.sync_by(soon()), Operation::Sync, &path)?;
    gate.open();
    gate.wait_ended(1)?;
    log.sync()?;
    assert_eq!(gate.arrived(), 1);
    fill(log.as_ref(), 1)?;
    log.sync_by(Deadline::within(Duration::from_secs(60)))?;
    assert_eq!(gate.arrived(), 2);
    Ok(())
}

/// A log of three records and a torn tail, and how long it is without that.
fn torn(scene: &Scene) -> Result<u64, Box<dyn Error>> {
    let (driver, path) = (scene.driver(), scene.path("log"));
    let log = logs(driver.as_ref())?.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    drop(log);
    let whole = fs::read(&path)?;
    fs::write(&path, [&whole[..], b"torn"].concat())?;
    Ok(whole.len() as u64)
}

/// L1, R10: whoever has the log next would be cut.
fn an_open_out_of_time_keeps_others_out_until_its_cut_ended(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let len = torn(scene)?;
    let (driver, other, path) = (scene.driver(), scene.driver(), scene.path("log"));
    let logs = logs(driver.as_ref())?;
    let cuts = Gate::closed(driver.hub(), ActionKind::SetLength);
    with_more_time(|deadline| {
        let late = logs.open_log_by(&path, deadline);
        match cuts.arrived() {
            // One before may not have given its lock back.
            0 => assert_eq!(refused(late)?.kind(), io::ErrorKind::TimedOut),
            _ => is_late(late, Operation::Open, &path)?,
        }
        Ok((cuts.arrived() > 0).then_some(()))
    })?;
    nobody_else_has_it(scene, &cuts, Arc::clone(&other))?;
    assert_eq!(fs::metadata(&path)?.len(), len + FRAMED);
    // The same where the caller left.
    fs::write(&path, [&fs::read(&path)?[..], b"torn"].concat())?;
    let cuts = Gate::closed(driver.hub(), ActionKind::SetLength);
    if logs.open_log_until(&path, &|| cuts.arrived() > 0) {
        nobody_else_has_it(scene, &cuts, other)?;
        assert_eq!(fs::metadata(&path)?.len(), len + 2 * FRAMED);
    }
    Ok(())
}

/// A frame and an empty record.
const FRAMED: u64 = driver_kit::log::FRAME as u64;

/// A stranger waits for the end of what is held, and then appends an empty record.
fn nobody_else_has_it(scene: &Scene, held: &Gate, other: Arc<dyn Driver>) -> Proof {
    let (path, lock) = (scene.path("log"), scene.path(".log.lock"));
    let once = || other.lock(&lock, Locking::default().once());
    assert!(once().is_err(), "another process could have it");
    let (opener, at) = (Arc::clone(&other), path.clone());
    let open = start(move || opener.logs().map(|logs| logs.open_log(&at, true)));
    assert!(open.is_waiting(), "it was opened while it was cut");
    held.open();
    let log = open.join()?.ok_or("this driver has no logs")??;
    log.append_durable(b"")?;
    drop(log);
    wait_for("the lock to be given back", || once().is_ok())?;
    Ok(())
}

/// R10: also where the caller is inside its own system calls, and looks only then.
fn an_open_looks_at_the_time_between_its_steps(scene: &Scene) -> Proof {
    let len = torn(scene)?;
    let (driver, path) = (scene.driver(), scene.path("log"));
    let logs = logs(driver.as_ref())?;
    let end = Instant::now() + Duration::from_millis(20);
    let reads = Gate::judging(driver.hub(), ActionKind::Read, move |_| {
        until(end);
        Verdict::Pass
    });
    is_late(
        logs.open_log_by(&path, Deadline::At(end)),
        Operation::Open,
        &path,
    )?;
    drop(reads);
    assert_eq!(fs::metadata(&path)?.len(), len + 4, "it was not cut");
    let log = logs.open_log_by(&path, Deadline::within(Duration::from_secs(60)))?;
    assert_eq!((log.recovered().records, log.recovered().cut), (3, 4));
    assert_eq!(log.append(&payload(4))?, 4);
    Ok(())
}

/// A snapshot and a log are replaced in four steps each: create, sync, publish, sync of the directory.
const STEPS: u64 = 4;

/// L2, R10: before it replaced a file it did nothing.
fn a_checkpoint_out_of_time_has_no_effect(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 5)?;
    let syncs = Gate::closed(driver.hub(), ActionKind::Sync);
    let late = log.checkpoint_by(3, b"three", soon());
    is_late(late, Operation::Checkpoint, &path)?;
    syncs.open();
    assert!(!scene.path("log.snapshot").exists());
    fill(log.as_ref(), 1)?;
    log.checkpoint(4, b"four")?;
    assert_eq!(numbers(&log.records()?), [5, 6]);
    Ok(())
}

/// L2, R10: nobody knows what became of it, and the log goes on, or says that it has to be opened again.
fn a_checkpoint_out_of_time_names_the_file_that_it_replaces(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    for (step, of) in [(0, Which::Snapshot), (STEPS, Which::Log)] {
        let mut number = 0;
        let (driver, path, log, gate) = with_more_time(|deadline| {
            number += 1;
            // Another one, because an earlier checkpoint may still be under way.
            let driver = scene.driver();
            let path = scene.path(&format!("{of:?}{number}"));
            let log = logs(driver.as_ref())?.open_log(&path, true)?;
            fill(log.as_ref(), 5)?;
            let gate = Gate::holding_from(driver.hub(), ActionKind::Replace, step);
            let error = refused(log.checkpoint_by(3, b"three", deadline))?;
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
            let named = failure(&error).ok_or("another error")?;
            assert_eq!(named.operation, Operation::Checkpoint);
            let snapshot = path.with_extension("snapshot");
            let replaced = match of {
                Which::Log => &path,
                Which::Snapshot => &snapshot,
            };
            let met = named.is_indeterminate() && gate.arrived() as u64 > step;
            if met {
                assert_eq!(*named.path, **replaced, "{error}");
            }
            Ok(met.then_some((driver, path, log, gate)))
        })?;
        let appended = log.append(&payload(6));
        match of {
            Which::Snapshot => assert_eq!(appended?, 6),
            Which::Log => {
                let error = refused(appended)?;
                assert!(
                    matches!(unsound(&error)?.why, Unsound::Undecided),
                    "{error}"
                );
            }
        }
        drop(log);
        gate.open();
        let log = logs(driver.as_ref())?.open_log(&path, false)?;
        let last = log.last();
        assert_eq!(last, if of == Which::Log { 5 } else { 6 });
        assert_eq!(numbers(&log.records()?), (4..=last).collect::<Vec<_>>());
        assert_eq!(log.append(&payload(last + 1))?, last + 1);
    }
    Ok(())
}

/// L1, R10: no record is passed over, and none comes twice.
fn a_reader_out_of_time_goes_on_where_it_was(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 9)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Read);
    let (first, rest) = log.records_twice(soon(), &|| gate.open())?;
    is_late(first, Operation::Read, &path)?;
    assert_eq!(numbers(&rest), (1..=9).collect::<Vec<_>>());
    let gate = Gate::closed(driver.hub(), ActionKind::Read);
    is_late(logs.begin_to_read(&path, soon()), Operation::Read, &path)?;
    is_late(logs.verify_log_by(&path, soon()), Operation::Verify, &path)?;
    gate.open();
    assert_eq!(logs.verify_log(&path)?.records, 9);
    Ok(())
}
