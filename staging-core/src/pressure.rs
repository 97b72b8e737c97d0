//! How tight the budget is, as told outward (G10).

/// Where the bytes of the budget are at one moment, and how many more are wanted.
///
/// # Invariants
///
/// `lent + lingering + returning ≤ charged ≤ budget`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pressure {
    /// How many there may be in all.
    pub budget: u64,
    /// Taken: by contents, by stagings under way, and by slices that outlived theirs.
    pub charged: u64,
    /// Of those: held by slices of contents that were given up.
    pub lent: u64,
    /// Of those: of files without a handle, given up as soon as others need the room.
    pub lingering: u64,
    /// Of those: of contents that are being given up.
    pub returning: u64,
    /// Waited for by stagings that asked to wait, or that hope for what is coming back.
    pub wanted: u64,
}
