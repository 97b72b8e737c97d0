//! Whole files mapped by memmap2, every page there before it counts.

#![expect(unsafe_code, reason = "memmap2 has no safe way to map a file")]

use crate::files::Corpus;
use crate::kept::kept;
use crate::row::Run;
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::path::Path;

/// Mapped and populated, one after the other.
pub(crate) fn populated(files: &Corpus) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let map_all = || files.paths.iter().map(|path| populate(path)).collect();
        kept::<Vec<Mmap>>(files.bytes(), map_all, drop)
    }))
}

/// One file, with all its pages.
pub(crate) fn populate(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the files live in a folder of this benchmark's own, and nobody changes them.
    unsafe { MmapOptions::new().populate().map(&file) }
}

/// One file, without any page.
pub(crate) fn bare(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: as in `populate`.
    unsafe { Mmap::map(&file) }
}
