//! How a file is opened.

use crate::File;
use crate::disk::absolute;
use crate::opening::OpenTicket;
use crate::simulation::Payload;
use crate::ticket::{Deadline, Ticket, World, alone, refused};
use driver_kit::error::{Failure, Operation};
use driver_kit::options::Options;
use staging_core::{Class, FileLimits, Mode, OverBudget, Request};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a file is opened. See [`Stager::options`](crate::Stager::options).
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is called"]
pub struct OpenOptions {
    world: World,
    options: Options,
    deadline: Deadline,
}

impl OpenOptions {
    pub(crate) const fn of(world: World, options: Options) -> OpenOptions {
        OpenOptions {
            world,
            options,
            deadline: Deadline::Never,
        }
    }

    /// How the file is staged (G3). Unless this is called, a file that is opened for writing is not.
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

    /// Whether the file may be written, too.
    pub fn write(mut self, write: bool) -> Self {
        self.options.write = write;
        self
    }

    /// Whether the file may be written.
    pub fn append(mut self, append: bool) -> Self {
        self.options.append = append;
        self
    }

    /// Whether a write is answered when it is durable (R4).
    pub fn write_through(mut self, through: bool) -> Self {
        self.options.write_through = through;
        self
    }

    /// Whether a write is answered when it is accepted (R8). Unless this is called, it is as the stager's
    /// builder says.
    pub fn write_behind(mut self, behind: bool) -> Self {
        self.options.write_behind = Some(behind);
        self
    }

    /// Whether one may go on writing after a sync of the file failed, once that was told (R8).
    pub fn keep_dirty(mut self, keep: bool) -> Self {
        self.options.keep_dirty = keep;
        self
    }

    /// How much may be under way on this file at once (R12).
    pub fn limits(mut self, limits: FileLimits) -> Self {
        self.options.limits = limits;
        self
    }

    /// How long after it was accepted whatever is written is durable, though nobody asks for a sync (L3).
    pub fn sync_every(mut self, every: Duration) -> Self {
        self.options.sync_every = Some(every);
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
        self.deadline = deadline;
        self
    }

    /// How urgent writes are (R2). Normal, unless this is called.
    pub fn class(mut self, class: Class) -> Self {
        self.options.class = class;
        self
    }

    /// Whether it is kept how long operations on this file wait and are served, whoever has it open, for
    /// [`File::timings`](crate::File::timings).
    pub fn timed(mut self, timed: bool) -> Self {
        self.options.timed = timed;
        self
    }

    /// Opens the file, and runs the simulation until it is open and staged as planned.
    ///
    /// # Errors
    /// There is no regular file, staging it failed, the options contradict each other, the stager is
    /// full, or the deadline passed.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.begin_open(path)?.wait()
    }

    /// Asks for the file, and does not wait.
    ///
    /// # Errors
    /// The options contradict each other, or the stager is full.
    pub fn begin_open(&self, path: impl AsRef<Path>) -> io::Result<OpenTicket> {
        let text = absolute(&path.as_ref().to_string_lossy());
        let path: Arc<Path> = Arc::from(Path::new(&*text));
        let opening = self.options.opening(&path).map_err(Failure::into_io)?;
        let request = Request::Open {
            access: opening.access,
            missing: opening.missing,
            plan: opening.plan,
        };
        let mut simulation = alone(&self.world);
        let by = self.deadline.tick(&simulation);
        let asked = simulation.submit_op(request, Payload::Path(&text), by);
        drop(simulation);
        let operation = Operation::Open;
        let (number, op) = asked.map_err(|reject| refused(operation, &path, reject))?;
        let ticket = Ticket {
            world: Arc::clone(&self.world),
            number,
            op,
            operation,
            path,
        };
        Ok(OpenTicket::of(ticket, self.options))
    }
}
