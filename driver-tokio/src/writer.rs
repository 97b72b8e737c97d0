//! Writing a file from front to back, as tokio's traits have it.

use driver_kit::client::File;
use driver_kit::write_cursor::WriteCursor;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncSeek, AsyncWrite};

/// A position in a file: `AsyncWrite`, `AsyncSeek`. Made by [`File::writer`](crate::File::writer).
///
/// Each write takes a copy of its bytes and is under way when it returns; the next one waits for
/// it. What went wrong with it is told by the next write, flush, seek or shutdown. So flush at the end:
/// a writer that is dropped takes back a write that has not begun.
///
/// # Cancel safety
///
/// A poll that is not repeated loses nothing: bytes that were taken are being written.
#[derive(Debug)]
pub struct Writer {
    cursor: WriteCursor,
    seeking: Option<SeekFrom>,
}

impl Writer {
    pub(crate) fn new(file: File) -> Writer {
        Writer {
            cursor: WriteCursor::new(file),
            seeking: None,
        }
    }

    /// Where the next write begins, in bytes from the beginning.
    pub fn position(&self) -> u64 {
        self.cursor.position()
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cursor.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cursor.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cursor.poll_flush(context)
    }
}

impl AsyncSeek for Writer {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.seeking = Some(to);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let Some(to) = self.seeking else {
            return Poll::Ready(Ok(self.cursor.position()));
        };
        let moved = ready!(self.cursor.poll_seek_to(context, to));
        self.seeking = None;
        Poll::Ready(moved)
    }
}
