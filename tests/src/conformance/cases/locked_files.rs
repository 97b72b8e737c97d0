//! K1, K2: what a lock does to files, and what it does not; and its bounds.

use super::locking::{file, in_line};
use crate::conformance::driver::Opening;
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::Gate;
use crate::conformance::guarding::Locking;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Fault, Grace, Limits, Mode, NodeKind, Scope};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("K1, R12", more_locks_than_there_may_be_wait_for_room),
        case("K1", a_lock_file_stays_and_a_data_file_is_not_touched),
        case("K1", a_lock_is_on_the_file_that_is_there_now),
        case("K1", records_are_written_in_place_under_a_lock_on_them),
        case("K1, G11", what_cannot_be_locked_says_why),
        case("K2", an_untrusted_file_system_is_refused),
        case("K1, S2", draining_answers_whoever_waits_for_a_lock),
    ]
}

/// K1, R12.
fn more_locks_than_there_may_be_wait_for_room(scene: &Scene) -> Proof {
    let limits = Limits {
        locks: 2,
        operations: 1,
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    let how = Locking::default().scope(Scope::Machine);
    let first = driver.lock(&scene.path("1"), how.clone())?;
    let _second = driver.lock(&scene.path("2"), how.clone())?;
    let (asks, path, late) = (Arc::clone(&driver), scene.path("3"), how.clone());
    let third = start(move || asks.lock(&path, late).map(drop));
    wait_for("it to be refused", || driver.stats().rejected > 0)?;
    assert!(third.is_waiting());
    // Whoever has a lock can go on.
    let (data, bytes) = scene.file("data", 50)?;
    let open = driver.open(&data, Opening::by(Mode::None))?;
    assert_eq!(open.read(0, 50)?, bytes);
    drop(first);
    third.join()??;
    Ok(())
}

/// K1: it is empty, and the same file each time.
fn a_lock_file_stays_and_a_data_file_is_not_touched(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("lock");
    drop(driver.lock(&path, Locking::default())?);
    let before = fs::metadata(&path)?;
    assert_eq!(before.len(), 0);
    drop(driver.lock(&path, Locking::default().shared())?);
    let after = fs::metadata(&path)?;
    assert_eq!((after.len(), after.ino()), (0, before.ino()));
    let (data, bytes) = scene.file("data", 333)?;
    drop(driver.lock(&data, Locking::default())?);
    drop(driver.lock(&data, Locking::default().range(5..10))?);
    assert_eq!(fs::read(&data)?, bytes);
    // A part of nothing is not locked, and nothing is made of it.
    let nothing = scene.path("nothing");
    let Err(error) = driver.lock(&nothing, Locking::default().range(0..1)) else {
        return Err("there is nothing".into());
    };
    assert!(is_errno(&error, Errno::NOENT), "{error}");
    assert!(!nothing.exists());
    Ok(())
}

/// K1: whoever waits for the old file has nothing from that.
fn a_lock_is_on_the_file_that_is_there_now(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = file(scene)?;
    let old = driver.lock(&path, Locking::default())?;
    let waits = in_line(&other, &path, Locking::default())?;
    assert!(waits.is_waiting());
    fs::write(scene.path("new"), b"new")?;
    fs::rename(scene.path("new"), &path)?;
    let new = waits.join()??;
    drop(old);
    drop(new);
    Ok(())
}

/// K1: what it is for. Eight at a time add to ten records of one file, through two drivers.
fn records_are_written_in_place_under_a_lock_on_them(scene: &Scene) -> Proof {
    const RECORDS: u64 = 10;
    let path = scene.path("records");
    fs::write(&path, [0; 8 * RECORDS as usize])?;
    let mut workers = Vec::new();
    for number in 0..8 {
        let driver = scene.driver();
        let path = path.clone();
        workers.push(start(move || -> io::Result<()> {
            let file = driver.open(&path, Opening::to_write())?;
            for turn in 0..20 {
                let start = (number + turn) % RECORDS * 8;
                let lock = driver.lock(&path, Locking::default().range(start..start + 8))?;
                let mut record = [0; 8];
                file.read_at(&mut record, start)?;
                let next = u64::from_le_bytes(record) + 1;
                file.write_at(&next.to_le_bytes(), start)?;
                drop(lock);
            }
            Ok(())
        }));
    }
    for worker in workers {
        worker.join()??;
    }
    let records = fs::read(&path)?;
    for record in records.chunks(8) {
        assert_eq!(record, 16_u64.to_le_bytes());
    }
    Ok(())
}

/// K1, G11.
fn what_cannot_be_locked_says_why(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (folder, pipe, link) = (scene.path("folder"), scene.path("pipe"), scene.path("link"));
    fs::create_dir(&folder)?;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )?;
    std::os::unix::fs::symlink(scene.path("nowhere"), &link)?;
    for (path, fault) in [
        (&folder, Fault::NotAFile(NodeKind::Directory)),
        (&pipe, Fault::NotAFile(NodeKind::Fifo)),
        (&link, Fault::Dangling),
        (
            &scene.path("no/where"),
            Fault::Os(Errno::NOENT.raw_os_error()),
        ),
    ] {
        for how in [Locking::default(), Locking::default().range(0..1)] {
            let Err(error) = driver.lock(path, how) else {
                return Err(format!("{} is locked", path.display()).into());
            };
            assert_eq!(fault_of(&error), Some(fault), "{error}");
            assert!(names_its_file(&error, Operation::Lock, path), "{error}");
        }
    }
    let Err(error) = driver.lock(&file(scene)?, Locking::default().range(5..5)) else {
        return Err("no bytes are locked".into());
    };
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    Ok(())
}

/// K2: and says so, unless whoever asks knows.
fn an_untrusted_file_system_is_refused(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("lock");
    let gate = Gate::failing(driver.hub(), ActionKind::Lock, 0, Fault::LocksUntrusted);
    let Err(error) = driver.lock(&path, Locking::default()) else {
        return Err("it is locked".into());
    };
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("other machines"), "{error}");
    drop(gate);
    drop(driver.lock(&path, Locking::default().scope(Scope::Network))?);
    Ok(())
}

/// K1, S2: what is held stays until closing.
fn draining_answers_whoever_waits_for_a_lock(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("lock");
    let lock = driver.lock(&path, Locking::default())?;
    let waits = in_line(&driver, &path, Locking::default())?;
    let rests = in_line(&other, &path, Locking::default())?;
    // The other one first, or it may get what this one gives back.
    for driver in [&other, &driver] {
        let report = driver.shutdown(Grace::default());
        assert!(report.is_clean(), "{report}");
    }
    for waits in [waits, rests] {
        let answer = waits.join()?;
        let fault = answer.err().as_ref().and_then(fault_of);
        assert_eq!(fault, Some(Fault::ShuttingDown));
    }
    let third = scene.driver();
    drop(third.lock(&path, Locking::default())?);
    drop(lock);
    let Err(error) = driver.lock(&path, Locking::default()) else {
        return Err("it is closed".into());
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{error}");
    Ok(())
}
