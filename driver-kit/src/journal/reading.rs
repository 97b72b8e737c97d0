//! Reading a journal file back.

use super::words::{FORMAT, VERSION, Worded, Words, header, line};
use staging_core::{Entry, Limits};
use std::io::{self, BufRead, Read};
use std::{error, fmt};

/// No entry is longer than this, by far, in bytes: what is, is no journal.
const LONGEST: u64 = 4096;

/// Reads the entries of a journal file, one after the other.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    limits: Limits,
    read: Vec<u8>,
    line: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Reads,
    Torn,
    Ended,
}

/// What a line is, apart from its bytes.
enum Line {
    Whole,
    Cut,
    Nothing,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// It is not the first line of a journal of this version.
    pub fn new(mut from: R) -> Result<Reader<R>, ReadError> {
        let mut read = Vec::new();
        let got = next_line(&mut from, &mut read)?;
        let limits = match got {
            Line::Whole => limits(&read),
            Line::Cut | Line::Nothing if FORMAT.as_bytes().starts_with(start(&read)) => {
                Err(Flaw::EndsBefore(""))
            }
            Line::Cut | Line::Nothing => Err(Flaw::NotAJournal),
        };
        let limits = limits.map_err(|flaw| ReadError::Damaged(Damage { line: 1, flaw }))?;
        Ok(Reader {
            from,
            limits,
            read,
            line: 1,
            state: State::Reads,
        })
    }

    /// The limits of the machine that was recorded.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The number of the line that was read last, counted from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Whether the file ended in the middle of a line, as a crash leaves it. Known at the end.
    pub const fn is_torn(&self) -> bool {
        matches!(self.state, State::Torn)
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        match next_line(&mut self.from, &mut self.read)? {
            Line::Nothing => self.state = State::Ended,
            Line::Cut => self.state = State::Torn,
            Line::Whole => {
                self.line += 1;
                let line = self.line;
                let read = entry(&self.read);
                return read
                    .map(Some)
                    .map_err(|flaw| ReadError::Damaged(Damage { line, flaw }));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Result<Entry, ReadError>> {
        if self.state != State::Reads {
            return None;
        }
        let next = self.next_entry();
        if next.is_err() {
            self.state = State::Ended;
        }
        next.transpose()
    }
}

/// The next line, without its end.
fn next_line(from: &mut impl BufRead, read: &mut Vec<u8>) -> io::Result<Line> {
    read.clear();
    from.take(LONGEST).read_until(b'\n', read)?;
    Ok(match read.pop() {
        None => Line::Nothing,
        Some(b'\n') => Line::Whole,
        Some(last) => {
            read.push(last);
            // Longer than a line can be, it is no torn line but a wrong one.
            match read.len() as u64 {
                LONGEST => Line::Whole,
                _ => Line::Cut,
            }
        }
    })
}

fn start(read: &[u8]) -> &[u8] {
    &read[..read.len().min(FORMAT.len())]
}

fn limits(read: &[u8]) -> Result<Limits, Flaw> {
    if !start(read).starts_with(FORMAT.as_bytes()) {
        return Err(Flaw::NotAJournal);
    }
    let text = str::from_utf8(read).map_err(|_| Flaw::NotText)?;
    let mut words = Words::of(text);
    match words.value("")? {
        FORMAT => {}
        _ => return Err(Flaw::NotAJournal),
    }
    match words.value("")? {
        VERSION => {}
        other => return Err(Flaw::Version(other.to_owned())),
    }
    let limits = Limits::read("limits", &mut words)?;
    words.end()?;
    as_written(limits, header(&limits), text)
}

fn entry(read: &[u8]) -> Result<Entry, Flaw> {
    let text = str::from_utf8(read).map_err(|_| Flaw::NotText)?;
    let mut words = Words::of(text);
    let entry = Entry::read("", &mut words)?;
    words.end()?;
    as_written(entry, line(&entry), text)
}

/// There is one way to write each value.
fn as_written<T>(value: T, written: String, read: &str) -> Result<T, Flaw> {
    match written == read {
        true => Ok(value),
        false => Err(Flaw::OtherwiseWritten),
    }
}

/// Why a journal cannot be read on.
#[derive(Debug)]
pub enum ReadError {
    /// The system says no.
    Io(io::Error),
    /// It is no journal, or not whole.
    Damaged(Damage),
}

/// Where a journal is damaged, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// In which line, counted from 1.
    pub line: usize,
    /// How.
    pub flaw: Flaw,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// It is not the first line of a journal.
    NotAJournal,
    /// It is one of another version.
    Version(String),
    /// It ends before this field.
    EndsBefore(&'static str),
    /// A word that cannot be the value of this field, or another field.
    Unknown {
        /// The field.
        name: &'static str,
        /// The word.
        word: String,
    },
    /// It goes on where it should end.
    GoesOn(String),
    /// It means something, but is not what is written for that: a number with a sign or with zeros
    /// in front of it.
    OtherwiseWritten,
    /// It is not UTF-8.
    NotText,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NotAJournal => f.write_str("not the beginning of a journal"),
            Flaw::Version(other) => write!(f, "`{other}`, and this reads {VERSION}"),
            Flaw::EndsBefore("") => f.write_str("it ends too early"),
            Flaw::EndsBefore(name) => write!(f, "it ends before `{name}`"),
            Flaw::Unknown { name: "", word } => write!(f, "no entry begins with `{word}`"),
            Flaw::Unknown { name, word } => write!(f, "`{word}` is no value of `{name}`"),
            Flaw::GoesOn(word) => write!(f, "it should end before `{word}`"),
            Flaw::OtherwiseWritten => f.write_str("its numbers are not written as they should be"),
            Flaw::NotText => f.write_str("it is not text"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.flaw)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(f),
            ReadError::Damaged(damage) => damage.fmt(f),
        }
    }
}

impl error::Error for Damage {}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ReadError::Io(error) => Some(error),
            ReadError::Damaged(damage) => Some(damage),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Io(error)
    }
}
