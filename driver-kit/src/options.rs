//! How a file is opened, in every driver: std's options, and the plan for staging.

use crate::clock::Deadline;
use crate::error::{Cause, Failure, Operation};
use crate::handle::Handle;
use crate::hub::Opening;
use rustix::io::Errno;
use staging_core::{
    Access, BadLimit, Class, FailedSync, Fault, FileLimits, Missing, Mode, Plan, Reject, Tuning,
};
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
    /// A write is answered when it is accepted (R8), or is not. What is asked needs `write` or `append`;
    /// where nothing is, it is as `writes_behind_unasked` says.
    pub write_behind: Option<bool>,
    /// What is said of a whole stager: what may be written is written behind unless it is asked otherwise,
    /// or written through.
    pub writes_behind_unasked: bool,
    /// It goes on after a failed sync, once it was told (R8). Needs `write` or `append`.
    pub keep_dirty: bool,
    /// What the file may hold at once, in place of what the stager says of every file (R12).
    pub limits: FileLimits,
    /// How long after it was accepted whatever is written is synced, though nobody asks (L3). Needs `write`
    /// or `append`.
    pub sync_every: Option<Duration>,
    /// How long operations on it take is kept apart.
    pub timed: bool,
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
            write_behind: None,
            writes_behind_unasked: false,
            keep_dirty: false,
            limits: FileLimits::NONE,
            sync_every: None,
            timed: false,
            class: Class::Normal,
            truncate: false,
            create: false,
            create_new: false,
            plan: Plan::of(Mode::Auto),
            mode: None,
            deadline: Deadline::Never,
        }
    }

    /// Tells an open file how it writes, and what it may hold.
    ///
    /// # Errors
    /// The stager was closed meanwhile, or the system gives no thread to keep the time of an interval.
    pub fn instruct(&self, handle: &Handle) -> io::Result<()> {
        handle.set_class(self.class);
        #[cfg(not(any(staging_loom, staging_shuttle)))]
        if self.timed {
            handle.keep_times();
        }
        if self.writes_behind() || self.write_through {
            handle.answers_apart();
        }
        let mut tunings = self.tunings();
        tunings
            .try_for_each(|tuning| handle.tune(tuning))
            .map_err(Failure::into_io)?;
        match self.sync_every {
            Some(every) => handle.sync_every(every),
            None => Ok(()),
        }
    }

    /// What the machine is told of a file that is open.
    pub fn tunings(&self) -> impl Iterator<Item = Tuning> + use<> {
        let limits = (self.limits != FileLimits::NONE).then_some(Tuning::Limits(self.limits));
        let keeps = Tuning::FailedSync(FailedSync::KeepDirty);
        let keeps = self.keep_dirty.then_some(keeps);
        limits.into_iter().chain(keeps)
    }

    fn writes_behind(&self) -> bool {
        let unasked = self.writes_behind_unasked && !self.write_through;
        (self.write || self.append) && self.write_behind.unwrap_or(unasked)
    }

    /// What the machine is asked.
    ///
    /// # Errors
    /// The options contradict each other, as std sees it: EINVAL. Nothing could be done with the limits.
    pub fn opening(&self, path: &Path) -> Result<Opening, Failure> {
        let writes = self.write || self.append;
        let behind = self.write_behind == Some(true);
        let both = self.write_through && behind;
        let of_writers =
            self.write_through || behind || self.keep_dirty || self.sync_every.is_some();
        let refused = |cause| Failure {
            operation: Operation::Open,
            path: path.into(),
            cause,
        };
        let cuts_wrongly = self.truncate && (self.append || !self.write);
        if cuts_wrongly || both || (of_writers && !writes) {
            let invalid = Fault::Os(Errno::INVAL.raw_os_error());
            return Err(refused(Cause::Fault(invalid)));
        }
        if let Err(BadLimit(limit)) = self.limits.check() {
            return Err(refused(Cause::Rejected(Reject::BadLimit(limit))));
        }
        let access = match (self.write_through, self.writes_behind()) {
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
            write_behind: Some(true),
            ..through
        };
        assert!(both.opening(path).is_err());
        let keeps = Options {
            keep_dirty: true,
            ..options
        };
        assert!(keeps.opening(path).is_err());
        let keeps = Options {
            write: true,
            ..keeps
        };
        assert!(keeps.opening(path).is_ok());
        let limits = FileLimits {
            operations: Some(0),
            bytes: None,
        };
        let none = Options { limits, ..options };
        let said = none.opening(path).err().map(|failure| failure.to_string());
        let words = "open /file: refused: the limit `operations_per_file` must be 1 at least, and 0 was \
                     asked for";
        assert_eq!(said.as_deref(), Some(words));
    }

    /// R8: a stager may write behind, and each open say otherwise; what may not be written is not.
    #[test]
    fn a_stager_writes_behind_what_nobody_asks_otherwise() {
        let path = Path::new("/file");
        let access = |options: Options| options.opening(path).map(|opening| opening.access).ok();
        let read = Options {
            writes_behind_unasked: true,
            ..Options::new()
        };
        let write = Options {
            write: true,
            ..read
        };
        let through = Options {
            write_through: true,
            ..write
        };
        let asked_not = Options {
            write_behind: Some(false),
            ..write
        };
        assert_eq!(access(read), Some(Access::Read));
        assert_eq!(access(write), Some(Access::WriteBehind));
        assert_eq!(access(through), Some(Access::WriteThrough));
        assert_eq!(access(asked_not), Some(Access::Write));
        let asked = Options {
            write_behind: Some(true),
            writes_behind_unasked: false,
            ..write
        };
        assert_eq!(access(asked), Some(Access::WriteBehind));
    }

    /// L3: what may not be written needs no sync.
    #[test]
    fn an_interval_is_for_who_writes() {
        let path = Path::new("/file");
        let by_time = Options {
            sync_every: Some(Duration::from_secs(1)),
            ..Options::new()
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
