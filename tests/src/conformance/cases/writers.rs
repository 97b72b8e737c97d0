//! G11, R1: opening for writing, and the writer of each world.

use super::writing::opened;
use crate::conformance::driver::Opening;
use crate::conformance::errors::{cause_of, is_errno, names_its_file};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use driver_kit::Deadline;
use driver_kit::core::{Mode, Reject};
use driver_kit::error::{Cause, Operation};
use rustix::io::Errno;
use std::fs;
use std::io;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G11", a_file_that_is_only_read_cannot_be_written).of_the_core(),
        case("G11", create_new_fails_where_there_is_a_file).of_the_core(),
        case("G11", truncate_empties_the_file).of_the_core(),
        case("G11", options_that_contradict_each_other_are_refused),
        case("G11", a_directory_cannot_be_opened_for_writing).of_the_core(),
        case("R1", a_writer_writes_where_it_stands),
        case("R1", a_writer_of_an_appended_file_writes_at_its_end),
        case("R6", two_handles_see_one_file).of_the_core(),
        case("S5", closed_keeps_what_was_written).of_the_core(),
    ]
}

/// G11.
fn a_file_that_is_only_read_cannot_be_written(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let refused = Some(Cause::Rejected(Reject::ReadOnly));
    let refusals = [
        (file.write_at(b"x", 0), Operation::Write),
        (file.append(b"x").map(drop), Operation::Append),
        (file.set_len(0), Operation::SetLength),
        (file.sync(Deadline::Never), Operation::Sync),
    ];
    for (result, operation) in refusals {
        let error = result.err().ok_or("it was taken")?;
        assert_eq!(cause_of(&error), refused);
        assert!(names_its_file(&error, operation, &path), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
    assert!(fs::read(&path)? == bytes);
    Ok(())
}

/// G11.
fn create_new_fails_where_there_is_a_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let how = Opening {
        create_new: true,
        ..Opening::to_write()
    };
    let path = scene.path("new");
    driver.open(&path, how)?.write_at(b"x", 0)?;
    let error = driver.open(&path, how).err().ok_or("it was there")?;
    assert!(is_errno(&error, Errno::EXIST), "{error}");
    assert_eq!(fs::read(&path)?, b"x");
    Ok(())
}

/// G11.
fn truncate_empties_the_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 100)?;
    let how = Opening {
        truncate: true,
        ..Opening::to_write()
    };
    let file = driver.open(&path, how)?;
    assert_eq!(fs::metadata(&path)?.len(), 0);
    assert_eq!(file.append(b"x")?, 0);
    Ok(())
}

/// G11.
fn options_that_contradict_each_other_are_refused(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100)?;
    let truncate = Opening {
        truncate: true,
        ..Opening::by(Mode::None)
    };
    let append = Opening {
        append: true,
        write: true,
        ..truncate
    };
    for how in [truncate, append] {
        let error = driver.open(&path, how).err().ok_or("it was opened")?;
        assert!(is_errno(&error, Errno::INVAL), "{error}");
    }
    assert!(fs::read(&path)? == bytes);
    Ok(())
}

/// G11.
fn a_directory_cannot_be_opened_for_writing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let error = driver.open(scene.root(), Opening::to_write()).err();
    let error = error.ok_or("it was opened")?;
    assert_eq!(error.kind(), io::ErrorKind::IsADirectory, "{error}");
    Ok(())
}

/// R1: by each world's own traits.
fn a_writer_writes_where_it_stands(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 10)?;
    let stands = file.write_through(5, &[b"one", b"", b"two and more"])?;
    assert_eq!(stands, 20);
    assert_eq!(&fs::read(file.path())?[5..], b"onetwo and more");
    Ok(())
}

/// R1.
fn a_writer_of_an_appended_file_writes_at_its_end(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("log", 10)?;
    let how = Opening {
        write: false,
        append: true,
        ..Opening::to_write()
    };
    let file = driver.open(&path, how)?;
    file.write_through(0, &[b"one", b"two"])?;
    file.append(b"!")?;
    let all = fs::read(&path)?;
    assert!(all[..10] == bytes[..] && &all[10..] == b"onetwo!");
    Ok(())
}

/// R6.
fn two_handles_see_one_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 10)?;
    let one = driver.open(&path, Opening::to_write())?;
    let two = driver.open(&path, Opening::to_write())?;
    assert_eq!(one.file(), two.file());
    assert_eq!(one.append(b"a")?, 10);
    assert_eq!(two.append(b"b")?, 11);
    drop(one);
    assert_eq!(two.read(10, 5)?, b"ab");
    two.sync(Deadline::Never)?;
    Ok(())
}

/// S5.
fn closed_keeps_what_was_written(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 0)?;
    file.append(b"kept")?;
    let report = driver.shutdown(driver_kit::core::Grace::default());
    assert!(report.is_clean(), "{report}");
    assert!(file.append(b"late").is_err());
    assert_eq!(fs::read(file.path())?, b"kept");
    Ok(())
}
