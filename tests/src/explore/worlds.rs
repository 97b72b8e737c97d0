//! The worlds that are explored for each change.

use super::world::{
    Ask, Change, Ill, May, Pinned, What, World, ask, ask_within, open, open_to_write, patient, plan,
};
use staging_core::{Limits, Mode, PAGE};

/// Room for a few operations and nothing lingering; chunks of a page.
const SMALL: Limits = Limits {
    operations: 4,
    operations_per_file: 4,
    bytes: u64::MAX,
    bytes_per_file: u64::MAX,
    handles: 3,
    descriptors: 2,
    budget: u64::MAX,
    linger: 0,
    fetch: PAGE,
    chunk: PAGE,
    restarts: 1,
};

/// For each change.
pub static WORLDS: [World; 13] = [
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
        transitions: 19857760,
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
        transitions: 13401493,
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
        transitions: 1331092,
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
        transitions: 13780801,
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
        transitions: 27520871,
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
        states: 57522,
        transitions: 797042,
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
        states: 522847,
        transitions: 7850744,
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
        states: 1434455,
        transitions: 23613297,
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
        states: 13858,
        transitions: 224569,
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
        states: 39283,
        transitions: 493194,
    },
};

const EDGES: World = World {
    name: "edges",
    purpose: "nothing to stage, to read or to write, and what nobody can or may ask for",
    limits: SMALL,
    files: &[0],
    seats: &[0, 0],
    asks: &[
        ask(0, open(Mode::Auto)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Read(0, 0)),
        ask(0, What::Read(u64::MAX, 2)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Stage(plan(Mode::None))),
        ask(0, What::Stage(plan(Mode::Load))),
        ask(1, What::Write(0, 0)),
        ask(1, What::Write(i64::MAX as u64, 2)),
        ask(1, What::Append(0)),
        ask(1, What::Append(u64::MAX)),
        ask(1, What::SetLength(0)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 2,
    ills: &[Ill::Open],
    may: &[May::Cancel],
    changes: &[],
    reaches: &[
        "opened staged empty",
        "read",
        "written",
        "refused read only",
        "refused bad range",
    ],
    pinned: Pinned {
        states: 6249,
        transitions: 87696,
    },
};

const NARROW: World = World {
    name: "narrow",
    purpose: "room for one handle, and for the bytes of one write to a file",
    limits: Limits {
        handles: 1,
        bytes_per_file: PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open_to_write(Mode::Load)),
        ask(1, open(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Append(PAGE)),
        ask(0, What::Read(0, PAGE)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Open, Ill::Write],
    may: &[May::Cancel, May::Drop],
    changes: &[],
    reaches: &[
        "full of handles",
        "room for handles",
        "full of bytes of a file",
        "room for bytes of a file",
    ],
    pinned: Pinned {
        states: 4287,
        transitions: 59354,
    },
};

pub(super) const CROWDED: World = World {
    name: "crowded",
    purpose: "files linger in too little room, and what waits to be mapped is opened for writing",
    limits: Limits {
        budget: 3 * PAGE,
        linger: PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, 2 * PAGE],
    seats: &[0, 1, 1],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(
            1,
            What::Open(staging_core::Access::Read, patient(Mode::Map)),
        ),
        ask(2, open_to_write(Mode::None)),
        ask(2, What::Stage(patient(Mode::Load))),
        ask(0, What::Close),
        ask(1, What::Close),
        ask(2, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Load],
    may: &[May::Cancel],
    changes: &[],
    reaches: &["opened staged mapped", "release", "open to write"],
    pinned: Pinned {
        states: 1463584,
        transitions: 20745725,
    },
};
