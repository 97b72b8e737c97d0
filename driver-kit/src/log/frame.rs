//! A record on its way to the file: what stands before its payload.

use super::header::{Key, word};

/// How long it is, in bytes.
pub const FRAME: usize = 36;

/// The longest payload, in bytes.
pub const LONGEST: u32 = 1 << 30;

const CHECKED: usize = FRAME - 8;

/// What stands before a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// How long the payload is, in bytes.
    pub len: u32,
    /// The sequence number.
    pub seq: u64,
    /// Everything before this offset was durable when the frame was written.
    pub watermark: u64,
    /// The check of the payload.
    pub check: u64,
}

impl Frame {
    /// As bytes, for a place in the file.
    pub fn encode(&self, key: &Key, offset: u64) -> [u8; FRAME] {
        let mut bytes = [0; FRAME];
        bytes[..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.seq.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.watermark.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.check.to_le_bytes());
        let check = place_check(key, offset, &bytes[..CHECKED]);
        bytes[CHECKED..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// From the bytes at a place of the file; `None` where no frame was written there.
    pub fn decode(bytes: &[u8], key: &Key, offset: u64) -> Option<Frame> {
        let bytes = bytes.get(..FRAME)?;
        let frame = Frame {
            len: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            seq: word(bytes, 4),
            watermark: word(bytes, 12),
            check: word(bytes, 20),
        };
        // What no writer would write needs no hash: this is asked for every byte behind a tear.
        let possible = frame.len <= LONGEST && frame.seq > 0 && frame.watermark <= offset;
        let good = possible && place_check(key, offset, &bytes[..CHECKED]) == word(bytes, CHECKED);
        good.then_some(frame)
    }

    /// Where the next one begins.
    pub const fn end(&self, offset: u64) -> u64 {
        offset + FRAME as u64 + self.len as u64
    }
}

/// The check covers the place, so that a frame is good at its own alone.
fn place_check(key: &Key, offset: u64, fields: &[u8]) -> u64 {
    let mut placed = [0; 8 + CHECKED];
    placed[..8].copy_from_slice(&offset.to_le_bytes());
    placed[8..].copy_from_slice(fields);
    key.check(&placed)
}

/// The check of a whole payload.
pub(super) fn payload_check(key: &Key, payload: &[u8]) -> u64 {
    let mut hasher = key.of_payload();
    hasher.update(payload);
    finish(&hasher)
}

/// The check of what a hasher was given.
pub(super) fn finish(hasher: &blake3::Hasher) -> u64 {
    word(hasher.finalize().as_bytes(), 0)
}

/// A payload with room for its frame, and its check, made before anybody is kept waiting.
#[derive(Clone, Debug)]
pub struct Prepared {
    bytes: Vec<u8>,
    key: Key,
    check: u64,
}

impl Prepared {
    /// For a file with this key; `None` where it is longer than [`LONGEST`].
    pub fn new(key: Key, payload: &[u8]) -> Option<Prepared> {
        if payload.len() > LONGEST as usize {
            return None;
        }
        let mut bytes = Vec::with_capacity(FRAME + payload.len());
        bytes.resize(FRAME, 0);
        bytes.extend_from_slice(payload);
        let check = payload_check(&key, payload);
        Some(Prepared { bytes, key, check })
    }

    /// How long frame and payload are, in bytes.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes for a place in the file that has this key.
    pub(super) fn placed(mut self, key: Key, offset: u64, seq: u64, watermark: u64) -> Vec<u8> {
        if self.key != key {
            // The log was cut meanwhile, and is another file.
            self.check = payload_check(&key, &self.bytes[FRAME..]);
        }
        let frame = Frame {
            len: (self.bytes.len() - FRAME) as u32,
            seq,
            watermark,
            check: self.check,
        };
        self.bytes[..FRAME].copy_from_slice(&frame.encode(&key, offset));
        self.bytes
    }
}
