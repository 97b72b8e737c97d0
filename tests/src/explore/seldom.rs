//! Worlds where two or three things must come together before anything happens that the others do not
//! show: each is small, and has only what that needs.

use super::world::{
    Ill, May, Pinned, What, World, ask, ask_within, open, open_to_write, patient, plan,
};
use super::worlds::SMALL;
use staging_core::{Limits, Mode, PAGE};

pub(super) const SCANT: World = World {
    name: "scant",
    purpose: "what is set aside for one file is missed by another, whose descriptor is taken meanwhile",
    limits: Limits {
        budget: 2 * PAGE,
        ..SMALL
    },
    files: &[PAGE, 2 * PAGE],
    seats: &[0, 1, 0],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(1, open(Mode::Load)),
        ask(2, open(Mode::None)),
        ask(0, What::Close),
        ask(1, What::Close),
        ask(2, What::Close),
    ],
    pending: 3,
    flights: 3,
    ills: &[],
    may: &[],
    changes: &[],
    reaches: &["fetch", "failed over budget", "opened staged loaded"],
    pinned: Pinned {
        states: 49280,
        transitions: 777425,
    },
};

pub(super) const VAST: World = World {
    name: "vast",
    purpose: "a file that the budget could never hold, beside one that it holds and not its mapping",
    limits: Limits {
        budget: 2 * PAGE,
        linger: PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[2 * PAGE, 3 * PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::None)),
        ask(0, What::Stage(plan(Mode::Load))),
        ask(0, What::Stage(plan(Mode::Map))),
        ask(1, open(Mode::Auto)),
        ask(1, What::Stage(patient(Mode::Load))),
        ask(1, What::Stage(plan(Mode::Map))),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[],
    may: &[May::Cancel],
    changes: &[],
    reaches: &["opened over budget", "failed over budget"],
    pinned: Pinned {
        states: 30144,
        transitions: 503924,
    },
};

pub(super) const LEISURE: World = World {
    name: "leisure",
    purpose: "two files linger where one may, and a shutdown that takes as long as it takes",
    limits: Limits {
        linger: PAGE,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(1, open(Mode::Auto)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[],
    may: &[May::TakeTime],
    changes: &[],
    reaches: &["fetch", "open", "release", "closed given back"],
    pinned: Pinned {
        states: 4801,
        transitions: 82104,
    },
};

pub(super) const MENDED: World = World {
    name: "mended",
    purpose: "a file is to be opened again by the path of a handle that goes before that is handed out",
    limits: Limits { fetch: 0, ..SMALL },
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(1, open(Mode::None)),
        ask(0, What::Read(0, PAGE)),
        ask(1, What::Read(0, PAGE)),
        ask(1, What::Unstage),
    ],
    pending: 2,
    flights: 1,
    ills: &[],
    may: &[May::Dawdle, May::Cancel, May::Drop],
    changes: &[],
    reaches: &["read", "unstaged", "failed cancelled"],
    pinned: Pinned {
        states: 128211,
        transitions: 2301501,
    },
};

pub(super) const FULL: World = World {
    name: "full",
    purpose: "room comes, and a sync of all fails, while nobody polls",
    limits: Limits {
        operations: 2,
        handles: 1,
        ..SMALL
    },
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::SyncAll),
        ask(0, What::Flush),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Sync, Ill::Open],
    may: &[May::Dawdle],
    changes: &[],
    reaches: &[
        "full of operations",
        "room for operations",
        "full of handles",
        "room for handles",
        "sync failed",
    ],
    pinned: Pinned {
        states: 708,
        transitions: 9008,
    },
};

pub(super) const BROKEN: World = World {
    name: "broken",
    purpose: "a sync fails while another waits behind a write",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Sync),
        ask(1, What::Sync),
    ],
    pending: 3,
    flights: 3,
    ills: &[Ill::Sync],
    may: &[],
    changes: &[],
    reaches: &["synced", "failed sync failed"],
    pinned: Pinned {
        states: 657,
        transitions: 9552,
    },
};

pub(super) const TWICE: World = World {
    name: "twice",
    purpose: "two syncs of all wait behind a write, and either is given up",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::SyncAll),
        ask(0, What::SyncAll),
        ask(0, What::Close),
    ],
    pending: 4,
    flights: 2,
    ills: &[],
    may: &[May::Cancel],
    changes: &[],
    reaches: &["synced", "closed", "failed cancelled"],
    pinned: Pinned {
        states: 3777,
        transitions: 67410,
    },
};

pub(super) const OLD_SIGHT: World = World {
    name: "old sight",
    purpose: "an open that saw a file before it was written comes late, when it is in memory again",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(0, What::Write(0, 2 * PAGE)),
        ask(0, What::Close),
        ask(0, open(Mode::Load)),
        ask(1, open(Mode::None)),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[],
    may: &[],
    changes: &[],
    reaches: &["written", "opened changed"],
    pinned: Pinned {
        states: 828,
        transitions: 12499,
    },
};

pub(super) const LAST: World = World {
    name: "last",
    purpose: "the last of a file goes with what is given up while a shutdown drains",
    limits: Limits {
        descriptors: 1,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::None)),
        ask(1, open(Mode::None)),
        ask_within(0, What::Read(0, PAGE), 50),
        ask(1, What::Read(0, PAGE)),
        ask(1, What::Stage(plan(Mode::Load))),
    ],
    pending: 3,
    flights: 2,
    ills: &[],
    may: &[May::Cancel, May::Drop, May::ShutDown],
    changes: &[],
    reaches: &["failed shutting down", "closing out of time", "close"],
    pinned: Pinned {
        states: 22299,
        transitions: 457650,
    },
};
