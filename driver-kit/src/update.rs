//! What an update is made of, in every driver (A5).
//!
//! ```text
//!   open ─► where it is ─► lock ─► open, read ─► change ─► replace ─► unlock
//! ```
//!
//! The lock is on a file beside it, `.NAME.lock`, because the file itself is another one after each update. It is
//! empty and stays.

use crate::clock::Deadline;
use staging_core::{Durability, Scope};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// How a file is to be updated.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Who is kept out from the read to the rename; nobody, where the last writer is to win.
    pub scope: Option<Scope>,
    /// What of it is to survive a loss of power (A6).
    pub durability: Durability,
    /// When it is given up.
    pub deadline: Deadline,
}

impl Update {
    /// Alone among the callers of its stager, durably.
    pub const DEFAULT: Update = Update {
        scope: Some(Scope::Machine),
        durability: Durability::FileAndDirectory,
        deadline: Deadline::Never,
    };
}

/// What a name may be at most, in bytes.
const LONGEST_NAME: usize = 255;
const BEFORE: &[u8] = b".";
const BEHIND: &[u8] = b".lock";

/// The lock file of a path. Names that are too long for it share that of their beginning: whoever updates
/// them may wait for each other without need, and no more.
pub fn lock_file(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let room = LONGEST_NAME - BEFORE.len() - BEHIND.len();
    let name = [BEFORE, &name[..name.len().min(room)], BEHIND].concat();
    path.with_file_name(OsString::from_vec(name))
}

/// Where a file that is not there would be, by whatever links its directory is named.
pub fn place_of_missing(path: &Path) -> PathBuf {
    let real = path.parent().and_then(|parent| parent.canonicalize().ok());
    match (real, path.file_name()) {
        (Some(real), Some(name)) => real.join(name),
        // The replace will say what is wrong with it.
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A5: whatever the name, its lock file can be made, and no two short names share one.
    #[test]
    fn a5_every_name_has_a_lock_file() {
        let of = |name: &str| lock_file(&Path::new("/there").join(name));
        assert_eq!(of("state.json"), Path::new("/there/.state.json.lock"));
        assert_eq!(
            of(&"x".repeat(249)).file_name().map(|name| name.len()),
            Some(255)
        );
        assert_eq!(
            of(&"x".repeat(255)).file_name().map(|name| name.len()),
            Some(255)
        );
        assert_ne!(of(&"x".repeat(248)), of(&"x".repeat(249)));
        assert_eq!(of(&"x".repeat(250)), of(&"x".repeat(255)));
    }
}
