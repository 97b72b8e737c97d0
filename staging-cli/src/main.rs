//! The command line: `staging stage PATH…` brings files into memory and says how it went, and with
//! `--watch` stays and stages again what changes; `staging cat FILE…` writes them out from there;
//! `staging status FILE…` shows how much of them is there; `staging write DEST` replaces one, whole;
//! `staging log append|verify|cat LOG` fills, looks at and writes out an append-only log;
//! `staging lock FILE -- COMMAND` runs a command while a file is locked;
//! `staging replay FILE` plays what a run has recorded.

mod args;
mod bounds;
mod cat;
mod exit;
mod found;
mod hold;
mod json;
mod list;
mod lock;
mod log;
mod names;
mod pages;
mod progress;
mod replay;
mod run;
mod size;
mod status;
mod stdout;
mod stop;
mod summary;
mod sweep;
mod table;
mod times;
mod told;
mod voice;
mod walk;
mod watch;
mod write;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Stage(args) => run::stage(args),
        Command::Cat(args) => cat::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Write(args) => write::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Log { command } => log::run(&command),
        Command::Lock(args) => lock::run(&args),
        Command::Completions { shell } => stdout::print(&pages::completions(shell)),
        Command::Man { page } => stdout::print(&pages::man(page)),
    };
    exit.into()
}
