//! An open file.

use crate::reader::Reader;
use crate::writer::Writer;
use driver_kit::client;
use std::io;
use std::ops::Deref;

/// An open file, in memory unless its options said otherwise or the budget had no room.
///
/// Clones are the same handle. Dropping the last of them, and of the readers and writers, closes it.
/// Reading, writing and staging are the same on every executor: see the methods of
/// [`client::File`] below.
#[derive(Clone, Debug)]
pub struct File {
    file: client::File,
}

impl File {
    pub(crate) const fn new(file: client::File) -> File {
        File { file }
    }

    /// A reader from the beginning.
    pub fn reader(&self) -> Reader {
        Reader::new(self.file.clone())
    }

    /// A writer from the beginning, or, if the file was opened for appending, at its end.
    pub fn writer(&self) -> Writer {
        Writer::new(self.file.clone())
    }

    /// Closes the file for all its clones, and waits until what is under way on it is answered.
    ///
    /// # Errors
    /// It was closed before, or the stager was.
    ///
    /// # Cancel safety
    /// Dropped, the file is closed all the same.
    pub async fn close(self) -> io::Result<()> {
        self.file.close().await
    }
}

impl Deref for File {
    type Target = client::File;

    fn deref(&self) -> &client::File {
        &self.file
    }
}
