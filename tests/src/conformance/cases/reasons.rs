//! S8: why it is shut down, in the words of whoever asked for it.

use super::shutdown::listen;
use super::writing::{held_write, opened};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::wait_for;
use driver_kit::core::{Grace, PhaseName};
use driver_kit::observe::Notice;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("S8", a_reason_is_told_to_observers_and_in_the_report),
        case("S8", a_forced_end_has_its_reason),
        case("S8", the_first_reason_stays),
        case("S8", who_gives_no_reason_takes_none_away),
    ]
}

type Heard = Vec<(PhaseName, Option<String>)>;

/// Which reason was heard with each phase.
fn reasons(heard: &Mutex<Vec<Notice>>) -> io::Result<Heard> {
    let mut reasons = Vec::new();
    let phase = |notice: &Notice| match notice {
        Notice::Phase { phase, reason, .. } => Some((*phase, reason.as_deref().map(str::to_owned))),
        Notice::Progress { .. } | Notice::Abandoned { .. } => None,
    };
    wait_for("Closed to be heard", || {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        reasons = heard.iter().filter_map(phase).collect();
        matches!(reasons.last(), Some((PhaseName::Closed, _)))
    })?;
    Ok(reasons)
}

fn all_say(reason: &str, phases: &[PhaseName]) -> Heard {
    let said = |phase: &PhaseName| (*phase, Some(reason.to_owned()));
    phases.iter().map(said).collect()
}

const EVERY: [PhaseName; 3] = [PhaseName::Draining, PhaseName::Closing, PhaseName::Closed];

/// S8.
fn a_reason_is_told_to_observers_and_in_the_report(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let heard = listen(driver.as_ref());
    let report = driver.shutdown_because(Grace::default(), "the lease is over");
    assert_eq!(report.reason.as_deref(), Some("the lease is over"));
    assert!(report.is_clean(), "{report}");
    let told = report.to_string();
    assert!(
        told.starts_with("closed, because the lease is over, after"),
        "{told}"
    );
    assert_eq!(reasons(&heard)?, all_say("the lease is over", &EVERY));
    assert_eq!(driver.closed().reason.as_deref(), Some("the lease is over"));
    Ok(())
}

/// S4, S8.
fn a_forced_end_has_its_reason(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let heard = listen(driver.as_ref());
    let report = driver.force_because(Duration::from_secs(60), "the host goes down");
    assert_eq!(report.reason.as_deref(), Some("the host goes down"));
    let phases = [PhaseName::Closing, PhaseName::Closed];
    assert_eq!(reasons(&heard)?, all_say("the host goes down", &phases));
    Ok(())
}

/// S4, S8: asking again only shortens; why it began does not change.
fn the_first_reason_stays(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let heard = listen(driver.as_ref());
    let hub = driver.hub();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 0)?;
    hub.shut_down_because(Grace::default(), "first");
    assert_eq!(driver.phase(), PhaseName::Draining);
    hub.shut_down_because(Grace::default(), "second");
    gate.open();
    write.join()??;
    assert_eq!(driver.closed().reason.as_deref(), Some("first"));
    hub.shut_down_because(Grace::default(), "too late");
    assert_eq!(driver.closed().reason.as_deref(), Some("first"));
    assert_eq!(reasons(&heard)?, all_say("first", &EVERY));
    Ok(())
}

/// S8.
fn who_gives_no_reason_takes_none_away(scene: &Scene) -> Proof {
    let quiet = scene.driver();
    let heard = listen(quiet.as_ref());
    let report = quiet.shutdown(Grace::default());
    assert_eq!(report.reason, None);
    assert!(report.to_string().starts_with("closed after"), "{report}");
    assert_eq!(reasons(&heard)?, EVERY.map(|phase| (phase, None)));
    let spoken = scene.driver();
    spoken.hub().shut_down_because(Grace::default(), "spoken");
    let report = spoken.shutdown(Grace::default());
    assert_eq!(report.reason.as_deref(), Some("spoken"));
    Ok(())
}
