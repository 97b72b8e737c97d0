//! The whole loop by hand: a machine, `std::fs`, and no driver.
//!
//! Opens the files named on the command line (or this package's manifest), brings each into memory,
//! reads the beginning of each, shows it, and shuts down. The machine decides and sees only ids;
//! paths, descriptors and bytes stay here, in four tables. One action is carried out at a time, and
//! files are loaded where a driver would also fetch and map.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use staging_core::*;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::{env, io, path::PathBuf, time::Instant};

#[derive(Default)]
struct Hands {
    paths: HashMap<HandleId, PathBuf>,
    descriptors: HashMap<FileId, File>,
    contents: HashMap<FileId, Vec<u8>>,
    buffers: HashMap<OpId, Vec<u8>>,
}

fn main() {
    let (mut machine, mut hands) = (Machine::new(Limits::default()), Hands::default());
    let clock = Instant::now();
    let now = || Tick(clock.elapsed().as_nanos() as u64);
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths.push(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into());
    }
    for path in paths {
        // 1. Say what happened: somebody asked for a file. The reply names the handle he will have.
        let (missing, plan) = (Missing::Fail, Plan::of(Mode::Auto));
        let asked = Request::Open { missing, plan };
        if let Reply::Opening { handle, .. } = machine.submit(now(), Tag(0), Tick::NEVER, asked) {
            println!("{}", path.display());
            hands.paths.insert(handle, path);
            hands.work(&mut machine, &now);
            let (offset, len) = (0, 60);
            let asked = Request::Read {
                handle,
                offset,
                len,
            };
            let _ = machine.submit(now(), Tag(len), Tick::NEVER, asked);
            hands.work(&mut machine, &now);
        }
    }
    let _ = machine.shutdown(now(), Grace::default());
    hands.work(&mut machine, &now);
}

impl Hands {
    /// Steps 2 and 3, until there is nothing left to tell or to do.
    fn work(&mut self, machine: &mut Machine, now: &dyn Fn() -> Tick) {
        // 3. Drain: tell what is told, carry out what is to be done.
        while let Some(action) = machine.poll_action() {
            match action {
                Action::Tell(tell) => self.tell(tell),
                Action::Perform { io, kind } => {
                    let done = self.perform(kind);
                    let (completion, opened) =
                        done.unwrap_or_else(|fault| (Completion::Failed { fault }, None));
                    let reply = machine.complete(now(), io, completion);
                    // 2. Do what the reply says: keep what was adopted. What is surplus drops here.
                    if let (Reply::Adopted { file }, Some(descriptor)) = (reply, opened) {
                        self.descriptors.insert(file, descriptor);
                    }
                }
            }
        }
        // 4. Wait for a completion, a request, or `poll_timeout`; here, nothing is under way.
    }

    /// Carries one action out. Nothing is left out of this match, or an operation would hang.
    fn perform(&mut self, kind: IoKind) -> Result<(Completion, Option<File>), Fault> {
        let completion = match kind {
            // A fetch may end like an open; then the file is loaded in chunks.
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => {
                let path = &self.paths[&handle];
                // Asked before it is opened, because opening a pipe would wait for a writer.
                if !path.metadata().map_err(fault)?.is_file() {
                    return Err(Fault::NotAFile(NodeKind::Other));
                }
                let file = File::open(path).map_err(fault)?;
                let found = file.metadata().map_err(fault)?;
                let (key, stamp) = (Key([found.dev(), found.ino()]), stamp(&found));
                return Ok((Completion::Opened { key, stamp }, Some(file)));
            }
            IoKind::Look { file } => Completion::Looked {
                stamp: self.look(file)?,
            },
            // `Auto` loads what cannot be mapped.
            IoKind::Map { .. } => return Err(Fault::NoMapping),
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let contents = self.contents.entry(file).or_default();
                contents.resize(total as usize, 0);
                let chunk = &mut contents[offset as usize..(offset + len) as usize];
                fill(&self.descriptors[&file], chunk, offset)?;
                Completion::Loaded {
                    stamp: self.look(file)?,
                }
            }
            IoKind::Read {
                file,
                op,
                offset,
                len,
            } => {
                let buffer = self.buffers.entry(op).or_default();
                buffer.resize(len as usize, 0);
                let bytes = fill(&self.descriptors[&file], buffer, offset)? as u64;
                Completion::Read { bytes }
            }
            IoKind::Release { file } => {
                self.contents.remove(&file);
                Completion::Released { lent: 0 }
            }
            IoKind::Close { file } => {
                self.descriptors.remove(&file);
                Completion::Closed
            }
        };
        Ok((completion, None))
    }

    fn look(&self, file: FileId) -> Result<Stamp, Fault> {
        let found = self.descriptors[&file].metadata().map_err(fault)?;
        Ok(stamp(&found))
    }

    fn tell(&mut self, tell: Tell) {
        match tell {
            Tell::Resolve { op, tag, outcome } => {
                let bytes = match outcome {
                    Outcome::FromContents { file } => self.contents.get(&file).cloned(),
                    _ => self.buffers.remove(&op),
                };
                let shown = bytes.unwrap_or_default();
                let shown = &shown[..shown.len().min(tag.0 as usize)];
                println!("  {outcome:?} {:?}", String::from_utf8_lossy(shown));
            }
            Tell::Progress { .. } | Tell::Room { .. } => println!("  {tell:?}"),
            Tell::Abandoned { .. } | Tell::Phase { .. } => println!("{tell:?}"),
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, Fault> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(error)),
        }
    }
    Ok(done)
}

fn stamp(found: &Metadata) -> Stamp {
    let version = (found.mtime() as u64).wrapping_mul(1_000_000_000) ^ found.mtime_nsec() as u64;
    Stamp {
        len: found.len(),
        version,
    }
}

fn fault(error: io::Error) -> Fault {
    Fault::Os(error.raw_os_error().unwrap_or_default())
}
