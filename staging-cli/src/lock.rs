//! `staging lock`: a command that runs while a file is locked.

use crate::args::LockArgs;
use crate::exit::Exit;
use crate::hold::Hold;
use crate::voice::complain;
use driver_blocking::{Cause, Deadline, Lock, LockBuilder, Scope, Stager, failure};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// The lock is held while the command runs, and ends with this process at the latest. The command does not
/// have it: what it leaves behind in the background holds nothing.
pub(crate) fn run(args: &LockArgs) -> Exit {
    let stager = Stager::new();
    let lock = match acquire(args, stager.lock(&args.file)) {
        Ok(lock) => lock,
        Err(error) => {
            complain(format_args!("{error}"));
            let contended = matches!(
                failure(&error).map(|failure| failure.cause),
                Some(Cause::Contended(_))
            );
            return match contended {
                true => Exit::NotObtained,
                false => Exit::NotLocked,
            };
        }
    };
    let exit = carry_out(&args.command);
    drop(lock);
    exit
}

fn acquire(args: &LockArgs, lock: LockBuilder) -> io::Result<Lock> {
    let lock = if args.shared { lock.shared() } else { lock };
    let lock = match args.network {
        true => lock.scope(Scope::Network),
        false => lock,
    };
    match args.timeout {
        None | Some(Hold::Forever) => lock.acquire(),
        Some(Hold::For(Duration::ZERO)) => lock.once().acquire(),
        Some(Hold::For(time)) => lock.deadline(Deadline::within(time)).acquire(),
    }
}

fn carry_out(command: &[OsString]) -> Exit {
    let Some((program, args)) = command.split_first() else {
        return Exit::NotFound;
    };
    match Command::new(program).args(args).status() {
        Ok(ended) => Exit::Of(status_of(ended)),
        Err(error) => {
            complain(format_args!("run {}: {error}", program.display()));
            match error.kind() {
                io::ErrorKind::NotFound => Exit::NotFound,
                _ => Exit::NotRunnable,
            }
        }
    }
}

/// As a shell has it: who was ended by a signal has 128 and its number.
fn status_of(ended: ExitStatus) -> u8 {
    let status = ended
        .code()
        .or_else(|| ended.signal().map(|signal| 128 + signal));
    status
        .and_then(|status| u8::try_from(status).ok())
        .unwrap_or(u8::MAX)
}
