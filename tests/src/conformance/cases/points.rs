//! R9, R10, G8, S2–S5: an operation is ended from outside at each point of its way, and has
//! exactly one outcome, at once; what it had taken is given back.

use crate::conformance::driver::{Driver, Open, Opening, kit_opening};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{Started, start, until, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Fault, Grace, Limits, Missing, Mode, Outcome, OverBudget, PhaseName, Plan};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::{Answer, Ticket};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Where an operation can be when something ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Point {
    QueuedForADescriptor,
    Fetching,
    Opening,
    Looking,
    AwaitingRoom,
    Mapping,
    PopulatingAMapping,
    LoadingTheFirstChunk,
    LoadingAChunk,
    LoadingTheLastChunk,
    ReadAwaitingStaging,
    Reading,
    Releasing,
    ClosingBehindARead,
}

const POINTS: [(Point, &str); 14] = [
    (Point::QueuedForADescriptor, "queued_for_a_descriptor"),
    (Point::Fetching, "fetching"),
    (Point::Opening, "opening"),
    (Point::Looking, "looking"),
    (Point::AwaitingRoom, "awaiting_room"),
    (Point::Mapping, "mapping"),
    (Point::PopulatingAMapping, "populating_a_mapping"),
    (Point::LoadingTheFirstChunk, "loading_the_first_chunk"),
    (Point::LoadingAChunk, "loading_a_chunk"),
    (Point::LoadingTheLastChunk, "loading_the_last_chunk"),
    (Point::ReadAwaitingStaging, "read_awaiting_staging"),
    (Point::Reading, "reading"),
    (Point::Releasing, "releasing"),
    (Point::ClosingBehindARead, "closing_behind_a_read"),
];

pub(super) fn cases() -> Vec<Case> {
    type End = fn(&Scene, Point) -> Proof;
    let ends: [(&str, &'static str, End); 5] = [
        ("cancel", "G8, R9, R10", cancel),
        ("deadline", "R9, R10", deadline),
        ("drain", "S2, S3, R9", drain),
        ("force", "S4, S5, S8, R9", force),
        ("driver_lost", "R9, S5, S8", driver_lost),
    ];
    let mut cases = Vec::new();
    for (end, rule, run) in ends {
        for (point, words) in POINTS {
            let name = format!("points::{end}_while_{words}");
            cases.push(Case::named(name, rule, move |scene| run(scene, point)));
        }
    }
    cases
}

const LEN: usize = 5 * CHUNK as usize - 100;

/// An operation at its point.
struct Reached {
    driver: Arc<dyn Driver>,
    path: PathBuf,
    bytes: Vec<u8>,
    ticket: Ticket,
    /// What holds it there, unless it waits for others of its kind.
    gate: Option<Gate>,
    others: Vec<Ticket>,
    files: Vec<Open>,
    attendant: Started<()>,
}

fn reach(scene: &Scene, point: Point, deadline: Deadline) -> io::Result<Reached> {
    let limits = Limits {
        descriptors: if point == Point::QueuedForADescriptor {
            1
        } else {
            512
        },
        budget: if point == Point::AwaitingRoom {
            LEN as u64 + 4096
        } else {
            u64::MAX
        },
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    let hub = driver.hub();
    let len = if point == Point::Fetching { 1000 } else { LEN };
    let (path, bytes) = scene.file("file", len)?;
    let (other, _) = scene.file("other", LEN)?;
    let (mut others, mut files) = (Vec::new(), Vec::new());
    let unstaged = |path: &Path| driver.open(path, Opening::by(Mode::None));
    let open = |path: &Path, mode, deadline| {
        let opening = kit_opening(Missing::Fail, Plan::of(mode));
        hub.open(&path.into(), opening, deadline, None)
            .map_err(|failure| failure.into_io())
    };
    let refused = |failure: driver_kit::error::Failure| failure.into_io();
    let hold = |kind, which| Some(Gate::holding(hub, kind, which));
    let (gate, ticket) = match point {
        Point::QueuedForADescriptor => {
            let gate = hold(ActionKind::Open, 0);
            others.push(open(&other, Mode::None, Deadline::Never)?);
            (gate, open(&path, Mode::None, deadline)?)
        }
        Point::Fetching => (
            hold(ActionKind::Fetch, 0),
            open(&path, Mode::Auto, deadline)?,
        ),
        Point::Opening => (hold(ActionKind::Open, 0), open(&path, Mode::Map, deadline)?),
        Point::Mapping => (hold(ActionKind::Map, 0), open(&path, Mode::Map, deadline)?),
        Point::PopulatingAMapping => (
            hold(ActionKind::Load, 2),
            open(&path, Mode::MapShared, deadline)?,
        ),
        Point::LoadingTheFirstChunk => (
            hold(ActionKind::Load, 0),
            open(&path, Mode::Load, deadline)?,
        ),
        Point::LoadingAChunk => (
            hold(ActionKind::Load, 2),
            open(&path, Mode::Load, deadline)?,
        ),
        Point::LoadingTheLastChunk => (
            hold(ActionKind::Load, 4),
            open(&path, Mode::Load, deadline)?,
        ),
        Point::Looking => {
            let file = unstaged(&path)?;
            let gate = hold(ActionKind::Look, 0);
            let ticket = file.handle().stage(Plan::of(Mode::Load), deadline, None);
            files.push(file);
            (gate, ticket.map_err(refused)?)
        }
        Point::AwaitingRoom => {
            files.push(driver.open(&other, Opening::by(Mode::Load))?);
            let file = unstaged(&path)?;
            let plan = Plan {
                over_budget: OverBudget::Wait,
                ..Plan::of(Mode::Load)
            };
            let ticket = file.handle().stage(plan, deadline, None).map_err(refused)?;
            files.push(file);
            (None, ticket)
        }
        Point::ReadAwaitingStaging => {
            let file = unstaged(&path)?;
            let gate = hold(ActionKind::Load, 2);
            let staging = file
                .handle()
                .stage(Plan::of(Mode::Load), Deadline::Never, None);
            others.push(staging.map_err(refused)?);
            let ticket = file.handle().read_later(0, LEN as u64, deadline, None);
            files.push(file);
            (gate, ticket.map_err(refused)?)
        }
        Point::Reading => {
            let file = unstaged(&path)?;
            let gate = hold(ActionKind::Read, 0);
            let ticket = file.handle().read_later(0, LEN as u64, deadline, None);
            files.push(file);
            (gate, ticket.map_err(refused)?)
        }
        Point::Releasing => {
            let file = driver.open(&path, Opening::by(Mode::Load))?;
            let gate = hold(ActionKind::Release, 0);
            let ticket = file.handle().unstage(deadline, None).map_err(refused)?;
            files.push(file);
            (gate, ticket)
        }
        Point::ClosingBehindARead => {
            let file = unstaged(&path)?;
            let gate = hold(ActionKind::Read, 0);
            let read = file
                .handle()
                .read_later(0, LEN as u64, Deadline::Never, None);
            others.push(read.map_err(refused)?);
            let ticket = file.handle().close(deadline).map_err(refused)?;
            files.push(file);
            (gate, ticket)
        }
    };
    let attending = Arc::clone(&driver);
    let attendant = start(move || attending.attend());
    let nth = match point {
        Point::PopulatingAMapping | Point::LoadingAChunk | Point::ReadAwaitingStaging => 3,
        Point::LoadingTheLastChunk => 5,
        _ => 1,
    };
    let passed = || matches!(deadline, Deadline::At(at) if at <= Instant::now());
    match &gate {
        Some(gate) => wait_for("the point", || gate.arrived() >= nth || passed())?,
        None => wait_for("the queue", || {
            driver.charged() > 0
                && files
                    .iter()
                    .any(|file| matches!(file.staging(), Some(s) if s.waiting > 0))
                || passed()
        })?,
    }
    Ok(Reached {
        driver,
        path,
        bytes,
        ticket,
        gate,
        others,
        files,
        attendant,
    })
}

impl Reached {
    /// The answer that is there now.
    fn answer(&mut self) -> io::Result<Answer> {
        match self.ticket.poll_answer(Waker::noop()) {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Err(io::Error::other("it is not answered at once")),
        }
    }

    fn fault(&mut self) -> io::Result<Option<Fault>> {
        Ok(self.answer()?.fault())
    }

    /// A close that waits for a read is done when the read is given up; all others fail.
    fn is_given_up(&mut self, point: Point, fault: Fault) -> io::Result<()> {
        let closed = point == Point::ClosingBehindARead;
        assert_eq!(self.fault()?, (!closed).then_some(fault));
        Ok(())
    }

    /// Lets go what was held, and waits until everything under way has ended.
    fn go_on(&mut self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            gate.open();
        }
        self.attendant.join()?;
        self.driver.attend();
        for mut other in self.others.drain(..) {
            let mut there = false;
            wait_for("the others", || {
                there |= other.poll_answer(Waker::noop()).is_ready();
                there
            })?;
        }
        let second = self.ticket.poll_answer(Waker::noop());
        if second.is_ready() {
            return Err(io::Error::other("it was answered twice"));
        }
        Ok(())
    }

    /// The file can be opened again and is whole.
    fn is_usable(&mut self) -> Proof {
        self.files.clear();
        let file = self.driver.open(&self.path, Opening::by(Mode::Load))?;
        assert!(
            file.read(0, LEN)? == self.bytes,
            "the file can be used as before"
        );
        Ok(())
    }
}

/// Cancelled, it is answered so at once, also while a system call hangs; the file stays usable.
fn cancel(scene: &Scene, point: Point) -> Proof {
    let mut reached = reach(scene, point, Deadline::Never)?;
    reached.ticket.cancel();
    assert_eq!(reached.fault()?, Some(Fault::Cancelled));
    reached.go_on()?;
    reached.is_usable()
}

/// Its deadline passed, it is answered so at once, also while a system call hangs.
fn deadline(scene: &Scene, point: Point) -> Proof {
    let moment = Instant::now() + Duration::from_millis(50);
    let mut reached = reach(scene, point, Deadline::At(moment))?;
    until(moment);
    reached.driver.hub().tick();
    assert_eq!(reached.fault()?, Some(Fault::Deadline));
    reached.go_on()?;
    reached.is_usable()
}

/// A shutdown refuses what makes new work and serves what ends work; its end is clean.
fn drain(scene: &Scene, point: Point) -> Proof {
    let mut reached = reach(scene, point, Deadline::Never)?;
    reached.driver.hub().shut_down(Grace::default());
    let served = matches!(
        point,
        Point::ReadAwaitingStaging | Point::Reading | Point::Releasing | Point::ClosingBehindARead
    );
    if served {
        assert!(
            reached.ticket.poll_answer(Waker::noop()).is_pending(),
            "it is still served"
        );
        if let Some(gate) = &reached.gate {
            gate.open();
        }
        reached.attendant.join()?;
        reached.driver.attend();
        let mut answer = None;
        wait_for("the answer", || {
            if let Poll::Ready(ready) = reached.ticket.poll_answer(Waker::noop()) {
                answer = Some(ready);
            }
            answer.is_some()
        })?;
        let answer = answer.ok_or("no answer")?;
        assert_eq!(answer.fault(), None, "it is served");
        if matches!(
            answer.outcome,
            Outcome::Read { .. } | Outcome::FromContents { .. }
        ) {
            let mut buffer = vec![0; LEN];
            let read = driver_kit::hub::read_answer(answer, 0, &mut buffer)
                .map_err(|failure| failure.into_io())?;
            assert!(
                read == LEN && buffer == reached.bytes,
                "with the right bytes"
            );
        }
        reached.attendant = start(|| ());
    } else {
        assert_eq!(reached.fault()?, Some(Fault::ShuttingDown));
    }
    reached.go_on()?;
    reached.files.clear();
    let report = reached.driver.shutdown(Grace::default());
    assert_eq!(report.exit_code(), 0, "{report}");
    Ok(())
}

/// Forced, everything is answered at once, what hangs is named, and its late end changes nothing.
fn force(scene: &Scene, point: Point) -> Proof {
    let mut reached = reach(scene, point, Deadline::Never)?;
    reached.driver.hub().force(Duration::from_millis(20));
    reached.is_given_up(point, Fault::Abandoned)?;
    let report = reached.driver.force(Duration::from_millis(20));
    assert_eq!(reached.driver.phase(), PhaseName::Closed);
    assert_eq!(report.exit_code(), 1, "{report}");
    names_what_hung(&reached, &report);
    reached.go_on()?;
    reached.files.clear();
    assert_eq!(reached.driver.charged(), 0);
    Ok(())
}

/// The driver lost, everything is answered at once, and what hung is named.
fn driver_lost(scene: &Scene, point: Point) -> Proof {
    let mut reached = reach(scene, point, Deadline::Never)?;
    reached.driver.hub().driver_lost();
    reached.is_given_up(point, Fault::DriverLost)?;
    assert_eq!(reached.driver.phase(), PhaseName::Closed);
    let report = reached.driver.force(Duration::ZERO);
    assert_eq!(report.exit_code(), 2, "{report}");
    names_what_hung(&reached, &report);
    reached.go_on()?;
    reached.files.clear();
    Ok(())
}

fn names_what_hung(reached: &Reached, report: &driver_kit::ShutdownReport) {
    if let Some(gate) = &reached.gate {
        let hung = gate.seen().pop().map(|(_, path)| path);
        let named = report
            .unfinished
            .iter()
            .any(|unfinished| unfinished.in_flight && Some(&*unfinished.path) == hung.as_deref());
        assert!(named, "{hung:?} hangs, but the report says {report}");
    }
}
