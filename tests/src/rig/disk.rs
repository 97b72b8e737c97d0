//! A disk that tells what it is told, with a file system on it.

use super::command::{run, spawn};
use super::image::Beginning;
use super::kind::Kind;
use super::log::{BlockLog, Position};
use super::mounted::Mounted;
use super::room::Room;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It goes on until it is dropped.
#[derive(Debug)]
pub struct LoggedDisk {
    // In the order in which they are to go.
    mounted: Option<Mounted>,
    server: Server,
    log: PathBuf,
    beginning: Beginning,
}

/// The process that is the disk.
#[derive(Debug)]
struct Server {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    at: PathBuf,
}

/// What is to go wrong, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    /// The next flush.
    Flush,
    /// The next write in which this word stands.
    Write(&'static str),
}

impl LoggedDisk {
    /// Makes a file system on a new disk and mounts it.
    ///
    /// # Errors
    /// There is no FUSE, no loop device, no `mkfs`, or what else the system said.
    pub fn new(room: &Room, kind: Kind) -> Result<LoggedDisk, String> {
        let (image, log) = (room.path("image"), room.path("log"));
        let beginning = Beginning::make(kind, &image)?;
        let server = Server::start(room, &image, &log)?;
        let disk = server.at.join("disk");
        let mounted = Mounted::new(kind, &disk, &room.path("live"))?;
        Ok(LoggedDisk {
            mounted: Some(mounted),
            server,
            log,
            beginning,
        })
    }

    /// Where the file system is mounted.
    pub fn at(&self) -> &Path {
        // Nothing takes it away but `end`, which takes this, too.
        self.mounted.as_ref().map_or(Path::new("/"), Mounted::at)
    }

    /// What was told to the disk by now is before it.
    ///
    /// # Errors
    /// The log is gone.
    pub fn position(&self) -> Result<Position, String> {
        let about = fs::metadata(&self.log).map_err(|error| error.to_string())?;
        Ok(Position(about.len()))
    }

    /// Lets something fail.
    ///
    /// # Errors
    /// The disk does not answer.
    pub fn fail(&mut self, failing: Failing) -> Result<(), String> {
        let order = match failing {
            Failing::Flush => "fail flush".to_owned(),
            Failing::Write(word) => format!("fail write {word}"),
        };
        self.server.order(&order)
    }

    /// Takes it away; what it was told, and what it was before.
    ///
    /// # Errors
    /// It cannot be unmounted, or the log cannot be read.
    pub fn end(mut self) -> Result<(Beginning, BlockLog), String> {
        if let Some(mounted) = self.mounted.take() {
            mounted.unmount()?;
        }
        let log = BlockLog::read(&self.log).map_err(|error| error.to_string())?;
        let LoggedDisk {
            server, beginning, ..
        } = self;
        drop(server);
        Ok((beginning, log))
    }
}

impl Server {
    fn start(room: &Room, image: &Path, log: &Path) -> Result<Server, String> {
        let at = room.path("disk");
        fs::create_dir_all(&at).map_err(|error| error.to_string())?;
        let mut command = Command::new(room.program());
        command
            .args([image, log, &at])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = spawn(&mut command)
            .map_err(|error| format!("{}: {error}", room.program().display()))?;
        let orders = process.stdin.take();
        let answers = process.stdout.take().ok_or("it has no output")?;
        let mut server = Server {
            process,
            orders,
            answers: BufReader::new(answers),
            at,
        };
        server.heard()?;
        Ok(server)
    }

    fn order(&mut self, line: &str) -> Result<(), String> {
        let orders = self.orders.as_mut().ok_or("the disk is gone")?;
        writeln!(orders, "{line}").map_err(|error| error.to_string())?;
        self.heard()
    }

    /// Waits for its answer; the end of its output is one, too.
    fn heard(&mut self) -> Result<(), String> {
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer);
        read.map_err(|error| error.to_string())?;
        match answer.trim() {
            "ok" => Ok(()),
            other => Err(format!("the disk does not serve: {other}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = run("umount", &["-l".as_ref(), self.at.as_os_str()]);
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
