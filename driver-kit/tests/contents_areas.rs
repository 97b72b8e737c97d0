//! G6: mapping takes nothing that the process needs to live.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{Mapping, Memory, PAGE, Share};
use std::{
    error::Error,
    fs,
    io::{ErrorKind, Write},
    os::fd::AsFd,
    thread,
};

/// A process that used up `vm.max_map_count` could not start a thread: it would be aborted.
#[test]
fn mapping_ends_before_the_systems_patience() -> Result<(), Box<dyn Error>> {
    let granted = fs::read_to_string("/proc/sys/vm/max_map_count");
    let granted: usize = granted.map_or(Ok(0), |granted| granted.trim().parse())?;
    if !(1..=1 << 20).contains(&granted) {
        return Ok(());
    }
    let len = 3 * PAGE;
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![7; len])?;
    let memory = Memory::new(u64::MAX);
    let map = || Mapping::new(&memory, file.as_fd(), len as u64, Share::Private);
    let mut mappings = Vec::new();
    let refused = loop {
        match map() {
            Ok(mapping) => mappings.push(mapping),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    // Three areas each, and a few thousand for everybody else, or half where there are few.
    let ours = granted.saturating_sub(4096).max(granted / 2);
    assert_eq!(mappings.len(), ours / 3, "of {granted}");
    let threads: Vec<_> = (0..64)
        .map(|_| thread::Builder::new().spawn(thread::yield_now))
        .collect();
    for thread in threads {
        assert!(thread?.join().is_ok());
    }
    drop(mappings.pop());
    assert!(map().is_ok(), "what was given back can be had again");
    Ok(())
}
