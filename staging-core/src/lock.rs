//! What can be said of a lock (K1): on which bytes, by how many, against whom, and how patiently.

/// Bytes of a file, from `start` to before `end`, as a lock names them (K1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Span {
    /// The first.
    pub start: u64,
    /// The first that no longer belongs to it.
    pub end: u64,
}

impl Span {
    /// The file as a whole, however long it will be.
    pub const ALL: Span = Span {
        start: 0,
        end: u64::MAX,
    };
}

/// Whether a lock can be held by many (K1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Sharing {
    /// By one alone.
    #[default]
    Exclusive,
    /// By many, as long as nobody has it exclusively.
    Shared,
}

/// Whom a lock keeps out (K1, K2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Scope {
    /// Those who ask this machine. No system call is made.
    Machine,
    /// All processes of this system. Refused on a file system that other machines may write to:
    /// [`Fault::LocksUntrusted`](crate::Fault::LocksUntrusted).
    #[default]
    System,
    /// The same, also on such a file system: the other machines' processes as far as it says so.
    Network,
}

/// What whoever asks for a lock does where somebody else has it (K1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Patience {
    /// Wait, until the deadline.
    #[default]
    Waits,
    /// Fail with [`Fault::Contended`](crate::Fault::Contended).
    AsksOnce,
}
