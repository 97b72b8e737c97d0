//! G10: what the arena says it holds is what the kernel says it holds.
//!
//! Alone in its process, so that the process's own figure can be compared.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{Block, Memory};
use std::{error::Error, fs};

/// Anonymous memory of this process, in bytes.
fn anonymous() -> Result<u64, Box<dyn Error>> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no Anonymous line")?;
    Ok(kib.parse::<u64>()? << 10)
}

/// G10
#[test]
fn counted_bytes_are_resident_bytes() -> Result<(), Box<dyn Error>> {
    const SLACK: u64 = 1 << 20; // the test's own heap and stack
    for len in [4 << 10, 5 << 20] {
        let before = anonymous()?;
        let untouched = Memory::new(len).take(len as usize)?;
        let came = anonymous()?.saturating_sub(before);
        assert!(came.abs_diff(len) <= SLACK, "{came} of {len} bytes");
        drop(untouched);
    }
    // A large one is counted at once, and comes in by steps.
    let (len, step) = (37 << 20, 8 << 20);
    let before = anonymous()?;
    let memory = Memory::new(len);
    let mut large = memory.take(len as usize)?;
    assert_eq!(memory.arena_bytes(), len);
    for offset in (0..len).step_by(step as usize) {
        let came = anonymous()?.saturating_sub(before);
        assert!(came.abs_diff(offset) <= SLACK, "{came} of {offset} bytes");
        large.bring_in(offset as usize, step as usize)?;
    }
    let came = anonymous()?.saturating_sub(before);
    assert!(came.abs_diff(len) <= SLACK, "{came} of {len} bytes");
    large.bring_in(usize::MAX, usize::MAX)?;
    large.bring_in(5, 0)?;
    drop((large, memory));
    for budget in [5 << 20, 70 << 20, u64::MAX] {
        let memory = Memory::new(budget);
        let before = anonymous()?;
        let mut held: Vec<Block> = Vec::new();
        let mut seed = 88172645463325252u64;
        for step in 0..3_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let len = if seed.is_multiple_of(16) {
                seed % (4 << 20)
            } else {
                seed % 60_000
            };
            match memory.take(len as usize) {
                Ok(mut block) => {
                    block.fill(step as u8);
                    held.push(block);
                }
                Err(_) => held.truncate(held.len() / 2),
            }
            if seed.is_multiple_of(3) && !held.is_empty() {
                held.swap_remove(seed as usize % held.len());
            }
            if step % 500 == 499 {
                held.truncate(held.len() / 4);
                memory.trim();
            }
            if step % 50 == 0 {
                let said = memory.arena_bytes();
                let is = anonymous()?.saturating_sub(before);
                assert!(is.abs_diff(said) <= SLACK, "{said} counted, {is} resident");
            }
        }
    }
    Ok(())
}
