//! Asking for a replace.

use super::Hub;
use super::room::Standby;
use super::slot::Ticket;
use crate::clock::Deadline;
use crate::error::{Failure, Operation};
use bytes::Bytes;
use staging_core::{Durability, Existing, Key, Request};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

/// What a file is to be replaced by, and how.
#[derive(Clone, Debug)]
pub struct Content {
    /// All of it. It is not copied.
    pub bytes: Bytes,
    /// What of it is to survive a loss of power (A6).
    pub durability: Durability,
    /// What to do where there is something.
    pub existing: Existing,
}

impl Content {
    /// Durable with its name, in the place of whatever file there is.
    pub fn of(bytes: Bytes) -> Content {
        Content {
            bytes,
            durability: Durability::default(),
            existing: Existing::default(),
        }
    }

    /// Whether it fails where there is something (EEXIST).
    pub fn create_new(&mut self, create_new: bool) {
        self.existing = match create_new {
            true => Existing::Fail,
            false => Existing::Replace,
        };
    }
}

impl Hub {
    /// Asks to replace what an absolute path leads to (A1).
    ///
    /// # Errors
    /// Refused: nothing changed. If it was for fullness, `room` is woken when there is room (R12).
    pub fn replace(
        self: &Arc<Self>,
        path: &Arc<Path>,
        content: &Content,
        deadline: Deadline,
        room: Standby<'_>,
    ) -> Result<Ticket, Failure> {
        let request = Request::Replace {
            target: target(path),
            len: content.bytes.len() as u64,
            durability: content.durability,
            existing: content.existing,
        };
        let bytes = content.bytes.clone();
        self.submit_with(Operation::Replace, path, request, bytes, deadline, room)
    }
}

/// The same for the same path. Two paths that have the same by chance only wait for each other.
fn target(path: &Path) -> Key {
    let hashed = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        path.as_os_str().hash(&mut hasher);
        hasher.finish()
    };
    Key([hashed(0), hashed(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_its_path() {
        assert_eq!(target(Path::new("/a/b")), target(Path::new("/a/b")));
        assert_ne!(target(Path::new("/a/b")), target(Path::new("/a/c")));
    }
}
