//! R10 of logs: whoever leaves is not in the way of others, nor they in his.

use super::logs::{fill, logs};
use crate::conformance::driver::Driver;
use crate::conformance::gate::Gate;
use crate::conformance::guarding::Locking;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{start, wait_for};
use driver_kit::handlers::ActionKind;
use std::error::Error;
use std::fs;
use std::sync::Arc;

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "L1, R10",
        an_open_out_of_time_keeps_others_out_until_its_cut_ended,
    )]
}

/// A log of three records and a torn tail, and how long it is without that.
fn torn(scene: &Scene) -> Result<u64, Box<dyn Error>> {
    let (driver, path) = (scene.driver(), scene.path("log"));
    let log = logs(driver.as_ref())?.open_log(&path, true)?;
    fill(log.as_ref(), 3)?;
    drop(log);
    let whole = fs::read(&path)?;
    fs::write(&path, [&whole[..], b"torn"].concat())?;
    Ok(whole.len() as u64)
}

/// L1, R10: whoever has the log next would be cut.
fn an_open_out_of_time_keeps_others_out_until_its_cut_ended(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let len = torn(scene)?;
    let (driver, other, path) = (scene.driver(), scene.driver(), scene.path("log"));
    let logs = logs(driver.as_ref())?;
    let cuts = Gate::closed(driver.hub(), ActionKind::SetLength);
    if logs.open_log_until(&path, &|| cuts.arrived() > 0) {
        nobody_else_has_it(scene, &cuts, other)?;
        assert_eq!(fs::metadata(&path)?.len(), len + FRAMED);
    }
    Ok(())
}

/// A frame and an empty record.
const FRAMED: u64 = driver_kit::log::FRAME as u64;

/// A stranger waits for the end of what is held, and then appends an empty record.
fn nobody_else_has_it(scene: &Scene, held: &Gate, other: Arc<dyn Driver>) -> Proof {
    let (path, lock) = (scene.path("log"), scene.path(".log.lock"));
    let once = || other.lock(&lock, Locking::default().once());
    assert!(once().is_err(), "another process could have it");
    let (opener, at) = (Arc::clone(&other), path.clone());
    let open = start(move || opener.logs().map(|logs| logs.open_log(&at, true)));
    assert!(open.is_waiting(), "it was opened while it was cut");
    held.open();
    let log = open.join()?.ok_or("this driver has no logs")??;
    log.append_durable(b"")?;
    drop(log);
    wait_for("the lock to be given back", || once().is_ok())?;
    Ok(())
}
