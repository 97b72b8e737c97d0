//! What every driver is made of.
pub mod contents;
pub mod sync;
