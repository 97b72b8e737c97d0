//! What can be typed.

use crate::exit::{
    CAT_STATUSES, LOCK_STATUSES, REPLAY_STATUSES, STATUS_STATUSES, STATUSES, SWEEP_STATUSES,
    WRITE_STATUSES,
};
use crate::hold::{self, Hold};
use crate::json::SCHEMA;
use crate::log::LogCommand;
use crate::replay;
use crate::size::{self, Size};
use crate::status;
use crate::times;
use crate::told;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use driver_blocking::{Durability, Mode};
use std::ffi::OsString;
use std::path::PathBuf;

/// Brings files into memory before they are read
#[derive(Parser, Debug)]
#[command(name = "staging", version, after_long_help = STATUSES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Bring files into memory, and say how it went
    #[command(after_long_help = format!("{STATUSES}\n\n{SCHEMA}\n\n{}\n\n{}", times::SCHEMA, told::SCHEMA))]
    Stage(StageArgs),
    /// Bring files into memory, and write them to standard output
    #[command(after_long_help = CAT_STATUSES)]
    Cat(CatArgs),
    /// Show how much of files is in memory, whoever brought it there
    #[command(after_long_help = format!("{STATUS_STATUSES}\n\n{}", status::SCHEMA))]
    Status(StatusArgs),
    /// Replace a file by standard input, whole or not at all
    #[command(after_long_help = WRITE_STATUSES)]
    Write(WriteArgs),
    /// Remove what killed processes left of files that were to be replaced
    #[command(after_long_help = SWEEP_STATUSES)]
    Sweep(SweepArgs),
    /// Append to logs, look whether they are whole, and write them out
    Log {
        #[command(subcommand)]
        command: LogCommand,
    },
    /// Run a command while a file is locked
    #[command(after_long_help = LOCK_STATUSES)]
    Lock(LockArgs),
    /// Play a recorded run against the machine alone, and print its transcript
    #[command(after_long_help = format!("{REPLAY_STATUSES}\n\n{}", replay::SCHEMA))]
    Replay(ReplayArgs),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
    /// Print a manual page, as in `staging man stage | man -l -`
    Man {
        /// Which page
        #[arg(value_enum, default_value_t = Page::Overview)]
        page: Page,
    },
}

/// A manual page.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Page {
    /// staging(1)
    Overview,
    /// staging-stage(1)
    Stage,
    /// staging-cat(1)
    Cat,
    /// staging-status(1)
    Status,
    /// staging-replay(1)
    Replay,
    /// staging-write(1)
    Write,
    /// staging-sweep(1)
    Sweep,
    /// staging-log(1)
    Log,
    /// staging-log-append(1)
    LogAppend,
    /// staging-log-verify(1)
    LogVerify,
    /// staging-log-cat(1)
    LogCat,
    /// staging-lock(1)
    Lock,
}

#[derive(Args, Debug)]
pub(crate) struct StageArgs {
    /// Files, directories, or `-` for a list on standard input
    ///
    /// Directories are walked to their ends. Symbolic links named here are followed; inside
    /// directories, links and whatever else is not a regular file are skipped and counted. Names
    /// on standard input stand one to a line, and are treated as if they had been typed; `./-` is
    /// a file of that name.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// How files are held
    #[arg(short, long, value_enum, default_value_t = ModeName::Auto)]
    pub(crate) mode: ModeName,

    /// How many bytes may be in memory, as 512M or 4GiB
    ///
    /// What does not fit is left on the disk in mode auto, and fails in the others. Without this,
    /// it is the memory that the system says is available when staging begins.
    #[arg(short, long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) budget: Option<Size>,

    /// Keep the system from taking staged files out of memory
    ///
    /// As far as it lets this process lock memory (`ulimit -l`): what does not fit is left on the
    /// disk in mode auto, and fails in the others. Wants `--hold` or `--watch`, for with the process
    /// its locks end.
    #[arg(short, long)]
    pub(crate) lock: bool,

    /// How many files may be under way at once
    #[arg(short, long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) concurrency: u32,

    /// How many threads may read; with 0, the waiting one does it
    ///
    /// 64, if this is not given. Few do, as long as storage does not keep them waiting.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1024))]
    pub(crate) threads: Option<u32>,

    /// Keep everything staged for so long, as 10s, 2m or forever
    ///
    /// The report comes first. A signal ends the hold.
    #[arg(long, value_name = "DURATION", value_parser = hold::parse)]
    pub(crate) hold: Option<Hold>,

    /// Stay, and stage again what changes beneath the paths, until a signal comes
    ///
    /// New files in directories are staged too, removed ones given back. A path that is not there
    /// yet is staged when it comes. Changes are told on standard error, and with --json on
    /// standard output. With --hold, it ends after so long by itself.
    #[arg(long)]
    pub(crate) watch: bool,

    /// Names on standard input end with a NUL byte instead of a line's end
    #[arg(short = '0', long)]
    pub(crate) null: bool,

    /// Write a journal of the run to a new file, for `staging replay`
    ///
    /// Everything that is decided, a line each. It names no paths and holds no bytes of files.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Report one JSON object on standard output instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Report too how long operations waited and were served
    ///
    /// For each kind of operation: how many there were, and the mean, the median, what one in ten and
    /// one in a hundred exceeded, and the longest.
    #[arg(long)]
    pub(crate) stats: bool,

    /// Whether progress is shown on standard error
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub(crate) progress: When,

    /// Say nothing but errors, and the JSON if it was asked for
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CatArgs {
    /// Files, written one after the other
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// How files are held while they are written
    #[arg(short, long, value_enum, default_value_t = ModeName::Auto)]
    pub(crate) mode: ModeName,

    /// How many bytes may be in memory, as 512M or 4GiB
    ///
    /// What does not fit is read from the disk in mode auto, and fails in the others. Without this,
    /// it is the memory that the system says is available.
    #[arg(short, long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) budget: Option<Size>,
}

/// Asks the system which pages of the files it keeps in its cache. Nothing is read, and nothing
/// comes into memory by asking. What a stager has loaded, rather than mapped, is memory of its own
/// and is not counted here.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Files, of which nothing is read
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Report one JSON object on standard output instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// A journal, as `staging stage --record` writes it, or `-` for one on standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Report one JSON object on standard output instead of the transcript
    #[arg(long)]
    pub(crate) json: bool,

    /// Print no transcript, and say nothing but where the journal and the machine part
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Reads standard input to its end, and then puts it in the place of the file: a temporary file
/// beside it gets all the bytes, and its mode, owner and attributes, and then its name. Whoever opens
/// the file finds the old content or the new one, whole. What killed processes left in that directory
/// is removed before; `staging sweep` does that alone.
#[derive(Args, Debug)]
pub(crate) struct WriteArgs {
    /// The file; a symbolic link is followed, unless --no-follow is given
    #[arg(value_name = "DEST")]
    pub(crate) dest: PathBuf,

    /// What is to survive a loss of power
    #[arg(short, long, value_name = "WHAT", value_enum,
          default_value_t = DurabilityName::FileAndDirectory)]
    pub(crate) durability: DurabilityName,

    /// Fail where there is something, and leave that as it is
    #[arg(long)]
    pub(crate) if_absent: bool,

    /// Replace a symbolic link itself, and not what it leads to
    #[arg(long)]
    pub(crate) no_follow: bool,
}

/// Temporary files (`.staging-…`) go if it is certain that their owners are gone: processes of this machine
/// that ended, or any of a boot before this one. What another machine or container may have made stays.
#[derive(Args, Debug)]
pub(crate) struct SweepArgs {
    /// The directories; none beneath them is looked into
    #[arg(value_name = "DIR", required = true)]
    pub(crate) directories: Vec<PathBuf>,
}

/// Runs the command when nobody else has the lock, and gives it back when the command ends, or when this
/// process does, however it ends. The lock is advisory, and the same as that of flock(1). The command itself
/// does not have it: what it leaves in the background holds nothing. The file is made where there is none, and
/// stays.
#[derive(Args, Debug)]
pub(crate) struct LockArgs {
    /// The file to lock; it is neither read nor written
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Let others share the lock, who ask for that too
    #[arg(short, long)]
    pub(crate) shared: bool,

    /// How long to wait for the lock, as 10s or 2m; 0s, to try once
    ///
    /// Without this, as long as it takes.
    #[arg(short, long, value_name = "DURATION", value_parser = hold::parse)]
    pub(crate) timeout: Option<Hold>,

    /// Trust the locks of file systems that other machines may write to
    ///
    /// Whether they keep out processes of those machines is for the server and the mount to say.
    #[arg(long)]
    pub(crate) network: bool,

    /// The command, and what it is told
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What survives a loss of power.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DurabilityName {
    /// Nothing for certain, and perhaps an empty file
    None,
    /// The old content or the new one, whole
    File,
    /// The new one
    FileAndDirectory,
}

impl DurabilityName {
    pub(crate) const fn durability(self) -> Durability {
        match self {
            DurabilityName::None => Durability::None,
            DurabilityName::File => Durability::File,
            DurabilityName::FileAndDirectory => Durability::FileAndDirectory,
        }
    }
}

/// How files are held.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ModeName {
    /// Small files are loaded, large ones mapped; what the budget has no room for is left
    Auto,
    /// Mapped privately, with all pages present
    Map,
    /// Mapped shared, with all pages present
    MapShared,
    /// Copied into memory of our own
    Load,
    /// Opened, and left on the disk
    None,
}

impl ModeName {
    pub(crate) const fn mode(self) -> Mode {
        match self {
            ModeName::Auto => Mode::Auto,
            ModeName::Map => Mode::Map,
            ModeName::MapShared => Mode::MapShared,
            ModeName::Load => Mode::Load,
            ModeName::None => Mode::None,
        }
    }
}

/// Whether progress is shown.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// A bar on a terminal; elsewhere a line now and then, in long runs
    Auto,
    /// The same, and elsewhere a line at the beginning and at the end too
    Always,
    /// Not at all
    Never,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }
}
