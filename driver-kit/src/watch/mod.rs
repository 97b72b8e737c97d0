//! Files and directories that are watched, by path (K3), and files that are staged again when they
//! change (K4).
//!
//! ```text
//!   notify's thread ── passes on ──► service ── one thread, "staging-watch" ──► Listener: queue, follow
//!                                      │                                            │
//!                                   ground: directories that are watched         reader, holder
//!                                   tree: a view of some paths ── debounce, chain, sight
//! ```
//!
//! Watched are directories, never files: a file that is replaced has another inode, but the same
//! name in the same directory. Every directory on the way to a path is watched, and where there are
//! links, the way to what they lead to as well; so whatever leads the path elsewhere is seen.
//!
//! # Invariants
//!
//! - A directory is watched first, and then read: what comes to be in between is seen twice, not
//!   never.
//! - Events only say where to look; what is told is the difference between two looks.
//! - What the system or this crate could not keep of the events makes everything be looked at.
//!   Nothing is lost in silence.

mod chain;
mod debounce;
mod follow;
mod ground;
mod news;
mod queue;
mod service;
mod sight;
mod tree;
mod watching;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use follow::Followed;
pub use news::{Follow, News, Outcome, Policy};
pub use watching::{Order, Watch, Watching};

/// How long a path must be quiet before it is told of, unless told otherwise.
pub const DEBOUNCE: Duration = Duration::from_millis(200);

/// Something that changed on the disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Change {
    /// Where: a path that is watched, or one beneath it.
    pub path: PathBuf,
    /// What happened to it, seen from outside: not how.
    pub kind: ChangeKind,
}

/// What happened to a path since it was told of last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChangeKind {
    /// There is a file where there was none.
    Created,
    /// It is another file, or the file has other contents, or another name or owner. A save by
    /// temporary file and rename is one of these, as is a file that was removed and created again.
    Modified,
    /// There is no file any more.
    Removed,
    /// The system lost events: everything beneath this watched path was looked at again. What was
    /// seen to differ is told beside this; what came and went meanwhile is not.
    Rescanned,
    /// This directory can be watched no more: what happens in it may not be told from now on. The
    /// system has a limit for watched directories (`fs.inotify.max_user_watches`).
    Unwatched,
}

impl ChangeKind {
    /// Its name: one word.
    pub const fn name(self) -> &'static str {
        match self {
            ChangeKind::Created => "created",
            ChangeKind::Modified => "modified",
            ChangeKind::Removed => "removed",
            ChangeKind::Rescanned => "rescanned",
            ChangeKind::Unwatched => "unwatched",
        }
    }
}

/// Whoever is told by the service's thread. It must not wait for anything that needs that thread.
trait Listener: Send + Sync {
    /// Everything is watched, or cannot be.
    fn begun(&self, begun: io::Result<()>);

    /// Some paths changed.
    fn tell(&self, changes: Vec<Change>);

    /// It had itself called by the service.
    fn called(&self) {}

    /// Nothing will be told any more.
    fn end(&self);
}
