//! How much of a file is in memory: asked of the system, and told as it is.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::PAGE;
use driver_kit::{error, residency};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

type Outcome = Result<(), Box<dyn Error>>;

const P: u64 = PAGE as u64;

/// A file on a disk that keeps its pages apart, written back and forgotten; `None` where pages
/// cannot be dropped, as in a file system in memory.
fn cold(folder: &Path, len: usize) -> Result<Option<File>, Box<dyn Error>> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(folder.join("file"))?;
    file.write_all(&vec![7; len])?;
    file.sync_all()?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    // What is read by chance must not bring in what stands beside it.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random)?;
    let seen = residency(folder.join("file"))?;
    Ok((seen.bytes() == 0).then_some(file))
}

#[test]
fn what_was_written_is_in_memory_to_its_last_byte() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    std::fs::write(&path, vec![7; 3 * PAGE + 9])?;
    let seen = residency(&path)?;
    assert_eq!(seen.len, 3 * P + 9);
    assert_eq!(seen.bytes(), seen.len);
    assert_eq!(seen.bytes_in(&(0..seen.len)), seen.len);
    Ok(())
}

#[test]
fn an_empty_file_has_nothing_in_memory() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    File::create(&path)?;
    let seen = residency(&path)?;
    assert_eq!((seen.len, seen.bytes(), seen.ranges.len()), (0, 0, 0));
    Ok(())
}

#[test]
fn what_was_dropped_is_not_and_what_is_read_is_again() -> Outcome {
    let folder = tempfile::tempdir_in(".")?;
    let Some(file) = cold(folder.path(), 64 * PAGE)? else {
        std::io::stderr().write_all(b"skipped: pages cannot be dropped here\n")?;
        return Ok(());
    };
    let path = folder.path().join("file");
    file.read_exact_at(&mut [0], 20 * P)?;
    let seen = residency(&path)?;
    assert!(seen.bytes() < seen.len, "not all of it came in");
    let one = seen.bytes_in(&(20 * P..21 * P));
    assert_eq!(one, P);
    let elsewhere: u64 = [0..20 * P, 21 * P..64 * P]
        .iter()
        .map(|part| seen.bytes_in(part))
        .sum();
    assert_eq!(one + elsewhere, seen.bytes());
    assert_eq!(residency(&path)?, seen, "asking brings nothing in");
    Ok(())
}

#[test]
fn a_part_meets_the_ranges_where_they_are() {
    let seen = driver_kit::Residency {
        path: Path::new("/file").into(),
        len: 10_000,
        ranges: vec![0..4096, 8192..10_000],
    };
    let of = |part| seen.bytes_in(&part);
    assert_eq!(seen.bytes(), 4096 + 1808);
    assert_eq!(
        [of(0..10_000), of(0..4096), of(4096..8192)],
        [5904, 4096, 0]
    );
    assert_eq!(
        [of(4000..8200), of(9_999..10_000), of(5..5)],
        [96 + 8, 1, 0]
    );
}

#[test]
fn what_is_no_file_is_an_error_with_its_absolute_path() -> Outcome {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().canonicalize()?;
    let missing = folder.join("missing");
    let Err(refused) = residency(&missing) else {
        return Err("a missing file was found".into());
    };
    assert_eq!(error::errno(&refused), Some(libc::ENOENT));
    let said = refused.to_string();
    assert!(
        said.contains("ask about") && said.contains(&missing.display().to_string()),
        "{said}"
    );
    let Err(refused) = residency(&folder) else {
        return Err("a directory was taken for a file".into());
    };
    assert_eq!(refused.kind(), std::io::ErrorKind::IsADirectory);
    Ok(())
}

#[test]
fn a_large_file_is_asked_about_in_windows_that_join() -> Outcome {
    const EDGE: u64 = 1 << 30;
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("sparse");
    let file = File::create(&path)?;
    file.set_len(2 * EDGE + 9)?;
    file.write_all_at(&[7; 2 * PAGE], EDGE - P)?;
    file.write_all_at(&[7; 9], 2 * EDGE)?;
    let seen = residency(&path)?;
    assert_eq!(seen.ranges, [EDGE - P..EDGE + P, 2 * EDGE..2 * EDGE + 9]);
    Ok(())
}
