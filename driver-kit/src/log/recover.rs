//! Reading a log: each record that is whole, and in the end what the log is.
//!
//! It asks for bytes, a piece at a time, and is given them; so it reads logs of any length in the
//! memory of one piece, and one record where payloads are kept.

use super::frame::{FRAME, Frame, finish, payload_check};
use super::header::{HEADER, Header, Key};

/// How many bytes are asked for at a time.
pub const PIECE: usize = 256 << 10;

/// Whether payloads are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payloads {
    /// Each record brings its own.
    Kept,
    /// They are checked, and let go.
    Checked,
}

/// A record that is whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its sequence number.
    pub seq: u64,
    /// Where its frame begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// Up to where the log was known to be durable when it was written.
    pub watermark: u64,
    /// How long its payload is, in bytes.
    pub len: u32,
    /// The payload, if it is kept.
    pub payload: Vec<u8>,
}

/// What a log is, from its first record to its last byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Whole.
    Whole,
    /// Whole up to here; what follows was never durable, and is to be cut.
    Torn {
        /// Where the last whole record ends.
        offset: u64,
        /// The sequence number that would follow.
        seq: u64,
    },
    /// A record is gone that was durable.
    Damaged {
        /// Where it should begin.
        offset: u64,
        /// Its sequence number.
        seq: u64,
        /// Where it says that the record was durable: the offset of a frame, 0 for the header.
        vouched_by: u64,
    },
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Give these bytes of the file.
    Read {
        /// From where.
        offset: u64,
        /// How many, or fewer where the file ends.
        len: usize,
    },
    /// A record.
    Record(Record),
    /// Nothing follows.
    End(Ending),
}

/// A log being read.
#[derive(Clone, Debug)]
pub struct Recovery {
    key: Key,
    payloads: Payloads,
    /// How long the file is.
    len: u64,
    /// Everything before this was durable, and who says so.
    durable: (u64, u64),
    /// Where the next frame begins, and its number.
    offset: u64,
    seq: u64,
    window: Window,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// A frame begins here, if anything does.
    Frame,
    /// Its payload passes by.
    Payload {
        frame: Frame,
        hasher: Box<blake3::Hasher>,
        passed: u64,
        kept: Vec<u8>,
    },
    /// The frame is bad: whether a later one vouches for it is looked for from here.
    Search {
        at: u64,
    },
    Ended(Ending),
}

impl Recovery {
    /// Of a file of so many bytes with this header.
    pub fn new(header: &Header, len: u64, payloads: Payloads) -> Recovery {
        Recovery::from(header, (HEADER, header.base), len, payloads)
    }

    /// The same, from a record in the middle: its offset and its number.
    pub fn from(header: &Header, at: (u64, u64), len: u64, payloads: Payloads) -> Recovery {
        Recovery {
            key: header.key(),
            payloads,
            len,
            durable: (header.sealed, 0),
            offset: at.0,
            seq: at.1,
            window: Window::default(),
            state: State::Frame,
        }
    }

    /// Whoever reads knows that everything up to the end was written whole: a bad frame is damage.
    #[must_use]
    pub fn expecting_all(mut self) -> Recovery {
        self.durable = (self.len, self.len);
        self
    }

    /// Up to where the log is known to be durable, by what was read so far.
    pub const fn durable(&self) -> u64 {
        self.durable.0
    }

    /// Where the next record begins or would begin, and its number.
    pub const fn position(&self) -> (u64, u64) {
        (self.offset, self.seq)
    }

    /// The bytes that were asked for. Fewer mean that the file ends there.
    pub fn give(&mut self, bytes: &[u8]) {
        if bytes.len() < self.window.asked {
            self.len = self.len.min(self.window.end() + bytes.len() as u64);
        }
        self.window.bytes.extend_from_slice(bytes);
    }

    /// What comes next. After the end it stays the end.
    pub fn step(&mut self) -> Next {
        loop {
            let went = match &mut self.state {
                State::Frame => self.frame(),
                State::Payload { .. } => self.payload(),
                State::Search { at } => {
                    let at = *at;
                    self.search(at)
                }
                State::Ended(ending) => return Next::End(*ending),
            };
            if let Some(next) = went {
                return next;
            }
        }
    }

    fn ask(&mut self, from: u64) -> Option<Next> {
        let (offset, len) = self.window.ask(from, self.len);
        Some(Next::Read { offset, len })
    }

    fn frame(&mut self) -> Option<Next> {
        let at = self.offset;
        if at >= self.len && at >= self.durable.0 {
            self.state = State::Ended(Ending::Whole);
            return None;
        }
        if self.len.saturating_sub(at) < FRAME as u64 {
            self.bad();
            return None;
        }
        let Some(bytes) = self.window.at(at, FRAME) else {
            return self.ask(at);
        };
        match Frame::decode(bytes, &self.key, at) {
            Some(frame) if frame.seq == self.seq && frame.end(at) <= self.len => {
                let whole = self.window.at(at + FRAME as u64, frame.len as usize);
                if let Some(payload) = whole
                    && payload_check(&self.key, payload) == frame.check
                {
                    let kept = match self.payloads {
                        Payloads::Kept => payload.to_vec(),
                        Payloads::Checked => Vec::new(),
                    };
                    return Some(self.record(frame, kept));
                }
                let hasher = Box::new(self.key.of_payload());
                let (passed, kept) = (0, Vec::new());
                self.state = State::Payload {
                    frame,
                    hasher,
                    passed,
                    kept,
                };
            }
            Some(_) | None => self.bad(),
        }
        None
    }

    fn payload(&mut self) -> Option<Next> {
        let State::Payload {
            frame,
            hasher,
            passed,
            kept,
        } = &mut self.state
        else {
            return None;
        };
        let from = self.offset + FRAME as u64 + *passed;
        let rest = u64::from(frame.len) - *passed;
        if rest > 0 {
            let part = self.window.from(from);
            let part = &part[..part.len().min(usize::try_from(rest).unwrap_or(usize::MAX))];
            if part.is_empty() {
                if from >= self.len {
                    // The file was cut while it was read.
                    self.bad();
                    return None;
                }
                return self.ask(from);
            }
            hasher.update(part);
            if self.payloads == Payloads::Kept {
                kept.extend_from_slice(part);
            }
            *passed += part.len() as u64;
            return None;
        }
        if finish(hasher) != frame.check {
            self.bad();
            return None;
        }
        let (frame, kept) = (*frame, std::mem::take(kept));
        Some(self.record(frame, kept))
    }

    fn record(&mut self, frame: Frame, payload: Vec<u8>) -> Next {
        let record = Record {
            seq: self.seq,
            offset: self.offset,
            watermark: frame.watermark,
            len: frame.len,
            payload,
        };
        if frame.watermark > self.durable.0 {
            self.durable = (frame.watermark, self.offset);
        }
        self.offset = frame.end(self.offset);
        self.seq += 1;
        self.state = State::Frame;
        Next::Record(record)
    }

    /// The frame here is bad. Either it was durable, which somebody has said already or says behind
    /// it, or it is where the log was torn.
    fn bad(&mut self) {
        self.state = match self.durable.0 > self.offset {
            true => State::Ended(self.damaged(self.durable.1)),
            false => State::Search {
                at: self.offset + 1,
            },
        };
    }

    const fn damaged(&self, vouched_by: u64) -> Ending {
        Ending::Damaged {
            offset: self.offset,
            seq: self.seq,
            vouched_by,
        }
    }

    fn search(&mut self, mut at: u64) -> Option<Next> {
        loop {
            if self.len.saturating_sub(at) < FRAME as u64 {
                self.state = State::Ended(Ending::Torn {
                    offset: self.offset,
                    seq: self.seq,
                });
                return None;
            }
            let Some(bytes) = self.window.at(at, FRAME) else {
                self.state = State::Search { at };
                return self.ask(at);
            };
            // Later frames have later numbers, but no more of them than there is room for.
            let most = self.seq + (at - self.offset) / FRAME as u64 + 1;
            if let Some(frame) = Frame::decode(bytes, &self.key, at)
                && frame.watermark > self.offset
                && frame.seq <= most
            {
                self.state = State::Ended(self.damaged(at));
                return None;
            }
            at += 1;
        }
    }
}

/// The piece of the file that is at hand.
#[derive(Clone, Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
    asked: usize,
}

impl Window {
    const fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What is at hand from an offset on.
    fn from(&self, offset: u64) -> &[u8] {
        let inside = offset.checked_sub(self.start);
        let inside = inside.and_then(|inside| usize::try_from(inside).ok());
        inside
            .and_then(|inside| self.bytes.get(inside..))
            .unwrap_or_default()
    }

    fn at(&self, offset: u64, len: usize) -> Option<&[u8]> {
        self.from(offset).get(..len)
    }

    /// Lets go what lies before an offset, and says what is to be read so that more follows it.
    fn ask(&mut self, from: u64, len: u64) -> (u64, usize) {
        if from >= self.start && from <= self.end() {
            let gone = usize::try_from(from - self.start).unwrap_or(usize::MAX);
            self.bytes.drain(..gone.min(self.bytes.len()));
        } else {
            self.bytes.clear();
        }
        self.start = from;
        let end = self.end();
        self.asked = usize::try_from(len.saturating_sub(end)).map_or(PIECE, |rest| rest.min(PIECE));
        (end, self.asked)
    }
}
