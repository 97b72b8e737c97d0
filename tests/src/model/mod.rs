//! A directory of files as plain byte vectors, and random histories of a driver held against it.
//!
//! The model is written from SEMANTICS.md, not from the code. It knows no staging, no descriptors
//! and no workers: an accepted operation happens at its place in the order of acceptance, all at
//! once (R1), and every read sees what came before it (R6), whichever handle it goes by (G9), and
//! wherever its bytes are. Where an operation was given up in flight, a byte may be what it was or
//! what it was to be ([`Content`]).
//!
//! A history is drawn from a seed, played on a directory of its own ([`play`]), and where the two part
//! it is made smaller until nothing more can be left out ([`run_seed`]).

pub mod broken;
mod burst;
mod content;
mod deeds;
mod directory;
mod opens;
mod play;
mod shrink;
mod step;
mod threads;
mod transcript;

pub use content::{Change, Content, Forbidden, Happened};
pub use play::{Tally, play, record};
pub use shrink::{Failed, compare_seed, run_seed};
pub use step::{Kind, Step};
pub use threads::play_threads;
