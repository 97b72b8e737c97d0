//! The worlds of long runs, too large for each change.

use super::world::{May, Pinned, World};
use super::worlds::{ALL_FILES, CROWDED, DEADLINES, STAGING, WRITES};
use staging_core::Limits;

/// For long runs: one more operation at a time in those that are largest.
pub static LARGER: [World; 5] = [
    World {
        name: "crowded and lent",
        may: &[May::Cancel, May::Keep],
        pinned: Pinned {
            states: 9574695,
            transitions: 138103196,
        },
        ..CROWDED
    },
    World {
        name: "three writes",
        pending: 3,
        pinned: Pinned {
            states: 0,
            transitions: 0,
        },
        ..WRITES
    },
    World {
        name: "three for staging",
        pending: 3,
        pinned: Pinned {
            states: 0,
            transitions: 0,
        },
        ..STAGING
    },
    World {
        name: "three over all files",
        limits: Limits {
            operations: 3,
            ..ALL_FILES.limits
        },
        pending: 4,
        pinned: Pinned {
            states: 0,
            transitions: 0,
        },
        ..ALL_FILES
    },
    World {
        name: "four deadlines",
        pending: 3,
        pinned: Pinned {
            states: 0,
            transitions: 0,
        },
        ..DEADLINES
    },
];
