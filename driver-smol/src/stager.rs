//! The stager: where files are opened, staged together, and shut down.

use crate::file::File;
use crate::{FollowBuilder, OpenOptions, runtime};
use driver_kit::client;
use driver_kit::contents::{Clones, Means, Paging};
use driver_kit::core::{Grace, Limits};
use driver_kit::options::Options;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// Files that are in memory before the first read.
///
/// Clones share everything. When the last is dropped the stager is closed, in the background;
/// files that are still there can then no longer be read. [`shutdown`](client::Stager::shutdown)
/// does the same with manners, and a report. All but making it and opening files is the same on
/// every executor: see the methods of [`client::Stager`] below.
#[derive(Clone, Debug)]
pub struct Stager {
    stager: client::Stager,
}

/// How a stager is made. See [`Stager::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct Builder {
    limits: Limits,
    means: Means,
    options: Options,
    workers: u32,
}

impl Builder {
    /// How many blocking threads may work at once: few while they do not have to wait, more where the
    /// disk keeps them waiting. 64 by default.
    pub const fn workers(self, threads: u32) -> Builder {
        Builder {
            workers: threads,
            ..self
        }
    }

    /// How many bytes of files may be in memory at once (G10). Unlimited by default.
    pub const fn budget(self, bytes: u64) -> Builder {
        Builder {
            limits: Limits {
                budget: bytes,
                ..self.limits
            },
            ..self
        }
    }

    /// How many bytes of the budget may stay in memory after their files were closed, for the next
    /// open. None by default.
    pub const fn linger(self, bytes: u64) -> Builder {
        Builder {
            limits: Limits {
                linger: bytes,
                ..self.limits
            },
            ..self
        }
    }

    /// Whether the system may take staged pages out of memory when it is short of it. Where it may
    /// not, staging fails beyond what this process may lock (`RLIMIT_MEMLOCK`). Allowed by default.
    pub const fn paging(self, paging: Paging) -> Builder {
        let means = Means {
            paging,
            ..self.means
        };
        Builder { means, ..self }
    }

    /// Whether a clone is mapped in the place of a file, where the file system makes one for nothing:
    /// its bytes are handed out without a copy. Never by default.
    pub const fn clones(self, clones: Clones) -> Builder {
        let means = Means {
            clones,
            ..self.means
        };
        Builder { means, ..self }
    }

    /// Whether what is opened to be written is written behind (R8) unless its options say otherwise, or say
    /// that it is written through. It is not by default.
    pub const fn write_behind(self, behind: bool) -> Builder {
        let options = Options {
            writes_behind_unasked: behind,
            ..self.options
        };
        Builder { options, ..self }
    }

    /// Every bound there is. They can be changed later: see [`set_limits`](client::Stager::set_limits).
    pub const fn limits(self, limits: Limits) -> Builder {
        Builder { limits, ..self }
    }

    /// Makes the stager. Nothing is started before there is work.
    #[must_use]
    pub fn build(self) -> Stager {
        let client = runtime::client(self.limits, self.means, self.workers);
        Stager {
            stager: client::Stager::opening(client, self.options),
        }
    }
}

impl Default for Stager {
    fn default() -> Stager {
        Stager::new()
    }
}

impl Stager {
    /// A stager without a budget.
    #[must_use]
    pub fn new() -> Stager {
        Stager::builder().build()
    }

    /// A stager to be adjusted first.
    pub fn builder() -> Builder {
        Builder {
            limits: Limits::default(),
            means: Means::default(),
            options: Options::new(),
            workers: 64,
        }
    }

    /// Opens a file for reading and stages it: when this returns, it is in memory (G3).
    ///
    /// # Errors
    /// There is no regular file, it may not be read, or staging it failed; the message says what
    /// and where.
    ///
    /// # Cancel safety
    /// Dropped, the open is cancelled and the file closed.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.options().open(path).await
    }

    /// Opens a file in other ways than [`open`](Stager::open).
    pub fn options(&self) -> OpenOptions {
        self.stager.options_for(File::new)
    }

    /// Follows a file by its path: when it changes on the disk, it is staged again, marked stale, or
    /// told of, as asked (K4).
    pub fn follow(&self, path: impl AsRef<Path>) -> FollowBuilder {
        self.stager.follow_for(path, File::new)
    }

    /// Shuts down on SIGINT and SIGTERM (S6): the first is graceful, the second forces, the third
    /// exits at once. A thread listens for the rest of the process.
    ///
    /// # Errors
    /// The signals could not be caught.
    pub fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        runtime::listen(self.hub(), grace)
    }
}

impl Deref for Stager {
    type Target = client::Stager;

    fn deref(&self) -> &client::Stager {
        &self.stager
    }
}
