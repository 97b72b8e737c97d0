//! A checkpoint (L2): a snapshot in the place of records, which then go.
//!
//! 1. What the snapshot stands for is synced, so that a log never ends before its snapshot.
//! 2. The snapshot is replaced, durably with its name.
//! 3. The log is read up to the first record that stays, while others append.
//! 4. They are held up, and what they began comes to its end.
//! 5. A new log, which begins with the first record that stays and has all of them, takes the place
//!    of the old one, durably with its name. Then they go on, in the new one.
//!
//! Before 2 is over, the old snapshot and the whole log are there; between 2 and 5, the new snapshot
//! and the whole log, whose first records are passed over because the snapshot stands for them; after
//! 5, the new snapshot and the rest. The log is replaced, and not cut by its length, because records
//! go from its beginning, and because the number of the first one and the records have to change in
//! one step.

use super::failure::Unsound;
use super::frame::Prepared;
use super::header::{HEADER, Header, Identity};
use super::ledger::{Ledger, Mark};
use super::opening::damage;
use super::recover::{Ending, Next, Payloads, Recovery};
use super::snapshot::SnapshotHeader;
use super::{Said, Step, Which};

/// For which records a snapshot stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upto {
    /// The last one.
    pub seq: u64,
    /// Up to where the snapshot before it stands for them.
    pub before: u64,
}

/// A checkpoint under way: [`next`](Checkpoint::next) says what is to be done, and takes what it
/// brought.
#[derive(Debug)]
pub struct Checkpoint {
    header: Header,
    /// Of the new log.
    fresh: Identity,
    snapshot: SnapshotHeader,
    content: Vec<u8>,
    /// Where the log ends, as far as is known.
    mark: Mark,
    state: State,
}

#[derive(Debug)]
enum State {
    Begin,
    Synced,
    Snapshotted,
    Skimming(Box<Recovery>),
    Pausing((u64, u64)),
    Carrying(Box<Recovery>, Box<Carried>),
    Cutting(Ledger),
    Ended,
}

/// What comes of it: where the next record goes, and the snapshot.
type Cut = (Ledger, SnapshotHeader);

/// The new log in the making.
#[derive(Debug)]
struct Carried {
    content: Vec<u8>,
    ledger: Ledger,
}

impl Checkpoint {
    /// Of a log that stands so, with a snapshot of these bytes; the new log has an identity that was
    /// never given before.
    ///
    /// # Errors
    /// The snapshot cannot stand for these records: one before it stood for more, or they are not
    /// there yet.
    pub fn new(
        ledger: &Ledger,
        upto: Upto,
        payload: &[u8],
        fresh: Identity,
    ) -> Result<Checkpoint, Unsound> {
        let (header, mark) = (*ledger.header(), ledger.mark());
        let range = (upto.before, mark.next - 1);
        if !(range.0..=range.1).contains(&upto.seq) {
            return Err(Unsound::Upto {
                upto: upto.seq,
                range,
            });
        }
        let snapshot = SnapshotHeader::of(header.lineage, upto.seq, payload);
        Ok(Checkpoint {
            header,
            fresh,
            snapshot,
            content: snapshot.content(payload),
            mark,
            state: State::Begin,
        })
    }

    /// Appends pause, and the log stands so: to be told before what [`Step::Pause`] brought.
    pub const fn paused(&mut self, mark: Mark) {
        self.mark = mark;
    }

    /// The next step, or the ledger of the new log and its snapshot: `brought` is what the step before
    /// has read, or nothing.
    ///
    /// # Errors
    /// The log is damaged. The snapshot may be replaced then, and the log is not.
    pub fn next(&mut self, brought: &[u8]) -> Result<Said<(Ledger, SnapshotHeader)>, Unsound> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Begin => self.go(State::Synced, Step::Sync),
            State::Synced => {
                let content = std::mem::take(&mut self.content);
                let which = Which::Snapshot;
                self.go(State::Snapshotted, Step::Replace { which, content })
            }
            State::Snapshotted => {
                let recovery = Recovery::new(&self.header, self.mark.end, Payloads::Checked);
                self.skim(Box::new(recovery.expecting_all()))
            }
            State::Skimming(mut recovery) => {
                recovery.give(brought);
                self.skim(recovery)
            }
            State::Pausing(first) => self.begin_carrying(first),
            State::Carrying(mut recovery, carried) => {
                recovery.give(brought);
                self.carry(recovery, carried)
            }
            State::Cutting(ledger) => Ok(Said::Ready((ledger, self.snapshot))),
            State::Ended => Err(Unsound::Undecided),
        }
    }

    fn go(&mut self, state: State, step: Step) -> Result<Said<Cut>, Unsound> {
        self.state = state;
        Ok(Said::Do(step))
    }

    /// Looks for the first record that stays.
    fn skim(&mut self, mut recovery: Box<Recovery>) -> Result<Said<Cut>, Unsound> {
        loop {
            if recovery.position().1 > self.snapshot.upto {
                return self.go(State::Pausing(recovery.position()), Step::Pause);
            }
            match recovery.step() {
                Next::Read { offset, len } => {
                    return self.go(State::Skimming(recovery), read(offset, len));
                }
                Next::Record(_) => {}
                Next::End(ending) => return Err(missing(ending, &recovery)),
            }
        }
    }

    fn begin_carrying(&mut self, first: (u64, u64)) -> Result<Said<Cut>, Unsound> {
        let header = Header {
            lineage: self.header.lineage,
            identity: self.fresh,
            base: first.1,
            // All of the new file is durable before it has its name.
            sealed: HEADER + self.mark.end.saturating_sub(first.0),
        };
        let recovery = Recovery::from(&self.header, first, self.mark.end, Payloads::Kept);
        let carried = Carried {
            content: header.encode().to_vec(),
            ledger: Ledger::begin(header),
        };
        self.carry(Box::new(recovery.expecting_all()), Box::new(carried))
    }

    /// Puts what stays into the new log.
    fn carry(
        &mut self,
        mut recovery: Box<Recovery>,
        mut carried: Box<Carried>,
    ) -> Result<Said<Cut>, Unsound> {
        loop {
            match recovery.step() {
                Next::Read { offset, len } => {
                    return self.go(State::Carrying(recovery, carried), read(offset, len));
                }
                Next::Record(record) => carried.take(&record.payload)?,
                Next::End(Ending::Whole) if recovery.position().1 == self.mark.next => {
                    let Carried { content, ledger } = *carried;
                    let mark = ledger.mark();
                    let ledger = Ledger::new(*ledger.header(), mark.end, mark.next);
                    let which = Which::Log;
                    let step = Step::Replace { which, content };
                    return self.go(State::Cutting(ledger), step);
                }
                Next::End(ending) => return Err(missing(ending, &recovery)),
            }
        }
    }
}

impl Carried {
    fn take(&mut self, payload: &[u8]) -> Result<(), Unsound> {
        let len = payload.len() as u64;
        let prepared = Prepared::new(self.ledger.key(), payload).ok_or(Unsound::TooLong { len })?;
        let placed = self.ledger.place(prepared);
        self.ledger.take(placed.bytes.len() as u64);
        self.content.extend_from_slice(&placed.bytes);
        Ok(())
    }
}

/// A log that was written whole and does not have every record any more.
fn missing(ending: Ending, recovery: &Recovery) -> Unsound {
    match ending {
        Ending::Damaged { .. } | Ending::Torn { .. } => damage(ending),
        Ending::Whole => {
            let (offset, seq) = recovery.position();
            damage(Ending::Torn { offset, seq })
        }
    }
}

const fn read(offset: u64, len: usize) -> Step {
    Step::Read {
        which: Which::Log,
        offset,
        len,
    }
}
