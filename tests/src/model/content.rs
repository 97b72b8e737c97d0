//! The bytes of one file, as the promises allow them to be.

use std::collections::BTreeSet;
use std::fmt;

/// What a file may hold: one vector of bytes where every outcome is known, and one for each way it
/// may have gone where an operation was given up in flight.
///
/// A byte may be what it is in any of them; where one of them ends before it, also zero, as a hole
/// reads (R10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    versions: Vec<Vec<u8>>,
    sizes: BTreeSet<u64>,
}

/// How much of a change happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    /// All of it.
    All,
    /// Nothing.
    Nothing,
    /// Its first bytes, so many.
    First(u64),
    /// Nobody was told: a system call was under way that the caller did not wait for.
    Unknown,
}

/// A change of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// Bytes from an offset on; behind the end, zeros fill the gap.
    Write(u64, &'a [u8]),
    /// Bytes at the end of what was accepted, wherever that was.
    Append(Option<u64>, &'a [u8]),
    /// The length.
    SetLen(u64),
}

impl Content {
    /// These bytes and no others.
    pub fn of(bytes: Vec<u8>) -> Content {
        let sizes = BTreeSet::from([bytes.len() as u64]);
        let versions = vec![bytes];
        Content { versions, sizes }
    }

    /// How long it is after everything accepted so far (R6); the greatest length that can be, where
    /// that is not known.
    pub fn size(&self) -> u64 {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// The bytes, where they are known.
    pub fn exact(&self) -> Option<&[u8]> {
        match &*self.versions {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Where an append accepted now may be (R1).
    pub fn takes_append_at(&self, place: u64) -> bool {
        self.sizes.contains(&place)
    }

    /// Where an append may have its place.
    pub fn places(&self) -> impl Iterator<Item = u64> {
        self.sizes.iter().copied()
    }

    /// Whether a byte may be this one; where no version reaches, any may.
    pub fn may_be(&self, at: usize, byte: u8) -> bool {
        let mut there = self.versions.iter().filter_map(|version| version.get(at));
        let reached = self.versions.iter().any(|version| at < version.len());
        !reached
            || byte == 0 && !self.versions.iter().all(|v| at < v.len())
            || there.any(|b| *b == byte)
    }

    /// The next change in the order of acceptance, and how much of it happened (R1, R9).
    pub fn apply(&mut self, change: Change<'_>, happened: Happened) {
        let executed = |version: &[u8], most: usize| {
            let mut after = version.to_vec();
            match change {
                Change::Write(at, bytes) | Change::Append(Some(at), bytes) => {
                    write(&mut after, at, &bytes[..most.min(bytes.len())]);
                }
                Change::Append(None, bytes) => write(&mut after, version.len() as u64, bytes),
                Change::SetLen(len) => after.resize(len as usize, 0),
            }
            after
        };
        let whole = |versions: &[Vec<u8>]| -> Vec<Vec<u8>> {
            let all = versions.iter();
            all.map(|version| executed(version, usize::MAX)).collect()
        };
        let sizes = self.sizes.clone();
        let grown = sizes.iter().map(|size| match change {
            Change::Write(_, []) => *size,
            Change::Write(at, bytes) => (*size).max(at + bytes.len() as u64),
            Change::Append(at, bytes) => at.unwrap_or(*size) + bytes.len() as u64,
            Change::SetLen(len) => len,
        });
        match happened {
            Happened::All => {
                self.sizes = grown.collect();
                self.versions = whole(&self.versions);
            }
            // What it was to make of the size counted until it was given up.
            Happened::Nothing => self.sizes.extend(grown),
            Happened::First(bytes) => {
                self.sizes.extend(grown);
                let all = self.versions.iter();
                self.versions = all
                    .map(|version| executed(version, bytes as usize))
                    .collect();
                let reached = self.versions.iter().map(|version| version.len() as u64);
                self.sizes.extend(reached);
            }
            Happened::Unknown => {
                self.sizes.extend(grown);
                let after = whole(&self.versions);
                self.versions.extend(after);
                self.versions.sort();
                self.versions.dedup();
            }
        }
    }

    /// A read of this range, of so many bytes, may have brought these (R6).
    ///
    /// # Errors
    /// What it may have been instead.
    pub fn allows(&self, offset: u64, len: usize, got: &[u8]) -> Result<(), Forbidden> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = |version: &Vec<u8>| version.len().saturating_sub(from).min(len);
        let shortest = self.versions.iter().map(there).min().unwrap_or(0);
        let longest = self.versions.iter().map(there).max().unwrap_or(0);
        if !(shortest..=longest).contains(&got.len()) {
            return Err(Forbidden::Length {
                got: got.len(),
                shortest,
                longest,
            });
        }
        if let Some(exact) = self.exact() {
            let from = from.min(exact.len());
            if exact[from..from + got.len()] == *got {
                return Ok(());
            }
        }
        for (at, byte) in (from..).zip(got) {
            let may = |version: &Vec<u8>| version.get(at).copied().unwrap_or(0) == *byte;
            if !self.versions.iter().any(may) {
                let all = self.versions.iter();
                let allowed = all.filter_map(|version| version.get(at).copied()).collect();
                let got = *byte;
                return Err(Forbidden::Byte { at, got, allowed });
            }
        }
        Ok(())
    }

    /// At rest the file was looked at: it is what it is, if that may be.
    ///
    /// # Errors
    /// It may not.
    pub fn settle(&mut self, actual: Vec<u8>) -> Result<(), Forbidden> {
        self.allows(0, usize::MAX, &actual)?;
        *self = Content::of(actual);
        Ok(())
    }
}

fn write(bytes: &mut Vec<u8>, at: u64, new: &[u8]) {
    if new.is_empty() {
        return;
    }
    let at = at as usize;
    if bytes.len() < at + new.len() {
        bytes.resize(at + new.len(), 0);
    }
    bytes[at..at + new.len()].copy_from_slice(new);
}

/// Why bytes may not be what was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forbidden {
    /// So many cannot be.
    Length {
        /// How many were.
        got: usize,
        /// How few there may be.
        shortest: usize,
        /// How many there may be.
        longest: usize,
    },
    /// One of them is another.
    Byte {
        /// Which.
        at: usize,
        /// What it is.
        got: u8,
        /// What it may be.
        allowed: BTreeSet<u8>,
    },
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Forbidden::Length {
                got,
                shortest,
                longest,
            } => write!(
                f,
                "{got} bytes were read, and {shortest} to {longest} there are"
            ),
            Forbidden::Byte { at, got, allowed } => {
                write!(f, "byte {at} is {got}, and may be of {allowed:?}")
            }
        }
    }
}
