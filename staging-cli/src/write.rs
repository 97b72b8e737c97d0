//! `staging write`: standard input, whole, in the place of a file.

use crate::args::WriteArgs;
use crate::exit::Exit;
use crate::voice::complain;
use driver_blocking::{Stager, failure};
use std::io::{self, Read};

/// Nothing is touched before the input has come to its end.
pub(crate) fn run(args: &WriteArgs) -> Exit {
    let mut content = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut content) {
        complain(format_args!(
            "read standard input: {error}; nothing is written"
        ));
        return Exit::NotCommitted;
    }
    let stager = Stager::new();
    let replaced = stager
        .replace(&args.dest, content)
        .durability(args.durability.durability())
        .create_new(args.if_absent)
        .follow_links(!args.no_follow)
        .commit();
    let Err(error) = replaced else {
        return Exit::Staged;
    };
    complain(format_args!("{error}"));
    match failure(&error).is_some_and(|failure| failure.is_indeterminate()) {
        true => Exit::Indeterminate,
        false => Exit::NotCommitted,
    }
}
