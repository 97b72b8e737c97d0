//! `staging stage --watch`: what changes is staged again, and told (K4).

use crate::scene::{Outcome, Result, Run, Scene};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Saves as editors do.
fn save(path: &Path, bytes: &[u8]) -> Result {
    let temporary = path.with_extension("new");
    fs::write(&temporary, bytes)?;
    Ok(fs::rename(temporary, path)?)
}

/// The objects on standard output, a line each.
fn objects(outcome: &Outcome) -> Result<Vec<Value>> {
    let lines = outcome.out.lines();
    let objects = lines
        .map(serde_json::from_str)
        .collect::<std::result::Result<_, _>>();
    Ok(objects.map_err(|error| format!("{error}: {}", outcome.out))?)
}

fn end(run: Run) -> Result<Outcome> {
    run.signal(Signal::TERM)?;
    run.end()
}

#[test]
fn what_changes_beneath_the_paths_is_staged_again() -> Result {
    let scene = Scene::new()?;
    scene.file("top/kept", b"one")?;
    scene.file("top/lost", b"one")?;
    for threads in ["0", "2"] {
        let mut run = scene.start(&["stage", "--watch", "--threads", threads, "top"])?;
        run.line_with("watching, until a signal comes")?;
        save(&scene.path("top/kept"), &[b'x'; 12 << 10])?;
        let line = run.line_with("modified")?;
        let path = scene.path("top/kept");
        assert_eq!(
            line,
            format!("modified {}: restaged, 12.00 KiB\n", path.display())
        );
        scene.file("top/new/deep/file", b"four")?;
        let line = run.line_with("created")?;
        let path = scene.path("top/new/deep/file");
        assert_eq!(line, format!("created {}: staged, 4 B\n", path.display()));
        fs::remove_dir_all(scene.path("top/new"))?;
        let line = run.line_with("removed")?;
        assert_eq!(line, format!("removed {}: released\n", path.display()));
        let ended = end(run)?;
        assert_eq!(ended.status, Some(0), "{}", ended.err);
        let summary = "held 2 files, 12.00 KiB, after 3 changes: \
                       2 staged, 0 left, 0 failed, 1 released";
        assert!(ended.err.contains(summary), "{}", ended.err);
        let rows = ended.rows();
        assert!(rows.contains(&("total".into(), 2)), "{rows:?}");
    }
    Ok(())
}

#[test]
fn with_json_each_change_is_an_object_on_a_line() -> Result {
    let scene = Scene::new()?;
    scene.file("config", b"one")?;
    let mut run = scene.start(&["stage", "--watch", "--json", "config", "later"])?;
    run.line_with("watching")?;
    save(&scene.path("config"), b"three")?;
    run.line_with("modified")?;
    scene.file("later", b"it comes")?;
    run.line_with("created")?;
    fs::remove_file(scene.path("config"))?;
    run.line_with("removed")?;
    let ended = end(run)?;
    let objects = objects(&ended)?;
    let [report, modified, created, removed, summary] = &objects[..] else {
        return Err(ended.out.into());
    };
    assert_eq!(report["staged"]["files"], 1);
    assert_eq!(report["failed"][0]["errno"], 2, "it was not there yet");
    assert_eq!(modified["change"], "modified");
    assert_eq!(
        modified["path"],
        scene.path("config").to_string_lossy().as_ref()
    );
    assert_eq!(
        (&modified["result"], &modified["bytes"]),
        (&"staged".into(), &5.into())
    );
    assert_eq!(
        (&created["change"], &created["bytes"]),
        (&"created".into(), &8.into())
    );
    assert_eq!(
        (&removed["change"], &removed["result"]),
        (&"removed".into(), &"released".into())
    );
    assert_eq!(summary["held"]["bytes"], 8);
    assert_eq!(
        (&summary["changes"], &summary["released"]),
        (&3.into(), &1.into())
    );
    assert_eq!(ended.status, Some(1), "one was not there at first");
    Ok(())
}

/// The file is not staged until there is room, and the status says how it ended.
#[test]
fn the_budget_holds_while_files_grow() -> Result {
    let scene = Scene::new()?;
    scene.file("grows", &[b'x'; 8 << 10])?;
    let args = [
        "stage", "--watch", "--mode", "auto", "--budget", "16KiB", "grows",
    ];
    let mut run = scene.start(&args)?;
    run.line_with("watching")?;
    save(&scene.path("grows"), &[b'y'; 64 << 10])?;
    let line = run.line_with("modified")?;
    assert!(
        line.ends_with("left on disk, 64.00 KiB, over budget\n"),
        "{line}"
    );
    save(&scene.path("grows"), &[b'z'; 12 << 10])?;
    let line = run.line_with("modified")?;
    assert!(line.ends_with("restaged, 12.00 KiB\n"), "{line}");
    save(&scene.path("grows"), &[b'y'; 64 << 10])?;
    run.line_with("modified")?;
    let ended = end(run)?;
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(ended.err.contains("held 0 files"), "{}", ended.err);
    Ok(())
}

#[test]
fn files_behind_a_link_are_exchanged_with_it() -> Result {
    let scene = Scene::new()?;
    scene.file("1/both", b"one")?;
    scene.file("1/first", b"one")?;
    scene.file("2/both", b"two two")?;
    scene.link("1", "top")?;
    scene.link("top/both", "file")?;
    let mut run = scene.start(&["stage", "--watch", "top", "file"])?;
    run.line_with("watching")?;
    scene.link("2", "new")?;
    fs::rename(scene.path("new"), scene.path("top"))?;
    // All are looked at together, in no order that is promised.
    let mut said = [
        run.line_with("/")?,
        run.line_with("/")?,
        run.line_with("/")?,
    ];
    said.sort();
    let path = |name| scene.path(name);
    let expected = [
        format!("modified {}: restaged, 7 B\n", path("file").display()),
        format!("modified {}: restaged, 7 B\n", path("top/both").display()),
        format!("removed {}: released\n", path("top/first").display()),
    ];
    assert_eq!(said, expected);
    let ended = end(run)?;
    assert!(ended.err.contains("held 2 files"), "{}", ended.err);
    Ok(())
}

#[test]
fn a_hold_ends_the_watch_by_itself() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    let ended = scene.run(&["stage", "--watch", "--hold", "0s", "a"])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.contains("held 1 files"), "{}", ended.err);
    Ok(())
}

#[test]
fn an_empty_directory_may_be_watched() -> Result {
    let scene = Scene::new()?;
    scene.directory("empty")?;
    let mut run = scene.start(&["stage", "--watch", "empty"])?;
    run.line_with("watching")?;
    scene.file("empty/file", b"one")?;
    run.line_with("created")?;
    let ended = end(run)?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    Ok(())
}

#[test]
fn a_list_on_standard_input_is_not_watched() -> Result {
    let scene = Scene::new()?;
    let ended = scene.run(&["stage", "--watch", "-"])?;
    assert_eq!(ended.status, Some(3));
    assert!(ended.err.contains("--watch takes paths"), "{}", ended.err);
    Ok(())
}
