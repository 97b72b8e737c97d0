//! Staged pages that the system may not take: what is staged is locked, what is given back is not.
//! One case, because what is locked is counted for the process.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{Mapping, Means, Memory, PAGE, Paging, Share, lockable};
use std::error::Error;
use std::io::Write;
use std::os::fd::AsFd;

/// What the system says this process has locked, in bytes.
fn locked() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.ok_or("VmLck is not told")?.parse::<u64>()? * 1024)
}

#[test]
fn what_is_staged_is_locked_and_what_is_given_back_is_not() -> Result<(), Box<dyn Error>> {
    const LARGE: usize = 40 << 20;
    if lockable() < 80 << 20 {
        std::io::stderr().write_all(b"skipped: too little memory may be locked here\n")?;
        return Ok(());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![7; 600 * PAGE + 9])?;
    let len = 600 * PAGE as u64 + 9;
    let pageable = Memory::new(u64::MAX);
    drop((pageable.take(PAGE)?, pageable.take(LARGE)?));
    assert_eq!(locked()?, 0);

    let means = Means {
        paging: Paging::Locked,
        ..Means::default()
    };
    let memory = Memory::by_means(u64::MAX, means);
    let small = memory.take(3 * PAGE)?;
    assert_eq!(locked()?, memory.arena_bytes());
    assert!(memory.arena_bytes() >= small.charged());
    let (middle, mut large) = (memory.take(3 << 20)?, memory.take(LARGE)?);
    large.bring_in(0, LARGE / 2)?;
    assert_eq!(locked()?, memory.arena_bytes() - LARGE as u64 / 2);
    large.bring_in(LARGE / 2, LARGE)?;
    assert_eq!(locked()?, memory.arena_bytes());
    let before = locked()?;
    let mapping = Mapping::new(&memory, file.as_fd(), len, Share::Private)?;
    mapping.populate(0, 300 * PAGE as u64)?;
    mapping.populate(300 * PAGE as u64, len)?;
    assert_eq!(locked()?, before + mapping.charged());
    assert_eq!(memory.take(PAGE)?.len(), PAGE);
    drop((middle, large, mapping));
    assert_eq!(locked()?, memory.arena_bytes(), "pooled pages stay locked");
    memory.trim();
    assert_eq!(
        (memory.arena_bytes(), locked()?),
        (small.charged(), small.charged())
    );
    drop(small);
    memory.trim();
    assert_eq!((memory.arena_bytes(), locked()?), (0, 0));
    Ok(())
}
