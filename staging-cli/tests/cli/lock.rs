//! `staging lock`.

use super::scene::{Result, Scene};
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::process::Command;

/// Says that it runs, and ends when its input does.
const WAITS: [&str; 3] = ["sh", "-c", "echo runs >&2; cat"];

fn locked<'a>(flags: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [&["lock", "file"], flags, &["--"], command].concat()
}

/// K1: the status of the command is that of the run.
#[test]
fn a_command_runs_under_the_lock_and_its_status_is_passed_on() -> Result {
    let scene = Scene::new()?;
    let ended = scene.run(&locked(&[], &["sh", "-c", "echo out; exit 7"]))?;
    assert_eq!((ended.status, ended.out.as_str()), (Some(7), "out\n"));
    let ended = scene.run(&locked(&["--shared"], &["sh", "-c", "kill -9 $$"]))?;
    assert_eq!(ended.status, Some(137));
    assert_eq!(
        fs::metadata(scene.path("file"))?.len(),
        0,
        "it stays, empty"
    );
    let ended = scene.run(&locked(&[], &["no-such-command-anywhere"]))?;
    assert_eq!(ended.status, Some(127), "{}", ended.err);
    let ended = scene.run(&locked(&[], &["/"]))?;
    assert_eq!(ended.status, Some(126), "{}", ended.err);
    let ended = scene.run(&["lock", "file"])?;
    assert_eq!(ended.status, Some(2));
    Ok(())
}

/// K1: who does not get it says who has it.
#[test]
fn who_has_the_lock_is_named() -> Result {
    let scene = Scene::new()?;
    let mut holder = scene.start(&locked(&[], &WAITS))?;
    holder.line_with("runs")?;
    for (flags, status) in [
        (&["--timeout", "0"][..], Some(75)),
        (&["--timeout", "50ms"][..], Some(75)),
        (&["--timeout", "50ms", "--shared"][..], Some(75)),
    ] {
        let ended = scene.run(&locked(flags, &["true"]))?;
        assert_eq!(ended.status, status, "{}", ended.err);
        let named = format!("process {} (staging)", holder.id());
        assert!(ended.err.contains(&named), "{}", ended.err);
        assert!(
            ended
                .err
                .contains(&scene.path("file").display().to_string())
        );
    }
    assert_eq!(holder.end()?.status, Some(0));
    let ended = scene.run(&locked(&["--timeout", "0"], &["true"]))?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    Ok(())
}

/// K1: the lock ends with staging, and the command does not have it.
#[test]
fn a_holder_that_is_killed_lets_go_though_its_command_runs_on() -> Result {
    let scene = Scene::new()?;
    let mut holder = scene.start(&locked(&[], &WAITS))?;
    holder.line_with("runs")?;
    let mut waits = scene.start(&locked(&[], &["sh", "-c", "echo got >&2"]))?;
    holder.signal(Signal::KILL)?;
    waits.line_with("got")?;
    assert_eq!(waits.end()?.status, Some(0));
    // The command is still there, and reads.
    let mut input = holder.stdin()?;
    input.write_all(b"alive")?;
    drop(input);
    Ok(())
}

/// K1: shared locks are held together.
#[test]
fn many_share_a_lock() -> Result {
    let scene = Scene::new()?;
    let mut holder = scene.start(&locked(&["--shared"], &WAITS))?;
    holder.line_with("runs")?;
    let ended = scene.run(&locked(&["--shared", "--timeout", "0"], &["true"]))?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let ended = scene.run(&locked(&["--timeout", "0"], &["true"]))?;
    assert_eq!(ended.status, Some(75));
    Ok(())
}

/// K1: each keeps out the other.
#[test]
fn flock_and_staging_keep_each_other_out() -> Result {
    let scene = Scene::new()?;
    let has_flock = Command::new("flock").arg("--version").output().is_ok();
    if !has_flock {
        writeln!(std::io::stderr(), "skipped: there is no flock(1) here")?;
        return Ok(());
    }
    let mut holder = scene.start(&locked(&[], &WAITS))?;
    holder.line_with("runs")?;
    let path = scene.path("file");
    let flock = |flags: &[&str]| {
        let ended = Command::new("flock")
            .args(flags)
            .arg(&path)
            .arg("true")
            .status();
        ended.map(|ended| ended.success())
    };
    assert!(!flock(&["--nonblock"])?);
    assert!(!flock(&["--nonblock", "--shared"])?);
    assert_eq!(holder.end()?.status, Some(0));
    assert!(flock(&["--nonblock"])?);
    let inner = [env!("CARGO_BIN_EXE_staging"), "lock", "--timeout", "0"];
    for (flags, inner_flags, status) in [
        (&[][..], &[][..], Some(75)),
        (&["--shared"][..], &["--shared"][..], Some(0)),
        (&["--shared"][..], &[][..], Some(75)),
    ] {
        let ended = Command::new("flock")
            .args(flags)
            .arg(&path)
            .args(inner)
            .args(inner_flags)
            .arg(&path)
            .args(["--", "true"])
            .output()?;
        assert_eq!(ended.status.code(), status, "{flags:?} {inner_flags:?}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_locked_says_why() -> Result {
    let scene = Scene::new()?;
    scene.directory("file")?;
    let ended = scene.run(&locked(&[], &["true"]))?;
    assert_eq!(ended.status, Some(74));
    assert!(ended.err.contains("directory"), "{}", ended.err);
    Ok(())
}

/// A page says what it does.
#[test]
fn it_has_a_page() -> Result {
    let scene = Scene::new()?;
    let page = scene.run(&["man", "lock"])?;
    assert_eq!(page.status, Some(0));
    assert!(page.out.contains("timeout"), "{}", page.out);
    Ok(())
}
