//! How a file is opened.

use crate::file::File;
use crate::wait::{Help, wait_until};
use driver_kit::core::{Class, Fault, FileLimits, Mode, OverBudget};
use driver_kit::error::{Cause, Failure};
use driver_kit::hub::{Answer, Hub, Room, Standby, Ticket};
use driver_kit::options::Options;
use driver_kit::{Deadline, path};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// How a file is opened. See [`Stager::options`](crate::Stager::options).
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is called"]
pub struct OpenOptions {
    hub: Arc<Hub>,
    options: Options,
}

impl OpenOptions {
    pub(crate) fn new(hub: Arc<Hub>) -> OpenOptions {
        OpenOptions::of(hub, Options::new())
    }

    pub(crate) const fn of(hub: Arc<Hub>, options: Options) -> OpenOptions {
        OpenOptions { hub, options }
    }

    /// How the file is staged (G3). [`Mode::None`] leaves it on the disk. Unless this is called, a
    /// file that is opened for writing is not staged.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.options.mode = Some(mode);
        self
    }

    /// Up to which length, in bytes, `Auto` loads a file; longer ones are mapped.
    pub fn map_threshold(mut self, bytes: u64) -> Self {
        self.options.plan.map_threshold = bytes;
        self
    }

    /// What an explicit mode does when the budget is full (G10).
    pub fn over_budget(mut self, policy: OverBudget) -> Self {
        self.options.plan.over_budget = policy;
        self
    }

    /// Whether the file may be written, too. It must be permitted to read it as well.
    pub fn write(mut self, write: bool) -> Self {
        self.options.write = write;
        self
    }

    /// Whether the file may be written, and a [`Writer`](crate::Writer) writes at its end.
    pub fn append(mut self, append: bool) -> Self {
        self.options.append = append;
        self
    }

    /// Whether a write is answered when it is durable, as with `O_SYNC`; writes at once share system
    /// syncs (R4). Needs [`write`](Self::write) or [`append`](Self::append).
    pub fn write_through(mut self, through: bool) -> Self {
        self.options.write_through = through;
        self
    }

    /// Whether a write is answered when it is accepted: its bytes are kept, and go to the file when it
    /// is their turn, many at once. If one fails then, the next write, flush, sync or close says so,
    /// once (R8). Needs [`write`](Self::write) or [`append`](Self::append). Unless this is called, it is
    /// as the stager's builder says.
    pub fn write_behind(mut self, behind: bool) -> Self {
        self.options.write_behind = Some(behind);
        self
    }

    /// Whether one may go on writing after a sync of the file failed. What was not durable then is lost
    /// either way: the system takes it for written. By default the file refuses writes and syncs until it
    /// is opened again; a file that keeps dirty says it once: by the sync that failed, or by the next
    /// write or sync, which is not begun, or by the next flush or close. Whatever was asked before that
    /// error came, and was not synced before, must then be written again by whoever still has it; syncs
    /// vouch for what is written after it (R8). Needs [`write`](Self::write) or
    /// [`append`](Self::append).
    pub fn keep_dirty(mut self, keep: bool) -> Self {
        self.options.keep_dirty = keep;
        self
    }

    /// How much may be under way on this file at once, whoever has it open: where several say it, the
    /// latest counts (R12). See [`File::set_limits`](crate::File::set_limits).
    pub fn limits(mut self, limits: FileLimits) -> Self {
        self.options.limits = limits;
        self
    }

    /// How long after it was accepted whatever is written is durable, though nobody asks for a sync (L3): that
    /// much may be lost with the power, and the time of one sync. Where nothing is written nothing is
    /// synced. If such a sync fails, the next write, flush, sync or close says so, once (R8); a close makes
    /// durable what is left. Holds for all who have the file open; the shortest interval counts. Needs
    /// [`write`](Self::write) or [`append`](Self::append).
    pub fn sync_every(mut self, every: Duration) -> Self {
        self.options.sync_every = Some(every);
        self
    }

    /// Whether it is kept how long operations on this file wait and are served, whoever has it open, for
    /// [`File::timings`](crate::File::timings): 10 KiB for each kind and class that there is, twice that
    /// once it was read. Nobody pays for files of which this is not asked.
    pub fn timed(mut self, timed: bool) -> Self {
        self.options.timed = timed;
        self
    }

    /// How urgent writes are (R2). Normal, unless this is called; what is written through is High at
    /// least.
    pub fn class(mut self, class: Class) -> Self {
        self.options.class = class;
        self
    }

    /// Whether the file is cut to nothing once it is open. Needs [`write`](Self::write).
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.options.truncate = truncate;
        self
    }

    /// Whether a missing file is created, empty (G11).
    pub fn create(mut self, create: bool) -> Self {
        self.options.create = create;
        self
    }

    /// Whether the file is created, empty, and must not be there before (EEXIST).
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.options.create_new = create_new;
        self
    }

    /// When to stop waiting (R10).
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.options.deadline = deadline;
        self
    }

    /// Opens the file, and stages it as planned. Where the stager is full, this waits for room.
    ///
    /// # Errors
    /// There is no regular file, it may not be read or written, staging it failed, the options
    /// contradict each other, or the deadline passed.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let path = path::absolute(path.as_ref()).map_err(Failure::into_io)?;
        let deadline = self.options.deadline;
        let opening = self.options.opening(&path).map_err(Failure::into_io)?;
        let ticket = admitted(&self.hub, deadline, |room| {
            self.hub.open(&path, opening, deadline, room)
        })?;
        let handle = answer(ticket, deadline)
            .opened()
            .map_err(Failure::into_io)?;
        self.options.instruct(&handle)?;
        let file = File::new(handle, self.options.append);
        if self.options.truncate {
            file.set_len_by(0, deadline)?;
        }
        Ok(file)
    }
}

/// Asks until there is room for the request (R12): refused for fullness, this thread waits, until
/// its deadline (R10). What the machine has not accepted it does not watch the clock for.
pub(crate) fn admitted(
    hub: &Arc<Hub>,
    deadline: Deadline,
    mut ask: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
) -> io::Result<Ticket> {
    let mut room = Room::of(Arc::clone(hub));
    let asked = wait_until(
        hub,
        Help::until(deadline, hub),
        deadline,
        |waker| match ask(Some((&mut room, waker))) {
            Err(failure) if failure.is_for_fullness() => match deadline {
                Deadline::At(at) if at <= Instant::now() => Poll::Ready(Err(Failure {
                    cause: Cause::Fault(Fault::Deadline),
                    ..failure
                })),
                Deadline::At(_) | Deadline::Never => Poll::Pending,
            },
            asked => Poll::Ready(asked),
        },
    );
    asked.map_err(Failure::into_io)
}

/// Waits for the answer, helping meanwhile.
pub(crate) fn answer(mut ticket: Ticket, deadline: Deadline) -> Answer {
    let hub = Arc::clone(ticket.hub());
    wait_until(
        &hub,
        Help::until(deadline, &hub),
        Deadline::Never,
        |waker| ticket.poll_answer(waker),
    )
}
