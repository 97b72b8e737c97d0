//! The one thing that can go wrong with contents that are staged.

use std::{error::Error, fmt, io};

/// A mapped file was cut by another process, and bytes that were staged are gone (G6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "another process truncated the file while it was mapped; \
             unstage it and stage or read it again to see what it holds now",
        )
    }
}

impl Error for Truncated {}

impl From<Truncated> for io::Error {
    fn from(truncated: Truncated) -> Self {
        Self::new(io::ErrorKind::UnexpectedEof, truncated)
    }
}
