//! The stager: where files are opened, time passes, and the power is cut.

use crate::disk::absolute;
use crate::disk::{Disk, Stranger};
use crate::options::OpenOptions;
use crate::replace::ReplaceBuilder;
use crate::simulation::{Payload, Setup, Simulation};
use crate::ticket::{Deadline, Ticket, World, alone, failure, nanos, refused};
use crate::{Faults, File};
use driver_kit::error::{Cause, Operation};
use driver_kit::figures::{Figures, FileBacklog, Timings};
use driver_kit::options::Options;
use driver_kit::{ShutdownReport, Unfinished};
use staging_core::{
    Class, Event, Fault, Grace, Limits, PhaseName, Pressure, Request, Stats, Tick, WriteCounts,
};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Staged files on a simulated disk. Clones share everything.
#[derive(Clone, Debug)]
pub struct Stager {
    world: World,
    /// How files are opened where nobody asks otherwise.
    options: Options,
}

/// How a stager is made. See [`Stager::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct Builder {
    setup: Setup,
    faults: Faults,
    disk: Option<Disk>,
    options: Options,
}

impl Builder {
    /// What is thrown for: the same seed, the same run.
    pub const fn seed(mut self, seed: u64) -> Builder {
        self.setup.seed = seed;
        self
    }

    /// What goes wrong, on a disk that is empty at the beginning.
    pub fn faults(mut self, faults: Faults) -> Builder {
        self.faults = faults;
        self
    }

    /// This disk, with its own faults and its own dice.
    pub fn disk(mut self, disk: Disk) -> Builder {
        self.disk = Some(disk);
        self
    }

    /// Whether what is opened to be written is written behind (R8) unless its options say otherwise, or say
    /// that it is written through. It is not by default.
    pub const fn write_behind(mut self, behind: bool) -> Builder {
        self.options.writes_behind_unasked = behind;
        self
    }

    /// Every bound there is. They can be changed later: see [`set_limits`](Stager::set_limits).
    pub const fn limits(mut self, limits: Limits) -> Builder {
        self.setup.limits = limits;
        self
    }

    /// Whether what passes is kept for [`Stager::transcript`]. It is, unless this says no.
    pub const fn record(mut self, record: bool) -> Builder {
        self.setup.record = record;
        self
    }

    /// Makes the stager, at time zero.
    #[must_use]
    pub fn build(self) -> Stager {
        let Builder {
            setup,
            faults,
            disk,
            options,
        } = self;
        let disk = disk.unwrap_or_else(|| Disk::faulty(faults, setup.seed));
        let stager = Stager::of(Simulation::new(disk, setup));
        Stager { options, ..stager }
    }
}

impl Stager {
    /// A stager on an empty disk that works, thrown for with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Stager {
        Stager::builder().seed(seed).build()
    }

    /// A stager to be adjusted first.
    pub fn builder() -> Builder {
        Builder {
            setup: Setup::of(0),
            faults: Faults::none(),
            disk: None,
            options: Options::new(),
        }
    }

    /// A stager over a simulation that is there already.
    #[must_use]
    pub fn of(simulation: Simulation) -> Stager {
        Stager {
            world: Arc::new(Mutex::new(simulation)),
            options: Options::new(),
        }
    }

    /// Opens a file for reading and stages it (G3).
    ///
    /// # Errors
    /// There is no regular file, or staging it failed.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.options().open(path)
    }

    /// Opens a file in other ways than [`open`](Stager::open).
    pub fn options(&self) -> OpenOptions {
        OpenOptions::of(Arc::clone(&self.world), self.options)
    }

    /// Replaces what a path leads to, whole or not at all (A1), or makes a file there.
    pub fn replace(&self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> ReplaceBuilder {
        ReplaceBuilder::new(Arc::clone(&self.world), path.as_ref(), content.into())
    }

    /// Removes the temporary files that losses of power, and ends without a word, left of replaces in a
    /// directory, and says how many those were (A2). Not in the directories beneath it. Where a file is replaced
    /// that is done without being asked, once for each directory. The path is that of the directory itself,
    /// without links.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn sweep(&self, directory: impl AsRef<Path>) -> io::Result<u64> {
        let text = absolute(&directory.as_ref().to_string_lossy());
        let swept = alone(&self.world).disk_mut().sweep(&text);
        swept.map_err(|errno| {
            let path: Arc<Path> = Path::new(&*text).into();
            failure(Operation::Sweep, &path, Cause::Fault(Fault::Os(errno)))
        })
    }

    /// Waits until every write to any file that was accepted before is executed (R3).
    ///
    /// # Errors
    /// The deadline passed, or the stager was closed.
    pub fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::FlushAll, Request::FlushAll, deadline)
    }

    /// Makes durable what was written to the files that are open for writing (R3).
    ///
    /// # Errors
    /// A file could not be synced (R8); the deadline passed, or the stager was closed.
    pub fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.for_all(Operation::SyncAll, Request::SyncAll, deadline)
    }

    fn for_all(&self, operation: Operation, request: Request, by: Deadline) -> io::Result<()> {
        let path: Arc<Path> = Arc::from(Path::new("/"));
        let mut simulation = alone(&self.world);
        let by = by.tick(&simulation);
        let asked = simulation.submit_op(request, Payload::Nothing, by);
        drop(simulation);
        let (number, op) = asked.map_err(|reject| refused(operation, &path, reject))?;
        let ticket = Ticket {
            world: Arc::clone(&self.world),
            number,
            op,
            operation,
            path,
        };
        ticket.wait().map(drop)
    }

    /// The limits that it keeps to now (R12).
    pub fn limits(&self) -> Limits {
        self.with(|simulation| *simulation.machine().limits())
    }

    /// Other limits from now on, all of them or none (R12).
    ///
    /// # Errors
    /// One of them would let nothing through, which is said by its name; or the stager was closed.
    pub fn set_limits(&self, limits: Limits) -> io::Result<()> {
        let root: Arc<Path> = Arc::from(Path::new("/"));
        let set = alone(&self.world).set_limits(limits);
        set.map_err(|reject| refused(Operation::Tune, &root, reject))
    }

    /// What the clock says.
    pub fn now(&self) -> Tick {
        self.with(|simulation| simulation.now())
    }

    /// The next thing happens. `false`: nothing ever will, unless something is asked.
    pub fn step(&self) -> bool {
        alone(&self.world).step()
    }

    /// Everything happens that is due.
    pub fn run(&self) {
        alone(&self.world).run();
    }

    /// So much time passes.
    pub fn run_for(&self, duration: Duration) {
        let mut simulation = alone(&self.world);
        let until = simulation.now().plus(nanos(duration));
        simulation.run_to(until);
    }

    /// A stranger does something to the disk, now.
    pub fn meddle(&self, stranger: &Stranger) {
        alone(&self.world).disk_mut().meddle(stranger);
    }

    /// A stranger will do something to the disk, so much later.
    pub fn meddle_after(&self, duration: Duration, stranger: Stranger) {
        let mut simulation = alone(&self.world);
        let at = simulation.now().plus(nanos(duration));
        simulation.schedule(at, stranger);
    }

    /// Other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        alone(&self.world).disk_mut().set_faults(faults);
    }

    /// Looks at the whole simulation: its disk, its machine, its clock.
    pub fn with<T>(&self, look: impl FnOnce(&Simulation) -> T) -> T {
        look(&alone(&self.world))
    }

    /// The bytes of a file as every reader sees them now.
    pub fn cached(&self, path: &str) -> Option<Vec<u8>> {
        self.with(|simulation| simulation.disk().cached(path).map(<[u8]>::to_vec))
    }

    /// The bytes of a file that a power loss leaves in any case.
    pub fn durable(&self, path: &str) -> Option<Vec<u8>> {
        self.with(|simulation| simulation.disk().durable(path))
    }

    /// The power is lost now, and comes back: a new stager, on what the disk has then. This one is
    /// left with an empty disk and a machine that lost its driver; its files say so.
    #[must_use]
    pub fn power_loss(&self) -> Stager {
        let mut simulation = alone(&self.world);
        let setup = self::Setup::of(0);
        let lost = std::mem::replace(&mut *simulation, Simulation::new(Disk::new(), setup));
        simulation.tell(Event::DriverLost);
        let options = self.options;
        let stager = Stager::of(lost.power_loss());
        Stager { options, ..stager }
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        self.with(|simulation| *simulation.machine().stats())
    }

    /// Counts, rates and health, as of now. Rates are by the time of the simulation, and there are no workers.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.with(Simulation::figures)
    }

    /// How long operations waited and were served, by kind and by class, in the time of the simulation.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.with(Simulation::timings)
    }

    /// Which files have work that is accepted and not over, and how much (R12). By path, in their order.
    #[must_use]
    pub fn backlog(&self) -> Vec<FileBacklog> {
        self.with(Simulation::backlog)
    }

    /// What became of the writes of a class.
    #[must_use]
    pub fn writes_of(&self, class: Class) -> WriteCounts {
        self.with(|simulation| *simulation.machine().writes_of(class))
    }

    /// Bytes of the budget that are taken now (G10).
    pub fn charged(&self) -> u64 {
        self.with(|simulation| simulation.machine().charged())
    }

    /// How tight the budget is: what is taken and by what, and how much more is wanted (G10).
    pub fn pressure(&self) -> Pressure {
        self.with(|simulation| simulation.machine().pressure())
    }

    /// Which phase of its life the stager is in (S1).
    pub fn phase(&self) -> PhaseName {
        self.with(Simulation::phase)
    }

    /// Everything that passed between driver and machine, a line each.
    pub fn transcript(&self) -> String {
        self.with(Simulation::transcript)
    }

    /// Shuts down gracefully (S1), and runs the simulation to the end of that. `None` where the end
    /// did not come.
    pub fn shutdown(&self, grace: Grace) -> Option<ShutdownReport> {
        self.end(Event::ShutdownAsked { grace }, None)
    }

    /// The same, and says why: the report is told so (S8).
    pub fn shutdown_because(
        &self,
        grace: Grace,
        reason: impl Into<Arc<str>>,
    ) -> Option<ShutdownReport> {
        self.end(Event::ShutdownAsked { grace }, Some(reason.into()))
    }

    /// Forces a shutdown (S4).
    pub fn force(&self, closing: Duration) -> Option<ShutdownReport> {
        let closing = nanos(closing);
        self.end(Event::Forced { closing }, None)
    }

    /// The same, and says why: the report is told so (S8).
    pub fn force_because(
        &self,
        closing: Duration,
        reason: impl Into<Arc<str>>,
    ) -> Option<ShutdownReport> {
        let closing = nanos(closing);
        self.end(Event::Forced { closing }, Some(reason.into()))
    }

    fn end(&self, event: Event, reason: Option<Arc<str>>) -> Option<ShutdownReport> {
        let mut simulation = alone(&self.world);
        if let Some(reason) = reason {
            simulation.give_reason(reason);
        }
        simulation.tell(event);
        simulation.run_until(Simulation::is_closed);
        let unfinished = simulation.unfinished().iter();
        let unfinished =
            unfinished.map(|(path, kind)| Unfinished::action(*kind, Path::new(&**path).into()));
        Some(ShutdownReport {
            machine: simulation.machine().report()?,
            reason: simulation.reason().cloned(),
            unfinished: unfinished.collect(),
            panics: 0,
        })
    }
}
