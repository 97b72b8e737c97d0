//! R12: which files have work that is accepted and not over, and how much, can be asked at any moment.

use super::writing::{held_write, opened};
use crate::conformance::driver::{Answers, Driver, Opening, Replacing};
use crate::conformance::gate::Gate;
use crate::conformance::guarding::Locking;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Backlog, Class, Fault, Load, Mode};
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::path::Path;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R12", files_with_work_are_named_and_others_are_not),
        case(
            "R8, R12",
            what_was_answered_early_is_told_until_it_is_executed,
        ),
        case("R10, R12", what_was_given_up_is_told_until_its_call_ends),
        case(
            "R3, R8, R12",
            what_is_dirty_is_told_and_what_cannot_be_synced,
        ),
        case("G2, R12", a_staging_is_under_way_and_a_read_waits_for_it),
        case(
            "A1, K1, R12",
            replaces_locks_and_opens_are_told_by_their_paths,
        ),
    ]
}

/// All that is told, in words.
fn told(driver: &dyn Driver) -> Vec<String> {
    let backlog = driver.backlog();
    backlog.iter().map(|file| file.to_string()).collect()
}

fn nothing(driver: &dyn Driver) -> bool {
    driver.backlog().is_empty()
}

fn shown(path: &Path, backlog: &str) -> String {
    format!("{}: {backlog}", path.display())
}

/// R12.
fn files_with_work_are_named_and_others_are_not(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (path, _) = scene.file("idle", 100)?;
    let idle = driver.open(&path, Opening::by(Mode::Load))?;
    assert!(nothing(driver.as_ref()));
    file.handle().set_class(Class::High);
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    file.handle().set_class(Class::Low);
    let behind = file
        .handle()
        .write(5, vec![2; 20].into(), Deadline::Never, None)?;
    let expected = "1 queued (20 bytes), 1 under way (10 bytes)";
    assert_eq!(told(driver.as_ref()), [shown(file.path(), expected)]);
    let backlog = file.backlog().unwrap_or_default();
    assert_eq!(Some(backlog), driver.backlog().first().map(|it| it.backlog));
    assert_eq!((backlog.operations(), backlog.bytes()), (2, 30));
    let by_class = Class::ALL.map(|class| (class, backlog.of_class(class)));
    for (class, operations) in by_class {
        let expected = u32::from(matches!(class, Class::High | Class::Low));
        assert_eq!(operations, expected, "{class:?}");
    }
    assert_eq!(idle.backlog(), Some(Backlog::default()));
    gate.open();
    write.join()??;
    driver.attend();
    wait_for("the second write", || driver.stats().written == 2)?;
    drop(behind);
    assert_eq!(told(driver.as_ref()), [shown(file.path(), "dirty")]);
    file.sync(Deadline::Never)?;
    assert!(nothing(driver.as_ref()));
    let _ = driver.shutdown(driver_kit::core::Grace::default());
    assert!(nothing(driver.as_ref()));
    assert_eq!(file.backlog(), None);
    Ok(())
}

/// R8: nobody waits for it, and it is still to be written, whoever has left.
fn what_was_answered_early_is_told_until_it_is_executed(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::answering(Answers::Accepted))?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    file.write_at(&[1; 10], 0)?;
    file.write_at(&[2; 10], 5)?;
    gate.wait_arrived(1)?;
    let expected = "1 queued (10 bytes), 1 under way (10 bytes)";
    assert_eq!(told(driver.as_ref()), [shown(&path, expected)]);
    drop(file);
    assert_eq!(told(driver.as_ref()), [shown(&path, expected)]);
    gate.open();
    wait_for("both to be executed", || nothing(driver.as_ref()))?;
    Ok(())
}

/// R10: its caller has left, and its system call has not.
fn what_was_given_up_is_told_until_its_call_ends(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let write = file
        .handle()
        .write(0, vec![1; 10].into(), Deadline::Never, None)?;
    gate.wait_arrived(1)?;
    drop(write);
    assert_eq!(driver.stats().cancelled, 1);
    let backlog = file.backlog().unwrap_or_default();
    let under_way = Load {
        operations: 1,
        bytes: 10,
    };
    assert_eq!(
        (backlog.queued, backlog.under_way),
        (Load::default(), under_way)
    );
    assert_eq!(backlog.of_class(Class::Normal), 1);
    gate.open();
    wait_for("its end", || {
        file.backlog().is_some_and(|it| it.operations() == 0)
    })?;
    Ok(())
}

/// R3, R8.
fn what_is_dirty_is_told_and_what_cannot_be_synced(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let path = file.path().to_path_buf();
    file.write_at(&[1; 10], 0)?;
    assert_eq!(told(driver.as_ref()), [shown(&path, "dirty")]);
    file.flush(Deadline::Never)?;
    assert_eq!(told(driver.as_ref()), [shown(&path, "dirty")], "no sync");
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Sync, 0, fault);
    assert!(file.sync(Deadline::Never).is_err());
    drop(gate);
    assert_eq!(told(driver.as_ref()), [shown(&path, "unsyncable")]);
    let _ = file.close();
    assert!(nothing(driver.as_ref()));
    Ok(())
}

/// G2.
fn a_staging_is_under_way_and_a_read_waits_for_it(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 10_000)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::closed(driver.hub(), ActionKind::Load);
    let stager = Arc::clone(&file);
    let staging = start(move || stager.stage(Mode::Load));
    gate.wait_arrived(1)?;
    let reader = Arc::clone(&file);
    let read = start(move || reader.read(0, 10));
    let expected = [shown(&path, "1 queued, 1 under way")];
    wait_for("the read to be asked", || told(driver.as_ref()) == expected)?;
    gate.open();
    staging.join()??;
    assert_eq!(read.join()??, bytes[..10]);
    assert!(nothing(driver.as_ref()));
    Ok(())
}

/// A1, K1: what has no open file is told by where it is to be.
fn replaces_locks_and_opens_are_told_by_their_paths(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let target = scene.path("target");
    let gate = Gate::closed(driver.hub(), ActionKind::Replace);
    let (replacer, path) = (Arc::clone(&driver), target.clone());
    let replace = start(move || replacer.replace(&path, &[7; 30], Replacing::default()));
    gate.wait_arrived(1)?;
    let expected = [shown(&target, "1 under way (30 bytes)")];
    assert_eq!(told(driver.as_ref()), expected);
    gate.open();
    replace.join()??;
    wait_for("nothing of it to be left", || nothing(driver.as_ref()))?;

    let held = driver.lock(&target, Locking::default())?;
    let (locker, path) = (Arc::clone(&driver), target.clone());
    let waiting = start(move || locker.lock(&path, Locking::default()));
    let expected = [shown(&target, "1 queued")];
    wait_for("another to want it", || told(driver.as_ref()) == expected)?;
    drop(held);
    drop(waiting.join()??);

    let gate = Gate::closed(driver.hub(), ActionKind::Open);
    let (opener, path) = (Arc::clone(&driver), target.clone());
    let open = start(move || opener.open(&path, Opening::to_write()));
    gate.wait_arrived(1)?;
    assert_eq!(told(driver.as_ref()), [shown(&target, "1 under way")]);
    gate.open();
    drop(open.join()??);
    wait_for("nothing to be left", || nothing(driver.as_ref()))?;
    Ok(())
}
