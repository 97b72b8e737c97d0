//! A process of its own that is talked to while it runs: it says lines, and hears signals.

use super::run::Proof;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A process under way. It ends with whoever has it, at the latest.
#[derive(Debug)]
pub struct Process {
    child: Child,
    held: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(command: &mut Command) -> io::Result<Process> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let said = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Process {
            held: child.stdin.take(),
            said: BufReader::new(said),
            child,
        })
    }

    /// Waits until it says this line.
    ///
    /// # Errors
    /// It ended without.
    pub fn hear(&mut self, word: &str) -> io::Result<()> {
        let mut said = String::new();
        loop {
            let begin = said.len();
            if self.said.read_line(&mut said)? == 0 {
                let never = format!("it never said {word}, but: {said}");
                return Err(io::Error::other(never));
            }
            if said[begin..].trim_end() == word {
                return Ok(());
            }
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signal(&self, signal: Signal) -> Proof {
        let process = Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process")?;
        Ok(kill_process(process, signal)?)
    }

    /// Lets it go on, if it waits to be let go.
    pub fn let_go(&mut self) {
        self.held = None;
    }

    /// Waits for its end: with which status.
    ///
    /// # Errors
    /// The system does not say.
    pub fn end(&mut self) -> io::Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or the case has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In such a process: says a line.
///
/// # Errors
/// Nobody listens.
pub(super) fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// In such a process: waits until it is [let go](Process::let_go).
///
/// # Errors
/// The system refuses.
pub(super) fn let_go() -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
