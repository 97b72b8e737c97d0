//! The machine explored: every interleaving of a small world, to the end.
//!
//! A [`World`] is a machine with a few limits, a disk of a page or two, some seats from which callers
//! may ask a few things, and the ways in which the world may say no. From its first state every
//! choice that anybody has is tried, and from every state that this leads to, until there is no new
//! one: callers ask, cancel and let go, actions end well or badly or never, time passes, shutdowns
//! begin, drivers are lost. It is the machine itself that is explored, not a model of it.
//!
//! Two states are one if the machines are equal and everything around them is: ids count by their
//! rank, times by their distance, so ids are used again and again and the number of states stays
//! finite although the run has no end.
//!
//! - `world` what there is and what may happen; `worlds`, `corners`, `seldom`, `replacing` and `locking` those
//!   that are explored, `larger` those of long runs.
//! - `around` what surrounds a machine in one state; `step` the choices, and what each does.
//! - `driver` carries actions out on a disk of versions; `order` is the reference model: what each
//!   read must see, how long each file is, what each barrier covers.
//! - `rules` the invariants by name; `invariants` those that are looked at in every state.
//! - `fixtures` worlds gone wrong by hand, one for each rule, which it must reject.
//! - `search` goes through the states, breadth first, so that what is found is found by the shortest
//!   way; `transcript` writes that way down as a script that anybody can replay.

mod around;
mod changing;
mod classes;
mod corners;
mod driver;
mod fixtures;
mod hearing;
mod identity;
mod invariants;
mod issue;
mod larger;
mod lies;
mod limits;
mod liveness;
mod locking;
mod order;
mod pacing;
mod reached;
mod replacing;
mod rules;
mod search;
mod seldom;
mod step;
mod transcript;
mod world;
mod worlds;

pub use fixtures::{not_rejected, without_fixture};
pub use larger::LARGER;
pub use rules::Rule;
pub use search::{Explored, explore};
pub use world::World;
pub use worlds::WORLDS;
