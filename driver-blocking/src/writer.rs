//! Writing a file from front to back, as std's traits have it.

use crate::file::File;
use driver_kit::Deadline;
use std::io::{self, Seek, SeekFrom, Write};

/// Where the next write goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    At(u64),
    End,
}

/// A position in a file: `Write`, `Seek`. Made by [`File::writer`]. Nothing is buffered: a write
/// that returned is executed.
#[derive(Debug)]
pub struct Writer<'a> {
    file: &'a File,
    place: Place,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(file: &'a File) -> Writer<'a> {
        let place = match file.appends() {
            true => Place::End,
            false => Place::At(0),
        };
        Writer { file, place }
    }

    /// Where the next write begins, in bytes from the beginning.
    pub fn position(&self) -> u64 {
        match self.place {
            Place::At(position) => position,
            Place::End => self.file.len(),
        }
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::At(position) => {
                self.file.write_at(bytes, *position)?;
                *position += bytes.len() as u64;
            }
            Place::End => {
                self.file.append(bytes)?;
            }
        }
        Ok(bytes.len())
    }

    /// What other threads write to the file is waited for, too (R3).
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush(Deadline::Never)
    }
}

impl Seek for Writer<'_> {
    /// A file that was opened for appending is written at its end all the same.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.file.handle().moved(self.position(), by)?,
            SeekFrom::End(by) => self.file.handle().moved(self.file.len(), by)?,
        };
        if let Place::At(position) = &mut self.place {
            *position = target;
        }
        Ok(target)
    }
}
