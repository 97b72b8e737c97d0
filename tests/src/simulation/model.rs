//! What a file may hold: plain bytes, and beside them the values of which nobody can be certain.
//!
//! The model knows requests and answers, nothing of queues and disks. A write that was answered well
//! is in the file; one whose end is unknown may be, each byte for itself; one that was not answered
//! well is not. What a power loss leaves is the same question about another image: what syncs
//! covered is there, and all else may be.

use std::ops::Range;

/// The bytes that an operation writes, by its ticket: never 0, so that they differ from a hole.
pub(crate) fn fill(ticket: u64, bytes: &mut [u8]) {
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = word(ticket, at as u64).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

fn word(ticket: u64, at: u64) -> u64 {
    let mixed = (ticket.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        ^ at.wrapping_add(7).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed ^ (mixed >> 31)) | 0x0101_0101_0101_0101
}

fn byte(ticket: u64, at: u64) -> u8 {
    word(ticket, at / 8).to_le_bytes()[(at % 8) as usize]
}

/// What an operation does to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    Write { offset: u64, len: u64 },
    SetLength(u64),
}

impl Effect {
    /// Whether it changes a byte of this range, or how many there are.
    pub(crate) fn meets(self, from: u64, to: u64) -> bool {
        match self {
            Effect::Write { offset, len } => offset < to && from < offset + len,
            Effect::SetLength(len) => to > len,
        }
    }
}

/// An operation that changed a file, or may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    pub(crate) ticket: u64,
    pub(crate) effect: Effect,
    pub(crate) sure: bool,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Zero,
    /// What this operation, which begins here, writes.
    Of {
        ticket: u64,
        begin: u64,
    },
}

/// Values that the bytes of a range may have, too.
#[derive(Clone, Copy, Debug)]
struct Maybe {
    from: u64,
    to: u64,
    value: Value,
}

/// What a file may hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// As long as the file is at most.
    base: Vec<u8>,
    maybe: Vec<Maybe>,
    least: u64,
}

impl Image {
    pub(crate) fn exact(bytes: Vec<u8>) -> Image {
        let least = bytes.len() as u64;
        Image {
            base: bytes,
            maybe: Vec::new(),
            least,
        }
    }

    /// How long it is at least, and at most.
    pub(crate) fn len(&self) -> (u64, u64) {
        (self.least, self.base.len() as u64)
    }

    pub(crate) fn apply(&mut self, change: Change) {
        let Change {
            ticket,
            effect,
            sure,
        } = change;
        match (effect, sure) {
            (Effect::Write { len: 0, .. }, _) => {}
            (Effect::Write { offset, len }, true) => self.write(ticket, offset, len),
            (Effect::Write { offset, len }, false) => self.write_maybe(ticket, offset, len),
            (Effect::SetLength(len), true) => self.set_len(len),
            (Effect::SetLength(len), false) => self.set_len_maybe(len),
        }
    }

    fn write(&mut self, ticket: u64, offset: u64, len: u64) {
        let end = offset + len;
        self.zeros_before(offset);
        self.grow(end);
        fill(ticket, &mut self.base[offset as usize..end as usize]);
        self.carve(offset, end);
        self.least = self.least.max(end);
    }

    fn write_maybe(&mut self, ticket: u64, offset: u64, len: u64) {
        let end = offset + len;
        self.zeros_before(end);
        self.grow(end);
        let value = Value::Of {
            ticket,
            begin: offset,
        };
        self.add(offset, end, value);
    }

    fn set_len(&mut self, len: u64) {
        self.zeros_before(len);
        self.base.resize(len as usize, 0);
        self.carve(len, u64::MAX);
        self.least = len;
    }

    fn set_len_maybe(&mut self, len: u64) {
        self.zeros_before(len);
        self.grow(len);
        self.add(len, self.base.len() as u64, Value::Zero);
        self.least = self.least.min(len);
    }

    /// If the file ends before this, what lies between is filled with zeros.
    fn zeros_before(&mut self, offset: u64) {
        let to = offset.min(self.base.len() as u64);
        self.add(self.least, to, Value::Zero);
    }

    fn add(&mut self, from: u64, to: u64, value: Value) {
        if from < to {
            self.maybe.push(Maybe { from, to, value });
        }
    }

    fn grow(&mut self, end: u64) {
        if (self.base.len() as u64) < end {
            self.base.resize(end as usize, 0);
        }
    }

    /// Of this range everything is certain.
    fn carve(&mut self, from: u64, to: u64) {
        for at in (0..self.maybe.len()).rev() {
            let maybe = self.maybe[at];
            if maybe.to <= from || to <= maybe.from {
                continue;
            }
            self.maybe.swap_remove(at);
            self.add(maybe.from, maybe.to.min(from), maybe.value);
            self.add(maybe.from.max(to), maybe.to, maybe.value);
        }
    }

    fn allows(&self, at: u64, value: u8) -> bool {
        self.base.get(at as usize) == Some(&value)
            || self.maybe.iter().any(|maybe| {
                let inside = maybe.from <= at && at < maybe.to;
                inside
                    && value
                        == match maybe.value {
                            Value::Zero => 0,
                            Value::Of { ticket, begin } => byte(ticket, at - begin),
                        }
            })
    }

    /// Whether the bytes at this offset may be these, which begin one after another.
    pub(crate) fn check(&self, offset: u64, bytes: &[u8]) -> Result<(), Wrong> {
        let from = offset as usize;
        let same = self.base.get(from..from + bytes.len()) == Some(bytes);
        if same {
            return Ok(());
        }
        let mut numbered = (offset..).zip(bytes);
        match numbered.find(|(at, byte)| !self.allows(*at, **byte)) {
            None => Ok(()),
            Some((at, byte)) => Err(Wrong::Byte {
                at,
                found: *byte,
                expected: self.base.get(at as usize).copied(),
            }),
        }
    }

    /// Whether a read of this range may have given so many bytes.
    pub(crate) fn check_count(&self, offset: u64, asked: u64, got: u64) -> Result<(), Wrong> {
        let (least, most) = self.len();
        let there = |len: u64| len.saturating_sub(offset).min(asked);
        match (there(least)..=there(most)).contains(&got) {
            true => Ok(()),
            false => Err(Wrong::Length {
                found: offset + got,
                least,
                most,
            }),
        }
    }

    /// Whether the whole file may be this: bytes, and zeros after them up to the length.
    pub(crate) fn check_whole(&self, bytes: &[u8], len: u64) -> Result<(), Wrong> {
        let (least, most) = self.len();
        if !(least..=most).contains(&len) {
            return Err(Wrong::Length {
                found: len,
                least,
                most,
            });
        }
        self.check(0, bytes)?;
        (bytes.len() as u64..len)
            .find(|at| !self.allows(*at, 0))
            .map_or(Ok(()), |at| {
                Err(Wrong::Byte {
                    at,
                    found: 0,
                    expected: self.base.get(at as usize).copied(),
                })
            })
    }
}

/// What a file cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    Byte {
        at: u64,
        found: u8,
        expected: Option<u8>,
    },
    Length {
        found: u64,
        least: u64,
        most: u64,
    },
}

/// What is known of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// What every read sees.
    pub(crate) seen: Image,
    /// What is there after a power loss, but for the changes that no sync covered.
    safe: Image,
    uncovered: Vec<Change>,
    /// A sync failed since: what was accepted before this may be lost, also if it ended later.
    at_risk: u64,
    /// A sync of it succeeded, so its name is safe, too.
    pub(crate) synced: bool,
}

impl Book {
    /// A file that is durable as it is.
    pub(crate) fn exact(bytes: Vec<u8>) -> Book {
        Book {
            seen: Image::exact(bytes.clone()),
            safe: Image::exact(bytes),
            uncovered: Vec::new(),
            at_risk: 0,
            synced: false,
        }
    }

    /// Whether a sync succeeded that made the name of the file safe.
    pub(crate) fn named(mut self, synced: bool) -> Book {
        self.synced = synced;
        self
    }

    /// An operation was answered.
    pub(crate) fn changed(&mut self, change: Change) {
        self.seen.apply(change);
        self.uncovered.push(change);
    }

    /// A sync covered everything that was accepted in this time, in tickets. What is older may be on
    /// the disk, or may not.
    pub(crate) fn covered(&mut self, accepted: Range<u64>) {
        self.synced |= accepted.start == 0;
        let (safe, at_risk) = (&mut self.safe, self.at_risk);
        self.uncovered.retain(|change| {
            let covered = change.ticket < accepted.end;
            if covered {
                let sure = accepted.contains(&change.ticket) && at_risk <= change.ticket;
                let sure = sure && change.sure;
                safe.apply(Change { sure, ..*change });
            }
            !covered
        });
    }

    /// Whether something older than this has not been covered by any sync.
    pub(crate) fn has_older(&self, ticket: u64) -> bool {
        self.uncovered.iter().any(|change| change.ticket < ticket)
    }

    /// A sync failed: of what was accepted before this ticket and not covered nobody will ever be
    /// certain.
    pub(crate) fn lost(&mut self, ticket: u64) {
        self.at_risk = ticket;
        for change in self.uncovered.drain(..) {
            self.safe.apply(Change {
                sure: false,
                ..change
            });
        }
    }

    /// Whether a sync failed since this ticket.
    pub(crate) fn failed_since(&self, ticket: u64) -> bool {
        self.at_risk > ticket
    }

    /// Whether the disk may hold this, if these operations are under way.
    pub(crate) fn check_durable(
        &self,
        pending: &[Change],
        bytes: &[u8],
        len: u64,
    ) -> Result<(), Wrong> {
        if self.uncovered.is_empty() && pending.is_empty() {
            return self.safe.check_whole(bytes, len);
        }
        let mut image = self.safe.clone();
        for change in self.uncovered.iter().chain(pending) {
            image.apply(Change {
                sure: false,
                ..*change
            });
        }
        image.check_whole(bytes, len)
    }

    /// Whether a reader may see this, if these operations are under way.
    pub(crate) fn check_seen(&self, pending: &[Change], bytes: &[u8]) -> Result<(), Wrong> {
        let image = self.clone().with_doubts(pending).seen;
        image.check_whole(bytes, bytes.len() as u64)
    }

    /// The same, if nobody will ever know how these ended.
    pub(crate) fn with_doubts(mut self, pending: &[Change]) -> Book {
        for change in pending {
            self.changed(Change {
                sure: false,
                ..*change
            });
        }
        self
    }
}
