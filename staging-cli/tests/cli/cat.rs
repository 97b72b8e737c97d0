//! `staging cat`.

use super::scene::{Result, Scene};

/// What is written is what the files are, one after the other, however they are held.
#[test]
fn files_are_written_one_after_the_other() -> Result {
    let scene = Scene::new()?;
    let large = "0123456789abcdef".repeat(200_000);
    scene.file("small", b"one\n")?;
    scene.file("empty", b"")?;
    scene.file("large", large.as_bytes())?;
    for mode in ["auto", "map", "map-shared", "load", "none"] {
        let ended = scene.run(&["cat", "--mode", mode, "small", "empty", "large", "small"])?;
        assert_eq!(ended.status, Some(0), "{mode}: {}", ended.err);
        assert!(ended.out == format!("one\n{large}one\n"), "{mode}");
        assert!(ended.err.is_empty(), "{mode}: {}", ended.err);
    }
    Ok(())
}

/// One that cannot be read is named with its path and why, and does not keep the others.
#[test]
fn a_file_that_is_not_there_does_not_keep_the_others() -> Result {
    let scene = Scene::new()?;
    scene.file("there", b"here\n")?;
    scene.directory("folder")?;
    let ended = scene.run(&["cat", "gone", "there", "folder"])?;
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.out, "here\n");
    for name in ["gone", "folder"] {
        let path = scene.path(name).display().to_string();
        assert!(ended.err.contains(&path), "{path} in {}", ended.err);
    }
    Ok(())
}

/// What does not fit is read from the disk in mode auto, and fails where memory was insisted on.
#[test]
fn what_does_not_fit_the_budget_comes_from_the_disk() -> Result {
    let scene = Scene::new()?;
    scene.file("large", &[b'x'; 100_000])?;
    let ended = scene.run(&["cat", "--budget", "8K", "large"])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(ended.out.len(), 100_000);
    let ended = scene.run(&["cat", "--budget", "8K", "--mode", "load", "large"])?;
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.out.is_empty() && ended.err.contains("large"),
        "{}",
        ended.err
    );
    Ok(())
}

/// A page says what it does.
#[test]
fn it_has_a_page() -> Result {
    let scene = Scene::new()?;
    let page = scene.run(&["man", "cat"])?;
    assert_eq!(page.status, Some(0));
    assert!(page.out.contains("standard output"), "{}", page.out);
    Ok(())
}
