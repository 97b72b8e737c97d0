//! What came of one change on the disk: a line for people, an object for programs.

use crate::json::Name;
use crate::size;
use crate::summary::reason;
use driver_blocking::{Failure, Standing};
use driver_kit::watch::{Change, ChangeKind};
use serde::Serialize;
use std::fmt;
use std::io::{self, Write};

/// The object, as `--help` and the manual page tell it.
pub(crate) const SCHEMA: &str = "\
With --watch, an object follows for each change, on a line of its own:
  change        created, modified or removed; rescanned where the system
                lost events and all was looked at; unwatched where it
                watches no more directories
  path          the file; the watched path where it was rescanned
  result        staged, left, failed or released; null where no file
                changed
  bytes         of the new version
  why           why it was left
  message, errno
                why it failed
and in the end {held: {files, bytes}, changes, staged, left, failed,
released}: what is held, and what came of the changes.";

/// What came of a change.
pub(crate) enum Came {
    /// There is a version in memory.
    Staged {
        /// Its length.
        bytes: u64,
        /// Beside nothing, or instead of another.
        again: bool,
    },
    /// There is a version that is not in memory.
    Left {
        /// Its length.
        bytes: u64,
        /// Why.
        why: &'static str,
    },
    /// The new version could not be opened or staged.
    Failed(Failure),
    /// What was held is given back.
    Released,
    /// No file is concerned.
    Nothing,
}

impl Came {
    pub(crate) const fn of(standing: Standing, bytes: u64, again: bool) -> Came {
        match standing {
            Standing::Staged(_) => Came::Staged { bytes, again },
            Standing::NotStaged(why) => Came::Left {
                bytes,
                why: reason(why),
            },
        }
    }

    /// Whether it is not as it was asked.
    pub(crate) const fn falls_short(&self) -> bool {
        match self {
            Came::Left { .. } | Came::Failed(_) => true,
            Came::Staged { .. } | Came::Released | Came::Nothing => false,
        }
    }
}

/// A change, and what came of it.
pub(crate) struct Told<'a> {
    pub(crate) change: &'a Change,
    pub(crate) came: &'a Came,
}

/// For standard error: `modified /etc/app: restaged, 12 KiB`.
impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { path, kind } = self.change;
        write!(f, "{} {}: ", kind.name(), path.display())?;
        match self.came {
            Came::Staged { bytes, again } => {
                let word = if *again { "restaged" } else { "staged" };
                write!(f, "{word}, {}", size::shown(*bytes))
            }
            Came::Left { bytes, why } => write!(f, "left on disk, {}, {why}", size::shown(*bytes)),
            Came::Failed(failure) => write!(f, "{failure}"),
            Came::Released => f.write_str("released"),
            Came::Nothing => f.write_str(match kind {
                ChangeKind::Rescanned => "the system lost events; everything was looked at",
                ChangeKind::Unwatched => "the system watches no more directories",
                ChangeKind::Created | ChangeKind::Modified | ChangeKind::Removed => {
                    "nothing was held"
                }
            }),
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    change: &'static str,
    #[serde(flatten)]
    name: Name<'a>,
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
}

impl Told<'_> {
    /// Writes the object, and a line's end.
    ///
    /// # Errors
    /// `out` could not be written to.
    pub(crate) fn write_json(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let bare = Object {
            change: self.change.kind.name(),
            name: self.change.path.as_path().into(),
            result: None,
            bytes: None,
            why: None,
            message: None,
            errno: None,
        };
        let object = match self.came {
            Came::Staged { bytes, .. } => Object {
                result: Some("staged"),
                bytes: Some(*bytes),
                ..bare
            },
            Came::Left { bytes, why } => Object {
                result: Some("left"),
                bytes: Some(*bytes),
                why: Some(why),
                ..bare
            },
            Came::Failed(failure) => Object {
                result: Some("failed"),
                message: Some(failure.to_string()),
                errno: failure.errno(),
                ..bare
            },
            Came::Released => Object {
                result: Some("released"),
                ..bare
            },
            Came::Nothing => bare,
        };
        serde_json::to_writer(&mut *out, &object)?;
        writeln!(out)
    }
}
