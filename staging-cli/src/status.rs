//! `staging status`: how much of files is in memory, whoever brought it there.

use crate::args::StatusArgs;
use crate::exit::Exit;
use crate::json::{FailedFile, Name};
use crate::summary::Trouble;
use crate::voice::complain;
use crate::{size, stdout};
use driver_kit::{Residency, residency};
use serde::Serialize;
use std::io::{self, Write};

/// How many parts of a file its picture shows.
const PARTS: u64 = 32;

/// The object, as `--help` and the manual page tell it.
pub(crate) const SCHEMA: &str = "\
The JSON object:
  files         [{path, bytes, resident, ranges}]: the length, the bytes in
                memory, and where they are, as [start, end] pairs of bytes
  failed        [{path, operation, message, errno}]
  total         {files, bytes, resident}
  status        the exit status

Paths are absolute. Beside one that is not UTF-8, path_hex holds its bytes.
errno is null where the system did not refuse. Fields may be added.";

/// Looks at every file; one that cannot be looked at does not keep the others.
pub(crate) fn run(args: &StatusArgs) -> Exit {
    let mut failed: Vec<Trouble> = Vec::new();
    let mut seen = Vec::new();
    for path in &args.files {
        match residency(path) {
            Ok(one) => seen.push(one),
            Err(error) => {
                complain(format_args!("{error}"));
                failed.push(Trouble::of_status(path, &error));
            }
        }
    }
    let exit = if failed.is_empty() {
        Exit::Staged
    } else {
        Exit::Partly
    };
    let written = stdout::write(|out| match args.json {
        true => write_json(&seen, &failed, exit, out),
        false => write_table(&seen, out),
    });
    match written {
        Ok(()) => exit,
        Err(error) => stdout::failed(&error),
    }
}

/// A line for each file, and one for all where there are several.
fn write_table(seen: &[Residency], out: &mut impl Write) -> io::Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    writeln!(out, "{:>12}{:>15}{:>7}  where", "in memory", "of", "")?;
    for one in seen {
        row(
            out,
            one.bytes(),
            one.len,
            &picture(one),
            &one.path.display(),
        )?;
    }
    if seen.len() > 1 {
        let (resident, len) = sums(seen);
        row(
            out,
            resident,
            len,
            "",
            &format_args!("{} files", seen.len()),
        )?;
    }
    Ok(())
}

fn row(
    out: &mut impl Write,
    resident: u64,
    len: u64,
    picture: &str,
    name: &dyn std::fmt::Display,
) -> io::Result<()> {
    let (resident_shown, len_shown) = (
        size::shown(resident).to_string(),
        size::shown(len).to_string(),
    );
    let percent = percent(resident, len);
    writeln!(
        out,
        "{resident_shown:>12}{len_shown:>15}{percent:>7}  {picture:<34}  {name}"
    )
}

/// Never 100 while a byte is missing, never 0 while one is there; of an empty file all is there.
fn percent(resident: u64, len: u64) -> String {
    let share = match (resident, len) {
        (resident, len) if resident >= len => 100,
        (0, _) => 0,
        (resident, len) => (u128::from(resident) * 100 / u128::from(len)).max(1),
    };
    format!("{share} %")
}

/// The file from its beginning to its end: `#` in memory, `+` in part, `.` not.
fn picture(one: &Residency) -> String {
    let parts = PARTS.min(one.len);
    let edge = |part: u64| (u128::from(one.len) * u128::from(part) / u128::from(parts)) as u64;
    let cell = |part| {
        let part = edge(part)..edge(part + 1);
        match one.bytes_in(&part) {
            0 => '.',
            bytes if bytes == part.end - part.start => '#',
            _ => '+',
        }
    };
    let cells: String = (0..parts).map(cell).collect();
    format!("[{cells}]")
}

fn sums(seen: &[Residency]) -> (u64, u64) {
    let resident = seen.iter().map(Residency::bytes).sum();
    (resident, seen.iter().map(|one| one.len).sum())
}

#[derive(Serialize)]
struct Report<'a> {
    files: Vec<FileSeen<'a>>,
    failed: Vec<FailedFile<'a>>,
    total: Total,
    status: u8,
}

#[derive(Serialize)]
struct FileSeen<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    bytes: u64,
    resident: u64,
    ranges: Vec<[u64; 2]>,
}

#[derive(Serialize)]
struct Total {
    files: u64,
    bytes: u64,
    resident: u64,
}

fn write_json(
    seen: &[Residency],
    failed: &[Trouble],
    exit: Exit,
    out: &mut impl Write,
) -> io::Result<()> {
    let (resident, bytes) = sums(seen);
    let report = Report {
        files: seen.iter().map(FileSeen::from).collect(),
        failed: failed.iter().map(FailedFile::from).collect(),
        total: Total {
            files: seen.len() as u64,
            bytes,
            resident,
        },
        status: exit.status(),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

impl<'a> From<&'a Residency> for FileSeen<'a> {
    fn from(one: &'a Residency) -> FileSeen<'a> {
        FileSeen {
            name: Name::from(&*one.path),
            bytes: one.len,
            resident: one.bytes(),
            ranges: one
                .ranges
                .iter()
                .map(|range| [range.start, range.end])
                .collect(),
        }
    }
}
