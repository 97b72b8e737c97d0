//! What a worker does for an action: system calls and nothing else. They may block for as long as
//! a disk likes, but not on a pipe without a writer.

use staging_core::{Access, Completion, Fault, Key, Missing, NodeKind, Stamp};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::{fs::File, fs::Metadata, io, path::Path, sync::Arc, time::UNIX_EPOCH};

/// How an action ended, and what it brought.
pub(crate) type Call = Result<(Completion, Brought), Fault>;

/// What a completion cannot carry, because it is plain data.
#[derive(Default)]
pub(crate) struct Brought {
    pub(crate) descriptor: Option<File>,
    pub(crate) bytes: Vec<u8>,
}

impl From<Vec<u8>> for Brought {
    fn from(bytes: Vec<u8>) -> Brought {
        let descriptor = None;
        Brought { descriptor, bytes }
    }
}

pub(crate) fn open(path: &Path, access: Access, missing: Missing) -> Call {
    let (file, key) = open_regular(path, access, missing)?;
    let stamp = stamp(&file)?;
    Ok(opened(file, key, stamp))
}

/// A small file, whole, in one go. What is longer or changed meanwhile is only opened.
pub(crate) fn fetch(path: &Path, missing: Missing, up_to: u64) -> Call {
    let (file, key) = open_regular(path, Access::Read, missing)?;
    let before = stamp(&file)?;
    if before.len > up_to {
        return Ok(opened(file, key, before));
    }
    if before.len == 0 {
        holds_nothing(&file)?;
    }
    let mut bytes = vec![0; before.len as usize];
    let whole = file.read_exact_at(&mut bytes, 0).is_ok();
    let stamp = stamp(&file)?;
    if whole && stamp == before {
        Ok((Completion::Fetched { key, stamp }, bytes.into()))
    } else {
        Ok(opened(file, key, stamp))
    }
}

pub(crate) fn look(file: &File) -> Call {
    let stamp = stamp(file)?;
    Ok((Completion::Looked { stamp }, Brought::default()))
}

/// The next chunk. The first makes room for all.
pub(crate) fn load(file: &File, mut contents: Vec<u8>, offset: u64, len: u64, total: u64) -> Call {
    if total == 0 {
        holds_nothing(file)?;
    }
    if offset == 0 {
        contents = vec![0; total as usize];
    }
    let chunk = &mut contents[offset as usize..(offset + len) as usize];
    file.read_exact_at(chunk, offset).map_err(fault)?;
    let stamp = stamp(file)?;
    Ok((Completion::Loaded { stamp }, contents.into()))
}

/// Files that the kernel makes up while they are read say that they are empty, and are not.
fn holds_nothing(file: &File) -> Result<(), Fault> {
    match file.read_at(&mut [0], 0).map_err(fault)? {
        0 => Ok(()),
        _ => Err(Fault::Unsized),
    }
}

/// Until the buffer is full or the file ends.
pub(crate) fn read(file: &File, offset: u64, len: u64) -> Call {
    let mut buffer = vec![0; len as usize];
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(error)),
        }
    }
    let bytes = done as u64;
    Ok((Completion::Read { bytes }, buffer.into()))
}

/// All of it, or as much as the system takes.
pub(crate) fn write(file: &File, bytes: &[u8], offset: u64) -> Call {
    let mut done = 0;
    while done < bytes.len() {
        let fault = match file.write_at(&bytes[done..], offset + done as u64) {
            Ok(more) if more > 0 => {
                done += more;
                continue;
            }
            Ok(_) => Fault::Short,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => fault(error),
        };
        let bytes = done as u64;
        return match done {
            0 => Err(fault),
            _ => Ok((Completion::CutShort { bytes, fault }, Brought::default())),
        };
    }
    Ok((Completion::Written, Brought::default()))
}

pub(crate) fn set_length(file: &File, len: u64) -> Call {
    file.set_len(len).map_err(fault)?;
    Ok((Completion::LengthSet, Brought::default()))
}

pub(crate) fn sync(file: &File) -> Call {
    file.sync_all().map_err(fault)?;
    Ok((Completion::Synced, Brought::default()))
}

pub(crate) fn close(file: Option<Arc<File>>) -> Call {
    drop(file);
    Ok((Completion::Closed, Brought::default()))
}

fn opened(file: File, key: Key, stamp: Stamp) -> (Completion, Brought) {
    let (descriptor, bytes) = (Some(file), Vec::new());
    (
        Completion::Opened { key, stamp },
        Brought { descriptor, bytes },
    )
}

/// When the file was made: the number of an inode that is gone is given to another file.
fn born(found: &Metadata) -> u64 {
    let born = found.created().ok();
    let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    born.map_or(0, |born| born.as_nanos() as u64)
}

/// Nonblocking, or a pipe would wait for its writer; regular, or it is not ours.
fn open_regular(path: &Path, access: Access, missing: Missing) -> Result<(File, Key), Fault> {
    let create = match missing {
        Missing::Fail => 0,
        Missing::Create => libc::O_CREAT,
        Missing::CreateNew => libc::O_CREAT | libc::O_EXCL,
    };
    let mut options = File::options();
    options.read(true).write(access.may_write());
    options.custom_flags(libc::O_NONBLOCK | create);
    let file = options.open(path).map_err(|error| refused(path, error))?;
    let found = file.metadata().map_err(fault)?;
    match not_a_file(&found) {
        None => Ok((file, Key([found.dev() ^ born(&found), found.ino()]))),
        Some(node) => Err(Fault::NotAFile(node)),
    }
}

/// A socket is never opened, nor a directory to be written or created: they are known by their path.
fn refused(path: &Path, error: io::Error) -> Fault {
    let found = match error.raw_os_error() {
        Some(libc::EISDIR | libc::ENXIO) => path.metadata().ok(),
        _ => None,
    };
    let node = found.as_ref().and_then(not_a_file);
    node.map_or_else(|| fault(error), Fault::NotAFile)
}

fn not_a_file(found: &Metadata) -> Option<NodeKind> {
    match found.file_type() {
        node if node.is_file() => None,
        node if node.is_dir() => Some(NodeKind::Directory),
        node if node.is_fifo() => Some(NodeKind::Fifo),
        node if node.is_socket() => Some(NodeKind::Socket),
        node if node.is_char_device() || node.is_block_device() => Some(NodeKind::Device),
        _ => Some(NodeKind::Other),
    }
}

fn stamp(file: &File) -> Result<Stamp, Fault> {
    let found = file.metadata().map_err(fault)?;
    let version = (found.mtime() as u64).rotate_left(30) ^ found.mtime_nsec() as u64;
    let len = found.len();
    Ok(Stamp { len, version })
}

/// The system's number; only a file that ended early has none.
fn fault(error: io::Error) -> Fault {
    error.raw_os_error().map_or(Fault::Truncated, Fault::Os)
}
