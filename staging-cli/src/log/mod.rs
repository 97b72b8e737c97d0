//! `staging log`: append-only logs, filled, looked at, and written out.

mod append;
mod args;
mod cat;
mod verify;

pub(crate) use args::LogCommand;

use crate::exit::Exit;
use crate::voice::complain;
use driver_blocking::log_failure;
use std::io;

/// Runs one of its commands.
pub(crate) fn run(command: &LogCommand) -> Exit {
    match command {
        LogCommand::Append(args) => append::run(args),
        LogCommand::Verify(args) => verify::run(args),
        LogCommand::Cat(args) => cat::run(args),
    }
}

/// Says what is wrong with a log.
fn failed(error: &io::Error) -> Exit {
    complain(format_args!("{error}"));
    judge(error)
}

/// A log that is damaged, or is none, is another thing than one that cannot be reached.
fn judge(error: &io::Error) -> Exit {
    use driver_blocking::Unsound::{Foreign, Newer};
    match log_failure(error) {
        Some(failure) if failure.is_damage() => Exit::Damaged,
        Some(failure) if matches!(failure.why, Foreign | Newer { .. }) => Exit::Damaged,
        Some(_) | None => Exit::Partly,
    }
}
