//! What is left beside a file: of temporary files, nothing.

use std::fs;
use std::io;
use std::path::Path;

/// What a directory holds, by name.
///
/// # Errors
/// What the system said.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
