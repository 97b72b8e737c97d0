//! G10: staged bytes never exceed the budget, and each policy does as it says.

use super::many::order;
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::batch::Order;
use driver_kit::core::{Fault, Life, Limits, Mode, OverBudget, Plan, Standing, Why};
use driver_kit::handlers::ActionKind;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("G10", auto_over_budget_reads_from_the_file_and_says_so).of_the_core(),
        case("G10", an_explicit_mode_is_refused).of_the_core(),
        case("G10", an_explicit_mode_waits_if_asked).of_the_core(),
        case("G10", waiting_goes_in_order),
        case("G10, R10", waiting_ends_at_a_deadline).of_the_core(),
        case("G10", what_can_never_fit_is_refused_also_to_the_patient).of_the_core(),
        case("G10", no_budget_stages_nothing_but_empty_files),
        case("G10, G1", slices_keep_their_charge),
        case("G10", unstaging_makes_room).of_the_core(),
        case("G10, G8", a_failed_staging_makes_room),
        case("G10", auto_is_staged_when_there_is_room_again).of_the_core(),
        case("G10", auto_never_waits_for_room).of_the_core(),
    ];
    for (policy, words) in [
        (Plan::of(Mode::Auto), "auto"),
        (Plan::of(Mode::Load), "load_or_refuse"),
        (Plan::of(Mode::Map), "map_or_refuse"),
        (waiting(Mode::Load), "load_and_wait"),
        (waiting(Mode::Map), "map_and_wait"),
    ] {
        let name = format!("budget::never_exceeded_by_{words}");
        cases.push(Case::named(name, "G10", move |scene| {
            never_exceeded(scene, policy)
        }));
    }
    cases
}

const LEN: usize = 2 * CHUNK as usize;

const fn waiting(mode: Mode) -> Plan {
    let mut plan = Plan::of(mode);
    plan.over_budget = OverBudget::Wait;
    plan
}

fn with_budget(scene: &Scene, budget: u64) -> Arc<dyn Driver> {
    scene.driver_with(Limits {
        budget,
        ..Scene::limits()
    })
}

/// G10: a thread samples what is really there while others stage, read, unstage and close.
fn never_exceeded(scene: &Scene, plan: Plan) -> Proof {
    let budget = 600 << 10;
    let driver = with_budget(scene, budget);
    let mut files = Vec::new();
    for n in 0..24_usize {
        files.push(scene.file(&n.to_string(), 1_000 + n * 9_000)?);
    }
    let (over, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    // One after the other: each alone must fit, and so must the charge.
    let sample = || {
        let memory = driver.hub().memory();
        let there = memory.arena_bytes().max(memory.mapped_bytes());
        over.fetch_max(there.max(driver.charged()), Ordering::SeqCst);
    };
    let worked = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                sample();
            }
        });
        let threads: Vec<_> = (0..3_usize)
            .map(|n| {
                let (driver, files, sample) = (&driver, &files, &sample);
                scope.spawn(move || -> io::Result<u64> {
                    let mut staged = 0;
                    for round in 0..60 {
                        let (path, bytes) = &files[(n * 5 + round * 7) % files.len()];
                        let how = Opening {
                            plan,
                            ..Opening::by(plan.mode)
                        };
                        match driver.open(path, how) {
                            Ok(file) => {
                                sample();
                                staged += u64::from(matches!(file.life(), Some(Life::Staged(_))));
                                if file.read(0, bytes.len())? != *bytes {
                                    return Err(io::Error::other("wrong bytes"));
                                }
                            }
                            Err(error) if fault_of(&error) == Some(Fault::OverBudget) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(staged)
                })
            })
            .collect();
        let worked: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        ended.store(true, Ordering::SeqCst);
        worked
    });
    for staged in worked {
        let staged = staged.map_err(|_| "a thread panicked")??;
        assert!(staged > 0, "nothing was staged at all");
    }
    let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    if plan.over_budget == OverBudget::Refuse {
        let order = Order {
            plan,
            ..order(plan.mode, 64)
        };
        let items = driver.batch(Box::new(paths.into_iter()), order)?.wait();
        assert!(
            items.iter().any(|item| !matches!(
                item.result.as_ref().map(|staged| staged.standing),
                Ok(Standing::Staged(_))
            )),
            "not all can fit"
        );
    }
    let over = over.into_inner();
    assert!(over <= budget, "{over} bytes of {budget} were taken");
    assert!(driver.stats().most_charged <= budget);
    Ok(())
}

/// G10: no error; reads are served from the file; asked again with room, it is staged.
fn auto_over_budget_reads_from_the_file_and_says_so(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let first = driver.open_staged(&path)?;
    assert!(matches!(first.life(), Some(Life::Staged(_))));
    let second = driver.open_staged(&other)?;
    assert_eq!(second.life(), Some(Life::NotStaged(Why::OverBudget)));
    assert_eq!(
        second.stage(Mode::Auto)?,
        Standing::NotStaged(Why::OverBudget)
    );
    assert!(second.read(0, LEN)? == bytes);
    assert_eq!(driver.charged(), LEN as u64);
    Ok(())
}

/// G10: with a typed error, and without harm.
fn an_explicit_mode_is_refused(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64 + 4_096);
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let _first = driver.open(&path, Opening::by(Mode::Load))?;
    for mode in [Mode::Load, Mode::Map, Mode::MapShared] {
        let error = driver
            .open(&other, Opening::by(mode))
            .err()
            .ok_or("opened")?;
        assert_eq!(fault_of(&error), Some(Fault::OverBudget), "{error}");
        let file = driver.open(&other, Opening::by(Mode::None))?;
        let error = file.stage(mode).err().ok_or("staged")?;
        assert_eq!(fault_of(&error), Some(Fault::OverBudget), "{error}");
        assert_eq!(file.life(), Some(Life::NotStaged(Why::OverBudget)));
        assert!(file.read(0, LEN)? == bytes);
    }
    Ok(())
}

/// G10: until others give back enough.
fn an_explicit_mode_waits_if_asked(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let driver = with_budget(scene, LEN as u64 + 4_096);
        if !driver.modes().contains(&mode) {
            continue;
        }
        let (path, _) = scene.file("file", LEN)?;
        let (other, bytes) = scene.file("other", LEN)?;
        let first = driver.open(&path, Opening::by(mode))?;
        let file = driver.open(&other, Opening::by(Mode::None))?;
        let staging = Arc::clone(&file);
        let staged = start(move || staging.stage_by(waiting(mode), Deadline::Never));
        wait_for("it to wait", || {
            file.staging().is_some_and(|staging| staging.waiting == 1)
        })?;
        assert!(staged.is_waiting());
        drop(first);
        assert!(matches!(staged.join()??, Standing::Staged(_)));
        assert!(file.read(0, LEN)? == bytes);
    }
    Ok(())
}

/// G10: in order of arrival.
fn waiting_goes_in_order(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let holder = driver.open(&path, Opening::by(Mode::Load))?;
    let looks = Gate::counting(driver.hub(), ActionKind::Look);
    let mut waiters = Vec::new();
    for n in 0..4 {
        let (path, _) = scene.file(&format!("waiter{n}"), LEN)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let ticket = file
            .handle()
            .stage(waiting(Mode::Load), Deadline::Never, None);
        let ticket = ticket.map_err(|failure| failure.into_io())?;
        driver.attend();
        // Each was looked at, and queues, before the next comes.
        looks.wait_ended(n + 1)?;
        driver.attend();
        waiters.push((file, ticket));
    }
    drop(holder);
    for (at, (file, mut ticket)) in waiters.into_iter().enumerate() {
        driver.attend();
        wait_for("the next in line", || {
            ticket.poll_answer(std::task::Waker::noop()).is_ready()
        })?;
        assert!(matches!(file.life(), Some(Life::Staged(_))), "waiter {at}");
        assert_eq!(driver.charged(), LEN as u64);
        drop(file);
    }
    Ok(())
}

/// R10: not for ever.
fn waiting_ends_at_a_deadline(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let _holder = driver.open(&path, Opening::by(Mode::Load))?;
    let file = driver.open(&other, Opening::by(Mode::None))?;
    let deadline = Deadline::within(Duration::from_millis(20));
    let error = file
        .stage_by(waiting(Mode::Load), deadline)
        .err()
        .ok_or("staged")?;
    assert_eq!(fault_of(&error), Some(Fault::Deadline), "{error}");
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G10: nobody could ever make that room.
fn what_can_never_fit_is_refused_also_to_the_patient(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64 - 1);
    let (path, bytes) = scene.file("file", LEN)?;
    for mode in [Mode::Load, Mode::Map] {
        let error = driver
            .open(&path, Opening::by(mode).patient())
            .err()
            .ok_or("opened")?;
        assert_eq!(fault_of(&error), Some(Fault::OverBudget), "{error}");
    }
    let file = driver.open_staged(&path)?;
    assert_eq!(file.life(), Some(Life::NotStaged(Why::OverBudget)));
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G10: a budget may be 0.
fn no_budget_stages_nothing_but_empty_files(scene: &Scene) -> Proof {
    let driver = with_budget(scene, 0);
    let (path, bytes) = scene.file("file", 100)?;
    let (empty, _) = scene.file("empty", 0)?;
    let file = driver.open_staged(&path)?;
    assert_eq!(file.life(), Some(Life::NotStaged(Why::OverBudget)));
    assert!(file.read(0, 200)? == bytes);
    assert!(matches!(
        driver.open_staged(&empty)?.life(),
        Some(Life::Staged(_))
    ));
    assert_eq!(
        (driver.charged(), driver.hub().memory().arena_bytes()),
        (0, 0)
    );
    Ok(())
}

/// G1, G10: what readers still hold is still taken; given back, it makes room.
fn slices_keep_their_charge(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, bytes) = scene.file("file", LEN)?;
    let (other, more) = scene.file("other", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let slice = file.bytes_at(0, 100)?;
    drop(file);
    assert_eq!(driver.charged(), LEN as u64);
    let second = driver.open_staged(&other)?;
    assert_eq!(second.life(), Some(Life::NotStaged(Why::OverBudget)));
    let staging = Arc::clone(&second);
    let staged = start(move || staging.stage_by(waiting(Mode::Load), Deadline::Never));
    wait_for("it to wait", || {
        second.staging().is_some_and(|staging| staging.waiting == 1)
    })?;
    assert!(staged.is_waiting());
    assert!(slice == bytes[..100]);
    drop(slice);
    assert!(matches!(staged.join()??, Standing::Staged(_)));
    assert!(second.read(0, LEN)? == more);
    Ok(())
}

/// G10: so does closing and unstaging.
fn unstaging_makes_room(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, _) = scene.file("other", LEN)?;
    let one = driver.open(&path, Opening::by(Mode::Load))?;
    let two = driver.open(&other, Opening::by(Mode::None))?;
    for _ in 0..5 {
        assert!(two.stage(Mode::Load).is_err());
        one.unstage()?;
        two.stage(Mode::Load)?;
        assert!(one.stage(Mode::Load).is_err());
        two.unstage()?;
        one.stage(Mode::Load)?;
    }
    Ok(())
}

/// G8, G10: what it had taken is there for others.
fn a_failed_staging_makes_room(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let _gate = Gate::failing(driver.hub(), ActionKind::Load, 1, Fault::Os(5));
    assert!(driver.open(&path, Opening::by(Mode::Load)).is_err());
    let file = driver.open(&other, Opening::by(Mode::Load).patient())?;
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}

/// G10: over budget is not for ever.
fn auto_is_staged_when_there_is_room_again(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, _) = scene.file("other", LEN)?;
    let first = driver.open_staged(&path)?;
    let second = driver.open_staged(&other)?;
    assert_eq!(second.life(), Some(Life::NotStaged(Why::OverBudget)));
    first.unstage()?;
    assert!(matches!(second.stage(Mode::Auto)?, Standing::Staged(_)));
    Ok(())
}

/// G10: only its holders could make it, and they need not know of each other.
fn auto_never_waits_for_room(scene: &Scene) -> Proof {
    let driver = with_budget(scene, LEN as u64);
    let (path, _) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let _holder = driver.open_staged(&path)?;
    let file = driver.open(&other, Opening::by(Mode::Auto).patient())?;
    assert_eq!(file.life(), Some(Life::NotStaged(Why::OverBudget)));
    let standing = file.stage_by(
        waiting(Mode::Auto),
        Deadline::within(Duration::from_secs(5)),
    )?;
    assert_eq!(standing, Standing::NotStaged(Why::OverBudget));
    assert!(file.read(0, LEN)? == bytes);
    Ok(())
}
