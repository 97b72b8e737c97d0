//! Standard error: what people are told. Nobody listening is no error.

use indicatif::ProgressBar;
use std::fmt::Arguments;
use std::io::{self, Write};

/// Speaks around the progress bar, if there is one.
#[derive(Clone)]
pub(crate) struct Voice {
    bar: ProgressBar,
    quiet: bool,
}

impl Voice {
    pub(crate) const fn new(bar: ProgressBar, quiet: bool) -> Voice {
        Voice { bar, quiet }
    }

    /// The bar; a hidden one where there is none.
    pub(crate) const fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Something worth knowing, unless quiet was asked for.
    pub(crate) fn remark(&self, words: Arguments<'_>) {
        if !self.quiet {
            self.bar.suspend(|| line(words));
        }
    }

    /// Something that must be known.
    pub(crate) fn insist(&self, words: Arguments<'_>) {
        self.bar.suspend(|| line(words));
    }
}

/// An error, where no run is under way.
pub(crate) fn complain(words: Arguments<'_>) {
    line(format_args!("staging: {words}"));
}

fn line(words: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
