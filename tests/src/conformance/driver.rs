//! What a driver has to offer to be held to its promises.

use super::guarding::{Change, Locking, Updating};
use super::logs::Logs;
pub use super::opening::{Answers, Opening, Replacing};
use bytes::Bytes;
use driver_kit::batch::{Item, Order, Progress};
use driver_kit::contents::Contents;
use driver_kit::core::{
    Access, Backlog, FileId, FileLimits, Grace, Life, Limits, Missing, Mode, PhaseName, Plan,
    Staging, Standing, Stats,
};
use driver_kit::figures::{Figures, FileBacklog, Timings};
use driver_kit::handlers::Handlers;
use driver_kit::hub::{Hub, Lock};
use driver_kit::watch::{Follow, News};
use driver_kit::{Deadline, Handle, ShutdownReport};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// An open file, shared by the threads of a case.
pub type Open = Arc<dyn OpenFile>;

/// A staging that goes on in the background. Dropped, it is cancelled.
pub trait Begun {
    /// How far it is.
    fn progress(&self) -> Progress;

    /// Waits for its end.
    ///
    /// # Errors
    /// What the driver says.
    fn wait(self: Box<Self>) -> io::Result<Standing>;
}

/// One way to set a driver up.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Its name, as it stands before the names of the cases.
    pub name: &'static str,
    /// How many workers it has of its own. With 0, an action occupies the caller.
    pub workers: u32,
    /// Makes the driver.
    pub make: fn(Limits) -> Arc<dyn Driver>,
}

/// How the kit opens a file that is only read.
pub(crate) const fn kit_opening(missing: Missing, plan: Plan) -> driver_kit::hub::Opening {
    driver_kit::hub::Opening {
        access: Access::Read,
        missing,
        plan,
    }
}

/// A driver under trial.
pub trait Driver: Send + Sync {
    /// The hub in it, if it is made of the kit.
    fn kit(&self) -> Option<&Arc<Hub>>;

    /// Opens a file, and waits for it.
    ///
    /// # Errors
    /// What the driver says.
    fn open(&self, path: &Path, how: Opening) -> io::Result<Open>;

    /// Begins to stage many files.
    ///
    /// # Errors
    /// What the driver says.
    fn batch(
        &self,
        paths: Box<dyn Iterator<Item = PathBuf> + Send>,
        order: Order,
    ) -> io::Result<Arc<dyn Group>>;

    /// Replaces a file, and waits for it.
    ///
    /// # Errors
    /// What the driver says.
    fn replace(&self, path: &Path, content: &[u8], how: Replacing) -> io::Result<()>;

    /// Locks a file, and waits for it.
    ///
    /// # Errors
    /// What the driver says; without the kit, that it cannot.
    fn lock(&self, _path: &Path, _how: Locking) -> io::Result<Lock> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads, changes and replaces a file, and waits for it.
    ///
    /// # Errors
    /// What the driver says, or the change; without the kit, that it cannot.
    fn update(&self, _path: &Path, _change: Change, _how: Updating) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Other limits from now on.
    ///
    /// # Errors
    /// What the driver says; without the kit, that it cannot.
    fn set_limits(&self, _limits: Limits) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Waits until what was written to any file is executed.
    ///
    /// # Errors
    /// What the driver says.
    fn flush_all(&self, deadline: Deadline) -> io::Result<()>;

    /// Makes durable what was written to any file.
    ///
    /// # Errors
    /// What the driver says.
    fn sync_all(&self, deadline: Deadline) -> io::Result<()>;

    /// Shuts down and waits for the end.
    fn shutdown(&self, grace: Grace) -> ShutdownReport;

    /// Forces a shutdown and waits for the end.
    fn force(&self, closing: Duration) -> ShutdownReport;

    /// Shuts down, says why, and waits for the end.
    fn shutdown_because(&self, grace: Grace, reason: &str) -> ShutdownReport {
        self.hub().shut_down_because(grace, reason);
        self.closed()
    }

    /// Forces a shutdown, says why, and waits for the end.
    fn force_because(&self, closing: Duration, reason: &str) -> ShutdownReport {
        self.hub().force_because(closing, reason);
        self.closed()
    }

    /// Counts, rates and health.
    fn figures(&self) -> Figures {
        self.hub().figures()
    }

    /// Which files have work.
    fn backlog(&self) -> Vec<FileBacklog> {
        self.hub().backlog()
    }

    /// How long operations took.
    fn timings(&self) -> Timings {
        self.hub().timings()
    }

    /// Waits for the end of a shutdown that somebody else began.
    fn closed(&self) -> ShutdownReport;

    /// Shuts down on SIGINT and SIGTERM.
    ///
    /// # Errors
    /// What the driver says.
    fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()>;

    /// Watches paths.
    ///
    /// # Errors
    /// What the driver says; without the kit, that it cannot.
    fn watch(&self, _paths: &[PathBuf], _debounce: Duration) -> io::Result<Box<dyn Watched>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Follows a file.
    ///
    /// # Errors
    /// What the driver says; without the kit, that it cannot.
    fn follow(&self, _follow: Follow) -> io::Result<Box<dyn FollowedFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What it has of logs.
    fn logs(&self) -> Option<&dyn Logs> {
        None
    }

    /// Carries out what was accepted through the hub until nothing can be done, where there are no
    /// workers who would.
    fn attend(&self);

    /// The hub in it. Cases that ask for it are not [of the core](crate::conformance::Case).
    #[expect(clippy::expect_used, reason = "a case that asks in vain has failed")]
    fn hub(&self) -> &Arc<Hub> {
        self.kit().expect("this driver is not made of the kit")
    }

    /// The modes it has. Without the kit there is nothing that maps.
    fn modes(&self) -> &'static [Mode] {
        use Mode::{Auto, Load, Map, MapShared, None};
        match self.kit() {
            Some(_) => &[Auto, Load, Map, MapShared, None],
            Option::None => &[Auto, Load, None],
        }
    }

    /// Opens as usual.
    ///
    /// # Errors
    /// What the driver says.
    fn open_staged(&self, path: &Path) -> io::Result<Open> {
        self.open(path, Opening::by(Mode::Auto))
    }

    /// Counts so far.
    fn stats(&self) -> Stats {
        self.hub().stats()
    }

    /// Bytes of the budget that are taken.
    fn charged(&self) -> u64 {
        self.hub().charged()
    }

    /// The phase of its life.
    fn phase(&self) -> PhaseName {
        self.hub().phase()
    }

    /// Who carries out what.
    fn handlers(&self) -> &Handlers {
        self.hub().handlers()
    }
}

/// An open file of a driver under trial.
pub trait OpenFile: Send + Sync {
    /// The open file as the kit knows it.
    fn handle(&self) -> &Handle;

    /// Reads, waiting no longer than until the deadline.
    ///
    /// # Errors
    /// What the driver says.
    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize>;

    /// Bytes, without a copy where that is possible.
    ///
    /// # Errors
    /// What the driver says.
    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes>;

    /// Writes.
    ///
    /// # Errors
    /// What the driver says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Writes at the end; says where.
    ///
    /// # Errors
    /// What the driver says.
    fn append(&self, bytes: &[u8]) -> io::Result<u64>;

    /// Sets the length.
    ///
    /// # Errors
    /// What the driver says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Waits until what was written is executed.
    ///
    /// # Errors
    /// What the driver says.
    fn flush(&self, deadline: Deadline) -> io::Result<()>;

    /// Makes durable what was written.
    ///
    /// # Errors
    /// What the driver says.
    fn sync(&self, deadline: Deadline) -> io::Result<()>;

    /// Writes parts one after another, from an offset on, through the driver's writer, and flushes
    /// it; says where it stands.
    ///
    /// # Errors
    /// What the driver says.
    fn write_through(&self, from: u64, parts: &[&[u8]]) -> io::Result<u64>;

    /// What the file may hold at once, from now on.
    ///
    /// # Errors
    /// What the driver says; without the kit, that it cannot.
    fn set_limits(&self, _limits: FileLimits) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How long operations on it took.
    fn timings(&self) -> Option<Timings> {
        self.handle().timings()
    }

    /// What is accepted on it and not over.
    fn backlog(&self) -> Option<Backlog> {
        self.handle().backlog()
    }

    /// Stages.
    ///
    /// # Errors
    /// What the driver says.
    fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing>;

    /// Begins to stage, and goes on in the background.
    ///
    /// # Errors
    /// What the driver says.
    fn begin_staging(&self, plan: Plan) -> io::Result<Box<dyn Begun + '_>>;

    /// Unstages.
    ///
    /// # Errors
    /// What the driver says.
    fn unstage(&self) -> io::Result<()>;

    /// Where a reader that seeks to so far from the end comes to stand.
    ///
    /// # Errors
    /// What the driver says.
    fn seek_from_end(&self, by: i64) -> io::Result<u64>;

    /// Where a reader that seeks to so far from the beginning comes to stand.
    ///
    /// # Errors
    /// What the driver says.
    fn seek_from_start(&self, to: u64) -> io::Result<u64>;

    /// Seeks and reads, leg by leg, through one of the driver's readers: where each leg began, and
    /// the bytes from there, fewer than asked only at the end.
    ///
    /// # Errors
    /// What the driver says.
    fn travel(&self, legs: &[(SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>>;

    /// Everything, through the driver's reader.
    ///
    /// # Errors
    /// What the driver says.
    fn read_through(&self) -> io::Result<Vec<u8>>;

    /// The lines of a text, through the driver's buffered reader.
    ///
    /// # Errors
    /// What the driver says.
    fn lines(&self) -> io::Result<Vec<String>>;

    /// Closes and waits for that. The case must have no other reference to it.
    ///
    /// # Errors
    /// What the driver says.
    fn close(self: Arc<Self>) -> io::Result<()>;

    /// Reads.
    ///
    /// # Errors
    /// What the driver says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at_by(buffer, offset, Deadline::Never)
    }

    /// So many bytes, or fewer where the file ends.
    ///
    /// # Errors
    /// What the driver says.
    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0xee; len];
        let read = self.read_at(&mut buffer, offset)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Stages in a mode.
    ///
    /// # Errors
    /// What the driver says.
    fn stage(&self, mode: Mode) -> io::Result<Standing> {
        self.stage_by(Plan::of(mode), Deadline::Never)
    }

    /// How it stands with regard to memory.
    fn staging(&self) -> Option<Staging> {
        self.handle().staging()
    }

    /// Where it is in its life.
    fn life(&self) -> Option<Life> {
        self.staging().map(|staging| staging.life)
    }

    /// The staged contents.
    fn contents(&self) -> Option<Contents> {
        self.handle().contents()
    }

    /// Which file it is.
    fn file(&self) -> FileId {
        self.handle().file()
    }

    /// Where it is.
    fn path(&self) -> &Path {
        self.handle().path()
    }
}

/// Files being staged together.
pub trait Group: Send + Sync {
    /// Waits until each has its result.
    fn wait(&self) -> Vec<Item>;

    /// How far it is.
    fn progress(&self) -> Progress;

    /// Cancels what is not done.
    fn cancel(&self);
}

/// Paths that are watched.
pub trait Watched: Send {
    /// The next change; `None` after the last.
    fn next(&mut self) -> Option<driver_kit::watch::Change>;
}

/// A file that is followed.
pub trait FollowedFile: Send {
    /// The current version, kept.
    fn current(&self) -> Box<dyn Version>;

    /// Whether that is known to be an old one.
    fn is_stale(&self) -> bool;

    /// Waits for the next change; `None` after the last.
    fn changed(&mut self) -> Option<News>;
}

/// One version of a file that is followed.
pub trait Version: Send {
    /// The open file as the kit knows it.
    fn handle(&self) -> &Handle;

    /// All of it.
    ///
    /// # Errors
    /// What the driver says.
    fn bytes(&self) -> io::Result<Vec<u8>>;
}
