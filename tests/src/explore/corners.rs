//! Worlds of what seldom happens: nothing to do, no room, and files that stay behind.

use super::world::{
    Change, Ill, May, PAST, Pinned, What, World, ask, ask_within, open, open_to_write, patient,
    plan,
};
use super::worlds::SMALL;
use staging_core::{Limits, Mode, PAGE};

pub(super) const EDGES: World = World {
    name: "edges",
    purpose: "nothing to stage, to read or to write, and what nobody can or may ask for",
    limits: SMALL,
    files: &[0],
    seats: &[0, 0],
    asks: &[
        ask(0, open(Mode::Auto)),
        ask(1, open_to_write(Mode::None)),
        ask(0, What::Read(0, 0)),
        ask_within(0, What::Unstage, PAST),
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
        states: 11248,
        transitions: 207587,
    },
};

pub(super) const NARROW: World = World {
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
        transitions: 77971,
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
        transitions: 26765187,
    },
};

pub(super) const LINGERING: World = World {
    name: "lingering",
    purpose: "room for one file to linger, and for two files: which goes, and what is opened again",
    limits: Limits {
        handles: 2,
        linger: PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::Auto)),
        ask(1, open(Mode::Load)),
        ask(0, What::Read(0, PAGE)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 2,
    flights: 3,
    ills: &[Ill::Open, Ill::Load],
    may: &[May::Cancel, May::ShutDown],
    changes: &[
        Change {
            file: 0,
            len: PAGE,
            version: 2,
        },
        Change {
            file: 0,
            len: PAGE,
            version: 1,
        },
    ],
    reaches: &["opened staged loaded", "release", "closed given back"],
    pinned: Pinned {
        states: 267212,
        transitions: 5448980,
    },
};

pub(super) const WAITING: World = World {
    name: "waiting",
    purpose: "who waits for room and who does not want the same file, while another has the room",
    limits: Limits {
        budget: 2 * PAGE,
        fetch: 0,
        ..SMALL
    },
    files: &[PAGE, 2 * PAGE],
    seats: &[0, 1],
    asks: &[
        ask(0, open(Mode::Load)),
        ask(1, open(Mode::None)),
        ask(1, What::Stage(patient(Mode::Load))),
        ask(1, What::Stage(plan(Mode::Load))),
        ask(1, What::Stage(plan(Mode::Auto))),
        ask(1, What::Read(0, PAGE)),
        ask(0, What::Close),
        ask(1, What::Close),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Load],
    may: &[May::Cancel, May::Keep],
    changes: &[],
    reaches: &["staged", "staged not", "failed over budget", "read"],
    pinned: Pinned {
        states: 609115,
        transitions: 10782086,
    },
};
