//! The first bytes of a log: whose it is, and where its records begin.

use super::Which;
use super::failure::Unsound;

/// How long it is, in bytes.
pub const HEADER: u64 = 72;

const MAGIC: [u8; 8] = *b"\x8bstglog\n";
const VERSION: u32 = 1;
const CHECKED: usize = 64;
/// No log counts so far that another record would not have a number.
const LAST: u64 = u64::MAX >> 1;
const CONTEXT: &str = "staging log, version 1, key of frames";

/// A number that nothing else has: of a log, or of one file of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Identity(pub [u8; 16]);

impl Identity {
    /// One that was never given before.
    pub fn fresh() -> Identity {
        // The keys of the hasher are the system's random numbers.
        let half = || {
            use std::hash::{BuildHasher, Hasher};
            std::collections::hash_map::RandomState::new()
                .build_hasher()
                .finish()
        };
        Identity((u128::from(half()) << 64 | u128::from(half())).to_le_bytes())
    }
}

/// The key of the checks in one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key([u8; 32]);

impl Key {
    /// The check of a payload.
    pub(super) fn of_payload(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }

    /// The check of whatever else there is.
    pub(super) fn check(&self, bytes: &[u8]) -> u64 {
        // Another part of the hash than a payload's, so that no payload has a header's check.
        word(blake3::keyed_hash(&self.0, bytes).as_bytes(), 8)
    }
}

/// What stands at the beginning of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Whose: the same from checkpoint to checkpoint.
    pub lineage: Identity,
    /// Which file of it: each checkpoint begins another.
    pub identity: Identity,
    /// The sequence number of the first record.
    pub base: u64,
    /// How many bytes of the file were durable when it got its name.
    pub sealed: u64,
}

impl Header {
    /// Of a log that begins.
    pub fn begin() -> Header {
        Header {
            lineage: Identity::fresh(),
            identity: Identity::fresh(),
            base: 1,
            sealed: HEADER,
        }
    }

    /// As bytes, of which there are [`HEADER`].
    pub fn encode(&self) -> [u8; HEADER as usize] {
        let mut bytes = [0; HEADER as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.lineage.0);
        bytes[32..48].copy_from_slice(&self.identity.0);
        bytes[48..56].copy_from_slice(&self.base.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.sealed.to_le_bytes());
        let check = check(&bytes[..CHECKED]);
        bytes[CHECKED..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// From the first bytes of a file.
    ///
    /// # Errors
    /// It is no log, one of a newer version, or a damaged one.
    pub fn decode(bytes: &[u8]) -> Result<Header, Unsound> {
        begins(bytes, Which::Log, &MAGIC, VERSION)?;
        let bytes = bytes.get(..HEADER as usize).ok_or(Unsound::Header)?;
        if check(&bytes[..CHECKED]) != word(bytes, CHECKED) {
            return Err(Unsound::Header);
        }
        let header = Header {
            lineage: identity(bytes, 16),
            identity: identity(bytes, 32),
            base: word(bytes, 48),
            sealed: word(bytes, 56),
        };
        match (1..=LAST).contains(&header.base) && header.sealed >= HEADER {
            true => Ok(header),
            false => Err(Unsound::Header),
        }
    }

    /// The key of the checks in this file.
    pub fn key(&self) -> Key {
        Key(blake3::derive_key(CONTEXT, &self.encode()))
    }
}

fn check(bytes: &[u8]) -> u64 {
    word(blake3::hash(bytes).as_bytes(), 0)
}

/// Whether bytes begin as a file of ours does, of a version that is known here.
pub(super) fn begins(
    bytes: &[u8],
    which: Which,
    magic: &[u8; 8],
    version: u32,
) -> Result<(), Unsound> {
    let start = &bytes[..bytes.len().min(magic.len())];
    if start.is_empty() || !magic.starts_with(start) {
        return Err(Unsound::Foreign);
    }
    let Some(found) = bytes.get(8..12) else {
        return Err(Unsound::Header);
    };
    match u32::from_le_bytes([found[0], found[1], found[2], found[3]]) {
        found if found > version => Err(Unsound::Newer {
            which,
            version: found,
        }),
        _ => Ok(()),
    }
}

/// Eight bytes as a number.
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

pub(super) fn identity(bytes: &[u8], at: usize) -> Identity {
    let mut identity = [0; 16];
    identity.copy_from_slice(&bytes[at..at + 16]);
    Identity(identity)
}
