//! `staging write`.

use super::scene::{Result, Scene};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn standard_input_takes_the_place_of_a_file() -> Result {
    let scene = Scene::new()?;
    scene.file("there", b"old")?;
    fs::set_permissions(scene.path("there"), fs::Permissions::from_mode(0o640))?;
    for (name, durability) in [
        ("there", "file-and-directory"),
        ("fresh", "file"),
        ("there", "none"),
    ] {
        let input = format!("{name} {durability}\n");
        let args = ["write", name, "--durability", durability];
        let ended = scene.run_with_input(&args, input.as_bytes())?;
        assert_eq!(ended.status, Some(0), "{}", ended.err);
        assert_eq!(format!("{}{}", ended.out, ended.err), "");
        assert_eq!(fs::read_to_string(scene.path(name))?, input);
    }
    let mode = fs::metadata(scene.path("there"))?.permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let names = fs::read_dir(scene.path(""))?.count();
    assert_eq!(names, 2, "something is left");
    Ok(())
}

#[test]
fn where_nothing_may_be_what_is_there_is_spared() -> Result {
    let scene = Scene::new()?;
    let first = scene.run_with_input(&["write", "--if-absent", "new"], b"first")?;
    assert_eq!(first.status, Some(0), "{}", first.err);
    let second = scene.run_with_input(&["write", "--if-absent", "new"], b"second")?;
    assert_eq!(second.status, Some(1));
    let path = scene.path("new").display().to_string();
    assert!(second.err.contains(&path), "{}", second.err);
    assert!(second.err.contains("not committed"), "{}", second.err);
    assert_eq!(fs::read(scene.path("new"))?, b"first");
    Ok(())
}

#[test]
fn what_cannot_be_written_says_why() -> Result {
    let scene = Scene::new()?;
    scene.directory("folder")?;
    for (name, why) in [("folder", "directory"), ("gone/file", "No such file")] {
        let ended = scene.run_with_input(&["write", name], b"text")?;
        assert_eq!(ended.status, Some(1));
        assert!(ended.err.contains(why), "{}", ended.err);
    }
    let ended = scene.run(&["write"])?;
    assert_eq!(ended.status, Some(2));
    Ok(())
}

/// A page says what it does.
#[test]
fn it_has_a_page() -> Result {
    let scene = Scene::new()?;
    let page = scene.run(&["man", "write"])?;
    assert_eq!(page.status, Some(0));
    assert!(page.out.contains("durability"), "{}", page.out);
    Ok(())
}

/// A2: what is nobody's goes on request; what may be somebody's stays.
#[test]
fn a_directory_is_swept_on_request() -> Result {
    let scene = Scene::new()?;
    std::fs::write(scene.path(".staging-of-somebody-else"), "kept")?;
    let ended = scene.run(&["sweep", "."])?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert!(scene.path(".staging-of-somebody-else").exists());
    let ended = scene.run(&["sweep", "nowhere"])?;
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("sweep") && ended.err.contains("nowhere"));
    Ok(())
}

/// A3: what the link leads to stays.
#[test]
fn a_link_is_followed_unless_told_otherwise() -> Result {
    let scene = Scene::new()?;
    scene.file("file", b"old")?;
    std::os::unix::fs::symlink("file", scene.path("link"))?;
    let ended = scene.run_with_input(&["write", "link"], b"through")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(fs::read(scene.path("file"))?, b"through");
    let ended = scene.run_with_input(&["write", "--no-follow", "link"], b"itself")?;
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(fs::read(scene.path("file"))?, b"through");
    assert_eq!(fs::read(scene.path("link"))?, b"itself");
    assert!(fs::symlink_metadata(scene.path("link"))?.is_file());
    Ok(())
}
