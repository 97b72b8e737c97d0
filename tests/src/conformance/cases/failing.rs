//! G1, R9: what the system refuses is told as it said it, where it said it; nothing is left
//! behind, and asked again it may work.

use crate::conformance::driver::Opening;
use crate::conformance::errors::{is_errno, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::wait_for;
use driver_kit::core::{Fault, How, Life, Mode, Standing, Why};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("R9, G11", an_open_that_the_system_refuses),
        case("R9", a_fetch_that_fails),
        case("R9", a_mapping_that_is_refused),
        case("G3", auto_loads_where_mapping_is_not_to_be_had),
        case("R9", a_look_that_fails),
        case("R9", a_read_that_fails_leaves_the_file_open),
        case("R9", a_release_that_fails_is_done),
        case("R9", a_close_that_fails_is_done),
        case("S7, R9", a_handler_that_panics_fails_its_action),
        case("R9", handlers_come_and_go_while_everything_runs),
    ];
    for (chunk, words) in [(0, "first"), (2, "middle"), (4, "last")] {
        let name = format!("failing::staging_fails_at_the_{words}_chunk_then_works");
        cases.push(Case::named(name, "G1, R9", move |scene| {
            staging_fails(scene, chunk)
        }));
    }
    cases
}

const LEN: usize = 5 * CHUNK as usize - 7;

fn os(errno: Errno) -> Fault {
    Fault::Os(errno.raw_os_error())
}

/// G1: EIO and ENOMEM, by loading and by mapping, for an open and for a stage.
fn staging_fails(scene: &Scene, chunk: u64) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    for errno in [Errno::IO, Errno::NOMEM] {
        for mode in [Mode::Load, Mode::Map, Mode::MapShared] {
            let gate = Gate::failing(driver.hub(), ActionKind::Load, chunk, os(errno));
            let error = driver
                .open(&path, Opening::by(mode))
                .err()
                .ok_or("opened")?;
            assert!(is_errno(&error, errno), "{mode:?}: {error}");
            assert!(names_its_file(&error, Operation::Open, &path), "{error}");
            wait_for("the memory to come back", || driver.charged() == 0)?;
            drop(gate);
            let file = driver.open(&path, Opening::by(Mode::None))?;
            let gate = Gate::failing(driver.hub(), ActionKind::Load, chunk, os(errno));
            let error = file.stage(mode).err().ok_or("staged")?;
            assert!(is_errno(&error, errno), "{mode:?}: {error}");
            assert!(names_its_file(&error, Operation::Stage, &path), "{error}");
            assert_eq!(file.life(), Some(Life::NotStaged(Why::Failed(os(errno)))));
            wait_for("the memory to come back", || driver.charged() == 0)?;
            assert!(
                file.read(0, LEN)? == bytes,
                "{mode:?}: it can be read unstaged"
            );
            assert!(
                matches!(file.stage(mode)?, Standing::Staged(_)),
                "asked again, it works"
            );
            assert!(file.read(0, LEN)? == bytes);
            drop(gate);
        }
    }
    Ok(())
}

/// G11: the operation, the absolute path and the errno are in the error.
fn an_open_that_the_system_refuses(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    for errno in [
        Errno::IO,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::PERM,
    ] {
        let gate = Gate::failing(driver.hub(), ActionKind::Open, 0, os(errno));
        let error = driver
            .open(&path, Opening::by(Mode::Map))
            .err()
            .ok_or("opened")?;
        assert!(is_errno(&error, errno), "{error}");
        assert!(names_its_file(&error, Operation::Open, &path), "{error}");
        let file = driver.open(&path, Opening::by(Mode::Map))?;
        assert!(file.read(0, LEN)? == bytes);
        drop(gate);
    }
    Ok(())
}

/// R9: small files, too.
fn a_fetch_that_fails(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 5_000)?;
    let _gate = Gate::failing(driver.hub(), ActionKind::Fetch, 0, os(Errno::NOMEM));
    let error = driver.open_staged(&path).err().ok_or("opened")?;
    assert!(is_errno(&error, Errno::NOMEM), "{error}");
    assert_eq!(driver.charged(), 0);
    assert!(driver.open_staged(&path)?.read(0, 5_000)? == bytes);
    Ok(())
}

/// R9: an explicit mode fails where it cannot be had.
fn a_mapping_that_is_refused(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    for fault in [os(Errno::NODEV), os(Errno::NOMEM), Fault::NoMapping] {
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let _gate = Gate::failing(driver.hub(), ActionKind::Map, 0, fault);
        assert!(file.stage(Mode::Map).is_err());
        assert_eq!(file.life(), Some(Life::NotStaged(Why::Failed(fault))));
        wait_for("the budget to come back", || driver.charged() == 0)?;
        assert!(file.read(0, LEN)? == bytes);
        assert_eq!(file.stage(Mode::Map)?, Standing::Staged(How::Mapped));
    }
    Ok(())
}

/// G3, G6: where the application refused the guard, `Auto` loads.
fn auto_loads_where_mapping_is_not_to_be_had(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let _gate = Gate::failing(driver.hub(), ActionKind::Map, 0, Fault::NoMapping);
    let file = driver.open(&path, Opening::by(Mode::Auto).map_threshold(1_000))?;
    assert_eq!(file.life(), Some(Life::Staged(How::Loaded)));
    assert!(file.read(0, LEN)? == bytes);
    assert_eq!(driver.charged(), (LEN as u64).div_ceil(4096) * 4096);
    Ok(())
}

/// R9: the stamp cannot be read.
fn a_look_that_fails(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let _gate = Gate::failing(driver.hub(), ActionKind::Look, 0, os(Errno::STALE));
    let error = file.stage(Mode::Load).err().ok_or("staged")?;
    assert!(is_errno(&error, Errno::STALE), "{error}");
    assert_eq!(file.stage(Mode::Load)?, Standing::Staged(How::Loaded));
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// R9: a failed read is one outcome of one read.
fn a_read_that_fails_leaves_the_file_open(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::failing(driver.hub(), ActionKind::Read, 0, os(Errno::IO));
    let error = file.read(0, 100).err().ok_or("read")?;
    assert!(is_errno(&error, Errno::IO), "{error}");
    assert!(names_its_file(&error, Operation::Read, &path), "{error}");
    assert!(file.read(3, 100)? == bytes[3..103]);
    drop(gate);
    assert!(file.read(3, 100)? == bytes[3..103]);
    assert_eq!(driver.stats().failed, 1);
    Ok(())
}

/// Nothing is left to retry.
fn a_release_that_fails_is_done(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    for mode in [Mode::Load, Mode::Map] {
        let file = driver.open(&path, Opening::by(mode))?;
        let _gate = Gate::failing(driver.hub(), ActionKind::Release, 0, os(Errno::IO));
        file.unstage()?;
        assert_eq!(driver.charged(), 0);
        assert!(file.read(0, LEN)? == bytes);
    }
    Ok(())
}

/// Nothing is left to retry.
fn a_close_that_fails_is_done(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::failing(driver.hub(), ActionKind::Close, 0, os(Errno::IO));
    file.close()?;
    gate.wait_ended(1)?;
    wait_for("the descriptor to go", || {
        scene.descriptors().is_ok_and(|count| count == 0)
    })?;
    Ok(())
}

/// S7: it is recorded, and answered as EIO; nothing hangs.
fn a_handler_that_panics_fails_its_action(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let gate = Gate::judging(driver.hub(), ActionKind::Load, |number| match number {
        2 => Verdict::Panic,
        _ => Verdict::Pass,
    });
    let error = driver
        .open(&path, Opening::by(Mode::Load))
        .err()
        .ok_or("opened")?;
    assert!(is_errno(&error, Errno::IO), "{error}");
    drop(gate);
    assert_eq!(driver.handlers().panics(), 1);
    assert!(driver.open(&path, Opening::by(Mode::Load))?.read(0, LEN)? == bytes);
    let report = driver.shutdown(driver_kit::core::Grace::default());
    assert_eq!((report.panics, report.exit_code()), (1, 0), "{report}");
    Ok(())
}

/// Handlers are set and restored while others read; no read is lost or wrong.
fn handlers_come_and_go_while_everything_runs(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|n| {
                let (file, bytes) = (&file, &bytes);
                scope.spawn(move || {
                    (0..300).all(|round| {
                        let from = n * 1_000 + round;
                        file.read(from as u64, 500)
                            .is_ok_and(|read| read == bytes[from..from + 500])
                    })
                })
            })
            .collect();
        for _ in 0..300 {
            drop(Gate::counting(driver.hub(), ActionKind::Read));
        }
        assert!(
            readers
                .into_iter()
                .all(|reader| reader.join().is_ok_and(|right| right))
        );
    });
    assert!(!driver.handlers().is_set(ActionKind::Read));
    Ok(())
}
