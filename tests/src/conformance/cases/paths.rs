//! G11: one absolute path for each file, however it was spelled.

use crate::conformance::child::{Child, Surroundings};
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use driver_kit::core::{Fault, Mode};
use driver_kit::error::Operation;
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G11", every_spelling_is_one_file).of_the_core(),
        case("G11", a_link_shows_where_the_file_is),
        case("G11", dots_behind_a_link_lead_where_the_system_leads).of_the_core(),
        case("G11", a_dangling_link_is_told_from_a_missing_file),
        case("G11", a_chain_of_links_is_followed),
        case("G11", a_loop_of_links_is_an_error).of_the_core(),
        case("G11", a_file_on_the_way_is_not_a_directory).of_the_core(),
        case("G11", hard_links_are_one_file).of_the_core(),
        case("G11", relative_paths_begin_at_the_current_directory),
        case("G11", a_tilde_is_the_home_directory).of_the_core(),
        case("G11", no_path_is_no_file).of_the_core(),
    ]
}

pub(super) const CHILDREN: [Child; 2] = [
    Child {
        name: "relative",
        run: relative,
    },
    Child {
        name: "tilde",
        run: tilde,
    },
];

fn same_file(driver: &dyn Driver, spelled: &[PathBuf], path: &Path, bytes: &[u8]) -> Proof {
    let first = driver.open_staged(path)?;
    for spelling in spelled {
        for mode in [Mode::Auto, Mode::None, Mode::Map] {
            let file = driver.open(spelling, Opening::by(mode))?;
            assert_eq!(file.path(), path, "{}", spelling.display());
            assert_eq!(file.file(), first.file(), "{}", spelling.display());
            assert!(file.read(0, bytes.len())? == bytes);
        }
    }
    Ok(())
}

/// G11: `.`, `..`, `//` and the plain path.
fn every_spelling_is_one_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 3_000)?;
    fs::create_dir_all(scene.path("a/b"))?;
    let spelled = [
        "file",
        "./file",
        "a/../file",
        "a/b/../../file",
        "a/b/.././../file",
        ".//file",
    ]
    .map(|spelling| PathBuf::from(format!("{}/{spelling}", scene.root().display())));
    same_file(driver.as_ref(), &spelled, &path, &bytes)
}

/// G11: links to the file and to its directory are resolved; the path shown has none.
fn a_link_shows_where_the_file_is(scene: &Scene) -> Proof {
    let driver = scene.driver();
    fs::create_dir(scene.path("dir"))?;
    let (path, bytes) = scene.file("dir/file", 3_000)?;
    symlink(&path, scene.path("absolute"))?;
    symlink("dir/file", scene.path("relative"))?;
    symlink("dir", scene.path("linked"))?;
    symlink("linked/file", scene.path("twice"))?;
    let spelled = [
        "absolute",
        "relative",
        "linked/file",
        "twice",
        "linked/./file",
    ];
    same_file(
        driver.as_ref(),
        &spelled.map(|name| scene.path(name)),
        &path,
        &bytes,
    )
}

/// G11: `link/..` is the directory above what the link leads to, as the system has it.
fn dots_behind_a_link_lead_where_the_system_leads(scene: &Scene) -> Proof {
    let driver = scene.driver();
    fs::create_dir_all(scene.path("far/away"))?;
    let (path, bytes) = scene.file("far/file", 2_000)?;
    let (here, _) = scene.file("file", 1_000)?;
    symlink("far/away", scene.path("link"))?;
    same_file(
        driver.as_ref(),
        &[scene.path("link/../file")],
        &path,
        &bytes,
    )?;
    assert_ne!(driver.open_staged(&here)?.path(), path);
    Ok(())
}

/// G11: a missing file and a link to nothing are different errors.
fn a_dangling_link_is_told_from_a_missing_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    symlink("nothing", scene.path("dangling"))?;
    for mode in [Mode::Auto, Mode::Map, Mode::None] {
        let missing = scene.path("missing");
        let error = driver
            .open(&missing, Opening::by(mode))
            .err()
            .ok_or("missing")?;
        assert!(is_errno(&error, Errno::NOENT), "{error}");
        assert!(names_its_file(&error, Operation::Open, &missing), "{error}");
        let dangling = scene.path("dangling");
        let error = driver
            .open(&dangling, Opening::by(mode))
            .err()
            .ok_or("dangling")?;
        assert_eq!(fault_of(&error), Some(Fault::Dangling));
        assert!(
            names_its_file(&error, Operation::Open, &dangling),
            "{error}"
        );
    }
    let dangling = scene.path("dangling");
    let create = Opening::by(Mode::Auto).create();
    let error = driver
        .open(&dangling, create)
        .err()
        .ok_or("created through a link")?;
    assert_eq!(fault_of(&error), Some(Fault::Dangling));
    assert!(!scene.path("nothing").exists());
    Ok(())
}

/// G11: links over links.
fn a_chain_of_links_is_followed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("0", 3_000)?;
    for n in 1..30 {
        symlink((n - 1).to_string(), scene.path(&n.to_string()))?;
    }
    same_file(driver.as_ref(), &[scene.path("29")], &path, &bytes)
}

/// G11: links in a circle lead nowhere.
fn a_loop_of_links_is_an_error(scene: &Scene) -> Proof {
    let driver = scene.driver();
    symlink("b", scene.path("a"))?;
    symlink("a", scene.path("b"))?;
    for mode in [Mode::Auto, Mode::Map, Mode::None] {
        let error = driver
            .open(&scene.path("a"), Opening::by(mode))
            .err()
            .ok_or("opened")?;
        assert!(is_errno(&error, Errno::LOOP), "{error}");
        assert!(
            names_its_file(&error, Operation::Open, &scene.path("a")),
            "{error}"
        );
    }
    Ok(())
}

/// G11: what stands in the way of a path is told.
fn a_file_on_the_way_is_not_a_directory(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 10)?;
    for spelling in [path.join("below"), path.join("..").join("file")] {
        let error = driver.open_staged(&spelling).err().ok_or("opened")?;
        assert!(
            is_errno(&error, Errno::NOTDIR),
            "{}: {error}",
            spelling.display()
        );
    }
    let error = driver
        .open_staged(&scene.path("missing/../file"))
        .err()
        .ok_or("opened")?;
    assert!(is_errno(&error, Errno::NOENT), "{error}");
    Ok(())
}

/// A key is the identity of a file, not its name.
fn hard_links_are_one_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 30_000)?;
    fs::hard_link(&path, scene.path("other"))?;
    let one = driver.open(&path, Opening::by(Mode::Load))?;
    let two = driver.open(&scene.path("other"), Opening::by(Mode::Load))?;
    assert_eq!(one.file(), two.file());
    assert_eq!(
        two.path(),
        scene.path("other"),
        "each handle is known by its own name"
    );
    assert!(two.read(0, 30_000)? == bytes);
    assert_eq!(driver.charged(), 8 * 4096, "they share their contents");
    Ok(())
}

/// G11: relative paths, in a process whose current directory is its own.
fn relative_paths_begin_at_the_current_directory(scene: &Scene) -> Proof {
    fs::create_dir_all(scene.path("a/b"))?;
    scene.file("a/file", 100)?;
    let around = Surroundings {
        current: Some(scene.path("a/b")),
        place: Some(scene.path("a/file")),
        ..Surroundings::default()
    };
    CHILDREN[0].prove(scene, &around)
}

fn relative(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = Child::place()?;
    let bytes = fs::read(&path)?;
    let spelled = ["../file", "./../file", "../b/../file", ".././file"].map(PathBuf::from);
    same_file(driver.as_ref(), &spelled, &path, &bytes)?;
    let error = driver
        .open_staged(Path::new("missing"))
        .err()
        .ok_or("opened")?;
    let absolute = std::env::current_dir()?.join("missing");
    assert!(
        names_its_file(&error, Operation::Open, &absolute),
        "{error}"
    );
    let order = driver_kit::batch::Order {
        plan: driver_kit::core::Plan::of(Mode::Auto),
        concurrency: 2,
        deadline: driver_kit::Deadline::Never,
    };
    let batch = driver.batch(Box::new(spelled.into_iter()), order)?;
    for item in batch.wait() {
        assert_eq!(*item.path, *path);
    }
    Ok(())
}

/// G11: `~`, in a process whose home is its own.
fn a_tilde_is_the_home_directory(scene: &Scene) -> Proof {
    fs::create_dir(scene.path("home"))?;
    scene.file("home/file", 100)?;
    let around = Surroundings {
        home: Some(scene.path("home")),
        current: Some(scene.root().to_path_buf()),
        place: Some(scene.path("home/file")),
        ..Surroundings::default()
    };
    CHILDREN[1].prove(scene, &around)
}

fn tilde(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = Child::place()?;
    let bytes = fs::read(&path)?;
    let spelled = ["~/file", "~/./file", "~/../home/file"].map(PathBuf::from);
    same_file(driver.as_ref(), &spelled, &path, &bytes)?;
    let error = driver
        .open_staged(Path::new("./~/file"))
        .err()
        .ok_or("opened")?;
    assert!(
        is_errno(&error, Errno::NOENT),
        "only in front it is the home: {error}"
    );
    Ok(())
}

/// G11: an empty path is ENOENT, as the system has it.
fn no_path_is_no_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let error = driver.open_staged(Path::new("")).err().ok_or("opened")?;
    assert!(is_errno(&error, Errno::NOENT), "{error}");
    Ok(())
}
