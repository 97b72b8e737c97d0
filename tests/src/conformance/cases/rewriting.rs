//! G1, G2, G4, G6, R6: files that are in memory and are written.

use super::writing::opened;
use crate::conformance::driver::Opening;
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Fault, Life, Mode, Why};
use driver_kit::handlers::ActionKind;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G1, R6", a_write_sends_away_what_is_in_memory),
        case("G1, G4", bytes_handed_out_stay_as_they_were).of_the_core(),
        case("G2", a_write_waits_for_a_staging),
        case("R1, G5", a_staging_waits_for_writes),
        case(
            "G1, G8",
            an_empty_file_whose_staging_was_stopped_is_staged_when_it_has_grown,
        ),
        case("G6, R1", a_file_open_for_writing_is_not_mapped),
        case("R1", a_mapped_file_is_given_up_when_opened_for_writing),
    ]
}

/// G1, R6: reads that begin when the write has returned see it, staged before or not.
fn a_write_sends_away_what_is_in_memory(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 1000)?;
    let reader = driver.open(&path, Opening::by(Mode::Load))?;
    assert!(reader.contents().is_some());
    let writer = driver.open(&path, Opening::to_write())?;
    assert!(reader.contents().is_some(), "it is loaded, and only opened");
    writer.write_at(b"new", 500)?;
    assert!(reader.contents().is_none());
    assert_eq!(reader.life(), Some(Life::NotStaged(Why::Written)));
    assert_eq!(reader.read(500, 3)?, b"new");
    reader.stage(Mode::Load)?;
    assert_eq!(reader.read(500, 3)?, b"new");
    writer.write_at(b"old", 500)?;
    assert_eq!(reader.read(500, 3)?, b"old");
    Ok(())
}

/// G1, G4.
fn bytes_handed_out_stay_as_they_were(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", 1000)?;
    let reader = driver.open(&path, Opening::by(Mode::Load))?;
    let held = reader.bytes_at(0, 1000)?;
    let writer = driver.open(&path, Opening::to_write())?;
    writer.write_at(&[0; 1000], 0)?;
    writer.set_len(3)?;
    assert!(held[..] == before[..]);
    assert_eq!(reader.read(0, 10)?, [0; 3]);
    Ok(())
}

/// G1, G8: what a stopped staging left behind says nothing of how long the file is now.
fn an_empty_file_whose_staging_was_stopped_is_staged_when_it_has_grown(scene: &Scene) -> Proof {
    if scene.configuration().workers == 0 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 0)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 0);
    let stager = Arc::clone(&file);
    let staging = start(move || stager.stage(Mode::Load));
    gate.wait_arrived(1)?;
    let stopper = Arc::clone(&file);
    let stopping = start(move || stopper.unstage());
    wait_for("the staging to be stopped", || {
        !matches!(file.life(), Some(Life::Staging { .. }))
    })?;
    gate.open();
    assert!(staging.join()?.is_err());
    stopping.join()??;
    file.write_at(b"grown", 0)?;
    file.stage(Mode::Load)?;
    assert_eq!(file.read(0, 9)?, b"grown");
    Ok(())
}

/// G2.
fn a_write_waits_for_a_staging(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 200_000)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let stager = Arc::clone(&file);
    let staging = start(move || stager.stage(Mode::Load));
    gate.wait_arrived(2)?;
    let writer = Arc::clone(&file);
    let write = start(move || writer.write_at(b"new", 0));
    assert!(write.is_waiting());
    gate.open();
    staging.join()??;
    write.join()??;
    assert_eq!(file.read(0, 3)?, b"new");
    Ok(())
}

/// R1, G5: it begins when they have ended, and has what they wrote.
fn a_staging_waits_for_writes(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 1000)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let loads = Gate::counting(driver.hub(), ActionKind::Load);
    let writer = Arc::clone(&file);
    let write = start(move || writer.write_at(&[9; 10], 990));
    gate.wait_arrived(1)?;
    let stager = Arc::clone(&file);
    let staging = start(move || stager.stage(Mode::Load));
    assert!(staging.is_waiting());
    assert_eq!(loads.arrived(), 0);
    gate.open();
    write.join()??;
    staging.join()??;
    let contents = file.contents().ok_or("not staged")?;
    let mut end = [0; 10];
    contents.read_at(990, &mut end).map_err(|_| "truncated")?;
    assert_eq!(end, [9; 10]);
    Ok(())
}

/// G6, R1: a mapping would show half of a write.
fn a_file_open_for_writing_is_not_mapped(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 200_000)?;
    let _writer = driver.open(&path, Opening::to_write())?;
    let auto = driver.open(&path, Opening::by(Mode::Auto).map_threshold(1000))?;
    assert_eq!(scene.mappings()?, 0);
    assert!(auto.contents().is_some(), "it is loaded");
    auto.unstage()?;
    let error = auto.stage(Mode::Map).err().ok_or("it is mapped")?;
    assert_eq!(fault_of(&error), Some(Fault::NoMapping));
    Ok(())
}

/// R1.
fn a_mapped_file_is_given_up_when_opened_for_writing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 200_000)?;
    let reader = driver.open(&path, Opening::by(Mode::Map))?;
    assert!(scene.mappings()? > 0);
    let writer = driver.open(&path, Opening::to_write())?;
    writer.write_at(b"new", 0)?;
    assert_eq!(scene.mappings()?, 0);
    assert_eq!(reader.read(0, 3)?, b"new");
    Ok(())
}
