//! `staging stage`, and what is said about all of it.

use super::scene::{Outcome, Result, Scene};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const MIB: usize = 1 << 20;

#[test]
fn help_tells_the_exit_statuses_and_the_fields() -> Result {
    let help = Scene::new()?.run(&["stage", "--help"])?;
    assert_eq!(help.status, Some(0));
    for word in [
        "Exit status:",
        "130",
        "--hold",
        "--budget",
        "bytes_per_second",
        "With --stats",
    ] {
        assert!(help.out.contains(word), "{word} in {}", help.out);
    }
    Ok(())
}

#[test]
fn wrong_arguments_end_with_status_2() -> Result {
    let scene = Scene::new()?;
    for args in [
        &["stage"][..],
        &["stage", "--hold", "10", "a"],
        &["stage", "--budget", "lots", "a"],
        &["stage", "--concurrency", "0", "a"],
        &["stage", "--mode", "magic", "a"],
        &["unstage"],
    ] {
        let ended = scene.run(args)?;
        assert_eq!(ended.status, Some(2), "{args:?}");
        assert!(ended.out.is_empty(), "{args:?}: {}", ended.out);
    }
    Ok(())
}

#[test]
fn completions_manual_pages_and_version_are_printed() -> Result {
    let scene = Scene::new()?;
    for (args, word) in [
        (&["completions", "bash"][..], "complete -F"),
        (&["man"], ".TH staging 1"),
        (&["man", "stage"], "Exit status:"),
        (&["man", "replay"], "transcript"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let ended = scene.run(args)?;
        assert_eq!(ended.status, Some(0), "{args:?}");
        assert!(ended.out.contains(word), "{args:?}: {}", ended.out);
    }
    Ok(())
}

#[test]
fn directories_are_walked_and_links_in_them_are_skipped() -> Result {
    let scene = Scene::new()?;
    scene.file("tree/a", b"one")?;
    scene.file("tree/deep/er/b", b"three")?;
    scene.file("tree/deep/empty", b"")?;
    scene.link("a", "tree/link")?;
    scene.link("nowhere", "tree/dangling")?;
    let report = scene.run(&["stage", "--json", "tree"])?.json()?;
    assert_eq!(report["loaded"], json!({"files": 2, "bytes": 8}));
    assert_eq!(report["empty"], json!({"files": 1, "bytes": 0}));
    assert_eq!(report["staged"], json!({"files": 3, "bytes": 8}));
    assert_eq!(report["skipped"], 2);
    assert_eq!(report["status"], 0);
    Ok(())
}

#[test]
fn a_link_that_is_named_is_followed() -> Result {
    let scene = Scene::new()?;
    scene.file("real/a", b"one")?;
    scene.link("real/a", "to-a")?;
    scene.link("real", "to-real")?;
    let report = scene
        .run(&["stage", "--json", "to-a", "to-real", "real/a"])?
        .json()?;
    assert_eq!(report["loaded"], json!({"files": 1, "bytes": 3}));
    assert_eq!(report["again"], 2, "one file, by three paths");
    Ok(())
}

#[test]
fn every_mode_is_told_apart() -> Result {
    let scene = Scene::new()?;
    scene.file("small", &[1; 100])?;
    scene.file("large", &[2; 2 * MIB])?;
    let both = json!({"files": 2, "bytes": 100 + 2 * MIB});
    for (mode, field) in [
        ("load", "loaded"),
        ("map", "mapped"),
        ("map-shared", "mapped_shared"),
        ("none", "opened"),
    ] {
        let ended = scene.run(&["stage", "--json", "--mode", mode, "small", "large"])?;
        assert_eq!(ended.status, Some(0), "{mode}");
        assert_eq!(ended.json()?[field], both, "{mode}");
    }
    let report = scene.run(&["stage", "--json", "small", "large"])?.json()?;
    assert_eq!(report["loaded"]["files"], 1);
    assert_eq!(report["mapped"]["files"], 1);
    Ok(())
}

/// The rows of the table add up to its last, and the JSON says the same.
#[test]
fn the_table_adds_up() -> Result {
    let scene = Scene::new()?;
    for name in ["a", "b", "c"] {
        scene.file(format!("tree/{name}"), &[7; 1000])?;
    }
    scene.file("tree/empty", b"")?;
    scene.file("tree/large", &[8; 2 * MIB])?;
    let args = ["stage", "tree", "tree/a", "gone"];
    let ended = scene.run(&args)?;
    assert_eq!(ended.status, Some(1));
    let rows = ended.rows();
    let of = |name| {
        rows.iter()
            .find(|(row, _)| row == name)
            .map(|(_, files)| *files)
    };
    assert_eq!(of("loaded"), Some(3));
    assert_eq!(of("mapped"), Some(1));
    assert_eq!(of("empty"), Some(1));
    assert_eq!(of("again"), Some(1));
    assert_eq!(of("failed"), Some(1));
    let sum: u64 = rows
        .iter()
        .filter(|(row, _)| row != "total")
        .map(|(_, n)| n)
        .sum();
    assert_eq!(of("total"), Some(sum));
    let args = [&args[..], &["--json"]].concat();
    assert_eq!(scene.run(&args)?.json()?["total"]["files"], sum);
    Ok(())
}

#[test]
fn a_missing_file_is_named_by_its_absolute_path() -> Result {
    let scene = Scene::new()?;
    scene.file("here", b"x")?;
    let ended = scene.run(&["stage", "gone", "here"])?;
    assert_eq!(ended.status, Some(1));
    let path = scene.path("gone");
    let message = format!("staging: open {}: No such file", path.display());
    assert!(ended.err.contains(&message), "{}", ended.err);
    let report = scene.run(&["stage", "--json", "gone"])?.json()?;
    assert_eq!(report["failed"][0]["path"], path.to_string_lossy().as_ref());
    assert_eq!(report["failed"][0]["operation"], "open");
    assert_eq!(report["failed"][0]["errno"], 2);
    Ok(())
}

#[test]
fn the_first_twenty_failures_are_listed_and_the_rest_counted() -> Result {
    let scene = Scene::new()?;
    let names: Vec<String> = (0..25).map(|n| format!("gone-{n}")).collect();
    let mut args = vec!["stage", "-q"];
    args.extend(names.iter().map(String::as_str));
    let ended = scene.run(&args)?;
    assert_eq!(ended.err.matches("staging: open").count(), 20);
    assert!(ended.err.contains("and 5 more"), "{}", ended.err);
    assert!(ended.out.is_empty(), "quiet: {}", ended.out);
    args.push("--json");
    let report = scene.run(&args)?.json()?;
    assert_eq!(report["failed"].as_array().map(Vec::len), Some(25));
    Ok(())
}

#[test]
fn what_does_not_fit_the_budget_is_left_on_the_disk() -> Result {
    let scene = Scene::new()?;
    for name in ["a", "b", "c", "d"] {
        scene.file(name, &[1; MIB])?;
    }
    let args = [
        "stage",
        "--budget",
        "2M",
        "--threads",
        "0",
        "a",
        "b",
        "c",
        "d",
    ];
    let ended = scene.run(&args)?;
    assert_eq!(ended.status, Some(1));
    assert!(ended.out.contains("over budget"), "{}", ended.out);
    let args = [&args[..], &["--json"]].concat();
    let report = scene.run(&args)?.json()?;
    let staged = report["staged"]["bytes"].as_u64();
    assert!(staged <= Some(2 * MIB as u64), "{report}");
    assert_eq!(report["left"][0]["why"], "over budget");
    assert_eq!(report["total"], json!({"files": 4, "bytes": 4 * MIB}));
    let ended = scene.run(&[&args[..], &["--mode", "load"]].concat())?;
    assert!(ended.err.contains("raise the budget"), "{}", ended.err);
    Ok(())
}

#[test]
fn nothing_to_stage_ends_with_status_3() -> Result {
    let scene = Scene::new()?;
    scene.directory("bare")?;
    assert_eq!(scene.run(&["stage", "bare"])?.status, Some(3));
    let list = scene.run_with_input(&["stage", "-"], b"")?;
    assert_eq!(list.status, Some(3));
    assert!(list.err.contains("nothing to stage"), "{}", list.err);
    let list = scene.run_with_input(&["stage", "-"], b"a\0b\0")?;
    assert_eq!(list.status, Some(3));
    assert!(list.err.contains("--null"), "{}", list.err);
    Ok(())
}

#[test]
fn odd_names_come_by_the_list() -> Result {
    let scene = Scene::new()?;
    let names: [&[u8]; 5] = [b"line\nend", b"not \xff utf-8", b"~", b" blank ", b"-"];
    for name in names {
        scene.file(OsStr::from_bytes(name), b"x")?;
    }
    let list = names.join(&0);
    let ended = scene.run_with_input(&["stage", "--json", "-0", "-"], &list)?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(ended.json()?["loaded"]["files"], names.len());

    let list = b"gone \xfe\n\n./-\n";
    let report = scene
        .run_with_input(&["stage", "--json", "-"], list)?
        .json()?;
    assert_eq!(report["loaded"]["files"], 1);
    let hex = report["failed"][0]["path_hex"].as_str().map(String::from);
    assert!(hex.is_some_and(|hex| hex.ends_with("20fe")), "{report}");
    Ok(())
}

#[test]
fn what_is_no_file_fails_when_it_is_named() -> Result {
    let scene = Scene::new()?;
    let report = scene.run(&["stage", "--json", "/dev/null"])?.json()?;
    let message = report["failed"][0]["message"].as_str().map(String::from);
    assert!(
        message.is_some_and(|said| said.contains("is a device")),
        "{report}"
    );
    assert_eq!(report["status"], 1);
    Ok(())
}

/// As root nothing is closed, and there is nothing to see.
#[test]
fn a_directory_that_cannot_be_read_is_a_failure_among_others() -> Result {
    let scene = Scene::new()?;
    scene.file("tree/a", b"one")?;
    scene.file("tree/closed/b", b"two")?;
    let closed = scene.path("tree/closed");
    fs::set_permissions(&closed, Permissions::from_mode(0o000))?;
    let denied = fs::read_dir(&closed).is_err();
    let ended = scene.run(&["stage", "--json", "tree"]);
    fs::set_permissions(&closed, Permissions::from_mode(0o700))?;
    let report = ended?.json()?;
    if denied {
        assert_eq!(report["staged"]["files"], 1);
        assert_eq!(report["failed"][0]["operation"], "walk");
        assert_eq!(report["failed"][0]["errno"], 13);
        assert_eq!(report["status"], 1);
    }
    Ok(())
}

#[test]
fn elsewhere_than_on_a_terminal_progress_is_plain_lines() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    let ended = scene.run(&["stage", "--progress", "always", "a"])?;
    assert!(ended.err.contains("1 of 1 files, 3 B"), "{}", ended.err);
    assert!(!ended.err.contains('\x1b'), "{}", ended.err);
    let short = scene.run(&["stage", "a"])?;
    assert!(short.err.is_empty(), "{}", short.err);
    Ok(())
}

#[test]
fn a_hold_of_no_time_ends_by_itself() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    let ended = scene.run(&["stage", "--hold", "0s", "a"])?;
    assert_eq!(ended.status, Some(0));
    assert!(ended.err.contains("holding 1 files"), "{}", ended.err);
    Ok(())
}

/// The report is there before the hold; a signal ends it, and that is a normal end.
#[test]
fn s6_a_signal_ends_a_hold() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    for signal in [Signal::INT, Signal::TERM] {
        let mut run = scene.start(&["stage", "--hold", "1h", "--json", "a"])?;
        let holding = run.line_with("holding")?;
        assert!(holding.contains("for 1h"), "{holding}");
        run.signal(signal)?;
        let ended = run.end()?;
        assert_eq!(ended.status, Some(0), "{}", ended.err);
        assert_eq!(ended.json()?["interrupted"], false);
    }
    Ok(())
}

/// What is staged cannot be taken out of memory while it is held, and nothing is locked unasked.
#[test]
fn what_is_to_be_locked_is_locked_while_it_is_held() -> Result {
    let scene = Scene::new()?;
    scene.file("small", &[7; 10_000])?;
    scene.file("large", &[7; 3_000_000])?;
    for (flags, locked) in [(&["--lock"][..], true), (&[], false)] {
        let args = [&["stage", "--hold", "1h", "small", "large"], flags].concat();
        let mut run = scene.start(&args)?;
        run.line_with("holding")?;
        let told = run.told("VmLck:")?;
        let kibibytes: u64 = told.split(' ').next().unwrap_or_default().parse()?;
        assert_eq!(kibibytes >= (12_288 + 3_000_000) / 1024, locked, "{told}");
        assert!(locked || kibibytes == 0, "{told}");
        run.signal(Signal::INT)?;
        assert_eq!(run.end()?.status, Some(0));
    }
    Ok(())
}

/// What may not be locked is left on the disk, or fails, and how much may be is said.
#[test]
fn more_than_may_be_locked_is_not_staged() -> Result {
    let scene = Scene::new()?;
    scene.file("small", &[7; 10_000])?;
    scene.file("large", &[7; 3_000_000])?;
    let stage = ["stage", "--lock", "--json", "small", "large"];
    let Some(ended) = scene.run_with_little_to_lock(1024, &stage)? else {
        io::stderr().write_all(b"skipped: root cannot be kept from locking memory here\n")?;
        return Ok(());
    };
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("at most 1.00 MiB can be locked"),
        "{}",
        ended.err
    );
    let report = ended.json()?;
    assert_eq!(report["loaded"]["files"], 1);
    assert_eq!(report["left"][0]["bytes"], 3_000_000);
    assert_eq!(report["failed"].as_array().map(Vec::len), Some(0));
    Ok(())
}

/// A list that never ends keeps nobody: the first signal stops it, and what is there is reported.
#[test]
fn s6_a_signal_stops_a_list_that_blocks() -> Result {
    for threads in ["0", "2"] {
        let scene = Scene::new()?;
        let args = [
            "stage",
            "--progress",
            "always",
            "--json",
            "-t",
            threads,
            "-",
        ];
        let mut run = scene.start(&args)?;
        run.line_with("files")?;
        run.signal(Signal::INT)?;
        let ended = run.end_with_input_open()?;
        assert_eq!(ended.status, Some(130), "{}", ended.err);
        assert_eq!(ended.json()?["interrupted"], true);
    }
    Ok(())
}

/// Nobody reads the report, so the process cannot end: the third signal ends it.
#[test]
fn s6_the_third_signal_exits_at_once() -> Result {
    let scene = Scene::new()?;
    let names: Vec<String> = (0..3000).map(|n| format!("gone-{n}")).collect();
    let mut args = vec!["stage", "--json"];
    args.extend(names.iter().map(String::as_str));
    let mut run = scene.start(&args)?;
    // The report has begun, and is longer than a pipe holds.
    let mut out = run.stdout()?;
    out.read_exact(&mut [0])?;
    run.signal(Signal::INT)?;
    run.line_with("stopping")?;
    run.signal(Signal::INT)?;
    run.line_with("forcing")?;
    run.signal(Signal::INT)?;
    assert_eq!(run.status()?, Some(130));
    drop(out);
    Ok(())
}

#[test]
fn a_reader_who_left_is_no_error() -> Result {
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    for args in [&["stage", "-"][..], &["stage", "--json", "-"]] {
        let mut run = scene.start(args)?;
        drop(run.stdout()?);
        run.stdin()?.write_all(b"a\n")?;
        let ended = run.end()?;
        assert_eq!(ended.status, Some(0), "{}", ended.err);
        assert!(ended.err.is_empty(), "{}", ended.err);
    }
    Ok(())
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() -> Result {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return Ok(());
    }
    let scene = Scene::new()?;
    scene.file("a", b"one")?;
    let ended = scene.run_into(&["stage", "a"], full)?;
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.contains("cannot write the report"),
        "{}",
        ended.err
    );
    Ok(())
}

#[test]
fn few_descriptors_are_enough_for_many_files() -> Result {
    let scene = Scene::new()?;
    for n in 0..500 {
        scene.file(format!("tree/{n}"), &[3; 10])?;
    }
    for mode in ["auto", "map", "none"] {
        let ended: Outcome =
            scene.run_with_descriptors(24, &["stage", "--json", "-m", mode, "tree"])?;
        let report: Value = ended.json()?;
        assert_eq!(
            report["total"],
            json!({"files": 500, "bytes": 5000}),
            "{mode}"
        );
        assert_eq!(ended.status, Some(0), "{mode}: {}", ended.err);
    }
    Ok(())
}
