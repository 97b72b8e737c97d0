//! Staged contents.
