//! G11: what is not a readable regular file is a typed error, told before anything is staged; any
//! name that the system allows is a name.

use crate::conformance::child::{Child, Surroundings, skipped};
use crate::conformance::driver::{Driver, Opening};
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use driver_kit::core::{Fault, How, Life, Mode, NodeKind};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use rustix::fs::{CWD, FileType};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G11", a_directory_is_not_a_file).of_the_core(),
        case("G11", a_pipe_does_not_hang).of_the_core(),
        case("G11", a_pipe_with_a_writer_is_not_read).of_the_core(),
        case("G11", a_socket_is_not_a_file).of_the_core(),
        case("G11", a_device_is_not_a_file).of_the_core(),
        case("G4", a_file_that_hides_its_length_is_not_staged).of_the_core(),
        case("G11", a_file_that_may_not_be_read).of_the_core(),
        case("G11", a_directory_that_may_not_be_entered).of_the_core(),
        case("G11", a_name_of_255_bytes_works_and_of_256_is_an_error).of_the_core(),
        case("G11", a_path_that_is_too_long_is_an_error).of_the_core(),
        case("G11", names_need_not_be_text).of_the_core(),
        case("G11", a_nul_in_a_name_is_an_error),
        case("G11", a_missing_file_is_created_where_asked),
        case("G11", creating_keeps_what_is_there).of_the_core(),
        case("G11", nothing_is_created_where_nothing_can_be).of_the_core(),
        case("G11", an_open_that_fails_leaves_nothing_behind).of_the_core(),
    ]
}

pub(super) const CHILDREN: [Child; 1] = [Child {
    name: "without_rights",
    run: without_rights,
}];

/// G4: what is staged is all of the file. One that the kernel makes up while it is read says that
/// it is empty, and is not; unstaged it can be read.
fn a_file_that_hides_its_length_is_not_staged(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = Path::new("/proc/version");
    if fs::metadata(path).map_or(true, |about| about.len() > 0) {
        return skipped("a file that hides its length");
    }
    for mode in [Mode::Auto, Mode::Load, Mode::Map, Mode::MapShared] {
        let error = driver.open(path, Opening::by(mode)).err().ok_or("staged")?;
        assert_eq!(fault_of(&error), Some(Fault::Unsized), "{mode:?}");
        assert!(names_its_file(&error, Operation::Open, path), "{error}");
    }
    let file = driver.open(path, Opening::by(Mode::None))?;
    let mut buffer = [0; 5];
    assert_eq!(file.read_at(&mut buffer, 0)?, 5);
    assert_eq!(&buffer, b"Linux");
    Ok(())
}

fn is_refused(driver: &dyn Driver, path: &Path, node: NodeKind) -> Proof {
    let staging = driver
        .kit()
        .map(|hub| Gate::counting(hub, ActionKind::Load));
    for mode in [Mode::Auto, Mode::Load, Mode::Map, Mode::None] {
        for create in [false, true] {
            let mut how = Opening::by(mode);
            how.create = create;
            let error = driver.open(path, how).err().ok_or("opened")?;
            let fault = fault_of(&error);
            assert_eq!(
                fault,
                Some(Fault::NotAFile(node)),
                "{mode:?}, create {create}"
            );
            assert!(names_its_file(&error, Operation::Open, path), "{error}");
        }
    }
    let staged = staging.map_or(0, |staging| staging.arrived());
    assert_eq!(staged, 0, "it is told before any staging starts");
    Ok(())
}

/// G11: with an error that says so.
fn a_directory_is_not_a_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("dir");
    fs::create_dir(&path)?;
    is_refused(driver.as_ref(), &path, NodeKind::Directory)?;
    let error = driver.open_staged(&path).err().ok_or("opened")?;
    assert_eq!(error.kind(), std::io::ErrorKind::IsADirectory);
    let error = driver.open_staged(Path::new("/")).err().ok_or("opened")?;
    assert_eq!(fault_of(&error), Some(Fault::NotAFile(NodeKind::Directory)));
    Ok(())
}

fn pipe(scene: &Scene) -> std::io::Result<PathBuf> {
    let path = scene.path("pipe");
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, rustix::fs::Mode::RWXU, 0)?;
    Ok(path)
}

/// G11: a pipe that nobody writes to must not be waited for.
fn a_pipe_does_not_hang(scene: &Scene) -> Proof {
    let driver = scene.driver();
    is_refused(driver.as_ref(), &pipe(scene)?, NodeKind::Fifo)
}

/// G11: what is in a pipe stays for those who read it.
fn a_pipe_with_a_writer_is_not_read(scene: &Scene) -> Proof {
    use std::io::{Read, Write};
    let driver = scene.driver();
    let path = pipe(scene)?;
    let mut both = fs::OpenOptions::new().read(true).write(true).open(&path)?;
    both.write_all(b"for another")?;
    is_refused(driver.as_ref(), &path, NodeKind::Fifo)?;
    let mut there = [0; 11];
    both.read_exact(&mut there)?;
    assert_eq!(&there, b"for another");
    Ok(())
}

/// G11: nobody connects to it.
fn a_socket_is_not_a_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("socket");
    let _listener = UnixListener::bind(&path)?;
    is_refused(driver.as_ref(), &path, NodeKind::Socket)
}

/// G11: neither an endless one nor an empty one.
fn a_device_is_not_a_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    is_refused(driver.as_ref(), Path::new("/dev/zero"), NodeKind::Device)?;
    is_refused(driver.as_ref(), Path::new("/dev/null"), NodeKind::Device)
}

/// G11: EACCES, as a user without rights.
fn a_file_that_may_not_be_read(scene: &Scene) -> Proof {
    fs::create_dir(scene.path("dir"))?;
    let (path, _) = scene.file("dir/file", 100)?;
    fs::set_permissions(scene.root(), fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))?;
    as_nobody(scene, path)
}

/// G11: EACCES on the way, as a user without rights.
fn a_directory_that_may_not_be_entered(scene: &Scene) -> Proof {
    let dir = scene.path("dir");
    fs::create_dir(&dir)?;
    let (path, _) = scene.file("dir/file", 100)?;
    fs::set_permissions(scene.root(), fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o600))?;
    let proof = as_nobody(scene, path);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    proof
}

fn as_nobody(scene: &Scene, path: PathBuf) -> Proof {
    let around = Surroundings {
        as_nobody: true,
        place: Some(path),
        ..Surroundings::default()
    };
    CHILDREN[0].prove(scene, &around)
}

fn without_rights(scene: &Scene) -> Proof {
    if rustix::process::geteuid().is_root() {
        Child::skip();
    }
    let driver = scene.driver();
    let path = Child::place()?;
    for mode in [Mode::Auto, Mode::Map, Mode::None] {
        let error = driver
            .open(&path, Opening::by(mode))
            .err()
            .ok_or("opened")?;
        assert!(is_errno(&error, Errno::ACCESS), "{error}");
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(names_its_file(&error, Operation::Open, &path), "{error}");
    }
    Ok(())
}

fn staged_whole(driver: &dyn Driver, path: &Path) -> Proof {
    let bytes = fs::read(path)?;
    for &mode in driver.modes() {
        let file = driver.open(path, Opening::by(mode))?;
        assert_eq!(file.path(), path);
        assert!(file.read(0, bytes.len())? == bytes);
    }
    Ok(())
}

/// G11: the longest name there is, and one byte more.
fn a_name_of_255_bytes_works_and_of_256_is_an_error(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file(&"n".repeat(255), 500)?;
    staged_whole(driver.as_ref(), &path)?;
    let path = scene.path(&"n".repeat(256));
    for create in [false, true] {
        let mut how = Opening::by(Mode::Auto);
        how.create = create;
        let error = driver.open(&path, how).err().ok_or("opened")?;
        assert!(is_errno(&error, Errno::NAMETOOLONG), "{error}");
        assert!(names_its_file(&error, Operation::Open, &path));
    }
    Ok(())
}

/// G11: as the system has it.
fn a_path_that_is_too_long_is_an_error(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path(&"directory/".repeat(500)).join("file");
    let error = driver.open_staged(&path).err().ok_or("opened")?;
    assert!(is_errno(&error, Errno::NAMETOOLONG), "{error}");
    Ok(())
}

/// G11: bytes that are no UTF-8, spaces, newlines, quotes, a dash in front.
fn names_need_not_be_text(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let names: [&[u8]; 6] = [b"\xff\xfe\x80", b" ", b"a\nb", b"\"'\\", b"-", b"~"];
    for name in names {
        let path = scene.root().join(OsStr::from_bytes(name));
        fs::write(&path, name)?;
        staged_whole(driver.as_ref(), &path)?;
    }
    Ok(())
}

/// G11: not the file before the NUL.
fn a_nul_in_a_name_is_an_error(scene: &Scene) -> Proof {
    let driver = scene.driver();
    scene.file("file", 10)?;
    for mode in [Mode::Auto, Mode::None] {
        let error = driver.open(&scene.path("file\0more"), Opening::by(mode));
        let error = error.err().ok_or("opened")?;
        assert!(is_errno(&error, Errno::INVAL), "{error}");
    }
    Ok(())
}

/// G11: create modes work on missing files; the new file is empty, and staged.
fn a_missing_file_is_created_where_asked(scene: &Scene) -> Proof {
    let driver = scene.driver();
    for (name, mode) in [
        ("auto", Mode::Auto),
        ("map", Mode::Map),
        ("none", Mode::None),
    ] {
        let path = scene.path(name);
        let file = driver.open(&path, Opening::by(mode).create())?;
        assert_eq!(fs::metadata(&path)?.len(), 0);
        assert_eq!(file.path(), path);
        assert_eq!(file.read(0, 10)?.len(), 0);
        if mode != Mode::None {
            assert_eq!(file.life(), Some(Life::Staged(How::Empty)));
        }
    }
    std::os::unix::fs::symlink(scene.root(), scene.path("link"))?;
    let file = driver.open(&scene.path("link/new"), Opening::by(Mode::Auto).create())?;
    assert_eq!(file.path(), scene.path("new"), "through a linked directory");
    Ok(())
}

/// G11: creating is not truncating.
fn creating_keeps_what_is_there(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 70_000)?;
    for &mode in driver.modes() {
        let file = driver.open(&path, Opening::by(mode).create())?;
        assert!(file.read(0, 70_000)? == bytes);
    }
    assert!(fs::read(&path)? == bytes);
    Ok(())
}

/// G11: directories are not made up.
fn nothing_is_created_where_nothing_can_be(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("missing/file");
    let error = driver
        .open(&path, Opening::by(Mode::Auto).create())
        .err()
        .ok_or("opened")?;
    assert!(is_errno(&error, Errno::NOENT), "{error}");
    assert!(!scene.path("missing").exists());
    Ok(())
}

/// G11, R9: no handle, no descriptor, no memory, a thousand times over.
fn an_open_that_fails_leaves_nothing_behind(scene: &Scene) -> Proof {
    let limits = driver_kit::core::Limits {
        handles: 2,
        operations: 2,
        ..Scene::limits()
    };
    let driver = scene.driver_with(limits);
    let (dir, missing) = (scene.path("dir"), scene.path("missing"));
    fs::create_dir(&dir)?;
    for _ in 0..500 {
        assert!(driver.open_staged(&dir).is_err());
        assert!(driver.open(&missing, Opening::by(Mode::None)).is_err());
    }
    assert_eq!((driver.charged(), scene.descriptors()?), (0, 0));
    assert_eq!(driver.stats().failed, 1_000);
    Ok(())
}
