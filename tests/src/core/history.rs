//! Random histories: callers, driver, disk and clock do anything, in any order, and the rules are
//! checked after every step.

use super::changing;
use super::dice::Dice;
use super::driver::Luck;
use super::ending::{after_the_end, close_everything, come_to_rest, end};
use super::lies::lie;
use super::log::{Log, Origin};
use super::world::{RowState, World};
use staging_core::{
    Access, Class, Durability, Entry, Event, Existing, Grace, HandleId, Key, Limits, Missing, Mode,
    OpId, OverBudget, PAGE, Patience, PhaseName, Plan, Request, Scope, Sharing, Span, Tick, Turns,
    Weights,
};
use std::collections::BTreeSet;

/// What a history is like: how often, in a hundred steps, something happens.
struct Nature {
    polls: usize,
    eager: usize,
    meddles: usize,
    cancels: usize,
    deadlines: usize,
    writers: usize,
    ends: bool,
    replaces: usize,
    locks: usize,
    /// How often bounds change, and how a handle is used.
    changes: usize,
}

/// A history that came to its end.
pub struct Lived {
    /// The limits of its machine.
    pub limits: Limits,
    log: Log,
}

impl Lived {
    fn of(world: World) -> Lived {
        let World { bounds, log, .. } = world;
        let limits = bounds.begun;
        Lived { limits, log }
    }

    /// Adds what happened in it, in words.
    pub fn happened(&self, words: &mut BTreeSet<String>) {
        self.log.happened(words);
    }

    /// Everything that passed, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.log.entries()
    }
}

impl std::fmt::Debug for Lived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.entries().fmt(f)
    }
}

/// Lives the history of a seed with an honest driver, to the end. Panics where a rule is broken.
pub fn live(seed: u64, steps: usize) -> Lived {
    let (limits, nature, luck) = honest(&mut Dice::of(seed ^ 0xface));
    let world = World::new(Dice::of(seed), Origin::Seed(seed), limits, true);
    live_in(world, &nature, luck, steps)
}

/// The same, with choices that somebody else made: a history is as long as they are.
pub fn live_by(bytes: &[u8]) -> Lived {
    let mut dice = Dice::of_bytes(bytes);
    let (limits, nature, luck) = honest(&mut dice);
    let world = World::new(dice, Origin::Bytes(bytes.len()), limits, true);
    live_in(world, &nature, luck, bytes.len())
}

fn honest(dice: &mut Dice) -> (Limits, Nature, Luck) {
    let (limits, mut nature) = (limits(dice), nature(dice));
    let luck = Luck {
        failing: dice.one_of(&[0, 0, 2, 10, 30]),
        no_mapping: dice.chance(25),
        contended: 30,
    };
    nature.replaces = replaces(dice);
    nature.locks = locks(dice);
    nature.changes = changes(dice);
    (limits, nature, luck)
}

fn live_in(mut world: World, nature: &Nature, luck: Luck, steps: usize) -> Lived {
    world.driver.luck = luck;
    world.log.note(format!("{:?}", world.limits));
    for _ in 0..steps {
        step(&mut world, nature);
        if world.told == PhaseName::Closed || world.dice.is_spent() {
            break;
        }
    }
    if world.machine.phase() == PhaseName::Running {
        come_to_rest(&mut world);
        close_everything(&mut world);
    }
    end(&mut world);
    Lived::of(world)
}

/// Lives the history of a seed with a driver that lies. Panics where the machine believes it, or is
/// left without a way to go on.
pub fn endure(seed: u64, steps: usize) -> Lived {
    let mut dice = Dice::of(seed ^ 0xbad);
    let (limits, mut nature) = (limits(&mut dice), nature(&mut dice));
    nature.replaces = replaces(&mut dice);
    nature.locks = locks(&mut dice);
    nature.changes = changes(&mut dice);
    let world = World::new(Dice::of(seed), Origin::Seed(seed), limits, false);
    endure_in(world, &nature, steps)
}

/// The same, with choices that somebody else made.
pub fn endure_by(bytes: &[u8]) -> Lived {
    let mut dice = Dice::of_bytes(bytes);
    let (limits, mut nature) = (limits(&mut dice), nature(&mut dice));
    nature.replaces = replaces(&mut dice);
    nature.locks = locks(&mut dice);
    nature.changes = changes(&mut dice);
    let world = World::new(dice, Origin::Bytes(bytes.len()), limits, false);
    endure_in(world, &nature, bytes.len())
}

fn endure_in(mut world: World, nature: &Nature, steps: usize) -> Lived {
    for _ in 0..steps {
        pass_time(&mut world);
        match world.dice.below(10) {
            0..=2 => poll(&mut world),
            3..=6 => lie(&mut world),
            7 => give_up_something(&mut world),
            _ if nature.ends && world.dice.chance(2) => begin_the_end(&mut world),
            _ => ask(&mut world, nature),
        }
        if world.told == PhaseName::Closed || world.dice.is_spent() {
            break;
        }
    }
    if world.machine.phase() < PhaseName::Closed {
        world.lost = true;
        let _ = world.say(Event::DriverLost);
    }
    world.drain();
    after_the_end(&mut world);
    Lived::of(world)
}

/// Limits down to one of everything.
pub(crate) fn limits(dice: &mut Dice) -> Limits {
    let limits = Limits {
        operations: dice.one_of(&[0, 1, 2, 4, 8, 30]),
        operations_per_file: dice.one_of(&[0, 1, 2, 4, 8]),
        bytes: dice.one_of(&[1, 5_000, 40_000, 1 << 30]),
        bytes_per_file: dice.one_of(&[1, 5_000, 40_000, 1 << 30]),
        handles: dice.one_of(&[1, 2, 3, 5, 8]),
        descriptors: dice.one_of(&[1, 1, 2, 3, 8]),
        budget: dice
            .one_of(&[0, 1, 2, 3, 4, 6, 8, 12, 1 << 30, u64::MAX])
            .saturating_mul(PAGE),
        linger: PAGE * dice.one_of(&[0, 0, 1, 2, 5, 20]),
        fetch: dice.one_of(&[0, 100, 4096, 9_000, 1 << 17]),
        chunk: dice.one_of(&[1, 1, 3, 5, 8, 1 << 10]) * 1024 + 1,
        restarts: dice.one_of(&[0, 1, 3]),
        merge: dice.one_of(&[0, 2, 3, 1024]),
        merge_bytes: dice.one_of(&[5_000, 40_000, 1 << 30]),
        turns: turns(dice),
        locks: 0,
    };
    Limits {
        locks: limits.handles,
        ..limits
    }
}

/// By class as usual, with every class alike and no patience, and strictly by arrival.
pub(crate) fn turns(dice: &mut Dice) -> Turns {
    let weights = Weights {
        urgent: 1,
        high: 0,
        normal: 1,
        low: 1,
    };
    let patience = 0;
    dice.one_of(&[
        Turns::default(),
        Turns::default(),
        Turns::ByClass { weights, patience },
        Turns::ByArrival,
    ])
}

fn nature(dice: &mut Dice) -> Nature {
    Nature {
        polls: dice.one_of(&[15, 30, 45]),
        eager: dice.one_of(&[0, 50, 100]),
        meddles: dice.one_of(&[0, 2, 8, 20]),
        cancels: dice.one_of(&[0, 4, 12]),
        deadlines: dice.one_of(&[0, 10, 40]),
        writers: dice.one_of(&[0, 0, 30, 70]),
        ends: dice.chance(40),
        replaces: 0,
        locks: 0,
        changes: 0,
    }
}

fn replaces(dice: &mut Dice) -> usize {
    dice.one_of(&[0, 0, 0, 40])
}

fn locks(dice: &mut Dice) -> usize {
    dice.one_of(&[0, 0, 0, 40])
}

fn changes(dice: &mut Dice) -> usize {
    dice.one_of(&[0, 0, 25])
}

fn step(world: &mut World, nature: &Nature) {
    pass_time(world);
    let roll = world.dice.below(100);
    if roll < nature.polls {
        poll(world);
    } else if roll < nature.polls + 20 {
        let jobs = world.driver.jobs.len();
        if jobs > 0 {
            let at = world.dice.below(jobs);
            world.finish(at);
        }
    } else if roll < nature.polls + 20 + nature.cancels {
        give_up_something(world);
    } else if world.dice.chance(nature.meddles) {
        let meddled = world.disk.meddle(&mut world.dice);
        world.log.note(meddled);
    } else if nature.ends && world.dice.chance(4) {
        begin_the_end(world);
    } else {
        ask(world, nature);
    }
    if world.dice.chance(nature.eager) {
        world.drain();
    }
}

fn pass_time(world: &mut World) {
    match world.dice.below(12) {
        0 => world.now = Tick(world.now.0.saturating_sub(7)),
        1 | 2 => world.now = Tick(world.now.0 + 10),
        3 => {
            if let Some(wake) = world.machine.poll_timeout() {
                world.now = wake.at.max(world.now);
                let _ = world.say(Event::Ticked);
                world.check();
            }
        }
        _ => world.now = Tick(world.now.0 + 1),
    }
}

fn poll(world: &mut World) {
    match world.dice.below(4) {
        0 => drop(world.poll_told()),
        1 => drop(world.poll_io()),
        2 => drop(world.poll_told() || world.poll_io()),
        _ => world.drain(),
    }
    world.check();
}

pub(crate) fn plan(dice: &mut Dice) -> Plan {
    Plan {
        mode: dice.one_of(&[
            Mode::Auto,
            Mode::Auto,
            Mode::Map,
            Mode::MapShared,
            Mode::Load,
            Mode::None,
        ]),
        over_budget: dice.one_of(&[OverBudget::Refuse, OverBudget::Wait]),
        map_threshold: dice.one_of(&[0, 4096, 9_000, 1 << 20]),
    }
}

fn ask(world: &mut World, nature: &Nature) {
    if nature.locks > 0 && world.dice.chance(25) {
        return unlock(world);
    }
    if nature.changes > 0 && world.dice.chance(nature.changes) {
        return changing::change(world);
    }
    let deadline = if world.dice.chance(nature.deadlines) {
        Tick((world.now.0 + world.dice.below(60) as u64).saturating_sub(5))
    } else {
        Tick::NEVER
    };
    let name = world.dice.below(world.disk.names());
    let request = request(world, nature);
    world.submit(name, deadline, request);
}

fn request(world: &mut World, nature: &Nature) -> Request {
    let plan = plan(&mut world.dice);
    if nature.replaces > 0 && world.dice.chance(nature.replaces) {
        return replace(&mut world.dice);
    }
    if nature.locks > 0 && world.dice.chance(nature.locks) {
        return lock(&mut world.dice);
    }
    let Some(handle) = some_handle(world) else {
        let missing = world.dice.one_of(&[
            Missing::Fail,
            Missing::Fail,
            Missing::Create,
            Missing::CreateNew,
        ]);
        let access = match world.dice.chance(nature.writers) {
            true => world
                .dice
                .one_of(&[Access::Write, Access::Write, Access::WriteThrough]),
            false => Access::Read,
        };
        return Request::Open {
            access,
            missing,
            plan,
        };
    };
    let may_write = world.row(handle).access.may_write();
    if world.dice.chance(if may_write { 65 } else { 5 }) {
        return writing(&mut world.dice, handle);
    }
    match world.dice.below(10) {
        0 | 1 => Request::Stage { handle, plan },
        2 => Request::Unstage { handle },
        3 | 4 => Request::Close { handle },
        _ => Request::Read {
            handle,
            offset: world.dice.one_of(&[0, 1, 4095, 8_000, u64::MAX - 10]),
            len: world.dice.one_of(&[0, 1, 10, 4096, 30_000]),
        },
    }
}

fn unlock(world: &mut World) {
    let held: Vec<_> = world.locks.held().collect();
    if !held.is_empty() {
        let lock = world.dice.one_of(&held);
        world.unlock(lock);
    }
}

fn lock(dice: &mut Dice) -> Request {
    let start = dice.one_of(&[0, 0, 10, 20]);
    Request::Lock {
        target: Key([7, dice.below(2) as u64]),
        span: Span {
            start,
            end: dice.one_of(&[5, 15, 30, u64::MAX]),
        },
        sharing: dice.one_of(&[Sharing::Exclusive, Sharing::Shared]),
        scope: dice.one_of(&[Scope::Machine, Scope::System, Scope::System, Scope::Network]),
        patience: dice.one_of(&[Patience::Waits, Patience::Waits, Patience::AsksOnce]),
    }
}

fn replace(dice: &mut Dice) -> Request {
    Request::Replace {
        target: Key([8, dice.below(7) as u64]),
        len: dice.one_of(&[0, 1, 100, 4096, 9_000, u64::MAX]),
        durability: dice.one_of(&[
            Durability::None,
            Durability::File,
            Durability::FileAndDirectory,
            Durability::FileAndDirectory,
        ]),
        existing: dice.one_of(&[Existing::Replace, Existing::Fail]),
    }
}

fn writing(dice: &mut Dice, handle: HandleId) -> Request {
    let len = dice.one_of(&[0, 1, 10, 4096, 4096, 30_000]);
    let class = dice.one_of(&Class::ALL);
    match dice.below(12) {
        0 => Request::Flush { handle },
        1 | 2 => Request::Sync { handle },
        3 => dice.one_of(&[Request::FlushAll, Request::SyncAll, Request::SyncAll]),
        4 | 5 => Request::Append { handle, len, class },
        6 => {
            let len = dice.one_of(&[0, 100, 4097, 20_000, u64::MAX]);
            Request::SetLength { handle, len, class }
        }
        _ => Request::Write {
            handle,
            offset: dice.one_of(&[0, 1, 4095, 8_000, 25_000, 1 << 63, u64::MAX - 10]),
            len,
            class,
        },
    }
}

/// Mostly a handle that may be used, sometimes one that may not.
fn some_handle(world: &mut World) -> Option<HandleId> {
    let fresh = world.dice.chance(35);
    let usable = usable(world);
    (!fresh && !usable.is_empty()).then(|| world.dice.one_of(&usable))
}

/// The handles that may be used; now and then all that ever were.
pub(crate) fn usable(world: &mut World) -> Vec<HandleId> {
    let stale = world.dice.chance(5);
    let rows = world.rows.iter();
    rows.filter(|row| stale || row.state == RowState::Open)
        .map(|row| row.id)
        .collect()
}

fn give_up_something(world: &mut World) {
    match world.dice.below(4) {
        0 if !world.rows.is_empty() => {
            let at = world.dice.below(world.rows.len());
            let row = world.rows[at];
            if row.state != RowState::Gone {
                world.drop_handle(row.id);
            }
        }
        1 if world.driver.slices() > 0 => {
            let at = world.dice.below(world.driver.slices());
            world.drop_slice(at);
        }
        _ => {
            let ops: Vec<OpId> = world.asked.keys().copied().collect();
            if !ops.is_empty() {
                let op = world.dice.one_of(&ops);
                world.cancel(op);
            }
        }
    }
}

fn grace(dice: &mut Dice) -> Grace {
    Grace {
        total: dice.one_of(&[0, 20, 200, 1 << 40]),
        draining: dice.one_of(&[0, 20, 100, 1 << 40]),
        closing: dice.one_of(&[0, 20, 100, 1 << 40]),
    }
}

fn begin_the_end(world: &mut World) {
    match world.dice.below(8) {
        0 => {
            world.lost = world.machine.phase() < PhaseName::Closed || world.lost;
            let _ = world.say(Event::DriverLost);
            world.check();
        }
        1 => {
            let closing = world.dice.one_of(&[0, 30, 1 << 40]);
            let _ = world.say(Event::Forced { closing });
            world.check();
        }
        _ => {
            let grace = grace(&mut world.dice);
            world.shut_down(grace);
        }
    }
}
