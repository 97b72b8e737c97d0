//! Paths that are asked for, and whatever leads them elsewhere.

use crate::scene::{Proof, Scene};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_path_that_is_not_there_yet_is_told_of_when_it_comes() -> Proof {
    let mut scene = Scene::new()?;
    scene.watch(&["a/b/file"])?;
    for round in 0..8 {
        scene.file("a/b/file", "1")?;
        assert_eq!(scene.told()?, ["created a/b/file"], "{round}");
        scene.save("a/b/file", "2")?;
        assert_eq!(scene.told()?, ["modified a/b/file"], "{round}");
        fs::remove_dir_all(scene.path("a"))?;
        assert_eq!(scene.told()?, ["removed a/b/file"], "{round}");
    }
    Ok(())
}

#[test]
fn a_watched_directory_that_is_removed_is_watched_again_when_it_comes_back() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("up/top/file", "1")?;
    scene.watch(&["up/top"])?;
    for round in 0..8 {
        fs::remove_dir_all(scene.path("up"))?;
        assert_eq!(scene.told()?, ["removed up/top/file"], "{round}");
        scene.file("up/top/file", "1")?;
        assert_eq!(scene.told()?, ["created up/top/file"], "{round}");
        scene.file("up/top/deep/file", "1")?;
        assert_eq!(scene.told()?, ["created up/top/deep/file"], "{round}");
        fs::remove_file(scene.path("up/top/deep/file"))?;
        assert_eq!(scene.told()?, ["removed up/top/deep/file"], "{round}");
    }
    Ok(())
}

#[test]
fn a_directory_far_above_that_is_exchanged_is_noticed() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("a/b/c/file", "1")?;
    scene.watch(&["a/b/c/file"])?;
    scene.rename("a", "old")?;
    assert_eq!(scene.told()?, ["removed a/b/c/file"]);
    scene.file("prepared/b/c/file", "22")?;
    scene.rename("prepared", "a")?;
    assert_eq!(scene.told()?, ["created a/b/c/file"]);
    scene.save("a/b/c/file", "333")?;
    assert_eq!(scene.told()?, ["modified a/b/c/file"]);
    scene.save("old/b/c/file", "4444")?;
    assert_eq!(scene.told()?, [""; 0]);
    Ok(())
}

/// As secrets and configurations are exchanged under a container: all files at once, by one link.
#[test]
fn a_link_that_is_exchanged_modifies_what_is_behind_it() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("..1/app", "1")?;
    scene.file("..1/db", "1")?;
    symlink("..1", scene.path("..data"))?;
    symlink("..data/app", scene.path("app"))?;
    symlink("..data/db", scene.path("db"))?;
    scene.watch(&["app", "db"])?;
    for version in 2..12 {
        scene.file(&format!("..{version}/app"), "another")?;
        scene.file(&format!("..{version}/db"), "another")?;
        symlink(format!("..{version}"), scene.path("..data_tmp"))?;
        scene.rename("..data_tmp", "..data")?;
        fs::remove_dir_all(scene.path(format!("..{}", version - 1)))?;
        assert_eq!(scene.told()?, ["modified app", "modified db"], "{version}");
        scene.file(&format!("..{version}/app"), "in place")?;
        assert_eq!(scene.told()?, ["modified app"], "{version}");
    }
    Ok(())
}

#[test]
fn a_link_to_a_directory_that_is_exchanged_exchanges_its_files() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("1/both", "1")?;
    scene.file("1/first", "1")?;
    scene.file("2/both", "22")?;
    scene.file("2/second", "22")?;
    symlink("1", scene.path("top"))?;
    scene.watch(&["top"])?;
    symlink("2", scene.path("new"))?;
    scene.rename("new", "top")?;
    let told = [
        "modified top/both",
        "removed top/first",
        "created top/second",
    ];
    assert_eq!(scene.told()?, told);
    scene.save("2/both", "333")?;
    scene.save("1/both", "not watched any more")?;
    assert_eq!(scene.told()?, ["modified top/both"]);
    Ok(())
}

#[test]
fn a_file_in_the_place_of_a_directory_and_back() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/file", "1")?;
    scene.watch(&["top"])?;
    fs::remove_dir_all(scene.path("top"))?;
    scene.file("top", "a file")?;
    assert_eq!(scene.told()?, ["created top", "removed top/file"]);
    fs::remove_file(scene.path("top"))?;
    scene.file("top/file", "1")?;
    assert_eq!(scene.told()?, ["removed top", "created top/file"]);
    Ok(())
}
