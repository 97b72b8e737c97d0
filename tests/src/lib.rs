//! Tests.
pub mod core;
pub mod counting;

pub mod conformance;
