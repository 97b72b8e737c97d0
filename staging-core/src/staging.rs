//! How a file stands with regard to memory, as told outward (G1).
//!
//! ```text
//!                 ┌──────── unstage, cancel, failure ────────┐
//!                 ▼                                          │
//!            NotStaged ───── open, stage ─────► Staging ─────┴─ last chunk ──► Staged
//!                 ▲                                                              │
//!                 └────────────── unstage, write, change, eviction, last close ──┘
//! ```

use crate::fault::Fault;
use crate::time::Tick;

/// How contents are held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum How {
    /// There is nothing to hold: the file is empty.
    Empty,
    /// A copy in memory of our own, which nobody else can change.
    Loaded,
    /// A private mapping: what others write to the file may show.
    Mapped,
    /// A shared mapping: what others write to the file shows.
    MappedShared,
}

/// Whether a file is in memory, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// It is.
    Staged(How),
    /// It is not.
    NotStaged(Why),
}

/// Why a file is not in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// Nobody asked for it.
    NeverAsked,
    /// It was unstaged.
    Unstaged,
    /// Its staging was cancelled.
    Cancelled,
    /// The budget had no room (G10).
    OverBudget,
    /// Nobody held it, and others needed the room (G10).
    Evicted,
    /// An open found another version on the disk.
    Changed,
    /// It was written, or, mapped, opened for writing.
    Written,
    /// Its staging failed.
    Failed(Fault),
}

/// Everything that can be asked about the staging of a file, at any moment (G1, G7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Staging {
    /// Where it is in its life.
    pub life: Life,
    /// The length of the file in bytes: as last seen, and as it will be after the newest accepted
    /// operation (R6).
    pub len: u64,
    /// How many bytes of the budget it has taken.
    pub charge: u64,
    /// How many handles share it.
    pub handles: u32,
    /// How many operations wait for its end.
    pub waiting: u32,
}

/// The three states of G1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Life {
    /// Reads go to the file.
    NotStaged(Why),
    /// Reads wait.
    Staging {
        /// How many bytes are in.
        done: u64,
        /// When it began.
        since: Tick,
    },
    /// Reads are answered from memory.
    Staged(How),
}
