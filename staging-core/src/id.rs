//! Names for what the machine keeps: small, generational, and without meaning to anyone else.
//!
//! An id is 64 bits and never zero, so it fits `Option` for free and travels through an io_uring
//! `user_data`. The generation makes an id that outlived its thing recognisable: it is answered
//! with [`Ignored`](crate::Ignored) or [`Reject`](crate::Reject), never applied to the next tenant.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU64;

/// What an open gave its caller. Reserved when the open is accepted, gone when it is closed.
pub type HandleId = Id<kind::Handle>;
/// The identity behind handles: contents, descriptor and order. Many handles share one.
pub type FileId = Id<kind::File>;
/// An accepted request. It ends with exactly one [`Outcome`](crate::Outcome).
pub type OpId = Id<kind::Op>;
/// A lock that was asked for: it waits, is held, or is being given back. Named when the request is
/// accepted, gone when it was given back.
pub type LockId = Id<kind::Lock>;
/// One action asked of the driver. It ends with exactly one [`Completion`](crate::Completion).
pub type IoId = Id<kind::Io>;

/// What kinds of id there are, so that the compiler keeps them apart.
pub mod kind {
    /// Gives a kind of id its name in transcripts.
    pub trait Kind {
        /// The word that `Debug` puts before the number.
        const WORD: &'static str;
    }
    /// Marks a [`HandleId`](super::HandleId).
    #[derive(Clone, Copy)]
    pub enum Handle {}
    /// Marks a [`FileId`](super::FileId).
    #[derive(Clone, Copy)]
    pub enum File {}
    /// Marks an [`OpId`](super::OpId).
    #[derive(Clone, Copy)]
    pub enum Op {}
    /// Marks a [`LockId`](super::LockId).
    #[derive(Clone, Copy)]
    pub enum Lock {}
    /// Marks an [`IoId`](super::IoId).
    #[derive(Clone, Copy)]
    pub enum Io {}
    impl Kind for Handle {
        const WORD: &'static str = "handle";
    }
    impl Kind for File {
        const WORD: &'static str = "file";
    }
    impl Kind for Op {
        const WORD: &'static str = "op";
    }
    impl Kind for Lock {
        const WORD: &'static str = "lock";
    }
    impl Kind for Io {
        const WORD: &'static str = "io";
    }
}

/// A generational id; see the five aliases beside it.
///
/// The lower half is an index, dense from 0, which a driver may use for a table of its own; the
/// upper half is the generation that tells two tenants of one index apart.
pub struct Id<K> {
    raw: NonZeroU64,
    kind: PhantomData<fn() -> K>,
}

impl<K> Id<K> {
    pub(crate) const fn new(index: u32, generation: u32) -> Self {
        // A generation is never 0, so neither is the whole; `MIN` stands in for the impossible.
        let raw = match NonZeroU64::new(((generation as u64) << 32) | index as u64) {
            Some(raw) => raw,
            None => NonZeroU64::MIN,
        };
        Self {
            raw,
            kind: PhantomData,
        }
    }

    /// The place of this id in a dense table: below the limit of its kind, reused after the end.
    pub const fn index(self) -> usize {
        (self.raw.get() & u32::MAX as u64) as usize
    }

    /// Tells apart the tenants that an index has had; at least 1.
    pub const fn generation(self) -> u32 {
        (self.raw.get() >> 32) as u32
    }

    /// The id as the number that a completion ring carries.
    pub const fn to_u64(self) -> u64 {
        self.raw.get()
    }

    /// The id that [`to_u64`](Self::to_u64) gave. A number that no id has is harmless: the
    /// machine does not know it.
    pub const fn from_u64(raw: u64) -> Option<Self> {
        match NonZeroU64::new(raw) {
            Some(raw) => Some(Self {
                raw,
                kind: PhantomData,
            }),
            None => None,
        }
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}
impl<K: kind::Kind> fmt::Debug for Id<K> {
    /// `op3` for the first tenant of a place, `op3.2` for the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation() {
            1 => write!(f, "{}{}", K::WORD, self.index()),
            later => write!(f, "{}{}.{later}", K::WORD, self.index()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::id::OpId;
    use core::hash::{Hash, Hasher};

    /// Keeps what it was given.
    #[derive(Default)]
    struct Given(u64);

    impl Hasher for Given {
        fn write(&mut self, _: &[u8]) {}
        fn write_u64(&mut self, word: u64) {
            self.0 = word;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn ids_are_ordered_and_hashed_as_their_numbers() {
        let (first, second, again) = (OpId::new(3, 1), OpId::new(4, 1), OpId::new(3, 2));
        assert!(first < second && second < again && first < again);
        let mut given = Given::default();
        again.hash(&mut given);
        assert_eq!(given.finish(), again.to_u64());
    }
}
