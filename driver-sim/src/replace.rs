//! A file replaced, whole or not at all.

use crate::disk::absolute;
use crate::simulation::Payload;
use crate::ticket::{Deadline, Ticket, World, alone, refused};
use driver_kit::error::Operation;
use staging_core::{Durability, Existing, Key, Request};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a path leads to is to be replaced; see [`Stager::replace`](crate::Stager::replace).
///
/// At every moment the path has the old content or the new one, whole (A1), also after a
/// [power loss](crate::Stager::power_loss). A symbolic link is replaced at its target.
#[derive(Debug)]
#[must_use = "nothing is replaced until `commit` or `begin` is called"]
pub struct ReplaceBuilder {
    world: World,
    path: PathBuf,
    bytes: Vec<u8>,
    durability: Durability,
    existing: Existing,
    deadline: Deadline,
}

impl ReplaceBuilder {
    pub(crate) fn new(world: World, path: &Path, bytes: Vec<u8>) -> ReplaceBuilder {
        ReplaceBuilder {
            world,
            path: path.to_path_buf(),
            bytes,
            durability: Durability::default(),
            existing: Existing::default(),
            deadline: Deadline::Never,
        }
    }

    /// What of it is to survive a loss of power (A6). By default, all.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether it fails where there is something (EEXIST).
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.existing = match (create_new, self.existing) {
            (true, _) => Existing::Fail,
            (false, Existing::Fail) => Existing::Replace,
            (false, before) => before,
        };
        self
    }

    /// Whether a symbolic link is followed, so that what it leads to is replaced (A3). It is, unless this says
    /// no: then the link itself makes way for the new file, which has the mode of any new one.
    pub fn follow_links(mut self, follow: bool) -> Self {
        self.existing = match (follow, self.existing) {
            (_, Existing::Fail) => Existing::Fail,
            (true, _) => Existing::Replace,
            (false, _) => Existing::ReplaceLink,
        };
        self
    }

    /// When it is given up.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Replaces it, and runs the simulation until that is over.
    ///
    /// # Errors
    /// Not committed: nothing is changed. Indeterminate, where
    /// [`Failure::is_indeterminate`](crate::Failure::is_indeterminate) says so: the new content may be
    /// there, and may be gone after a loss of power.
    pub fn commit(self) -> io::Result<()> {
        self.begin()?.wait().map(drop)
    }

    /// Asks for it, and does not wait.
    ///
    /// # Errors
    /// The stager is full, or closing.
    pub fn begin(self) -> io::Result<Ticket> {
        let text = absolute(&self.path.to_string_lossy());
        let path: Arc<Path> = Arc::from(Path::new(&*text));
        let request = Request::Replace {
            target: target(&text),
            len: self.bytes.len() as u64,
            durability: self.durability,
            existing: self.existing,
        };
        let payload = Payload::Content {
            path: &text,
            bytes: self.bytes,
        };
        let mut simulation = alone(&self.world);
        let by = self.deadline.tick(&simulation);
        let asked = simulation.submit_op(request, payload, by);
        drop(simulation);
        let operation = Operation::Replace;
        let (number, op) = asked.map_err(|reject| refused(operation, &path, reject))?;
        Ok(Ticket {
            world: self.world,
            number,
            op,
            operation,
            path,
        })
    }
}

/// What a path is to the machine: FNV-1a, so that no two of a test are the same.
fn target(path: &str) -> Key {
    let spread = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    Key([0, path.bytes().fold(0xcbf2_9ce4_8422_2325, spread)])
}
