//! The report as one JSON object.

use crate::exit::Exit;
use crate::summary::{Count, Left, Summary, Trouble};
use crate::times::Kinds;
use serde::Serialize;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The object, as `--help` and the manual page tell it.
pub(crate) const SCHEMA: &str = "\
The JSON object:
  loaded, mapped, mapped_shared, empty
                {files, bytes} in memory, by how they are held
  staged        {files, bytes} in memory, in all
  opened        {files, bytes} left on the disk as asked
  left          [{path, bytes, why}] left for another reason
  again         paths that led to a file already counted
  cut_off       paths that were under way when a signal came
  failed        [{path, operation, message, errno}]
  skipped       links, pipes, sockets, devices in directories
  total         {files, bytes} of all of these but skipped
  seconds       how long staging took
  bytes_per_second
                how fast bytes came into memory
  interrupted   whether a signal came before all was staged
  status        the exit status, if nothing goes wrong later

Paths are absolute. Beside one that is not UTF-8, path_hex holds its bytes.
errno is null where the system did not refuse. Fields may be added.";

#[derive(Serialize)]
struct Report<'a> {
    loaded: Count,
    mapped: Count,
    mapped_shared: Count,
    empty: Count,
    staged: Count,
    opened: Count,
    left: Vec<LeftFile<'a>>,
    again: u64,
    cut_off: u64,
    failed: Vec<FailedFile<'a>>,
    skipped: u64,
    total: Count,
    seconds: f64,
    bytes_per_second: u64,
    interrupted: bool,
    status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<&'a Kinds>,
}

/// A path; beside one that is no text, its bytes.
#[derive(Serialize)]
pub(crate) struct Name<'a> {
    path: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
}

#[derive(Serialize)]
struct LeftFile<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    bytes: u64,
    why: &'static str,
}

#[derive(Serialize)]
pub(crate) struct FailedFile<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    operation: &'static str,
    message: &'a str,
    errno: Option<i32>,
}

/// Writes the object, and a line's end.
///
/// # Errors
/// `out` could not be written to.
pub(crate) fn write(summary: &Summary, exit: Exit, out: &mut impl Write) -> io::Result<()> {
    let report = Report {
        loaded: summary.loaded,
        mapped: summary.mapped,
        mapped_shared: summary.mapped_shared,
        empty: summary.empty,
        staged: summary.staged(),
        opened: summary.opened,
        left: summary.left.iter().map(LeftFile::from).collect(),
        again: summary.again,
        cut_off: summary.cut_off,
        failed: summary.failed.iter().map(FailedFile::from).collect(),
        skipped: summary.skipped,
        total: summary.total(),
        seconds: summary.elapsed.as_secs_f64(),
        bytes_per_second: summary.bytes_per_second(),
        interrupted: summary.interrupted,
        status: exit.status(),
        times: summary.times.as_ref(),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

impl<'a> From<&'a Path> for Name<'a> {
    fn from(path: &'a Path) -> Name<'a> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Name {
            path: path.to_string_lossy(),
            path_hex: match path.to_str() {
                Some(_) => None,
                None => Some(hex(path.as_os_str().as_bytes())),
            },
        }
    }
}

impl<'a> From<&'a Left> for LeftFile<'a> {
    fn from(left: &'a Left) -> LeftFile<'a> {
        LeftFile {
            name: left.path.as_path().into(),
            bytes: left.bytes,
            why: left.why,
        }
    }
}

impl<'a> From<&'a Trouble> for FailedFile<'a> {
    fn from(trouble: &'a Trouble) -> FailedFile<'a> {
        FailedFile {
            name: trouble.path.as_path().into(),
            operation: trouble.operation,
            message: &trouble.message,
            errno: trouble.errno,
        }
    }
}
