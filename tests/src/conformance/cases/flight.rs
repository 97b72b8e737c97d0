//! G9: staging one file twice at once does the work once.

use crate::conformance::driver::{Driver, Opening};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{How, Life, Limits, Mode, Plan, Standing};
use driver_kit::handlers::ActionKind;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G9", opens_at_once_load_once),
        case("G9", stages_at_once_load_once),
        case("G9", opens_at_once_map_once),
        case("G9", a_stage_joins_what_an_open_began),
        case("G9, G8", the_flight_goes_on_for_those_who_still_want_it),
        case("G9", what_is_staged_is_not_staged_again),
        case("G9", a_file_loaded_twice_by_chance_is_held_once),
        case("G10, G9", a_lingering_file_is_opened_again_without_loading),
        case("G10", lingering_ends_where_others_need_the_room),
        case("G10, K4", a_lingering_file_that_changed_is_loaded_anew).of_the_core(),
    ]
}

const LEN: usize = 4 * CHUNK as usize;

fn at_once(scene: &Scene, mode: Mode, kind: ActionKind, actions: usize) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let gate = Gate::holding(driver.hub(), kind, 0);
    let first = driver.open(&path, Opening::by(Mode::None))?;
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let (driver, path) = (Arc::clone(&driver), path.clone());
            start(move || driver.open(&path, Opening::by(mode)))
        })
        .collect();
    gate.wait_arrived(1)?;
    if scene.configuration().workers > 1 {
        // The others can be opened while the first is held.
        wait_for("all to wait", || {
            first.staging().is_some_and(|staging| staging.waiting == 8)
        })?;
    }
    gate.open();
    for open in opens {
        assert!(open.join()??.read(0, LEN)? == bytes);
    }
    assert_eq!(gate.arrived(), actions, "the work is done once");
    Ok(())
}

/// G9: eight threads, one load of each chunk.
fn opens_at_once_load_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    // One handle keeps the file staged while the others come and go.
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let tickets: Vec<_> = (0..8)
        .map(|_| {
            file.handle()
                .stage(Plan::of(Mode::Load), Deadline::Never, None)
        })
        .collect();
    let attending = Arc::clone(&driver);
    let attendant = start(move || attending.attend());
    gate.wait_arrived(2)?;
    assert_eq!(file.staging().map(|staging| staging.waiting), Some(8));
    gate.open();
    attendant.join()?;
    for ticket in tickets {
        let mut ticket = ticket.map_err(|failure| failure.into_io())?;
        wait_for("each to be answered", || {
            ticket.poll_answer(std::task::Waker::noop()).is_ready()
        })?;
    }
    assert_eq!(gate.arrived(), 4, "each chunk is loaded once");
    assert_eq!(driver.stats().staged, 1);
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G9: by threads that open.
fn stages_at_once_load_once(scene: &Scene) -> Proof {
    if scene.configuration().workers == 1 {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 0);
    let stages: Vec<_> = (0..8)
        .map(|_| {
            let file = Arc::clone(&file);
            start(move || file.stage(Mode::Load))
        })
        .collect();
    wait_for("all to wait", || {
        file.staging().is_some_and(|staging| staging.waiting == 8)
    })?;
    gate.open();
    for stage in stages {
        assert_eq!(stage.join()??, Standing::Staged(How::Loaded));
    }
    assert_eq!(gate.arrived(), 4);
    assert_eq!(driver.charged(), LEN as u64);
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G9: one mapping for all.
fn opens_at_once_map_once(scene: &Scene) -> Proof {
    at_once(scene, Mode::Map, ActionKind::Map, 1)
}

/// G9: the mode of the first is the mode of all.
fn a_stage_joins_what_an_open_began(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let opened = start(move || opening.open(&there, Opening::by(Mode::Load)));
    gate.wait_arrived(3)?;
    let staging = Arc::clone(&file);
    let staged = start(move || staging.stage(Mode::Map));
    wait_for("both to wait", || {
        file.staging().is_some_and(|staging| staging.waiting == 2)
    })?;
    gate.open();
    assert_eq!(staged.join()??, Standing::Staged(How::Loaded));
    assert!(opened.join()??.read(0, LEN)? == bytes);
    assert_eq!(gate.arrived(), 4);
    Ok(())
}

/// G8, G9: who cancels leaves the others their staging.
fn the_flight_goes_on_for_those_who_still_want_it(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
    let stage = || {
        file.handle()
            .stage(Plan::of(Mode::Load), Deadline::Never, None)
    };
    let first = stage().map_err(|failure| failure.into_io())?;
    let mut second = stage().map_err(|failure| failure.into_io())?;
    let attending = Arc::clone(&driver);
    let attendant = start(move || attending.attend());
    gate.wait_arrived(3)?;
    drop(first);
    assert!(
        matches!(file.life(), Some(Life::Staging { .. })),
        "it goes on"
    );
    gate.open();
    attendant.join()?;
    wait_for("the second", || {
        second.poll_answer(std::task::Waker::noop()).is_ready()
    })?;
    assert_eq!(file.life(), Some(Life::Staged(How::Loaded)));
    assert!(file.read(0, LEN)? == bytes);
    assert_eq!(gate.arrived(), 4);
    Ok(())
}

/// G9: an open of what is in memory loads nothing.
fn what_is_staged_is_not_staged_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let _first = driver.open(&path, Opening::by(Mode::Load))?;
    let loads = Gate::counting(driver.hub(), ActionKind::Load);
    for mode in [Mode::Load, Mode::Auto, Mode::Map] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert_eq!(file.life(), Some(Life::Staged(How::Loaded)), "{mode:?}");
        assert!(file.read(0, LEN)? == bytes);
    }
    assert_eq!(loads.arrived(), 0);
    assert_eq!(driver.charged(), LEN as u64);
    Ok(())
}

/// Two fused fetches of one key at one moment may both load; the second is dropped.
fn a_file_loaded_twice_by_chance_is_held_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 8_000)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Fetch);
    let opens: Vec<_> = (0..4)
        .map(|_| {
            let (driver, path) = (Arc::clone(&driver), path.clone());
            start(move || driver.open(&path, Opening::by(Mode::Load)))
        })
        .collect();
    gate.wait_arrived(1)?;
    gate.open();
    let mut files = Vec::new();
    for open in opens {
        files.push(open.join()??);
    }
    assert_eq!(driver.charged(), 8_192);
    for file in &files {
        assert!(file.read(0, 8_000)? == bytes);
        assert_eq!(file.file(), files[0].file());
    }
    Ok(())
}

fn lingering(scene: &Scene, budget: u64, linger: u64) -> Arc<dyn Driver> {
    scene.driver_with(Limits {
        budget,
        linger,
        ..Scene::limits()
    })
}

/// G10: closed, it stays for the next open.
fn a_lingering_file_is_opened_again_without_loading(scene: &Scene) -> Proof {
    let driver = lingering(scene, 1 << 24, 1 << 20);
    let (path, bytes) = scene.file("file", LEN)?;
    let (small, text) = scene.file("small", 3_000)?;
    drop((
        driver.open(&path, Opening::by(Mode::Load))?,
        driver.open_staged(&small)?,
    ));
    assert_eq!(driver.charged(), LEN as u64 + 4_096);
    let loads = Gate::counting(driver.hub(), ActionKind::Load);
    let fetches = Gate::counting(driver.hub(), ActionKind::Fetch);
    assert!(driver.open(&path, Opening::by(Mode::Load))?.read(0, LEN)? == bytes);
    assert!(driver.open_staged(&small)?.read(0, LEN)? == text);
    assert_eq!((loads.arrived(), fetches.arrived()), (0, 0));
    Ok(())
}

/// G10: what nobody holds is evicted, the oldest first.
fn lingering_ends_where_others_need_the_room(scene: &Scene) -> Proof {
    let room = 3 * LEN as u64;
    let driver = lingering(scene, room, room);
    for n in 0..3 {
        let (path, _) = scene.file(&format!("old{n}"), LEN)?;
        drop(driver.open(&path, Opening::by(Mode::Load))?);
    }
    assert_eq!(driver.charged(), room);
    let (path, bytes) = scene.file("new", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    assert!(file.read(0, LEN)? == bytes);
    assert_eq!((driver.stats().evicted, driver.charged()), (1, room));
    let loads = Gate::counting(driver.hub(), ActionKind::Load);
    drop(driver.open(&scene.path("old2"), Opening::by(Mode::Load))?);
    assert_eq!(loads.arrived(), 0, "the youngest stayed");
    Ok(())
}

/// K4: a lingering version that passed is not shown.
fn a_lingering_file_that_changed_is_loaded_anew(scene: &Scene) -> Proof {
    let driver = lingering(scene, 1 << 24, 1 << 20);
    let (path, _) = scene.file("file", LEN)?;
    drop(driver.open(&path, Opening::by(Mode::Load))?);
    let other = crate::conformance::scene::pattern(LEN, 3);
    std::fs::write(&path, &other)?;
    assert!(driver.open(&path, Opening::by(Mode::Load))?.read(0, LEN)? == other);
    Ok(())
}
