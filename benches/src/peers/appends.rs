//! Records appended durably by hand.

use crate::row::{Aspect, Run, Sample};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What each record has.
pub(crate) const RECORD: [u8; 128] = [b'r'; 128];

/// So many records, to a log at a path.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) path: PathBuf,
    pub(crate) count: usize,
}

impl Records {
    pub(crate) fn new(folder: &Path, count: usize) -> Records {
        let path = folder.join("log");
        Records { path, count }
    }

    /// There is no log.
    pub(crate) fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Times one round, for one record.
    pub(crate) fn timed(&self, all: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
        let began = Instant::now();
        all()?;
        let took = began.elapsed().as_nanos() as f64;
        Ok(vec![(Aspect::Work, took / self.count as f64)])
    }
}

/// `write` of so many records, then `fdatasync`, again and again.
pub(crate) fn in_groups(records: &Records, group: usize) -> io::Result<Run> {
    let records = records.clone();
    Ok(Box::new(move || {
        let mut file = File::create(&records.path)?;
        records.timed(|| {
            let bytes = RECORD.repeat(group);
            for _ in 0..records.count / group {
                file.write_all(&bytes)?;
                file.sync_data()?;
            }
            Ok(())
        })
    }))
}
