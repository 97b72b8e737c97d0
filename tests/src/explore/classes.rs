//! Worlds where writes wait to be handed out: by class, and as runs.

use super::world::{Ask, Ill, May, Pinned, What, World, ask, open_to_write};
use super::worlds::{CLASSES, SMALL};
use staging_core::{Class, Limits, Mode, PAGE, Turns};

const CLASSED: &[Ask] = &[
    ask(0, open_to_write(Mode::None)),
    ask(0, What::WriteAs(Class::Low, 0, PAGE)),
    ask(0, What::Write(0, 2 * PAGE)),
    ask(0, What::WriteAs(Class::Urgent, PAGE, PAGE)),
    ask(0, What::AppendAs(Class::Low, PAGE)),
];

pub(super) const CLASSED_WRITES: World = World {
    name: "classes",
    purpose: "writes of three classes, apart and not, while nobody polls",
    limits: SMALL,
    files: &[2 * PAGE],
    seats: &[0],
    asks: CLASSED,
    pending: 3,
    flights: 2,
    ills: &[],
    may: &[May::Dawdle],
    changes: &[],
    reaches: &["written"],
    pinned: Pinned {
        states: 8661,
        transitions: 108770,
    },
};

pub(super) const BY_ARRIVAL: World = World {
    name: "by arrival",
    purpose: "the same, strictly in order",
    limits: Limits {
        turns: Turns::ByArrival,
        ..SMALL
    },
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(0, What::WriteAs(Class::Low, 0, PAGE)),
        ask(0, What::WriteAs(Class::Urgent, PAGE, PAGE)),
        ask(0, What::Flush),
    ],
    may: &[May::Cancel, May::Dawdle],
    reaches: &["written", "flushed", "failed cancelled"],
    pinned: Pinned {
        states: 13818,
        transitions: 205342,
    },
    ..CLASSED_WRITES
};

pub(super) const RUNS: World = World {
    name: "runs",
    purpose: "writes that follow each other go together, cut short, given up, and never across a barrier",
    limits: Limits {
        merge: 2,
        turns: CLASSES,
        ..SMALL
    },
    files: &[2 * PAGE],
    seats: &[0],
    asks: &[
        ask(0, open_to_write(Mode::None)),
        ask(0, What::Write(0, PAGE)),
        ask(0, What::Write(PAGE, PAGE)),
        ask(0, What::Append(PAGE)),
        ask(0, What::Flush),
    ],
    pending: 3,
    flights: 1,
    ills: &[Ill::Write, Ill::CutShort],
    may: &[May::Cancel, May::Dawdle],
    changes: &[],
    reaches: &["written", "flushed", "failed os", "unknown done"],
    pinned: Pinned {
        states: 868119,
        transitions: 12712862,
    },
};
