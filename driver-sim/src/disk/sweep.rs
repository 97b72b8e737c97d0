//! What others left of replaces: temporary files whose owners are gone (A2).

use super::Disk;
use super::errno::{ENOENT, ENOTDIR};
use super::names::Node;
use std::sync::Arc;

/// What the names of all temporary files begin with.
const PREFIX: &str = ".staging-";

impl Disk {
    /// The name of a temporary file of this life.
    pub(super) fn temporary_name(&self, directory: &str, number: u32) -> Arc<str> {
        format!("{directory}/{PREFIX}{}-{number}", self.lives).into()
    }

    /// Sweeps the directory of a target, if that was not done in this life.
    pub(super) fn sweep_once(&mut self, directory: &str) {
        if self.swept.insert(directory.into()) {
            self.sweep_names(directory);
        }
    }

    /// Removes what those who are gone left in a directory, and says how much that was.
    pub(crate) fn sweep(&mut self, directory: &str) -> Result<u64, i32> {
        let directory = directory.trim_end_matches('/');
        match self
            .names
            .node(if directory.is_empty() { "/" } else { directory })
        {
            Some(Node::Directory) => Ok(self.sweep_names(directory)),
            Some(Node::File(_) | Node::Odd(_) | Node::Link(_)) => Err(ENOTDIR),
            None => Err(ENOENT),
        }
    }

    fn sweep_names(&mut self, directory: &str) -> u64 {
        let names = self.names.entries.iter();
        let left = names.filter(|(path, entry)| {
            let name = path.strip_prefix(directory);
            let name = name.and_then(|name| name.strip_prefix('/'));
            let gone = name.and_then(owner).is_some_and(|life| life < self.lives);
            gone && matches!(entry.now, Some(Node::File(_)))
        });
        let left: Vec<Arc<str>> = left.map(|(path, _)| Arc::clone(path)).collect();
        for path in &left {
            self.lead_to(path, None);
        }
        left.len() as u64
    }
}

/// In which life the temporary file of this name was made; `None` for any other file.
fn owner(name: &str) -> Option<u64> {
    let (life, number) = name.strip_prefix(PREFIX)?.split_once('-')?;
    number.parse::<u32>().ok()?;
    life.parse().ok()
}
