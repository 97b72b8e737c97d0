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
}

/// The statuses, as `--help` and the manual page tell them.
pub(crate) const STATUSES: &str = "\
Exit status:
  0    all files were staged, or left on the disk as asked
  1    some files failed or were left on the disk, or the report
       could not be written
  2    the arguments were wrong
  3    there was nothing to stage: no file was named or found
  130  a signal came before everything was staged; what was staged
       by then is reported

A hold that a signal ends was ended as intended: the status tells of the staging.";

impl Exit {
    pub(crate) const fn status(self) -> u8 {
        match self {
            Exit::Staged => 0,
            Exit::Partly => 1,
            Exit::Nothing => 3,
            Exit::Interrupted => 130,
        }
    }

    /// What it becomes when something went wrong behind the staging itself.
    pub(crate) const fn marred(self) -> Exit {
        match self {
            Exit::Staged => Exit::Partly,
            Exit::Partly | Exit::Nothing | Exit::Interrupted => self,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}
