//! How a file is opened.

use crate::file::File;
use driver_kit::Deadline;
use driver_kit::client::Client;
use driver_kit::core::{Missing, Mode, OverBudget, Plan};
use std::io;
use std::path::Path;

/// How a file is opened. See [`Stager::options`](crate::Stager::options).
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is called"]
pub struct OpenOptions {
    client: Client,
    missing: Missing,
    plan: Plan,
    deadline: Deadline,
}

impl OpenOptions {
    pub(crate) fn new(client: Client) -> OpenOptions {
        let plan = Plan::of(Mode::Auto);
        OpenOptions {
            client,
            missing: Missing::Fail,
            plan,
            deadline: Deadline::Never,
        }
    }

    /// How the file is staged (G3). [`Mode::None`] leaves it on the disk.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.plan.mode = mode;
        self
    }

    /// Up to which length, in bytes, `Auto` loads a file; longer ones are mapped.
    pub fn map_threshold(mut self, bytes: u64) -> Self {
        self.plan.map_threshold = bytes;
        self
    }

    /// What an explicit mode does when the budget is full (G10).
    pub fn over_budget(mut self, policy: OverBudget) -> Self {
        self.plan.over_budget = policy;
        self
    }

    /// Whether a missing file is created, empty (G11).
    pub fn create(mut self, create: bool) -> Self {
        self.missing = if create {
            Missing::Create
        } else {
            Missing::Fail
        };
        self
    }

    /// When to stop waiting (R10).
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Opens the file, and stages it as planned. Where the stager is full, this waits for room.
    ///
    /// # Errors
    /// There is no regular file, it may not be read, staging it failed, or the deadline passed.
    ///
    /// # Cancel safety
    /// Dropped, the open is cancelled and the file closed.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let Self {
            client,
            missing,
            plan,
            deadline,
        } = self;
        let opened = client
            .open(path.as_ref(), *missing, *plan, *deadline)
            .await?;
        Ok(File::new(opened))
    }
}
