//! What can be wrong with a log, in words.

use super::Which;
use crate::error::{Failure, Operation};
use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What is wrong with a log, or with what was asked of it. Of none of these the files were changed, but that
/// a record may be [under way](Unsound::UnderWay).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unsound {
    /// The file is nothing of ours.
    Foreign,
    /// It was written in a newer format.
    Newer {
        /// Of the two files, which.
        which: Which,
        /// In which format.
        version: u32,
    },
    /// Its first bytes are damaged.
    Header,
    /// A record is gone that was durable.
    Damaged {
        /// Where it should begin, in bytes from the beginning of the file.
        offset: u64,
        /// Its sequence number.
        seq: u64,
        /// Where it says that it was durable: the offset of a frame, 0 for the header of the file.
        vouched_by: u64,
    },
    /// The snapshot is damaged.
    Snapshot,
    /// The snapshot is another log's.
    StrangeSnapshot,
    /// The snapshot is there, and not the log.
    SnapshotAlone,
    /// Snapshot and log do not meet: records are missing.
    Gap {
        /// The first that is missing.
        first: u64,
        /// The last.
        last: u64,
    },
    /// It is open for appending already, in this process.
    Busy,
    /// The record is longer than one may be.
    TooLong {
        /// How long, in bytes.
        len: u64,
    },
    /// A snapshot was to stand for records that it cannot stand for.
    Upto {
        /// The last that it was to stand for.
        upto: u64,
        /// The least and the most that it could be.
        range: (u64, u64),
    },
    /// An append before this one failed, so the log is whole only up to there.
    Broken {
        /// The sequence number of the append that failed.
        seq: u64,
        /// Why it failed.
        failure: Box<Failure>,
    },
    /// The deadline passed when a record had been accepted: it goes to the file all the same, as all that is
    /// accepted does. Whether it is executed or durable by now, nobody waited to know.
    UnderWay {
        /// Its sequence number.
        seq: u64,
    },
    /// A checkpoint was not awaited to its end, or its end is unknown, so which file the log is now is
    /// unknown, too.
    Undecided,
}

/// A failed operation on a log, inside the [`io::Error`] that the drivers return.
///
/// [`log_failure`] finds it again.
#[derive(Clone, Debug)]
pub struct LogFailure {
    /// What was being done.
    pub operation: Operation,
    /// To what: the absolute path of the log, or of the snapshot where that is what is wrong.
    pub path: Arc<Path>,
    /// Why it failed.
    pub why: Unsound,
}

impl LogFailure {
    /// The failure as the error that std's traits speak of.
    pub fn into_io(self) -> io::Error {
        let kind = match &self.why {
            Unsound::Foreign
            | Unsound::Header
            | Unsound::Damaged { .. }
            | Unsound::Snapshot
            | Unsound::StrangeSnapshot
            | Unsound::SnapshotAlone
            | Unsound::Gap { .. } => io::ErrorKind::InvalidData,
            Unsound::Newer { .. } => io::ErrorKind::Unsupported,
            Unsound::Busy => io::ErrorKind::ResourceBusy,
            Unsound::TooLong { .. } | Unsound::Upto { .. } => io::ErrorKind::InvalidInput,
            Unsound::UnderWay { .. } => io::ErrorKind::TimedOut,
            Unsound::Broken { .. } | Unsound::Undecided => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }

    /// The system's error number, where it is behind this.
    pub fn errno(&self) -> Option<i32> {
        match &self.why {
            Unsound::Broken { failure, .. } => failure.errno(),
            _ => None,
        }
    }

    /// Whether bytes are not as they were written: something to be shown to whoever keeps the disk.
    pub const fn is_damage(&self) -> bool {
        matches!(
            self.why,
            Unsound::Header
                | Unsound::Damaged { .. }
                | Unsound::Snapshot
                | Unsound::StrangeSnapshot
                | Unsound::SnapshotAlone
                | Unsound::Gap { .. }
        )
    }
}

impl Unsound {
    /// Which of the two files it is about.
    pub(crate) const fn which(&self) -> Which {
        match self {
            Unsound::Newer { which, .. } => *which,
            Unsound::Snapshot | Unsound::StrangeSnapshot | Unsound::SnapshotAlone => {
                Which::Snapshot
            }
            Unsound::Foreign
            | Unsound::Header
            | Unsound::Damaged { .. }
            | Unsound::Gap { .. }
            | Unsound::Busy
            | Unsound::TooLong { .. }
            | Unsound::Upto { .. }
            | Unsound::Broken { .. }
            | Unsound::UnderWay { .. }
            | Unsound::Undecided => Which::Log,
        }
    }
}

impl fmt::Display for LogFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogFailure {
            operation, path, ..
        } = self;
        write!(f, "{} {}: {}", operation.name(), path.display(), self.why)
    }
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsound::Foreign => f.write_str("is no log of this kind; nothing of it was touched"),
            Unsound::Newer { version, .. } => write!(
                f,
                "was written in format {version}, and this program knows up to format 1; use a newer \
                 one; nothing of it was touched"
            ),
            Unsound::Header => f.write_str(
                "its header is damaged; restore it from a copy; nothing of it was touched",
            ),
            Unsound::Damaged {
                offset,
                seq,
                vouched_by,
            } => {
                write!(
                    f,
                    "damaged at byte {offset}: record {seq}, which was durable"
                )?;
                match vouched_by {
                    0 => f.write_str(" when the file got its name")?,
                    by => write!(f, " as byte {by} says")?,
                }
                f.write_str(
                    ", is not there; nothing of it was touched; restore it from a copy, or read the \
                     records before",
                )
            }
            Unsound::Snapshot => f.write_str(
                "the snapshot is damaged; restore it from a copy; nothing of it was touched",
            ),
            Unsound::StrangeSnapshot => f.write_str(
                "the snapshot belongs to another log; put its own beside the log, or move it away",
            ),
            Unsound::SnapshotAlone => f.write_str(
                "the snapshot is there and its log is not; restore the log, or move the snapshot away \
                 to begin anew",
            ),
            Unsound::Gap { first, last } => write!(
                f,
                "records {first} to {last} are in neither the log nor the snapshot beside it; restore \
                 them from a copy"
            ),
            Unsound::Busy => f.write_str(
                "it is open for appending already; share that, or close it first",
            ),
            Unsound::TooLong { len } => write!(
                f,
                "a record of {len} bytes is too long; {} at most",
                super::LONGEST
            ),
            Unsound::Upto {
                upto,
                range: (least, most),
            } => write!(
                f,
                "a snapshot can stand for the records up to {least}, or up to a later one, {most} at \
                 most, and not up to {upto}"
            ),
            Unsound::Broken { seq, failure } => write!(
                f,
                "the append of record {seq} failed ({failure}), and what comes behind it is no part \
                 of the log; open the log again, and append it again"
            ),
            Unsound::UnderWay { seq } => write!(
                f,
                "the deadline passed, and record {seq} is under way: it goes on without its caller, so do \
                 not append it again; a sync or the next open tells what became of it"
            ),
            Unsound::Undecided => f.write_str(
                "a checkpoint was begun and its end is not known; open the log again, which finds out",
            ),
        }
    }
}

impl Error for LogFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Unsound::Broken { failure, .. } => Some(failure.as_ref()),
            _ => None,
        }
    }
}

/// The [`LogFailure`] inside an error that a driver returned.
pub fn log_failure(error: &io::Error) -> Option<&LogFailure> {
    error.get_ref()?.downcast_ref()
}
