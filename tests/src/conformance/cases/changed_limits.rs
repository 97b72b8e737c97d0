//! R12, G10: limits are others while everything runs: whoever waits gets in where there is more room, and
//! where there is less, nothing that was accepted is refused.

use crate::conformance::Answers;
use crate::conformance::driver::{Driver, Open, Opening};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{FileLimits, Grace, How, Life, Limits, Mode, Standing, Why};
use driver_kit::handlers::ActionKind;
use std::io;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R12", more_handles_let_in_who_waits),
        case("R12", more_operations_let_in_who_waits),
        case("R12", more_bytes_let_in_who_waits),
        case("R12", fewer_operations_refuse_nothing_that_was_accepted),
        case("R12", what_makes_no_sense_is_refused_by_its_name),
        case("R12", a_closed_stager_takes_no_limits),
        case("G10", a_lower_budget_gives_up_what_lingers),
        case("G10", a_lower_budget_takes_nothing_from_who_holds),
        case("G10", what_was_accepted_gets_its_memory),
        case("G10", a_higher_budget_lets_in_who_waits),
        case("R12", a_file_has_limits_of_its_own),
        case("R12", a_file_may_hold_more_from_now_on),
        case("R12", of_two_who_limit_a_file_the_latest_counts),
        case("R12", limits_that_let_nothing_through_do_not_open_a_file),
    ]
}

/// R12: raised, whoever was refused is woken.
fn more_handles_let_in_who_waits(scene: &Scene) -> Proof {
    let limits = Limits {
        handles: 1,
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    let (path, bytes) = scene.file("file", 5_000)?;
    let first = driver.open_staged(&path)?;
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let second = start(move || opening.open_staged(&there)?.read(0, 5_000));
    wait_for("the second to be refused", || driver.stats().rejected > 0)?;
    driver.set_limits(Limits {
        handles: 2,
        ..limits
    })?;
    assert!(second.join()?? == bytes);
    assert!(first.read(0, 5_000)? == bytes, "the first is open still");
    Ok(())
}

/// A file whose reads are held.
fn held_reads(scene: &Scene, limits: Limits) -> io::Result<(Arc<dyn Driver>, Open, Gate)> {
    let driver = scene.driver_with(limits);
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::to_write())?;
    let gate = Gate::closed(driver.hub(), ActionKind::Read);
    Ok((driver, file, gate))
}

/// R12.
fn more_operations_let_in_who_waits(scene: &Scene) -> Proof {
    let limits = Limits {
        operations: 1,
        ..Scene::limits()
    };
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let (driver, file, gate) = held_reads(scene, limits)?;
    let read = |at: u64| {
        let reader = Arc::clone(&file);
        start(move || reader.read(at, 10))
    };
    let first = read(0);
    gate.wait_arrived(1)?;
    let second = read(10);
    wait_for("the second to be refused", || driver.stats().rejected > 0)?;
    driver.set_limits(Limits {
        operations: 2,
        ..limits
    })?;
    gate.wait_arrived(2)?;
    gate.open();
    assert_eq!((first.join()??.len(), second.join()??.len()), (10, 10));
    Ok(())
}

/// Writes ten bytes behind that nothing lets through, and ten more, which do not fit.
fn full_of_bytes(
    scene: &Scene,
    limits: Limits,
    how: Opening,
    let_in: fn(&dyn Driver, &Open, Limits) -> io::Result<()>,
) -> Proof {
    let driver = scene.driver_with(limits);
    let (path, _) = scene.file("file", 100)?;
    let file = driver.open(&path, how)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    file.write_at(&[1; 10], 0)?;
    // So that it is a worker who stands at the gate, and nobody who waits for room and helps meanwhile.
    gate.wait_arrived(1)?;
    let writer = Arc::clone(&file);
    let second = start(move || writer.write_at(&[2; 10], 10));
    wait_for("the second to be refused", || driver.stats().rejected > 0)?;
    let_in(driver.as_ref(), &file, limits)?;
    second.join()??;
    assert_eq!(driver.stats().written, 0, "nothing passes the gate");
    gate.open();
    file.flush(Deadline::Never)?;
    assert_eq!(file.read(5, 10)?, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    Ok(())
}

/// R12.
fn more_bytes_let_in_who_waits(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let limits = Limits {
        bytes: 10,
        ..Scene::limits()
    };
    let behind = Opening::answering(Answers::Accepted);
    full_of_bytes(scene, limits, behind, |driver, _, limits| {
        let bytes = 20;
        driver.set_limits(Limits { bytes, ..limits })
    })
}

/// R12: lowered, they only keep others out.
fn fewer_operations_refuse_nothing_that_was_accepted(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let (driver, file, gate) = held_reads(scene, Scene::limits())?;
    let reads: Vec<_> = (0..2)
        .map(|at| {
            let reader = Arc::clone(&file);
            start(move || reader.read(10 * at, 10))
        })
        .collect();
    gate.wait_arrived(2)?;
    driver.set_limits(Limits {
        operations: 1,
        operations_per_file: 1,
        bytes: 0,
        bytes_per_file: 0,
        handles: 1,
        descriptors: 1,
        ..Scene::limits()
    })?;
    let writer = Arc::clone(&file);
    let write = start(move || writer.write_at(b"more", 0));
    wait_for("the write to be refused", || driver.stats().rejected > 0)?;
    gate.open();
    for read in &reads {
        assert_eq!(read.join()??.len(), 10);
    }
    write.join()??;
    Ok(())
}

/// R12: all of them or none.
fn what_makes_no_sense_is_refused_by_its_name(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let before = driver.hub().limits();
    let nonsense = Limits {
        budget: 0,
        descriptors: 0,
        ..before
    };
    let Err(said) = driver.set_limits(nonsense) else {
        return Err("no descriptors, and it goes on".into());
    };
    assert_eq!(said.kind(), io::ErrorKind::InvalidInput);
    assert!(said.to_string().contains("`descriptors`"), "{said}");
    assert_eq!(driver.hub().limits(), before, "nothing changed");
    Ok(())
}

/// R12, S5.
fn a_closed_stager_takes_no_limits(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let _ = driver.shutdown(Grace::default());
    let Err(said) = driver.set_limits(Limits::default()) else {
        return Err("it is closed".into());
    };
    assert_eq!(said.kind(), io::ErrorKind::BrokenPipe);
    Ok(())
}

const LEN: usize = 3 * CHUNK as usize;

/// G10: the memory is the system's again.
fn a_lower_budget_gives_up_what_lingers(scene: &Scene) -> Proof {
    let limits = Limits {
        linger: u64::MAX,
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    for mode in [Mode::Load, Mode::Map] {
        let (path, _) = scene.file("lingers", LEN)?;
        driver.open(&path, Opening::by(mode))?.close()?;
        wait_for("it to linger", || driver.hub().pressure().lingering > 0)?;
        let budget = 0;
        driver.set_limits(Limits { budget, ..limits })?;
        driver.attend();
        wait_for("it to go", || driver.charged() == 0)?;
        let memory = driver.hub().memory();
        wait_for("the memory to go back", || {
            memory.fit();
            memory.arena_bytes() + memory.mapped_bytes() == 0
        })?;
        assert_eq!(memory.budget(), 0);
        driver.set_limits(limits)?;
        assert_eq!(memory.budget(), u64::MAX);
    }
    Ok(())
}

/// G10: over it nothing more gets in.
fn a_lower_budget_takes_nothing_from_who_holds(scene: &Scene) -> Proof {
    let driver = scene.driver();
    for mode in [Mode::Load, Mode::Map] {
        driver.set_limits(Scene::limits())?;
        let (path, bytes) = scene.file("held", LEN)?;
        let held = driver.open(&path, Opening::by(mode))?;
        let budget = 8_192;
        driver.set_limits(Limits {
            budget,
            ..Scene::limits()
        })?;
        assert!(matches!(held.life(), Some(Life::Staged(_))));
        assert!(held.read(0, LEN)? == bytes);
        let (path, small) = scene.file("more", 5_000)?;
        let more = driver.open(&path, Opening::by(Mode::Auto))?;
        let over = Life::NotStaged(Why::OverBudget);
        assert_eq!(more.life(), Some(over), "{mode:?}");
        assert!(more.read(0, 5_000)? == small);
        held.close()?;
        driver.attend();
        wait_for("it to go", || driver.charged() == 0)?;
        assert_eq!(driver.hub().memory().budget(), budget);
        let standing = more.stage(Mode::Load)?;
        assert_eq!(standing, Standing::Staged(How::Loaded), "now it fits");
        more.close()?;
    }
    Ok(())
}

/// G10: a staging that had its room before the budget was lowered, and not its memory.
fn what_was_accepted_gets_its_memory(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Load);
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let opened = start(move || opening.open(&there, Opening::by(Mode::Load)));
    gate.wait_arrived(1)?;
    let budget = 4_096;
    driver.set_limits(Limits {
        budget,
        ..Scene::limits()
    })?;
    gate.open();
    let file = opened.join()??;
    assert_eq!(file.life(), Some(Life::Staged(How::Loaded)));
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G10.
fn a_higher_budget_lets_in_who_waits(scene: &Scene) -> Proof {
    let limits = Limits {
        budget: CHUNK,
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    let (path, _) = scene.file("first", CHUNK as usize)?;
    let first = driver.open(&path, Opening::by(Mode::Load))?;
    let (path, bytes) = scene.file("second", CHUNK as usize)?;
    let opening = Arc::clone(&driver);
    let second = start(move || opening.open(&path, Opening::by(Mode::Load).patient()));
    wait_for("it to wait", || driver.stats().waited_for_room > 0)?;
    let budget = 2 * CHUNK;
    driver.set_limits(Limits { budget, ..limits })?;
    let second = second.join()??;
    assert!(second.read(0, CHUNK as usize)? == bytes);
    assert!(matches!(first.life(), Some(Life::Staged(_))));
    Ok(())
}

const ONE: FileLimits = FileLimits {
    operations: Some(1),
    bytes: None,
};

/// R12: others are not kept out.
fn a_file_has_limits_of_its_own(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, _) = scene.file("narrow", 100)?;
    let narrow = driver.open(&path, Opening::to_write().limits(ONE))?;
    assert_eq!(narrow.handle().limits(), ONE);
    let (path, _) = scene.file("wide", 100)?;
    let wide = driver.open(&path, Opening::to_write())?;
    let gate = Gate::closed(driver.hub(), ActionKind::Read);
    let read = |file: &Open| {
        let reader = Arc::clone(file);
        start(move || reader.read(0, 10))
    };
    let first = read(&narrow);
    gate.wait_arrived(1)?;
    let second = read(&narrow);
    wait_for("it to be refused", || driver.stats().rejected > 0)?;
    let others = read(&wide);
    gate.wait_arrived(2)?;
    assert_eq!(driver.stats().pending, 2, "the second waits outside");
    gate.open();
    for read in [first, second, others] {
        assert_eq!(read.join()??.len(), 10);
    }
    Ok(())
}

/// R12: whoever waits for that file is woken.
fn a_file_may_hold_more_from_now_on(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let bytes = FileLimits {
        operations: None,
        bytes: Some(10),
    };
    let behind = Opening::answering(Answers::Accepted).limits(bytes);
    full_of_bytes(scene, Scene::limits(), behind, |_, file, _| {
        file.set_limits(FileLimits::NONE)
    })
}

/// R12: and it is forgotten with the last handle.
fn of_two_who_limit_a_file_the_latest_counts(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let two = FileLimits {
        operations: Some(2),
        bytes: Some(7),
    };
    let one = driver.open(&path, Opening::by(Mode::Load).limits(ONE))?;
    let other = driver.open(&path, Opening::by(Mode::Load).limits(two))?;
    assert_eq!(one.handle().limits(), two);
    one.set_limits(ONE)?;
    assert_eq!(other.handle().limits(), ONE);
    one.close()?;
    assert_eq!(other.handle().limits(), ONE, "it is open still");
    other.close()?;
    let again = driver.open(&path, Opening::by(Mode::Load))?;
    assert_eq!(again.handle().limits(), FileLimits::NONE);
    Ok(())
}

/// R12: nothing is created either.
fn limits_that_let_nothing_through_do_not_open_a_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("file");
    let none = FileLimits {
        operations: Some(0),
        bytes: None,
    };
    let opening = Opening::to_write().create().limits(none);
    let Err(said) = driver.open(&path, opening) else {
        return Err("it is open, and nothing can be done with it".into());
    };
    assert_eq!(said.kind(), io::ErrorKind::InvalidInput);
    assert!(said.to_string().contains("`operations_per_file`"), "{said}");
    assert!(!path.exists());
    let file = driver.open(&path, Opening::to_write().create())?;
    let Err(said) = file.set_limits(none) else {
        return Err("nothing can be done with it".into());
    };
    assert_eq!(said.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(file.handle().limits(), FileLimits::NONE);
    Ok(())
}
