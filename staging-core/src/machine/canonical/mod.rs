//! The state as it decides about the future: the same for two machines that will behave alike.
//!
//! Left out are counts, free lists, probe orders and generations; ids become ranks among the
//! living, times become distances from now. What is left is a list of words, compared and hashed
//! as such.

mod locks;
mod names;
mod outcome;
mod plain;
mod turns;
mod writing;

use super::Machine;
use super::state::{
    Contents, Descriptor, Discarded, Handle, Op, OpState, Order, Owner, Pass, Place, Step, Then,
    Writes, WritingId,
};
use crate::id::{FileId, HandleId, Id, IoId, LockId, OpId};
use crate::phase::Phase;
use crate::slab::{List, Slab};
use crate::time::Tick;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use plain::{Ranked, Words};

/// The canonical state of a [`Machine`]; equal if and only if the machines are.
#[derive(Clone, Default, Debug)]
pub struct Canonical {
    words: Vec<u64>,
    ranks: Ranks,
}

impl Canonical {
    /// Takes the state of a machine in place of the one before, and in its memory: for who looks at
    /// millions of them.
    pub fn take(&mut self, machine: &Machine) {
        self.words.clear();
        self.ranks.take(machine);
        let Canonical { words, ranks } = self;
        let mut writer = Writer {
            machine,
            ranks,
            words,
        };
        writer.machine();
    }

    /// The state as words. What they mean is nobody's business; how many there are, and whether
    /// two are the same, is.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}

impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Canonical {}

impl Hash for Canonical {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words.hash(state);
    }
}

impl PartialEq for Machine {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Machine {}

impl Hash for Machine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl Machine {
    /// The state that decides about the future. Made for exploring and comparing, not for speed.
    pub fn canonical(&self) -> Canonical {
        let mut canonical = Canonical::default();
        canonical.take(self);
        canonical
    }
}

/// By index: how many live ones come before. A rank stands for the id.
#[derive(Clone, Default, Debug)]
struct Ranks {
    files: Vec<u64>,
    handles: Vec<u64>,
    ops: Vec<u64>,
    ios: Vec<u64>,
    locks: Vec<u64>,
}

impl Ranks {
    fn take(&mut self, machine: &Machine) {
        rank_all(&mut self.files, &machine.files);
        rank_all(&mut self.handles, &machine.handles);
        rank_all(&mut self.ops, &machine.ops);
        rank_all(&mut self.ios, &machine.ios);
        rank_all(&mut self.locks, &machine.locks);
    }
}

fn rank_all<K, T, const LINKS: usize>(ranks: &mut Vec<u64>, slab: &Slab<K, T, LINKS>) {
    ranks.clear();
    for (rank, id) in slab.ids().enumerate() {
        ranks.resize(id.index() + 1, 0);
        ranks[id.index()] = rank as u64;
    }
}

/// Gone from its slab: an id that only an answered operation still remembers.
const GONE: u64 = u64::MAX;

struct Writer<'a> {
    machine: &'a Machine,
    ranks: &'a Ranks,
    words: &'a mut Vec<u64>,
}

impl Writer<'_> {
    fn machine(&mut self) {
        let m = self.machine;
        self.word(m.phase.name() as u64);
        match m.phase {
            Phase::Running | Phase::Closed => {}
            Phase::Draining {
                until,
                closing,
                end,
            } => {
                self.time(until);
                self.word(closing);
                self.time(end);
            }
            Phase::Closing { until } => self.time(until),
        }
        self.word(m.told_phase as u64);
        self.hashed(&m.limits);
        self.words.extend(m.budget.words());
        self.word(u64::from(m.descriptors));
        self.word(m.operations_room as u64);
        self.word(m.handles_room as u64);
        for handle in m.handles.ids() {
            self.handle(handle);
        }
        for file in m.files.ids() {
            self.file(file);
        }
        for op in m.ops.ids() {
            self.op(&m.ops[op]);
        }
        for io in m.ios.ids() {
            self.io(io);
        }
        self.sync_all();
        self.names();
        self.locks();
        self.op_list(&m.told);
        self.op_list_by(super::state::EARLY, &m.early);
        self.op_list(&m.openers);
        self.file_list(super::state::NEWS, &m.news);
        self.file_list(super::state::IDLE, &m.idle);
        for queue in [
            &m.reopeners,
            &m.budget.patient,
            &m.budget.hopeful,
            &m.budget.lingering,
        ] {
            self.file_list(super::state::QUEUE, queue);
        }
        self.turns();
        for (at, op) in m.timers.sorted() {
            self.time(at);
            let rank = self.op_rank(op);
            self.word(rank);
        }
        self.end();
    }

    fn handle(&mut self, id: HandleId) {
        let handle = &self.machine.handles[id];
        let (tag, closer) = match *handle {
            Handle::Opening { .. } => (0, None),
            Handle::Open { .. } => (1, None),
            Handle::Leaving { closer, .. } => (2, closer),
        };
        let broken = self.machine.is_broken(id);
        let writes = match handle.writes() {
            Writes::No => 0,
            Writes::Since {
                answers,
                keeps_dirty,
                ..
            } => 1 + u64::from(broken) + 2 * answers as u64 + 8 * u64::from(keeps_dirty),
        };
        self.words
            .extend([writes, u64::from(self.machine.is_untold(id))]);
        self.word(u64::from(handle.pending()));
        let file = handle.file().map_or(GONE, |file| self.file_rank(file));
        let closer = closer.map_or(GONE, |op| self.op_rank(op));
        self.words.extend([tag, file, closer]);
    }

    fn file(&mut self, id: FileId) {
        let file = &self.machine.files[id];
        self.words.extend(file.key.0);
        self.words.extend([file.stamp.len, file.stamp.version]);
        self.words.extend([
            u64::from(file.handles),
            u64::from(file.pending),
            u64::from(file.flights),
            u64::from(file.waiting),
            u64::from(file.stagers),
            u64::from(file.lookers),
            file.room as u64,
            u64::from(file.news.withdrawn),
            u64::from(file.news.room),
            u64::from(file.news.bytes_room),
            u64::from(file.news.progress),
        ]);
        self.hashed(&self.machine.own_limits(id));
        self.contents(file.contents);
        match file.descriptor {
            Descriptor::Absent => self.word(0),
            Descriptor::Wanted => self.word(1),
            Descriptor::Opening { io } => {
                let rank = self.io_rank(io);
                self.words.extend([2, rank]);
            }
            Descriptor::Idle { again } => self.words.extend([3, u64::from(again)]),
            Descriptor::Busy { users, queued } => {
                self.words.extend([4, u64::from(users), u64::from(queued)]);
            }
            Descriptor::Closing { io } => {
                let rank = self.io_rank(io);
                self.words.extend([5, rank]);
            }
            Descriptor::Pinned { users } => self.words.extend([6, u64::from(users)]),
        }
        self.op_list(&file.waiters);
        self.op_list(&file.readers);
        self.op_list(&file.leavers);
        match file.writing {
            Some(writing) => self.writing(writing),
            None => self.word(GONE),
        }
    }

    fn contents(&mut self, contents: Contents) {
        match contents {
            Contents::Absent(why) => {
                self.word(0);
                self.hashed(&why);
            }
            Contents::Staging(pass) => {
                self.word(1);
                self.pass(pass);
            }
            Contents::Staged { how, charge } => self.words.extend([2, how as u64, charge]),
            Contents::Lingering { how, charge } => self.words.extend([3, how as u64, charge]),
            Contents::Stopping { io, charge, then } => self.leaving(4, io, charge, then),
            Contents::Releasing { io, charge, then } => self.leaving(5, io, charge, then),
        }
    }

    fn leaving(&mut self, tag: u64, io: IoId, charge: u64, then: Then) {
        let rank = self.io_rank(io);
        self.words.extend([tag, rank, charge]);
        match then {
            Then::Rest(why) => {
                self.word(0);
                self.hashed(&why);
            }
            Then::Again { plan, restarts, .. } => {
                self.words.extend([1, u64::from(restarts)]);
                self.hashed(&plan);
            }
        }
    }

    /// When it began is shown, but decides nothing.
    fn pass(&mut self, pass: Pass) {
        self.hashed(&pass.plan);
        self.word(u64::from(pass.restarts));
        match pass.step {
            Step::Opening => self.word(0),
            Step::Looking { io } => {
                let rank = self.io_rank(io);
                self.words.extend([1, rank]);
            }
            Step::AwaitingBudget { how, charge, queue } => {
                self.words.extend([2, how as u64, charge, queue as u64]);
            }
            Step::Mapping { io, how, charge } => {
                let rank = self.io_rank(io);
                self.words.extend([3, rank, how as u64, charge]);
            }
            Step::Loading {
                io,
                how,
                charge,
                done,
            } => {
                let rank = self.io_rank(io);
                self.words.extend([4, rank, how as u64, charge, done]);
            }
        }
    }

    fn op(&mut self, op: &Op) {
        self.word(op.tag.0);
        let handle = op.handle.map_or(GONE, |handle| self.handle_rank(handle));
        self.word(handle);
        self.words
            .extend([op.place, op.class as u64, op.early as u64]);
        let older = self.machine.is_older_than_a_failure(op);
        self.word(u64::from(older));
        self.op_list(&op.dependents);
        self.word(match op.order {
            Order::Apart => 0,
            Order::Counted(_) => 1,
            Order::Placed(_) => 2,
            Order::Targeted(_) => 3,
            Order::InLine(_) => 4,
            Order::Published => 5,
            Order::Rewriting(_) => 6,
        });
        self.hashed(&Ranked::request(op));
        match op.state {
            OpState::AwaitingSlot => self.word(0),
            OpState::Opening { io } => {
                let rank = self.io_rank(io);
                self.words.extend([1, rank]);
            }
            OpState::AwaitingStaging { .. } => self.word(2),
            OpState::AwaitingDescriptor { .. } => self.word(3),
            OpState::Performing { io } => {
                let rank = self.io_rank(io);
                self.words.extend([4, rank]);
            }
            OpState::AwaitingRelease { .. } => self.word(5),
            OpState::AwaitingOthers => self.word(6),
            OpState::Resolved { outcome, flight } => {
                let rank = flight.map_or(GONE, |io| self.io_rank(io));
                self.words.extend([7, rank]);
                self.outcome(outcome);
            }
            OpState::Answered => self.word(8),
            OpState::AwaitingOrder { behind } => {
                let rank = self.op_rank(behind);
                self.words.extend([9, rank]);
            }
            OpState::AwaitingLookers { .. } => self.word(10),
            OpState::AwaitingEarlier { .. } => self.word(11),
            OpState::AwaitingSync { .. } => self.word(12),
            OpState::Syncing { .. } => self.word(13),
            OpState::AwaitingTarget { .. } => self.word(14),
            OpState::Discarding { io, then } => {
                let rank = self.io_rank(io);
                self.words.extend([15, rank]);
                match then {
                    Discarded::Failed { fault, done } => self.hashed(&(fault, done)),
                    Discarded::Unsynced => self.word(GONE),
                }
            }
            OpState::AwaitingVolume { .. } => self.word(20),
            OpState::SyncingVolume { .. } => self.word(21),
            OpState::AwaitingDirectory { .. } => self.word(16),
            OpState::SyncingDirectory { .. } => self.word(17),
            OpState::AwaitingTurn => self.word(18),
            OpState::AwaitingLock { lock } => {
                let rank = self.lock_rank(lock);
                self.words.extend([19, rank]);
            }
        }
    }

    fn io(&mut self, id: IoId) {
        let io = &self.machine.ios[id];
        self.word(match io.place {
            Place::Ready => 0,
            Place::InFlight => 1,
        });
        let (tag, owner) = match io.owner {
            Owner::Open { op, since } => {
                self.outdated(since);
                (0, self.op_rank(op))
            }
            Owner::Reopen { file } => (1, self.file_rank(file)),
            Owner::File { file } => (2, self.file_rank(file)),
            Owner::Sync { writing } => (2, self.writing_rank(writing)),
            Owner::Read { op, .. } | Owner::Write { op, .. } | Owner::Replace { op } => {
                (3, self.op_rank(op))
            }
            Owner::Directory { directory } => (4, directory.index() as u64),
            Owner::Lock { lock } => (5, self.lock_rank(lock)),
            Owner::Volume { volume } => (6, volume.index() as u64),
        };
        self.words.extend([tag, owner]);
        if let crate::action::IoKind::Open { handle, .. } = io.kind {
            let by_path_of = self.handle_rank(handle);
            self.word(by_path_of);
        }
        self.op_list_by(super::state::RUN, &io.run);
        self.hashed(&Ranked::kind(io.kind));
    }

    fn op_list(&mut self, list: &List) {
        self.op_list_by(super::state::OPS, list);
    }

    fn op_list_by(&mut self, link: usize, list: &List) {
        let mut next = self.machine.ops.first(list);
        while let Some(op) = next {
            let rank = self.op_rank(op);
            self.word(rank);
            next = self.machine.ops.after(link, op);
        }
        self.end();
    }

    fn file_list(&mut self, link: usize, list: &List) {
        let mut next = self.machine.files.first(list);
        while let Some(file) = next {
            let rank = self.file_rank(file);
            self.word(rank);
            next = self.machine.files.after(link, file);
        }
        self.end();
    }

    fn time(&mut self, at: Tick) {
        let distance = if at == Tick::NEVER {
            GONE
        } else {
            at.since(self.machine.now)
        };
        self.word(distance);
    }

    fn word(&mut self, word: u64) {
        self.words.push(word);
    }

    fn end(&mut self) {
        self.words.push(GONE - 1);
    }

    /// Plain data without ids, through its own `Hash`, word by word; and where it ends, for `Hash` does
    /// not promise that this can be told from the words.
    fn hashed<T: Hash>(&mut self, data: &T) {
        let mut words = Words(self.words);
        data.hash(&mut words);
        let end = words.finish();
        self.word(end);
    }

    /// Whoever waits to be told, or to be named at the end, may name what is gone.
    fn file_rank(&self, id: FileId) -> u64 {
        let living = self.machine.files.get(id);
        living.map_or(GONE, |_| rank(&self.ranks.files, id))
    }
    fn handle_rank(&self, id: HandleId) -> u64 {
        let living = self.machine.handles.get(id);
        living.map_or(GONE, |_| rank(&self.ranks.handles, id))
    }
    /// The rank of the file; once the machine is closed it is gone, and its write side before it.
    fn writing_rank(&self, id: WritingId) -> u64 {
        let living = self.machine.writings.get(id);
        living.map_or(GONE, |writing| self.file_rank(writing.file))
    }
    fn op_rank(&self, id: OpId) -> u64 {
        let living = self.machine.ops.get(id);
        living.map_or(GONE, |_| rank(&self.ranks.ops, id))
    }
    fn lock_rank(&self, id: LockId) -> u64 {
        let living = self.machine.locks.get(id);
        living.map_or(GONE, |_| rank(&self.ranks.locks, id))
    }
    fn io_rank(&self, id: IoId) -> u64 {
        rank(&self.ranks.ios, id)
    }
}

fn rank<K>(ranks: &[u64], id: Id<K>) -> u64 {
    ranks.get(id.index()).copied().unwrap_or(GONE)
}
