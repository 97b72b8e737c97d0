//! How files are saved, and what is told of it.

use crate::scene::{Proof, Scene};
use driver_kit::watch::ChangeKind;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn a_save_by_temporary_file_and_rename_is_one_modification() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("config", "1")?;
    scene.watch(&["config"])?;
    for version in ["2", "3", "4"] {
        scene.save("config", version)?;
        assert_eq!(scene.told()?, ["modified config"], "{version}");
    }
    Ok(())
}

#[test]
fn the_temporary_file_of_a_save_is_not_told_of() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("etc/config", "1")?;
    scene.watch(&["etc"])?;
    scene.save("etc/config", "2")?;
    assert_eq!(scene.told()?, ["modified etc/config"]);
    Ok(())
}

#[test]
fn a_save_in_place_is_one_modification() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("config", "1")?;
    scene.watch(&["config"])?;
    let path = scene.path("config");
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(b"2")?;
    file.write_all(b"3")?;
    drop(file);
    assert_eq!(scene.told()?, ["modified config"]);
    Ok(())
}

#[test]
fn a_file_that_is_removed_and_created_again_at_once_was_modified() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("config", "1")?;
    scene.watch(&["config"])?;
    for version in ["2", "3"] {
        let remove = |scene: &Scene| fs::remove_file(scene.path("config"));
        scene.makes_again(remove, "config", version)?;
    }
    fs::remove_file(scene.path("config"))?;
    assert_eq!(scene.told()?, ["removed config"]);
    scene.file("config", "4")?;
    assert_eq!(scene.told()?, ["created config"]);
    Ok(())
}

#[test]
fn reading_a_file_is_no_change() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("config", "1")?;
    scene.watch(&["config"])?;
    fs::read(scene.path("config"))?;
    assert_eq!(scene.told()?, [""; 0]);
    Ok(())
}

/// The last of them counts, and they are not told one by one.
#[test]
fn a_thousand_saves_in_a_second_are_a_few_modifications() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("etc/config", "0")?;
    scene.watch(&["etc"])?;
    let began = Instant::now();
    for version in 1..=1000 {
        scene.save("etc/config", &version.to_string())?;
    }
    let took = began.elapsed();
    scene.wait_until_told(ChangeKind::Modified, "etc/config")?;
    let told = scene.told()?;
    let config = |change: &String| change == "modified etc/config";
    assert!(told.len() < 100, "{told:?}");
    // A look may have met the temporary file; then that was created, and is gone.
    let temporary: Vec<&String> = told.iter().filter(|change| !config(change)).collect();
    assert!(temporary.len() <= 2, "{temporary:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    Ok(())
}

/// Nobody waits for a storm to be over.
#[test]
fn a_storm_is_told_of_while_it_rages() -> Proof {
    let mut scene = Scene::new()?;
    scene.file("log", "")?;
    scene.watch(&["log"])?;
    let mut log = OpenOptions::new().append(true).open(scene.path("log"))?;
    let raging = std::thread::spawn(move || {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            log.write_all(b"line\n")?;
            std::thread::yield_now();
        }
        std::io::Result::Ok(())
    });
    scene.wait_until_told(ChangeKind::Modified, "log")?;
    scene.wait_until_told(ChangeKind::Modified, "log")?;
    let rages = !raging.is_finished();
    raging.join().map_err(|_| "it panicked")??;
    assert!(rages, "told only when it was over");
    Ok(())
}
