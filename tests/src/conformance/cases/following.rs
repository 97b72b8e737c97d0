//! K3, K4: files that are watched and followed, as each driver's users see it. What the watcher
//! itself makes of the disk is tested in the kit.

use crate::conformance::driver::{Driver, FollowedFile};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene, pattern};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Fault, Grace, Life, Limits, Mode, Plan, Standing};
use driver_kit::handlers::ActionKind;
use driver_kit::watch::{ChangeKind, Follow, News, Outcome, Policy};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "K4, G1",
            a_saved_file_is_staged_again_and_its_old_version_stays,
        ),
        case("K4", a_file_that_is_rewritten_in_place_is_staged_again),
        case("K4", a_file_that_is_gone_is_stale_until_it_comes_back),
        case("K4", a_file_may_be_marked_stale_instead),
        case("K4", a_change_may_only_be_told),
        case(
            "K4",
            a_restaging_that_fails_is_told_and_tried_again_at_the_next_change,
        ),
        case(
            "K4",
            a_save_while_the_one_before_is_being_staged_is_staged_too,
        ),
        case("K4", a_thousand_saves_end_with_the_last),
        case("K4, G10", a_budget_for_one_version_is_enough),
        case("K4, S1", a_shutdown_ends_what_is_followed),
        case("K4, R9", following_may_end_in_the_midst_of_a_restaging),
        case("K4", what_cannot_be_opened_is_not_followed),
        case("K3", what_happens_beneath_a_directory_is_told),
    ]
}

/// Short, so that cases are.
const DEBOUNCE: Duration = Duration::from_millis(20);

const LEN: usize = CHUNK as usize + 1;

fn following(
    driver: &dyn Driver,
    path: &Path,
    policy: Policy,
) -> io::Result<Box<dyn FollowedFile>> {
    driver.follow(Follow {
        path: path.to_owned(),
        policy,
        plan: Plan::of(Mode::Load),
        debounce: DEBOUNCE,
    })
}

/// Saves as editors do.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, bytes)?;
    fs::rename(temporary, path)
}

/// Waits until the current version is this, and takes what was told until then.
fn converges(followed: &mut dyn FollowedFile, bytes: &[u8]) -> Result<Vec<News>, io::Error> {
    let mut told = Vec::new();
    loop {
        if followed.current().bytes()? == bytes {
            return Ok(told);
        }
        let news = followed.changed();
        told.push(news.ok_or_else(|| io::Error::other("it ended"))?);
    }
}

fn is_staged(followed: &dyn FollowedFile) -> bool {
    let staging = followed.current().handle().staging();
    staging.is_some_and(|staging| matches!(staging.life, Life::Staged(_)))
}

fn a_saved_file_is_staged_again_and_its_old_version_stays(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, mut before) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    assert!(is_staged(followed.as_ref()));
    for round in 1..=10_u8 {
        let old = followed.current();
        let new = pattern(LEN + usize::from(round), round);
        save(&path, &new)?;
        let News { change, outcome } = followed.changed().ok_or("it ended")?;
        assert_eq!(followed.current().bytes()?, new, "{round}");
        assert_eq!(change, ChangeKind::Modified);
        assert!(
            matches!(outcome, Outcome::Restaged { len, standing: Standing::Staged(_) }
                if len == new.len() as u64),
            "{outcome:?}"
        );
        assert!(is_staged(followed.as_ref()) && !followed.is_stale());
        assert_eq!(old.bytes()?, before, "the old version was kept");
        before = new;
    }
    Ok(())
}

fn a_file_that_is_rewritten_in_place_is_staged_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    for round in 1..=5 {
        let new = pattern(LEN, round);
        fs::write(&path, &new)?;
        converges(followed.as_mut(), &new)?;
        assert!(is_staged(followed.as_ref()));
    }
    Ok(())
}

fn a_file_that_is_gone_is_stale_until_it_comes_back(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, old) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    fs::remove_file(&path)?;
    let news = followed.changed().ok_or("it ended")?;
    assert_eq!(news.change, ChangeKind::Removed);
    assert!(matches!(news.outcome, Outcome::Stale), "{news:?}");
    assert!(followed.is_stale());
    assert_eq!(followed.current().bytes()?, old, "the old version stays");
    let new = pattern(LEN, 7);
    save(&path, &new)?;
    let told = converges(followed.as_mut(), &new)?;
    assert_eq!(told[0].change, ChangeKind::Created);
    assert!(!followed.is_stale());
    Ok(())
}

fn a_file_may_be_marked_stale_instead(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, old) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::MarkStale)?;
    assert!(!followed.is_stale());
    save(&path, b"new")?;
    let news = followed.changed().ok_or("it ended")?;
    assert!(matches!(news.outcome, Outcome::Stale), "{news:?}");
    assert!(followed.is_stale());
    assert_eq!(followed.current().bytes()?, old);
    Ok(())
}

fn a_change_may_only_be_told(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, old) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Tell)?;
    save(&path, b"new")?;
    let news = followed.changed().ok_or("it ended")?;
    assert_eq!(news.change, ChangeKind::Modified);
    assert!(matches!(news.outcome, Outcome::Told), "{news:?}");
    assert!(!followed.is_stale());
    assert_eq!(followed.current().bytes()?, old);
    Ok(())
}

fn a_restaging_that_fails_is_told_and_tried_again_at_the_next_change(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, old) = scene.file("config", 100)?;
    let fault = Fault::Os(rustix::io::Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Fetch, 1, fault);
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    save(&path, b"fails")?;
    let news = followed.changed().ok_or("it ended")?;
    assert!(
        matches!(&news.outcome, Outcome::Failed(failure)
            if failure.errno() == Some(rustix::io::Errno::IO.raw_os_error())),
        "{news:?}"
    );
    assert!(followed.is_stale());
    assert_eq!(followed.current().bytes()?, old);
    save(&path, b"succeeds")?;
    converges(followed.as_mut(), b"succeeds")?;
    assert!(!followed.is_stale());
    drop(gate);
    Ok(())
}

fn a_save_while_the_one_before_is_being_staged_is_staged_too(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    let mut watched = driver.watch(std::slice::from_ref(&path), DEBOUNCE)?;
    // The second is open when it is held, so the third is another file.
    let gate = Gate::closed(driver.hub(), ActionKind::Load);
    save(&path, &pattern(LEN, 2))?;
    gate.wait_arrived(1)?;
    // Both are told by one thread: what one has heard, the other hears before anything else. Without
    // workers that thread is at the gate, and the third is a change like others.
    let mut hear = || match scene.has_workers() {
        true => watched.next().ok_or("it ended").map(drop),
        false => Ok(()),
    };
    hear()?;
    let third = pattern(LEN, 3);
    save(&path, &third)?;
    hear()?;
    gate.open();
    converges(followed.as_mut(), &third)?;
    Ok(())
}

fn a_thousand_saves_end_with_the_last(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("config", 100)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    for version in 0..1000 {
        save(&path, format!("version {version}").as_bytes())?;
    }
    let told = converges(followed.as_mut(), b"version 999")?;
    assert!(told.len() < 500, "{}", told.len());
    Ok(())
}

/// The new version cannot be staged beside the old one; the old one makes room.
fn a_budget_for_one_version_is_enough(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        budget: 3 * CHUNK,
        ..Scene::limits()
    });
    let (path, _) = scene.file("config", 2 * CHUNK as usize)?;
    let mut followed = driver.follow(Follow {
        path: path.clone(),
        policy: Policy::Restage,
        plan: Plan::of(Mode::Auto),
        debounce: DEBOUNCE,
    })?;
    for round in 1..=5 {
        assert!(is_staged(followed.as_ref()), "{round}");
        let new = pattern(2 * CHUNK as usize, round);
        save(&path, &new)?;
        let news = followed.changed().ok_or("it ended")?;
        assert!(
            matches!(
                news.outcome,
                Outcome::Restaged {
                    standing: Standing::Staged(_),
                    ..
                }
            ),
            "{news:?}"
        );
        assert_eq!(followed.current().bytes()?, new);
        assert!(driver.charged() <= 3 * CHUNK);
    }
    Ok(())
}

fn a_shutdown_ends_what_is_followed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("config", LEN)?;
    let mut followed = following(driver.as_ref(), &path, Policy::Restage)?;
    let mut watched = driver.watch(std::slice::from_ref(&path), DEBOUNCE)?;
    let waiting = start(move || (followed.changed().is_none(), followed));
    let report = driver.shutdown(Grace::default());
    assert!(report.is_clean(), "{report}");
    let (ended, followed) = waiting.join()?;
    assert!(ended, "it told of something");
    assert!(watched.next().is_none());
    drop(followed);
    assert!(following(driver.as_ref(), &path, Policy::Restage).is_err());
    Ok(())
}

fn following_may_end_in_the_midst_of_a_restaging(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("config", 100)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Fetch, 1);
    let followed = following(driver.as_ref(), &path, Policy::Restage)?;
    save(&path, b"second")?;
    gate.wait_arrived(2)?;
    drop(followed);
    gate.open();
    wait_for("everything to be given back", || {
        driver.hub().files() == 0 && driver.charged() == 0
    })?;
    Ok(())
}

fn what_cannot_be_opened_is_not_followed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let missing = scene.path("missing");
    let error = following(driver.as_ref(), &missing, Policy::Restage).err();
    assert_eq!(error.ok_or("followed")?.kind(), io::ErrorKind::NotFound);
    let directory = following(driver.as_ref(), scene.root(), Policy::Restage);
    assert!(directory.is_err());
    Ok(())
}

fn what_happens_beneath_a_directory_is_told(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let top = scene.path("top");
    fs::create_dir(&top)?;
    let mut watched = driver.watch(std::slice::from_ref(&top), DEBOUNCE)?;
    let file = top.join("a/b/file");
    let mut told = |kind| match watched.next() {
        Some(change) if change.kind == kind && change.path == file => Ok(()),
        other => Err(format!("{other:?}")),
    };
    fs::create_dir_all(top.join("a/b"))?;
    fs::write(top.join("a/b/file"), "1")?;
    told(ChangeKind::Created)?;
    save(&top.join("a/b/file"), b"22")?;
    told(ChangeKind::Modified)?;
    fs::remove_dir_all(top.join("a"))?;
    told(ChangeKind::Removed)?;
    Ok(())
}
