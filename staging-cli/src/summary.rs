//! What became of all files, counted.

use crate::times::Kinds;
use driver_blocking::{Cause, Failure, Fault, How, Item, Staged, Standing, Why};
use driver_kit::core::{FileId, Reject};
use driver_kit::error::Operation;
use serde::Serialize;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Count {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    pub(crate) fn plus(self, other: Count) -> Count {
        Count {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Something that went wrong with one path.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What was being done, in one word.
    pub(crate) operation: &'static str,
    pub(crate) path: PathBuf,
    /// A whole sentence, with the operation and the path.
    pub(crate) message: String,
    /// The system's error number, where the system said no.
    pub(crate) errno: Option<i32>,
}

impl Trouble {
    /// A directory that could not be read.
    pub(crate) fn of_walk(path: &Path, error: &io::Error) -> Trouble {
        Trouble {
            operation: "walk",
            path: path.to_path_buf(),
            message: format!("walk {}: {error}", path.display()),
            errno: error.raw_os_error(),
        }
    }

    /// The list on standard input.
    pub(crate) fn of_list(error: &io::Error) -> Trouble {
        Trouble {
            operation: "list",
            path: PathBuf::from("-"),
            message: format!("list on standard input: {error}"),
            errno: error.raw_os_error(),
        }
    }

    /// A file that could not be asked about.
    pub(crate) fn of_status(path: &Path, error: &io::Error) -> Trouble {
        match driver_kit::error::failure(error) {
            Some(failure) => Trouble::of_file(failure),
            None => Trouble {
                operation: Operation::Status.name(),
                path: path.to_path_buf(),
                message: error.to_string(),
                errno: error.raw_os_error(),
            },
        }
    }

    fn of_file(failure: &Failure) -> Trouble {
        Trouble {
            operation: failure.operation.name(),
            path: failure.path.to_path_buf(),
            message: failure.to_string(),
            errno: failure.errno(),
        }
    }
}

/// A file that was opened and is not in memory.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) why: &'static str,
}

/// What became of all files. Each path that was tried stands in exactly one place.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) loaded: Count,
    pub(crate) mapped: Count,
    pub(crate) mapped_shared: Count,
    pub(crate) empty: Count,
    /// Open, not in memory, as it was asked.
    pub(crate) opened: Count,
    /// Open, not in memory, although it was asked.
    pub(crate) left: Vec<Left>,
    /// Paths that led to a file that another path had led to.
    pub(crate) again: u64,
    /// Paths that were under way when a signal came.
    pub(crate) cut_off: u64,
    pub(crate) failed: Vec<Trouble>,
    /// Passed over inside directories, because it is no regular file.
    pub(crate) skipped: u64,
    pub(crate) elapsed: Duration,
    /// A signal came before everything was staged.
    pub(crate) interrupted: bool,
    /// How long operations took, if that was asked for.
    pub(crate) times: Option<Kinds>,
}

impl Summary {
    /// Counts the results. Bytes of one file count once, whatever number of paths lead to it.
    pub(crate) fn of(items: &[Item]) -> Summary {
        let mut summary = Summary::default();
        let mut seen = HashSet::new();
        for item in items {
            match &item.result {
                Ok(staged) => summary.take(item, staged, &mut seen),
                Err(failure) if is_cut_off(failure) => summary.cut_off += 1,
                Err(failure) => summary.failed.push(Trouble::of_file(failure)),
            }
        }
        summary
    }

    fn take(&mut self, item: &Item, staged: &Staged, seen: &mut HashSet<FileId>) {
        if !seen.insert(staged.handle.file()) {
            self.again += 1;
            return;
        }
        match staged.standing {
            Standing::Staged(How::Loaded) => self.loaded.add(staged.len),
            Standing::Staged(How::Mapped) => self.mapped.add(staged.len),
            Standing::Staged(How::MappedShared) => self.mapped_shared.add(staged.len),
            Standing::Staged(How::Empty) => self.empty.add(staged.len),
            Standing::NotStaged(Why::NeverAsked) => self.opened.add(staged.len),
            Standing::NotStaged(why) => self.left.push(Left {
                path: item.path.to_path_buf(),
                bytes: staged.len,
                why: reason(why),
            }),
        }
    }

    /// What is in memory.
    pub(crate) fn staged(&self) -> Count {
        let mapped = self.mapped.plus(self.mapped_shared);
        self.loaded.plus(mapped).plus(self.empty)
    }

    /// What is not in memory, although it was asked.
    pub(crate) fn left(&self) -> Count {
        let mut left = Count::default();
        for file in &self.left {
            left.add(file.bytes);
        }
        left
    }

    /// Every path that was tried, with the bytes that are known of.
    pub(crate) fn total(&self) -> Count {
        let known = self.staged().plus(self.opened).plus(self.left());
        Count {
            files: known.files + self.again + self.cut_off + self.failed.len() as u64,
            ..known
        }
    }

    /// Bytes brought into memory in each second.
    pub(crate) fn bytes_per_second(&self) -> u64 {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        (self.staged().bytes as f64 / seconds) as u64
    }
}

/// Whether it was not the file's fault, but somebody pressed Ctrl-C.
fn is_cut_off(failure: &Failure) -> bool {
    matches!(
        failure.cause,
        Cause::Fault(Fault::Cancelled | Fault::ShuttingDown | Fault::Abandoned)
            | Cause::Rejected(Reject::ShuttingDown)
    )
}

pub(crate) const fn reason(why: Why) -> &'static str {
    match why {
        Why::NeverAsked => "not asked for",
        Why::Unstaged => "unstaged",
        Why::Cancelled => "cancelled",
        Why::OverBudget => "over budget",
        Why::Evicted => "evicted",
        Why::Changed => "changed meanwhile",
        Why::Written => "written",
        Why::Failed(_) => "failed",
    }
}
