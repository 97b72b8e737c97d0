//! K1: advisory locks, among callers and among processes.

use crate::conformance::child::Child;
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::{cause_of, names_its_file};
use crate::conformance::guarding::Locking;
use crate::conformance::process::{let_go, say};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{Started, start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Mode, Scope};
use driver_kit::error::{Cause, Holder, Operation};
use driver_kit::hub::Lock;
use rustix::process::Signal;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("K1", one_has_a_lock_and_others_wait),
        case("K1", a_lock_is_shared_by_those_who_share),
        case("K1", parts_that_are_apart_are_locked_at_once),
        case("K1", the_whole_keeps_out_the_parts),
        case("K1", waiters_are_served_in_the_order_of_their_coming),
        case("K1, R10", a_deadline_that_passes_names_the_holder),
        case("K1", who_asks_once_is_not_kept_waiting),
        case("K1, R10", who_gives_up_leaves_no_gap),
        case("K1", a_holder_that_is_killed_holds_nothing),
        case("K1, R12", a_hundred_waiters_leave_the_workers_alone),
    ]
}

pub(super) const CHILDREN: [Child; 2] = [HOLDER, HOLDER_OF_A_PART];

const HOLDER: Child = Child {
    name: "lock_holder",
    run: |scene| hold(scene, Locking::default()),
};

const HOLDER_OF_A_PART: Child = Child {
    name: "lock_holder_of_a_part",
    run: |scene| hold(scene, Locking::default().range(10..20)),
};

/// In a process of its own: has a lock until it is let go.
fn hold(scene: &Scene, how: Locking) -> Proof {
    let driver = scene.driver();
    let lock = driver.lock(&Child::place()?, how)?;
    say("held")?;
    let_go()?;
    drop(lock);
    Ok(())
}

/// A file that is there, to be locked.
pub(super) fn file(scene: &Scene) -> io::Result<PathBuf> {
    Ok(scene.file("locked", 100)?.0)
}

/// Asks on another thread, and waits until the request is in line.
pub(super) fn in_line(
    driver: &Arc<dyn Driver>,
    path: &Path,
    how: Locking,
) -> io::Result<Started<io::Result<Lock>>> {
    let before = driver.hub().locks();
    let (asks, path) = (Arc::clone(driver), path.to_path_buf());
    let asked = start(move || asks.lock(&path, how));
    wait_for("a lock to be in line", || driver.hub().locks() > before)?;
    Ok(asked)
}

/// Whether somebody else has it.
fn is_taken(driver: &dyn Driver, path: &Path, how: Locking) -> io::Result<bool> {
    match driver.lock(path, how.once()) {
        Ok(_) => Ok(false),
        Err(error) => match cause_of(&error) {
            Some(Cause::Contended(_)) => Ok(true),
            _ => Err(error),
        },
    }
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_millis(300))
}

/// K1: among callers of one driver, and of two, who are like two processes.
fn one_has_a_lock_and_others_wait(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("lock");
    for second in [&driver, &other] {
        let lock = driver.lock(&path, Locking::default())?;
        assert_eq!(lock.path(), path);
        assert!(is_taken(second.as_ref(), &path, Locking::default())?);
        let waits = in_line(second, &path, Locking::default())?;
        assert!(waits.is_waiting());
        drop(lock);
        drop(waits.join()??);
        wait_for("it to be given back", || second.hub().locks() == 0)?;
        assert!(!is_taken(driver.as_ref(), &path, Locking::default())?);
    }
    Ok(())
}

/// K1.
fn a_lock_is_shared_by_those_who_share(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = file(scene)?;
    for part in [None, Some(10..20)] {
        let shared = Locking {
            range: part.clone(),
            ..Locking::default().shared()
        };
        let exclusive = Locking {
            range: part,
            ..Locking::default()
        };
        let first = driver.lock(&path, shared.clone())?;
        let second = driver.lock(&path, shared.clone())?;
        let third = other.lock(&path, shared.clone())?;
        assert!(is_taken(driver.as_ref(), &path, exclusive.clone())?);
        assert!(is_taken(other.as_ref(), &path, exclusive.clone())?);
        drop((first, second));
        // The system has them back a moment after.
        wait_for("the locks to be given back", || driver.hub().locks() == 0)?;
        assert!(is_taken(driver.as_ref(), &path, exclusive.clone())?);
        drop(third);
        let lock = driver.lock(&path, exclusive)?;
        assert!(is_taken(other.as_ref(), &path, shared)?);
        drop(lock);
        wait_for("the lock to be given back", || driver.hub().locks() == 0)?;
    }
    Ok(())
}

/// K1.
fn parts_that_are_apart_are_locked_at_once(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = file(scene)?;
    let part = |from, to| Locking::default().range(from..to);
    let _first = driver.lock(&path, part(0, 10))?;
    let _second = driver.lock(&path, part(10, 20))?;
    let _third = other.lock(&path, part(20, 30))?;
    // Far behind the end of the file.
    let _fourth = other.lock(&path, part(1 << 40, u64::MAX))?;
    for (from, to) in [
        (0, 1),
        (9, 11),
        (19, 20),
        (25, 26),
        (1 << 41, (1 << 41) + 1),
    ] {
        for asks in [&driver, &other] {
            let taken = is_taken(asks.as_ref(), &path, part(from, to))?;
            assert!(taken, "{from} to {to}");
        }
    }
    assert!(!is_taken(driver.as_ref(), &path, part(30, 40))?);
    Ok(())
}

/// K1: also where the one is of another process.
fn the_whole_keeps_out_the_parts(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = file(scene)?;
    let (whole, part) = (Locking::default(), Locking::default().range(10..20));
    for (first, second, taken) in [
        (whole.clone(), part.clone(), true),
        (whole.clone(), part.clone().shared(), true),
        (whole.clone().shared(), part.clone(), true),
        (whole.clone().shared(), part.clone().shared(), false),
    ] {
        for asks in [&driver, &other] {
            for (has, wants) in [(&first, &second), (&second, &first)] {
                let lock = driver.lock(&path, has.clone())?;
                let is = is_taken(asks.as_ref(), &path, wants.clone())?;
                assert_eq!(is, taken, "{has:?}, then {wants:?}");
                drop(lock);
                wait_for("it to be given back", || driver.hub().locks() == 0)?;
            }
        }
    }
    Ok(())
}

/// K1: readers that come after a writer wait behind it.
fn waiters_are_served_in_the_order_of_their_coming(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("lock");
    let lock = driver.lock(&path, Locking::default().shared())?;
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for number in 0..12 {
        let how = match number % 3 {
            0 => Locking::default(),
            _ => Locking::default().shared(),
        };
        let (asks, place) = (Arc::clone(&driver), path.clone());
        let order = Arc::clone(&served);
        let waits = start(move || {
            let lock = asks.lock(&place, how)?;
            order
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(number);
            drop(lock);
            io::Result::Ok(())
        });
        wait_for("it to be in line", || driver.hub().locks() == number + 2)?;
        waiters.push(waits);
    }
    drop(lock);
    for waits in waiters {
        waits.join()??;
    }
    // Those who share may note it in any order among themselves.
    let served = served
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let groups: Vec<Vec<usize>> = (0..8).map(|group| group_of(group, &served)).collect();
    let expected: Vec<Vec<usize>> = (0..4)
        .flat_map(|n| [vec![3 * n], vec![3 * n + 1, 3 * n + 2]])
        .collect();
    assert_eq!(groups, expected, "{served:?}");
    Ok(())
}

/// Of a writer and two readers, again and again: who came in such a group, sorted.
fn group_of(group: usize, served: &[usize]) -> Vec<usize> {
    let from = group / 2 * 3 + group % 2;
    let mut those = served[from..from + 1 + group % 2].to_vec();
    those.sort_unstable();
    those
}

/// K1, R10: by number and name, where it is a process; and a caller of the same driver as that.
fn a_deadline_that_passes_names_the_holder(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = file(scene)?;
    for (child, how) in [
        (HOLDER, Locking::default()),
        (HOLDER, Locking::default().range(15..16)),
        (HOLDER_OF_A_PART, Locking::default().range(15..16).shared()),
        (HOLDER_OF_A_PART, Locking::default()),
    ] {
        let mut process = child.begin_at(scene, &path)?;
        process.hear("held")?;
        let Err(error) = driver.lock(&path, how.clone().once()) else {
            return Err("two have it".into());
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(names_its_file(&error, Operation::Lock, &path), "{error}");
        let Some(Cause::Contended(Holder::Process(holder))) = cause_of(&error) else {
            return Err(format!("{how:?}: {error}").into());
        };
        assert_eq!(holder.id, process.id(), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", holder.id))
        );
        let Err(error) = driver.lock(&path, how.clone().deadline(soon())) else {
            return Err("two have it".into());
        };
        let same = Some(Cause::Contended(Holder::Process(holder)));
        assert_eq!(cause_of(&error), same, "{error}");
        process.let_go();
        assert_eq!(process.end()?, Some(0));
        wait_for("the last try to end", || driver.hub().locks() == 0)?;
    }
    let _lock = driver.lock(&path, Locking::default())?;
    let Err(error) = driver.lock(&path, Locking::default().deadline(soon())) else {
        return Err("two have it".into());
    };
    assert_eq!(cause_of(&error), Some(Cause::Contended(Holder::Caller)));
    Ok(())
}

/// K1.
fn who_asks_once_is_not_kept_waiting(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("lock");
    let lock = driver.lock(&path, Locking::default().once())?;
    let Err(error) = driver.lock(&path, Locking::default().once()) else {
        return Err("two have it".into());
    };
    assert_eq!(cause_of(&error), Some(Cause::Contended(Holder::Caller)));
    let Err(error) = other.lock(&path, Locking::default().once()) else {
        return Err("two have it".into());
    };
    let id = std::process::id();
    let own = matches!(cause_of(&error), Some(Cause::Contended(Holder::Process(holder))) if holder.id == id);
    assert!(own, "{error}");
    drop(lock);
    Ok(())
}

/// K1, R10: whoever comes after one who has given up is next.
fn who_gives_up_leaves_no_gap(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("lock");
    for scope in [Scope::Machine, Scope::System] {
        let how = Locking::default().scope(scope);
        let lock = driver.lock(&path, how.clone())?;
        let gives_up = in_line(&driver, &path, how.clone().deadline(soon()))?;
        let last = in_line(&driver, &path, how)?;
        let given_up = gives_up.join()?;
        assert!(given_up.is_err());
        assert!(last.is_waiting());
        drop(lock);
        drop(last.join()??);
    }
    Ok(())
}

/// K1: it cannot give anything back.
fn a_holder_that_is_killed_holds_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = file(scene)?;
    for child in [HOLDER, HOLDER_OF_A_PART] {
        let mut process = child.begin_at(scene, &path)?;
        process.hear("held")?;
        let waits = in_line(&driver, &path, Locking::default())?;
        assert!(waits.is_waiting());
        process.signal(Signal::KILL)?;
        drop(waits.join()??);
        assert_eq!(process.end()?, None, "it was killed");
        wait_for("the lock to be given back", || driver.hub().locks() == 0)?;
    }
    Ok(())
}

/// K1, R12: a lock that is waited for costs no thread.
fn a_hundred_waiters_leave_the_workers_alone(scene: &Scene) -> Proof {
    const MANY: usize = 100;
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("lock");
    let (data, bytes) = scene.file("data", 5_000)?;
    let lock = other.lock(&path, Locking::default())?;
    let mut waiters = Vec::new();
    for _ in 0..MANY {
        let (asks, place) = (Arc::clone(&driver), path.clone());
        waiters.push(start(move || {
            asks.lock(&place, Locking::default().shared()).map(drop)
        }));
    }
    wait_for("a hundred to wait", || driver.hub().locks() == MANY)?;
    let open = driver.open(&data, Opening::by(Mode::None))?;
    assert_eq!(open.read(0, 5_000)?, bytes);
    let closed = driver.stats().locked;
    assert_eq!(closed, 0, "nobody has it");
    drop(lock);
    for waits in waiters {
        waits.join()??;
    }
    assert_eq!(driver.stats().locked, MANY as u64);
    Ok(())
}
