//! What a disk was told, in the order in which it was told it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// One thing that a disk was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// These bytes are to stand there.
    Write {
        /// From where.
        offset: u64,
        /// What.
        bytes: &'a [u8],
    },
    /// Everything that was written before is to survive a loss of power.
    Flush,
}

/// How far a log had come: everything before it was told to the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position(pub u64);

const FLUSH: u8 = 0;
const WRITE: u8 = 1;
const HEAD: usize = 17;

/// Writes one behind the others.
///
/// # Errors
/// What the system said.
pub fn write_entry(log: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    let (kind, offset, bytes) = match entry {
        Entry::Flush => (FLUSH, 0, &[][..]),
        Entry::Write { offset, bytes } => (WRITE, *offset, *bytes),
    };
    let mut whole = Vec::with_capacity(HEAD + bytes.len());
    whole.push(kind);
    whole.extend(offset.to_le_bytes());
    whole.extend((bytes.len() as u64).to_le_bytes());
    whole.extend(bytes);
    log.write_all(&whole)
}

/// A whole log in memory.
#[derive(Debug)]
pub struct BlockLog(Vec<u8>);

impl BlockLog {
    /// Reads what a disk wrote.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> io::Result<BlockLog> {
        Ok(BlockLog(fs::read(path)?))
    }

    /// Every entry, with the position behind it.
    pub fn entries(&self) -> impl Iterator<Item = (Position, Entry<'_>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (entry, len) = entry_of(self.0.get(at..)?)?;
            at += len;
            Some((Position(at as u64), entry))
        })
    }
}

/// The first of these, and how long it is.
fn entry_of(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let number = |at: usize| {
        let word = head.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(word))
    };
    let len = usize::try_from(number(9)?).ok()?;
    let entry = match head[0] {
        FLUSH => Entry::Flush,
        _ => Entry::Write {
            offset: number(1)?,
            bytes: rest.get(..len)?,
        },
    };
    Some((entry, HEAD + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_can_be_read() -> io::Result<()> {
        let told = [
            Entry::Write {
                offset: 7 << 40,
                bytes: b"bytes",
            },
            Entry::Flush,
            Entry::Write {
                offset: 0,
                bytes: b"",
            },
        ];
        let mut log = Vec::new();
        for entry in &told {
            write_entry(&mut log, entry)?;
        }
        let end = Position(log.len() as u64);
        log.extend([1, 2]);
        let log = BlockLog(log);
        let read: Vec<_> = log.entries().collect();
        assert_eq!(
            read.iter().map(|(_, entry)| *entry).collect::<Vec<_>>(),
            told
        );
        assert_eq!(
            read.last().map(|(at, _)| *at),
            Some(end),
            "what is cut off is no entry"
        );
        Ok(())
    }
}
