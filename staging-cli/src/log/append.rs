//! `staging log append`: standard input, record by record, at the end of a log.

use super::args::{AppendArgs, LogDurability};
use super::failed;
use crate::exit::Exit;
use crate::stdout;
use crate::voice::complain;
use driver_blocking::{Deadline, Log, Stager};
use serde::Serialize;
use std::io::{self, BufRead, Write};

/// The objects, as `--help` and the manual page tell them.
pub(crate) const SCHEMA: &str = "\
The JSON objects, one a line, when the record is as durable as was asked (with --sync-every, written):
  seq     its sequence number
  length  its length in bytes

Fields may be added.";

/// So much is read at a time, and synced together at the most.
const PIECE: usize = 1 << 20;

#[derive(Serialize)]
struct Appended {
    seq: u64,
    length: usize,
}

/// What went wrong, and where.
enum Trouble {
    Log(io::Error),
    Input(io::Error),
    Output(io::Error),
}

/// So many threads do what may take longer than its caller has time.
const POOL: u32 = 2;

pub(crate) fn run(args: &AppendArgs) -> Exit {
    let stager = match args.timeout {
        Some(_) => Stager::builder().pool(POOL).build(),
        None => Stager::new(),
    };
    let mut opening = stager.log(&args.log).deadline(in_time(args));
    if let Some(every) = args.sync_every {
        opening = opening.sync_every(every);
    }
    let log = match opening.open() {
        Ok(log) => log,
        Err(error) => return failed(&error),
    };
    let cut = log.recovered().cut;
    if cut > 0 {
        complain(format_args!(
            "cut a torn tail of {cut} bytes from {}; nothing says that it was durable",
            log.path().display()
        ));
    }
    match append(args, &log) {
        Ok(()) => Exit::Staged,
        Err(Trouble::Log(error)) => failed(&error),
        Err(Trouble::Input(error)) => {
            complain(format_args!(
                "read standard input: {error}; record {} is the last that was appended",
                log.last()
            ));
            Exit::Partly
        }
        Err(Trouble::Output(error)) => stdout::failed(&error),
    }
}

fn append(args: &AppendArgs, log: &Log) -> Result<(), Trouble> {
    let mut input = io::BufReader::with_capacity(PIECE, io::stdin().lock());
    let mut waiting = Vec::new();
    loop {
        let Some(record) = next(args, &mut input).map_err(Trouble::Input)? else {
            settle(args, log, &mut waiting)?;
            return finish(args, log);
        };
        let seq = log
            .append_by(&record, in_time(args))
            .map_err(Trouble::Log)?;
        let length = record.len();
        waiting.push(Appended { seq, length });
        // Whatever has come is made durable together, and before more is waited for.
        if input.buffer().is_empty() {
            settle(args, log, &mut waiting)?;
        }
        if args.whole {
            settle(args, log, &mut waiting)?;
            return finish(args, log);
        }
    }
}

/// When what begins now is given up.
fn in_time(args: &AppendArgs) -> Deadline {
    args.timeout.map_or(Deadline::Never, Deadline::within)
}

/// The next record, without what ends it.
fn next(args: &AppendArgs, input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut record = Vec::new();
    if args.whole {
        input.read_to_end(&mut record)?;
        return Ok(Some(record));
    }
    let end = if args.null { 0 } else { b'\n' };
    if input.read_until(end, &mut record)? == 0 {
        return Ok(None);
    }
    if record.last() == Some(&end) {
        record.pop();
    }
    Ok(Some(record))
}

/// What time has not made durable yet is made so before the end.
fn finish(args: &AppendArgs, log: &Log) -> Result<(), Trouble> {
    match args.sync_every {
        Some(_) => log.sync_by(in_time(args)).map_err(Trouble::Log),
        None => Ok(()),
    }
}

/// Makes durable what was appended, unless time does, and tells of it.
fn settle(args: &AppendArgs, log: &Log, waiting: &mut Vec<Appended>) -> Result<(), Trouble> {
    if waiting.is_empty() {
        return Ok(());
    }
    if args.durability == LogDurability::File && args.sync_every.is_none() {
        log.sync_by(in_time(args)).map_err(Trouble::Log)?;
    }
    let appended = std::mem::take(waiting);
    if !args.json {
        return Ok(());
    }
    let told = stdout::write(|out| {
        for one in &appended {
            serde_json::to_writer(&mut *out, one)?;
            writeln!(out)?;
        }
        Ok(())
    });
    told.map_err(Trouble::Output)
}
