//! Those who read what is told: slow ones, those who leave, and those whose stager ends.

use crate::scene::{DEBOUNCE, Proof, Scene, wait_for};
use driver_kit::core::{Grace, PhaseName};
use driver_kit::hub::End;
use driver_kit::watch::{ChangeKind, Order, Watch};
use std::fs;
use std::path::PathBuf;
use std::task::Poll;
use std::time::Duration;

/// How many threads of this process have this name, as the kernel cuts it.
fn threads(name: &str) -> std::io::Result<usize> {
    let mut count = 0;
    for task in fs::read_dir("/proc/self/task")?.flatten() {
        let comm = fs::read_to_string(task.path().join("comm"));
        count += usize::from(comm.is_ok_and(|comm| comm.trim_end() == name));
    }
    Ok(count)
}

#[test]
fn a_slow_reader_is_told_of_each_path_once() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/kept", "0")?;
    scene.file("top/lost", "0")?;
    scene.watch_with(&["top"], Duration::from_millis(1))?;
    // Another reader, who is not slow, says when each round was told.
    let order = Order {
        paths: vec![scene.path("top")],
        debounce: Duration::from_millis(1),
    };
    let mut quick = Watch::begin(&scene.hub, order)?;
    wait_for(|waker| quick.poll_begun(waker))??;
    let mut wait_until_told = |kind, name: &str| -> Proof {
        loop {
            let change = wait_for(|waker| quick.poll_next(waker))?.ok_or("it ended")?;
            if change.kind == kind && change.path.ends_with(name) {
                return Ok(());
            }
        }
    };
    for round in 0..20 {
        scene.save("top/kept", &format!("round {round}"))?;
        wait_until_told(ChangeKind::Modified, "kept")?;
        let short = format!("short-{round}");
        scene.file(&format!("top/{short}"), "1")?;
        wait_until_told(ChangeKind::Created, &short)?;
        fs::remove_file(scene.path(format!("top/{short}")))?;
        wait_until_told(ChangeKind::Removed, &short)?;
    }
    fs::remove_file(scene.path("top/lost"))?;
    scene.file("top/now", "the slow one reads")?;
    wait_until_told(ChangeKind::Created, "now")?;
    let told = scene.told()?;
    let expected = ["modified top/kept", "removed top/lost", "created top/now"];
    assert_eq!(told, expected);
    Ok(())
}

#[test]
fn the_threads_are_gone_when_nobody_watches() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("file", "1")?;
    for _ in 0..3 {
        scene.watch(&["file"])?;
        assert!(threads("staging-watch")? >= 1);
        scene.save("file", "2")?;
        assert_eq!(scene.told()?, ["modified file"]);
        scene.unwatch();
    }
    Ok(())
}

#[test]
fn a_shutdown_ends_what_is_told() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("file", "1")?;
    scene.watch(&["file"])?;
    scene.hub.shut_down(Grace::default());
    let mut end = End::of(scene.hub.clone());
    let report = wait_for(|waker| scene.hub.poll_closed(&mut end, waker))?;
    assert!(report.is_clean(), "{report}");
    assert_eq!(scene.hub.phase(), PhaseName::Closed);
    assert_eq!(scene.next()?, None);
    let refused = scene.watch(&["file"]).err().ok_or("watched")?;
    assert!(refused.to_string().contains("shutdown"), "{refused}");
    Ok(())
}

#[test]
fn what_cannot_be_watched_is_said_at_once() -> Proof {
    let scene = Scene::new()?;
    let order = |paths| Order {
        paths,
        debounce: DEBOUNCE,
    };
    let refused = Watch::begin(&scene.hub, order(vec![PathBuf::new()]));
    assert!(refused.is_err(), "no path");
    // Whoever watches nothing is told nothing.
    let mut idle = Watch::begin(&scene.hub, order(Vec::new()))?;
    wait_for(|waker| idle.poll_begun(waker))??;
    assert_eq!(idle.poll_next(std::task::Waker::noop()), Poll::Pending);
    Ok(())
}
