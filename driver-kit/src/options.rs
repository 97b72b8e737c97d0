//! How a file is opened, in every driver: std's options, and the plan for staging.

use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation};
use crate::handle::Handle;
use crate::hub::Opening;
use rustix::io::Errno;
use staging_core::{Access, Class, Fault, Missing, Mode, Plan};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What [`std::fs::OpenOptions`] asks for, and how the file is to be staged.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Open for writing, too.
    pub write: bool,
    /// Open for writing, and let a writer write at the end.
    pub append: bool,
    /// A write is answered when it is durable: `O_SYNC`. Needs `write` or `append`.
    pub write_through: bool,
    /// A write is answered when it is accepted (R8). Needs `write` or `append`.
    pub write_behind: bool,
    /// How long after it was accepted whatever is written is synced, though nobody asks (L3). Needs `write`
    /// or `append`.
    pub sync_every: Option<Duration>,
    /// How urgent writes are.
    pub class: Class,
    /// Cut the file to nothing when it is open. Needs `write`.
    pub truncate: bool,
    /// Create an empty file where there is none.
    pub create: bool,
    /// Create an empty file, and fail where there is one.
    pub create_new: bool,
    /// How to stage it; its mode counts if one was asked for.
    pub plan: Plan,
    /// The mode that was asked for. Otherwise what is only read is staged by `Auto`, and what is
    /// written is not staged.
    pub mode: Option<Mode>,
    /// When to stop waiting (R10).
    pub deadline: Deadline,
}

impl Options {
    /// For reading, staged by `Auto`, without a deadline.
    pub const fn new() -> Options {
        Options {
            write: false,
            append: false,
            write_through: false,
            write_behind: false,
            sync_every: None,
            class: Class::Normal,
            truncate: false,
            create: false,
            create_new: false,
            plan: Plan::of(Mode::Auto),
            mode: None,
            deadline: Deadline::Never,
        }
    }

    /// Tells an open file how it writes.
    ///
    /// # Errors
    /// The system gives no thread to keep the time of an interval.
    pub fn instruct(&self, handle: &Handle) -> io::Result<()> {
        handle.set_class(self.class);
        if self.write_behind || self.write_through {
            handle.answers_apart();
        }
        match self.sync_every {
            Some(every) => handle.sync_every(every),
            None => Ok(()),
        }
    }

    /// What the machine is asked.
    ///
    /// # Errors
    /// The options contradict each other, as std sees it: EINVAL.
    pub fn opening(&self, path: &Path) -> Result<Opening, Failure> {
        let writes = self.write || self.append;
        let both = self.write_through && self.write_behind;
        let of_writers = self.write_through || self.write_behind || self.sync_every.is_some();
        let cuts_wrongly = self.truncate && (self.append || !self.write);
        if cuts_wrongly || both || (of_writers && !writes) {
            return Err(Failure {
                operation: Operation::Open,
                path: path.into(),
                cause: Cause::Fault(Fault::Os(Errno::INVAL.raw_os_error())),
            });
        }
        let access = match (self.write_through, self.write_behind) {
            _ if !writes => Access::Read,
            (true, _) => Access::WriteThrough,
            (false, true) => Access::WriteBehind,
            (false, false) => Access::Write,
        };
        let missing = match (self.create_new, self.create) {
            (true, _) => Missing::CreateNew,
            (false, true) => Missing::Create,
            (false, false) => Missing::Fail,
        };
        let unasked = match access.may_write() {
            false => Mode::Auto,
            true => Mode::None,
        };
        let mode = self.mode.unwrap_or(unasked);
        let plan = Plan { mode, ..self.plan };
        Ok(Opening {
            access,
            missing,
            plan,
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Options::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts_itself_is_refused() {
        let path = Path::new("/file");
        let options = Options::new();
        let truncate = Options {
            truncate: true,
            ..options
        };
        assert!(truncate.opening(path).is_err());
        let write = Options {
            write: true,
            ..truncate
        };
        assert!(write.opening(path).is_ok());
        let append = Options {
            append: true,
            ..write
        };
        assert!(append.opening(path).is_err());
        let through = Options {
            write_through: true,
            ..options
        };
        assert!(through.opening(path).is_err());
        let both = Options {
            write: true,
            write_behind: true,
            ..through
        };
        assert!(both.opening(path).is_err());
        let by_time = Options {
            sync_every: Some(Duration::from_secs(1)),
            ..options
        };
        assert!(by_time.opening(path).is_err());
        let write = Options {
            write: true,
            ..by_time
        };
        assert!(write.opening(path).is_ok());
    }

    #[test]
    fn what_is_written_is_staged_only_if_asked() {
        let path = Path::new("/file");
        let mode = |options: Options| options.opening(path).map(|opening| opening.plan.mode).ok();
        let read = Options::new();
        let write = Options {
            write: true,
            ..read
        };
        let asked = Options {
            mode: Some(Mode::Load),
            ..write
        };
        assert_eq!(mode(read), Some(Mode::Auto));
        assert_eq!(mode(write), Some(Mode::None));
        assert_eq!(mode(asked), Some(Mode::Load));
    }
}
