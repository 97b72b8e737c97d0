//! A position in a file, for the reader traits of any world: what a driver's `Reader` is made of.

use crate::client::File;
use bytes::{Buf, Bytes};
use std::future::Future;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much is buffered at once of a file that is not loaded.
const BUFFER: usize = 64 << 10;

type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + Sync>>;

/// A position in a file, and the bytes that are buffered from there on. Of a loaded file these are
/// the contents themselves, without a copy.
pub struct Cursor {
    file: File,
    position: u64,
    buffered: Bytes,
    reading: Option<Pending<Bytes>>,
    seeking: Option<Pending<u64>>,
}

impl Cursor {
    /// At the beginning of a file.
    pub const fn new(file: File) -> Cursor {
        Cursor {
            file,
            position: 0,
            buffered: Bytes::new(),
            reading: None,
            seeking: None,
        }
    }

    /// Where the next read begins, in bytes from the beginning.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from the position on, none only at the end of the file. A read that is under way when
    /// this is not polled again goes on with the next poll.
    ///
    /// # Errors
    /// As [`File::read_at`].
    pub fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.buffered.is_empty() {
            self.buffered = match self.file.handle().bytes_staged(self.position, usize::MAX) {
                Some(bytes) => bytes,
                None => ready!(self.poll_read(context))?,
            };
        }
        Poll::Ready(Ok(&self.buffered))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let (file, position) = (&self.file, self.position);
        let reading = self.reading.get_or_insert_with(|| {
            let file = file.clone();
            Box::pin(async move { file.read_at(position, BUFFER).await })
        });
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        Poll::Ready(read)
    }

    /// Copies buffered bytes out, reading first where there are none.
    ///
    /// # Errors
    /// As [`poll_fill`](Cursor::poll_fill).
    pub fn poll_copy(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = ready!(self.poll_fill(context))?;
        let copied = bytes.len().min(buffer.len());
        buffer[..copied].copy_from_slice(&bytes[..copied]);
        self.consume(copied);
        Poll::Ready(Ok(copied))
    }

    /// Moves over bytes that were filled.
    pub fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.buffered.len());
        self.buffered.advance(amount);
        self.position += amount as u64;
    }

    /// Begins to move; [`poll_seek`](Cursor::poll_seek) ends it. Where the end of the file has to
    /// be known, a staging that is under way is waited for (G2).
    ///
    /// # Errors
    /// The target lies before the beginning.
    pub fn start_seek(&mut self, to: SeekFrom) -> io::Result<()> {
        self.reading = None;
        self.seeking = None;
        match to {
            SeekFrom::Start(position) => self.move_to(position),
            SeekFrom::Current(by) => self.move_to(self.file.handle().moved(self.position, by)?),
            SeekFrom::End(by) => {
                let file = self.file.clone();
                self.seeking = Some(Box::pin(async move {
                    let end = file.end().await?;
                    file.handle().moved(end, by)
                }));
            }
        }
        Ok(())
    }

    /// Where the position is when a move that was begun has ended.
    ///
    /// # Errors
    /// As [`File::read_at`].
    pub fn poll_seek(&mut self, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Some(seeking) = &mut self.seeking {
            let target = ready!(seeking.as_mut().poll(context));
            self.seeking = None;
            self.move_to(target?);
        }
        Poll::Ready(Ok(self.position))
    }

    /// Begins to move where no move is under way, and ends it: for worlds whose seek is one call,
    /// repeated until it is ready.
    ///
    /// # Errors
    /// As [`start_seek`](Cursor::start_seek) and [`poll_seek`](Cursor::poll_seek).
    pub fn poll_seek_to(
        &mut self,
        context: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        if self.seeking.is_none() {
            self.start_seek(to)?;
        }
        self.poll_seek(context)
    }

    fn move_to(&mut self, target: u64) {
        let ahead = target
            .checked_sub(self.position)
            .and_then(|ahead| usize::try_from(ahead).ok());
        match ahead {
            Some(ahead) if ahead <= self.buffered.len() => self.buffered.advance(ahead),
            _ => self.buffered = Bytes::new(),
        }
        self.position = target;
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor")
            .field("file", &self.file)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
