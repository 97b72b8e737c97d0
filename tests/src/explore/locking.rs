//! Worlds where locks are asked for. Nobody opens the file that is on the disk.

use super::world::{Ill, May, Pinned, What, World, ask, ask_within};
use super::worlds::SMALL;
use staging_core::{Limits, PAGE, Scope, Sharing, Span};

const ONE: Sharing = Sharing::Exclusive;
const MANY: Sharing = Sharing::Shared;
const HEAD: Span = Span { start: 0, end: 10 };
const TAIL: Span = Span { start: 10, end: 20 };

pub(super) const LOCKING: World = World {
    name: "locking",
    purpose: "the whole of a target and parts of it, alone and shared, given up and given back at any step",
    limits: Limits { locks: 4, ..SMALL },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Lock(1, Span::ALL, ONE, Scope::System)),
        ask_within(0, What::Lock(1, HEAD, MANY, Scope::System), 10),
        ask(0, What::TryLock(1, TAIL, ONE, Scope::Network)),
        ask(0, What::Lock(1, TAIL, MANY, Scope::Machine)),
    ],
    pending: 3,
    flights: 3,
    ills: &[Ill::Lock],
    may: &[May::Cancel, May::ShutDown],
    changes: &[],
    reaches: &[
        "try",
        "give back",
        "locked",
        "room for locks",
        "full of locks",
        "failed os",
        "failed cancelled",
        "failed deadline",
        "failed shutting down",
        "closed given back",
        "closed out of time",
    ],
    pinned: Pinned {
        states: 184685,
        transitions: 3971785,
    },
};

pub(super) const SHARING: World = World {
    name: "sharing",
    purpose: "readers and a writer among the callers of one machine, and on two targets, to any end",
    limits: Limits { locks: 4, ..SMALL },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Lock(1, Span::ALL, MANY, Scope::Machine)),
        ask(0, What::Lock(1, Span::ALL, ONE, Scope::Machine)),
        ask(0, What::Lock(1, TAIL, MANY, Scope::System)),
        ask(0, What::Lock(2, TAIL, ONE, Scope::Machine)),
        ask(
            0,
            What::Lock(2, Span { start: 5, end: 5 }, ONE, Scope::Machine),
        ),
    ],
    pending: 3,
    flights: 3,
    ills: &[],
    may: &[May::Cancel, May::Force, May::Lose],
    changes: &[],
    reaches: &[
        "locked",
        "full of locks",
        "refused bad range",
        "failed abandoned",
        "failed driver lost",
    ],
    pinned: Pinned {
        states: 74309,
        transitions: 1475858,
    },
};

/// Longer than the first rest, and than the second.
const PATIENT: u64 = 2_500_000;

pub(super) const CONTENDED: World = World {
    name: "contended",
    purpose: "another process has the lock, again and again, until a deadline, a cancel or a shutdown",
    limits: Limits { locks: 2, ..SMALL },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask_within(0, What::Lock(1, Span::ALL, ONE, Scope::System), PATIENT),
        ask(0, What::TryLock(1, HEAD, MANY, Scope::System)),
        ask(0, What::Lock(1, HEAD, ONE, Scope::System)),
    ],
    pending: 2,
    flights: 2,
    ills: &[Ill::Contended],
    may: &[May::Cancel, May::TakeTime],
    changes: &[],
    reaches: &["locked", "failed deadline", "failed shutting down"],
    pinned: Pinned {
        states: 598,
        transitions: 8433,
    },
};

pub(super) const LOCKING_LATE: World = World {
    name: "locking late",
    purpose: "tries that are taken back before they are handed out, and answers that nobody polls",
    limits: Limits { locks: 2, ..SMALL },
    files: &[PAGE],
    seats: &[0],
    asks: &[
        ask(0, What::Lock(1, Span::ALL, ONE, Scope::System)),
        ask(0, What::Lock(1, Span::ALL, MANY, Scope::System)),
        ask(0, What::Lock(1, TAIL, MANY, Scope::Machine)),
    ],
    pending: 3,
    flights: 2,
    ills: &[Ill::Contended],
    may: &[May::Cancel, May::Dawdle],
    changes: &[],
    reaches: &["locked", "give back", "failed cancelled", "full of locks"],
    pinned: Pinned {
        states: 6177,
        transitions: 85435,
    },
};
