//! How a case asks for a lock, or for an update.

use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Durability, Scope, Sharing};
use std::io;
use std::ops::Range;

/// How a file is locked.
#[derive(Clone, Debug)]
pub struct Locking {
    /// Whether others may have it, too.
    pub sharing: Sharing,
    /// Which bytes; none for all of it.
    pub range: Option<Range<u64>>,
    /// Who is kept out.
    pub scope: Scope,
    /// Whether it fails where somebody else has it.
    pub once: bool,
    /// When the caller stops waiting.
    pub deadline: Deadline,
}

impl Default for Locking {
    fn default() -> Locking {
        Locking {
            sharing: Sharing::Exclusive,
            range: None,
            scope: Scope::System,
            once: false,
            deadline: Deadline::Never,
        }
    }
}

impl Locking {
    /// By many.
    pub const fn shared(mut self) -> Locking {
        self.sharing = Sharing::Shared;
        self
    }

    /// Of these bytes.
    pub const fn range(mut self, range: Range<u64>) -> Locking {
        self.range = Some(range);
        self
    }

    /// Against these.
    pub const fn scope(mut self, scope: Scope) -> Locking {
        self.scope = scope;
        self
    }

    /// Without waiting.
    pub const fn once(mut self) -> Locking {
        self.once = true;
        self
    }

    /// Wait no longer than this.
    pub const fn deadline(mut self, deadline: Deadline) -> Locking {
        self.deadline = deadline;
        self
    }
}

/// How a file is updated.
#[derive(Clone, Copy, Debug)]
pub struct Updating {
    /// Who is kept out; nobody, where the last writer is to win.
    pub scope: Option<Scope>,
    /// What is to survive a loss of power.
    pub durability: Durability,
    /// When the caller stops waiting.
    pub deadline: Deadline,
}

impl Updating {
    /// Against these, and quickly.
    pub const fn against(scope: Scope) -> Updating {
        Updating {
            scope: Some(scope),
            durability: Durability::None,
            deadline: Deadline::Never,
        }
    }

    /// Against nobody.
    pub const UNLOCKED: Updating = Updating {
        scope: None,
        ..Updating::against(Scope::Machine)
    };
}

/// What becomes of the old content.
pub type Change = Box<dyn FnOnce(Option<Bytes>) -> io::Result<Vec<u8>> + Send>;
