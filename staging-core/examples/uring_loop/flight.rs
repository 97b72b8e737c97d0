//! An action as a chain of calls, and how far along it is.

use super::ring::{Call, Descriptor, Got, Part};
use io_uring::types::OpenHow;
use staging_core::{Access, Completion, Fault, Key, Missing, NodeKind, Stamp};
use std::ffi::CString;
use std::mem::MaybeUninit;

/// What the call under way is for, and what the calls before it brought.
pub(crate) enum Flight {
    /// `Open` and `Fetch`: the descriptor is to come.
    Opening { up_to: Option<u64> },
    /// `Open` and `Fetch`: what has been opened?
    Meeting { up_to: Option<u64> },
    /// `Open` and `Fetch`: refused for what stands there. What is it?
    Naming { errno: i32 },
    /// `Fetch`: all the bytes are to come.
    Fetching { key: Key, before: Stamp },
    /// `Fetch`: is it still the version that was opened?
    Comparing {
        key: Key,
        before: Stamp,
        bytes: Vec<u8>,
    },
    /// `Fetch`: the bytes are in, the descriptor goes.
    Parting {
        key: Key,
        stamp: Stamp,
        bytes: Vec<u8>,
    },
    /// `Look`: the stamp is to come.
    Looking,
    /// `Load` of a file that says it is empty: has it really no byte?
    Probing,
    /// `Load`: a chunk is to come.
    Loading,
    /// `Load`: which version did the chunk come from?
    Stamping { contents: Vec<u8> },
    /// `Read`: the bytes are to come.
    Reading,
    /// `Write`: so many bytes are written, more are to come.
    Writing { done: u64 },
    /// `SetLength`: it is to come.
    Cutting,
    /// `Sync`: it is to come.
    Syncing,
    /// `Close`: the end is to come.
    Closing,
}

/// What follows a call.
pub(crate) enum Next {
    /// Another one.
    Call(Flight, Call),
    /// The end of the action.
    End(Completion, Brought),
}

/// What a completion cannot carry, because it is plain data.
pub(crate) enum Brought {
    Nothing,
    Descriptor(Descriptor),
    Bytes(Vec<u8>),
}

impl Flight {
    /// `Open`; with a length, `Fetch`. Nonblocking, or a pipe would wait for its writer.
    pub(crate) fn open(
        path: CString,
        access: Access,
        missing: Missing,
        up_to: Option<u64>,
    ) -> Next {
        let access = match access {
            Access::Read => libc::O_RDONLY,
            Access::Write | Access::WriteThrough | Access::WriteBehind => libc::O_RDWR,
        };
        let flags = access | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        let (create, mode) = match missing {
            Missing::Fail => (0, 0),
            Missing::Create => (libc::O_CREAT, 0o666),
            Missing::CreateNew => (libc::O_CREAT | libc::O_EXCL, 0o666),
        };
        let how = OpenHow::new().flags((flags | create) as u64).mode(mode);
        Next::Call(Flight::Opening { up_to }, Call::Open { path, how })
    }

    pub(crate) fn look(file: Descriptor) -> Next {
        Next::Call(Flight::Looking, stat(file))
    }

    /// The next chunk of a file. The first makes room for all.
    pub(crate) fn load(file: Descriptor, contents: Vec<u8>, chunk: [u64; 2], total: u64) -> Next {
        let [offset, len] = chunk;
        if total == 0 {
            let probe = Part {
                file,
                buffer: vec![0],
                to: 0..1,
                base: 0,
            };
            return Next::Call(Flight::Probing, Call::Read(probe));
        }
        let buffer = match offset {
            0 => vec![0; total as usize],
            _ => contents,
        };
        let to = offset as usize..(offset + len) as usize;
        let base = 0;
        Next::Call(
            Flight::Loading,
            Call::Read(Part {
                file,
                buffer,
                to,
                base,
            }),
        )
    }

    pub(crate) fn read(file: Descriptor, base: u64, len: u64) -> Next {
        let buffer = vec![0; len as usize];
        let to = 0..buffer.len();
        Next::Call(
            Flight::Reading,
            Call::Read(Part {
                file,
                buffer,
                to,
                base,
            }),
        )
    }

    pub(crate) fn write(file: Descriptor, buffer: Vec<u8>, base: u64) -> Next {
        let to = 0..buffer.len();
        let part = Part {
            file,
            buffer,
            to,
            base,
        };
        Next::Call(Flight::Writing { done: 0 }, Call::Write(part))
    }

    pub(crate) fn set_length(file: Descriptor, len: u64) -> Next {
        Next::Call(Flight::Cutting, Call::SetLength { file, len })
    }

    pub(crate) fn sync(file: Descriptor) -> Next {
        Next::Call(Flight::Syncing, Call::Sync { file })
    }

    pub(crate) fn close(file: Descriptor) -> Next {
        match Descriptor::into_inner(file) {
            Some(file) => Next::Call(Flight::Closing, Call::Close { file }),
            // Whoever still has it closes it. The machine never asks while a call uses it.
            None => Next::End(Completion::Closed, Brought::Nothing),
        }
    }

    /// A call ended. A failure ends the action; a descriptor on its way closes as it drops.
    pub(crate) fn next(self, got: Result<Got, i32>) -> Next {
        let got = match got {
            Err(errno) => return self.failed(Fault::Os(errno)),
            Ok(got) => got,
        };
        match (self, got) {
            // Until all is written.
            (Flight::Writing { done }, Got::Bytes { mut part, new }) => {
                part.to.start += new;
                let writing = Flight::Writing {
                    done: done + new as u64,
                };
                match (part.to.is_empty(), new) {
                    (true, _) => Next::End(Completion::Written, Brought::Nothing),
                    (false, 0) => writing.failed(Fault::Short),
                    (false, _) => Next::Call(writing, Call::Write(part)),
                }
            }
            // Until the buffer is full or the file ends.
            (reading, Got::Bytes { mut part, new }) if new > 0 && new < part.to.len() => {
                part.to.start += new;
                Next::Call(reading, Call::Read(part))
            }
            (Flight::Opening { up_to }, Got::Descriptor(file)) => {
                Next::Call(Flight::Meeting { up_to }, stat(Descriptor::new(file)))
            }
            (Flight::Meeting { up_to }, Got::Found { file, found }) => meet(file, &found, up_to),
            // A descriptor that is good for nothing but to look at what stands there.
            (Flight::Opening { .. }, Got::Refused { path, errno }) => {
                let how = OpenHow::new().flags((libc::O_PATH | libc::O_CLOEXEC) as u64);
                Next::Call(Flight::Naming { errno }, Call::Open { path, how })
            }
            (naming @ Flight::Naming { .. }, Got::Descriptor(file)) => {
                Next::Call(naming, stat(Descriptor::new(file)))
            }
            (Flight::Naming { errno }, Got::Found { found, .. }) => {
                failed(not_a_file(&found).map_or(Fault::Os(errno), Fault::NotAFile))
            }
            (Flight::Fetching { key, before }, Got::Bytes { part, new }) => {
                let Part {
                    file,
                    buffer: mut bytes,
                    to,
                    ..
                } = part;
                bytes.truncate(to.start + new);
                if before.len == 0 && new > 0 {
                    return failed(Fault::Unsized);
                }
                Next::Call(Flight::Comparing { key, before, bytes }, stat(file))
            }
            (Flight::Comparing { key, before, bytes }, Got::Found { file, found }) => {
                let stamp = stamp(&found);
                if stamp != before || bytes.len() as u64 != stamp.len {
                    return Next::End(Completion::Opened { key, stamp }, Brought::Descriptor(file));
                }
                match Flight::close(file) {
                    Next::Call(_, close) => {
                        Next::Call(Flight::Parting { key, stamp, bytes }, close)
                    }
                    Next::End(..) => fetched(key, stamp, bytes),
                }
            }
            (Flight::Parting { key, stamp, bytes }, Got::Done) => fetched(key, stamp, bytes),
            (Flight::Looking, Got::Found { found, .. }) => {
                let stamp = stamp(&found);
                Next::End(Completion::Looked { stamp }, Brought::Nothing)
            }
            (Flight::Probing, Got::Bytes { part, new: 0 }) => {
                let contents = Vec::new();
                Next::Call(Flight::Stamping { contents }, stat(part.file))
            }
            (Flight::Probing, Got::Bytes { .. }) => failed(Fault::Unsized),
            (Flight::Loading, Got::Bytes { part, new }) => match new == part.to.len() {
                true => Next::Call(
                    Flight::Stamping {
                        contents: part.buffer,
                    },
                    stat(part.file),
                ),
                false => failed(Fault::Truncated),
            },
            (Flight::Stamping { contents }, Got::Found { found, .. }) => {
                let stamp = stamp(&found);
                Next::End(Completion::Loaded { stamp }, Brought::Bytes(contents))
            }
            (Flight::Reading, Got::Bytes { part, new }) => {
                let bytes = (part.to.start + new) as u64;
                Next::End(Completion::Read { bytes }, Brought::Bytes(part.buffer))
            }
            (Flight::Cutting, Got::Done) => Next::End(Completion::LengthSet, Brought::Nothing),
            (Flight::Syncing, Got::Done) => Next::End(Completion::Synced, Brought::Nothing),
            (Flight::Closing, Got::Done) => Next::End(Completion::Closed, Brought::Nothing),
            // A call brings what it was made for; this does not come.
            (
                Flight::Opening { .. }
                | Flight::Meeting { .. }
                | Flight::Naming { .. }
                | Flight::Fetching { .. }
                | Flight::Comparing { .. }
                | Flight::Parting { .. }
                | Flight::Looking
                | Flight::Probing
                | Flight::Loading
                | Flight::Stamping { .. }
                | Flight::Reading
                | Flight::Writing { .. }
                | Flight::Cutting
                | Flight::Syncing
                | Flight::Closing,
                Got::Descriptor(_)
                | Got::Refused { .. }
                | Got::Found { .. }
                | Got::Bytes { .. }
                | Got::Done,
            ) => failed(Fault::Os(libc::EPROTO)),
        }
    }
}

impl Flight {
    /// The end, where a call failed. Of a write it matters what was written before.
    fn failed(&self, fault: Fault) -> Next {
        match *self {
            Flight::Writing { done: bytes } if bytes > 0 => {
                Next::End(Completion::CutShort { bytes, fault }, Brought::Nothing)
            }
            _ => failed(fault),
        }
    }
}

/// It is open: a regular file that is short enough is fetched, any other is only opened.
fn meet(file: Descriptor, found: &libc::statx, up_to: Option<u64>) -> Next {
    if let Some(node) = not_a_file(found) {
        return failed(Fault::NotAFile(node));
    }
    let device = u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor);
    // The number of an inode that is gone is given to another file.
    let seconds = found.stx_btime.tv_sec as u64;
    let born = seconds.wrapping_mul(1_000_000_000) ^ u64::from(found.stx_btime.tv_nsec);
    let (key, before) = (Key([device ^ born, found.stx_ino]), stamp(found));
    if up_to.is_none_or(|up_to| before.len > up_to) {
        let stamp = before;
        return Next::End(Completion::Opened { key, stamp }, Brought::Descriptor(file));
    }
    // One that says it is empty is asked for a byte: the kernel makes some up while they are read.
    let buffer = vec![0; before.len.max(1) as usize];
    let (to, base) = (0..buffer.len(), 0);
    let read = Call::Read(Part {
        file,
        buffer,
        to,
        base,
    });
    Next::Call(Flight::Fetching { key, before }, read)
}

fn not_a_file(found: &libc::statx) -> Option<NodeKind> {
    match u32::from(found.stx_mode) & libc::S_IFMT {
        libc::S_IFREG => None,
        libc::S_IFDIR => Some(NodeKind::Directory),
        libc::S_IFIFO => Some(NodeKind::Fifo),
        libc::S_IFSOCK => Some(NodeKind::Socket),
        libc::S_IFCHR | libc::S_IFBLK => Some(NodeKind::Device),
        _ => Some(NodeKind::Other),
    }
}

fn fetched(key: Key, stamp: Stamp, bytes: Vec<u8>) -> Next {
    Next::End(Completion::Fetched { key, stamp }, Brought::Bytes(bytes))
}

pub(crate) fn failed(fault: Fault) -> Next {
    Next::End(Completion::Failed { fault }, Brought::Nothing)
}

fn stat(file: Descriptor) -> Call {
    let found = Box::new(MaybeUninit::uninit());
    Call::Stat { file, found }
}

fn stamp(found: &libc::statx) -> Stamp {
    let modified = found.stx_mtime;
    let version = (modified.tv_sec as u64).rotate_left(30) ^ u64::from(modified.tv_nsec);
    let len = found.stx_size;
    Stamp { len, version }
}
