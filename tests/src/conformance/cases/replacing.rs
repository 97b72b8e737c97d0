//! A1, A2, A4, A6: a file is replaced whole or not at all, and nothing is left behind.

use crate::conformance::driver::{Driver, Opening, Replacing};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene, pattern};
use crate::conformance::watch::{start, wait_for};
use crate::folder::names;
use driver_kit::Deadline;
use driver_kit::core::{Completion, Durability, Fault, Grace, IoKind, Limits, Mode, ReplaceStep};
use driver_kit::error::{Operation, failure};
use driver_kit::handlers::ActionKind;
use driver_kit::job::{Finished, Job};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("A1, A6", the_new_content_is_there_and_nothing_else),
        case("A2", nothing_of_a_replace_stays_open),
        case("A1", a_missing_file_is_made_like_any_other),
        case("A1", create_new_spares_what_is_there),
        case("A1", who_has_the_old_file_goes_on_reading_it),
        case("A1", a_large_content_is_replaced_whole),
        case(
            "A1",
            whatever_fails_before_the_name_is_given_changes_nothing,
        ),
        case("A1", a_failed_sync_is_followed_by_a_new_file),
        case("A1", what_fails_behind_the_name_is_indeterminate),
        case("A1", of_one_path_the_last_that_was_asked_stays),
        case("A1", a_name_that_may_be_given_is_indeterminate),
        case("A2, R10", one_that_is_given_up_leaves_nothing),
        case("A4", many_at_once_share_the_syncs_of_their_directory),
        case("R12", few_are_at_work_where_descriptors_are_few),
        case("S2", draining_brings_a_replace_to_its_end),
        case("A1, S2", a_replace_that_cannot_begin_says_why),
    ]
}

pub(super) const OLD: &[u8] = b"the old content";
pub(super) const NEW: &[u8] = b"the new content, which is longer";

pub(super) fn old_file(scene: &Scene) -> io::Result<std::path::PathBuf> {
    let path = scene.path("file");
    fs::write(&path, OLD)?;
    Ok(path)
}

/// A2: when it is answered, well or not, its file and its directory are closed, so that a file system can be
/// unmounted, and an idle stager holds nothing.
fn nothing_of_a_replace_stays_open(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    driver.replace(&path, NEW, Replacing::default())?;
    assert_eq!(open_beneath(scene.root())?, Vec::<PathBuf>::new());
    let fail = |job: Job, next: &dyn Fn(Job) -> Finished| match job.kind() {
        IoKind::Replace {
            step: ReplaceStep::SyncFile { .. },
            ..
        } => job.fail(Fault::Os(Errno::IO.raw_os_error())),
        _ => next(job),
    };
    driver
        .hub()
        .handlers()
        .set(ActionKind::Replace, Arc::new(fail));
    assert!(driver.replace(&path, OLD, Replacing::default()).is_err());
    assert_eq!(open_beneath(scene.root())?, Vec::<PathBuf>::new());
    Ok(())
}

/// What this process has open there.
fn open_beneath(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        // Others come and go.
        if let Ok(leads) = fs::read_link(entry?.path()) {
            open.push(leads);
        }
    }
    open.retain(|leads| leads.starts_with(root));
    Ok(open)
}

/// A1, A6.
fn the_new_content_is_there_and_nothing_else(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    for (durability, content) in [
        (Durability::FileAndDirectory, NEW),
        (Durability::File, OLD),
        (Durability::None, b"".as_slice()),
    ] {
        let how = Replacing {
            durability,
            ..Replacing::default()
        };
        driver.replace(&path, content, how)?;
        assert_eq!(fs::read(&path)?, content);
        assert_eq!(names(scene.root())?, ["file"], "a file is left");
    }
    Ok(())
}

/// A1: with the mode that the umask leaves of it.
fn a_missing_file_is_made_like_any_other(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, like) = (scene.path("new"), scene.path("like"));
    fs::write(&like, NEW)?;
    driver.replace(&path, NEW, Replacing::default())?;
    assert_eq!(fs::read(&path)?, NEW);
    assert_eq!(fs::metadata(&path)?.mode(), fs::metadata(&like)?.mode());
    Ok(())
}

/// A1.
fn create_new_spares_what_is_there(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let how = Replacing {
        create_new: true,
        ..Replacing::default()
    };
    let Err(error) = driver.replace(&path, NEW, how) else {
        return Err("it replaced a file".into());
    };
    assert!(is_errno(&error, Errno::EXIST), "{error}");
    assert_eq!(fs::read(&path)?, OLD);
    let fresh = scene.path("fresh");
    driver.replace(&fresh, NEW, how)?;
    assert_eq!(fs::read(&fresh)?, NEW);
    // Somebody else is faster: between the look and the name.
    let path = scene.path("contested");
    let gate = step_gate(driver.as_ref(), 2, Verdict::Hold);
    let (late, other) = (Arc::clone(&driver), path.clone());
    let replace = start(move || late.replace(&other, NEW, how));
    if scene.has_workers() {
        gate.wait_arrived(3)?;
        fs::write(&path, OLD)?;
    }
    gate.open();
    let replaced = replace.join()?;
    assert_eq!(replaced.is_ok(), !scene.has_workers(), "{replaced:?}");
    assert_eq!(names(scene.root())?, ["contested", "file", "fresh"]);
    Ok(())
}

/// A1.
fn who_has_the_old_file_goes_on_reading_it(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    for mode in [Mode::Load, Mode::Map, Mode::None] {
        fs::write(&path, OLD)?;
        let before = driver.open(&path, Opening::by(mode))?;
        driver.replace(&path, NEW, Replacing::default())?;
        assert_eq!(before.read(0, 100)?, OLD, "{mode:?}");
        let after = driver.open(&path, Opening::by(mode))?;
        assert_eq!(after.read(0, 100)?, NEW, "{mode:?}");
    }
    Ok(())
}

/// A1: chunk by chunk.
fn a_large_content_is_replaced_whole(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let content = pattern(5 * CHUNK as usize / 2, 3);
    let gate = Gate::counting(driver.hub(), ActionKind::Replace);
    driver.replace(&path, &content, Replacing::default())?;
    assert_eq!(fs::read(&path)?, content);
    let fills = steps(&gate, |step| matches!(step, ReplaceStep::Fill { .. }));
    assert_eq!(fills, 2);
    Ok(())
}

/// How many such steps have come to a gate.
fn steps(gate: &Gate, which: fn(ReplaceStep) -> bool) -> usize {
    let of =
        |(kind, _): &&(IoKind, _)| matches!(kind, IoKind::Replace { step, .. } if which(*step));
    gate.seen().iter().filter(of).count()
}

/// What becomes of the step with this number; others pass.
fn step_gate(driver: &dyn Driver, which: u64, verdict: Verdict) -> Gate {
    steps_gate(driver, move |number| number == which, verdict)
}

fn steps_gate(
    driver: &dyn Driver,
    which: impl Fn(u64) -> bool + Send + Sync + 'static,
    verdict: Verdict,
) -> Gate {
    Gate::judging(driver.hub(), ActionKind::Replace, move |number| {
        if which(number) {
            verdict
        } else {
            Verdict::Pass
        }
    })
}

/// A1: creating, making durable, giving the name.
fn whatever_fails_before_the_name_is_given_changes_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let steps: [(&'static [u64], Errno); 3] = [
        (&[0], Errno::NOSPC),
        // Between the two syncs the first file is discarded, and the second made.
        (&[1, 4], Errno::IO),
        (&[2], Errno::BUSY),
    ];
    for (step, errno) in steps {
        let fault = Fault::Os(errno.raw_os_error());
        let which = |number| step.contains(&number);
        let gate = steps_gate(driver.as_ref(), which, Verdict::Fail(fault));
        let Err(error) = driver.replace(&path, NEW, Replacing::default()) else {
            return Err(format!("steps {step:?} failed, and nobody said so").into());
        };
        drop(gate);
        assert!(is_errno(&error, errno), "{error}");
        assert!(names_its_file(&error, Operation::Replace, &path), "{error}");
        assert!(error.to_string().contains("not committed"), "{error}");
        assert_eq!(fs::read(&path)?, OLD, "steps {step:?}");
        wait_for("the temporary file to go", || {
            names(scene.root()).is_ok_and(|names| names == ["file"])
        })?;
    }
    driver.replace(&path, NEW, Replacing::default())?;
    assert_eq!(fs::read(&path)?, NEW);
    Ok(())
}

/// A1: what the system may have forgotten is not synced again; the content goes into a new file, whole.
fn a_failed_sync_is_followed_by_a_new_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let content = pattern(3 * CHUNK as usize + 7, 1);
    let fault = Fault::Os(Errno::IO.raw_os_error());
    // Created, filled three times, synced.
    let gate = step_gate(driver.as_ref(), 4, Verdict::Fail(fault));
    driver.replace(&path, &content, Replacing::default())?;
    let created = steps(&gate, |step| matches!(step, ReplaceStep::Create { .. }));
    let filled = steps(&gate, |step| matches!(step, ReplaceStep::Fill { .. }));
    let synced = steps(&gate, |step| matches!(step, ReplaceStep::SyncFile { .. }));
    assert_eq!((created, filled, synced), (2, 6, 2));
    drop(gate);
    assert!(fs::read(&path)? == content);
    assert_eq!(names(scene.root())?, ["file"]);
    assert_eq!(open_beneath(scene.root())?, Vec::<PathBuf>::new());
    assert_eq!(driver.stats().rewritten, 1);
    Ok(())
}

/// A1.
fn what_fails_behind_the_name_is_indeterminate(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = step_gate(driver.as_ref(), 3, Verdict::Fail(fault));
    let Err(error) = driver.replace(&path, NEW, Replacing::default()) else {
        return Err("the directory was not synced, and nobody said so".into());
    };
    drop(gate);
    let failure = failure(&error).ok_or("another error")?;
    assert!(failure.is_indeterminate(), "{error}");
    assert!(error.to_string().contains("indeterminate"), "{error}");
    assert_eq!(fs::read(&path)?, NEW);
    Ok(())
}

/// A1: also where the first is slower.
fn of_one_path_the_last_that_was_asked_stays(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let path = old_file(scene)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Replace, 0);
    let (first, at) = (Arc::clone(&driver), path.clone());
    let first = start(move || first.replace(&at, OLD, Replacing::default()));
    gate.wait_arrived(1)?;
    let (second, at) = (Arc::clone(&driver), path.clone());
    let second = start(move || second.replace(&at, NEW, Replacing::default()));
    wait_for("both to be asked", || driver.stats().accepted >= 2)?;
    assert!(second.is_waiting());
    gate.open();
    first.join()??;
    second.join()??;
    assert_eq!(fs::read(&path)?, NEW);
    Ok(())
}

/// A2, R10: at each of its steps.
fn one_that_is_given_up_leaves_nothing(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let path = old_file(scene)?;
    for step in 0..3 {
        fs::write(&path, OLD)?;
        let gate = step_gate(driver.as_ref(), step, Verdict::Hold);
        let how = Replacing {
            deadline: Deadline::within(Duration::from_millis(100)),
            ..Replacing::default()
        };
        let Err(error) = driver.replace(&path, NEW, how) else {
            return Err("it came back before its step".into());
        };
        assert_eq!(fault_of(&error), Some(Fault::Deadline), "{error}");
        // On a busy machine the deadline may pass before the step comes.
        let publishing = steps(&gate, |step| matches!(step, ReplaceStep::Publish { .. })) == 1;
        let unknown = failure(&error).is_some_and(|failure| failure.is_indeterminate());
        assert_eq!(unknown, publishing, "step {step}: {error}");
        gate.open();
        wait_for("the temporary file to go", || {
            names(scene.root()).is_ok_and(|names| names == ["file"])
        })?;
        drop(gate);
        let content = fs::read(&path)?;
        assert_eq!(content, if publishing { NEW } else { OLD }, "step {step}");
    }
    Ok(())
}

/// A1: over a network a reply may be lost, or the request; nothing is left either way, and what has the name stays.
fn a_name_that_may_be_given_is_indeterminate(scene: &Scene) -> Proof {
    const UNSURE: Completion = Completion::Unsure {
        fault: Fault::Os(Errno::TIMEDOUT.raw_os_error()),
    };
    let driver = scene.driver();
    let path = old_file(scene)?;
    let ways = [
        (Verdict::Say(|_| UNSURE), NEW),
        (Verdict::Instead(UNSURE), OLD),
    ];
    for (verdict, left) in ways {
        fs::write(&path, OLD)?;
        let gate = step_gate(driver.as_ref(), 2, verdict);
        let Err(error) = driver.replace(&path, NEW, Replacing::default()) else {
            return Err("it is called replaced".into());
        };
        assert!(is_errno(&error, Errno::TIMEDOUT), "{error}");
        let unknown = failure(&error).is_some_and(|failure| failure.is_indeterminate());
        assert!(unknown, "{error}");
        assert_eq!(fs::read(&path)?, left);
        assert_eq!(names(scene.root())?, ["file"]);
        drop(gate);
        driver.replace(&path, OLD, Replacing::default())?;
    }
    Ok(())
}

/// A4: those that are published while a sync is under way share the next one.
fn many_at_once_share_the_syncs_of_their_directory(scene: &Scene) -> Proof {
    const MANY: usize = 24;
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    // The sync of the first is held until all others are published.
    let gate = step_gate(driver.as_ref(), 3, Verdict::Hold);
    let replace = |n: usize| {
        let (driver, path) = (Arc::clone(&driver), scene.path(&n.to_string()));
        start(move || driver.replace(&path, NEW, Replacing::default()))
    };
    let first = replace(0);
    gate.wait_arrived(4)?;
    let others: Vec<_> = (1..MANY).map(replace).collect();
    wait_for("all to be published", || {
        driver.stats().replaced == MANY as u64
    })?;
    assert!(others.iter().all(|other| other.is_waiting()));
    gate.open();
    first.join()??;
    for other in others {
        other.join()??;
    }
    let syncs = steps(&gate, |step| step == ReplaceStep::SyncDirectory);
    assert_eq!(syncs, 2, "one for the first, one for all others");
    for n in 0..MANY {
        assert_eq!(fs::read(scene.path(&n.to_string()))?, NEW);
    }
    Ok(())
}

/// R12: each that is at work has two of them open.
fn few_are_at_work_where_descriptors_are_few(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver_with(Limits {
        descriptors: 8,
        ..Scene::limits()
    });
    let gate = step_gate(driver.as_ref(), 0, Verdict::Hold);
    let replaces: Vec<_> = (0..6)
        .map(|n| {
            let (driver, path) = (Arc::clone(&driver), scene.path(&n.to_string()));
            start(move || driver.replace(&path, NEW, Replacing::default()))
        })
        .collect();
    gate.wait_arrived(1)?;
    wait_for("all to be asked", || driver.stats().accepted == 6)?;
    gate.open();
    for replace in replaces {
        replace.join()??;
    }
    let (mut at_work, mut most) = (0_i32, 0);
    for (kind, _) in gate.seen() {
        let IoKind::Replace { step, .. } = kind else {
            continue;
        };
        at_work += i32::from(matches!(step, ReplaceStep::Create { .. }));
        // Its file may be closed from here on.
        at_work -= i32::from(matches!(step, ReplaceStep::Publish { .. }));
        most = most.max(at_work);
    }
    assert!(most <= 2, "{most} at work");
    Ok(())
}

/// S2: what was accepted is finished.
fn draining_brings_a_replace_to_its_end(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let path = old_file(scene)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Replace);
    let (writer, at) = (Arc::clone(&driver), path.clone());
    let replace = start(move || writer.replace(&at, NEW, Replacing::default()));
    gate.wait_arrived(1)?;
    let closer = Arc::clone(&driver);
    let end = start(move || closer.shutdown(Grace::default()));
    gate.open();
    replace.join()??;
    assert!(end.join()?.is_clean());
    assert_eq!(fs::read(&path)?, NEW);
    Ok(())
}

/// A1, S2.
fn a_replace_that_cannot_begin_says_why(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("nowhere/file");
    let Err(error) = driver.replace(&path, NEW, Replacing::default()) else {
        return Err("there is no such directory".into());
    };
    assert!(is_errno(&error, Errno::NOENT), "{error}");
    assert!(names_its_file(&error, Operation::Replace, &path), "{error}");
    let _ = driver.shutdown(Grace::default());
    let refused = driver.replace(&scene.path("file"), NEW, Replacing::default());
    assert!(refused.is_err());
    assert_eq!(names(scene.root())?, [""; 0]);
    Ok(())
}
