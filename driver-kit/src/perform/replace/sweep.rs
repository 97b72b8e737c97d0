//! What crashes left: temporary files whose owners are gone (A2).

use super::owner::Owner;
use crate::sync::{Mutex, lock};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use staging_core::Key;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;

/// In which directories this was done: in each once, before the first file is replaced there.
#[derive(Default)]
pub(crate) struct Swept {
    directories: Mutex<HashSet<Key>>,
}

impl std::fmt::Debug for Swept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swept").finish_non_exhaustive()
    }
}

impl Swept {
    /// Sweeps a directory that was not swept before. That nothing could be read or removed there
    /// keeps nobody from replacing a file.
    pub(super) fn once(&self, directory: &File, key: Key) {
        if lock(&self.directories).insert(key) {
            let _ = sweep(directory);
        }
    }
}

/// The same, on request, of the directory that a path leads to.
pub(crate) fn sweep_directory(path: &Path) -> io::Result<u64> {
    let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, how, Mode::empty())?;
    Ok(sweep(&directory.into())? as u64)
}

/// Removes what is certainly nobody's any more, and says how much that was.
///
/// # Errors
/// The directory cannot be read.
fn sweep(directory: &File) -> Result<usize, Errno> {
    let mut removed = 0;
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        let left = Owner::of(name).is_some_and(|owner| owner.is_gone());
        if left && rustix::fs::unlinkat(directory, name, AtFlags::empty()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_nobodys_goes_and_everything_else_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let left = Owner::gone();
        let names = [
            left.name(1),
            left.name(2),
            Owner::this().name(3),
            ".staging-of-somebody-else".to_owned(),
            "file".to_owned(),
        ];
        for name in &names {
            fs::write(folder.path().join(name), b"bytes")?;
        }
        let directory = File::open(folder.path())?;
        let certain = if left.is_gone() { 2 } else { 0 };
        let swept = Swept::default();
        swept.once(&directory, Key([1, 1]));
        assert_eq!(fs::read_dir(folder.path())?.count(), names.len() - certain);
        fs::write(folder.path().join(&names[0]), b"bytes")?;
        swept.once(&directory, Key([1, 1]));
        assert!(
            folder.path().join(&names[0]).exists(),
            "it was swept before"
        );
        assert_eq!(sweep(&directory)?, certain.min(1));
        Ok(())
    }
}
