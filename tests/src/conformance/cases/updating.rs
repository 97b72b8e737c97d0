//! A5: an update keeps others out from the read to the rename.

use crate::conformance::driver::{Driver, Opening, Replacing};
use crate::conformance::errors::{cause_of, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::guarding::{Change, Locking, Updating};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{Started, start, wait_for};
use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Durability, Scope};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("A5", many_updates_at_once_lose_nothing),
        case("A5, K1", updates_of_two_drivers_lose_nothing),
        case("A5", an_update_keeps_others_out_until_the_rename),
        case("A5", unlocked_the_last_writer_wins),
        case("A5", an_update_that_says_no_changes_nothing),
        case(
            "A5, A6",
            a_change_that_takes_its_time_holds_up_no_other_path,
        ),
        case("A5", a_missing_file_is_made_by_an_update),
        case("A5, A3", an_update_knows_a_file_by_every_name),
        case("A5", the_lock_file_stands_beside_and_stays),
        case("A5", a_long_name_has_a_lock_file_too),
        case("A5, R10", a_rename_that_outlives_its_answer_keeps_the_lock),
        case("A5, K1", an_update_that_waits_in_vain_names_who_holds_it),
    ]
}

/// One more than the number in the file.
fn one_more(old: Option<Bytes>) -> io::Result<Vec<u8>> {
    let old = old.unwrap_or_else(|| Bytes::from_static(b"0"));
    let number: u64 = String::from_utf8_lossy(&old)
        .parse()
        .map_err(io::Error::other)?;
    Ok((number + 1).to_string().into_bytes())
}

fn adds(word: &'static str) -> Change {
    Box::new(move |old| {
        let mut new = old.unwrap_or_default().to_vec();
        new.extend_from_slice(word.as_bytes());
        Ok(new)
    })
}

/// Updates a number so often, each time by one, on a thread of its own.
fn count(
    driver: &Arc<dyn Driver>,
    path: &Path,
    times: u32,
    how: Updating,
) -> Started<io::Result<()>> {
    let (driver, path) = (Arc::clone(driver), path.to_path_buf());
    start(move || (0..times).try_for_each(|_| driver.update(&path, Box::new(one_more), how)))
}

/// A5: eight at once.
fn many_updates_at_once_lose_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("number");
    let how = Updating::against(Scope::Machine);
    let all: Vec<_> = (0..8).map(|_| count(&driver, &path, 50, how)).collect();
    for one in all {
        one.join()??;
    }
    assert_eq!(fs::read(&path)?, b"400");
    assert_eq!(driver.hub().locks(), 0);
    Ok(())
}

/// A5, K1: they know nothing of each other but the lock file.
fn updates_of_two_drivers_lose_nothing(scene: &Scene) -> Proof {
    let path = scene.path("number");
    let how = Updating::against(Scope::System);
    let drivers = [scene.driver(), scene.driver()];
    let all = drivers.iter().flat_map(|driver| [driver, driver]);
    let all: Vec<_> = all.map(|driver| count(driver, &path, 25, how)).collect();
    for one in all {
        one.join()??;
    }
    assert_eq!(fs::read(&path)?, b"100");
    Ok(())
}

/// A5: the second begins while the first has read and not written.
fn an_update_keeps_others_out_until_the_rename(scene: &Scene) -> Proof {
    for scope in [Scope::Machine, Scope::System] {
        let driver = scene.driver();
        let path = scene.path(&format!("{scope:?}"));
        let how = Updating::against(scope);
        let read = Arc::new(AtomicBool::new(false));
        let (asks, place, seen) = (Arc::clone(&driver), path.clone(), Arc::clone(&read));
        let second = move || {
            let change: Change = Box::new(move |old| {
                seen.store(true, Ordering::SeqCst);
                adds("second")(old)
            });
            asks.update(&place, change, how)
        };
        let (hub, late) = (Arc::clone(driver.hub()), Arc::clone(&read));
        let (send, comes) = std::sync::mpsc::channel();
        let change: Change = Box::new(move |old| {
            let _ = send.send(start(second));
            wait_for("the second", || {
                hub.locks() == 2 || late.load(Ordering::SeqCst)
            })?;
            assert!(
                !late.load(Ordering::SeqCst),
                "it read what the first will replace"
            );
            adds("first ")(old)
        });
        driver.update(&path, change, how)?;
        comes.recv()?.join()??;
        assert_eq!(fs::read(&path)?, b"first second");
    }
    Ok(())
}

/// A5: what the one changed is lost, as it is written.
fn unlocked_the_last_writer_wins(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("file");
    fs::write(&path, "old ")?;
    let (asks, place) = (Arc::clone(&driver), path.clone());
    let second = move || asks.update(&place, adds("second"), Updating::UNLOCKED);
    let change: Change = Box::new(move |old| {
        start(second).join()??;
        adds("first")(old)
    });
    driver.update(&path, change, Updating::UNLOCKED)?;
    assert_eq!(fs::read(&path)?, b"old first");
    assert_eq!(driver.stats().locked, 0);
    Ok(())
}

/// A5: and leaves no lock.
fn an_update_that_says_no_changes_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("file");
    fs::write(&path, "old")?;
    for scope in [Scope::Machine, Scope::System] {
        let how = Updating::against(scope);
        let change: Change = Box::new(|_| Err(io::Error::other("not today")));
        let Err(error) = driver.update(&path, change, how) else {
            return Err("it was changed".into());
        };
        assert_eq!(error.to_string(), "not today");
        assert_eq!(fs::read(&path)?, b"old");
        driver.update(&path, Box::new(|_| Ok(b"old".to_vec())), how)?;
    }
    Ok(())
}

/// A6: whoever looks at one thing for long stands between nobody else and the disk: other files are written
/// and made durable, this one is replaced by whoever does not ask for its lock, and what is refused then
/// changes nothing of that.
fn a_change_that_takes_its_time_holds_up_no_other_path(scene: &Scene) -> Proof {
    for scope in [Scope::Machine, Scope::System] {
        let driver = scene.driver();
        let (path, raw) = (scene.path(&format!("{scope:?}")), scene.path("raw"));
        fs::write(&path, "old")?;
        let (asks, place) = (Arc::clone(&driver), path.clone());
        let others = move || {
            asks.replace(&place, b"raw", Replacing::default())?;
            let file = asks.open(&raw, Opening::to_write().create())?;
            file.append(b"record")?;
            file.sync(Deadline::Never)?;
            asks.update(&raw, adds(" and more"), Updating::against(scope))
        };
        let change: Change = Box::new(move |_| {
            // As long as they take.
            start(others).join()??;
            Err(io::Error::other("it is not valid"))
        });
        assert!(
            driver
                .update(&path, change, Updating::against(scope))
                .is_err()
        );
        assert_eq!(fs::read(&path)?, b"raw");
        let beside = fs::read(scene.path("raw"))?;
        assert_eq!(beside, b"record and more");
        fs::remove_file(scene.path("raw"))?;
    }
    Ok(())
}

/// A5.
fn a_missing_file_is_made_by_an_update(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("new");
    let how = Updating {
        durability: Durability::FileAndDirectory,
        ..Updating::against(Scope::Machine)
    };
    let change: Change = Box::new(|old| {
        assert_eq!(old, None);
        Ok(b"made".to_vec())
    });
    driver.update(&path, change, how)?;
    assert_eq!(fs::read(&path)?, b"made");
    let change: Change = Box::new(|old| {
        assert_eq!(old.as_deref(), Some(&b"made"[..]));
        Ok(Vec::new())
    });
    driver.update(&path, change, how)?;
    let change: Change = Box::new(|old| {
        assert_eq!(old.as_deref(), Some(&b""[..]), "it is there, and empty");
        Ok(Vec::new())
    });
    driver.update(&path, change, how)?;
    let folder = scene.path("no/where");
    let Err(error) = driver.update(&folder, adds("x"), how) else {
        return Err("there is no directory".into());
    };
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    Ok(())
}

/// A5, A3: by a link to it, and by a link to its directory, also before it is there.
fn an_update_knows_a_file_by_every_name(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let folder = scene.path("folder");
    fs::create_dir(&folder)?;
    std::os::unix::fs::symlink(&folder, scene.path("way"))?;
    let direct = folder.join("number");
    let names: [PathBuf; 2] = [direct.clone(), scene.path("way").join("number")];
    for scope in [Scope::Machine, Scope::System] {
        let how = Updating::against(scope);
        let all = names.iter().map(|name| count(&driver, name, 20, how));
        for one in all.collect::<Vec<_>>() {
            one.join()??;
        }
        assert_eq!(fs::read(&direct)?, b"40");
        fs::remove_file(&direct)?;
    }
    fs::write(&direct, "0")?;
    let link = scene.path("link");
    std::os::unix::fs::symlink(&direct, &link)?;
    let how = Updating::against(Scope::Machine);
    let all = [&direct, &link].map(|name| count(&driver, name, 20, how));
    for one in all {
        one.join()??;
    }
    assert_eq!(fs::read(&direct)?, b"40");
    assert!(fs::symlink_metadata(&link)?.is_symlink());
    Ok(())
}

/// A5: only where other processes are kept out, too.
fn the_lock_file_stands_beside_and_stays(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("file");
    driver.update(&path, adds("x"), Updating::against(Scope::Machine))?;
    assert!(!scene.path(".file.lock").exists());
    driver.update(&path, adds("x"), Updating::against(Scope::System))?;
    assert_eq!(fs::metadata(scene.path(".file.lock"))?.len(), 0);
    assert_eq!(fs::read(&path)?, b"xx");
    assert_eq!(fs::read_dir(scene.root())?.count(), 2, "and nothing else");
    Ok(())
}

/// A5.
fn a_long_name_has_a_lock_file_too(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path(&"n".repeat(255));
    let how = Updating::against(Scope::System);
    let all = [(); 2].map(|()| count(&driver, &path, 10, how));
    for one in all {
        one.join()??;
    }
    assert_eq!(fs::read(&path)?, b"20");
    Ok(())
}

/// A5, R10: it is answered, and may still come; nobody else is at the file until it has.
fn a_rename_that_outlives_its_answer_keeps_the_lock(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("file");
    fs::write(&path, "old ")?;
    // Made, and then published: nothing is synced.
    let gate = Gate::judging(driver.hub(), ActionKind::Replace, |number| match number {
        1 => Verdict::Hold,
        _ => Verdict::Pass,
    });
    let how = Updating {
        deadline: Deadline::within(Duration::from_millis(800)),
        ..Updating::against(Scope::System)
    };
    let (asks, place) = (Arc::clone(&driver), path.clone());
    let first = start(move || asks.update(&place, adds("first "), how));
    gate.wait_arrived(2)?;
    let answer = first.join()?;
    let cause = answer.err().as_ref().and_then(cause_of);
    assert!(matches!(cause, Some(Cause::Indeterminate(_))), "{cause:?}");
    let (place, asks) = (path.clone(), Arc::clone(&other));
    let read = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&read);
    let second = start(move || {
        let change: Change = Box::new(move |old| {
            seen.store(true, Ordering::SeqCst);
            adds("second")(old)
        });
        asks.update(&place, change, Updating::against(Scope::System))
    });
    let waits = || other.stats().contended > 2 || read.load(Ordering::SeqCst);
    wait_for("the second to try", waits)?;
    assert!(
        !read.load(Ordering::SeqCst),
        "it read what is still to be replaced"
    );
    gate.open();
    second.join()??;
    assert_eq!(fs::read(&path)?, b"old first second");
    wait_for("the lock to be given back", || driver.hub().locks() == 0)?;
    Ok(())
}

/// A5, K1.
fn an_update_that_waits_in_vain_names_who_holds_it(scene: &Scene) -> Proof {
    let (driver, other) = (scene.driver(), scene.driver());
    let path = scene.path("file");
    let lock = scene.path(".file.lock");
    let _held = other.lock(&lock, Locking::default())?;
    let how = Updating {
        deadline: Deadline::within(Duration::from_millis(300)),
        ..Updating::against(Scope::System)
    };
    let Err(error) = driver.update(&path, adds("x"), how) else {
        return Err("somebody else has the lock".into());
    };
    assert!(names_its_file(&error, Operation::Lock, &lock), "{error}");
    let id = std::process::id();
    assert!(
        error.to_string().contains(&format!("process {id}")),
        "{error}"
    );
    assert!(!path.exists());
    driver.replace(&path, b"past it", Replacing::default())?;
    Ok(())
}
