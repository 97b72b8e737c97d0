//! A position to write at, for the writer traits of any world: what a driver's `Writer` is made of.

use crate::client::File;
use bytes::Bytes;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Pending = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Where the next write goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    At(u64),
    End,
}

/// A position in a file that is written. One write is under way at a time, with a copy of its
/// bytes; what went wrong with it is told by the next call.
pub struct WriteCursor {
    file: File,
    place: Place,
    writing: Option<Pending>,
}

impl WriteCursor {
    /// At the beginning of a file, or, if it was opened for appending, always at its end.
    pub fn new(file: File) -> WriteCursor {
        let place = match file.appends() {
            true => Place::End,
            false => Place::At(0),
        };
        WriteCursor {
            file,
            place,
            writing: None,
        }
    }

    /// Where the next write begins, in bytes from the beginning.
    pub fn position(&self) -> u64 {
        match self.place {
            Place::At(position) => position,
            Place::End => self.file.len(),
        }
    }

    /// Begins to write, when the write before has ended. All of `bytes` is taken.
    ///
    /// # Errors
    /// The write before failed; nothing of `bytes` is taken.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(context))?;
        let (file, len) = (self.file.clone(), bytes.len());
        let bytes = Bytes::copy_from_slice(bytes);
        let mut writing: Pending = match self.place {
            Place::At(position) => {
                self.place = Place::At(position.saturating_add(len as u64));
                Box::pin(async move { file.write_at(position, bytes).await })
            }
            Place::End => Box::pin(async move { file.append(bytes).await.map(drop) }),
        };
        match writing.as_mut().poll(context) {
            Poll::Ready(written) => Poll::Ready(written.map(|()| len)),
            Poll::Pending => {
                self.writing = Some(writing);
                Poll::Ready(Ok(len))
            }
        }
    }

    /// Waits until what was written is executed.
    ///
    /// # Errors
    /// It failed.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else {
            return Poll::Ready(Ok(()));
        };
        let written = ready!(writing.as_mut().poll(context));
        self.writing = None;
        Poll::Ready(written)
    }

    /// Moves, when the write before has ended. A file that was opened for appending is written at
    /// its end all the same.
    ///
    /// # Errors
    /// The write before failed, or the target lies before the beginning.
    pub fn poll_seek_to(
        &mut self,
        context: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(self.poll_flush(context))?;
        let target = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.file.handle().moved(self.position(), by)?,
            SeekFrom::End(by) => self.file.handle().moved(self.file.len(), by)?,
        };
        if let Place::At(position) = &mut self.place {
            *position = target;
        }
        Poll::Ready(Ok(target))
    }
}

impl std::fmt::Debug for WriteCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteCursor")
            .field("file", &self.file)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
