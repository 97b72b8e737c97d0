//! What can be typed behind `staging log`.

use super::{append, cat, verify};
use crate::exit::{LOG_APPEND_STATUSES, LOG_CAT_STATUSES, LOG_VERIFY_STATUSES};
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Subcommand, Debug)]
pub(crate) enum LogCommand {
    /// Append records from standard input
    #[command(after_long_help = format!("{LOG_APPEND_STATUSES}\n\n{}", append::SCHEMA))]
    Append(AppendArgs),
    /// Look whether a log is whole, and change nothing
    #[command(after_long_help = format!("{LOG_VERIFY_STATUSES}\n\n{}", verify::SCHEMA))]
    Verify(VerifyArgs),
    /// Write the records of a log to standard output, and change nothing
    #[command(after_long_help = format!("{LOG_CAT_STATUSES}\n\n{}", cat::SCHEMA))]
    Cat(CatArgs),
}

/// Makes the log if there is none. A torn tail, of which nothing says that it was durable, is cut first,
/// and that is told. Records are synced together, whenever no more input is there; one process at a time may
/// append to a log.
#[derive(Args, Debug)]
pub(crate) struct AppendArgs {
    /// The log
    #[arg(value_name = "LOG")]
    pub(crate) log: PathBuf,

    /// All of standard input is one record, instead of each of its lines
    #[arg(short, long, conflicts_with = "null")]
    pub(crate) whole: bool,

    /// Records end with a NUL byte instead of a line's end
    #[arg(short = '0', long)]
    pub(crate) null: bool,

    /// What is to survive a loss of power
    #[arg(short, long, value_name = "WHAT", value_enum, default_value_t = LogDurability::File)]
    pub(crate) durability: LogDurability,

    /// Do not wait for each record to be durable: all are so long after they were read, and at the end
    ///
    /// A loss of power takes what came in that time at most, and in that of one sync. A record is told of when
    /// it was written.
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with = "durability")]
    pub(crate) sync_every: Option<Duration>,

    /// How long the disk may take, as 10s or 2m: to open the log, and for each step with what came
    ///
    /// Then this ends, with status 1, and says what is known: a record that has a number goes on, as far as the
    /// disk goes on before this process is gone. Without this, as long as it takes.
    #[arg(short, long, value_name = "DURATION", value_parser = interval)]
    pub(crate) timeout: Option<Duration>,

    /// Print a JSON object for each record that was appended, a line each
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads `1s`, `200ms`, `1m 30s` or `PT2S`.
fn interval(text: &str) -> Result<Duration, String> {
    let hint = "write 200ms, 1s or 1m 30s";
    let duration: SignedDuration = text.parse().map_err(|error| format!("{error}; {hint}"))?;
    match Duration::try_from(duration) {
        Ok(Duration::ZERO) | Err(_) => Err(format!("it is longer than nothing; {hint}")),
        Ok(duration) => Ok(duration),
    }
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The log; its snapshot is looked at too
    #[arg(value_name = "LOG")]
    pub(crate) log: PathBuf,

    /// Report one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CatArgs {
    /// The log
    #[arg(value_name = "LOG")]
    pub(crate) log: PathBuf,

    /// Begin with the record of this number
    #[arg(short, long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) from: u64,

    /// Write nothing behind a record, instead of a line's end
    #[arg(short, long, conflicts_with = "null")]
    pub(crate) raw: bool,

    /// Write a NUL byte behind each record, instead of a line's end
    #[arg(short = '0', long)]
    pub(crate) null: bool,

    /// Print a JSON object for each record, a line each
    #[arg(long, conflicts_with_all = ["raw", "null"])]
    pub(crate) json: bool,
}

/// What survives a loss of power.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogDurability {
    /// Nothing for certain; what is left is whole
    None,
    /// Every record that was appended
    File,
}
