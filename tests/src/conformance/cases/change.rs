//! G5, G6: a file that others change while it is staged, and afterwards.

use crate::conformance::driver::{Driver, Open, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof};
use crate::conformance::scene::{CHUNK, Scene, pattern};
use crate::conformance::watch::{start, wait_for};
use driver_kit::core::{Fault, How, Life, Mode, Why};
use driver_kit::handlers::ActionKind;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// What others do to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Delete,
    Replace,
    Grow,
    Cut,
    CutToNothing,
    Rewrite,
}

const CHANGES: [(Change, &str); 6] = [
    (Change::Delete, "deleted"),
    (Change::Replace, "replaced"),
    (Change::Grow, "grown"),
    (Change::Cut, "cut"),
    (Change::CutToNothing, "cut_to_nothing"),
    (Change::Rewrite, "rewritten"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::named(
            "change::patience_with_a_changing_file_ends".into(),
            "G5",
            patience_ends,
        ),
        Case::named(
            "change::waiting_reads_see_the_version_that_was_staged".into(),
            "G2, G5",
            waiting_reads_see_one_version,
        ),
        Case::named(
            "change::a_file_that_was_replaced_stays_what_it_was".into(),
            "G1, G9",
            numbers_are_used_again,
        ),
        Case::named(
            "change::a_cut_mapping_can_be_staged_again".into(),
            "G6",
            a_cut_mapping_can_be_staged_again,
        ),
        Case::named(
            "change::a_cut_within_the_last_page_loses_nothing".into(),
            "G6",
            a_cut_within_the_last_page,
        ),
        Case::named(
            "change::a_small_file_that_changes_while_it_is_fetched".into(),
            "G5",
            changed_while_fetched,
        ),
    ];
    for (change, words) in CHANGES {
        for (mode, by) in [
            (Mode::Load, "loaded"),
            (Mode::Map, "mapped"),
            (Mode::MapShared, "mapped_shared"),
        ] {
            let name = format!("change::{words}_while_it_is_{by}");
            cases.push(Case::named(name, "G5, G6", move |scene| {
                during(scene, change, mode)
            }));
            let name = format!("change::{words}_after_it_was_{by}");
            cases.push(Case::named(name, "G4, G6", move |scene| {
                afterwards(scene, change, mode)
            }));
        }
        let name = format!("change::{words}_while_it_is_open_unstaged");
        let proof = move |scene: &Scene| unstaged(scene, change);
        cases.push(Case::named(name, "G1, G11", proof).of_the_core());
    }
    cases
}

const LEN: usize = 4 * CHUNK as usize;

/// Changes the file, and says what its path and what its inode hold afterwards.
fn apply(change: Change, path: &Path, before: &[u8]) -> io::Result<(Option<Vec<u8>>, Vec<u8>)> {
    let shorter = CHUNK as usize + 5;
    Ok(match change {
        Change::Delete => {
            fs::remove_file(path)?;
            (None, before.to_vec())
        }
        Change::Replace => {
            let other = pattern(LEN - 999, 201);
            let beside = path.with_extension("new");
            fs::write(&beside, &other)?;
            fs::rename(&beside, path)?;
            (Some(other), before.to_vec())
        }
        Change::Grow => {
            let more = pattern(3_000, 77);
            fs::OpenOptions::new()
                .append(true)
                .open(path)?
                .write_all(&more)?;
            let all = [before, &more].concat();
            (Some(all.clone()), all)
        }
        Change::Cut => {
            fs::OpenOptions::new()
                .write(true)
                .open(path)?
                .set_len(shorter as u64)?;
            (Some(before[..shorter].to_vec()), before[..shorter].to_vec())
        }
        Change::CutToNothing => {
            fs::OpenOptions::new().write(true).open(path)?.set_len(0)?;
            (Some(Vec::new()), Vec::new())
        }
        Change::Rewrite => {
            let other = pattern(LEN, 150);
            let mut file = fs::OpenOptions::new().write(true).open(path)?;
            file.write_all(&other)?;
            (Some(other.clone()), other)
        }
    })
}

/// G5: staged is one version, whole, of the file that was opened.
fn during(scene: &Scene, change: Change, mode: Mode) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
    let (opening, there) = (Arc::clone(&driver), path.clone());
    let opened = start(move || opening.open(&there, Opening::by(mode)));
    gate.wait_arrived(3)?;
    let (_, inode) = apply(change, &path, &before)?;
    gate.open();
    let file = opened.join()??;
    let how = match mode {
        _ if inode.is_empty() => How::Empty,
        Mode::Map => How::Mapped,
        Mode::MapShared => How::MappedShared,
        Mode::Auto | Mode::Load | Mode::None => How::Loaded,
    };
    assert_eq!(file.life(), Some(Life::Staged(how)));
    assert!(
        file.read(0, 2 * LEN)? == inode,
        "it is whole and of one version"
    );
    let again = matches!(
        change,
        Change::Grow | Change::Cut | Change::CutToNothing | Change::Rewrite
    );
    assert_eq!(driver.stats().restarts > 0, again, "{:?}", driver.stats());
    Ok(())
}

/// Every byte is one that the file held at this place.
fn held(read: &[u8], versions: [&[u8]; 2]) -> bool {
    read.iter()
        .enumerate()
        .all(|(at, byte)| versions.iter().any(|version| version.get(at) == Some(byte)))
}

/// G4, G6: loaded contents stay what they were; mapped ones are right or an error says not.
fn afterwards(scene: &Scene, change: Change, mode: Mode) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(mode))?;
    let kept = file.contents().ok_or("not staged")?;
    let (named, inode) = apply(change, &path, &before)?;
    let lost = mode != Mode::Load && matches!(change, Change::Cut | Change::CutToNothing);
    match file.read(0, 2 * LEN) {
        Ok(read) => {
            assert!(!lost, "bytes were lost, and nobody said so");
            assert_eq!(read.len(), LEN, "it is as long as when it was staged");
            assert!(
                mode != Mode::Load || read == before,
                "loaded contents never change"
            );
            assert!(held(&read, [&before, &inode]));
        }
        Err(error) => {
            assert!(lost, "{error}");
            assert_eq!(fault_of(&error), Some(Fault::Truncated), "{error}");
        }
    }
    assert_eq!(kept.is_intact(), !lost);
    newer_version_is_found(driver.as_ref(), &file, &path, named.as_deref())
}

/// K4: opened again, the path gives what it leads to now.
fn newer_version_is_found(
    driver: &dyn Driver,
    file: &Open,
    path: &Path,
    named: Option<&[u8]>,
) -> Proof {
    match (driver.open(path, Opening::by(Mode::Load)), named) {
        (Ok(again), Some(named)) => {
            let read = again.read(0, 2 * LEN)?;
            assert!(
                read == named,
                "{} instead of {} bytes",
                read.len(),
                named.len()
            );
        }
        (Err(error), None) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
        (Ok(_), None) => return Err("it is deleted, and was opened".into()),
        (Err(error), Some(_)) => return Err(error.into()),
    }
    let _ = file.read(0, 10);
    Ok(())
}

/// Unstaged, it is read as it is now; with its path gone, from the inode that was opened.
fn unstaged(scene: &Scene, change: Change) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let (named, inode) = apply(change, &path, &before)?;
    let read = file.read(0, 2 * LEN)?;
    assert!(
        read == inode,
        "{} instead of {} bytes",
        read.len(),
        inode.len()
    );
    let standing = file.stage(Mode::Load)?;
    assert!(matches!(standing, driver_kit::core::Standing::Staged(_)));
    assert!(
        file.read(0, 2 * LEN)? == inode,
        "staged later, it is the same inode"
    );
    newer_version_is_found(driver.as_ref(), &file, &path, named.as_deref())
}

/// G5: staging starts again a bounded number of times, then fails and says why.
fn patience_ends(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let driver = scene.driver();
        let (path, _) = scene.file("file", LEN)?;
        let file = driver.open(&path, Opening::by(Mode::None))?;
        let gate = Gate::judging(driver.hub(), ActionKind::Load, |_| {
            Verdict::Say(|completion| match completion {
                driver_kit::core::Completion::Loaded { mut stamp } => {
                    stamp.version += 1;
                    driver_kit::core::Completion::Loaded { stamp }
                }
                other => other,
            })
        });
        let error = file.stage(mode).err().ok_or("staged")?;
        assert_eq!(fault_of(&error), Some(Fault::Changed), "{error}");
        assert_eq!(
            file.life(),
            Some(Life::NotStaged(Why::Failed(Fault::Changed)))
        );
        let restarts = u64::from(Scene::limits().restarts);
        assert_eq!(driver.stats().restarts, restarts);
        assert_eq!(gate.arrived() as u64, restarts + 1);
        wait_for("the memory to come back", || driver.charged() == 0)?;
        drop(gate);
        file.stage(mode)?;
    }
    Ok(())
}

/// G2, G5: never a mix, also not for those who waited through a restart.
fn waiting_reads_see_one_version(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
    let (staging, reading) = (Arc::clone(&file), Arc::clone(&file));
    let staged = start(move || staging.stage(Mode::Load));
    gate.wait_arrived(3)?;
    let read = start(move || reading.read(0, LEN));
    wait_for("the read to wait", || {
        file.staging().is_some_and(|staging| staging.waiting == 2)
    })?;
    let (_, inode) = apply(Change::Rewrite, &path, &before)?;
    gate.open();
    assert!(read.join()?? == inode);
    staged.join()??;
    Ok(())
}

/// G6: everything else goes on; unstaged and staged again, it shows what the file holds now.
fn a_cut_mapping_can_be_staged_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN)?;
    let (other, bytes) = scene.file("other", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Map))?;
    let other = driver.open(&other, Opening::by(Mode::Map))?;
    apply(Change::Cut, &path, &before)?;
    for _ in 0..3 {
        assert!(file.read(0, LEN).is_err(), "once lost, always lost");
    }
    assert!(file.bytes_at(0, LEN).is_err());
    assert!(other.read(0, LEN)? == bytes);
    file.unstage()?;
    let left = &before[..CHUNK as usize + 5];
    assert!(file.read(0, LEN)? == left);
    file.stage(Mode::Map)?;
    assert!(file.read(0, LEN)? == left);
    Ok(())
}

/// G1, G9: ext4 gives the number of an inode that is gone to the next file. Saved again and again by a
/// temporary file and a rename, a file soon has a number that it had before; who opened that version
/// keeps it.
fn numbers_are_used_again(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path("file");
    let beside = scene.path("beside");
    let mut kept: Vec<(Open, Vec<u8>)> = Vec::new();
    for version in 0..8 {
        let bytes = pattern(10_000, version);
        fs::write(&beside, &bytes)?;
        fs::rename(&beside, &path)?;
        let file = driver.open(&path, Opening::by(Mode::Load))?;
        kept.push((file, bytes));
    }
    for (version, (file, bytes)) in kept.iter().enumerate() {
        assert!(file.read(0, bytes.len())? == *bytes, "version {version}");
        let handles = file.staging().map(|staging| staging.handles);
        assert_eq!(handles, Some(1), "version {version}");
    }
    Ok(())
}

/// G6: the last page is a copy of ours.
fn a_cut_within_the_last_page(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, before) = scene.file("file", LEN - 100)?;
    let file = driver.open(&path, Opening::by(Mode::Map))?;
    fs::OpenOptions::new()
        .write(true)
        .open(&path)?
        .set_len(LEN as u64 - 500)?;
    assert!(
        file.read(0, LEN)? == before,
        "as when it was staged, without zeros"
    );
    assert!(file.contents().is_some_and(|contents| contents.is_intact()));
    Ok(())
}

/// G5: a fused fetch looks twice as well.
fn changed_while_fetched(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, _) = scene.file("file", 8_000)?;
    let rewritten = pattern(9_000, 111);
    for round in 0..20 {
        let gate = Gate::holding(driver.hub(), ActionKind::Fetch, 0);
        let (opening, there) = (Arc::clone(&driver), path.clone());
        let opened = start(move || opening.open_staged(&there));
        gate.wait_arrived(1)?;
        fs::write(&path, &rewritten[round..])?;
        gate.open();
        assert!(opened.join()??.read(0, 10_000)? == rewritten[round..]);
    }
    Ok(())
}
