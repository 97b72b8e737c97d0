//! What may go wrong between a few threads, one function each: loom plays it under every
//! interleaving (`tests/loom`), shuttle under many at random (`tests/shuttle`).
//!
//! System calls are answered by hand, or are real ones on a file that nobody else touches; either
//! way they are one step. What none of this shows: anything about the system calls, about time (no
//! deadline passes), or about more threads than a scenario names.
//!
//! Each has a fault under `tests/planted` that it must find.

mod batches;
mod bed;
mod cancelling;
mod crew;
mod ending;
mod filling;
mod reading;
mod unstaging;
pub(crate) mod world;
mod writing;

pub(crate) use bed::{Bed, until, wait, wait_closed};

use std::sync::Arc;

/// How much of a scenario loom explores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Every interleaving there is.
    All,
    /// Those with a few preemptions at the most.
    Bounded,
}

/// One run of a few threads, and its name.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    #[cfg_attr(
        staging_shuttle,
        expect(dead_code, reason = "shuttle samples all alike")
    )]
    pub(crate) reach: Reach,
    pub(crate) run: Arc<dyn Fn() + Send + Sync>,
}

impl Scenario {
    fn new<F: Fn() + Send + Sync + 'static>(reach: Reach, run: F) -> Scenario {
        let path = std::any::type_name::<F>();
        Scenario {
            name: path.rsplit("::").next().unwrap_or(path),
            reach,
            run: Arc::new(run),
        }
    }
}

/// Every scenario of every room.
pub(crate) fn all() -> Vec<Scenario> {
    [
        reading::room(),
        unstaging::room(),
        cancelling::room(),
        writing::room(),
        filling::room(),
        crew::room(),
        batches::room(),
        ending::room(),
    ]
    .concat()
}

/// A scenario that loom explores whole.
pub(crate) fn whole(run: impl Fn() + Send + Sync + 'static) -> Scenario {
    Scenario::new(Reach::All, run)
}

/// A scenario that loom explores up to a number of preemptions.
pub(crate) fn bounded(run: impl Fn() + Send + Sync + 'static) -> Scenario {
    Scenario::new(Reach::Bounded, run)
}
