//! S1, S5, S7: the end itself, what is heard of it, and what comes after.

use super::many::order;
use super::shutdown::{LEN, listen, phases};
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{EDGES, Fault, Grace, How, Life, Mode, PhaseName};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::{Read, Thread as HubThread};
use driver_kit::observe::Notice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("S5", nothing_is_heard_after_closed),
        case("S5", a_late_end_changes_nothing),
        case("S5, G1", contents_outlive_the_stager),
        case("S5", after_the_end_everything_is_refused),
        case("S1", phases_go_one_way_by_the_edges_there_are),
        case("S7", observers_may_call_back_in),
        case("S7, S8", a_panic_of_an_observer_is_recorded),
        case("S1", everybody_who_waits_hears_of_the_end),
        case("S2, S3", a_batch_ends_with_the_shutdown),
        case("S1", a_stager_that_is_dropped_is_closed),
        case("S5, S8", a_lost_driver_answers_everything),
    ]
}

/// S5: it is the last thing that is ever said.
fn nothing_is_heard_after_closed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let heard = listen(driver.as_ref());
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let other = driver.open(&path, Opening::by(Mode::None))?;
    let report = driver.shutdown(Grace::default());
    assert!(report.is_clean());
    let _ = (
        file.read(0, 1),
        file.unstage(),
        file.stage(Mode::Load),
        other.close(),
    );
    drop(file);
    driver.hub().force(Duration::ZERO);
    driver.hub().driver_lost();
    driver.hub().tick();
    phases(&heard)?;
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(matches!(
        heard.last(),
        Some(Notice::Phase {
            phase: PhaseName::Closed,
            ..
        })
    ));
    let closed = |notice: &&Notice| {
        matches!(
            notice,
            Notice::Phase {
                phase: PhaseName::Closed,
                ..
            }
        )
    };
    assert_eq!(heard.iter().filter(closed).count(), 1);
    Ok(())
}

/// S5: the driver owns buffer and descriptor until the system call ends.
fn a_late_end_changes_nothing(scene: &Scene) -> Proof {
    for kind in [ActionKind::Load, ActionKind::Map, ActionKind::Release] {
        let driver = scene.driver();
        let (path, _) = scene.file("file", LEN)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let gate = Gate::holding(driver.hub(), kind, 0);
        let staging = Arc::clone(&file);
        let mode = if kind == ActionKind::Load {
            Mode::Load
        } else {
            Mode::Map
        };
        let staged = start(move || staging.stage(mode).and_then(|_| staging.unstage()));
        gate.wait_arrived(1)?;
        let before = driver.stats();
        let report = driver.force(Duration::from_millis(10));
        assert_eq!(report.exit_code(), 1);
        gate.open();
        gate.wait_ended(1)?;
        assert!(staged.join()?.is_err());
        wait_for("the late end", || driver.stats().ignored > before.ignored)?;
        assert_eq!(driver.phase(), PhaseName::Closed);
        let after = driver.shutdown(Grace::default());
        assert_eq!(after.machine, report.machine);
    }
    Ok(())
}

/// G1, S5: what was handed out stays, mapped or loaded.
fn contents_outlive_the_stager(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let mut kept = Vec::new();
    for (name, mode) in [("loaded", Mode::Load), ("mapped", Mode::Map)] {
        let (path, bytes) = scene.file(name, LEN)?;
        let file = driver.open(&path, Opening::by(mode))?;
        kept.push((file.contents().ok_or("not staged")?, bytes));
    }
    let report = driver.shutdown(Grace::default());
    assert!(report.is_clean(), "{report}");
    for (contents, bytes) in kept {
        let mut buffer = vec![0; LEN];
        assert_eq!(contents.read_at(0, &mut buffer)?, LEN);
        assert!(buffer == bytes);
    }
    Ok(())
}

/// S5: with an error, at once.
fn after_the_end_everything_is_refused(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let _ = driver.shutdown(Grace::default());
    assert!(file.read(0, 1).is_err(), "its contents were given back");
    assert!(file.stage(Mode::Load).is_err() && file.unstage().is_err());
    assert_eq!((file.staging(), file.contents().is_none()), (None, true));
    assert!(driver.open_staged(&path).is_err());
    let items = driver
        .batch(Box::new(vec![path].into_iter()), order(Mode::Auto, 4))?
        .wait();
    assert!(items.iter().all(|item| item.result.is_err()));
    assert!(file.close().is_err());
    Ok(())
}

/// S1: each edge that is heard is one of the table.
fn phases_go_one_way_by_the_edges_there_are(scene: &Scene) -> Proof {
    type End = fn(&dyn Driver);
    let ends: [End; 4] = [
        |driver| drop(driver.shutdown(Grace::default())),
        |driver| drop(driver.force(Duration::from_secs(1))),
        |driver| driver.hub().driver_lost(),
        |driver| {
            driver.hub().shut_down(Grace::default());
            drop(driver.force(Duration::from_secs(1)));
        },
    ];
    for end in ends {
        let driver = scene.driver();
        let (path, _) = scene.file("file", LEN)?;
        let _file = driver.open(&path, Opening::by(Mode::Load))?;
        let heard = listen(driver.as_ref());
        end(driver.as_ref());
        let mut before = PhaseName::Running;
        for (phase, cause) in phases(&heard)? {
            assert!(
                EDGES.contains(&(before, phase, cause)),
                "{before:?} {phase:?} {cause:?}"
            );
            before = phase;
        }
        assert_eq!(before, PhaseName::Closed);
    }
    Ok(())
}

/// S7: outside every lock, with anything.
fn observers_may_call_back_in(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", 3_000)?;
    let file = driver.open(&other, Opening::by(Mode::Load))?;
    let hub = Arc::downgrade(driver.hub());
    let read = Arc::new(Mutex::new(Vec::new()));
    let (reading, reader) = (Arc::clone(&read), Arc::clone(&file));
    driver
        .hub()
        .observers()
        .add(Arc::new(move |notice: &Notice| {
            if let Some(hub) = hub.upgrade() {
                let _ = (hub.stats(), hub.phase(), hub.charged(), hub.next_wake());
                hub.tick();
            }
            if matches!(notice, Notice::Progress { .. }) {
                // Through the kit: an observer may be called on a runtime's own thread, where
                // tokio lets nobody block on it. Told after the end, it can no longer read.
                let mut bytes = vec![0; 3_000];
                let (never, thread) = (Deadline::Never, HubThread::MayBlock);
                if let Read::Done(Ok(3_000)) = reader.handle().read(0, &mut bytes, never, thread) {
                    reading
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(bytes);
                }
            }
        }));
    drop(driver.open(&path, Opening::by(Mode::Load))?);
    wait_for("an observer to read", || {
        !read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    })?;
    let report = driver.shutdown(Grace::default());
    assert_eq!((report.exit_code(), report.panics), (0, 0), "{report}");
    let read = read.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!read.is_empty() && read.iter().all(|read| *read == bytes));
    Ok(())
}

/// S7: and the others are still told.
fn a_panic_of_an_observer_is_recorded(scene: &Scene) -> Proof {
    let driver = scene.driver();
    driver.hub().observers().add(Arc::new(|notice: &Notice| {
        if matches!(
            notice,
            Notice::Phase {
                phase: PhaseName::Closing,
                ..
            }
        ) {
            std::panic::resume_unwind(Box::new("the observer was told to panic"));
        }
    }));
    let heard = listen(driver.as_ref());
    let report = driver.shutdown(Grace::default());
    assert_eq!((report.panics, report.exit_code()), (1, 0), "{report}");
    assert_eq!(phases(&heard)?.len(), 3);
    Ok(())
}

/// S1: four who wait, one end.
fn everybody_who_waits_hears_of_the_end(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
    let reading = Arc::clone(&file);
    let read = start(move || reading.read(0, LEN));
    gate.wait_arrived(1)?;
    let ends: Vec<_> = (0..4)
        .map(|_| {
            let driver = Arc::clone(&driver);
            start(move || driver.shutdown(Grace::default()).exit_code())
        })
        .collect();
    wait_for("draining", || driver.phase() == PhaseName::Draining)?;
    gate.open();
    for end in ends {
        assert_eq!(end.join()?, 0);
    }
    assert_eq!(read.join()??.len(), LEN);
    Ok(())
}

/// S2, S3: every path has its result; none hangs.
fn a_batch_ends_with_the_shutdown(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let mut paths = Vec::new();
    for n in 0..40 {
        paths.push(scene.file(&n.to_string(), 2_000)?.0);
    }
    let gate = Gate::holding(driver.hub(), ActionKind::Fetch, 9);
    let batch = driver.batch(Box::new(paths.into_iter()), order(Mode::Auto, 4))?;
    let waited = start(move || batch.wait());
    gate.wait_arrived(10)?;
    driver.hub().shut_down(Grace::default());
    gate.open();
    let items = waited.join()?;
    assert_eq!(items.len(), 40);
    assert!(items.iter().any(|item| item.result.is_err()));
    drop(items);
    let report = driver.shutdown(Grace::default());
    assert_eq!(report.exit_code(), 0, "{report}");
    Ok(())
}

/// S1: also without manners everything is given back.
fn a_stager_that_is_dropped_is_closed(scene: &Scene) -> Proof {
    let driver = (scene.configuration().make)(Scene::limits());
    let hub = Arc::clone(driver.hub());
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Map))?;
    assert!(file.read(0, LEN)? == bytes);
    drop(driver);
    wait_for("it to be closed", || hub.phase() == PhaseName::Closed)?;
    assert!(file.read(0, 1).is_err());
    assert_eq!((hub.charged(), hub.memory().mapped_bytes()), (0, 0));
    Ok(())
}

/// S5, S8: exit code 2; staged contents are gone, what was handed out is not.
fn a_lost_driver_answers_everything(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let (other, _) = scene.file("other", LEN)?;
    let staged = driver.open(&path, Opening::by(Mode::Load))?;
    assert_eq!(staged.life(), Some(Life::Staged(How::Loaded)));
    let slice = staged.bytes_at(0, LEN)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let (opening, there) = (Arc::clone(&driver), other.clone());
    let opened = start(move || opening.open(&there, Opening::by(Mode::Load)).map(drop));
    gate.wait_arrived(2)?;
    driver.hub().driver_lost();
    gate.open();
    let error = opened.join()?.err().ok_or("opened")?;
    assert_eq!(fault_of(&error), Some(Fault::DriverLost));
    assert!(staged.read(0, 1).is_err());
    assert!(slice == bytes);
    let report = driver.shutdown(Grace::default());
    assert_eq!(report.exit_code(), 2, "{report}");
    Ok(())
}
