//! A1, A2, A3: strangers exchange directories, links and targets while files are replaced. Whatever is read is
//! whole, nothing is written where no path ever led, and nothing is left.

use driver_blocking::{Durability, Stager};
use driver_kit::error::failure;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use tests::rig::protocols::{content, number_of};

type Proof = Result<(), Box<dyn Error>>;

/// So often a file is replaced, while it goes on.
const TIMES: u64 = 400;

/// Replaces a path again and again while `swap` makes two ways exchange. Says how many were committed.
fn race(path: &Path, swap: impl Fn() -> io::Result<()> + Sync) -> Result<u64, Box<dyn Error>> {
    let (over, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                swap()?;
                swaps.fetch_add(1, Ordering::Release);
            }
            Ok::<(), io::Error>(())
        });
        let raced = replaces(path, &swaps, || swapper.is_finished());
        over.store(true, Ordering::Release);
        swapper.join().map_err(|_| "the stranger panicked")??;
        raced
    })
}

fn replaces(
    path: &Path,
    swaps: &AtomicU64,
    is_over: impl Fn() -> bool,
) -> Result<u64, Box<dyn Error>> {
    let stager = Stager::new();
    let mut committed = 0;
    for number in 0..TIMES {
        let before = swaps.load(Ordering::Acquire);
        let replace = stager.replace(path, content(number));
        match replace.durability(Durability::None).commit() {
            Ok(()) => committed += 1,
            Err(error) => {
                let failure = failure(&error).ok_or("an error of nothing")?;
                assert!(!failure.is_indeterminate(), "{error}");
            }
        }
        match fs::read(path) {
            Ok(bytes) => assert!(number_of(&bytes).is_some(), "replace {number}: it is torn"),
            // Something else stands there just now.
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::InvalidData),
        }
        // The stranger keeps up.
        while swaps.load(Ordering::Acquire) == before && !is_over() {
            thread::yield_now();
        }
    }
    Ok(committed)
}

/// Every file beneath, with its number; none that is torn.
fn everything(at: &Path) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            let beneath = everything(&entry.path())?;
            found.extend(
                beneath
                    .into_iter()
                    .map(|(rest, number)| (format!("{name}/{rest}"), number)),
            );
        } else if entry.file_type()?.is_file() {
            let number = number_of(&fs::read(entry.path())?).ok_or(format!("{name} is torn"))?;
            found.push((name, number));
        }
    }
    found.sort();
    Ok(found)
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Directories with a file each.
fn folders(root: &Path, names: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for name in names {
        let folder = root.join(name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("file"), content(9_000))?;
        folders.push(folder);
    }
    Ok(folders)
}

/// A1, A2: each lands in the one or the other.
#[test]
fn a_directory_that_is_exchanged_gets_whole_files_alone() -> Proof {
    let root = tempfile::tempdir()?;
    let all = folders(root.path(), &["a", "b", "never"])?;
    let committed = race(&all[0].join("file"), || exchange(&all[0], &all[1]))?;
    assert_eq!(committed, TIMES, "both are there always");
    let found = everything(root.path())?;
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        ["a/file", "b/file", "never/file"],
        "something is left"
    );
    assert_eq!(found[2].1, 9_000, "no path led there");
    assert!(found[0].1 < TIMES || found[1].1 < TIMES);
    Ok(())
}

/// A3: a link is replaced where it led to at some moment, and stays a link.
#[test]
fn a_link_that_is_turned_leads_to_whole_files_alone() -> Proof {
    let root = tempfile::tempdir()?;
    folders(root.path(), &["a", "b", "never"])?;
    let (link, next) = (root.path().join("link"), root.path().join("next"));
    symlink("a/file", &link)?;
    symlink("b/file", &next)?;
    let committed = race(&link, || exchange(&link, &next))?;
    assert_eq!(committed, TIMES, "both are there always");
    assert!(fs::symlink_metadata(&link)?.is_symlink() && fs::symlink_metadata(&next)?.is_symlink());
    let found = everything(root.path())?;
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        ["a/file", "b/file", "never/file"],
        "something is left"
    );
    assert_eq!(found[2].1, 9_000, "no path led there");
    Ok(())
}

/// A1, A3: a target that is a directory now and then is replaced when it is a file, and refused else.
#[test]
fn a_target_that_is_a_directory_at_times_is_never_lost() -> Proof {
    let root = tempfile::tempdir()?;
    let (target, other) = (root.path().join("target"), root.path().join("other"));
    fs::write(&target, content(9_000))?;
    fs::create_dir(&other)?;
    fs::write(other.join("inside"), content(9_001))?;
    race(&target, || exchange(&target, &other))?;
    let found = everything(root.path())?;
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    let turned = names == ["other", "target/inside"];
    assert!(turned || names == ["other/inside", "target"], "{names:?}");
    Ok(())
}
