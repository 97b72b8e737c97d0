//! Opening a log for appending: what was durable is there, and what was not is cut.
//!
//! 1. The snapshot is whole, and says which records it stands for.
//! 2. The log is read from its header to its end. Damage ends it here, and nothing was changed.
//! 3. A torn tail is cut.
//! 4. What nobody vouches for is written again, as it is, and all of it is synced. Records that are
//!    found count from now on, so they must be durable; and a sync alone would not do: one that failed
//!    before has left pages that look written, and the next sync passes them over.
//!
//! Every step can be the last before a loss of power; then the next opening begins with the first.

use super::failure::Unsound;
use super::frame::{FRAME, Frame, payload_check};
use super::header::{HEADER, Header};
use super::ledger::Ledger;
use super::recover::{Ending, Next, PIECE, Payloads, Record, Recovery};
use super::snapshot::{SNAPSHOT_HEADER, SnapshotHeader};
use super::{Said, Step, Which};

/// How long the files are, in bytes; `None` where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lengths {
    /// The log.
    pub log: Option<u64>,
    /// The snapshot.
    pub snapshot: Option<u64>,
}

/// A log that can be appended to.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where the next record goes.
    pub ledger: Ledger,
    /// How many records there are that the snapshot does not stand for.
    pub records: u64,
    /// How many bytes of a torn tail were cut.
    pub cut: u64,
    /// The snapshot beside it.
    pub snapshot: Option<SnapshotHeader>,
}

/// A log being opened: [`next`](Opening::next) says what is to be done, and takes what it brought.
#[derive(Debug)]
pub struct Opening {
    lengths: Lengths,
    fresh: Header,
    snapshot: Option<SnapshotHeader>,
    state: State,
}

#[derive(Debug)]
enum State {
    Begin,
    Snapshot,
    /// So much of its bytes was read.
    SnapshotBytes(Box<blake3::Hasher>),
    Header,
    Making(Header),
    Reading(Header, Box<Reading>),
    Cutting(Found),
    /// The first frame that nobody vouches for is read once more, for its number.
    Resuming(Found),
    Writing(Found, Box<Recovery>, Last),
    Syncing(Found),
    Ended,
}

/// What the step before was, where two kinds take turns.
#[derive(Clone, Copy, Debug)]
enum Last {
    Read,
    Wrote,
}

#[derive(Debug)]
struct Reading {
    recovery: Recovery,
    records: u64,
}

/// What the log was found to be.
#[derive(Clone, Copy, Debug)]
struct Found {
    header: Header,
    end: u64,
    next: u64,
    durable: u64,
    records: u64,
    cut: u64,
}

impl Opening {
    /// Of files that are so long; where there is no log, one with this header is made.
    pub const fn new(lengths: Lengths, fresh: Header) -> Opening {
        Opening {
            lengths,
            fresh,
            snapshot: None,
            state: State::Begin,
        }
    }

    /// The next step, or the log: `brought` is what the step before has read, or nothing.
    ///
    /// # Errors
    /// The log is damaged, or no log; nothing was changed.
    pub fn next(&mut self, brought: &[u8]) -> Result<Said<Opened>, Unsound> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Begin => self.begin(),
            State::Snapshot => {
                let len = self.lengths.snapshot.unwrap_or(0);
                let snapshot = SnapshotHeader::decode(brought, len).map_err(of_snapshot)?;
                self.snapshot = Some(snapshot);
                self.read_snapshot(snapshot, Box::default())
            }
            State::SnapshotBytes(mut hasher) => {
                hasher.update(brought);
                let snapshot = self.snapshot.ok_or(Unsound::Snapshot)?;
                match brought.is_empty() {
                    true => Err(Unsound::Snapshot),
                    false => self.read_snapshot(snapshot, hasher),
                }
            }
            State::Header => self.read_log(Header::decode(brought)?),
            State::Making(header) => Ok(Said::Ready(self.opened(Found {
                header,
                end: HEADER,
                next: header.base,
                durable: HEADER,
                records: 0,
                cut: 0,
            }))),
            State::Reading(header, mut reading) => {
                reading.recovery.give(brought);
                self.read(header, reading)
            }
            State::Cutting(found) => self.vouch(found),
            State::Resuming(found) => self.resume(found, brought),
            State::Writing(found, mut recovery, Last::Read) => {
                recovery.give(brought);
                self.write_again(found, recovery)
            }
            State::Writing(found, recovery, Last::Wrote) => self.write_again(found, recovery),
            State::Syncing(found) => Ok(Said::Ready(self.opened(found))),
            State::Ended => Err(Unsound::Undecided),
        }
    }

    fn go(&mut self, state: State, step: Step) -> Result<Said<Opened>, Unsound> {
        self.state = state;
        Ok(Said::Do(step))
    }

    fn begin(&mut self) -> Result<Said<Opened>, Unsound> {
        match (self.lengths.log, self.lengths.snapshot) {
            (None, Some(_)) => Err(Unsound::SnapshotAlone),
            (_, Some(_)) => {
                let step = read(Which::Snapshot, 0, SNAPSHOT_HEADER as usize);
                self.go(State::Snapshot, step)
            }
            (_, None) => self.open_log(),
        }
    }

    fn read_snapshot(
        &mut self,
        snapshot: SnapshotHeader,
        hasher: Box<blake3::Hasher>,
    ) -> Result<Said<Opened>, Unsound> {
        let left = snapshot.len.saturating_sub(hasher.count());
        if left == 0 {
            snapshot.verify_hashed(&hasher)?;
            return self.open_log();
        }
        let offset = SNAPSHOT_HEADER + hasher.count();
        let len = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let step = read(Which::Snapshot, offset, len);
        self.go(State::SnapshotBytes(hasher), step)
    }

    fn open_log(&mut self) -> Result<Said<Opened>, Unsound> {
        if self.lengths.log.is_none() {
            let header = self.fresh;
            let content = header.encode().to_vec();
            return self.go(State::Making(header), Step::Make { content });
        }
        let step = read(Which::Log, 0, HEADER as usize);
        self.go(State::Header, step)
    }

    fn read_log(&mut self, header: Header) -> Result<Said<Opened>, Unsound> {
        follows(&header, self.snapshot.as_ref())?;
        let len = self.lengths.log.unwrap_or(0);
        let recovery = Recovery::new(&header, len, Payloads::Checked);
        let records = 0;
        let reading = Reading { recovery, records };
        self.read(header, Box::new(reading))
    }

    fn read(&mut self, header: Header, mut reading: Box<Reading>) -> Result<Said<Opened>, Unsound> {
        let upto = self.snapshot.map_or(0, |snapshot| snapshot.upto);
        loop {
            match reading.recovery.step() {
                Next::Read { offset, len } => {
                    let step = read(Which::Log, offset, len);
                    return self.go(State::Reading(header, reading), step);
                }
                Next::Record(record) => reading.records += u64::from(record.seq > upto),
                Next::End(ending) => {
                    let cut = self.judge(ending)?;
                    let (end, next) = reading.recovery.position();
                    reaches(next, self.snapshot.as_ref())?;
                    let found = Found {
                        header,
                        end,
                        next,
                        durable: reading.recovery.durable().min(end),
                        records: reading.records,
                        cut,
                    };
                    return match cut {
                        0 => self.vouch(found),
                        _ => self.go(State::Cutting(found), Step::Cut { len: end }),
                    };
                }
            }
        }
    }

    /// How many bytes are to be cut.
    fn judge(&self, ending: Ending) -> Result<u64, Unsound> {
        match ending {
            Ending::Whole => Ok(0),
            Ending::Torn { offset, .. } => Ok(self.lengths.log.unwrap_or(0).saturating_sub(offset)),
            Ending::Damaged { .. } => Err(damage(ending)),
        }
    }

    fn vouch(&mut self, found: Found) -> Result<Said<Opened>, Unsound> {
        match found.durable < found.end {
            true => {
                let step = read(Which::Log, found.durable, FRAME);
                self.go(State::Resuming(found), step)
            }
            false => self.go(State::Syncing(found), Step::Sync),
        }
    }

    fn resume(&mut self, found: Found, brought: &[u8]) -> Result<Said<Opened>, Unsound> {
        let at = found.durable;
        let Some(frame) = Frame::decode(brought, &found.header.key(), at) else {
            return Err(changed(at, found.next));
        };
        let start = (at, frame.seq);
        let recovery = Recovery::from(&found.header, start, found.end, Payloads::Kept);
        self.write_again(found, Box::new(recovery.expecting_all()))
    }

    fn write_again(
        &mut self,
        found: Found,
        mut recovery: Box<Recovery>,
    ) -> Result<Said<Opened>, Unsound> {
        match recovery.step() {
            Next::Read { offset, len } => {
                let step = read(Which::Log, offset, len);
                self.go(State::Writing(found, recovery, Last::Read), step)
            }
            Next::Record(record) => {
                let step = again(&found, &record);
                self.go(State::Writing(found, recovery, Last::Wrote), step)
            }
            Next::End(Ending::Whole) if recovery.position() == (found.end, found.next) => {
                self.go(State::Syncing(found), Step::Sync)
            }
            Next::End(_) => Err(changed(recovery.position().0, recovery.position().1)),
        }
    }

    fn opened(&self, found: Found) -> Opened {
        Opened {
            ledger: Ledger::new(found.header, found.end, found.next),
            records: found.records,
            cut: found.cut,
            snapshot: self.snapshot,
        }
    }
}

/// The same bytes at the same place: torn between the two, they are what they were.
fn again(found: &Found, record: &Record) -> Step {
    let key = found.header.key();
    let frame = Frame {
        len: record.len,
        seq: record.seq,
        watermark: record.watermark,
        check: payload_check(&key, &record.payload),
    };
    let mut bytes = frame.encode(&key, record.offset).to_vec();
    bytes.extend_from_slice(&record.payload);
    let offset = record.offset;
    Step::Write { offset, bytes }
}

/// Whether a log goes on where its snapshot ends, or before.
///
/// # Errors
/// It does not, or the snapshot is another log's.
pub(crate) fn follows(header: &Header, snapshot: Option<&SnapshotHeader>) -> Result<(), Unsound> {
    let upto = match snapshot {
        Some(snapshot) if snapshot.lineage != header.lineage => {
            return Err(Unsound::StrangeSnapshot);
        }
        Some(snapshot) => snapshot.upto,
        None => 0,
    };
    match upto.checked_add(1) {
        Some(first) if header.base > first => Err(Unsound::Gap {
            first,
            last: header.base - 1,
        }),
        Some(_) => Ok(()),
        None => Err(Unsound::Snapshot),
    }
}

/// Whether a log whose next record has this number goes as far as its snapshot: a snapshot is written
/// when the records it stands for are durable.
///
/// # Errors
/// It does not.
pub(crate) fn reaches(next: u64, snapshot: Option<&SnapshotHeader>) -> Result<(), Unsound> {
    match snapshot {
        Some(snapshot) if next <= snapshot.upto => Err(Unsound::Gap {
            first: next,
            last: snapshot.upto,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Damage, as an error.
pub(crate) const fn damage(ending: Ending) -> Unsound {
    match ending {
        Ending::Damaged {
            offset,
            seq,
            vouched_by,
        } => Unsound::Damaged {
            offset,
            seq,
            vouched_by,
        },
        Ending::Torn { offset, seq } => changed(offset, seq),
        Ending::Whole => Unsound::Undecided,
    }
}

/// What was read whole before is not any more.
const fn changed(offset: u64, seq: u64) -> Unsound {
    Unsound::Damaged {
        offset,
        seq,
        vouched_by: offset,
    }
}

/// What is wrong with a snapshot is said of the snapshot.
fn of_snapshot(why: Unsound) -> Unsound {
    match why {
        Unsound::Foreign | Unsound::Header => Unsound::Snapshot,
        why => why,
    }
}

const fn read(which: Which, offset: u64, len: usize) -> Step {
    Step::Read { which, offset, len }
}
