//! R9, R12: the figures of the other drivers, on a clock that says exactly how long everything took.

use driver_sim::{
    Class, Condition, Deadline, Dice, Faults, RequestKind, Stager, Stranger, Trouble,
};
use staging_core::{Grace, Limits};
use std::io;
use std::time::Duration;

/// Each action takes exactly this long here.
const ACTION: Duration = Duration::from_micros(100);

fn stager(faults: Faults) -> Stager {
    let nanos = ACTION.as_nanos() as u64;
    let faults = faults.latency(nanos, nanos);
    Stager::builder().seed(1).faults(faults).build()
}

/// Told no less, and a tenth too long at most.
fn is_about(told: Option<Duration>, exact: Duration) -> bool {
    told.is_some_and(|told| told >= exact && told <= exact.mul_f64(1.1) + Duration::from_nanos(64))
}

/// R9: of two writes that meet, the second waits as long as the first is served.
#[test]
fn what_waits_and_what_is_served_is_measured_exactly() -> io::Result<()> {
    let stager = stager(Faults::none());
    let file = stager
        .options()
        .write(true)
        .create(true)
        .timed(true)
        .open("/file")?;
    file.set_class(Class::High);
    let first = file.begin_write_at(b"one", 0, Deadline::Never)?;
    let second = file.begin_write_at(b"two", 0, Deadline::Never)?;
    first.wait()?;
    second.wait()?;
    let own = file
        .timings()
        .ok_or_else(|| io::Error::other("it is timed"))?;
    for timings in [own, stager.timings()] {
        let writes = timings.of_kind_and_class(RequestKind::Write, Class::High);
        assert_eq!((writes.count(), writes.service.count()), (2, 2));
        assert!(is_about(writes.waiting.longest(), ACTION), "{writes:?}");
        assert!(
            writes.waiting.shortest() < Some(Duration::from_nanos(200)),
            "{writes:?}"
        );
        assert!(is_about(writes.service.quantile(0.5), ACTION), "{writes:?}");
        assert!(is_about(writes.service.longest(), ACTION), "{writes:?}");
    }
    assert_eq!(file.writes().map(|it| it.completed), Some(2));
    let counted = Class::ALL.map(|class| stager.figures().writes_of(class).completed);
    let by_class = Class::ALL.map(|class| stager.writes_of(class).completed);
    assert_eq!(counted, by_class);
    assert_eq!(stager.figures().writes_of(Class::High).completed, 2);
    let opens = stager.timings().of_kind(RequestKind::Open);
    assert_eq!(opens.count(), 1);
    Ok(())
}

/// R9: whatever happens, every answer is measured once, and belongs to the counts of the same moment.
#[test]
fn every_answer_is_measured_once() -> io::Result<()> {
    let mut failed = 0;
    for seed in 0..50 {
        let faults = Faults::none()
            .rate(Trouble::Broken, 100)
            .rate(Trouble::SyncFails, 100);
        let stager = Stager::builder().seed(seed).faults(faults).build();
        let mut dice = Dice::of(seed);
        let options = stager.options().write(true).create(true);
        let Ok(file) = options.write_behind(dice.permille(300)).open("/file") else {
            continue;
        };
        let mut tickets = Vec::new();
        for _ in 0..30 {
            let asked = match dice.below(6) {
                0 => file.begin_sync(Deadline::Never),
                1 => file.begin_read_at(0, 10, Deadline::Never),
                2 => stager.replace("/other", "new").begin(),
                _ => file.begin_write_at(b"bytes", dice.below(20), Deadline::within(ACTION)),
            };
            tickets.extend(asked.ok());
            if dice.permille(300) {
                stager.step();
            }
            if let (true, Some(ticket)) = (dice.permille(100), tickets.last()) {
                ticket.cancel();
            }
        }
        stager.run();
        let figures = stager.figures();
        let stats = figures.stats;
        let ended = stats.completed + stats.failed + stats.cancelled + stats.expired;
        assert_eq!(ended, stats.accepted, "seed {seed}");
        assert_eq!(stager.timings().of_all().count(), ended, "seed {seed}");
        let idle = (
            figures.health.queue.operations,
            figures.health.queue.under_way,
        );
        assert_eq!(idle, (0, 0), "seed {seed}");
        failed += u64::from(figures.success_rate() < Some(1.0));
    }
    assert!(
        failed > 10,
        "where nothing fails nothing is proven: {failed}"
    );
    Ok(())
}

/// R8, R12, S1: how it stands.
#[test]
fn it_says_how_it_stands_and_what_is_to_be_done() -> io::Result<()> {
    let stager = stager(Faults::none().at(Trouble::SyncFails, 1));
    let limits = stager.limits();
    stager.set_limits(Limits {
        operations: 2,
        ..limits
    })?;
    let file = stager.options().write(true).create(true).open("/file")?;
    assert_eq!(stager.backlog(), []);
    let first = file.begin_write_at(b"0123456789", 0, Deadline::Never)?;
    let second = file.begin_write_at(b"01234", 5, Deadline::Never)?;
    let health = stager.figures().health;
    assert_eq!(health.condition, Condition::Full);
    assert_eq!((health.queue.operations, health.queue.under_way), (2, 1));
    let told = || -> Vec<String> { stager.backlog().iter().map(|it| it.to_string()).collect() };
    assert_eq!(
        told(),
        ["/file: 1 queued (5 bytes), 1 under way (10 bytes)"]
    );
    first.wait()?;
    second.wait()?;
    assert_eq!(told(), ["/file: dirty"]);
    assert!(file.backlog().is_some_and(|it| it.dirty));
    let replace = stager.replace("/other", "new").begin()?;
    assert_eq!(told(), ["/file: dirty", "/other: 1 under way (3 bytes)"]);
    replace.wait()?;
    assert_eq!(stager.stats().rewritten, 1, "its first sync fails");
    assert!(stager.figures().health.is_sound());
    assert!(stager.figures().written.over_life > 0.0);
    let _ = stager.shutdown(Grace::default());
    assert_eq!(stager.figures().health.condition, Condition::Closed);
    assert_eq!((stager.backlog(), file.backlog()), (Vec::new(), None));
    Ok(())
}

/// A2: what a loss of power leaves of a replace goes on request, and before another is made there; what is
/// under way, and what is no temporary file, stays.
#[test]
fn what_a_loss_of_power_leaves_is_swept() -> io::Result<()> {
    let (mut swept, mut unasked) = (0, 0);
    for seed in 0..200 {
        let faults = Faults::none().strict_names();
        let stager = Stager::builder().seed(seed).faults(faults).build();
        let odd = Stranger::Replaces {
            path: ".staging-of-somebody-else".into(),
            bytes: b"kept".to_vec(),
        };
        let mut dice = Dice::of(seed);
        stager.replace("/file", "old").commit()?;
        let _ = stager.replace("/file", "new").begin()?;
        stager.run_for(Duration::from_nanos(dice.below(400_000)));
        assert_eq!(stager.sweep("/")?, 0, "seed {seed}: its owner lives");
        let after = stager.power_loss();
        after.meddle(&odd);
        let left = temporaries(&after);
        match seed % 2 {
            0 => {
                assert_eq!(after.sweep("/")?, left, "seed {seed}");
                assert_eq!(after.sweep("/")?, 0, "seed {seed}");
                swept += left;
            }
            _ => {
                after.replace("/third", "new").commit()?;
                unasked += left;
            }
        }
        assert_eq!(temporaries(&after), 0, "seed {seed}");
        assert!(after.cached("/.staging-of-somebody-else").is_some());
    }
    assert!(swept > 10 && unasked > 10, "{swept}, {unasked}");
    let nowhere = Stager::new(1).sweep("/nowhere").err();
    let told = nowhere.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.starts_with("sweep /nowhere"), "{told}");
    Ok(())
}

fn temporaries(stager: &Stager) -> u64 {
    stager.with(|simulation| {
        let files = simulation.disk().files();
        let ours = files.filter(|(path, _)| path.starts_with("/.staging-"));
        ours.filter(|(path, _)| !path.ends_with("else")).count() as u64
    })
}
