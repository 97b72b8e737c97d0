//! `staging replay`: a recorded run, played against the machine alone.

use crate::args::ReplayArgs;
use crate::exit::Exit;
use crate::stdout;
use crate::voice::complain;
use driver_kit::core::{Entry, Instead, Machine, replay};
use driver_kit::journal::{ReadError, Reader, Transcript, line, wording};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// The object, as `--help` and the manual page tell it.
pub(crate) const SCHEMA: &str = "\
The JSON object:
  entries     how many entries were played
  parted      null, or {entry, line, recorded, instead}: where the
              machine said something else than the journal, and what
  damaged     null, or {line, message}: where the journal cannot be
              read, and why; what stands before was played
  torn        whether its last line is cut, as a crash leaves it
  transcript  the transcript, a string for each line
  status      the exit status

Entries are counted from 0, lines from 1. Fields may be added.";

/// What became of a journal.
#[derive(Serialize, Default)]
struct Played {
    entries: usize,
    parted: Option<Parted>,
    damaged: Option<Damaged>,
    torn: bool,
    transcript: Vec<String>,
    status: u8,
}

#[derive(Serialize)]
struct Parted {
    entry: usize,
    line: usize,
    recorded: String,
    instead: String,
}

#[derive(Serialize)]
struct Damaged {
    line: Option<usize>,
    message: String,
}

/// How the transcript is given out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Nothing,
}

/// Plays a journal and prints its transcript.
pub(crate) fn run(args: &ReplayArgs) -> Exit {
    let form = match (args.json, args.quiet) {
        (true, _) => Form::Json,
        (false, false) => Form::Text,
        (false, true) => Form::Nothing,
    };
    let mut played = Played::default();
    let mut exit = Exit::Unreadable;
    let written = stdout::write(|out| {
        exit = play(&args.file, form, &mut played, out)?;
        match form {
            Form::Text | Form::Nothing => Ok(()),
            Form::Json => {
                played.status = exit.status();
                serde_json::to_writer(&mut *out, &played)?;
                writeln!(out)
            }
        }
    });
    let name = args.file.display();
    if let Some(Damaged { message, .. }) = &played.damaged {
        complain(format_args!("{name}: {message}"));
    }
    if let Some(Parted { line, instead, .. }) = &played.parted {
        complain(format_args!(
            "{name}: line {line}: the machine parts from the journal here, and says `{instead}`"
        ));
    }
    if played.torn && !args.quiet {
        complain(format_args!(
            "{name}: the last line is torn, as a crash leaves it; all before it was played"
        ));
    }
    match written {
        Ok(()) => exit,
        Err(error) => {
            complain(format_args!("cannot write the transcript: {error}"));
            Exit::Unreadable
        }
    }
}

fn play(path: &Path, form: Form, played: &mut Played, out: &mut impl Write) -> io::Result<Exit> {
    let mut reader = match open(path).and_then(Reader::new) {
        Ok(reader) => reader,
        Err(error) => {
            played.damaged = Some(damaged(&error));
            return Ok(Exit::Unreadable);
        }
    };
    let mut machine = Machine::new(*reader.limits());
    let mut transcript = Transcript::new();
    let mut text = transcript.beginning(reader.limits());
    loop {
        put(form, &text, &mut played.transcript, out)?;
        let entry = match reader.next() {
            None => break,
            Some(Ok(entry)) => entry,
            Some(Err(error)) => {
                played.damaged = Some(damaged(&error));
                return Ok(Exit::Unreadable);
            }
        };
        text = transcript.entry(&entry);
        if let Some((recorded, instead)) = parts(&mut machine, entry, &text) {
            put(form, &text, &mut played.transcript, out)?;
            played.parted = Some(Parted {
                entry: played.entries,
                line: reader.line(),
                recorded,
                instead,
            });
            return Ok(Exit::Parted);
        }
        played.entries += 1;
    }
    played.torn = reader.is_torn();
    Ok(Exit::Replayed)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, ReadError> {
    Ok(match path.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(BufReader::new(File::open(path)?)),
    })
}

/// What the machine says instead of the next entry, if it does. Both in the words of the transcript,
/// or, where those leave out what differs, in those of the journal.
fn parts(machine: &mut Machine, entry: Entry, text: &str) -> Option<(String, String)> {
    let instead = replay(machine, [entry]).err()?.instead;
    let recorded = text.lines().last().unwrap_or_default().trim().to_owned();
    let said = wording::instead(instead);
    if said != recorded {
        return Some((recorded, said));
    }
    let other = match (entry, instead) {
        (Entry::Said { now, event, .. }, Instead::Reply(reply)) => {
            Entry::Said { now, event, reply }
        }
        (_, Instead::Action(Some(action))) => Entry::Polled(action),
        (entry, Instead::Action(None) | Instead::Reply(_)) => entry,
    };
    Some((line(&entry), line(&other)))
}

fn put(form: Form, text: &str, lines: &mut Vec<String>, out: &mut impl Write) -> io::Result<()> {
    match form {
        Form::Text => out.write_all(text.as_bytes()),
        Form::Json => {
            lines.extend(text.lines().map(str::to_owned));
            Ok(())
        }
        Form::Nothing => Ok(()),
    }
}

fn damaged(error: &ReadError) -> Damaged {
    Damaged {
        line: match error {
            ReadError::Io(_) => None,
            ReadError::Damaged(damage) => Some(damage.line),
        },
        message: error.to_string(),
    }
}
