//! R9: how long the operations on one file wait and are served is kept where somebody asks for it.

use super::writing::{held_write, opened};
use crate::conformance::driver::{Answers, Driver, Open, Opening};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::wait_for;
use driver_kit::Deadline;
use driver_kit::core::{Class, Mode};
use driver_kit::figures::RequestKind;
use std::io;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R9", a_timed_file_is_measured_and_others_are_not),
        case("R9", whoever_has_it_open_is_measured),
        case("R1, R9", one_that_waits_on_a_timed_file_waits_there),
        case("R8, R9", a_timed_file_is_measured_to_its_early_answer),
    ]
}

fn timed(scene: &Scene, driver: &dyn Driver) -> io::Result<Open> {
    let (path, _) = scene.file("timed", 100)?;
    driver.open(&path, Opening::to_write().class(Class::High).timed())
}

/// How many of a kind were measured on a file, and how many of them served.
fn of(file: &Open, kind: RequestKind) -> (u64, u64) {
    let timing = file.timings().map(|timings| timings.of_kind(kind));
    timing.map_or((0, 0), |it| (it.count(), it.service.count()))
}

/// R9: those of its own, by kind and by class, also where no worker has them; and they are among those of
/// all.
fn a_timed_file_is_measured_and_others_are_not(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let plain = opened(scene, driver.as_ref(), 100)?;
    let file = timed(scene, driver.as_ref())?;
    let count = |file: &Open| file.timings().map(|timings| timings.of_all().count());
    assert_eq!((count(&plain), count(&file)), (None, Some(0)));
    for round in 1..=20 {
        plain.write_at(&[1; 10], 0)?;
        file.write_at(&[1; 10], 0)?;
        file.read(0, 10)?;
        assert_eq!(of(&file, RequestKind::Write), (round, round));
        assert_eq!(of(&file, RequestKind::Read), (round, round));
    }
    file.append(&[1; 10])?;
    file.set_len(20)?;
    file.flush(Deadline::Never)?;
    file.sync(Deadline::Never)?;
    file.stage(Mode::Load)?;
    file.read(0, 10)?;
    file.unstage()?;
    let measured = RequestKind::ALL.map(|kind| of(&file, kind));
    let none = (0, 0);
    // Nothing is handed out for a flush; what is read from memory is not measured.
    let expected = [none, (2, 2), (20, 20), (22, 22), (2, 1), none, none, none];
    assert_eq!(measured, expected);
    let timings = file.timings().ok_or("it is timed")?;
    assert_eq!(timings.of_class(Class::High).count(), 22);
    assert_eq!(timings.of_class(Class::Low).count(), 0);
    let writes = timings.of_kind_and_class(RequestKind::Write, Class::High);
    assert!(writes.service.longest() >= writes.service.mean());
    assert_eq!(count(&plain), None);
    let all = driver.timings().of_kind(RequestKind::Write).count();
    assert_eq!(all, 42, "both are among those of all");
    Ok(())
}

/// R9: it is the file that is timed, from when it was asked on.
fn whoever_has_it_open_is_measured(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let first = opened(scene, driver.as_ref(), 100)?;
    first.write_at(&[1; 10], 0)?;
    let second = driver.open(first.path(), Opening::to_write().timed())?;
    first.write_at(&[1; 10], 0)?;
    second.write_at(&[1; 10], 0)?;
    for file in [&first, &second] {
        assert_eq!(of(file, RequestKind::Write), (2, 2));
    }
    second.close()?;
    assert_eq!(of(&first, RequestKind::Write), (2, 2));
    assert_eq!(of(&first, RequestKind::Close), (1, 0));
    let path = first.path().to_path_buf();
    first.close()?;
    // Until its descriptor is closed, the file is the same.
    wait_for("the file to be forgotten", || driver.hub().files() == 0)?;
    let again = driver.open(&path, Opening::to_write())?;
    assert!(again.timings().is_none(), "nobody asked for it");
    let _ = driver.shutdown(driver_kit::core::Grace::default());
    assert!(again.timings().is_none());
    Ok(())
}

/// R1: whoever comes later waits as long as both of them were there.
fn one_that_waits_on_a_timed_file_waits_there(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = timed(scene, driver.as_ref())?;
    let (gate, first) = held_write(driver.as_ref(), &file, 0)?;
    let behind = file
        .handle()
        .write(5, vec![2; 10].into(), Deadline::Never, None)?;
    let cancelled = file
        .handle()
        .write(7, vec![2; 10].into(), Deadline::Never, None)?;
    drop(cancelled);
    assert_eq!(of(&file, RequestKind::Write), (1, 0), "it was never served");
    gate.open();
    first.join()??;
    driver.attend();
    wait_for("the second write", || driver.stats().written == 2)?;
    drop(behind);
    wait_for("its time", || of(&file, RequestKind::Write) == (3, 2))?;
    let timings = file.timings().ok_or("it is timed")?;
    let (own, all) = (timings.of_all(), driver.timings());
    let all = all.of_kind(RequestKind::Write);
    let near = |own: Option<std::time::Duration>, all: Option<std::time::Duration>| {
        let (own, all) = (own.unwrap_or_default(), all.unwrap_or_default());
        own >= all.mul_f64(0.9) && own <= all.mul_f64(1.1) + std::time::Duration::from_nanos(64)
    };
    assert!(
        near(own.waiting.longest(), all.waiting.longest()),
        "{own:?}, {all:?}"
    );
    assert!(
        near(own.service.longest(), all.service.longest()),
        "{own:?}, {all:?}"
    );
    Ok(())
}

/// R8.
fn a_timed_file_is_measured_to_its_early_answer(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::answering(Answers::Accepted).timed())?;
    for round in 1..=10 {
        file.write_at(&[1; 10], 0)?;
        assert_eq!(of(&file, RequestKind::Write).0, round);
    }
    file.flush(Deadline::Never)?;
    assert_eq!(of(&file, RequestKind::Write).0, 10);
    Ok(())
}
