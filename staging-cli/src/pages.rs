//! Completions and manual pages, made from what can be typed.

use crate::args::{Cli, Page};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

/// The script that completes our commands in a shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "staging", &mut script);
    script
}

/// A manual page in roff.
#[expect(
    clippy::expect_used,
    reason = "a Vec takes everything that is written to it"
)]
pub(crate) fn man(page: Page) -> Vec<u8> {
    let mut whole = Cli::command();
    whole.build();
    let of_log = |name| whole.find_subcommand("log")?.find_subcommand(name);
    let shown = match page {
        Page::Overview => Some(&whole),
        Page::Stage => whole.find_subcommand("stage"),
        Page::Cat => whole.find_subcommand("cat"),
        Page::Status => whole.find_subcommand("status"),
        Page::Replay => whole.find_subcommand("replay"),
        Page::Write => whole.find_subcommand("write"),
        Page::Sweep => whole.find_subcommand("sweep"),
        Page::Log => whole.find_subcommand("log"),
        Page::LogAppend => of_log("append"),
        Page::LogVerify => of_log("verify"),
        Page::LogCat => of_log("cat"),
        Page::Lock => whole.find_subcommand("lock"),
    };
    let mut text = Vec::new();
    if let Some(shown) = shown {
        let man = Man::new(shown.clone());
        man.render(&mut text).expect("memory can be written to");
    }
    text
}
