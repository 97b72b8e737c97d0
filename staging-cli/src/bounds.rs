//! The bounds of one run: what was asked for, and what the system grants.

use crate::args::StageArgs;
use crate::size::Size;
use driver_blocking::{Limits, Paging, lockable};
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Far more files than anyone's memory holds; a run keeps all of its files to its end.
const HANDLES: u32 = 1 << 30;

/// Descriptors for everything but staging: the standard streams, signals, the walk, and what was
/// inherited.
const OTHER_DESCRIPTORS: u64 = 32;

/// More descriptors than this never made anything faster.
const MOST_DESCRIPTORS: u64 = 4096;

/// More threads than this rarely help, however slow storage is.
const MOST_THREADS: u32 = 64;

/// Every bound of a run.
pub(crate) fn of(args: &StageArgs, budget: u64) -> Limits {
    let default = Limits::default();
    Limits {
        operations: default.operations.max(args.concurrency),
        handles: HANDLES,
        descriptors: descriptors(getrlimit(Resource::Nofile).current),
        budget,
        ..default
    }
}

/// How many bytes may be in memory.
pub(crate) fn budget(asked: Option<Size>) -> u64 {
    asked.map_or_else(available_memory, |Size(bytes)| bytes)
}

/// How staged files may be paged.
pub(crate) fn paging(args: &StageArgs) -> Paging {
    match args.lock {
        true => Paging::Locked,
        false => Paging::Allowed,
    }
}

/// What more cannot be locked than, if it is to be.
pub(crate) fn lockable_of(args: &StageArgs) -> u64 {
    match args.lock {
        true => lockable(),
        false => u64::MAX,
    }
}

/// How many threads may read.
pub(crate) fn threads(args: &StageArgs) -> u32 {
    args.threads.unwrap_or(MOST_THREADS)
}

/// What is left of the process's descriptors: at least half of them, where there are few.
fn descriptors(granted: Option<u64>) -> u32 {
    let granted = granted.unwrap_or(u64::MAX);
    let rest = granted.saturating_sub(OTHER_DESCRIPTORS).max(granted / 2);
    rest.clamp(1, MOST_DESCRIPTORS) as u32
}

/// The memory that can be taken without pushing others out; no bound where the system does not
/// tell.
fn available_memory() -> u64 {
    fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|meminfo| available_in(&meminfo))
        .unwrap_or(u64::MAX)
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{available_in, descriptors};

    #[test]
    fn some_descriptors_are_left_for_the_rest() {
        assert_eq!(descriptors(Some(1024)), 992);
        assert_eq!(descriptors(Some(64)), 32);
        assert_eq!(descriptors(Some(10)), 5);
        assert_eq!(descriptors(Some(1)), 1);
        assert_eq!(descriptors(None), 4096);
    }

    #[test]
    fn available_memory_is_read_in_bytes() {
        let meminfo = "MemTotal:  100 kB\nMemAvailable:   42 kB\nBuffers: 1 kB\n";
        assert_eq!(available_in(meminfo), Some(42 << 10));
        assert_eq!(available_in("MemTotal: 100 kB\n"), None);
    }
}
