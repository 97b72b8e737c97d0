//! How much of a file is in memory, asked of the system by anybody: staged by us or not.

use crate::contents::resident_ranges;
use crate::error::{Cause, Failure, Operation, fault_of};
use crate::path;
use crate::perform;
use staging_core::Fault;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How much of a file the system had in memory at one moment.
///
/// It tells of the page cache, in whole pages. What a stager has *loaded* is memory of its own, and
/// stands there beside the file's pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Residency {
    /// The file: an absolute path without links.
    pub path: Arc<Path>,
    /// Its length, in bytes.
    pub len: u64,
    /// The bytes that are in memory, in rising order and apart; the last ends at `len` at most.
    pub ranges: Vec<Range<u64>>,
}

impl Residency {
    /// How many bytes are in memory.
    pub fn bytes(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| range.end - range.start)
            .sum()
    }

    /// How many bytes of this part of the file are in memory.
    pub fn bytes_in(&self, part: &Range<u64>) -> u64 {
        let first = self.ranges.partition_point(|range| range.end <= part.start);
        let meet = self.ranges[first..].iter();
        meet.take_while(|range| range.start < part.end)
            .map(|range| range.end.min(part.end) - range.start.max(part.start))
            .sum()
    }
}

/// Asks about a regular file: `openat2`, `statx`, `mincore`. Reads nothing, and brings nothing into
/// memory. May block while the file is opened.
///
/// # Errors
/// There is no regular file, it may not be read, or the system does not tell this process about it;
/// the message says what and where.
pub fn residency(path: impl AsRef<Path>) -> io::Result<Residency> {
    let path = path::absolute(path.as_ref()).map_err(Failure::into_io)?;
    let looked = perform::look_at(&path);
    let (file, stamp, real) = looked.map_err(|fault| not_told(&path, fault))?;
    let path = real.unwrap_or(path);
    let told = resident_ranges(&file, stamp.len);
    let mut ranges = told.map_err(|error| not_told(&path, fault_of(&error)))?;
    if let Some(last) = ranges.last_mut() {
        last.end = last.end.min(stamp.len);
    }
    Ok(Residency {
        path,
        len: stamp.len,
        ranges,
    })
}

fn not_told(path: &Arc<Path>, fault: Fault) -> io::Error {
    let failure = Failure {
        operation: Operation::Status,
        path: Arc::clone(path),
        cause: Cause::Fault(fault),
    };
    failure.into_io()
}
