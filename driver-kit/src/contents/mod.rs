//! What a staged file holds: bytes in memory that can be read without a system call.
//!
//! Small files are *loaded* into an arena that all files of a stager share, large ones are
//! *mapped*. [`Memory`] is the budget over both. [`Published`] is the cell through which
//! readers reach the contents of a staged file without a lock.
//!
//! # Invariants
//! No byte is presented as the file's that the file did not hold: a mapping that lost pages
//! answers [`Truncated`], for good. No memory is forgotten: what is resident is counted until
//! the system has it back, and [`Contents::release`] tells when that is.

mod area;
mod areas;
mod arena;
mod bitmap;
mod cell;
mod chunk;
pub mod guard;
mod lent;
mod loaded;
mod lockable;
mod mapping;
mod means;
mod memory;
mod nameless;
mod pages;
mod registry;
mod resident;
mod spare;
mod truncated;

pub use area::Share;
pub use cell::Published;
pub use lent::Notify;
pub use loaded::Loaded;
pub use lockable::lockable;
pub use mapping::Mapping;
pub use means::{Clones, Means, Paging};
pub use memory::{Block, Memory, charge_loaded, charge_mapped};
pub use nameless::Nameless;
pub use pages::PAGE;
pub use resident::resident_ranges;
pub use truncated::Truncated;

use bytes::Bytes;
use std::sync::Arc;

/// The contents of a staged file. Clones are cheap and share the memory.
#[derive(Debug, Clone)]
pub enum Contents {
    /// An empty file: staged at once, no memory, charged nothing.
    Empty,
    /// Bytes in the arena, immutable, handed out without a copy.
    Loaded(Loaded),
    /// Pages of the file itself, which another process may change: copied out.
    Mapped(Arc<Mapping>),
}

impl Contents {
    /// The length of the file when it was staged, in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Loaded(loaded) => loaded.bytes().len() as u64,
            Self::Mapped(mapping) => mapping.len(),
        }
    }

    /// Whether the file was empty when it was staged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes from `offset` into `buf` and says how many: fewer only at the end of the
    /// file, none behind it. No system call, no lock, no allocation.
    ///
    /// # Errors
    /// The contents are mapped, and the file lost bytes since; `buf` holds nothing of use.
    #[inline]
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Truncated> {
        match self {
            Self::Empty => Ok(0),
            Self::Loaded(loaded) => {
                let all = loaded.bytes();
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                let len = buf.len().min(all.len() - offset);
                buf[..len].copy_from_slice(&all[offset..offset + len]);
                Ok(len)
            }
            Self::Mapped(mapping) => mapping.read_at(offset, buf),
        }
    }

    /// Bytes from `offset` on without a copy, fewer than `len` only at the end of the file;
    /// `None` where the file itself is mapped: another process may write to it, and it must be
    /// copied (G4).
    #[inline]
    pub fn bytes(&self, offset: u64, len: usize) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Loaded(loaded) => {
                let all = loaded.bytes();
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                Some(all.slice(offset..offset + len.min(all.len() - offset)))
            }
            Self::Mapped(mapping) => mapping.bytes(offset, len),
        }
    }

    /// Whether the bytes are all still those of the file as it was staged or written since;
    /// false once a mapped file was cut.
    pub fn is_intact(&self) -> bool {
        match self {
            Self::Empty | Self::Loaded(_) => true,
            Self::Mapped(mapping) => mapping.is_intact(),
        }
    }

    /// What the contents cost the budget, in bytes.
    pub fn charged(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Loaded(loaded) => loaded.charged(),
            Self::Mapped(mapping) => mapping.charged(),
        }
    }

    /// Gives up the file's reference to its contents, when it is unstaged.
    ///
    /// Returns 0 if the memory went back, else the charged bytes that readers still have; then
    /// `notify` is called with them once, when the last reader let go and the memory is back,
    /// on that reader's thread and outside every lock of this module. Of several clones one is
    /// released and the others are dropped; a second release answers 0, because the first
    /// answers for the memory.
    ///
    /// Large mappings are unmapped here, if they are: not on an executor.
    pub fn release(self, notify: Notify) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Loaded(loaded) => loaded.release(notify),
            Self::Mapped(mapping) => {
                let lent = mapping.lent();
                drop(mapping);
                lent.watch(notify)
            }
        }
    }
}
