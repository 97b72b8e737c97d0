//! Reading a file from front to back, as futures-io's traits have it.

use driver_kit::client::File;
use driver_kit::cursor::Cursor;
use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek};
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

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
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.cursor.poll_copy(context, buffer)
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
    fn poll_seek(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.cursor.poll_seek_to(context, to)
    }
}
