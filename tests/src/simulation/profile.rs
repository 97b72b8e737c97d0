//! What a seed is given: a disk, limits, and how much goes wrong.

use driver_sim::{Dice, Disk, Faults, Setup, Trouble};
use staging_core::{Limits, NodeKind, Turns};

/// What kind of world a seed lives in.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) faults: Faults,
    pub(crate) setup: Setup,
    /// Syncs may lie.
    pub(crate) liars: bool,
    /// Actions may hang.
    pub(crate) hangs: bool,
    /// Limits change, and half of all writers keep dirty.
    pub(crate) changes: bool,
    /// Files are replaced.
    pub(crate) replaces: bool,
    /// What is written is to be durable so long after, in nanoseconds, though nobody asks (L3).
    pub(crate) every: Option<u64>,
    /// Requests under way at most.
    pub(crate) crowd: usize,
    /// Bytes of a write at most, and of a file, about.
    pub(crate) most_bytes: u64,
    pub(crate) most_len: u64,
}

impl Profile {
    pub(crate) fn of(seed: u64, dice: &mut Dice, record: bool) -> Profile {
        let hangs = dice.permille(100);
        let liars = dice.permille(80);
        let setup = Setup {
            seed,
            limits: limits(dice),
            record,
            lazy: dice.one_of(&[0, 0, 100, 500]),
        };
        Profile {
            faults: faults(dice, hangs, liars),
            setup,
            liars,
            hangs,
            crowd: dice.one_of(&[1, 4, 12, 24]),
            most_bytes: dice.one_of(&[16, 300, 600, 1600]),
            most_len: dice.one_of(&[600, 3_000, 9_000]),
            changes: dice.permille(400),
            replaces: dice.permille(400),
            every: dice.one_of(&[None, None, Some(1), Some(30_000), Some(5_000_000)]),
        }
    }

    /// Files of ours, one of them missing, those of a stranger, and what is no file.
    pub(crate) fn disk(&self, seed: u64, dice: &mut Dice) -> Disk {
        let mut disk = Disk::faulty(self.faults.clone(), seed.rotate_left(17));
        if dice.permille(100) {
            disk = disk.capacity(4 * self.most_len);
        }
        if dice.permille(100) {
            disk = disk.descriptors(3);
        }
        for path in OURS {
            let len = dice.below(self.most_len) as usize;
            disk.put(path, vec![0xa5; len]);
        }
        for path in [REPLACED[0], REPLACED[2]] {
            let len = dice.below(self.most_len) as usize;
            disk.put(path, vec![0xc3; len]);
        }
        disk.directory("/folder");
        disk.directory("/replaced");
        disk.odd("/pipe", NodeKind::Fifo);
        disk.link("/folder/way", "../ours0");
        disk.link("/dangling", "nowhere");
        disk.hard_link("/folder/second", OURS[1]);
        disk
    }
}

pub(crate) const OURS: [&str; 2] = ["/ours0", "/ours1"];
/// Made by whoever opens it first.
pub(crate) const CREATED: [&str; 2] = ["/created", "/folder/created"];
pub(crate) const THEIRS: [&str; 2] = ["/theirs0", "/folder/theirs1"];
/// Replaced whole, and not written: in two directories, of which each has one that is missing at first.
pub(crate) const REPLACED: [&str; 4] = [
    "/replaced/old",
    "/replaced/new",
    "/folder/old",
    "/folder/new",
];
/// Other ways to a file of ours, and ways to none.
pub(crate) const WAYS: [&str; 5] = [
    "/folder/way",
    "/folder/second",
    "/pipe",
    "/dangling",
    "/folder",
];

pub(crate) fn limits(dice: &mut Dice) -> Limits {
    let usual = Limits::default();
    Limits {
        operations: dice.one_of(&[2, 16, 64, usual.operations]),
        operations_per_file: dice.one_of(&[1, 8, 64]),
        bytes: dice.one_of(&[1 << 11, 1 << 14, usual.bytes]),
        bytes_per_file: dice.one_of(&[1 << 10, 1 << 13, usual.bytes_per_file]),
        handles: dice.one_of(&[2, 8, 64]),
        descriptors: dice.one_of(&[1, 2, 4, 64]),
        budget: dice.one_of(&[0, 1 << 13, 1 << 15, usual.budget, usual.budget]),
        linger: dice.one_of(&[0, 0, 1 << 14]),
        fetch: dice.one_of(&[0, 1 << 10, 1 << 12, usual.fetch]),
        chunk: dice.one_of(&[512, 4096, usual.chunk]),
        restarts: dice.one_of(&[0, 3]),
        merge: dice.one_of(&[1, 3, usual.merge]),
        merge_bytes: dice.one_of(&[1 << 10, usual.merge_bytes]),
        turns: dice.one_of(&[usual.turns, usual.turns, Turns::ByArrival]),
        locks: usual.locks,
    }
}

fn faults(dice: &mut Dice, hangs: bool, liars: bool) -> Faults {
    let mut faults = match dice.below(4) {
        0 => Faults::none(),
        1 => Faults::none().latency(0, 0),
        2 => Faults::none().latency(1, 50_000_000),
        _ => Faults::none().latency(10_000, 20_000).in_order(),
    };
    if hangs {
        faults = faults.rate(Trouble::Hangs, 2);
    }
    if liars {
        faults = faults
            .rate(Trouble::SyncLies, 300)
            .rate(Trouble::SyncDrops, 300);
    }
    // A third of all disks is well.
    if dice.below(3) == 0 {
        return faults;
    }
    for (trouble, rates) in [
        (Trouble::Short, [0, 100, 600]),
        (Trouble::Interrupted, [0, 50, 400]),
        (Trouble::Broken, [0, 5, 40]),
        (Trouble::WriteBroken, [0, 5, 40]),
        (Trouble::NoSpace, [0, 5, 40]),
        (Trouble::NoDescriptors, [0, 0, 50]),
        (Trouble::SyncFails, [0, 20, 100]),
        (Trouble::ReplyLost, [0, 20, 100]),
        (Trouble::RequestLost, [0, 20, 100]),
    ] {
        faults = faults.rate(trouble, dice.one_of(&rates));
    }
    faults
}
