//! S6: SIGINT or SIGTERM once is graceful, twice forces, three times exits at once; each in a
//! process of its own, with a read that hangs.

use crate::conformance::child::Child;
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::process::{Process, let_go, say};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{Started, start, wait_for};
use driver_kit::ShutdownReport;
use driver_kit::core::{Cause as Why, Fault, Grace, Mode, PhaseName};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use driver_kit::observe::Notice;
use driver_kit::signals::EXIT_STATUS;
use rustix::process::Signal;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("S6", one_signal_drains_and_reports),
        case("S6, S8", two_signals_force_and_name_what_hangs),
        case("S6", three_signals_exit_at_once),
        case("S3, S6", a_signal_is_enough_to_keep_the_deadlines),
    ]
}

const DRAINING: Child = Child {
    name: "draining_on_a_signal",
    run: draining,
};
const FORCED: Child = Child {
    name: "forced_by_a_signal",
    run: forced,
};
const STUCK: Child = Child {
    name: "stuck_despite_signals",
    run: stuck,
};
const UNATTENDED: Child = Child {
    name: "unattended_after_a_signal",
    run: unattended,
};
pub(super) const CHILDREN: [Child; 4] = [DRAINING, FORCED, STUCK, UNATTENDED];

const LEN: usize = 12_345;
const LONG: Duration = Duration::from_secs(600);
const BRIEF: Duration = Duration::from_millis(10);

/// S6: what is under way is finished, and the end is clean.
fn one_signal_drains_and_reports(scene: &Scene) -> Proof {
    for signal in [Signal::INT, Signal::TERM] {
        let mut process = hanging(scene, DRAINING)?;
        process.signal(signal)?;
        process.hear("Draining")?;
        process.let_go();
        process.hear("Closed")?;
        assert_eq!(process.end()?, Some(0));
    }
    Ok(())
}

/// S6, S8: what hangs is given up, long before the time to drain is over.
fn two_signals_force_and_name_what_hangs(scene: &Scene) -> Proof {
    let mut process = hanging(scene, FORCED)?;
    process.signal(Signal::INT)?;
    process.hear("Draining")?;
    process.signal(Signal::TERM)?;
    process.hear("Closed")?;
    process.let_go();
    assert_eq!(process.end()?, Some(0));
    Ok(())
}

/// S6: nobody is asked any more.
fn three_signals_exit_at_once(scene: &Scene) -> Proof {
    let mut process = hanging(scene, STUCK)?;
    process.signal(Signal::TERM)?;
    process.hear("Draining")?;
    process.signal(Signal::INT)?;
    process.hear("Closing")?;
    process.signal(Signal::TERM)?;
    assert_eq!(process.end()?, Some(EXIT_STATUS));
    Ok(())
}

/// S3, S6: also where nobody waits for the end.
fn a_signal_is_enough_to_keep_the_deadlines(scene: &Scene) -> Proof {
    let mut process = hanging(scene, UNATTENDED)?;
    process.signal(Signal::INT)?;
    for phase in ["Draining", "Closing", "Closed"] {
        process.hear(phase)?;
    }
    process.let_go();
    assert_eq!(process.end()?, Some(0));
    Ok(())
}

/// A process whose read hangs, and who hears signals.
fn hanging(scene: &Scene, child: Child) -> io::Result<Process> {
    let mut process = child.begin(scene)?;
    process.hear("ready")?;
    Ok(process)
}

fn draining(scene: &Scene) -> Proof {
    let hanging = Hanging::read(scene, LONG, LONG)?;
    let report = hanging.closed()?;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.machine.cause, Why::GivenBack);
    assert_eq!(hanging.read.join()??.len(), LEN, "it was finished");
    Ok(())
}

fn forced(scene: &Scene) -> Proof {
    let hanging = Hanging::read(scene, LONG, BRIEF)?;
    let report = hanging.closed()?;
    assert_eq!(report.exit_code(), 1, "{report}");
    assert!(report.machine.draining < LONG.as_nanos() as u64);
    let named = report.unfinished.iter().find(|named| named.in_flight);
    let named = named.ok_or("nothing is named")?;
    assert_eq!(
        (named.operation, &*named.path, named.bytes),
        (Operation::Read, &*hanging.path, Some(LEN as u64))
    );
    let error = hanging.read.join()?.err().ok_or("read after the end")?;
    assert_eq!(fault_of(&error), Some(Fault::Abandoned));
    Ok(())
}

fn stuck(scene: &Scene) -> Proof {
    let hanging = Hanging::read(scene, LONG, LONG)?;
    let report = hanging.closed()?;
    Err(format!("it waited for its end: {report}").into())
}

fn unattended(scene: &Scene) -> Proof {
    let hanging = Hanging::read(scene, BRIEF, BRIEF)?;
    let error = hanging.read.join()?.err().ok_or("read after the end")?;
    assert_eq!(fault_of(&error), Some(Fault::Abandoned));
    let report = hanging.closed()?;
    assert_eq!(report.machine.cause, Why::OutOfTime);
    Ok(())
}

/// A read that does not end before this process is let go, and a driver that hears signals.
struct Hanging {
    driver: Arc<dyn Driver>,
    /// Its last phase was said.
    said_all: Arc<AtomicBool>,
    path: PathBuf,
    read: Started<io::Result<Vec<u8>>>,
}

impl Hanging {
    fn read(
        scene: &Scene,
        draining: Duration,
        closing: Duration,
    ) -> Result<Hanging, Box<dyn std::error::Error>> {
        let driver = scene.driver();
        let (path, _) = scene.file("file", LEN)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let said_all = Arc::new(AtomicBool::new(false));
        let saying = Arc::clone(&said_all);
        driver
            .hub()
            .observers()
            .add(Arc::new(move |notice: &Notice| {
                if let Notice::Phase { phase, .. } = notice {
                    let _ = say(&format!("{phase:?}"));
                    saying.fetch_or(*phase == PhaseName::Closed, SeqCst);
                }
            }));
        let gate = Gate::holding(driver.hub(), ActionKind::Read, 0);
        let read = start(move || file.read(0, LEN));
        gate.wait_arrived(1)?;
        let _opening = start(move || {
            let _ = let_go();
            gate.open();
        });
        let nanos = |time: Duration| time.as_nanos() as u64;
        driver.shutdown_on_signals(Grace {
            total: nanos(2 * LONG),
            draining: nanos(draining),
            closing: nanos(closing),
        })?;
        say("ready")?;
        Ok(Hanging {
            driver,
            said_all,
            path,
            read,
        })
    }

    /// The report; another thread may still be telling how it came to it.
    fn closed(&self) -> io::Result<ShutdownReport> {
        let report = self.driver.closed();
        wait_for("all to be said", || self.said_all.load(SeqCst))?;
        Ok(report)
    }
}
