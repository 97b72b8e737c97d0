//! `staging log verify`: whether a log is whole, torn or damaged.

use super::args::VerifyArgs;
use super::judge;
use crate::exit::Exit;
use crate::json::Name;
use crate::stdout;
use crate::voice::complain;
use driver_blocking::{Stager, Unsound, Verified, errno, log_failure};
use serde::Serialize;
use std::io::{self, Write};

/// The object, as `--help` and the manual page tell it.
pub(crate) const SCHEMA: &str = "\
The JSON object:
  path      the log
  state     whole, torn, damaged, or unreadable
  records   how many records are whole that no snapshot stands for
  last      the number of the last record, in the log or the snapshot
  snapshot  up to which record a snapshot stands for them, or null
  end       where the last whole record ends, in bytes
  torn      how many bytes of a torn tail follow
  damage    null, or {path, offset, seq, message, errno}: what is wrong
            with which file; offset and seq are null where it is no record
  status    the exit status

records, last, end and torn are null where it is not whole or torn. Paths
are absolute. Beside one that is not UTF-8, path_hex holds its bytes.
Fields may be added.";

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    state: &'static str,
    records: Option<u64>,
    last: Option<u64>,
    snapshot: Option<u64>,
    end: Option<u64>,
    torn: Option<u64>,
    damage: Option<Damage<'a>>,
    status: u8,
}

#[derive(Serialize)]
struct Damage<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    offset: Option<u64>,
    seq: Option<u64>,
    message: String,
    errno: Option<i32>,
}

pub(crate) fn run(args: &VerifyArgs) -> Exit {
    let verified = Stager::new().log(&args.log).verify();
    let (exit, state) = match &verified {
        Ok(verified) if verified.torn == 0 => (Exit::Staged, "whole"),
        Ok(_) => (Exit::Torn, "torn"),
        Err(error) if judge(error) == Exit::Damaged => (Exit::Damaged, "damaged"),
        Err(_) => (Exit::Partly, "unreadable"),
    };
    if let Err(error) = &verified {
        complain(format_args!("{error}"));
    }
    let written = stdout::write(|out| match (args.json, &verified) {
        (true, _) => write_json(args, &verified, state, exit, out),
        (false, Ok(verified)) => write_text(verified, out),
        (false, Err(_)) => writeln!(out, "{state}"),
    });
    match written {
        Ok(()) => exit,
        Err(error) => stdout::failed(&error),
    }
}

fn write_text(verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    let Verified {
        records,
        last,
        snapshot,
        end,
        torn,
    } = verified;
    match torn {
        0 => writeln!(out, "whole")?,
        _ => writeln!(
            out,
            "torn at byte {end}: nothing says of the last {torn} bytes that they were durable"
        )?,
    }
    writeln!(out, "records   {records}, up to number {last}")?;
    match snapshot {
        Some(upto) => writeln!(out, "snapshot  of the records up to number {upto}"),
        None => Ok(()),
    }
}

fn write_json(
    args: &VerifyArgs,
    verified: &io::Result<Verified>,
    state: &'static str,
    exit: Exit,
    out: &mut impl Write,
) -> io::Result<()> {
    let path = std::path::absolute(&args.log)?;
    let failure = verified.as_ref().err().and_then(log_failure);
    let whole = verified.as_ref().ok();
    let damage = verified.as_ref().err().map(|error| {
        let (offset, seq) = match failure.map(|failure| &failure.why) {
            Some(Unsound::Damaged { offset, seq, .. }) => (Some(*offset), Some(*seq)),
            Some(_) | None => (None, None),
        };
        Damage {
            name: failure.map_or(&*path, |failure| &failure.path).into(),
            offset,
            seq,
            message: error.to_string(),
            errno: errno(error),
        }
    });
    let report = Report {
        name: path.as_path().into(),
        state,
        records: whole.map(|verified| verified.records),
        last: whole.map(|verified| verified.last),
        snapshot: whole.and_then(|verified| verified.snapshot),
        end: whole.map(|verified| verified.end),
        torn: whole.map(|verified| verified.torn),
        damage,
        status: exit.status(),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}
