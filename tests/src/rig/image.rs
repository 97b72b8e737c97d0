//! Images of a disk: what it was in the beginning, and after some of what it was told.

use super::cut::Kept;
use super::kind::Kind;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What is read at once.
const STEP: usize = 64 << 10;

/// The beginning: what is not zero of an empty file system.
#[derive(Debug)]
pub struct Beginning {
    len: u64,
    parts: Vec<(u64, Vec<u8>)>,
}

impl Beginning {
    /// Of a new file system, made in this file, which may be written to afterwards.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(kind: Kind, image: &Path) -> Result<Beginning, String> {
        kind.make(image)?;
        Beginning::read(image).map_err(|error| format!("{}: {error}", image.display()))
    }

    fn read(image: &Path) -> io::Result<Beginning> {
        let file = File::open(image)?;
        let len = file.metadata()?.len();
        let mut parts = Vec::new();
        let mut offset = 0;
        while offset < len {
            let mut part = vec![0; STEP];
            let read = file.read_at(&mut part, offset)?;
            part.truncate(read.max(1));
            let next = offset + part.len() as u64;
            if part.iter().any(|byte| *byte != 0) {
                parts.push((offset, part));
            }
            offset = next;
        }
        Ok(Beginning { len, parts })
    }

    /// Writes a new image: the beginning and what was kept of what came after.
    ///
    /// # Errors
    /// What the system said.
    pub fn with(&self, kept: &[Kept<'_>], image: &Path) -> io::Result<()> {
        let file = File::create(image)?;
        file.set_len(self.len)?;
        for (offset, part) in &self.parts {
            file.write_all_at(part, *offset)?;
        }
        for Kept { offset, bytes } in kept {
            file.write_all_at(bytes, *offset)?;
        }
        Ok(())
    }
}
