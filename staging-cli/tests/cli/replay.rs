//! `staging stage --record`, and `staging replay` of what it wrote.

use super::scene::{Outcome, Result, Scene};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::thread;

const MIB: usize = 1 << 20;

/// A folder with a journal of a run in it.
fn recorded() -> Result<Scene> {
    let scene = Scene::new()?;
    scene.file("tree/small", b"one")?;
    scene.file("tree/empty", b"")?;
    scene.file("tree/large", &[7; 20 * MIB])?;
    let ended = scene.run(&["stage", "--record", "run.journal", "tree", "gone"])?;
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    Ok(scene)
}

impl Scene {
    fn journal(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path("run.journal"))?)
    }

    fn replay(&self, journal: &str, flags: &[&str]) -> Result<Outcome> {
        let args = [&["replay", "-"], flags].concat();
        self.run_with_input(&args, journal.as_bytes())
    }
}

#[test]
fn a_recorded_run_is_replayed_as_a_transcript() -> Result {
    let scene = recorded()?;
    let ended = scene.run(&["replay", "run.journal"])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.is_empty(), "{}", ended.err);
    for line in [
        "hold",
        "> open handle0 auto",
        "  = opening op0",
        "  < progress of file",
        "failed errno=2",
        "staged: mapped",
        "  < Closed: given back",
    ] {
        assert!(ended.out.contains(line), "{line} in {}", ended.out);
    }
    let again = scene.replay(&scene.journal()?, &[])?;
    assert_eq!(again.out, ended.out, "by way of standard input");
    Ok(())
}

/// No name is in it, so it can be given away.
#[test]
fn a_journal_names_no_file() -> Result {
    let journal = recorded()?.journal()?;
    for name in ["tree", "small", "large", "gone"] {
        assert!(!journal.contains(name), "{name} in {journal}");
    }
    Ok(())
}

#[test]
fn a_replay_in_json_says_the_same() -> Result {
    let scene = recorded()?;
    let text = scene.run(&["replay", "run.journal"])?;
    let report = scene.run(&["replay", "--json", "run.journal"])?.json()?;
    let lines = scene.journal()?.lines().count();
    assert_eq!(report["entries"], lines - 1);
    assert_eq!(report["parted"], Value::Null);
    assert_eq!(report["damaged"], Value::Null);
    assert_eq!(report["torn"], false);
    assert_eq!(report["status"], 0);
    let transcript = report["transcript"].as_array().ok_or("no transcript")?;
    let lines: Vec<&str> = transcript.iter().filter_map(Value::as_str).collect();
    assert_eq!(lines.join("\n") + "\n", text.out);
    Ok(())
}

/// Where the machine says something else, the transcript ends, and both are named.
#[test]
fn a_machine_that_parts_from_the_journal_ends_with_status_1() -> Result {
    let scene = recorded()?;
    let journal = scene.journal()?;
    let told = "outcome=Failed fault=Os errno=2 done=Nothing";
    assert!(journal.contains(told), "{journal}");
    let changed = journal.replacen(told, "outcome=Closed", 1);
    let mut lines = journal.lines().zip(changed.lines());
    let at = lines.position(|(before, after)| before != after);
    let at = at.ok_or("nothing was changed")? + 1;

    let ended = scene.replay(&changed, &[])?;
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(ended.out.ends_with(": closed\n"), "{}", ended.out);
    let said = format!("line {at}: the machine parts from the journal");
    assert!(ended.err.contains(&said), "{}", ended.err);
    assert!(ended.err.contains("failed: errno 2"), "{}", ended.err);

    let report = scene.replay(&changed, &["--json"])?.json()?;
    let parted = &report["parted"];
    assert_eq!(parted["line"], at);
    assert_eq!(parted["entry"], at - 2);
    assert!(format!("{}", parted["recorded"]).contains(": closed"));
    assert!(format!("{}", parted["instead"]).contains("errno 2"));
    assert_eq!(report["status"], 1);

    // A tag is in no transcript: then the words of the journal are shown.
    let other_tag = journal.replacen("tell=Resolve op=op0 tag=0", "tell=Resolve op=op0 tag=9", 1);
    assert_ne!(other_tag, journal);
    let quiet = scene.replay(&other_tag, &["--quiet"])?;
    assert_eq!((quiet.status, quiet.out.as_str()), (Some(1), ""));
    assert!(quiet.err.contains("op=op0 tag=0"), "{}", quiet.err);
    Ok(())
}

#[test]
fn a_damaged_journal_ends_with_status_3() -> Result {
    let scene = recorded()?;
    let journal = scene.journal()?;
    let damaged = journal.replacen("reply=Opening", "reply=0pening", 1);
    let ended = scene.replay(&damaged, &[])?;
    assert_eq!(ended.status, Some(3));
    assert!(ended.err.contains("line 2: "), "{}", ended.err);
    let report = scene.replay(&damaged, &["--json"])?.json()?;
    assert_eq!(report["damaged"]["line"], 2);
    assert_eq!(report["status"], 3);
    for (text, word) in [
        ("", "ends too early"),
        ("GIF89a\n", "not the beginning of a journal"),
        ("staging-journal version=7 x=1\n", "version=7"),
    ] {
        let ended = scene.replay(text, &[])?;
        assert_eq!(ended.status, Some(3), "{text}");
        assert!(ended.err.contains(word), "{}", ended.err);
        assert!(ended.out.is_empty(), "{}", ended.out);
    }
    let missing = scene.run(&["replay", "nowhere"])?;
    assert_eq!(missing.status, Some(3));
    assert!(missing.err.contains("nowhere"), "{}", missing.err);
    Ok(())
}

/// As a crash leaves it: the torn line is told, and what stands before it counts.
#[test]
fn a_torn_last_line_is_no_damage() -> Result {
    let scene = recorded()?;
    let journal = scene.journal()?;
    let torn = &journal[..journal.len() - 7];
    let ended = scene.replay(torn, &[])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.contains("torn"), "{}", ended.err);
    let report = scene.replay(torn, &["--json"])?.json()?;
    assert_eq!(report["torn"], true);
    assert_eq!(report["entries"], torn.lines().count() - 2);
    Ok(())
}

/// What was handed over is in the file, whatever becomes of the process.
#[test]
fn a_killed_run_leaves_a_journal_that_replays() -> Result {
    let scene = Scene::new()?;
    scene.file("a", &[7; MIB])?;
    let args = ["stage", "--hold", "forever", "--record", "run.journal", "a"];
    let mut run = scene.start(&args)?;
    run.line_with("holding")?;
    while !scene.journal()?.contains("outcome=Opened") {
        thread::yield_now();
    }
    run.signal(Signal::KILL)?;
    assert_eq!(run.end()?.status, None, "it was killed");
    let ended = scene.run(&["replay", "run.journal"])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("opened file0, 1048576 bytes"),
        "{}",
        ended.out
    );
    Ok(())
}

/// A recording never disturbs the run; where it cannot be written, that is said.
#[test]
fn a_recording_that_cannot_go_on_is_told_and_the_run_goes_on() -> Result {
    let scene = Scene::new()?;
    for n in 0..200 {
        scene.file(format!("tree/{n}"), &[3; 10])?;
    }
    let args = ["stage", "--json", "--record", "run.journal", "tree"];
    let ended = scene.run_with_short_files(16, &args)?;
    assert_eq!(ended.json()?["staged"]["files"], 200);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let word = "run.journal ends after ";
    assert!(ended.err.contains(word), "{}", ended.err);
    assert!(ended.err.contains("File too large"), "{}", ended.err);
    let replayed = scene.run(&["replay", "run.journal"])?;
    assert_eq!(replayed.status, Some(0), "{}", replayed.err);
    Ok(())
}

#[test]
fn a_recording_overwrites_nothing() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    let ended = scene.run(&["stage", "--record", "a", "a"])?;
    assert_eq!(ended.status, Some(3));
    assert!(ended.err.contains("File exists"), "{}", ended.err);
    assert_eq!(fs::read(scene.path("a"))?, b"one");
    Ok(())
}

#[test]
fn the_help_of_replay_tells_statuses_and_fields() -> Result {
    let help = Scene::new()?.run(&["replay", "--help"])?;
    for word in ["Exit status:", "parted", "torn", "status"] {
        assert!(help.out.contains(word), "{word} in {}", help.out);
    }
    Ok(())
}
