//! From what was named to the files behind it.

use crate::found::Found;
use crate::list::{Gone, Sink};
use crate::summary::Trouble;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::{DirEntry, WalkDir};

/// How many directories may be open at once on the way down.
const OPEN_DIRECTORIES: usize = 8;

/// Walks what it is given, sends on what is to be staged, and notes what it cannot read.
pub(crate) struct Walker {
    pub(crate) sink: Sink,
    pub(crate) found: Arc<Found>,
    /// Lengths are wanted.
    pub(crate) lengths: bool,
}

impl Walker {
    /// A path that somebody named: a directory is walked, anything else is sent on as it is, and
    /// judged when it is opened.
    ///
    /// # Errors
    /// Nobody takes files any more.
    pub(crate) fn take(&self, named: PathBuf) -> Result<(), Gone> {
        match fs::metadata(&named) {
            Ok(found) if found.is_dir() => self.walk(&named),
            found => self.send(literal(named), found.as_ref().map_or(0, Metadata::len)),
        }
    }

    fn walk(&self, named: &Path) -> Result<(), Gone> {
        let root = match fs::canonicalize(named) {
            Ok(root) => root,
            Err(error) => {
                self.found.note(Trouble::of_walk(named, &error));
                return Ok(());
            }
        };
        for entry in WalkDir::new(&root).max_open(OPEN_DIRECTORIES) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let len = if self.lengths { len(&entry) } else { 0 };
                    self.send(entry.into_path(), len)?;
                }
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(_) => self.found.skip(),
                Err(error) => {
                    let path = error.path().unwrap_or(&root).to_path_buf();
                    let Some(error) = error.into_io_error() else {
                        continue; // a loop, and links are not followed
                    };
                    self.found.note(Trouble::of_walk(&path, &error));
                }
            }
        }
        Ok(())
    }

    fn send(&self, path: PathBuf, len: u64) -> Result<(), Gone> {
        self.found.count(len);
        self.sink.put(path)
    }
}

fn len(entry: &DirEntry) -> u64 {
    entry.metadata().map_or(0, |metadata| metadata.len())
}

/// A shell has expanded its `~` before; one that arrives here is a name.
pub(crate) fn literal(path: PathBuf) -> PathBuf {
    if path.starts_with("~") {
        Path::new(".").join(path)
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::literal;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_tilde_is_a_name() {
        assert_eq!(literal(PathBuf::from("~/a")), Path::new("./~/a"));
        assert_eq!(literal(PathBuf::from("~a")), Path::new("~a"));
        assert_eq!(literal(PathBuf::from("/~")), Path::new("/~"));
    }
}
