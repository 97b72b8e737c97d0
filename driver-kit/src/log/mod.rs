//! Append-only logs (L1) and their checkpoints (L2): what is in the files, and which steps come in
//! which order. No I/O: what is to be read and written is asked for, and given.
//!
//! ```text
//!   LOG            header │ frame 7 │ frame 8 │ frame 9 │ … torn
//!                    │         │
//!                    │         └ length, sequence number, watermark, check of the payload,
//!                    │           check of all that and of the place; then the payload
//!                    └ whose log, which file of it, first sequence number, how far it was durable
//!
//!   LOG.snapshot   header │ the caller's bytes, which stand for every record up to 6
//! ```
//!
//! A **watermark** says up to where its writer knew the log to be durable when it wrote the frame.
//! That is how a torn tail is told from damage. Appends that no sync covered may reach the disk in
//! any order, with holes between them, so behind a bad frame there may be good ones: if none of them
//! has a watermark beyond the bad one, nothing was lost that anybody was promised, and the log is cut
//! there. If one has, a record is gone that was durable, and that is an error which changes nothing.
//!
//! A frame is good at one place of one file only: its check has a key made of the file's header, and
//! covers the offset. So neither a payload that looks like a frame, nor what an earlier file left on
//! the disk, nor a frame that was copied to another place is ever taken for one.
//!
//! [`Opening`] and [`Checkpoint`] are the two protocols, as [`Step`]s for whoever has a disk;
//! [`Ledger`] places appends between them; [`Recovery`] reads, in pieces, in bounded memory.
//!
//! The checks are BLAKE3's, keyed, of which eight bytes are kept: a keyed hash binds a frame to its
//! file without a structure that a payload could make use of, as a CRC has it.

mod checkpoint;
mod failure;
mod frame;
mod header;
mod ledger;
mod opening;
mod recover;
mod snapshot;

pub use checkpoint::{Checkpoint, Upto};
pub use failure::{LogFailure, Unsound, log_failure};
pub use frame::{FRAME, Frame, LONGEST, Prepared};
pub use header::{HEADER, Header, Identity, Key};
pub use ledger::{Ledger, Mark, Placed};
pub use opening::{Lengths, Opened, Opening};
pub(crate) use opening::{damage, follows, reaches};
pub use recover::{Ending, Next, PIECE, Payloads, Record, Recovery};
pub use snapshot::{SNAPSHOT_HEADER, SnapshotHeader};

/// One of the two files of a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Which {
    /// The log itself.
    Log,
    /// The snapshot beside it.
    Snapshot,
}

/// What a protocol says when it is asked what comes next.
#[derive(Clone, Debug)]
pub enum Said<T> {
    /// Do this, and then ask again.
    Do(Step),
    /// It is over, and this came of it.
    Ready(T),
}

/// What a protocol asks for. One step at a time, each to its end, and an error ends the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Read so many bytes, fewer only where the file ends, and give them.
    Read {
        /// From which file.
        which: Which,
        /// From where, in bytes.
        offset: u64,
        /// How many bytes.
        len: usize,
    },
    /// Write to the log.
    Write {
        /// Where, in bytes from the beginning.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// Cut the log to so many bytes.
    Cut {
        /// How many are left.
        len: u64,
    },
    /// Make durable what was written to the log.
    Sync,
    /// Make the log, which is not there: whole, durable, with its name. Fail if it is there. What is
    /// asked from then on is asked of it.
    Make {
        /// All of it.
        content: Vec<u8>,
    },
    /// Put this in the place of a file: whole, durable, with its name. What is asked of it from then
    /// on is asked of the new one.
    Replace {
        /// Which.
        which: Which,
        /// All of it.
        content: Vec<u8>,
    },
    /// Let no append begin until the protocol is over, and wait until all that began have ended
    /// well. Then say where the log ends, by [`Checkpoint::paused`].
    Pause,
}
