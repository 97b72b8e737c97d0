//! How far it is: a bar on a terminal, a line now and then elsewhere.

use crate::args::{StageArgs, When};
use crate::found::Found;
use crate::size;
use crate::voice::Voice;
use driver_blocking::{Batch, Progress};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often the bar is looked after.
const FRAME: Duration = Duration::from_millis(100);

/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// While the list is being made, nobody knows how much there will be.
const OPEN_ENDED: &str = "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {msg}";
const WITH_END: &str =
    "[{wide_bar}] {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Show {
    /// A bar on a terminal.
    Bar,
    /// Lines in long runs.
    Lines,
    /// Lines, one at the beginning and one at the end too.
    EveryLine,
    /// Nothing.
    Nothing,
}

impl Show {
    /// As the arguments and the place where standard error goes decide.
    pub(crate) fn of(args: &StageArgs) -> Show {
        match args.progress {
            When::Never => Show::Nothing,
            _ if args.quiet => Show::Nothing,
            When::Auto | When::Always if io::stderr().is_terminal() => Show::Bar,
            When::Auto => Show::Lines,
            When::Always => Show::EveryLine,
        }
    }

    /// The bar; a hidden one where none is shown.
    pub(crate) fn bar(self) -> ProgressBar {
        match self {
            Show::Bar => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
                .with_style(style(OPEN_ENDED)),
            Show::Lines | Show::EveryLine | Show::Nothing => ProgressBar::hidden(),
        }
    }

    /// Shows how far the batch is until `done` is dropped.
    pub(crate) fn watch(self, batch: &Batch, found: &Found, voice: &Voice, done: &Receiver<()>) {
        match self {
            Show::Bar => draw(batch, found, voice.bar(), done),
            Show::Lines => tell(batch, found, voice, done),
            Show::EveryLine => {
                voice.remark(format_args!("{}", line(&batch.progress(), found)));
                tell(batch, found, voice, done);
                voice.remark(format_args!("{}", line(&batch.progress(), found)));
            }
            Show::Nothing => {}
        }
    }
}

fn draw(batch: &Batch, found: &Found, bar: &ProgressBar, done: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(FRAME) {
        let progress = batch.progress();
        if found.is_complete() && bar.length().is_none() {
            bar.set_style(style(WITH_END));
            bar.set_length(found.bytes());
        }
        bar.set_message(files(&progress, found));
        bar.set_position(progress.bytes_done);
        bar.tick();
    }
    bar.finish_and_clear();
}

fn tell(batch: &Batch, found: &Found, voice: &Voice, done: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(LINE) {
        voice.remark(format_args!("{}", line(&batch.progress(), found)));
    }
}

fn line(progress: &Progress, found: &Found) -> String {
    format!(
        "{}, {}, {}/s",
        files(progress, found),
        size::shown(progress.bytes_done),
        size::shown(progress.rate as u64),
    )
}

/// How many of how many; with a `+` while the list grows.
fn files(progress: &Progress, found: &Found) -> String {
    let more = if found.is_complete() { "" } else { "+" };
    format!(
        "{} of {}{more} files",
        HumanCount(progress.files_done),
        HumanCount(found.files()),
    )
}

/// Templates are constants; one that cannot be read would show as the plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::{OPEN_ENDED, WITH_END};
    use indicatif::ProgressStyle;

    #[test]
    fn the_templates_can_be_read() {
        assert!(ProgressStyle::with_template(OPEN_ENDED).is_ok());
        assert!(ProgressStyle::with_template(WITH_END).is_ok());
    }
}
