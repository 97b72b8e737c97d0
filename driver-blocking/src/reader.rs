//! Reading a file from front to back, as std's traits have it.

use crate::file::File;
use bytes::{Buf, Bytes};
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// How much is buffered at once of a file that is not loaded.
const BUFFER: usize = 64 << 10;

/// A position in a file: `Read`, `BufRead`, `Seek`. Made by [`File::reader`].
///
/// Of a loaded file the buffer is the contents themselves, without a copy.
#[derive(Debug)]
pub struct Reader<'a> {
    file: &'a File,
    position: u64,
    /// Bytes from `position` on.
    buffered: Bytes,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a File) -> Reader<'a> {
        Reader {
            file,
            position: 0,
            buffered: Bytes::new(),
        }
    }

    /// Where the next read begins, in bytes from the beginning.
    pub const fn position(&self) -> u64 {
        self.position
    }

    fn move_to(&mut self, position: u64) -> u64 {
        let ahead = position
            .checked_sub(self.position)
            .and_then(|ahead| usize::try_from(ahead).ok());
        match ahead {
            Some(ahead) if ahead <= self.buffered.len() => self.buffered.advance(ahead),
            _ => self.buffered = Bytes::new(),
        }
        self.position = position;
        position
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.buffered.is_empty() {
            let read = self.file.read_at(buffer, self.position)?;
            self.position += read as u64;
            read
        } else {
            let read = buffer.len().min(self.buffered.len());
            buffer[..read].copy_from_slice(&self.buffered[..read]);
            self.consume(read);
            read
        };
        Ok(read)
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.buffered.is_empty() {
            let whole = self.file.handle().bytes_staged(self.position, usize::MAX);
            self.buffered = match whole {
                Some(bytes) => bytes,
                None => self.file.bytes_at(self.position, BUFFER)?,
            };
        }
        Ok(&self.buffered)
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.buffered.len());
        self.buffered.advance(amount);
        self.position += amount as u64;
    }
}

impl Seek for Reader<'_> {
    /// Waits while the file is being staged only where its end has to be known (G2).
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.file.handle().moved(self.position, by)?,
            SeekFrom::End(by) => self.file.handle().moved(self.file.end()?, by)?,
        };
        Ok(self.move_to(target))
    }
}
