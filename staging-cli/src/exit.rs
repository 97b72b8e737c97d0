//! How the process ends.

use std::process::ExitCode;

/// The exit status. Usage errors, with status 2, end in the parser of the arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Everything is, or was, in memory as asked.
    Staged,
    /// Some files failed, or were left on the disk, or the report could not be written.
    Partly,
    /// There was nothing to stage.
    Nothing,
    /// A signal came before everything was staged.
    Interrupted,
    /// A journal was played to its end, and every answer was the recorded one.
    Replayed,
    /// The machine said something else than the journal.
    Parted,
    /// The journal could not be read, or its transcript not be written.
    Unreadable,
    /// A file was not replaced: the old content stands.
    NotCommitted,
    /// A file was perhaps replaced.
    Indeterminate,
    /// A log ends in bytes of which nothing says that they were durable.
    Torn,
    /// A log is damaged, or is none.
    Damaged,
    /// A command ended with this status.
    Of(u8),
    /// Somebody else has the lock, and the time to wait is over.
    NotObtained,
    /// The file cannot be locked.
    NotLocked,
    /// There is no such command.
    NotFound,
    /// The command cannot be run.
    NotRunnable,
}

/// The statuses, as `--help` and the manual page tell them.
pub(crate) const STATUSES: &str = "\
Exit status:
  0    all files were staged, or left on the disk as asked
  1    some files failed or were left on the disk, or the report or
       the recording could not be written
  2    the arguments were wrong
  3    there was nothing to stage: no file was named or found, or the
       recording or the watching could not begin
  130  a signal came before everything was staged; what was staged
       by then is reported

A hold that a signal ends was ended as intended: the status tells of the staging; with
--watch, of the last version of each file too.";

/// The statuses of `staging cat`.
pub(crate) const CAT_STATUSES: &str = "\
Exit status:
  0  every file was written, or whoever reads them had seen enough
  1  a file could not be read to its end, or standard output not be
     written; the files behind it are written nevertheless
  2  the arguments were wrong";

/// The statuses of `staging status`.
pub(crate) const STATUS_STATUSES: &str = "\
Exit status:
  0  every file was looked at
  1  a file could not be looked at, or standard output not be written;
     the other files are shown nevertheless
  2  the arguments were wrong";

/// The statuses of `staging replay`.
pub(crate) const REPLAY_STATUSES: &str = "\
Exit status:
  0  the machine gave every answer that was recorded
  1  it gave another; the transcript ends with the recorded one
  2  the arguments were wrong
  3  the journal is damaged, is none, or cannot be read, or the
     transcript cannot be written

A journal whose last line alone is torn is one that a crash cut off: it counts as whole.";

/// The statuses of `staging write`.
pub(crate) const WRITE_STATUSES: &str = "\
Exit status:
  0  committed: the file has the new content, as durably as was asked
  1  not committed: the old content stands, or there is no file still
  2  the arguments were wrong
  4  indeterminate: the name has the new content, but it could not be
     made durable; after a loss of power it may have the old one";

/// The statuses of `staging log append`.
pub(crate) const LOG_APPEND_STATUSES: &str = "\
Exit status:
  0  every record was appended, as durably as was asked
  1  the log could not be opened, a record not be appended, or standard
     input or output not be used, or the time was over; --json told which
     were appended
  2  the arguments were wrong
  4  the log is damaged, or is none; nothing of it was touched";

/// The statuses of `staging log verify`.
pub(crate) const LOG_VERIFY_STATUSES: &str = "\
Exit status:
  0  log and snapshot are whole
  1  the log could not be read, or standard output not be written
  2  the arguments were wrong
  3  whole up to a torn tail, of which nothing says that it was durable
  4  damaged, or no log: a record is gone that was durable, or nobody can
     tell; what is wrong is told on standard error";

/// The statuses of `staging sweep`.
pub(crate) const SWEEP_STATUSES: &str = "\
Exit status:
  0  whatever was certainly nobody's is gone; how much that was is told on
     standard output, a line for each directory in which there was something
  1  a directory could not be read, or standard output not be written; the
     others were swept
  2  the arguments were wrong";

/// The statuses of `staging log cat`.
pub(crate) const LOG_CAT_STATUSES: &str = "\
Exit status:
  0  every whole record was written, or whoever reads them had seen enough;
     a torn tail is told on standard error
  1  the log could not be read, or standard output not be written
  2  the arguments were wrong
  4  the log is damaged, or is none; the records before the damage are
     written";
/// The statuses of `staging lock`.
pub(crate) const LOCK_STATUSES: &str = "\
Exit status: that of the command, 128 and the number of the signal that ended it, or
  2    the arguments were wrong
  74   the file cannot be locked
  75   somebody else has the lock, and the time to wait is over; who
       it is stands on standard error
  126  the command cannot be run
  127  there is no such command";

impl Exit {
    pub(crate) const fn status(self) -> u8 {
        match self {
            Exit::Staged | Exit::Replayed => 0,
            Exit::Partly | Exit::Parted | Exit::NotCommitted => 1,
            Exit::Nothing | Exit::Unreadable | Exit::Torn => 3,
            Exit::Indeterminate | Exit::Damaged => 4,
            Exit::Interrupted => 130,
            Exit::Of(status) => status,
            Exit::NotLocked => 74,
            Exit::NotObtained => 75,
            Exit::NotRunnable => 126,
            Exit::NotFound => 127,
        }
    }

    /// What it becomes when something went wrong behind the staging itself.
    pub(crate) const fn marred(self) -> Exit {
        match self {
            Exit::Staged => Exit::Partly,
            Exit::Partly
            | Exit::Nothing
            | Exit::Interrupted
            | Exit::Replayed
            | Exit::Parted
            | Exit::Unreadable
            | Exit::NotCommitted
            | Exit::Indeterminate
            | Exit::Torn
            | Exit::Damaged => self,
            Exit::Of(_)
            | Exit::NotObtained
            | Exit::NotLocked
            | Exit::NotFound
            | Exit::NotRunnable => self,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}
