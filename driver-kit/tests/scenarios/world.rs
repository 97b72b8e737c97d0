//! What the scenarios are played in: a hub, whoever carries its jobs out, and the workers that it
//! started.

use super::bed::wait;
use driver_kit::core::{Access, Completion, IoKind, Key, Limits, Missing, Mode, Plan, Stamp};
use driver_kit::hub::{
    Answer, Hub, Idle, Opening, Read, Setup, Thread as HubThread, Ticket, Turn, TurnEnd,
    read_answer,
};
use driver_kit::job::{Finished, Job};
use driver_kit::perform::perform;
use driver_kit::sync::thread;
use driver_kit::{Deadline, Handle};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;

/// What a real file of a scenario holds.
pub(crate) const BYTES: &[u8] = b"staged";

/// Carries a job out.
pub(crate) type Hands = Arc<dyn Fn(Job) -> Finished + Send + Sync>;

/// What a worker does from its start to its end.
type Life = Arc<dyn Fn(&Arc<Hub>) + Send + Sync>;

/// A hub with all that belongs to it. Clones are the same world, for other threads.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) hub: Arc<Hub>,
    hands: Hands,
    started: Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

impl World {
    /// One whose jobs are answered by hand.
    pub(crate) fn by_hand(workers: u32) -> World {
        World::of(limits(), workers, Arc::new(by_hand))
    }

    /// One whose jobs are carried out. It has room for one page of contents.
    pub(crate) fn real(workers: u32) -> World {
        let limits = Limits {
            budget: 4096,
            chunk: BYTES.len() as u64 / 2,
            ..limits()
        };
        World::of(limits, workers, Arc::new(perform))
    }

    /// One with at most so many workers at once, which are threads of the scenario.
    pub(crate) fn of(limits: Limits, workers: u32, hands: Hands) -> World {
        let life = {
            let hands = Arc::clone(&hands);
            move |hub: &Arc<Hub>| work(hub, &hands, &Idle::Leave)
        };
        World::with(limits, workers, hands, Arc::new(life))
    }

    /// One whose only worker cannot be had.
    pub(crate) fn without_its_worker() -> World {
        let life = Arc::new(|hub: &Arc<Hub>| hub.lose_worker());
        World::with(limits(), 1, Arc::new(by_hand), life)
    }

    fn with(limits: Limits, workers: u32, hands: Hands, life: Life) -> World {
        let started = Arc::new(Mutex::new(Vec::new()));
        let start = {
            let started = Arc::clone(&started);
            Box::new(move |hub: &Arc<Hub>| {
                let (hub, life) = (Arc::clone(hub), Arc::clone(&life));
                let worker = thread::spawn(move || life(&hub));
                among(&started).push(worker);
            })
        };
        let hub = Hub::new(Setup {
            limits,
            means: driver_kit::contents::Means::default(),
            workers,
            start,
        });
        World {
            hub,
            hands,
            started,
        }
    }

    /// This thread carries out what there is, and goes.
    pub(crate) fn work(&self) {
        work(&self.hub, &self.hands, &Idle::Go);
    }

    /// Another thread does that.
    pub(crate) fn worker(&self) -> thread::JoinHandle<()> {
        let world = self.clone();
        thread::spawn(move || world.work())
    }

    /// Waits until every worker that the hub started has left.
    pub(crate) fn all_left(&self) {
        loop {
            let next = among(&self.started).pop();
            match next {
                Some(worker) => joined(worker),
                None => return,
            }
        }
    }

    pub(crate) fn open(&self, path: &str, mode: Mode) -> Ticket {
        self.open_for(path, Access::Read, mode)
    }

    pub(crate) fn open_for(&self, path: &str, access: Access, mode: Mode) -> Ticket {
        let opening = Opening {
            access,
            missing: Missing::Fail,
            plan: Plan::of(mode),
        };
        let path: Arc<Path> = Path::new(path).into();
        self.hub
            .open(&path, opening, Deadline::Never, None)
            .expect("nothing is full")
    }

    /// Opens, with this thread as the worker.
    pub(crate) fn opened(&self, path: &str, access: Access, mode: Mode) -> Handle {
        let ticket = self.open_for(path, access, mode);
        self.work();
        handle_of(wait(ticket))
    }

    /// Lets go of what was opened when nobody is called for it any more: closing would call
    /// somebody, and hide that nobody was called before.
    pub(crate) fn end_without_closing<T>(&self, opened: T) {
        self.hub.driver_lost();
        drop(opened);
        self.is_empty();
    }

    /// Nothing is left of anything: no operation, no file, no memory.
    pub(crate) fn is_empty(&self) {
        assert_eq!(self.hub.stats().pending, 0, "no operation is left");
        assert_eq!(self.hub.kept(), 0, "nobody waits any more");
        assert_eq!(self.hub.files(), 0, "no file is left");
        assert_eq!(self.hub.charged(), 0, "no memory is taken");
    }
}

fn work(hub: &Arc<Hub>, hands: &Hands, idle: &Idle) {
    let mut turn = Turn::default();
    loop {
        match hub.turn(&mut turn, 1, idle) {
            TurnEnd::Work => {}
            // Time passes.
            TurnEnd::StandBy => {
                thread::yield_now();
                continue;
            }
            TurnEnd::Nothing => return,
        }
        for job in turn.jobs.drain(..) {
            turn.finished.push(hands(job));
        }
        // What is left of the turn: paths of a batch to be fetched.
        hub.carry_out(&mut turn);
    }
}

/// Those are never held across a step of the model.
fn among<T>(list: &Mutex<Vec<T>>) -> std::sync::MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bounds of a small world. Nothing is fetched in one go.
pub(crate) fn limits() -> Limits {
    Limits {
        fetch: 0,
        ..Limits::default()
    }
}

/// A file has a byte when it is opened, and is empty when it is looked at again: staged then,
/// without memory to model. Paths of different lengths are different files.
pub(crate) fn by_hand(job: Job) -> Finished {
    let stamp = |len| Stamp { len, version: 1 };
    let key = Key([1, job.path().as_os_str().len() as u64]);
    let completion = match job.kind() {
        IoKind::Open { .. } | IoKind::Fetch { .. } => Completion::Opened {
            key,
            stamp: stamp(1),
        },
        IoKind::Look { .. } => Completion::Looked { stamp: stamp(0) },
        IoKind::Map { .. } => Completion::Mapped,
        IoKind::Load { .. } => Completion::Loaded { stamp: stamp(0) },
        IoKind::Read { .. } => Completion::Read { bytes: 0 },
        IoKind::Write { .. } => Completion::Written,
        IoKind::SetLength { .. } => Completion::LengthSet,
        IoKind::Sync { .. } => Completion::Synced,
        IoKind::Replace { step, .. } => step.done(Key([0, 0])),
        IoKind::Lock { step, .. } => step.done(),
        IoKind::Release { .. } => Completion::Released { lent: 0 },
        IoKind::Close { .. } => Completion::Closed,
    };
    job.answer(completion)
}

/// Opens really, and does the rest by hand: there is a descriptor to take along.
pub(crate) fn open_really(job: Job) -> Finished {
    match job.kind() {
        IoKind::Open { .. } => perform(job),
        _ => by_hand(job),
    }
}

/// The path of a real file that holds [`BYTES`] and that nobody changes.
pub(crate) fn real_file() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    const PATH: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/a_file_of_the_scenarios");
    MADE.get_or_init(|| std::fs::write(PATH, BYTES).expect("the build folder takes a file"));
    PATH
}

pub(crate) fn handle_of(mut answer: Answer) -> Handle {
    answer.take_handle().expect("the open was answered well")
}

/// Reads like a caller who may block; waits where it has to.
pub(crate) fn read(file: &Handle, buffer: &mut [u8]) -> usize {
    let read = match file.read(0, buffer, Deadline::Never, HubThread::MayBlock) {
        Read::Done(read) => read,
        Read::Waits(ticket) => read_answer(wait(ticket), 0, buffer),
    };
    read.expect("the read succeeds")
}

/// Helps, with real system calls, until the answer is there.
pub(crate) fn help(hub: &Arc<Hub>, mut ticket: Ticket) -> Answer {
    let (bed, waker) = super::Bed::made();
    hub.help_until(
        &waker,
        |waker: &Waker| ticket.poll_answer(waker),
        |at_latest| match at_latest {
            Deadline::Never => bed.lie(),
            // Time passes.
            Deadline::At(_) => thread::yield_now(),
        },
    )
}

pub(crate) fn joined<T>(thread: thread::JoinHandle<T>) -> T {
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
