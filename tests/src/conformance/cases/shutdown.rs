//! S1–S4, S8: four phases, one way, with manners and a report.

use super::many::order;
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::{cause_of, fault_of};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Cause as Why, Fault, Grace, Mode, PhaseName, Reject, Standing};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use driver_kit::observe::Notice;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("S1, S8", a_clean_end_is_reported_as_clean).of_the_core(),
        case("S2", draining_refuses_what_makes_new_work),
        case("S2", draining_serves_what_ends_work),
        case("S3", a_staging_is_cancelled_when_draining_begins),
        case("S3", a_staging_that_a_read_waits_for_is_finished),
        case("S3, S8", what_hangs_is_named_with_its_path_and_bytes),
        case("S3", each_phase_has_a_deadline),
        case("S4", asking_again_only_shortens),
        case("S4", force_ends_draining),
        case("S4", who_waits_for_the_end_hears_that_it_comes_sooner),
    ]
}

pub(super) const LEN: usize = 4 * CHUNK as usize;

fn brief() -> Grace {
    let nanos = |millis| Duration::from_millis(millis).as_nanos() as u64;
    Grace {
        total: nanos(80),
        draining: nanos(30),
        closing: nanos(30),
    }
}

/// What observers heard, in order.
pub(super) fn listen(driver: &dyn Driver) -> Arc<Mutex<Vec<Notice>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    driver
        .hub()
        .observers()
        .add(Arc::new(move |notice: &Notice| {
            hearing
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(notice.clone());
        }));
    heard
}

/// Every phase that was heard of, once the last was.
pub(super) fn phases(heard: &Mutex<Vec<Notice>>) -> io::Result<Vec<(PhaseName, Why)>> {
    let phase = |notice: &Notice| match notice {
        Notice::Phase { phase, cause, .. } => Some((*phase, *cause)),
        Notice::Progress { .. } | Notice::Abandoned { .. } => None,
    };
    let mut phases = Vec::new();
    wait_for("Closed to be heard", || {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        phases = heard.iter().filter_map(phase).collect();
        matches!(phases.last(), Some((PhaseName::Closed, _)))
    })?;
    Ok(phases)
}

/// S8: nothing given up, nothing undurable, exit code 0.
fn a_clean_end_is_reported_as_clean(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open_staged(&path)?;
    file.read(0, LEN)?;
    file.unstage()?;
    assert!(driver.open_staged(&scene.path("missing")).is_err());
    let report = driver.shutdown(Grace::default());
    assert!(
        report.is_clean() && report.unfinished.is_empty(),
        "{report}"
    );
    assert_eq!(report.exit_code(), 0);
    assert_eq!((report.machine.failed, report.machine.abandoned), (1, 0));
    assert_eq!(report.machine.undurable_bytes, 0);
    assert!(report.machine.completed >= 2, "{report}");
    assert_eq!(driver.phase(), PhaseName::Closed);
    Ok(())
}

/// S2: opens and stagings, also by a batch.
fn draining_refuses_what_makes_new_work(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, LEN));
    gate.wait_arrived(1)?;
    driver.hub().shut_down(Grace::default());
    assert_eq!(driver.phase(), PhaseName::Draining);
    let refused = Some(Cause::Rejected(Reject::ShuttingDown));
    let error = driver.open_staged(&path).err().ok_or("opened")?;
    assert_eq!(cause_of(&error), refused);
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = file.stage(Mode::Load).err().ok_or("staged")?;
    assert_eq!(cause_of(&error), refused);
    if scene.configuration().workers != 1 {
        let items = driver
            .batch(Box::new(vec![path].into_iter()), order(Mode::Auto, 1))?
            .wait();
        assert!(items.iter().all(|item| item.result.is_err()) && items.len() == 1);
    }
    gate.open();
    assert_eq!(read.join()??.len(), LEN);
    Ok(())
}

/// S2: reads, unstage, close.
fn draining_serves_what_ends_work(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let (other, _) = scene.file("other", LEN)?;
    let (third, _) = scene.file("third", LEN)?;
    let unstaged = driver.open(&path, Opening::by(Mode::None))?;
    let staged = driver.open(&other, Opening::by(Mode::Load))?;
    let held = driver.open(&third, Opening::by(Mode::Load))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Release, 0);
    let unstaging = Arc::clone(&held);
    let release = start(move || unstaging.unstage());
    gate.wait_arrived(1)?;
    driver.hub().shut_down(Grace::default());
    if scene.configuration().workers != 1 {
        assert!(unstaged.read(0, LEN)? == bytes);
        staged.unstage()?;
        assert_eq!(staged.read(0, LEN)?.len(), LEN);
        staged.close()?;
    }
    assert_eq!(
        driver.phase(),
        PhaseName::Draining,
        "an operation is still under way"
    );
    gate.open();
    release.join()??;
    let report = driver.shutdown(Grace::default());
    assert!(report.is_clean(), "{report}");
    Ok(())
}

/// S3: unless a read waits for it.
fn a_staging_is_cancelled_when_draining_begins(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let staging = Arc::clone(&file);
    let staged = start(move || staging.stage(Mode::Load));
    gate.wait_arrived(2)?;
    driver.hub().shut_down(Grace::default());
    gate.open();
    let error = staged.join()?.err().ok_or("staged")?;
    assert_eq!(fault_of(&error), Some(Fault::ShuttingDown));
    let report = driver.shutdown(Grace::default());
    assert_eq!(gate.arrived(), 2, "no further chunk is loaded");
    assert_eq!(
        (report.exit_code(), report.machine.cancelled),
        (0, 1),
        "{report}"
    );
    Ok(())
}

/// S3: then the read is answered from memory.
fn a_staging_that_a_read_waits_for_is_finished(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let driver = scene.driver();
        let (path, bytes) = scene.file("file", LEN)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
        let (staging, reading) = (Arc::clone(&file), Arc::clone(&file));
        let staged = start(move || staging.stage(mode));
        gate.wait_arrived(2)?;
        let read = start(move || reading.read(0, LEN));
        wait_for("the read", || {
            file.staging().is_some_and(|staging| staging.waiting == 2)
        })?;
        driver.hub().shut_down(Grace::default());
        assert!(read.is_waiting());
        gate.open();
        assert!(read.join()?? == bytes, "{mode:?}");
        assert!(matches!(staged.join()??, Standing::Staged(_)));
        let report = driver.shutdown(Grace::default());
        assert!(report.is_clean(), "{report}");
    }
    Ok(())
}

/// S3, S8: file, bytes, and that it is still in the kernel.
fn what_hangs_is_named_with_its_path_and_bytes(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, 12_345));
    gate.wait_arrived(1)?;
    let report = driver.shutdown(brief());
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(report.machine.cause, Why::OutOfTime);
    assert_eq!(report.machine.abandoned, 1);
    let named = report
        .unfinished
        .iter()
        .find(|unfinished| unfinished.in_flight);
    let named = named.ok_or("nothing is named")?;
    assert_eq!(
        (named.operation, &*named.path),
        (Operation::Read, path.as_path())
    );
    assert_eq!(named.bytes, Some(12_345));
    assert!(report.to_string().contains(&path.display().to_string()));
    gate.open();
    let error = read.join()?.err().ok_or("read after the end")?;
    assert_eq!(fault_of(&error), Some(Fault::Abandoned));
    Ok(())
}

/// S3: a slice of one total.
fn each_phase_has_a_deadline(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let heard = listen(driver.as_ref());
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, LEN));
    gate.wait_arrived(1)?;
    let began = Instant::now();
    let report = driver.shutdown(brief());
    assert!(
        began.elapsed() >= Duration::from_millis(60),
        "it gives each phase its time"
    );
    let Grace {
        total,
        draining,
        closing,
    } = brief();
    assert!(report.machine.draining >= draining, "{report}");
    // On a busy machine draining may end late, at the cost of what comes after it.
    let left = total.saturating_sub(report.machine.draining);
    assert!(report.machine.closing >= closing.min(left), "{report}");
    let expected = [
        (PhaseName::Draining, Why::Asked),
        (PhaseName::Closing, Why::OutOfTime),
        (PhaseName::Closed, Why::OutOfTime),
    ];
    assert_eq!(phases(&heard)?, expected);
    gate.open();
    assert!(read.join()?.is_err());
    Ok(())
}

/// S4: a longer grace is not granted, a shorter one is.
fn asking_again_only_shortens(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, LEN));
    gate.wait_arrived(1)?;
    driver.hub().shut_down(Grace::default());
    driver.hub().shut_down(brief());
    driver.hub().shut_down(Grace::default());
    let began = Instant::now();
    let report = driver.shutdown(Grace::default());
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "the shorter grace holds"
    );
    assert_eq!(report.exit_code(), 1);
    let again = driver.shutdown(Grace::default());
    assert_eq!(
        again.machine, report.machine,
        "asked after the end, the report is the same"
    );
    gate.open();
    assert!(read.join()?.is_err());
    Ok(())
}

/// S4: from Draining to Closing at once.
fn force_ends_draining(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let heard = listen(driver.as_ref());
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, LEN));
    gate.wait_arrived(1)?;
    driver.hub().shut_down(Grace::default());
    let report = driver.force(Duration::from_millis(10));
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(
        phases(&heard)?[..2],
        [
            (PhaseName::Draining, Why::Asked),
            (PhaseName::Closing, Why::Forced)
        ]
    );
    gate.open();
    assert!(read.join()?.is_err());
    Ok(())
}

/// S4: a waiter that sleeps until the deadline it knows of is told of a sooner one.
fn who_waits_for_the_end_hears_that_it_comes_sooner(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let read = start(move || file.read(0, LEN));
    gate.wait_arrived(1)?;
    let hour = Duration::from_secs(3_600).as_nanos() as u64;
    driver.hub().shut_down(Grace {
        total: hour,
        draining: hour,
        closing: hour,
    });
    let waiting = Arc::clone(&driver);
    let end = start(move || waiting.closed());
    wait_for("somebody to wait for the end", || driver.hub().kept() == 2)?;
    assert!(end.is_waiting());
    driver.hub().shut_down(brief());
    assert_eq!(end.join()?.machine.cause, Why::OutOfTime);
    gate.open();
    assert!(read.join()?.is_err());
    Ok(())
}
