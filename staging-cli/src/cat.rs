//! `staging cat`: files in memory first, and then on standard output.

use crate::args::CatArgs;
use crate::bounds;
use crate::exit::Exit;
use crate::stdout;
use crate::voice::complain;
use driver_blocking::{File, Stager};
use std::io::{self, Write};
use std::path::Path;

/// How much is written at a time, in bytes. Of loaded contents no copy is made of it.
const PIECE: usize = 1 << 20;

/// Writes one file after the other; one that cannot be read does not keep the others.
pub(crate) fn run(args: &CatArgs) -> Exit {
    let budget = bounds::budget(args.budget);
    let stager = Stager::builder().budget(budget).build();
    let mut exit = Exit::Staged;
    let written = stdout::write(|out| {
        for path in &args.files {
            if let Some(error) = write(&stager, args, path, out)? {
                complain(format_args!("{error}"));
                exit = Exit::Partly;
            }
        }
        Ok(())
    });
    match written {
        Ok(()) => exit,
        Err(error) => stdout::failed(&error),
    }
}

/// Writes one file, and gives it back. Says what was wrong with it, if anything.
///
/// # Errors
/// `out` could not be written to.
fn write(
    stager: &Stager,
    args: &CatArgs,
    path: &Path,
    out: &mut impl Write,
) -> io::Result<Option<io::Error>> {
    match stager.options().mode(args.mode.mode()).open(path) {
        Ok(file) => copy(&file, out),
        Err(error) => Ok(Some(error)),
    }
}

fn copy(file: &File, out: &mut impl Write) -> io::Result<Option<io::Error>> {
    let mut offset = 0;
    loop {
        match file.bytes_at(offset, PIECE) {
            Ok(bytes) if bytes.is_empty() => return Ok(None),
            Ok(bytes) => {
                out.write_all(&bytes)?;
                offset += bytes.len() as u64;
            }
            Err(error) => return Ok(Some(error)),
        }
    }
}
