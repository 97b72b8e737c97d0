//! What whoever appends has to know: where the next record goes, and how far the log is durable.

use super::frame::Prepared;
use super::header::{HEADER, Header, Key};

/// Places records one behind the other.
#[derive(Clone, Debug)]
pub struct Ledger {
    header: Header,
    key: Key,
    end: u64,
    next: u64,
    durable: u64,
}

/// A record that has its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Its sequence number.
    pub seq: u64,
    /// Where it is to be written, in bytes from the beginning of the file.
    pub offset: u64,
    /// Frame and payload.
    pub bytes: Vec<u8>,
}

/// A moment in the life of a log: what had been placed by then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    key: Key,
    /// Where the log ended, in bytes.
    pub end: u64,
    /// The sequence number that was to come next.
    pub next: u64,
}

impl Mark {
    /// Whether all that had been placed by another moment had been placed by this one.
    pub fn has(&self, other: Mark) -> bool {
        self.key != other.key || other.end <= self.end
    }
}

impl Ledger {
    /// Of a log that ends there, before the record with this number, and is durable so far.
    pub fn new(header: Header, end: u64, next: u64) -> Ledger {
        Ledger {
            key: header.key(),
            header,
            end,
            next,
            durable: end,
        }
    }

    /// Of a log that begins.
    pub fn begin(header: Header) -> Ledger {
        Ledger::new(header, HEADER, header.base)
    }

    /// The header of the file.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The key of its checks.
    pub const fn key(&self) -> Key {
        self.key
    }

    /// What has been placed by now.
    pub const fn mark(&self) -> Mark {
        Mark {
            key: self.key,
            end: self.end,
            next: self.next,
        }
    }

    /// The next record, in its place; it has that only when [`take`](Ledger::take) is told so.
    pub fn place(&self, record: Prepared) -> Placed {
        Placed {
            seq: self.next,
            offset: self.end,
            bytes: record.placed(self.key, self.end, self.next, self.durable),
        }
    }

    /// What was placed is on its way to the file: a frame and payload of so many bytes.
    pub const fn take(&mut self, len: u64) {
        self.end += len;
        self.next += 1;
    }

    /// Whether everything is durable that had been placed by then.
    pub fn is_durable(&self, mark: Mark) -> bool {
        // What another file had is all in this one, or in the snapshot.
        mark.key != self.key || mark.end <= self.durable
    }

    /// A sync that was asked for after this moment succeeded, and so did every append before it.
    pub fn synced(&mut self, mark: Mark) {
        if mark.key == self.key {
            self.durable = self.durable.max(mark.end);
        }
    }
}
