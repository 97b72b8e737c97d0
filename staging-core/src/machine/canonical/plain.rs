//! Requests and actions as plain words.

use crate::action::{LockStep, ReplaceStep};
use crate::machine::state::Op;
use alloc::vec::Vec;
use core::hash::Hasher;

/// Requests and actions without their ids, which are written as ranks beside them.
pub(super) struct Ranked;

impl Ranked {
    pub(super) fn request(op: &Op) -> (u64, Option<crate::event::Plan>, u64, u64) {
        use crate::event::Request;
        match op.request {
            Request::Open {
                access,
                missing,
                plan,
            } => (0, Some(plan), missing as u64, access as u64),
            Request::Stage { plan, .. } => (1, Some(plan), 0, 0),
            Request::Unstage { .. } => (2, None, 0, 0),
            Request::Read { offset, len, .. } => (3, None, offset, len),
            Request::Close { .. } => (4, None, 0, 0),
            Request::Write { offset, len, .. } => (5, None, offset, len),
            Request::Append { len, .. } => (6, None, len, 0),
            Request::SetLength { len, .. } => (7, None, len, 0),
            Request::Flush { .. } => (8, None, 0, 0),
            Request::Sync { .. } => (9, None, 0, 0),
            Request::FlushAll => (10, None, 0, 0),
            Request::SyncAll => (11, None, 0, 0),
            Request::Replace {
                len,
                durability,
                existing,
                ..
            } => (12, None, len, durability as u64 * 2 + existing as u64),
            // What it asks for is the lock's.
            Request::Lock { .. } => (13, None, 0, 0),
        }
    }

    pub(super) fn kind(kind: crate::action::IoKind) -> [u64; 4] {
        use crate::action::IoKind;
        match kind {
            IoKind::Open {
                access, missing, ..
            } => [0, missing as u64, access as u64, 0],
            IoKind::Fetch { missing, up_to, .. } => [1, missing as u64, up_to, 0],
            IoKind::Look { .. } => [2, 0, 0, 0],
            IoKind::Map { len, how, .. } => [3, len, how as u64, 0],
            IoKind::Load {
                offset, len, total, ..
            } => [4, offset, len, total],
            IoKind::Read { offset, len, .. } => [5, offset, len, 0],
            IoKind::Release { .. } => [6, 0, 0, 0],
            IoKind::Close { .. } => [7, 0, 0, 0],
            IoKind::Write { offset, len, .. } => [8, offset, len, 0],
            IoKind::SetLength { len, .. } => [9, len, 0, 0],
            IoKind::Sync { .. } => [10, 0, 0, 0],
            IoKind::Replace { step, .. } => Ranked::step(step),
            IoKind::Lock { step, .. } => match step {
                LockStep::Try { .. } => [17, 0, 0, 0],
                LockStep::Release => [18, 0, 0, 0],
            },
        }
    }
}

impl Ranked {
    fn step(step: ReplaceStep) -> [u64; 4] {
        match step {
            ReplaceStep::Create { len, existing } => [11, len, existing as u64, 0],
            ReplaceStep::Fill { offset, len } => [12, offset, len, 0],
            ReplaceStep::SyncFile { files } => [13, u64::from(files), 0, 0],
            ReplaceStep::Publish { existing } => [14, existing as u64, 0, 0],
            ReplaceStep::SyncDirectory => [15, 0, 0, 0],
            ReplaceStep::Discard => [16, 0, 0, 0],
        }
    }
}

/// Takes what `Hash` feeds as words.
pub(super) struct Words<'a>(pub(super) &'a mut Vec<u64>);

impl Hasher for Words<'_> {
    /// How many words there are.
    fn finish(&self) -> u64 {
        self.0.len() as u64
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0.push(u64::from_le_bytes(word));
        }
    }
}
