//! Staged files, blocking.
