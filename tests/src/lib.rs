//! What holds the promises: worlds for the core, every state of small ones, a model beside the drivers,
//! histories on a simulated disk, the conformance suite for any driver, losses of power on real file
//! systems, what the fuzzer does, and an allocator that counts.
//!
//! The tests themselves stand in `tests/`: `core_*` for the machine, `conformance_*` for each
//! driver, `rig_*` for real file systems and system calls, `tidy` for the house. `scripts/` are transcripts of the machine, one for each promise.

pub mod conformance;
pub mod core;
pub mod counting;
pub mod explore;
pub mod folder;
pub mod fuzzed;
pub mod logs;
pub mod model;
pub mod rig;
pub mod simulation;

/// The programs in the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The program in the page on proving one's own driver compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../PROVING.md")]
struct Proving;
