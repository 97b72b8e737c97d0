//! R12: at a limit a request is refused whole, and whoever waits is told once when there is room.

use crate::conformance::driver::{Opening, kit_opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{PATIENCE, start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Bound, Fault, Limits, Missing, Mode, Plan, Reject};
use driver_kit::error::Cause;
use driver_kit::handlers::ActionKind;
use driver_kit::hub::Room;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Wake, Waker};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R12", a_full_stager_refuses_and_says_when_there_is_room),
        case("R12", an_open_waits_for_a_handle).of_the_core(),
        case("R12, R10", an_open_waits_for_a_handle_until_its_deadline),
        case("R12", a_read_waits_for_room),
        case("R12", a_file_may_be_full_while_others_are_not),
        case("R12", closing_is_never_refused),
        case("R12", everything_works_one_by_one),
        case("R12", one_descriptor_is_enough).of_the_core(),
        case("R12", many_threads_share_one_operation).of_the_core(),
        case("R12", a_refused_request_changes_nothing),
    ]
}

struct Ring(Sender<()>);

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn cause(refused: Result<impl Sized, driver_kit::error::Failure>) -> Option<Cause> {
    refused.err().map(|failure| failure.cause)
}

/// R12: refused at once, woken once.
fn a_full_stager_refuses_and_says_when_there_is_room(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        ..Scene::limits()
    });
    let (path, _) = scene.file("file", 2 * CHUNK as usize)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 0);
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let opened = start(move || opening.open(&there, Opening::by(Mode::Load)));
    gate.wait_arrived(1)?;
    let (send, rung) = channel();
    let waker = Waker::from(Arc::new(Ring(send)));
    let path: Arc<Path> = path.into();
    let plan = Plan::of(Mode::Load);
    let hub = driver.hub();
    let mut room = Room::of(Arc::clone(hub));
    let mut ask = || {
        let standby = Some((&mut room, &waker));
        let opening = kit_opening(Missing::Fail, plan);
        hub.open(&path, opening, Deadline::Never, standby)
    };
    assert_eq!(
        cause(ask()),
        Some(Cause::Rejected(Reject::Full(Bound::Operations)))
    );
    assert!(rung.try_recv().is_err());
    gate.open();
    opened.join()??;
    rung.recv_timeout(PATIENCE)?;
    assert!(rung.try_recv().is_err(), "told once");
    drop(ask().map_err(|failure| failure.into_io())?);
    Ok(())
}

/// R12: the driver turns the refusal into waiting.
fn an_open_waits_for_a_handle(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        handles: 1,
        ..Scene::limits()
    });
    let (path, bytes) = scene.file("file", 5_000)?;
    for _ in 0..20 {
        let first = driver.open_staged(&path)?;
        let rejected = driver.stats().rejected;
        let (opening, there) = (Arc::clone(&driver), path.clone());
        let second = start(move || opening.open_staged(&there)?.read(0, 5_000));
        wait_for("the second to be refused", || {
            driver.stats().rejected > rejected
        })?;
        assert!(first.read(0, 5_000)? == bytes);
        drop(first);
        assert!(second.join()?? == bytes);
    }
    Ok(())
}

/// R10: not for ever.
fn an_open_waits_for_a_handle_until_its_deadline(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        handles: 1,
        ..Scene::limits()
    });
    let (path, _) = scene.file("file", 5_000)?;
    let first = driver.open_staged(&path)?;
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let second = start(move || {
        let deadline = Deadline::within(Duration::from_millis(20));
        opening
            .open(&there, Opening::by(Mode::Auto).deadline(deadline))
            .map(drop)
    });
    let proof = second.join().map(|second| second.err());
    drop(first);
    let error = proof?.ok_or("opened above the limit")?;
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    Ok(())
}

/// R12: reads, too.
fn a_read_waits_for_room(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        ..Scene::limits()
    });
    let (path, bytes) = scene.file("file", 5_000)?;
    let (other, _) = scene.file("other", 2 * CHUNK as usize)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 0);
    let (opening, there) = (Arc::clone(&driver), other.clone());
    let opened = start(move || opening.open(&there, Opening::by(Mode::Load)));
    gate.wait_arrived(1)?;
    let reading = Arc::clone(&file);
    let rejected = driver.stats().rejected;
    let read = start(move || reading.read(0, 5_000));
    wait_for("the read to be refused", || {
        driver.stats().rejected > rejected
    })?;
    gate.open();
    assert!(read.join()?? == bytes);
    opened.join()??;
    Ok(())
}

/// R12: the bound of one file is not the bound of another.
fn a_file_may_be_full_while_others_are_not(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations_per_file: 2,
        ..Scene::limits()
    });
    let (path, _) = scene.file("file", 2 * CHUNK as usize)?;
    let (other, bytes) = scene.file("other", 5_000)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let other = driver.open(&other, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Look, 0);
    let staging = Arc::clone(&file);
    let staged = start(move || staging.stage(Mode::Load));
    gate.wait_arrived(1)?;
    let read = |len| file.handle().read_later(0, len, Deadline::Never, None);
    let first = read(10).map_err(|failure| failure.into_io())?;
    let full = Cause::Rejected(Reject::Full(Bound::FileOperations(file.file())));
    assert_eq!(cause(read(10)), Some(full));
    assert!(other.read(0, 5_000)? == bytes);
    drop(first);
    drop(read(10).map_err(|failure| failure.into_io())?);
    gate.open();
    staged.join()??;
    Ok(())
}

/// R12: closing ends work.
fn closing_is_never_refused(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        operations_per_file: 1,
        ..Scene::limits()
    });
    let (path, _) = scene.file("file", 2 * CHUNK as usize)?;
    let one = driver.open(&path, Opening::by(Mode::None))?;
    let two = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 0);
    let staging = Arc::clone(&one);
    let staged = start(move || staging.stage(Mode::Load));
    gate.wait_arrived(1)?;
    two.close()?;
    gate.open();
    staged.join()??;
    Ok(())
}

/// R12: each bound may be as low as 1.
fn everything_works_one_by_one(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        operations_per_file: 1,
        handles: 1,
        descriptors: 1,
        fetch: 1,
        chunk: 1,
        ..Limits::default()
    });
    let (path, bytes) = scene.file("file", 300)?;
    for mode in [
        Mode::Auto,
        Mode::Load,
        Mode::Map,
        Mode::MapShared,
        Mode::None,
    ] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert!(file.read(0, 300)? == bytes);
        file.unstage()?;
        assert!(file.read(0, 300)? == bytes);
        file.stage(mode)?;
        assert!(file.read_through()? == bytes);
        file.close()?;
    }
    Ok(())
}

/// R12: descriptors are passed around.
fn one_descriptor_is_enough(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        descriptors: 1,
        ..Scene::limits()
    });
    let mut files = Vec::new();
    for n in 0..20 {
        let (path, bytes) = scene.file(&n.to_string(), 3 * CHUNK as usize + n)?;
        files.push((driver.open(&path, Opening::by(Mode::None))?, bytes));
    }
    let wrong = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let files = &files;
                scope.spawn(move || {
                    files
                        .iter()
                        .skip(n * 3)
                        .chain(files)
                        .filter(|(file, bytes)| {
                            !file.read(0, bytes.len()).is_ok_and(|read| read == *bytes)
                        })
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(1))
            .sum::<usize>()
    });
    assert_eq!(wrong, 0);
    assert!(scene.descriptors()? <= 1);
    for (file, bytes) in &files {
        for &mode in driver.modes().iter().filter(|mode| **mode != Mode::None) {
            file.stage(mode)?;
            assert!(file.read(0, bytes.len())? == *bytes);
            file.unstage()?;
        }
    }
    Ok(())
}

/// R12: eight callers, one slot, no lost wake-up.
fn many_threads_share_one_operation(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        ..Scene::limits()
    });
    let (path, bytes) = scene.file("file", 9_000)?;
    let right = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..50).all(|round| {
                        let mode = [Mode::None, Mode::Load][round % 2];
                        let file = driver.open(&path, Opening::by(mode));
                        file.is_ok_and(|file| file.read(0, 9_000).is_ok_and(|read| read == bytes))
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .all(|thread| thread.join().is_ok_and(|right| right))
    });
    assert!(right);
    Ok(())
}

/// R12: neither a handle nor an operation is taken, and the error says what was full.
fn a_refused_request_changes_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        handles: 2,
        ..Scene::limits()
    });
    let (path, _) = scene.file("file", 100)?;
    let _files = [driver.open_staged(&path)?, driver.open_staged(&path)?];
    let before = driver.stats();
    let shared: Arc<Path> = path.into();
    for _ in 0..100 {
        let plan = Plan::of(Mode::Auto);
        let refused = driver.hub().open(
            &shared,
            kit_opening(Missing::Fail, plan),
            Deadline::Never,
            None,
        );
        let failure = refused.err().ok_or("opened above the limit")?;
        assert!(failure.is_for_fullness());
        let error = failure.into_io();
        assert_eq!(fault_of(&error), None::<Fault>);
        assert!(error.to_string().contains(&shared.display().to_string()));
    }
    let after = driver.stats();
    assert_eq!(
        (after.accepted, after.pending),
        (before.accepted, before.pending)
    );
    assert_eq!(after.rejected, before.rejected + 100);
    Ok(())
}
