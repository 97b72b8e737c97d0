//! Records that were accepted and are not on their way yet. They lie one behind the other, so they go to the
//! file as one write.

use crate::error::{Cause, Failure};
use crate::log::Placed;
use bytes::Bytes;

/// So many bytes are gathered at most, unless one record alone is longer.
const MOST: usize = 256 << 10;

/// Records that wait to be written together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    span: Span,
    /// Where the first begins, in bytes from the beginning of the file.
    offset: u64,
    bytes: Vec<u8>,
}

/// Which records a write has.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    first: u64,
    /// Where each of them ends, in bytes from the beginning of the write.
    ends: Vec<usize>,
}

impl Span {
    /// The sequence number of the first.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The one that comes behind the last.
    pub(super) const fn next(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    /// The first that is not whole in the file after this failure of the write.
    pub(super) fn first_lost(&self, failure: &Failure) -> u64 {
        let executed = match failure.cause {
            Cause::CutShort { bytes, .. } => usize::try_from(bytes).unwrap_or(usize::MAX),
            _ => 0,
        };
        self.first + self.ends.partition_point(|end| *end <= executed) as u64
    }
}

impl Gathered {
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    /// Where the first begins, in bytes from the beginning of the file.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether so many bytes more may join them.
    pub(super) const fn has_room(&self, len: usize) -> bool {
        self.bytes.is_empty() || self.bytes.len().saturating_add(len) <= MOST
    }

    /// Adds the next record. One alone is not copied.
    pub(super) fn add(&mut self, record: Placed) {
        if self.bytes.is_empty() {
            self.span.first = record.seq;
            self.offset = record.offset;
            self.bytes = record.bytes;
        } else {
            self.bytes.extend_from_slice(&record.bytes);
        }
        self.span.ends.push(self.bytes.len());
    }

    /// What is to be written, and where. If it is refused, [`give_back`](Gathered::give_back) has to follow.
    pub(super) fn lend(&mut self) -> (u64, Bytes) {
        (self.offset, Bytes::from(std::mem::take(&mut self.bytes)))
    }

    /// Nobody took what was lent. It is not copied, if nobody has kept it.
    pub(super) fn give_back(&mut self, lent: Bytes) {
        self.bytes = lent.into();
    }

    /// What was lent is on its way: which records that are.
    pub(super) fn leave(&mut self) -> Span {
        self.bytes = Vec::new();
        std::mem::take(&mut self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use staging_core::Fault;
    use std::path::Path;

    fn gathered() -> Gathered {
        let mut gathered = Gathered::default();
        let mut offset = 100;
        for (seq, len) in [(7, 10), (8, 20), (9, 5)] {
            let bytes = vec![seq as u8; len];
            gathered.add(Placed { seq, offset, bytes });
            offset += len as u64;
        }
        gathered
    }

    #[test]
    fn they_are_lent_as_one_and_can_be_given_back() {
        let mut gathered = gathered();
        let (offset, bytes) = gathered.lend();
        assert_eq!((offset, bytes.len()), (100, 35));
        gathered.give_back(bytes.clone());
        assert_eq!(gathered.lend(), (100, bytes));
        let span = gathered.leave();
        assert_eq!((span.first(), span.next()), (7, 10));
        assert!(gathered.is_empty() && gathered.has_room(usize::MAX));
    }

    #[test]
    fn a_write_that_was_cut_short_has_some_of_them() {
        let gathered = gathered();
        for (bytes, lost) in [(0, 7), (9, 7), (10, 8), (29, 8), (30, 9), (35, 10)] {
            let fault = Fault::Os(libc::ENOSPC);
            let cause = match bytes {
                0 => Cause::Fault(fault),
                bytes => Cause::CutShort { fault, bytes },
            };
            let failure = Failure {
                operation: Operation::Write,
                path: Path::new("/log").into(),
                cause,
            };
            assert_eq!(gathered.span().first_lost(&failure), lost, "{bytes} bytes");
        }
    }

    #[test]
    fn more_than_enough_has_no_room() {
        let mut gathered = gathered();
        assert!(gathered.has_room(MOST - 35));
        assert!(!gathered.has_room(MOST - 34));
        gathered.leave();
        assert!(gathered.has_room(MOST + 1), "alone it may be longer");
    }
}
