//! Tests.
pub mod core;

pub mod conformance;
