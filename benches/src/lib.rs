//! Ours, every peer and every physical limit side by side, in one interleaved run.
//!
//! ```text
//!   options ─► rows ─── each row: ways to do the same work, and the claims about them
//!                │           ways are made of  ours ─ peers ─ limits, on files, warm or cold
//!                ▼
//!              rounds ─ every way once a round, in an order that turns
//!                ▼
//!              figures ─ medians, spread, ratios; does a claim hold?
//!                ▼
//!              table, report (JSON), picture (SVG)
//! ```
//!
//! A row is one of the rows of the project's performance targets, G-1 to G-10. A claim is a ratio
//! between figures of the same run, never an absolute time, but for what one decision of the core
//! may cost. Nothing is asserted: a claim that does not hold is shown like one that does.
//!
//! # What is fair
//!
//! - What was read is kept until the clock stops, by everybody; giving it back is a figure of its
//!   own.
//! - Before each way the allocator returns its free memory to the kernel, so that whoever allocates
//!   meets fresh pages. Where a way owns memory that was touched before, its name or a note says so.
//! - Files are made outside the clock, and so are runtimes and rings. Threads that a way starts for
//!   the work count, ours and everybody's.
//! - Cold means: written back, dropped from the page cache, and seen to be gone by `mincore`.
//! - What was made ready is counted in bytes; a way that left something out is not measured.
//!
//! A peer that cannot run here is skipped, and the reason stands in the table and in the JSON. The
//! limits and half of the peers are Linux's own; elsewhere nothing is measured.

#![cfg(target_os = "linux")]

mod options;

mod figures;
mod rounds;
mod row;

mod cold;
mod files;
mod kept;
mod machine;
mod threads;

mod limits;
mod ours;
mod peers;
mod rows;

mod picture;
mod report;
mod table;

mod run;

pub use run::main;
