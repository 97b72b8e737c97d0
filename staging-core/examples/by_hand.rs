//! The whole loop by hand: a machine, `std::fs`, and no driver.
//!
//! Opens the files named on the command line (or this package's manifest), brings each into memory,
//! reads the beginning of each, shows it, and shuts down. The machine decides and sees only ids;
//! paths, descriptors and bytes stay here. One action is carried out at a time, and files are
//! loaded where a driver would also fetch and map.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use staging_core::*;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Instant, UNIX_EPOCH};
use std::{collections::HashMap, env, fs::File, io, path::PathBuf};

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
        let access = Access::Read;
        let open = Request::Open {
            access,
            missing,
            plan,
        };
        if let Reply::Opening { handle, .. } = machine.submit(now(), Tag(0), Tick::NEVER, open) {
            println!("{}", path.display());
            hands.paths.insert(handle, path);
            hands.work(&mut machine, &now);
            let (offset, len) = (0, 60);
            let read = Request::Read {
                handle,
                offset,
                len,
            };
            let _ = machine.submit(now(), Tag(len), Tick::NEVER, read);
            hands.work(&mut machine, &now);
        }
    }
    let _ = machine.shutdown(now(), Grace::default());
    hands.work(&mut machine, &now);
}

impl Hands {
    fn work(&mut self, machine: &mut Machine, now: &dyn Fn() -> Tick) {
        // 3. Drain: tell what is told, carry out what is to be done, and say how it ended.
        while let Some(action) = machine.poll_action() {
            match action {
                Action::Tell(tell) => self.tell(tell),
                Action::Perform { io, kind } => {
                    let mut opened = None;
                    let completion = self.perform(kind, &mut opened).unwrap_or_else(|error| {
                        let fault = error.raw_os_error().map_or(Fault::Truncated, Fault::Os);
                        Completion::Failed { fault }
                    });
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
    fn perform(&mut self, kind: IoKind, opened: &mut Option<File>) -> io::Result<Completion> {
        Ok(match kind {
            // A fetch may end like an open; then the file is loaded in chunks.
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => {
                let path = &self.paths[&handle];
                // Asked before it is opened, because opening a pipe would wait for a writer.
                if !path.metadata()?.is_file() {
                    let fault = Fault::NotAFile(NodeKind::Other);
                    return Ok(Completion::Failed { fault });
                }
                let file = opened.insert(File::open(path)?);
                let found = file.metadata()?;
                // The number of an inode that is gone is given to another file.
                let born = found.created().ok();
                let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
                let born = born.map_or(0, |born| born.as_nanos() as u64);
                let key = Key([found.dev() ^ born, found.ino()]);
                Completion::Opened {
                    key,
                    stamp: look(file)?,
                }
            }
            IoKind::Look { file } => Completion::Looked {
                stamp: look(&self.descriptors[&file])?,
            },
            // `Auto` loads what cannot be mapped.
            IoKind::Map { .. } => Completion::Failed {
                fault: Fault::NoMapping,
            },
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let contents = self.contents.entry(file).or_default();
                contents.resize(total as usize, 0);
                let chunk = &mut contents[offset as usize..(offset + len) as usize];
                self.descriptors[&file].read_exact_at(chunk, offset)?;
                Completion::Loaded {
                    stamp: look(&self.descriptors[&file])?,
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
                let bytes = self.descriptors[&file].read_at(buffer, offset)? as u64;
                Completion::Read { bytes }
            }
            // Only a handle that may write leads to these, and a replace or a lock that nobody here asks for.
            IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. }
            | IoKind::Replace { .. }
            | IoKind::Lock { .. } => {
                return Err(io::ErrorKind::Unsupported.into());
            }
            IoKind::Release { file } => {
                self.contents.remove(&file);
                Completion::Released { lent: 0 }
            }
            IoKind::Close { file } => {
                self.descriptors.remove(&file);
                Completion::Closed
            }
        })
    }

    fn tell(&mut self, tell: Tell) {
        let Tell::Resolve { op, tag, outcome } = tell else {
            return println!("{tell:?}");
        };
        let bytes = match outcome {
            Outcome::FromContents { file } => self.contents.get(&file).cloned(),
            _ => self.buffers.remove(&op),
        };
        let bytes = bytes.unwrap_or_default();
        let beginning = &bytes[..bytes.len().min(tag.0 as usize)];
        println!("  {outcome:?} {:?}", String::from_utf8_lossy(beginning));
    }
}

fn look(file: &File) -> io::Result<Stamp> {
    let found = file.metadata()?;
    let version = (found.mtime() as u64).rotate_left(30) ^ found.mtime_nsec() as u64;
    Ok(Stamp {
        len: found.len(),
        version,
    })
}
