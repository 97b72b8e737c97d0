//! The rows: which ways stand beside each other, on which files, and what is claimed.

mod appends;
mod cancel;
mod decisions;
mod hand_over;
mod reads;
mod ready;
mod replacing;
mod slices;
mod ticker;
mod writes;

use crate::row::Row;
use std::io;
use std::path::{Path, PathBuf};

/// A row that can be measured.
pub(crate) struct Entry {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    /// Makes the files, and everything that must be there before the clock starts.
    pub(crate) make: fn(&Scene) -> io::Result<Row>,
}

/// All there are, in order.
pub(crate) fn all() -> [Entry; 18] {
    let entry = |id, about, make| Entry { id, about, make };
    [
        entry("G-1", "small files made ready, warm", ready::g1),
        entry("G-2", "small files made ready, cold", ready::g2),
        entry("G-3", "large files made ready, warm", ready::g3),
        entry("G-4", "large files made ready, cold", ready::g4),
        entry("G-5", "middle-sized files made ready, warm", ready::g5),
        entry("G-6", "random reads of a ready file", reads::g6),
        entry(
            "G-7",
            "random touches of a ready file, without a copy",
            slices::g7,
        ),
        entry(
            "G-8",
            "an executor's ticker while a large cold file is read",
            ticker::g8,
        ),
        entry(
            "G-9",
            "decisions of the core, with many files beside few",
            decisions::g9,
        ),
        entry("G-10", "a lone awaited read of a cached file", reads::g10),
        entry("G-11", "a staging that is given up", cancel::g11),
        entry("W-1", "small writes in order", writes::w1),
        entry("W-2", "small writes in no order", writes::w2),
        entry("W-3", "durable replaces at once", replacing::w3),
        entry("W-4", "durable replaces one after the other", replacing::w4),
        entry("W-5", "durable records, many at once", appends::w5),
        entry("W-6", "the write queue alone", decisions::w6),
        entry("W-7", "work handed to a worker and awaited", hand_over::w7),
    ]
}

/// Where files may be made, and how large.
pub(crate) struct Scene {
    folder: PathBuf,
    quick: bool,
}

impl Scene {
    pub(crate) fn new(folder: &Path, quick: bool) -> Scene {
        Scene {
            folder: folder.to_owned(),
            quick,
        }
    }

    fn pick<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}
