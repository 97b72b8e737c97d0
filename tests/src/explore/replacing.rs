//! Worlds where files are replaced. Nobody opens the one that is on the disk.

use super::world::{Ill, May, Pinned, What, World, ask, ask_within};
use super::worlds::SMALL;
use staging_core::{Durability, Limits, PAGE};

const WHOLE: Durability = Durability::FileAndDirectory;

pub(super) const REPLACING: World = World {
    name: "replacing",
    purpose: "two of one target and one of another in the same directory, given up at any step",
    limits: Limits {
        descriptors: 8,
        ..SMALL
    },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Replace(1, 2 * PAGE, WHOLE)),
        ask_within(0, What::Replace(1, PAGE, WHOLE), 10),
        ask(0, What::Replace(3, 0, WHOLE)),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Replace],
    may: &[May::Cancel, May::ShutDown],
    changes: &[],
    reaches: &[
        "create",
        "fill",
        "sync of a file to be published",
        "publish",
        "sync of a directory",
        "discard",
        "replaced",
        "failed os",
        "failed cancelled",
        "failed deadline",
        "unknown done",
        "closed given back",
        "closed out of time",
    ],
    pinned: Pinned {
        states: 1975117,
        transitions: 37697818,
    },
};

pub(super) const LESS_DURABLE: World = World {
    name: "less durable",
    purpose: "files that are replaced by less than a sync of file and directory, in two directories, one at a time",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Replace(1, PAGE, Durability::None)),
        ask(0, What::Replace(1, PAGE, Durability::File)),
        ask(0, What::Replace(2, 0, WHOLE)),
        ask(0, What::Replace(3, 0, WHOLE)),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Replace, Ill::Unsure],
    may: &[May::Cancel, May::Force, May::Lose],
    changes: &[],
    reaches: &["replaced", "failed abandoned", "failed driver lost"],
    pinned: Pinned {
        states: 123221,
        transitions: 2142973,
    },
};

pub(super) const REPLACING_LATE: World = World {
    name: "replacing late",
    purpose: "steps that are taken back before they are handed out, and syncs that change their leader",
    limits: Limits {
        descriptors: 8,
        ..SMALL
    },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Replace(1, PAGE, WHOLE)),
        ask(0, What::Replace(3, 0, WHOLE)),
    ],
    pending: 2,
    flights: 1,
    ills: &[],
    may: &[May::Cancel, May::Dawdle],
    changes: &[],
    reaches: &["replaced", "failed cancelled", "discard"],
    pinned: Pinned {
        states: 27407,
        transitions: 353868,
    },
};

pub(super) const REPLACING_TOGETHER: World = World {
    name: "replacing together",
    purpose: "files that are synced together: who comes too late, who leaves before, who is lost with the others",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Replace(4, PAGE, Durability::File)),
        ask(0, What::Replace(5, PAGE, Durability::File)),
        ask(0, What::Replace(5, 0, Durability::File)),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Replace],
    may: &[May::Cancel, May::Dawdle],
    changes: &[],
    reaches: &["replaced", "failed os", "failed cancelled", "discard"],
    pinned: Pinned {
        states: 2393774,
        transitions: 30433955,
    },
};
