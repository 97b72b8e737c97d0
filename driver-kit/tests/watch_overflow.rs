//! K3: overflow means *rescan*, never silence. The queue of the system is made small for the
//! watchers that begin meanwhile; that is for the superuser, so elsewhere these tests say that they
//! were skipped.

#[path = "watch/scene.rs"]
#[expect(dead_code, reason = "the other tests of watching use the rest")]
mod scene;

use driver_kit::watch::ChangeKind;
use scene::{Proof, Scene};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

const QUEUE: &str = "/proc/sys/fs/inotify/max_queued_events";

/// One at a time sets it, and sets it back.
static ALONE: Mutex<()> = Mutex::new(());

/// The system's queue, so small, until this is dropped.
struct SmallQueue {
    before: String,
    _alone: MutexGuard<'static, ()>,
}

impl SmallQueue {
    /// `None` where that is not permitted.
    fn of(events: u32) -> io::Result<Option<SmallQueue>> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fs::read_to_string(QUEUE)?;
        Ok(match fs::write(QUEUE, events.to_string()) {
            Ok(()) => Some(SmallQueue {
                before,
                _alone: alone,
            }),
            Err(error) => {
                writeln!(io::stderr(), "skipped: {QUEUE} cannot be set: {error}")?;
                None
            }
        })
    }
}

impl Drop for SmallQueue {
    fn drop(&mut self) {
        let _ = fs::write(QUEUE, &self.before);
    }
}

/// Many changes at once, most of whose events nobody keeps: the last word is right for each file.
#[test]
fn what_the_system_lost_is_looked_for() -> Proof {
    const FILES: usize = 500;
    let mut scene = Scene::new()?;
    for file in 0..FILES {
        scene.file(&format!("top/{file}"), "old")?;
    }
    {
        let Some(_small) = SmallQueue::of(2)? else {
            return Ok(());
        };
        scene.watch(&["top"])?;
    }
    for file in 0..FILES {
        match file % 3 {
            0 => fs::remove_file(scene.path(format!("top/{file}")))?,
            1 => scene.save(&format!("top/{file}"), "new")?,
            _ => scene.file(&format!("top/new-{file}/deep/file"), "new")?,
        }
    }
    let last_word = |file: usize| match file % 3 {
        0 => format!("removed top/{file}"),
        1 => format!("modified top/{file}"),
        _ => format!("created top/new-{file}/deep/file"),
    };
    let mut missing: BTreeSet<String> = (0..FILES).map(last_word).collect();
    missing.insert("rescanned top".to_owned());
    while !missing.is_empty() {
        let told = scene.next();
        missing.remove(
            &told
                .map_err(|_| format!("{missing:?}"))?
                .ok_or("it ended")?,
        );
    }
    // What was rescanned is watched.
    scene.file("top/new-2/deep/file", "newer")?;
    scene.wait_until_told(ChangeKind::Modified, "top/new-2/deep/file")
}

/// Also what was watched itself may have gone and come back unseen.
#[test]
fn a_directory_exchanged_unseen_is_watched_after_the_rescan() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/dir/file", "old")?;
    {
        let Some(_small) = SmallQueue::of(2)? else {
            return Ok(());
        };
        scene.watch(&["top"])?;
    }
    for round in 0..50 {
        scene.rename("top/dir", &format!("top/away-{round}"))?;
        scene.file("top/dir/file", &format!("new {round}"))?;
    }
    scene.wait_until_told(ChangeKind::Rescanned, "top")?;
    // Of the first save a look may tell together with what was missed before it; of the second none.
    for name in ["top/dir/file", "top/away-25/file"] {
        scene.save(name, "newer")?;
        while !scene.next()?.ok_or("it ended")?.ends_with(name) {}
        scene.save(name, "newest")?;
        scene.wait_until_told(ChangeKind::Modified, name)?;
    }
    Ok(())
}
