//! Standard output. A reader who has seen enough and left is not an error.

use crate::exit::Exit;
use crate::voice;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

/// Writes to standard output; what was written before the reader left counts.
///
/// # Errors
/// It could not be written, for another reason than that nobody reads any more.
pub(crate) fn write(
    out: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match out(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is still in the buffer has nobody to go to.
            drop(stdout.into_parts());
            Ok(())
        }
        written => written,
    }
}

/// Prints a whole text.
pub(crate) fn print(text: &[u8]) -> Exit {
    match write(|out| out.write_all(text)) {
        Ok(()) => Exit::Staged,
        Err(error) => failed(&error),
    }
}

/// Says that standard output could not be written.
pub(crate) fn failed(error: &io::Error) -> Exit {
    voice::complain(format_args!("cannot write to standard output: {error}"));
    Exit::Partly
}
