//! `staging log cat`: the records of a log on standard output.

use super::args::CatArgs;
use super::{failed, judge};
use crate::exit::Exit;
use crate::stdout;
use crate::voice::complain;
use driver_blocking::{LogReader, Record, Stager};
use serde::Serialize;
use std::io::{self, Write};

/// The objects, as `--help` and the manual page tell them.
pub(crate) const SCHEMA: &str = "\
The JSON objects, one a line:
  seq      the sequence number
  offset   where the record begins in the file, in bytes
  length   the length of its payload, in bytes
  payload  the payload; payload_hex instead where it is not UTF-8

Fields may be added.";

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    offset: u64,
    length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_hex: Option<String>,
}

pub(crate) fn run(args: &CatArgs) -> Exit {
    let stager = Stager::new();
    let mut reader = match stager.log(&args.log).read() {
        Ok(reader) => reader,
        Err(error) => return failed(&error),
    };
    let mut exit = Exit::Staged;
    let written = stdout::write(|out| {
        if let Some(error) = copy(args, &mut reader, out)? {
            // What is before it comes before the complaint.
            out.flush()?;
            complain(format_args!("{error}"));
            exit = judge(&error);
        }
        Ok(())
    });
    if let Err(error) = written {
        return stdout::failed(&error);
    }
    remark(args, &reader);
    exit
}

/// Writes every record. Says what was wrong with the log, if anything.
///
/// # Errors
/// `out` could not be written to.
fn copy(
    args: &CatArgs,
    reader: &mut LogReader,
    out: &mut impl Write,
) -> io::Result<Option<io::Error>> {
    for record in reader {
        match record {
            Ok(record) if record.seq >= args.from => write(args, &record, out)?,
            Ok(_) => {}
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

fn write(args: &CatArgs, record: &Record, out: &mut impl Write) -> io::Result<()> {
    if args.json {
        let payload = std::str::from_utf8(&record.payload).ok();
        let hex = || record.payload.iter().map(|byte| format!("{byte:02x}"));
        let line = Line {
            seq: record.seq,
            offset: record.offset,
            length: record.len,
            payload,
            payload_hex: payload.is_none().then(|| hex().collect()),
        };
        serde_json::to_writer(&mut *out, &line)?;
        return writeln!(out);
    }
    out.write_all(&record.payload)?;
    match (args.raw, args.null) {
        (true, _) => Ok(()),
        (false, true) => out.write_all(&[0]),
        (false, false) => out.write_all(b"\n"),
    }
}

/// What is not written, and why.
fn remark(args: &CatArgs, reader: &LogReader) {
    let upto = reader.snapshot_upto();
    if upto >= args.from.max(1) {
        complain(format_args!(
            "records up to {upto} are not written: the snapshot stands for them"
        ));
    }
    if let Some(torn @ 1..) = reader.torn() {
        complain(format_args!(
            "{torn} bytes of a torn tail are not written; nothing says that they were durable"
        ));
    }
}
