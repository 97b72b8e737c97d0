//! `staging sweep`: what killed processes left of replaces, removed.

use crate::args::SweepArgs;
use crate::exit::Exit;
use crate::stdout;
use crate::voice::complain;
use driver_blocking::Stager;
use std::io::Write;

/// A line for each directory in which there was something.
pub(crate) fn run(args: &SweepArgs) -> Exit {
    let stager = Stager::new();
    let mut exit = Exit::Staged;
    for directory in &args.directories {
        let removed = match stager.sweep(directory) {
            Ok(0) => continue,
            Ok(removed) => removed,
            Err(error) => {
                complain(format_args!("{error}"));
                exit = Exit::Partly;
                continue;
            }
        };
        let files = if removed == 1 { "file" } else { "files" };
        let told = stdout::write(|out| {
            writeln!(out, "{}: {removed} {files} removed", directory.display())
        });
        if let Err(error) = told {
            return stdout::failed(&error);
        }
    }
    exit
}
