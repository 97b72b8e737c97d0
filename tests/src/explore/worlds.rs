//! The worlds that are explored for each change.

use super::changing::{KEPT, KEPT_OF_ALL, LIMITED, LOWERED};
use super::classes::{BY_ARRIVAL, CLASSED_WRITES, RUNS};
use super::corners::{CROWDED, EDGES, LINGERING, NARROW, WAITING};
use super::locking::{CONTENDED, LOCKING, LOCKING_LATE, SHARING};
use super::pacing::{PACED, PACED_LEAVING};
use super::replacing::{LESS_DURABLE, REPLACING, REPLACING_LATE, REPLACING_TOGETHER};
use super::seldom::{BROKEN, FULL, LAST, LEISURE, MENDED, OLD_SIGHT, SCANT, TWICE, VAST};
use super::world::{
    Ask, Change, Ill, May, Pinned, What, World, ask, ask_within, open, open_to_write, patient, plan,
};
use staging_core::{Limits, Mode, PAGE, Turns, Weights};

/// Room for a few operations and nothing lingering; chunks of a page.
pub(super) const SMALL: Limits = Limits {
    operations: 4,
    operations_per_file: 4,
    bytes: u64::MAX,
    bytes_per_file: u64::MAX,
    handles: 3,
    locks: 1,
    descriptors: 2,
    budget: u64::MAX,
    linger: 0,
    fetch: PAGE,
    chunk: PAGE,
    restarts: 1,
    merge: 1,
    merge_bytes: u64::MAX,
    turns: CLASSES,
};

/// Who has waited longest goes next after one other.
pub(super) const CLASSES: Turns = Turns::ByClass {
    weights: Weights {
        urgent: 2,
        high: 1,
        normal: 1,
        low: 1,
    },
    patience: 1,
};

/// For each change.
pub static WORLDS: [World; 41] = [
    STAGING,
    BUDGET,
    DESCRIPTORS,
    READS,
    WRITES,
    BARRIERS,
    ALL_FILES,
    DEADLINES,
    SHUTDOWN,
    DAWDLING,
    EDGES,
    NARROW,
    CROWDED,
    LINGERING,
    WAITING,
    SCANT,
    VAST,
    LEISURE,
    MENDED,
    FULL,
    BROKEN,
    TWICE,
    OLD_SIGHT,
    LAST,
    REPLACING,
    LESS_DURABLE,
    REPLACING_LATE,
    REPLACING_TOGETHER,
    CLASSED_WRITES,
    BY_ARRIVAL,
    RUNS,
    LOCKING,
    SHARING,
    CONTENDED,
    LOCKING_LATE,
    PACED,
    PACED_LEAVING,
    KEPT,
    KEPT_OF_ALL,
    LIMITED,
    LOWERED,
];

pub(super) const STAGING: World = World {
    name: "staging",
    purpose: "two handles share a file of two pages, however it is staged, and others change it",
    limits: SMALL,
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open(Mode::Auto)),
        ask(1, open(Mode::Load)),
        ask(0, What::Unstage),
        ask(1, What::Stage(plan(Mode::MapShared))),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Open, Ill::NoMapping, Ill::Load, Ill::Truncated],
    may: &[May::Cancel],
    changes: &[
        Change {
            file: 0,
            len: PAGE,
            version: 2,
        },
        Change {
            file: 0,
            len: 2 * PAGE,
            version: 1,
        },
    ],
    reaches: &[
        "opened staged mapped",
        "opened staged loaded",
        "staged",
        "unstaged",
        "failed os",
    ],
    pinned: Pinned {
        states: 1119002,
        transitions: 24801162,
    },
};

const BUDGET: World = World {
    name: "budget",
    purpose: "two files want the room of one: who is refused, who waits, who is evicted, what is lent",
    limits: Limits {
        budget: 2 * PAGE,
        linger: 2 * PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, 2 * PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::Auto)),
        ask(0, open(Mode::Load)),
        ask(
            1,
            What::Open(staging_core::Access::Read, patient(Mode::Load)),
        ),
        ask(0, What::Stage(patient(Mode::Load))),
        ask(0, What::Read(0, PAGE)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Load, Ill::Release],
    may: &[May::Cancel, May::Keep],
    changes: &[],
    reaches: &["opened over budget", "failed over budget", "release"],
    pinned: Pinned {
        states: 909483,
        transitions: 17219074,
    },
};

const DESCRIPTORS: World = World {
    name: "descriptors",
    purpose: "two files share one descriptor: who has it, who waits, who gives it up",
    limits: Limits {
        descriptors: 1,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::None)),
        ask(1, open(Mode::None)),
        ask(0, What::Read(0, PAGE)),
        ask(1, What::Read(0, PAGE)),
        ask(1, What::Stage(plan(Mode::Load))),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Open, Ill::Close, Ill::Elsewhere, Ill::Read],
    may: &[May::Cancel, May::Drop],
    changes: &[],
    reaches: &["failed replaced", "read", "close"],
    pinned: Pinned {
        states: 74980,
        transitions: 1706684,
    },
};

const READS: World = World {
    name: "reads",
    purpose: "reads against staging, unstaging, cancels and drops",
    limits: SMALL,
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open(Mode::None)),
        ask(1, open(Mode::Auto)),
        ask(0, What::Read(0, PAGE)),
        ask(1, What::Read(PAGE, PAGE)),
        ask(0, What::Stage(plan(Mode::Load))),
        ask(1, What::Unstage),
    ],
    pending: 3,
    flights: 3,
    ills: &[Ill::Read, Ill::Load, Ill::Look],
    may: &[May::Cancel, May::Drop],
    changes: &[],
    reaches: &["read", "from contents", "unstaged", "progress"],
    pinned: Pinned {
        states: 729645,
        transitions: 17356700,
    },
};

pub(super) const WRITES: World = World {
    name: "writes",
    purpose: "writes that meet, reads between them, appends and cuts, and contents in their way",
    limits: Limits {
        bytes: 2 * PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, open_to_write(Mode::Load)),
        ask(0, What::Write(0, 2 * PAGE)),
        ask(0, What::Append(PAGE)),
        ask(0, What::SetLength(PAGE)),
        ask(0, What::Read(0, 2 * PAGE)),
        ask(0, What::Stage(plan(Mode::Load))),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Write, Ill::CutShort, Ill::SetLength],
    may: &[May::Cancel, May::Drop],
    changes: &[],
    reaches: &[
        "written",
        "length set",
        "full of bytes",
        "room for bytes",
        "withdrawn",
        "bytes done",
    ],
    pinned: Pinned {
        states: 1715491,
        transitions: 35645194,
    },
};

const BARRIERS: World = World {
    name: "barriers",
    purpose: "flushes and syncs of one file by two handles, and syncs that fail",
    limits: Limits {
        operations_per_file: 2,
        ..SMALL
    },
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(1, What::Write(PAGE, PAGE)),
        ask(0, What::Sync),
        ask(1, What::Sync),
        ask(0, What::Flush),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Sync],
    may: &[May::Cancel],
    changes: &[],
    reaches: &[
        "full on a file",
        "room on a file",
        "flushed",
        "synced",
        "failed sync failed",
        "refused sync failed",
    ],
    pinned: Pinned {
        states: 70249,
        transitions: 1345940,
    },
};

pub(super) const ALL_FILES: World = World {
    name: "all files",
    purpose: "barriers over two files, while each is written and synced",
    limits: Limits {
        operations: 2,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(1, What::Write(0, PAGE)),
        ask(0, What::Sync),
        ask(0, What::SyncAll),
        ask(0, What::FlushAll),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Sync, Ill::Write],
    may: &[May::Cancel],
    changes: &[],
    reaches: &[
        "flushed",
        "synced",
        "sync failed",
        "full of operations",
        "room for operations",
    ],
    pinned: Pinned {
        states: 548973,
        transitions: 10754085,
    },
};

pub(super) const DEADLINES: World = World {
    name: "deadlines",
    purpose: "every kind of operation with a deadline that passes while it waits or flies",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0, 0],
    asks: &[
        Ask {
            seat: 0,
            what: open_to_write(Mode::None),
            within: 10,
        },
        ask_within(1, open(Mode::Load), 15),
        ask_within(0, What::Write(0, PAGE), 10),
        ask_within(0, What::Sync, 15),
        ask_within(1, What::Read(0, PAGE), 10),
        ask(1, What::Unstage),
        ask(0, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[],
    may: &[May::Drop],
    changes: &[],
    reaches: &["failed deadline", "unknown done"],
    pinned: Pinned {
        states: 2141444,
        transitions: 45747230,
    },
};

const SHUTDOWN: World = World {
    name: "shutdown",
    purpose: "a shutdown asked, forced, or a driver lost, in the middle of anything",
    limits: SMALL,
    files: &[2 * PAGE],
    seats: &[0, 0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(1, open(Mode::Load)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Sync),
        ask(1, What::Read(0, PAGE)),
        ask(0, What::Close),
    ],
    pending: 3,
    flights: 3,
    ills: &[Ill::Unfetched],
    may: &[May::ShutDown, May::Force, May::Lose],
    changes: &[],
    reaches: &[
        "draining asked",
        "closing drained",
        "closing out of time",
        "closing forced",
        "closed given back",
        "closed out of time",
        "closed driver lost",
        "abandoned",
    ],
    pinned: Pinned {
        states: 15561,
        transitions: 322518,
    },
};

const DAWDLING: World = World {
    name: "dawdling",
    purpose: "nobody polls in time: what is to be told and done is left lying in every order",
    limits: SMALL,
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, open_to_write(Mode::Load)),
        ask(0, What::Read(0, PAGE)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Unstage),
        ask(0, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[Ill::Load],
    may: &[May::Dawdle, May::Cancel],
    changes: &[],
    reaches: &["from contents", "written"],
    pinned: Pinned {
        states: 40763,
        transitions: 703356,
    },
};
