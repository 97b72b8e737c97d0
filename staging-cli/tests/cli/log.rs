//! `staging log`.

use super::scene::{Outcome, Result, Scene};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

/// The objects, one a line.
fn objects(ended: &Outcome) -> Result<Vec<Value>> {
    let parsed = ended.out.lines().map(serde_json::from_str);
    Ok(parsed.collect::<std::result::Result<_, _>>()?)
}

/// A log of these lines.
fn filled(scene: &Scene, lines: &str) -> Result {
    let ended = scene.run_with_input(&["log", "append", "log"], lines.as_bytes())?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(format!("{}{}", ended.out, ended.err), "");
    Ok(())
}

/// L1: a record for each line, also for an empty one, and for a last one without an end.
#[test]
fn lines_become_records_and_lines_again() -> Result {
    let scene = Scene::new()?;
    filled(&scene, "one\n\nthree\n")?;
    let ended = scene.run_with_input(&["log", "append", "--json", "log"], b"four\nfive")?;
    let told = objects(&ended)?;
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0]["seq"], &told[1]["seq"]), (&4.into(), &5.into()));
    assert_eq!(told[1]["length"], 4);
    let ended = scene.run(&["log", "cat", "log"])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(ended.out, "one\n\nthree\nfour\nfive\n");
    let ended = scene.run(&["log", "cat", "--from", "4", "--null", "log"])?;
    assert_eq!(ended.out, "four\0five\0");
    let ended = scene.run(&["log", "cat", "--raw", "log"])?;
    assert_eq!(ended.out, "onethreefourfive");
    Ok(())
}

/// L1: whatever its bytes are.
#[test]
fn all_of_the_input_can_be_one_record() -> Result {
    let scene = Scene::new()?;
    let args = ["log", "append", "--whole", "--durability", "none", "log"];
    let ended = scene.run_with_input(&args, b"a\nb\0c\n")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let ended = scene.run_with_input(&args, b"\xff\xfe")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let ended = scene.run_with_input(&["log", "append", "--null", "log"], b"x\0y\0")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let records = objects(&scene.run(&["log", "cat", "--json", "log"])?)?;
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["payload"], "a\nb\0c\n");
    assert_eq!(records[1]["payload_hex"], "fffe");
    assert_eq!(
        (&records[3]["payload"], &records[3]["seq"]),
        (&"y".into(), &4.into())
    );
    let (first, second) = (&records[0]["offset"], &records[1]["offset"]);
    assert!(first.as_u64() < second.as_u64());
    assert_eq!(records[1]["length"], 2);
    Ok(())
}

/// L1: records are told when they are durable, while the input stays open.
#[test]
fn what_comes_is_appended_before_more_is_waited_for() -> Result {
    use std::io::{BufRead, BufReader, Write};
    let scene = Scene::new()?;
    let mut run = scene.start(&["log", "append", "--json", "log"])?;
    let (mut input, mut told) = (run.stdin()?, BufReader::new(run.stdout()?));
    for seq in 1..4 {
        input.write_all(b"a line\n")?;
        let mut line = String::new();
        told.read_line(&mut line)?;
        let object: Value = serde_json::from_str(&line)?;
        assert_eq!(object["seq"], seq);
    }
    drop(input);
    assert_eq!(run.status()?, Some(0));
    Ok(())
}

/// K1, L1: who appends keeps other processes out, and is named; when he ends, or is killed, the next may.
#[test]
fn one_process_at_a_time_appends() -> Result {
    use std::io::{BufRead, BufReader, Write};
    let scene = Scene::new()?;
    let mut run = scene.start(&["log", "append", "--json", "log"])?;
    let (mut input, mut told) = (run.stdin()?, BufReader::new(run.stdout()?));
    input.write_all(b"mine\n")?;
    told.read_line(&mut String::new())?;
    let refused = scene.run_with_input(&["log", "append", "log"], b"yours")?;
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(
        refused.err.contains(&run.id().to_string()),
        "{}",
        refused.err
    );
    run.signal(Signal::KILL)?;
    assert_eq!(run.status()?, None);
    let ended = scene.run_with_input(&["log", "append", "log"], b"yours")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let records = scene.run(&["log", "cat", "log"])?;
    assert_eq!(records.out, "mine\nyours\n");
    Ok(())
}

/// R10: who has no time is told so, with the path, and nothing is begun; who has enough sees no difference.
#[test]
fn an_append_has_so_much_time() -> Result {
    let scene = Scene::new()?;
    let timed = |time| ["log", "append", "--json", "--timeout", time, "log"];
    let late = scene.run_with_input(&timed("1ns"), b"late\n")?;
    assert_eq!((late.status, &*late.out), (Some(1), ""));
    let path = scene.path("log").display().to_string();
    for word in [&path, "deadline passed"] {
        assert!(late.err.contains(word), "{}", late.err);
    }
    assert!(!scene.path("log").exists());
    let ended = scene.run_with_input(&timed("5m"), b"one\ntwo\n")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(objects(&ended)?.len(), 2);
    assert_eq!(scene.run(&["log", "cat", "log"])?.out, "one\ntwo\n");
    for wrong in ["0s", "soon"] {
        let ended = scene.run_with_input(&timed(wrong), b"four\n")?;
        assert_eq!(ended.status, Some(2), "{}", ended.err);
    }
    Ok(())
}

/// L1: whole, torn and damaged have statuses of their own.
#[test]
fn a_log_is_verified() -> Result {
    let scene = Scene::new()?;
    let missing = scene.run(&["log", "verify", "log"])?;
    assert_eq!(missing.status, Some(1));
    let path = scene.path("log").display().to_string();
    assert!(missing.err.contains(&path), "{}", missing.err);

    filled(&scene, "one\ntwo\n")?;
    filled(&scene, "three\n")?;
    let whole = scene.run(&["log", "verify", "log"])?;
    assert_eq!(whole.status, Some(0), "{}", whole.err);
    assert!(whole.out.starts_with("whole\n"), "{}", whole.out);
    let whole = scene.run(&["log", "verify", "--json", "log"])?.json()?;
    assert_eq!(
        (&whole["state"], &whole["records"]),
        (&"whole".into(), &3.into())
    );
    assert_eq!(
        (&whole["damage"], &whole["status"]),
        (&Value::Null, &0.into())
    );

    let bytes = fs::read(scene.path("log"))?;
    scene.file("log", &[&bytes[..], &[0; 100]].concat())?;
    let torn = scene.run(&["log", "verify", "--json", "log"])?;
    assert_eq!(torn.status, Some(3));
    let torn = torn.json()?;
    assert_eq!(
        (&torn["state"], &torn["torn"]),
        (&"torn".into(), &100.into())
    );
    assert_eq!(torn["end"], bytes.len());

    let mut damaged = bytes;
    damaged[80] ^= 1;
    scene.file("log", &damaged)?;
    let ended = scene.run(&["log", "verify", "--json", "log"])?;
    assert_eq!(ended.status, Some(4));
    assert!(
        ended.err.contains(&path) && ended.err.contains("record 1"),
        "{}",
        ended.err
    );
    let told = ended.json()?;
    assert_eq!(
        (&told["state"], &told["records"]),
        (&"damaged".into(), &Value::Null)
    );
    assert_eq!(
        (&told["damage"]["offset"], &told["damage"]["seq"]),
        (&72.into(), &1.into())
    );
    assert_eq!(told["damage"]["path"], path.as_str());
    let refused = scene.run_with_input(&["log", "append", "log"], b"four\n")?;
    assert_eq!(refused.status, Some(4));
    assert_eq!(fs::read(scene.path("log"))?, damaged);
    Ok(())
}

/// L1: what is before damage is written, and a torn tail is told.
#[test]
fn whole_records_are_written_and_the_rest_is_told() -> Result {
    let scene = Scene::new()?;
    filled(&scene, "one\ntwo\n")?;
    filled(&scene, "three\n")?;
    let bytes = fs::read(scene.path("log"))?;
    scene.file("log", &bytes[..bytes.len() - 2])?;
    let torn = scene.run(&["log", "cat", "log"])?;
    assert_eq!((torn.status, &*torn.out), (Some(0), "one\ntwo\n"));
    assert!(torn.err.contains("torn tail"), "{}", torn.err);
    let cut = scene.run_with_input(&["log", "append", "log"], b"again\n")?;
    assert_eq!(cut.status, Some(0), "{}", cut.err);
    assert!(
        cut.err.contains("cut a torn tail of 39 bytes"),
        "{}",
        cut.err
    );

    let mut damaged = bytes;
    let at = 72 + 36 + 3 + 36;
    damaged[at] ^= 1;
    scene.file("log", &damaged)?;
    let ended = scene.run(&["log", "cat", "log"])?;
    assert_eq!((ended.status, &*ended.out), (Some(4), "one\n"));
    assert!(ended.err.contains("damaged at byte 111"), "{}", ended.err);
    Ok(())
}

/// L1: what is nothing of ours stays as it is.
#[test]
fn what_is_no_log_is_left_alone() -> Result {
    let scene = Scene::new()?;
    scene.file("notes", b"a line\n")?;
    for command in ["append", "verify", "cat"] {
        let ended = scene.run_with_input(&["log", command, "notes"], b"more\n")?;
        assert_eq!(ended.status, Some(4), "{command}: {}", ended.err);
        assert!(ended.err.contains("no log"), "{command}: {}", ended.err);
    }
    assert_eq!(fs::read(scene.path("notes"))?, b"a line\n");
    Ok(())
}

/// A page says what it does, and the shells complete it.
#[test]
fn it_has_pages() -> Result {
    let scene = Scene::new()?;
    for (page, word) in [
        ("log", "append"),
        ("log-append", "durability"),
        ("log-verify", "torn"),
        ("log-cat", "offset"),
    ] {
        let shown = scene.run(&["man", page])?;
        assert_eq!(shown.status, Some(0));
        assert!(shown.out.contains(word), "{page}: {}", shown.out);
    }
    let completed = scene.run(&["completions", "bash"])?;
    assert!(completed.out.contains("staging__log__verify") || completed.out.contains("verify"));
    Ok(())
}

/// L3: records are told when they are written, and are all durable at the end.
#[test]
fn records_are_synced_by_time_and_at_the_end() -> Result {
    let scene = Scene::new()?;
    let args = ["log", "append", "--sync-every", "50ms", "--json", "log"];
    let ended = scene.run_with_input(&args, b"one\ntwo\nthree\n")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(objects(&ended)?.len(), 3);
    let ended = scene.run(&["log", "cat", "log"])?;
    assert_eq!(ended.out, "one\ntwo\nthree\n");
    for wrong in ["0s", "soon", "-1s"] {
        let every = format!("--sync-every={wrong}");
        let ended = scene.run_with_input(&["log", "append", &every, "log"], b"four\n")?;
        assert_eq!(ended.status, Some(2), "{}", ended.err);
        assert!(ended.err.contains("200ms"), "{}", ended.err);
    }
    let both = [
        "log",
        "append",
        "--sync-every=1s",
        "--durability=none",
        "log",
    ];
    assert_eq!(scene.run_with_input(&both, b"")?.status, Some(2));
    Ok(())
}
