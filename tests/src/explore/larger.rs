//! The worlds of long runs, too large for each change.

use super::corners::CROWDED;
use super::world::{May, Pinned, World};
use super::worlds::{ALL_FILES, DEADLINES, STAGING, WRITES};
use staging_core::Limits;

/// For long runs: one more operation at a time in those that are largest.
pub static LARGER: [World; 5] = [
    World {
        name: "crowded and lent",
        may: &[May::Cancel, May::Keep],
        pinned: Pinned::NOT,
        ..CROWDED
    },
    World {
        name: "three writes",
        pending: 3,
        pinned: Pinned::NOT,
        ..WRITES
    },
    World {
        name: "three for staging",
        pending: 3,
        pinned: Pinned::NOT,
        ..STAGING
    },
    World {
        name: "three over all files",
        limits: Limits {
            operations: 3,
            ..ALL_FILES.limits
        },
        pending: 4,
        pinned: Pinned::NOT,
        ..ALL_FILES
    },
    World {
        name: "four deadlines",
        pending: 3,
        pinned: Pinned::NOT,
        ..DEADLINES
    },
];
