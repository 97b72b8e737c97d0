//! How actions end, and what of a file the driver says with it.

use crate::fault::Fault;

/// How an action ended. Each kind of action has its own kind of success; a completion of another
/// kind is [`Ignored`](crate::Ignored).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Completion {
    /// `Open` or `Fetch` opened the file and keeps the descriptor: nothing was loaded, because
    /// nothing was asked, the file is longer than asked, or it changed while it was loaded.
    Opened {
        /// Which file it is.
        key: Key,
        /// What it looks like now.
        stamp: Stamp,
    },
    /// `Fetch` loaded the whole file, saw the same stamp before and after (G5), and closed it.
    Fetched {
        /// Which file it is.
        key: Key,
        /// What it looked like, before and after.
        stamp: Stamp,
    },
    /// `Look` read the stamp.
    Looked {
        /// What the file looks like now.
        stamp: Stamp,
    },
    /// `Map` made the mapping; nothing is populated yet.
    Mapped,
    /// `Load` brought in its whole chunk; less only where the file ended early, which the stamp
    /// will show.
    Loaded {
        /// What the file looked like after the chunk (G5).
        stamp: Stamp,
    },
    /// `Read` read this many bytes into the caller's buffer; less than asked only at the end of
    /// the file.
    Read {
        /// How many.
        bytes: u64,
    },
    /// `Write` wrote all of it, or `Replace` all of what was to be filled in.
    Written,
    /// `Write` wrote this many bytes, fewer than asked, and then failed. Where nothing was
    /// written it is [`Failed`](Completion::Failed).
    CutShort {
        /// How many.
        bytes: u64,
        /// Why not more.
        fault: Fault,
    },
    /// `SetLength` set the length.
    LengthSet,
    /// `Sync` returned success; or a step of `Replace` that syncs.
    Synced,
    /// `Replace` made the temporary file, with its first bytes.
    Created {
        /// A number for the file system that it is on, if one call makes all those of it durable that are to
        /// be, as `syncfs` does; they may be asked for together then (A4).
        volume: Option<u64>,
    },
    /// `Replace` published it: the path has the new content from now on.
    Published {
        /// The directory in which that happened.
        directory: Key,
    },
    /// `Replace` could not publish it, and it cannot be found out whether it was published all the same:
    /// over a network a reply may be lost, and not the request. [`Failed`](Completion::Failed) says that it
    /// certainly was not.
    Unsure {
        /// What the system said.
        fault: Fault,
    },
    /// `Replace` removed the temporary file.
    Discarded,
    /// `Lock` got the lock.
    Locked,
    /// `Lock` did not get it: another process has one that meets it.
    Contended,
    /// `Lock` gave it back.
    Unlocked,
    /// `Release` gave the contents up.
    Released {
        /// How many bytes of the budget slices still hold that were handed out;
        /// [`Event::Returned`](crate::Event::Returned) gives them back.
        lent: u64,
    },
    /// `Close` closed the descriptor.
    Closed,
    /// It failed. For `Release` and `Close`, and where a temporary file was to be discarded or a lock to be
    /// given back, this counts as done: nothing is left to retry, and nothing is lent.
    Failed {
        /// Why.
        fault: Fault,
    },
}

/// The identity of a file: whatever the driver says, usually device and inode. Handles on the
/// same key share contents, staging and order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(pub [u64; 2]);

/// What tells two versions of a file apart (G5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stamp {
    /// Its length in bytes.
    pub len: u64,
    /// The time of its last modification, in nanoseconds, or any number that changes with it.
    pub version: u64,
}
