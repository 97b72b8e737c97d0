//! G2, G7, G8: a staging that goes on while its caller does something else.

use crate::conformance::driver::{Driver, Open, Opening};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Fault, How, Life, Mode, Plan, Standing, Why};
use driver_kit::error;
use driver_kit::handlers::ActionKind;
use std::io;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G2, G7", a_staging_goes_on_in_the_background),
        case("G8", a_background_staging_ends_when_it_is_dropped),
        case("G1, G7", a_background_staging_that_fails_says_so),
        case("G10, G7", one_that_finds_no_room_is_over_at_once),
    ]
}

const LEN: u64 = 4 * CHUNK;

/// A driver, and an open file that nobody staged.
struct Unstaged {
    driver: Arc<dyn Driver>,
    file: Open,
    bytes: Vec<u8>,
}

fn unstaged(scene: &Scene) -> io::Result<Unstaged> {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN as usize)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    Ok(Unstaged {
        driver,
        file,
        bytes,
    })
}

/// G2, G7: nobody waits for it, and it goes on; how far it is can be asked; reads wait for its end.
fn a_staging_goes_on_in_the_background(scene: &Scene) -> Proof {
    for (mode, how) in [(Mode::Load, How::Loaded), (Mode::Map, How::Mapped)] {
        let Unstaged {
            driver,
            file,
            bytes,
        } = unstaged(scene)?;
        let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
        let background = file.begin_staging(Plan::of(mode))?;
        let attending = Arc::clone(&driver);
        let attendant = start(move || attending.attend());
        gate.wait_arrived(3)?;
        let progress = background.progress();
        assert_eq!(
            (progress.bytes_done, progress.bytes_known),
            (2 * CHUNK, LEN)
        );
        assert_eq!(
            (progress.files_taken, progress.files_done, progress.failed),
            (1, 0, 0)
        );
        assert!(progress.rate > 0.0 && progress.remaining().is_some());
        gate.open();
        attendant.join()?;
        wait_for("it to end by itself", || {
            background.progress().files_done == 1
        })?;
        let progress = background.progress();
        assert_eq!((progress.bytes_done, progress.failed), (LEN, 0));
        assert_eq!(
            progress.elapsed,
            background.progress().elapsed,
            "the clock stands at the end"
        );
        assert_eq!(background.wait()?, Standing::Staged(how));
        assert!(file.read(0, bytes.len())? == bytes);
    }
    Ok(())
}

/// G8: within one chunk, and its memory is given back; reads go to the file.
fn a_background_staging_ends_when_it_is_dropped(scene: &Scene) -> Proof {
    let Unstaged {
        driver,
        file,
        bytes,
    } = unstaged(scene)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let background = file.begin_staging(Plan::of(Mode::Load))?;
    let attending = Arc::clone(&driver);
    let attendant = start(move || attending.attend());
    gate.wait_arrived(2)?;
    drop(background);
    gate.open();
    attendant.join()?;
    driver.attend();
    wait_for("the memory to be back", || driver.charged() == 0)?;
    assert_eq!(gate.arrived(), 2, "no further chunk is loaded");
    let life = file.staging().map(|staging| staging.life);
    assert_eq!(life, Some(Life::NotStaged(Why::Cancelled)));
    assert!(file.read(0, bytes.len())? == bytes);
    Ok(())
}

/// G1, G7: with its cause, and counted as failed.
fn a_background_staging_that_fails_says_so(scene: &Scene) -> Proof {
    let Unstaged { driver, file, .. } = unstaged(scene)?;
    let gate = Gate::failing(driver.hub(), ActionKind::Load, 1, Fault::Os(5));
    let background = file.begin_staging(Plan::of(Mode::Load))?;
    gate.open();
    driver.attend();
    wait_for("it to end", || background.progress().files_done == 1)?;
    let progress = background.progress();
    assert_eq!(
        (progress.failed, progress.bytes_done, progress.bytes_known),
        (1, 0, LEN)
    );
    let Err(failed) = background.wait() else {
        return Err("it did not fail".into());
    };
    assert_eq!(error::errno(&failed), Some(5));
    assert!(
        failed
            .to_string()
            .contains(&file.path().display().to_string()),
        "{failed}"
    );
    Ok(())
}

/// G10, G7: `Auto` over budget leaves the file on the disk, and that is no failure.
fn one_that_finds_no_room_is_over_at_once(scene: &Scene) -> Proof {
    let mut limits = Scene::limits();
    limits.budget = 4096;
    let driver = scene.driver_with(limits);
    let (path, _) = scene.file("file", LEN as usize)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let background = file.begin_staging(Plan::of(Mode::Auto))?;
    driver.attend();
    wait_for("it to end", || background.progress().files_done == 1)?;
    let progress = background.progress();
    assert_eq!((progress.failed, progress.bytes_done), (0, LEN));
    assert_eq!(background.wait()?, Standing::NotStaged(Why::OverBudget));
    assert_eq!(driver.stats().left_over_budget, 1);
    let pressure = driver.hub().pressure();
    assert_eq!(
        (pressure.budget, pressure.charged, pressure.wanted),
        (4096, 0, 0)
    );
    Ok(())
}
