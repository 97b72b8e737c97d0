//! Directories that come, go and move, with what is in them.

use crate::scene::{Proof, Scene};
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// `mkdir -p a/b/c && echo > a/b/c/file`, faster than anybody can begin to watch.
#[test]
fn files_in_new_directories_are_told_of_however_fast_they_come() -> Proof {
    let mut scene = Scene::new()?;
    fs::create_dir(scene.path("top"))?;
    scene.watch(&["top"])?;
    for round in 0..20 {
        let name = format!("top/{round}/b/c/file");
        scene.file(&name, "1")?;
        assert_eq!(scene.told()?, [format!("created {name}")]);
    }
    Ok(())
}

/// The same at every moment at which the directory may just be being watched, or being read.
#[test]
fn files_that_come_while_their_directory_is_found_are_told_of() -> Proof {
    const DIRECTORIES: u32 = 1500;
    let mut scene = Scene::new()?;
    fs::create_dir(scene.path("top"))?;
    scene.watch(&["top"])?;
    let mut missing = BTreeSet::new();
    for round in 0..DIRECTORIES {
        fs::create_dir(scene.path(format!("top/{round}")))?;
        let made = Instant::now();
        let pause = Duration::from_micros(u64::from(round % 100) * 3);
        while made.elapsed() < pause {
            std::hint::spin_loop();
        }
        scene.file(&format!("top/{round}/file"), "1")?;
        missing.insert(format!("created top/{round}/file"));
    }
    while !missing.is_empty() {
        let told = scene.next();
        missing.remove(
            &told
                .map_err(|_| format!("{missing:?}"))?
                .ok_or("it ended")?,
        );
    }
    Ok(())
}

#[test]
fn a_new_directory_is_watched_from_then_on() -> Proof {
    let mut scene = Scene::new()?;
    fs::create_dir(scene.path("top"))?;
    scene.watch(&["top"])?;
    scene.file("top/new/file", "1")?;
    assert_eq!(scene.told()?, ["created top/new/file"]);
    scene.file("top/new/file", "22")?;
    scene.file("top/new/deeper/file", "1")?;
    let told = ["created top/new/deeper/file", "modified top/new/file"];
    assert_eq!(scene.told()?, told);
    fs::remove_dir_all(scene.path("top/new"))?;
    let told = ["removed top/new/deeper/file", "removed top/new/file"];
    assert_eq!(scene.told()?, told);
    Ok(())
}

#[test]
fn a_directory_that_is_renamed_moves_its_files() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/old/deep/file", "1")?;
    scene.watch(&["top"])?;
    scene.rename("top/old", "top/new")?;
    let told = ["created top/new/deep/file", "removed top/old/deep/file"];
    assert_eq!(scene.told()?, told);
    scene.file("top/new/deep/file", "22")?;
    assert_eq!(scene.told()?, ["modified top/new/deep/file"]);
    scene.rename("top/new", "elsewhere")?;
    assert_eq!(scene.told()?, ["removed top/new/deep/file"]);
    scene.file("elsewhere/deep/file", "333")?;
    assert_eq!(scene.told()?, [""; 0]);
    Ok(())
}

/// The watch of a directory moves with it: what takes its name has to be watched anew.
#[test]
fn a_directory_in_the_place_of_another_is_watched() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/dir/file", "1")?;
    scene.watch(&["top"])?;
    for round in 0..20 {
        scene.rename("top/dir", &format!("away-{round}"))?;
        scene.file("top/dir/file", "another")?;
        assert_eq!(scene.told()?, ["modified top/dir/file"], "{round}");
        scene.file("top/dir/file", "and another")?;
        assert_eq!(scene.told()?, ["modified top/dir/file"], "{round}");
    }
    Ok(())
}

#[test]
fn a_directory_that_is_removed_and_made_again_is_watched() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("top/dir/file", "1")?;
    scene.watch(&["top"])?;
    for round in 0..20 {
        let remove = |scene: &Scene| fs::remove_dir_all(scene.path("top/dir"));
        scene.makes_again(remove, "top/dir/file", "another")?;
        scene.save("top/dir/file", "saved")?;
        assert_eq!(scene.told()?, ["modified top/dir/file"], "{round}");
    }
    Ok(())
}

/// Links in directories are not followed, and what is no file is not told of.
#[test]
fn only_files_are_told_of() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("outside/file", "1")?;
    fs::create_dir(scene.path("top"))?;
    scene.watch(&["top"])?;
    std::os::unix::fs::symlink(scene.path("outside"), scene.path("top/link"))?;
    fs::create_dir(scene.path("top/empty"))?;
    let _socket = std::os::unix::net::UnixListener::bind(scene.path("top/socket"))?;
    scene.file("outside/file", "22")?;
    assert_eq!(scene.told()?, [""; 0]);
    Ok(())
}
