//! Reading a file from front to back, as tokio's traits have it.

use driver_kit::client::File;
use driver_kit::cursor::Cursor;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, ReadBuf};

/// A position in a file: `AsyncRead`, `AsyncBufRead`, `AsyncSeek`. Made by
/// [`File::reader`](crate::File::reader).
///
/// Of a loaded file the buffer is the contents themselves, without a copy.
///
/// # Cancel safety
///
/// A poll that is not repeated loses nothing: the position moves only with bytes that were given.
#[derive(Debug)]
pub struct Reader {
    cursor: Cursor,
}

impl Reader {
    pub(crate) fn new(file: File) -> Reader {
        Reader {
            cursor: Cursor::new(file),
        }
    }

    /// Where the next read begins, in bytes from the beginning.
    pub const fn position(&self) -> u64 {
        self.cursor.position()
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.cursor.poll_fill(context))?;
        let read = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..read]);
        self.cursor.consume(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Reader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().cursor.poll_fill(context)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.cursor.consume(amount);
    }
}

impl AsyncSeek for Reader {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.cursor.start_seek(to)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.cursor.poll_seek(context)
    }
}
