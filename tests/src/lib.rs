//! What holds the promises: worlds for the core, the conformance suite for any driver, an
//! allocator that counts, what the fuzzer does, and the limits that benchmarks are measured by.
//!
//! The tests themselves stand in `tests/`: `core_*` for the machine, `conformance_*` for each
//! driver, `tidy` for the house. `scripts/` are transcripts of the machine, one for each promise.

pub mod conformance;
pub mod core;
pub mod counting;
pub mod explore;
pub mod fuzzed;
pub mod limit;
pub mod model;

/// The programs in the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The program in the page on proving one's own driver compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../PROVING.md")]
struct Proving;
