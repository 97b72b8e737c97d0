//! One file: what the page cache shows, what the disk holds, and the changes that lie between.

use crate::dice::Dice;
use std::collections::VecDeque;
use std::ops::Range;

/// The unit in which a disk writes: whole, or not at all.
pub const SECTOR: usize = 512;

/// So many changes wait for a sync at most; then the older half is written back by itself.
const MOST_CHANGES: usize = 256;
/// So many bytes of them.
const MOST_BYTES: usize = 1 << 20;

/// A file without a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What every read sees; as long as the file.
    pub(super) cached: Vec<u8>,
    /// What the disk holds.
    durable: Image,
    /// One more than the place of the last change of the length that is durable.
    length_of: u64,
    /// Every change since, in the order in which it was made.
    changes: VecDeque<Change>,
    /// The bytes of those changes; the first has this place.
    bytes: Vec<u8>,
    first_byte: usize,
    /// Changes with every change: the time of modification.
    pub(super) version: u64,
    /// Names that lead here, and descriptors.
    pub(super) names: u32,
    pub(super) descriptors: u32,
    /// A sync has made durable every name that it had then.
    pub(super) named_durably: bool,
    /// The shortest that the file was since it was mapped last.
    pub(super) shortest: u64,
}

/// Bytes and length, which become durable apart: the length may be there while the bytes are not
/// (they are zeros then), and the other way round (then nobody sees them).
#[derive(Clone, Debug, Default)]
struct Image {
    bytes: Vec<u8>,
    len: u64,
}

impl Image {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
    }

    /// Bytes behind it, which nobody saw, are gone as well.
    fn set_len(&mut self, len: u64) {
        self.bytes.truncate(len as usize);
        self.len = len;
    }
}

#[derive(Clone, Copy, Debug)]
struct Change {
    /// When it was made: the number of changes of the disk before it.
    at: u64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Bytes at this offset: those at this place of all bytes that ever waited.
    Bytes {
        offset: usize,
        place: usize,
        len: usize,
    },
    Length(u64),
}

/// What a sync covers: the changes made before it began, and the length of then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    before: u64,
    len: u64,
}

/// What a power loss leaves of the changes that no sync covered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    Nothing,
    Everything,
    /// The first so many, the next one torn.
    First(usize),
    /// Each sector of each with this chance.
    Some(u16),
}

impl Inode {
    /// A file that is durable as it is.
    pub(super) fn of(bytes: Vec<u8>) -> Inode {
        let len = bytes.len() as u64;
        Inode {
            cached: bytes.clone(),
            durable: Image { bytes, len },
            ..Inode::default()
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.cached.len() as u64
    }

    pub(super) fn write(&mut self, now: u64, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        let longer = end > self.cached.len();
        if longer {
            self.cached.resize(end, 0);
        }
        self.cached[offset..end].copy_from_slice(bytes);
        let place = self.first_byte + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let len = bytes.len();
        self.change(now, What::Bytes { offset, place, len });
        if longer {
            self.change(now, What::Length(end as u64));
        }
    }

    pub(super) fn set_len(&mut self, now: u64, len: u64) {
        self.cached.resize(len as usize, 0);
        self.shortest = self.shortest.min(len);
        self.change(now, What::Length(len));
    }

    fn change(&mut self, at: u64, what: What) {
        self.version = at + 1;
        self.changes.push_back(Change { at, what });
        if self.changes.len() > MOST_CHANGES || self.bytes.len() > MOST_BYTES {
            self.write_back(self.changes.len() / 2);
        }
    }

    /// The older changes become durable without a sync; the bytes of a write not without the length
    /// that it made.
    fn write_back(&mut self, changes: usize) {
        let before = self.changes.get(changes).map(|change| change.at);
        while let Some(change) = self.changes.front().copied()
            && before.is_none_or(|before| change.at < before)
        {
            self.changes.pop_front();
            self.keep(change);
        }
        self.forget_bytes();
    }

    pub(super) fn mark(&self, now: u64) -> Mark {
        Mark {
            before: now,
            len: self.len(),
        }
    }

    /// What was marked is durable.
    pub(super) fn synced(&mut self, mark: Mark) {
        while let Some(change) = self.next_before(mark) {
            self.keep(change);
        }
        // Unless a later length was written back meanwhile.
        if self.length_of <= mark.before {
            self.durable.set_len(mark.len);
        }
        self.forget_bytes();
    }

    /// What was marked is lost, but for the sectors that are thrown: the cache shows it, and
    /// nothing knows any more that the disk does not have it.
    pub(super) fn lost(&mut self, mark: Mark, kept: u16, dice: &mut Dice) {
        while let Some(change) = self.next_before(mark) {
            self.keep_some(change.what, kept, dice);
        }
        self.forget_bytes();
    }

    fn next_before(&mut self, mark: Mark) -> Option<Change> {
        let change = self.changes.front()?;
        if change.at < mark.before {
            self.changes.pop_front()
        } else {
            None
        }
    }

    fn forget_bytes(&mut self) {
        let waiting = self.changes.iter().find_map(|change| match change.what {
            What::Bytes { place, .. } => Some(place),
            What::Length(_) => None,
        });
        let end = self.first_byte + self.bytes.len();
        let first = waiting.unwrap_or(end);
        self.bytes.drain(..first - self.first_byte);
        self.first_byte = first;
    }

    fn keep(&mut self, change: Change) {
        match change.what {
            What::Bytes { offset, place, len } => {
                let from = place - self.first_byte;
                self.durable.write(offset, &self.bytes[from..from + len]);
            }
            What::Length(len) => {
                self.durable.set_len(len);
                self.length_of = change.at + 1;
            }
        }
    }

    fn keep_some(&mut self, what: What, chance: u16, dice: &mut Dice) {
        match what {
            What::Bytes { offset, place, len } => {
                for part in sectors(offset, len) {
                    if dice.permille(chance) {
                        let from = place - self.first_byte + part.start - offset;
                        let bytes = &self.bytes[from..from + part.len()];
                        self.durable.write(part.start, bytes);
                    }
                }
            }
            What::Length(len) => {
                if dice.permille(chance) {
                    self.durable.set_len(len);
                }
            }
        }
    }

    /// The power is cut: of what no sync covered any subset is kept, torn at sectors.
    pub(super) fn power_loss(&mut self, dice: &mut Dice) {
        let kept = match dice.below(4) {
            0 => Kept::Nothing,
            1 => Kept::Everything,
            2 => Kept::First(dice.below(self.changes.len() as u64 + 1) as usize),
            _ => Kept::Some(dice.one_of(&[100, 500, 900])),
        };
        let changes = std::mem::take(&mut self.changes);
        for (at, change) in changes.into_iter().enumerate() {
            match kept {
                Kept::Nothing => break,
                Kept::Everything => self.keep(change),
                Kept::First(first) if at < first => self.keep(change),
                Kept::First(first) if at == first => self.keep_some(change.what, 500, dice),
                Kept::First(_) => break,
                Kept::Some(chance) => self.keep_some(change.what, chance, dice),
            }
        }
        self.bytes.clear();
        self.first_byte = 0;
        self.descriptors = 0;
        self.durable.bytes.resize(self.durable.len as usize, 0);
        self.cached.clone_from(&self.durable.bytes);
    }

    /// What the disk holds for certain: what a power loss leaves that keeps nothing else.
    pub(super) fn durable(&self) -> (&[u8], u64) {
        let len = self.durable.len;
        let end = self.durable.bytes.len().min(len as usize);
        (&self.durable.bytes[..end], len)
    }
}

/// A range, cut at the borders of sectors.
fn sectors(offset: usize, len: usize) -> impl Iterator<Item = Range<usize>> {
    let end = offset + len;
    let first = offset / SECTOR;
    let last = end.div_ceil(SECTOR);
    (first..last).map(move |at| (at * SECTOR).max(offset)..((at + 1) * SECTOR).min(end))
}
