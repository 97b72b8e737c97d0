//! S1–S5, S7, S8: four phases, one way, with manners and a report.

use super::many::order;
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::{cause_of, fault_of};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{
    Cause as Why, EDGES, Fault, Grace, How, Life, Mode, PhaseName, Reject, Standing,
};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use driver_kit::observe::Notice;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("S1, S8", a_clean_end_is_reported_as_clean),
        case("S2", draining_refuses_what_makes_new_work),
        case("S2", draining_serves_what_ends_work),
        case("S3", a_staging_is_cancelled_when_draining_begins),
        case("S3", a_staging_that_a_read_waits_for_is_finished),
        case("S3, S8", what_hangs_is_named_with_its_path_and_bytes),
        case("S3", each_phase_has_a_deadline),
        case("S4", asking_again_only_shortens),
        case("S4", force_ends_draining),
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

const LEN: usize = 4 * CHUNK as usize;

fn brief() -> Grace {
    let nanos = |millis| Duration::from_millis(millis).as_nanos() as u64;
    Grace {
        total: nanos(80),
        draining: nanos(30),
        closing: nanos(30),
    }
}

/// What observers heard, in order.
fn listen(driver: &dyn Driver) -> Arc<Mutex<Vec<Notice>>> {
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

fn phases(heard: &Mutex<Vec<Notice>>) -> Vec<(PhaseName, Why)> {
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let phase = |notice: &Notice| match notice {
        Notice::Phase { phase, cause } => Some((*phase, *cause)),
        Notice::Progress { .. } | Notice::Abandoned { .. } => None,
    };
    heard.iter().filter_map(phase).collect()
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
    assert!(report.machine.draining >= 30_000_000 && report.machine.closing >= 30_000_000);
    let expected = [
        (PhaseName::Draining, Why::Asked),
        (PhaseName::Closing, Why::OutOfTime),
        (PhaseName::Closed, Why::OutOfTime),
    ];
    assert_eq!(phases(&heard), expected);
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
        phases(&heard)[..2],
        [
            (PhaseName::Draining, Why::Asked),
            (PhaseName::Closing, Why::Forced)
        ]
    );
    gate.open();
    assert!(read.join()?.is_err());
    Ok(())
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
        for (phase, cause) in phases(&heard) {
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
                let read = reader.read(0, 3_000).unwrap_or_default();
                reading
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(read);
            }
        }));
    drop(driver.open(&path, Opening::by(Mode::Load))?);
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
            std::panic::panic_any("the observer was told to panic");
        }
    }));
    let heard = listen(driver.as_ref());
    let report = driver.shutdown(Grace::default());
    assert_eq!((report.panics, report.exit_code()), (1, 0), "{report}");
    assert_eq!(phases(&heard).len(), 3);
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
    assert_eq!(hub.phase(), PhaseName::Closed);
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
