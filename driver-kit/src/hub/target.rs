//! What a path is to the machine, which knows no paths.

use staging_core::Key;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// The same for the same path. Two paths that have the same by chance only wait for each other.
pub(super) fn target(path: &Path) -> Key {
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
