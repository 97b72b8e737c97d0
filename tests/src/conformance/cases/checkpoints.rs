//! L2: a checkpoint that fails or is left leaves a log that goes on, or one that says it must be opened
//! again.

use super::logs::{fill, logs, numbers, payload, refused, unsound};
use crate::conformance::driver::Driver;
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::start;
use driver_kit::core::{Fault, IoKind, ReplaceStep};
use driver_kit::handlers::ActionKind;
use driver_kit::log::Unsound;
use rustix::io::Errno;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "L2, A1",
            a_checkpoint_that_is_not_committed_changes_no_record,
        ),
        case("L2, A1", one_whose_end_is_unknown_ends_the_log),
        case("L2", a_snapshot_is_durable_before_records_go),
        case("L2", appends_wait_while_the_log_is_exchanged),
        case("L2, R10", one_that_is_left_halfway_loses_nothing),
    ]
}

/// A snapshot and a log are replaced in four steps each: create, sync, publish, sync of the directory.
const STEPS: u64 = 4;

fn failing(driver: &dyn Driver, steps: &'static [u64]) -> Gate {
    let fault = Fault::Os(Errno::IO.raw_os_error());
    Gate::judging(
        driver.hub(),
        ActionKind::Replace,
        move |number| match steps.contains(&number) {
            true => Verdict::Fail(fault),
            false => Verdict::Pass,
        },
    )
}

/// L2, A1: whichever of the two files it was, appends go on, and the next checkpoint succeeds.
fn a_checkpoint_that_is_not_committed_changes_no_record(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 6)?;
    // A sync that failed is followed by that of a second file, behind a discard and a creation.
    let steps: [&'static [u64]; 6] = [
        &[0],
        &[1, 4],
        &[2],
        &[STEPS],
        &[STEPS + 1, STEPS + 4],
        &[STEPS + 2],
    ];
    for step in steps {
        let gate = failing(driver.as_ref(), step);
        let error = refused(log.checkpoint(4, b"four"))?;
        drop(gate);
        assert!(
            error.to_string().contains("not committed"),
            "steps {step:?}: {error}"
        );
        fill(log.as_ref(), 1)?;
        log.sync()?;
        let found: Vec<u64> = numbers(&log.records()?);
        assert_eq!(found, (1..=log.last()).collect::<Vec<_>>(), "{step:?}");
    }
    log.checkpoint(5, b"five")?;
    assert_eq!(
        numbers(&log.records()?),
        (6..=log.last()).collect::<Vec<_>>()
    );
    Ok(())
}

/// L2, A1: the log may be the old file or the new one, and what went to the wrong one would be lost.
fn one_whose_end_is_unknown_ends_the_log(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 6)?;
    let gate = failing(driver.as_ref(), &[2 * STEPS - 1]);
    let error = refused(log.checkpoint(4, b"four"))?;
    drop(gate);
    assert!(error.to_string().contains("indeterminate"), "{error}");
    let error = refused(log.append(&payload(7)))?;
    assert!(
        matches!(unsound(&error)?.why, Unsound::Undecided),
        "{error}"
    );
    refused(log.sync())?;
    drop(log);
    let log = logs.open_log(&path, true)?;
    assert_eq!(numbers(&log.records()?), [5, 6]);
    assert_eq!(log.append(&payload(7))?, 7);
    Ok(())
}

/// L2: the directory too, and the records before that.
fn a_snapshot_is_durable_before_records_go(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let log = logs(driver.as_ref())?.open_log(&scene.path("log"), true)?;
    fill(log.as_ref(), 3)?;
    let syncs = Gate::counting(driver.hub(), ActionKind::Sync);
    let gate = Gate::counting(driver.hub(), ActionKind::Replace);
    log.checkpoint(3, b"three")?;
    assert_eq!(syncs.arrived(), 1);
    let steps: Vec<String> = gate
        .seen()
        .into_iter()
        .map(|(kind, path)| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let step = match kind {
                IoKind::Replace { step, .. } => step,
                _ => ReplaceStep::Discard,
            };
            let step = match step {
                ReplaceStep::Create { .. } => "create",
                ReplaceStep::Fill { .. } => "fill",
                ReplaceStep::SyncFile { .. } => "sync",
                ReplaceStep::Publish { .. } => "publish",
                ReplaceStep::SyncDirectory => "sync directory",
                ReplaceStep::Discard => "discard",
            };
            format!("{step} {name}")
        })
        .collect();
    let of =
        |name| ["create", "sync", "publish", "sync directory"].map(|step| format!("{step} {name}"));
    assert_eq!(steps, [of("log.snapshot"), of("log")].concat());
    Ok(())
}

/// L2: and land in the new one.
fn appends_wait_while_the_log_is_exchanged(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Replace, STEPS);
    let checkpoint = {
        let log = Arc::clone(&log);
        start(move || log.checkpoint(2, b"two"))
    };
    gate.wait_arrived(STEPS as usize + 1)?;
    let append = {
        let log = Arc::clone(&log);
        start(move || log.append_durable(&payload(4)))
    };
    assert!(
        append.is_waiting(),
        "the file that it would go to is on its way out"
    );
    gate.open();
    checkpoint.join()??;
    assert_eq!(append.join()??, 4);
    drop(log);
    assert_eq!(numbers(&logs.read_log(&path)?.records), [3, 4]);
    Ok(())
}

/// L2, R10: at each of its steps. Who opens the log again waits for what is still under way.
fn one_that_is_left_halfway_loses_nothing(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    for step in 0..2 * STEPS {
        let driver = scene.driver();
        let (logs, path) = (logs(driver.as_ref())?, scene.path(&format!("log{step}")));
        let log = logs.open_log(&path, true)?;
        fill(log.as_ref(), 5)?;
        let gate = Gate::holding(driver.hub(), ActionKind::Replace, step);
        let arrived = || gate.arrived() > step as usize;
        if !log.checkpoint_until(3, b"three", &arrived) {
            return Ok(());
        }
        // Nobody knows which file the log is, once it is being exchanged.
        let appended = log.append(&payload(6));
        assert_eq!(
            appended.is_err(),
            step >= STEPS,
            "step {step}: {appended:?}"
        );
        drop(log);
        let (opener, at) = (Arc::clone(&driver), path.clone());
        let open = start(move || opener.logs().map(|logs| logs.open_log(&at, false)));
        assert!(open.is_waiting(), "step {step}: it is being exchanged");
        gate.open();
        let log = open.join()?.ok_or("this driver has no logs")??;
        let last = log.last();
        assert_eq!(last, if step < STEPS { 6 } else { 5 }, "step {step}");
        assert_eq!(log.append_durable(&payload(last + 1))?, last + 1);
        let first = if log.recovered().snapshot.is_some() {
            4
        } else {
            1
        };
        let found = numbers(&log.records()?);
        assert_eq!(found, (first..=last + 1).collect::<Vec<_>>(), "step {step}");
    }
    Ok(())
}
