//! The snapshot beside a log: the caller's bytes, and which records they stand for.

use super::Which;
use super::failure::Unsound;
use super::frame::finish;
use super::header::{Identity, begins, identity, word};

/// How long its header is, in bytes.
pub const SNAPSHOT_HEADER: u64 = 64;

const MAGIC: [u8; 8] = *b"\x8bstgsnp\n";
const VERSION: u32 = 1;
const CHECKED: usize = 56;

/// What stands before the caller's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotHeader {
    /// Of which log.
    pub lineage: Identity,
    /// It stands for every record up to this one.
    pub upto: u64,
    /// How many bytes follow.
    pub len: u64,
    check: u64,
}

impl SnapshotHeader {
    /// For these bytes.
    pub fn of(lineage: Identity, upto: u64, payload: &[u8]) -> SnapshotHeader {
        SnapshotHeader {
            lineage,
            upto,
            len: payload.len() as u64,
            check: check(payload),
        }
    }

    /// The whole file.
    pub fn content(&self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SNAPSHOT_HEADER as usize + payload.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.lineage.0);
        bytes.extend_from_slice(&self.upto.to_le_bytes());
        bytes.extend_from_slice(&self.len.to_le_bytes());
        bytes.extend_from_slice(&self.check.to_le_bytes());
        let head = check(&bytes);
        bytes.extend_from_slice(&head.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    /// From the first bytes of a file that is so long.
    ///
    /// # Errors
    /// It is no snapshot, one of a newer version, or a damaged one.
    pub fn decode(bytes: &[u8], file: u64) -> Result<SnapshotHeader, Unsound> {
        begins(bytes, Which::Snapshot, &MAGIC, VERSION)?;
        let bytes = bytes
            .get(..SNAPSHOT_HEADER as usize)
            .ok_or(Unsound::Snapshot)?;
        let header = SnapshotHeader {
            lineage: identity(bytes, 16),
            upto: word(bytes, 32),
            len: word(bytes, 40),
            check: word(bytes, 48),
        };
        let sound = check(&bytes[..CHECKED]) == word(bytes, CHECKED)
            && header.len.checked_add(SNAPSHOT_HEADER) == Some(file);
        sound.then_some(header).ok_or(Unsound::Snapshot)
    }

    /// Whether what a hasher was given are its bytes.
    ///
    /// # Errors
    /// They are not.
    pub(super) fn verify_hashed(&self, hasher: &blake3::Hasher) -> Result<(), Unsound> {
        let its = hasher.count() == self.len && finish(hasher) == self.check;
        its.then_some(()).ok_or(Unsound::Snapshot)
    }

    /// Whether these are its bytes.
    ///
    /// # Errors
    /// They are not.
    pub fn verify(&self, payload: &[u8]) -> Result<(), Unsound> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(payload);
        self.verify_hashed(&hasher)
    }
}

fn check(bytes: &[u8]) -> u64 {
    word(blake3::hash(bytes).as_bytes(), 0)
}
