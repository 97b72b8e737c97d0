//! G1, G3, G7: the life of a file, and what can be asked about it.

use crate::conformance::driver::Opening;
use crate::conformance::errors::{fault_of, is_errno, names_its_file};
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene, pattern};
use crate::conformance::watch::{start, wait_for};
use driver_kit::contents::Contents;
use driver_kit::core::{Fault, How, Life, Mode, Plan, Standing, Why};
use driver_kit::error::Operation;
use driver_kit::handlers::ActionKind;
use driver_kit::observe::Notice;
use rustix::io::Errno;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G3", an_open_file_is_staged_by_its_length),
        case("G3", the_threshold_is_the_callers),
        case("G3", an_explicit_mode_is_obeyed),
        case("G1, G3", what_nobody_staged_is_read_from_the_file).of_the_core(),
        case("G1, G7", a_staging_can_be_watched),
        case("G7", observers_are_told_once_for_each_chunk),
        case("G1", unstage_gives_the_memory_back),
        case("G1, G8", unstage_ends_a_staging_within_one_chunk),
        case("G1", a_failure_says_why_and_can_be_tried_again),
        case("G1", an_unstaged_file_can_be_staged_again).of_the_core(),
        case("G1, K4", an_open_gives_up_a_version_that_passed).of_the_core(),
        case("G1", slices_outlive_everything),
        case("G4", loaded_bytes_are_handed_out_without_a_copy),
        case("G1", handles_and_waiters_are_counted),
        case("G1", closing_the_last_handle_gives_everything_back).of_the_core(),
        case("G3", empty_files_are_staged_and_cost_nothing),
        case("G3, G9", an_empty_file_that_is_open_is_staged_by_an_open),
        case("G4", readers_read_lines_and_seek),
        case("G4", reads_end_where_the_file_ends).of_the_core(),
    ]
}

/// G3: empty, loaded up to the threshold, mapped above.
fn an_open_file_is_staged_by_its_length(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let threshold = Plan::MAP_THRESHOLD as usize;
    for (len, how) in [
        (0, How::Empty),
        (1, How::Loaded),
        (16 << 10, How::Loaded),
        ((16 << 10) + 1, How::Loaded),
        (threshold, How::Loaded),
        (threshold + 1, How::Mapped),
    ] {
        let (path, bytes) = scene.file(&len.to_string(), len)?;
        let file = driver.open_staged(&path)?;
        assert_eq!(file.life(), Some(Life::Staged(how)), "{len} bytes");
        assert!(file.read(0, len + 1)? == bytes, "{len} bytes");
    }
    Ok(())
}

/// G3: another threshold, another way.
fn the_threshold_is_the_callers(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 10_000)?;
    for (threshold, how) in [
        (9_999, How::Mapped),
        (10_000, How::Loaded),
        (0, How::Mapped),
    ] {
        let file = driver.open(&path, Opening::by(Mode::Auto).map_threshold(threshold))?;
        assert_eq!(file.life(), Some(Life::Staged(how)), "up to {threshold}");
        assert!(file.read(0, 10_000)? == bytes);
        file.close()?;
    }
    Ok(())
}

/// G3: `Map`, `MapShared`, `Load` and `None` do as they say at any length.
fn an_explicit_mode_is_obeyed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    for len in [1, 4096, 20_000, 3 * CHUNK as usize + 17] {
        let (path, bytes) = scene.file("file", len)?;
        for (mode, life) in [
            (Mode::Map, Life::Staged(How::Mapped)),
            (Mode::MapShared, Life::Staged(How::MappedShared)),
            (Mode::Load, Life::Staged(How::Loaded)),
            (Mode::None, Life::NotStaged(Why::NeverAsked)),
        ] {
            let file = driver.open(&path, Opening::by(mode))?;
            assert_eq!(file.life(), Some(life), "{mode:?} of {len} bytes");
            assert!(file.read(0, len)? == bytes, "{mode:?} of {len} bytes");
            let mapped = matches!(file.contents(), Some(Contents::Mapped(_)));
            assert_eq!(mapped, matches!(mode, Mode::Map | Mode::MapShared));
            file.close()?;
        }
    }
    Ok(())
}

/// G1: `NotStaged` proceeds at once; `stage` brings it to `Staged`.
fn what_nobody_staged_is_read_from_the_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100_000)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    assert_eq!(file.life(), Some(Life::NotStaged(Why::NeverAsked)));
    assert!(file.read(10, 50_000)? == bytes[10..50_010]);
    assert!(file.contents().is_none());
    assert_eq!(driver.charged(), 0);
    assert_eq!(file.stage(Mode::Load)?, Standing::Staged(How::Loaded));
    assert_eq!(
        file.stage(Mode::Load)?,
        Standing::Staged(How::Loaded),
        "again is nothing"
    );
    assert!(file.read(10, 50_000)? == bytes[10..50_010]);
    assert_eq!(driver.charged(), 25 * 4096);
    assert_eq!(driver.stats().staged, 1);
    Ok(())
}

/// G1, G7: state, length, charge, sharing and progress, at each chunk.
fn a_staging_can_be_watched(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let driver = scene.driver();
        let (path, bytes) = scene.file("file", 3 * CHUNK as usize)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        for chunk in 0..3 {
            let gate = Gate::holding(driver.hub(), ActionKind::Load, chunk);
            let staging = Arc::clone(&file);
            let staged = start(move || staging.stage(mode));
            gate.wait_arrived(chunk as usize + 1)?;
            let seen = file.staging().ok_or("no staging")?;
            let Life::Staging { done, .. } = seen.life else {
                return Err(format!("{:?} in chunk {chunk}", seen.life).into());
            };
            assert_eq!(done, chunk * CHUNK);
            assert_eq!((seen.len, seen.handles), (3 * CHUNK, 1));
            assert_eq!(seen.charge, driver.charged());
            assert!(
                seen.charge >= 3 * CHUNK,
                "the room is taken before it is filled"
            );
            assert!(
                file.contents().is_none(),
                "nothing is published before it is complete"
            );
            gate.open();
            staged.join()??;
            assert!(file.read(0, bytes.len())? == bytes);
            file.unstage()?;
        }
    }
    Ok(())
}

/// G7: at most once for each chunk, in order, and not for files of one chunk.
fn observers_are_told_once_for_each_chunk(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (long, _) = scene.file("long", 5 * CHUNK as usize)?;
    let (short, _) = scene.file("short", CHUNK as usize)?;
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    driver
        .hub()
        .observers()
        .add(Arc::new(move |notice: &Notice| {
            if let Notice::Progress { path, done, total } = notice {
                telling
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((path.to_path_buf(), *done, *total));
            }
        }));
    let files = [
        driver.open(&long, Opening::by(Mode::Load))?,
        driver.open(&short, Opening::by(Mode::Load))?,
    ];
    wait_for("progress to be told", || {
        !told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    })?;
    drop(files);
    let _ = driver.shutdown(driver_kit::core::Grace::default());
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(!told.is_empty() && told.len() <= 5, "{told:?}");
    assert!(
        told.iter()
            .all(|(path, _, total)| *path == long && *total == 5 * CHUNK),
        "{told:?}"
    );
    assert!(
        told.windows(2).all(|pair| pair[0].1 < pair[1].1),
        "{told:?}"
    );
    Ok(())
}

/// G1: unstage brings it back to `NotStaged`, and reads go to the file.
fn unstage_gives_the_memory_back(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 200_000)?;
    for mode in [Mode::Load, Mode::Map, Mode::MapShared] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert!(driver.charged() >= 200_000);
        file.unstage()?;
        assert_eq!(file.life(), Some(Life::NotStaged(Why::Unstaged)));
        assert_eq!(driver.charged(), 0);
        assert_eq!(driver.hub().memory().mapped_bytes(), 0);
        assert!(file.contents().is_none());
        assert!(file.read(0, 200_000)? == bytes);
        file.unstage()?;
    }
    Ok(())
}

/// G1, G8: what it had taken is given back, who staged is told, and no further chunk is loaded.
fn unstage_ends_a_staging_within_one_chunk(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let driver = scene.driver();
        let (path, bytes) = scene.file("file", 6 * CHUNK as usize)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
        let (staging, unstaging) = (Arc::clone(&file), Arc::clone(&file));
        let staged = start(move || staging.stage(mode));
        gate.wait_arrived(3)?;
        let unstaged = start(move || unstaging.unstage());
        wait_for("the staging to end", || {
            file.life() == Some(Life::NotStaged(Why::Unstaged))
        })?;
        gate.open();
        let error = staged
            .join()?
            .err()
            .ok_or("staged although it was unstaged")?;
        assert_eq!(fault_of(&error), Some(Fault::Cancelled));
        unstaged.join()??;
        assert_eq!(gate.arrived(), 3, "no further chunk is loaded");
        assert_eq!(driver.charged(), 0);
        assert!(
            file.read(0, bytes.len())? == bytes,
            "the file is usable unstaged"
        );
    }
    Ok(())
}

/// G1: the failure is the cause told to who staged, and to who asks later.
fn a_failure_says_why_and_can_be_tried_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 4 * CHUNK as usize)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let fault = Fault::Os(Errno::IO.raw_os_error());
    let gate = Gate::failing(driver.hub(), ActionKind::Load, 1, fault);
    let error = file
        .stage(Mode::Load)
        .err()
        .ok_or("staged although it failed")?;
    assert!(is_errno(&error, Errno::IO), "{error}");
    assert_eq!(file.life(), Some(Life::NotStaged(Why::Failed(fault))));
    wait_for("the memory to be given back", || driver.charged() == 0)?;
    assert!(file.read(0, bytes.len())? == bytes);
    assert_eq!(file.stage(Mode::Load)?, Standing::Staged(How::Loaded));
    assert!(file.read(0, bytes.len())? == bytes);
    drop(gate);
    Ok(())
}

/// G1: round and round, by one way and another.
fn an_unstaged_file_can_be_staged_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 3 * CHUNK as usize)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let modes = driver.modes().iter().filter(|mode| **mode != Mode::None);
    for &mode in modes.clone() {
        assert!(matches!(file.stage(mode)?, Standing::Staged(_)));
        assert!(file.read(0, bytes.len())? == bytes, "{mode:?}");
        file.unstage()?;
        assert!(file.read(0, bytes.len())? == bytes, "after {mode:?}");
    }
    assert_eq!(driver.stats().staged, modes.count() as u64);
    Ok(())
}

/// G1, K4: opened again, a file that was rewritten is staged anew, for all its handles.
fn an_open_gives_up_a_version_that_passed(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", 50_000)?;
    let first = driver.open(&path, Opening::by(Mode::Load))?;
    let after = pattern(60_000, 99);
    std::fs::write(&path, &after)?;
    assert!(
        first.read(0, 60_000)? == before,
        "what is staged stays what it was"
    );
    let second = driver.open(&path, Opening::by(Mode::Load))?;
    assert_eq!(first.file(), second.file());
    assert!(second.read(0, 70_000)? == after);
    assert!(first.read(0, 70_000)? == after);
    Ok(())
}

/// G1: contents handed out stay what they are after unstage, close, rewrite and shutdown.
fn slices_outlive_everything(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100_000)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let slice = file.bytes_at(1_000, 50_000)?;
    file.unstage()?;
    assert_eq!(
        driver.charged(),
        25 * 4096,
        "the charge stays with the slice"
    );
    std::fs::write(&path, pattern(100_000, 1))?;
    assert!(slice == bytes[1_000..51_000]);
    file.close()?;
    assert_eq!(driver.charged(), 25 * 4096);
    let more = driver
        .open(&path, Opening::by(Mode::Load))?
        .bytes_at(0, 10)?;
    drop(slice);
    wait_for("the charge to come back", || driver.charged() == 25 * 4096)?;
    drop(more);
    wait_for("the charge to come back", || driver.charged() == 0)?;
    let (path, bytes) = scene.file("last", 10_000)?;
    let slice = driver
        .open(&path, Opening::by(Mode::Load))?
        .bytes_at(0, 10_000)?;
    let _ = driver.shutdown(driver_kit::core::Grace::default());
    assert!(slice == bytes);
    Ok(())
}

/// G4: two slices of loaded contents are the same memory.
fn loaded_bytes_are_handed_out_without_a_copy(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 20_000)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let (one, two) = (file.bytes_at(0, 20_000)?, file.bytes_at(5_000, usize::MAX)?);
    assert!(one == bytes && two == bytes[5_000..]);
    assert_eq!(one[5_000..].as_ptr(), two.as_ptr());
    assert!(file.bytes_at(20_000, 1)?.is_empty() && file.bytes_at(u64::MAX, 1)?.is_empty());
    Ok(())
}

/// G1: sharing can be asked at any time.
fn handles_and_waiters_are_counted(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 2 * CHUNK as usize)?;
    let one = driver.open(&path, Opening::by(Mode::None))?;
    let two = driver.open(&path, Opening::by(Mode::None))?;
    assert_eq!(one.staging().map(|staging| staging.handles), Some(2));
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 1);
    let (staging, reading) = (Arc::clone(&one), Arc::clone(&two));
    let staged = start(move || staging.stage(Mode::Load));
    gate.wait_arrived(2)?;
    let read = start(move || reading.read(0, 10));
    wait_for("two to wait", || {
        one.staging().is_some_and(|staging| staging.waiting == 2)
    })?;
    gate.open();
    staged.join()??;
    read.join()??;
    assert_eq!(one.staging().map(|staging| staging.waiting), Some(0));
    wait_for("the reader to let go", || Arc::strong_count(&two) == 1)?;
    two.close()?;
    assert_eq!(one.staging().map(|staging| staging.handles), Some(1));
    Ok(())
}

/// G1: with the last handle go the memory, the descriptor and the mapping.
fn closing_the_last_handle_gives_everything_back(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 3 * CHUNK as usize)?;
    for &mode in driver.modes() {
        let one = driver.open(&path, Opening::by(mode))?;
        let two = driver.open(&path, Opening::by(mode))?;
        one.close()?;
        assert_eq!(two.read(0, 10)?.len(), 10, "another handle is not affected");
        drop(two);
        wait_for("everything to be given back", || driver.charged() == 0)?;
        wait_for("the descriptor to be closed", || {
            scene.descriptors().is_ok_and(|count| count == 0)
        })?;
        assert_eq!(scene.mappings()?, 0);
    }
    Ok(())
}

/// G3: an empty file is staged at once in every mode.
fn empty_files_are_staged_and_cost_nothing(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 0)?;
    for mode in [Mode::Auto, Mode::Map, Mode::MapShared, Mode::Load] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert_eq!(file.life(), Some(Life::Staged(How::Empty)), "{mode:?}");
        assert_eq!(
            (file.read(0, 10)?.len(), file.bytes_at(0, 10)?.len()),
            (0, 0)
        );
        assert_eq!(file.seek_from_end(0)?, 0);
        assert_eq!(driver.charged(), 0);
        file.close()?;
    }
    Ok(())
}

/// G3: also where the descriptor of that open is needed by nobody, because there is one.
fn an_empty_file_that_is_open_is_staged_by_an_open(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 0)?;
    let unstaged = driver.open(&path, Opening::by(Mode::None))?;
    for mode in [Mode::Map, Mode::Load, Mode::Auto] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert_eq!(file.read(0, 10)?.len(), 0, "{mode:?}");
        assert!(file.contents().is_some() && unstaged.contents().is_some());
        file.unstage()?;
        assert_eq!(unstaged.read(0, 10)?.len(), 0);
    }
    Ok(())
}

/// G4: readers go front to back, by lines, and from any place, in every mode.
fn readers_read_lines_and_seek(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let lines: Vec<String> = (0..20_000).map(|n| format!("line {n}")).collect();
    let text = lines.join("\n");
    let path = scene.path("text");
    std::fs::write(&path, &text)?;
    for mode in [Mode::Load, Mode::Map, Mode::MapShared, Mode::None] {
        let file = driver.open(&path, Opening::by(mode))?;
        assert!(file.read_through()? == text.as_bytes(), "{mode:?}");
        assert!(file.lines()? == lines, "{mode:?}");
        assert_eq!(file.seek_from_end(-5)?, text.len() as u64 - 5);
        assert_eq!(
            file.seek_from_start(1 << 40)?,
            1 << 40,
            "behind the end is no error"
        );
        let error = file
            .seek_from_end(-(1 << 40))
            .err()
            .ok_or("before the beginning")?;
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(names_its_file(&error, Operation::Seek, &path), "{error}");
        file.close()?;
    }
    Ok(())
}

/// G4: a read is short only at the end, empty behind it, and refused where no file can be.
fn reads_end_where_the_file_ends(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 30_000)?;
    for &mode in driver.modes() {
        let file = driver.open(&path, Opening::by(mode))?;
        assert!(file.read(29_990, 100)? == bytes[29_990..], "{mode:?}");
        assert!(file.read(30_000, 100)?.is_empty() && file.read(1 << 40, 100)?.is_empty());
        assert!(file.read(5, 0)?.is_empty());
        let far = file.read(u64::MAX, 100);
        assert!(far.is_err() || far?.is_empty(), "{mode:?}");
        file.close()?;
    }
    Ok(())
}
