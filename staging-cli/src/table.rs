//! The table on standard output.

use crate::hold::spoken;
use crate::size;
use crate::summary::{Count, Summary};
use crate::times;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes what became of the files, a line for each way, and their sum.
///
/// # Errors
/// `out` could not be written to.
pub(crate) fn write(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<16}{:>12}{:>15}", "", "files", "bytes")?;
    row(out, "loaded", summary.loaded, "")?;
    row(out, "mapped", summary.mapped, "")?;
    row(out, "mapped shared", summary.mapped_shared, "")?;
    row(out, "empty", summary.empty, "")?;
    row(out, "left on disk", summary.opened, "as asked")?;
    for (why, count) in left_by_reason(summary) {
        row(out, "left on disk", count, why)?;
    }
    bare_row(out, "again", summary.again, "same files as above")?;
    bare_row(out, "cut off", summary.cut_off, "by a signal")?;
    bare_row(out, "failed", summary.failed.len() as u64, "")?;
    line(out, "total", summary.total(), "")?;
    let staged = summary.staged();
    writeln!(
        out,
        "{} in memory after {}: {}/s",
        size::shown(staged.bytes),
        spoken(summary.elapsed),
        size::shown(summary.bytes_per_second()),
    )?;
    match &summary.times {
        Some(kinds) => times::write(kinds, out),
        None => Ok(()),
    }
}

fn left_by_reason(summary: &Summary) -> BTreeMap<&'static str, Count> {
    let mut reasons: BTreeMap<&'static str, Count> = BTreeMap::new();
    for left in &summary.left {
        let count = reasons.entry(left.why).or_default();
        *count = count.plus(Count {
            files: 1,
            bytes: left.bytes,
        });
    }
    reasons
}

/// A row, where there is something to say.
fn row(out: &mut impl Write, name: &str, count: Count, note: &str) -> io::Result<()> {
    match count.files {
        0 => Ok(()),
        _ => line(out, name, count, note),
    }
}

fn line(out: &mut impl Write, name: &str, count: Count, note: &str) -> io::Result<()> {
    let bytes = size::shown(count.bytes).to_string();
    write_line(out, name, count.files, &bytes, note)
}

/// A row of paths whose bytes are not known, or counted elsewhere.
fn bare_row(out: &mut impl Write, name: &str, files: u64, note: &str) -> io::Result<()> {
    match files {
        0 => Ok(()),
        _ => write_line(out, name, files, "", note),
    }
}

fn write_line(
    out: &mut impl Write,
    name: &str,
    files: u64,
    bytes: &str,
    note: &str,
) -> io::Result<()> {
    let whole = format!("{name:<16}{files:>12}{bytes:>15}  {note}");
    writeln!(out, "{}", whole.trim_end())
}
