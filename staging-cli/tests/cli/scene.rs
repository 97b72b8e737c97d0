//! A folder of its own for each test, and the binary at work in it.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use tempfile::TempDir;

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A folder, and the binary.
pub(crate) struct Scene {
    folder: TempDir,
}

/// How a run ended.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A run under way.
pub(crate) struct Run {
    child: Alive,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Scene {
    pub(crate) fn new() -> Result<Scene> {
        Ok(Scene {
            folder: TempDir::new()?,
        })
    }

    /// Where a name is, without links.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let folder = self.folder.path();
        let real = folder.canonicalize();
        real.unwrap_or_else(|_| folder.to_path_buf()).join(name)
    }

    pub(crate) fn file(&self, name: impl AsRef<OsStr>, contents: &[u8]) -> Result {
        let path = self.path(Path::new(name.as_ref()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, contents)?)
    }

    pub(crate) fn directory(&self, name: &str) -> Result {
        Ok(fs::create_dir(self.path(name))?)
    }

    pub(crate) fn link(&self, target: &str, name: &str) -> Result {
        Ok(std::os::unix::fs::symlink(target, self.path(name))?)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_staging"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Result<Outcome> {
        self.run_with_input(args, b"")
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Result<Outcome> {
        let mut run = self.start(args)?;
        run.stdin()?.write_all(input).or_else(left)?;
        run.end()
    }

    /// Standard output goes to a file.
    pub(crate) fn run_into(&self, args: &[&str], out: &Path) -> Result<Outcome> {
        let out = File::options().write(true).open(out)?;
        let output = self.command(args).stdout(out).output()?;
        Ok(Outcome {
            status: output.status.code(),
            out: String::new(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    pub(crate) fn run_with_descriptors(&self, limit: u32, args: &[&str]) -> Result<Outcome> {
        self.run_limited("ulimit -n \"$1\"; shift; exec \"$@\"", limit, args)
    }

    /// No file can grow beyond so many blocks of 512 bytes.
    pub(crate) fn run_with_short_files(&self, blocks: u32, args: &[&str]) -> Result<Outcome> {
        let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        self.run_limited(script, blocks, args)
    }

    /// So many KiB can be locked in memory; `None` where root cannot be kept from locking more.
    pub(crate) fn run_with_little_to_lock(
        &self,
        kibibytes: u32,
        args: &[&str],
    ) -> Result<Option<Outcome>> {
        let script = "ulimit -l \"$1\"; shift; test $(id -u) = 0 || exec \"$@\"; \
                      exec setpriv --bounding-set -ipc_lock \"$@\"";
        let ended = self.run_limited(script, kibibytes, args)?;
        Ok((ended.status != Some(127)).then_some(ended))
    }

    fn run_limited(&self, script: &str, limit: u32, args: &[&str]) -> Result<Outcome> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(limit.to_string())
            .arg(env!("CARGO_BIN_EXE_staging"))
            .args(args)
            .current_dir(self.folder.path());
        start(&mut shell)?.end()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Result<Run> {
        start(&mut self.command(args))
    }
}

fn start(command: &mut Command) -> Result<Run> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or("no standard error")?;
    Ok(Run {
        stdin: child.stdin.take(),
        stdout: child.stdout.take(),
        stderr: BufReader::new(stderr),
        child: Alive(child),
        said: String::new(),
    })
}

/// A process that does not outlive the test, however that ends.
struct Alive(Child);

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run {
    /// Standard input; closed when the result is dropped.
    pub(crate) fn stdin(&mut self) -> Result<ChildStdin> {
        Ok(self.stdin.take().ok_or("standard input is taken")?)
    }

    /// Standard output; nobody reads it any more when the result is dropped.
    pub(crate) fn stdout(&mut self) -> Result<ChildStdout> {
        Ok(self.stdout.take().ok_or("standard output is taken")?)
    }

    /// Waits for a line on standard error.
    pub(crate) fn line_with(&mut self, word: &str) -> Result<String> {
        loop {
            let mut line = String::new();
            if self.stderr.read_line(&mut line)? == 0 {
                return Err(format!("never said `{word}`, but: {}", self.said).into());
            }
            self.said.push_str(&line);
            if line.contains(word) {
                return Ok(line);
            }
        }
    }

    /// What the system says of the process, by the name of a line.
    pub(crate) fn told(&self, name: &str) -> Result<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.ok_or("it is not told")?.trim().to_owned())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result {
        let pid = Pid::from_raw(i32::try_from(self.child.0.id())?).ok_or("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Closes standard input and waits.
    pub(crate) fn end(mut self) -> Result<Outcome> {
        drop(self.stdin.take());
        self.end_with_input_open()
    }

    pub(crate) fn end_with_input_open(mut self) -> Result<Outcome> {
        let stdout = self.stdout.take();
        let reading = thread::spawn(move || {
            let mut out = Vec::new();
            let read = stdout.map(|mut stdout| stdout.read_to_end(&mut out));
            read.transpose().map(|_| out)
        });
        self.stderr.read_to_string(&mut self.said)?;
        let out = reading.join().map_err(|_| "the reader panicked")??;
        Ok(Outcome {
            status: self.child.0.wait()?.code(),
            out: String::from_utf8(out)?,
            err: self.said,
        })
    }

    /// Waits, and reads nothing.
    pub(crate) fn status(mut self) -> Result<Option<i32>> {
        Ok(self.child.0.wait()?.code())
    }
}

impl Outcome {
    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(&self.out).map_err(|error| format!("{error}: {}", self.out))?)
    }

    /// The rows of the table: their names and how many files they count.
    pub(crate) fn rows(&self) -> Vec<(String, u64)> {
        let row = |line: &str| {
            let (name, rest) = line.split_at_checked(16)?;
            let files = rest.split_whitespace().next()?.parse().ok()?;
            Some((name.trim().to_owned(), files))
        };
        self.out.lines().filter_map(row).collect()
    }
}

/// Who needs no input may leave before it is written.
fn left(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}
