//! What surrounds a machine in one state: callers, the driver's table, the disk.

use super::world::World;
use crate::core::locks::Locks;
use crate::core::replaces::Replaces;
use arrayvec::ArrayVec;
use staging_core::{
    Access, FileId, FileLimits, HandleId, How, IoId, IoKind, Machine, OpId, PhaseName, Tick,
};

/// How many pages a file may have.
pub(crate) const PAGES: usize = 3;
pub(crate) const SEATS: usize = 4;
pub(crate) const ASKED: usize = 8;
pub(crate) const JOBS: usize = 12;
pub(crate) const FILES: usize = 3;
/// Never: the place in the order of a write that there is none of.
pub(crate) const NONE: u32 = u32::MAX;

/// A machine with everything around it.
pub(crate) struct State {
    pub(crate) machine: Machine,
    pub(crate) around: Around,
}

impl Clone for State {
    fn clone(&self) -> Self {
        State {
            machine: self.machine.clone(),
            around: self.around.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        self.machine.clone_from(&source.machine);
        self.around.clone_from(&source.around);
    }
}

#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) now: Tick,
    pub(crate) seats: ArrayVec<Seat, SEATS>,
    /// Accepted and not answered, in the order of acceptance.
    pub(crate) asked: ArrayVec<Asked, ASKED>,
    /// Handed out and not completed.
    pub(crate) jobs: ArrayVec<Job, JOBS>,
    pub(crate) files: ArrayVec<File, FILES>,
    pub(crate) replaces: Replaces,
    pub(crate) locks: Locks,
    pub(crate) told: PhaseName,
    /// Which bounds were reported full since they were last told to have room.
    pub(crate) full: u32,
    /// Pages of contents that were released while slices held them.
    pub(crate) lent: u64,
    /// How many operations were accepted.
    pub(crate) seq: u32,
    /// What was answered and completed last; ids that name nothing any more.
    pub(crate) stale: Stale,
    /// The latest tenant of each place of an action.
    pub(crate) issued: [u32; 32],
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Stale {
    pub(crate) op: Option<OpId>,
    pub(crate) io: Option<IoId>,
    pub(crate) handle: Option<HandleId>,
}

/// Where a caller may hold a handle.
#[derive(Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) state: SeatState,
    pub(crate) handle: Option<HandleId>,
    pub(crate) access: Access,
    /// The machine knows which file it leads to.
    pub(crate) attached: bool,
    /// The earliest write that a failed sync may have lost since it was opened.
    pub(crate) lost: u32,
    /// A sync failed since it was opened, or since it was told of one.
    pub(crate) broken: bool,
    /// It has an interval, and was not told of that yet.
    pub(crate) untold: bool,
    /// It goes on then, once it was told.
    pub(crate) keeps: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SeatState {
    Empty,
    Opening,
    Open,
    /// Closed or dropped, and something on it is not answered.
    Leaving,
}

/// An operation that was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) op: OpId,
    /// Its place in the world's list of what may be asked.
    pub(crate) ask: u8,
    /// Its place in the order of acceptance.
    pub(crate) seq: u32,
    pub(crate) deadline: Tick,
    /// By when a sync is to cover it.
    pub(crate) due: Tick,
    pub(crate) touch: Option<Touch>,
    /// It was cancelled, or its handle dropped.
    pub(crate) given_up: bool,
    /// A read that found its file being staged.
    pub(crate) held_up: bool,
    /// A sync of all before which something was written that a failed sync may have lost.
    pub(crate) lost: bool,
    pub(crate) end: End,
}

/// What became of its system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    NotYet,
    Read(u64),
    Executed,
    Failed,
}

/// The bytes that an operation looks at or changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Touch {
    pub(crate) file: usize,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) effect: Effect,
}

/// What it does to the length of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    Looks,
    Reaches(u64),
    Cuts(u64),
}

impl Touch {
    pub(crate) fn meets(&self, other: &Touch) -> bool {
        self.file == other.file
            && self.start < other.end
            && other.start < self.end
            && (self.writes() || other.writes())
    }

    pub(crate) fn writes(&self) -> bool {
        self.effect != Effect::Looks
    }
}

/// An action in the driver's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    /// Of which file; for an open, where the path leads.
    pub(crate) file: usize,
    pub(crate) seq: u32,
    /// By when a sync is to cover it.
    pub(crate) due: Tick,
    pub(crate) touch: Option<Touch>,
    /// Of a part of a run of writes: where it begins, and how long it is.
    pub(crate) part: Option<(u64, u64)>,
    /// The file as it was when the action was handed out.
    pub(crate) early: View,
    /// Pages that slices keep of the contents it releases.
    pub(crate) lent: u64,
    /// How many of those came back before the action ended.
    pub(crate) returned: u64,
    /// It opens a file again.
    pub(crate) reopens: bool,
    /// It closes a descriptor that is counted.
    pub(crate) closes_reader: bool,
}

/// What a file looks like, and by which write each of its pages was written last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct View {
    pub(crate) len: u64,
    pub(crate) version: u64,
    pub(crate) pages: [u32; PAGES],
}

/// A file on the disk, and what the driver has of it.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) id: Option<FileId>,
    pub(crate) view: View,
    pub(crate) descriptor: Option<Access>,
    pub(crate) held: Option<Held>,
    /// A load has shown that it is empty.
    pub(crate) found_empty: bool,
    /// The earliest write that was executed, and no sync under way or ended covers.
    pub(crate) dirty: u32,
    /// By when it is to be covered.
    pub(crate) due: Tick,
    /// The earliest write that the sync under way covers.
    pub(crate) covered: u32,
    pub(crate) syncing: bool,
    /// What was said of its limits alone.
    pub(crate) own: FileLimits,
}

/// Contents, whole or in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub(crate) how: How,
    pub(crate) charge: u64,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) version: u64,
    pub(crate) pages: [u32; PAGES],
    /// Two chunks were read from two versions.
    pub(crate) mixed: bool,
    /// A caller keeps a page of it.
    pub(crate) kept: bool,
}

impl Held {
    pub(crate) fn whole(&self) -> bool {
        self.done == self.total
    }
}

impl State {
    pub(crate) fn first(world: &World) -> State {
        let empty = Seat {
            state: SeatState::Empty,
            handle: None,
            access: Access::Read,
            attached: false,
            lost: NONE,
            broken: false,
            untold: false,
            keeps: false,
        };
        let file = |len: &u64| File {
            id: None,
            view: View {
                len: *len,
                version: 1,
                pages: [0; PAGES],
            },
            descriptor: None,
            held: None,
            found_empty: false,
            dirty: NONE,
            due: Tick::NEVER,
            covered: NONE,
            syncing: false,
            own: FileLimits::NONE,
        };
        State {
            machine: Machine::new(world.limits),
            around: Around {
                now: Tick::ZERO,
                seats: world.seats.iter().map(|_| empty).collect(),
                asked: ArrayVec::new(),
                jobs: ArrayVec::new(),
                files: world.files.iter().map(file).collect(),
                replaces: Replaces::default(),
                locks: Locks::default(),
                told: PhaseName::Running,
                full: 0,
                lent: 0,
                seq: 0,
                stale: Stale::default(),
                issued: [0; 32],
            },
        }
    }
}

impl Around {
    pub(crate) fn file_by_id(&self, id: FileId) -> Option<usize> {
        self.files.iter().position(|file| file.id == Some(id))
    }

    pub(crate) fn seat_by_handle(&self, handle: HandleId) -> Option<usize> {
        let mut seats = self.seats.iter();
        seats.position(|seat| seat.handle == Some(handle) && seat.state != SeatState::Empty)
    }

    pub(crate) fn asked_by_op(&self, op: OpId) -> Option<usize> {
        self.asked.iter().position(|asked| asked.op == op)
    }

    /// Contents are released, and what is lent of them is known. The machine is not told whose a slice
    /// was, so one that came back early counts for whoever says first what he had lent.
    pub(crate) fn released(&mut self, job: &Job) {
        let mut met = job.returned;
        for other in &mut self.jobs {
            let taken = other.returned.min(job.lent - met);
            other.returned -= taken;
            met += taken;
        }
        self.lent += job.lent - met;
    }
}
