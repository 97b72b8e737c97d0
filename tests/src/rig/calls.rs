//! Harm at the Nth system call: which calls a process makes, and what becomes of it when one of them fails,
//! or is the last thing it does. `strace` counts them and does the harm.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// What a call is answered with in the place of being made.
pub const ERRORS: [&str; 14] = [
    "EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "EINTR",
    "EXDEV", "EBUSY", "ESTALE", "ENOSYS",
];

/// Calls that are the language's or the C library's, not the protocol's: memory, threads, the end; and
/// `write`, by which the process speaks.
const NOT_OURS: [&str; 14] = [
    "write",
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "madvise",
    "mprotect",
    "futex",
    "sched_yield",
    "rt_sigaction",
    "rt_sigprocmask",
    "sigaltstack",
    "exit_group",
    "exit",
];

/// What happens at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// It is not made, and answered with this error.
    Error(&'static str),
    /// The process ends there and then.
    Kill,
}

/// One harm at one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strike {
    /// The call's name.
    pub call: String,
    /// At which time in the whole life of the process.
    nth: u32,
    /// At which time within the protocol.
    pub time: u32,
    /// What.
    pub harm: Harm,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Strike {
            call, time, harm, ..
        } = self;
        match harm {
            Harm::Error(errno) => write!(f, "{call} {time}: {errno}"),
            Harm::Kill => write!(f, "{call} {time}: killed"),
        }
    }
}

/// How a process ended, and what `strace` saw.
#[derive(Debug)]
pub struct Seen {
    /// What it said.
    pub said: String,
    /// Whether the harm was done.
    pub struck: bool,
    /// Everything, for whoever has to find out.
    pub whole: String,
}

/// Runs a program under `strace`, with a harm or without.
///
/// # Errors
/// There is no `strace`, or it may not trace.
pub fn traced(
    program: &str,
    words: &[&str],
    log: &Path,
    strike: Option<&Strike>,
) -> Result<Seen, String> {
    let mut command = Command::new("timeout");
    command
        .args(["-k", "5", "60", "strace", "-f", "-qq", "-o"])
        .arg(log);
    if let Some(Strike {
        call, nth, harm, ..
    }) = strike
    {
        let harm = match harm {
            Harm::Error(errno) => format!("error={errno}"),
            Harm::Kill => "signal=KILL".to_owned(),
        };
        command.args(["-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:{harm}:when={nth}")]);
    }
    let ended = command.arg(program).args(words).output();
    let Output { stdout, stderr, .. } = ended.map_err(|error| error.to_string())?;
    let log = fs::read_to_string(log).unwrap_or_default();
    let complained = String::from_utf8_lossy(&stderr);
    if log.is_empty() && strike.is_none() {
        return Err(format!("strace does not trace here: {complained}"));
    }
    let struck = match strike.map(|strike| strike.harm) {
        Some(Harm::Error(_)) => log.contains("(INJECTED)"),
        Some(Harm::Kill) => log.contains("killed by SIGKILL"),
        None => false,
    };
    let said = String::from_utf8_lossy(&stdout).into_owned();
    Ok(Seen {
        whole: format!("{said}{complained}{log}"),
        said,
        struck,
    })
}

/// Every harm at every call that is made between `begin` and `end`, as a trace without harm has it.
pub fn strikes(trace: &str) -> Vec<Strike> {
    let mut made: BTreeMap<&str, u32> = BTreeMap::new();
    let mut before = None;
    for line in trace.lines() {
        if line.contains("write(1, \"begin") {
            before = Some(made.clone());
        }
        if line.contains("write(1, \"end") {
            break;
        }
        if let Some(name) = call_of(line) {
            *made.entry(name).or_default() += 1;
        }
    }
    let before = before.unwrap_or_default();
    let mut strikes = Vec::new();
    for (call, times) in made {
        if NOT_OURS.contains(&call) {
            continue;
        }
        let earlier = before.get(call).copied().unwrap_or(0);
        for nth in earlier + 1..=times {
            let errors = ERRORS.into_iter().map(Harm::Error);
            strikes.extend(errors.chain([Harm::Kill]).map(|harm| Strike {
                call: call.to_owned(),
                nth,
                time: nth - earlier,
                harm,
            }));
        }
    }
    strikes
}

/// The call that a line of a trace is about: the number of the process stands before it.
fn call_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(' ')?;
    let (name, _) = rest.trim_start().split_once('(')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_from_the_beginning_of_the_protocol() {
        let trace = "7  openat(AT_FDCWD, \"x\") = 3\n\
                     7  write(1, \"begin\\n\", 6) = 6\n\
                     7  openat(3, \"y\") = 4\n\
                     7  fsync(4) = 0\n\
                     7  fsync(3) = 0\n\
                     7  write(1, \"end\\n\", 4) = 4\n\
                     7  unlink(\"z\") = 0\n";
        let strikes = strikes(trace);
        let each = ERRORS.len() + 1;
        assert_eq!(strikes.len(), 3 * each);
        let first = |call: &str| strikes.iter().find(|strike| strike.call == call);
        assert_eq!(first("openat").map(|one| (one.nth, one.time)), Some((2, 1)));
        assert_eq!(first("fsync").map(|one| (one.nth, one.time)), Some((1, 1)));
        assert_eq!(first("unlink"), None);
    }
}
