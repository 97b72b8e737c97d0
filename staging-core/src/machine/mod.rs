//! The machine: its rooms, its doors, and the order in which it is to be asked.

mod answer;
mod askers;
mod backlog;
mod behind;
mod budget;
mod canonical;
mod complete;
mod copy;
mod counts;
mod descriptor;
mod directory;
mod extent;
mod failed_sync;
mod leave;
mod lend;
mod limit;
mod lock;
mod open;
mod order;
mod pace;
mod poll;
mod read;
mod replace;
mod request;
mod run;
mod shutdown;
mod stage;
mod state;
mod sync;
mod turns;
mod unstage;
mod volume;
mod write;
mod writing;

use crate::class::Turn;
use crate::completion::Completion;
use crate::event::{Event, Grace, Request, Tag};
use crate::id::{FileId, HandleId, IoId, OpId};
use crate::intervals::Intervals;
use crate::keys::Keys;
use crate::limit::FileLimits;
use crate::limits::Limits;
use crate::phase::{Cause, Phase, PhaseName};
use crate::pressure::Pressure;
use crate::reply::{Ignored, Reply};
use crate::slab::{List, Slab};
use crate::staging::{Life, Staging};
use crate::stats::{Stats, WriteCounts};
use crate::time::Tick;
use crate::timers::Timers;
use crate::wake::{Wake, WakeReason};
use alloc::vec::Vec;
pub use askers::Askers;
use behind::Lost;
use budget::Budget;
pub use canonical::Canonical;
pub use run::Run;
pub use shutdown::Report;
use state::{
    Contents, Directory, DirectoryKind, File, Fullness, Handle, Io, Lock, LockTarget,
    LockTargetKind, Op, OwnLimitsKind, Pass, SyncAll, Target, TargetKind, Then, Volume, VolumeKind,
    Writing, WritingKind,
};

/// The staging state machine.
///
/// Its methods are of four kinds:
///
/// - **Saying**: [`handle`](Machine::handle) takes every event; [`submit`](Machine::submit),
///   [`complete`](Machine::complete), [`cancel`](Machine::cancel),
///   [`shutdown`](Machine::shutdown) and [`tick`](Machine::tick) are short forms of it.
/// - **Polling**: [`poll_action`](Machine::poll_action) gives what is to be told, then what is to
///   be done; [`poll_told`](Machine::poll_told) and [`poll_io`](Machine::poll_io) are its two
///   halves, for a caller that may deliver answers but not carry out work.
/// - **Waiting**: [`poll_timeout`](Machine::poll_timeout) says when to call again at the latest.
/// - **Looking**: [`staging`](Machine::staging), [`phase`](Machine::phase),
///   [`stats`](Machine::stats), [`report`](Machine::report). They change nothing.
///
/// Any order of calls is legal. What is left undrained is not lost: `poll_timeout` says *now*.
///
/// # Invariants
///
/// - Every accepted operation is owned by exactly one place, which will answer it: a list, an
///   action, or the outcome to be told.
/// - A file is `Staging` if and only if an action for it is outstanding or due.
/// - When a staging ends, all that waited for it are answered in that transition, in order.
/// - `charged ≤ budget`, whatever the driver says; but where the budget was lowered below what was
///   charged then, that does not grow until it fits.
///
/// `Clone`, `Eq` and `Hash` see the [canonical](Machine::canonical) state: two machines are equal
/// if they will behave alike, whatever ids they had to use and whatever they counted.
pub struct Machine {
    now: Tick,
    limits: Limits,
    phase: Phase,
    /// When each phase began and why; a phase that was jumped over stays empty.
    entered: [Option<(Tick, Cause)>; 4],
    told_phase: PhaseName,
    /// In `Closed`: actions whose place is before this have been named. None comes any more.
    named: u32,
    files: Slab<crate::id::kind::File, File, 3>,
    handles: Slab<crate::id::kind::Handle, Handle, 0>,
    /// What only files have that are open for writing.
    writings: Slab<WritingKind, Writing, 5>,
    /// What only files have of which other limits were said.
    own_limits: Slab<OwnLimitsKind, FileLimits, 0>,
    ops: Slab<crate::id::kind::Op, Op, 5>,
    ios: Slab<crate::id::kind::Io, Io, 2>,
    /// What is being replaced.
    targets: Slab<TargetKind, Target, 0>,
    /// Where temporary files are to become durable.
    volumes: Slab<VolumeKind, Volume, 0>,
    /// Where names are to become durable.
    directories: Slab<DirectoryKind, Directory, 0>,
    /// What is asked for, held, or being given back.
    locks: Slab<crate::id::kind::Lock, Lock, 1>,
    /// What those are of.
    lock_targets: Slab<LockTargetKind, LockTarget, 0>,
    keys: Keys<crate::id::kind::File>,
    targets_by_key: Keys<TargetKind>,
    volumes_by_key: Keys<VolumeKind>,
    directories_by_key: Keys<DirectoryKind>,
    lock_targets_by_key: Keys<LockTargetKind>,
    timers: Timers<crate::id::kind::Op>,
    /// When locks are to be tried again.
    retries: Timers<crate::id::kind::Lock>,
    /// When files are to be synced though nobody asks.
    dues: Timers<WritingKind>,
    intervals: Intervals<crate::id::kind::Op>,
    lock_ranges: Intervals<crate::id::kind::Lock>,
    budget: Budget,
    /// Actions to be handed out, the longest waiting first.
    ready: List,
    /// The same by class, without writes.
    lines: [List; 4],
    /// Files with writes to be handed out, by class.
    rings: [List; 4],
    turn: Turn,
    /// Operations whose answer is to be polled, in order.
    told: List,
    /// Writes whose acceptance is to be told, in order.
    early: List,
    /// Writes that failed behind, and no flush or sync of all has told of.
    lost: Option<Lost>,
    /// Files of which something is to be told.
    news: List,
    /// Opens that wait for a descriptor.
    openers: List,
    /// Files that wait for a descriptor. They come first: their opens were accepted earlier.
    reopeners: List,
    /// Files with a descriptor, the longest unused first.
    idle: List,
    /// Replaces whose target is free, and who wait for others to be over.
    replacers: List,
    /// Replaces that have begun and are not over.
    at_work: u32,
    /// Descriptors held or being acquired.
    descriptors: u32,
    /// Active writes and barriers over all files, by acceptance.
    all_writes: List,
    /// How many of them are in each class.
    writes_by_class: [u32; 4],
    /// Barriers over all files that were ever accepted.
    barriers: u64,
    /// Files that a sync of all has to do with.
    unsynced: List,
    sync_all: SyncAll,
    /// Bytes of active writes and replaces.
    bytes: u64,
    bytes_room: Fullness,
    /// Memory for the parts of a run that ended.
    parts: Vec<(u64, OpId)>,
    /// How many writes ended: by this an open can be told from a later write.
    writes_ended: u64,
    /// When the last write ended to a file that is no longer open for writing.
    last_forgotten: u64,
    operations_room: Fullness,
    /// Operations that ask for a lock. They take no room from the others, for whoever holds the lock
    /// may need that to go on.
    locking: u32,
    locks_room: Fullness,
    handles_room: Fullness,
    stats: Stats,
    /// What became of the writes of each class.
    write_counts: [WriteCounts; 4],
}

impl Machine {
    /// An empty machine that keeps to these limits.
    pub fn new(limits: Limits) -> Machine {
        let limits = limits.at_least_one();
        Machine {
            now: Tick::ZERO,
            limits,
            phase: Phase::Running,
            entered: [None; 4],
            told_phase: PhaseName::Running,
            named: 0,
            files: Slab::new(),
            handles: Slab::new(),
            writings: Slab::new(),
            own_limits: Slab::new(),
            ops: Slab::new(),
            ios: Slab::new(),
            targets: Slab::new(),
            volumes: Slab::new(),
            directories: Slab::new(),
            locks: Slab::new(),
            lock_targets: Slab::new(),
            keys: Keys::new(),
            targets_by_key: Keys::new(),
            volumes_by_key: Keys::new(),
            directories_by_key: Keys::new(),
            lock_targets_by_key: Keys::new(),
            timers: Timers::new(),
            retries: Timers::new(),
            dues: Timers::new(),
            intervals: Intervals::new(),
            lock_ranges: Intervals::new(),
            budget: Budget::new(limits.budget),
            ready: List::EMPTY,
            lines: [List::EMPTY; 4],
            rings: [List::EMPTY; 4],
            turn: Turn::FIRST,
            told: List::EMPTY,
            early: List::EMPTY,
            lost: None,
            news: List::EMPTY,
            openers: List::EMPTY,
            reopeners: List::EMPTY,
            idle: List::EMPTY,
            replacers: List::EMPTY,
            at_work: 0,
            descriptors: 0,
            all_writes: List::EMPTY,
            writes_by_class: [0; 4],
            barriers: 0,
            unsynced: List::EMPTY,
            sync_all: SyncAll::IDLE,
            bytes: 0,
            bytes_room: Fullness::Quiet,
            parts: Vec::new(),
            writes_ended: 0,
            last_forgotten: 0,
            operations_room: Fullness::Quiet,
            locking: 0,
            locks_room: Fullness::Quiet,
            handles_room: Fullness::Quiet,
            stats: Stats::default(),
            write_counts: [WriteCounts::default(); 4],
        }
    }

    /// Applies an event that happened at `now`. What was due by then happens first.
    ///
    /// Total: no event, in no state, panics or is lost. What must follow is in the reply, and in
    /// what the polls give from now on.
    pub fn handle(&mut self, now: Tick, event: Event) -> Reply {
        self.advance_to(now);
        // A request is refused by its phase, and so is a shutdown that is asked for again.
        let heard_when_closed = matches!(
            event,
            Event::Submitted { .. }
                | Event::ShutdownAsked { .. }
                | Event::Forced { .. }
                | Event::Ticked
        );
        if matches!(self.phase, Phase::Closed) && !heard_when_closed {
            return self.ignore(Ignored::Closed);
        }
        let reply = match event {
            Event::Submitted {
                tag,
                deadline,
                request,
            } => self.on_submitted(tag, deadline, request),
            Event::Completed { io, completion } => self.on_completed(io, completion),
            Event::Cancelled { op } => self.on_cancelled(op),
            Event::Dropped { handle } => self.on_dropped(handle),
            Event::Unlocked { lock } => self.on_unlocked(lock),
            Event::Limited { limit } => self.on_limited(limit),
            Event::Tuned { handle, tuning } => self.on_tuned(handle, tuning),
            Event::IntervalSet { handle, every } => self.on_interval_set(handle, every),
            Event::Returned { bytes } => self.on_returned(bytes),
            Event::ShutdownAsked { grace } => self.on_shutdown_asked(grace),
            Event::Forced { closing } => self.on_forced(closing),
            Event::Ticked => Reply::Done,
            Event::DriverLost => self.on_driver_lost(),
        };
        self.settle_phase();
        reply
    }

    /// Short for [`Event::Submitted`].
    pub fn submit(&mut self, now: Tick, tag: Tag, deadline: Tick, request: Request) -> Reply {
        self.handle(
            now,
            Event::Submitted {
                tag,
                deadline,
                request,
            },
        )
    }

    /// Short for [`Event::Completed`].
    pub fn complete(&mut self, now: Tick, io: IoId, completion: Completion) -> Reply {
        self.handle(now, Event::Completed { io, completion })
    }

    /// Short for [`Event::Cancelled`].
    pub fn cancel(&mut self, now: Tick, op: OpId) -> Reply {
        self.handle(now, Event::Cancelled { op })
    }

    /// Short for [`Event::ShutdownAsked`].
    pub fn shutdown(&mut self, now: Tick, grace: Grace) -> Reply {
        self.handle(now, Event::ShutdownAsked { grace })
    }

    /// Short for [`Event::Ticked`].
    pub fn tick(&mut self, now: Tick) -> Reply {
        self.handle(now, Event::Ticked)
    }

    /// The phase of the machine's life. `Closed` is said here as soon as it is decided;
    /// [`poll_told`](Machine::poll_told) tells it after everything else was told.
    pub fn phase(&self) -> PhaseName {
        self.phase.name()
    }

    /// The limits that it keeps to now; see [`Event::Limited`].
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it has counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Bytes of the budget that are taken now: by contents, by stagings under way, and by slices
    /// that outlived theirs (G10).
    pub fn charged(&self) -> u64 {
        self.budget.charged()
    }

    /// How tight the budget is (G10).
    pub fn pressure(&self) -> Pressure {
        self.budget.pressure()
    }

    /// How many files it knows.
    pub fn files(&self) -> usize {
        self.files.len() as usize
    }

    /// The file behind a handle, once its open got that far.
    pub fn file_of(&self, handle: HandleId) -> Option<FileId> {
        self.handles.get(handle)?.file()
    }

    /// How a file stands (G1, G7); `None` for a file that is no longer known.
    pub fn staging(&self, file: FileId) -> Option<Staging> {
        self.files.get(file)?;
        let len = self.size(file);
        let file = &self.files[file];
        let done = file.bytes_in();
        let life = match file.contents {
            Contents::Absent(why)
            | Contents::Stopping {
                then: Then::Rest(why),
                ..
            }
            | Contents::Releasing {
                then: Then::Rest(why),
                ..
            } => Life::NotStaged(why),
            Contents::Staging(Pass { since, .. })
            | Contents::Stopping {
                then: Then::Again { since, .. },
                ..
            }
            | Contents::Releasing {
                then: Then::Again { since, .. },
                ..
            } => Life::Staging { done, since },
            Contents::Staged { how, .. } | Contents::Lingering { how, .. } => Life::Staged(how),
        };
        Some(Staging {
            life,
            len,
            charge: file.charge(),
            handles: file.handles,
            waiting: file.waiting,
        })
    }

    /// The operations whose buffers a write takes, in the order of their ranges, and how long each
    /// is (R7). Empty for what is no write under way.
    pub fn run(&self, io: IoId) -> Run<'_> {
        Run::of(self, io)
    }

    /// Whether an operation is waiting to be answered, or was and still has a system call under way: then
    /// the driver needs what belongs to it.
    pub fn is_under_way(&self, op: OpId) -> bool {
        self.ops.get(op).is_some()
    }

    fn ignore(&mut self, why: Ignored) -> Reply {
        self.stats.ignored += 1;
        Reply::Ignored(why)
    }

    /// Moves time on and fires what became due. Time never goes back.
    fn advance_to(&mut self, now: Tick) {
        if now < self.now {
            self.stats.backwards += 1;
            return;
        }
        self.now = now;
        while self.a_timer_is_due()
            && let Some(Wake { reason, .. }) = self.next_timer()
        {
            match reason {
                WakeReason::Deadline(op) => self.expire(op),
                WakeReason::Retry(lock) => self.retry_lock(lock),
                WakeReason::Sync(file) => match self.files[file].writing {
                    Some(writing) => self.sync_falls_due(writing),
                    None => break,
                },
                WakeReason::Told | WakeReason::Io | WakeReason::PhaseEnds => break,
            }
        }
        self.settle_phase();
    }
}

impl core::fmt::Debug for Machine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Machine")
            .field("now", &self.now)
            .field("phase", &self.phase)
            .field("files", &self.files.len())
            .field("handles", &self.handles.len())
            .field("pending", &self.stats.pending)
            .field("charged", &self.budget.charged())
            .finish_non_exhaustive()
    }
}
