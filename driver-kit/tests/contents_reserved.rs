//! G10: address space is reserved for what is kept, and no piece of it is left behind.
//!
//! Alone in its process, so that the process's own figure can be compared.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{Memory, PAGE};
use std::{error::Error, fs, io};

/// The address space of this process, in bytes.
fn reserved() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmSize:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no VmSize line")?;
    Ok(kib.parse::<u64>()? << 10)
}

/// G10: each pool has one chunk, cut out of a wider piece so that huge pages fit; what is cut off
/// goes at once, the rest with the pool.
#[test]
fn a_pool_reserves_its_chunk_and_leaves_nothing() -> Result<(), Box<dyn Error>> {
    const POOLS: u64 = 16;
    const CHUNK: u64 = 32 << 20;
    const SLACK: u64 = 256 << 10; // the test's own heap
    let pool = || Memory::new(1 << 20).take(1);
    drop(pool()?);
    let before = reserved()?;
    let pools = (0..POOLS).map(|_| pool()).collect::<io::Result<Vec<_>>>()?;
    let grown = reserved()? - before;
    assert!(grown.abs_diff(POOLS * CHUNK) <= SLACK, "{grown} bytes");
    drop(pools);
    // Larger than a chunk, each has a piece of its own, which need not begin where huge pages do.
    for pages in [8_193, 8_300, 9_001] {
        drop(Memory::new(u64::MAX).take(pages * PAGE)?);
    }
    let left = reserved()?.saturating_sub(before);
    assert!(left <= SLACK, "{left} bytes are left behind");
    Ok(())
}
