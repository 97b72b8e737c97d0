//! L1, L2: what is torn is cut, what is damaged is told and left alone.

use super::logs::{fill, logs, numbers, refused, unsound};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use driver_kit::log::Unsound;
use std::fs;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("L1", a_torn_tail_is_cut_and_nothing_before_it),
        case("L1", damage_is_an_error_and_changes_nothing),
        case("L1", what_is_no_log_is_left_alone),
        case("L2", a_snapshot_stands_for_records_that_there_are),
    ]
}

/// L1.
fn a_torn_tail_is_cut_and_nothing_before_it(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 6)?;
    drop(log);
    let whole = fs::read(&path)?;
    for tail in [vec![0; 5_000], vec![0xff; 3], whole[..200].to_vec()] {
        fs::write(&path, [&whole[..], &tail].concat())?;
        let verified = logs.verify_log(&path)?;
        assert_eq!(verified.torn, tail.len() as u64);
        assert_eq!(verified.end, whole.len() as u64);
        let read = logs.read_log(&path)?;
        assert_eq!(numbers(&read.records), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read.torn, Some(tail.len() as u64));
        let log = logs.open_log(&path, false)?;
        assert_eq!(log.recovered().cut, tail.len() as u64);
        assert_eq!(log.recovered().records, 6);
        drop(log);
        assert_eq!(fs::read(&path)?, whole);
    }
    Ok(())
}

/// L1: with the path, the offset and the number; a reader still gets what is before.
fn damage_is_an_error_and_changes_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    log.sync()?;
    fill(log.as_ref(), 1)?;
    let offset = log.records()?[1].offset;
    drop(log);
    let mut bytes = fs::read(&path)?;
    bytes[offset as usize + 40] ^= 1;
    fs::write(&path, &bytes)?;
    let opened = refused(logs.open_log(&path, true))?;
    let verified = refused(logs.verify_log(&path))?;
    for error in [&opened, &verified] {
        let failure = unsound(error)?;
        assert_eq!(*failure.path, *path);
        let found =
            matches!(failure.why, Unsound::Damaged { offset: at, seq: 2, .. } if at == offset);
        assert!(found && failure.is_damage(), "{error}");
        let said = error.to_string();
        assert!(said.contains(&*path.to_string_lossy()) && said.contains(&offset.to_string()));
        assert!(said.contains("restore"), "{said}");
    }
    let read = logs.read_log(&path)?;
    assert_eq!(numbers(&read.records), [1]);
    assert!(read.error.is_some());
    assert_eq!(fs::read(&path)?, bytes);
    Ok(())
}

/// L1.
fn what_is_no_log_is_left_alone(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    drop(logs.open_log(&path, true)?);
    let mut newer = fs::read(&path)?;
    newer[8] = 9;
    let mut header = fs::read(&path)?;
    header[20] ^= 4;
    for (bytes, word) in [
        (&newer[..], "format 9"),
        (&header, "header is damaged"),
        (b"", "no log"),
        (b"a line of another log\n", "no log"),
    ] {
        fs::write(&path, bytes)?;
        for error in [
            refused(logs.open_log(&path, true))?,
            refused(logs.read_log(&path))?,
        ] {
            let said = error.to_string();
            assert!(said.contains(word), "{said}");
            assert!(said.contains(&*path.to_string_lossy()), "{said}");
        }
        assert_eq!(fs::read(&path)?, bytes);
    }
    Ok(())
}

/// L2: neither for some that are to come, nor for fewer than the one before; and it stays with its log.
fn a_snapshot_stands_for_records_that_there_are(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (logs, path) = (logs(driver.as_ref())?, scene.path("log"));
    let log = logs.open_log(&path, true)?;
    fill(log.as_ref(), 4)?;
    log.checkpoint(3, b"three")?;
    for upto in [2, 5] {
        let error = refused(log.checkpoint(upto, b"no"))?;
        assert!(
            matches!(unsound(&error)?.why, Unsound::Upto { .. }),
            "{error}"
        );
    }
    drop(log);
    let beside = scene.path("log.snapshot");
    let snapshot = fs::read(&beside)?;
    let mut damaged = snapshot.clone();
    *damaged.last_mut().ok_or("an empty snapshot")? ^= 1;
    fs::write(&beside, &damaged)?;
    for error in [
        refused(logs.verify_log(&path))?,
        refused(logs.open_log(&path, true))?,
    ] {
        assert!(matches!(unsound(&error)?.why, Unsound::Snapshot), "{error}");
        assert_eq!(*unsound(&error)?.path, *beside);
    }
    let mut newer = snapshot.clone();
    newer[8] = 3;
    fs::write(&beside, &newer)?;
    let error = refused(logs.open_log(&path, true))?;
    assert!(error.to_string().contains("format 3"), "{error}");
    assert_eq!(*unsound(&error)?.path, *beside);
    // Without its snapshot a log lacks records, and without its log a snapshot is none.
    fs::remove_file(&beside)?;
    let error = refused(logs.open_log(&path, true))?;
    assert!(
        matches!(unsound(&error)?.why, Unsound::Gap { first: 1, last: 3 }),
        "{error}"
    );
    let other = scene.path("other");
    drop(logs.open_log(&other, true)?);
    fs::write(scene.path("other.snapshot"), &snapshot)?;
    let error = refused(logs.open_log(&other, true))?;
    assert!(
        matches!(unsound(&error)?.why, Unsound::StrangeSnapshot),
        "{error}"
    );
    fs::remove_file(&other)?;
    let error = refused(logs.open_log(&other, true))?;
    assert!(
        matches!(unsound(&error)?.why, Unsound::SnapshotAlone),
        "{error}"
    );
    assert!(!other.exists());
    Ok(())
}
