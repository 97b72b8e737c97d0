//! Worlds in which the bounds change, and in which handles go on after a failed sync.

use super::world::{Ill, May, Pinned, What, World, ask, open, open_to_write, patient};
use super::worlds::SMALL;
use staging_core::{Access, FailedSync, FileLimits, Limit, Limits, Mode, PAGE, Tuning};

const KEEPS: Tuning = Tuning::FailedSync(FailedSync::KeepDirty);
const ONE: Tuning = Tuning::Limits(FileLimits {
    operations: Some(1),
    bytes: Some(PAGE),
});

pub(super) const KEPT: World = World {
    name: "keep dirty",
    purpose: "two handles of which both may go on after a failed sync: who is told, and who vouches",
    limits: SMALL,
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(1, What::Write(PAGE, PAGE)),
        ask(0, What::Sync),
        ask(1, What::Sync),
        ask(1, What::Flush),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Sync],
    may: &[May::Tune(0, KEEPS), May::Tune(1, KEEPS)],
    changes: &[],
    reaches: &["failed sync failed", "refused sync failed", "synced"],
    pinned: Pinned {
        states: 11631,
        transitions: 181580,
    },
};

pub(super) const KEPT_OF_ALL: World = World {
    name: "keep dirty of all",
    purpose: "syncs of all beside a handle that goes on after a failed one, and one that does not",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Sync),
        ask(0, What::SyncAll),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Sync],
    may: &[May::Tune(0, KEEPS), May::Cancel],
    changes: &[],
    reaches: &["failed sync failed", "sync failed", "synced"],
    pinned: Pinned {
        states: 56756,
        transitions: 1053410,
    },
};

pub(super) const LIMITED: World = World {
    name: "limited",
    purpose: "bounds of operations and bytes that change, of all and of one file",
    limits: Limits {
        operations: 2,
        operations_per_file: 2,
        bytes: 2 * PAGE,
        bytes_per_file: 2 * PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Write(PAGE, PAGE)),
        ask(1, What::Read(0, PAGE)),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Write],
    may: &[
        May::Limit(Limit::Operations(1)),
        May::Limit(Limit::Operations(2)),
        May::Limit(Limit::OperationsPerFile(1)),
        May::Limit(Limit::OperationsPerFile(2)),
        May::Limit(Limit::Bytes(PAGE)),
        May::Limit(Limit::Bytes(2 * PAGE)),
        May::Limit(Limit::BytesPerFile(PAGE)),
        May::Limit(Limit::BytesPerFile(2 * PAGE)),
        May::Tune(0, ONE),
        May::Tune(1, Tuning::Limits(FileLimits::NONE)),
    ],
    changes: &[],
    reaches: &[
        "full of operations",
        "room for operations",
        "full on a file",
        "room on a file",
        "full of bytes",
        "room for bytes",
        "full of bytes of a file",
        "room for bytes of a file",
    ],
    pinned: Pinned {
        states: 19216,
        transitions: 383992,
    },
};

pub(super) const LOWERED: World = World {
    name: "lowered",
    purpose: "budget, linger, descriptors and handles that change under who holds, lingers and waits",
    limits: Limits {
        budget: 2 * PAGE,
        linger: 2 * PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(1, What::Open(Access::Read, patient(Mode::Load))),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[Ill::Load],
    may: &[
        May::Limit(Limit::Budget(0)),
        May::Limit(Limit::Budget(2 * PAGE)),
        May::Limit(Limit::Linger(0)),
        May::Limit(Limit::Descriptors(1)),
        May::Limit(Limit::Handles(1)),
        May::Limit(Limit::Handles(3)),
    ],
    changes: &[],
    reaches: &[
        "failed over budget",
        "release",
        "full of handles",
        "room for handles",
    ],
    pinned: Pinned {
        states: 66570,
        transitions: 1193354,
    },
};
