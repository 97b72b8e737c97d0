//! `staging status`.

use super::scene::{Result, Scene};

/// What was just written is in memory, whole; nothing of an empty file is missing.
#[test]
fn files_are_shown_with_what_of_them_is_in_memory() -> Result {
    let scene = Scene::new()?;
    scene.file("small", b"one\n")?;
    scene.file("large", &[7; 100_000])?;
    scene.file("empty", b"")?;
    let ended = scene.run(&["status", "small", "large", "empty"])?;
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", ended.out);
    let whole = |line: &str, picture: &str, name: &str| {
        let path = scene.path(name).display().to_string();
        line.contains("100 %") && line.contains(picture) && line.ends_with(&path)
    };
    assert!(whole(lines[1], "[####]", "small"), "{}", ended.out);
    let all = format!("[{}]", "#".repeat(32));
    assert!(whole(lines[2], &all, "large"), "{}", ended.out);
    assert!(whole(lines[3], "[]", "empty"), "{}", ended.out);
    assert!(
        lines[4].contains("97.66 KiB") && lines[4].ends_with("3 files"),
        "{}",
        ended.out
    );
    Ok(())
}

/// One that cannot be looked at is named with its path and why, and does not keep the others.
#[test]
fn what_is_no_file_does_not_keep_the_others() -> Result {
    let scene = Scene::new()?;
    scene.file("there", b"here\n")?;
    scene.directory("folder")?;
    let ended = scene.run(&["status", "--json", "gone", "there", "folder"])?;
    assert_eq!(ended.status, Some(1));
    let report: serde_json::Value = serde_json::from_str(&ended.out)?;
    assert_eq!(report["status"], 1);
    assert_eq!(
        report["total"],
        serde_json::json!({"files": 1, "bytes": 5, "resident": 5})
    );
    assert_eq!(report["files"][0]["ranges"], serde_json::json!([[0, 5]]));
    assert_eq!(report["failed"][0]["errno"], 2);
    for (failed, name) in report["failed"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(["gone", "folder"])
    {
        let path = scene.path(name).display().to_string();
        assert_eq!(failed["path"], path.as_str());
        assert!(ended.err.contains(&path), "{path} in {}", ended.err);
    }
    Ok(())
}

/// A page says what it does.
#[test]
fn it_has_a_page() -> Result {
    let scene = Scene::new()?;
    let page = scene.run(&["man", "status"])?;
    assert_eq!(page.status, Some(0));
    assert!(
        page.out.contains("how much of files is in memory"),
        "{}",
        page.out
    );
    Ok(())
}
