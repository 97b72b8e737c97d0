//! What is accepted and not over, by path.

use staging_core::Backlog;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What is accepted and not over at one path: on the file that is open there, on what is to replace it, by
/// whoever wants to open or lock it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileBacklog {
    /// Where that is: an absolute path. A file that was opened by several is there by the first of them.
    pub path: Arc<Path>,
    /// How much it is, and whether the file is dirty, or cannot be synced.
    pub backlog: Backlog,
}

impl FileBacklog {
    /// Adds up what belongs to one path. In the order of the paths.
    pub fn by_path(mut pieces: Vec<FileBacklog>) -> Vec<FileBacklog> {
        pieces.sort_by(|one, other| one.path.cmp(&other.path));
        pieces.dedup_by(|next, sum| {
            let same = next.path == sum.path;
            if same {
                sum.backlog = sum.backlog.and(next.backlog);
            }
            same
        });
        pieces
    }
}

/// As `/var/log/app: 2 queued (20 bytes), 1 under way (10 bytes), dirty`.
impl fmt::Display for FileBacklog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.backlog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use staging_core::Load;

    fn queued(path: &str, bytes: u64) -> FileBacklog {
        let operations = 1;
        FileBacklog {
            path: Path::new(path).into(),
            backlog: Backlog {
                queued: Load { operations, bytes },
                ..Backlog::default()
            },
        }
    }

    /// R12.
    #[test]
    fn what_belongs_to_one_path_is_added_up() {
        let dirty = FileBacklog {
            backlog: Backlog {
                dirty: true,
                ..Backlog::default()
            },
            ..queued("/b", 0)
        };
        let pieces = vec![queued("/b", 5), queued("/a", 0), dirty, queued("/b", 7)];
        let told: Vec<String> = FileBacklog::by_path(pieces)
            .iter()
            .map(FileBacklog::to_string)
            .collect();
        assert_eq!(told, ["/a: 1 queued", "/b: 2 queued (12 bytes), dirty"]);
        assert_eq!(FileBacklog::by_path(Vec::new()), []);
    }
}
