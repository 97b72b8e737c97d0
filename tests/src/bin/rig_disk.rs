//! The disk of the rig: a file system of one file, `disk`, by which a loop device is backed. Every block
//! that is written comes here as a write, every flush as a sync, and both are told to a log before they
//! are answered.
//!
//! `rig_disk IMAGE LOG MOUNTPOINT` serves until its standard input ends, so that it never outlives who
//! started it. It is a process of its own: whoever waits for a block of this disk cannot be the one who
//! has to serve it. A line on standard input orders a failure: `fail flush`, the next flush; `fail write
//! WORD`, the next write in which the word stands. It is answered by `ok`.

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};
use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tests::rig::{Entry, write_entry};

const DISK: INodeNo = INodeNo(2);
const FOREVER: Duration = Duration::from_secs(1 << 20);
/// What one write may bring at most.
const MOST: u32 = 1 << 20;

/// A failure that is ordered, and has not happened yet.
enum Ordered {
    Nothing,
    Flush,
    Write { word: Vec<u8> },
}

struct Disk {
    image: File,
    len: u64,
    log: Mutex<File>,
    ordered: Arc<Mutex<Ordered>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ordered {
    /// Whether this is what was to fail. It fails once.
    fn strikes(&mut self, entry: &Entry<'_>) -> bool {
        let strikes = match (&self, entry) {
            (Ordered::Flush, Entry::Flush) => true,
            (Ordered::Write { word }, Entry::Write { bytes, .. }) => {
                bytes.windows(word.len()).any(|part| part == word)
            }
            (Ordered::Nothing | Ordered::Flush | Ordered::Write { .. }, _) => false,
        };
        if strikes {
            *self = Ordered::Nothing;
        }
        strikes
    }

    fn of(line: &str) -> Option<Ordered> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["fail", "flush"] => Some(Ordered::Flush),
            ["fail", "write", word] => Some(Ordered::Write { word: word.into() }),
            _ => None,
        }
    }
}

impl Disk {
    fn about(&self, node: INodeNo) -> FileAttr {
        let (kind, perm, size) = match node {
            DISK => (FileType::RegularFile, 0o600, self.len),
            _ => (FileType::Directory, 0o700, 0),
        };
        FileAttr {
            ino: node,
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }

    /// Logs it and does it, unless it is to fail.
    fn take(&self, entry: &Entry<'_>) -> io::Result<()> {
        if lock(&self.ordered).strikes(entry) {
            return Err(rustix::io::Errno::IO.into());
        }
        if let Entry::Write { offset, bytes } = entry {
            self.image.write_all_at(bytes, *offset)?;
        }
        write_entry(&mut *lock(&self.log), entry)
    }
}

impl Filesystem for Disk {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // What it does not take is taken in smaller parts.
        let _ = config.set_max_write(MOST);
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if parent == INodeNo::ROOT && name == "disk" {
            reply.entry(&FOREVER, &self.about(DISK), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _request: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&FOREVER, &self.about(node));
    }

    fn open(&self, _request: &Request, _node: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // Nothing between the loop device and the log keeps a block back.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _request: &Request,
        _node: INodeNo,
        _handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let len = u64::from(size).min(self.len.saturating_sub(offset));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        match self.image.read_exact_at(&mut bytes, offset) {
            Ok(()) => reply.data(&bytes),
            Err(_) => reply.error(Errno::EIO),
        }
    }

    fn write(
        &self,
        _request: &Request,
        _node: INodeNo,
        _handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.take(&Entry::Write { offset, bytes }) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or(0)),
            Err(_) => reply.error(Errno::EIO),
        }
    }

    fn fsync(
        &self,
        _request: &Request,
        _node: INodeNo,
        _handle: FileHandle,
        _data_alone: bool,
        reply: ReplyEmpty,
    ) {
        match self.take(&Entry::Flush) {
            Ok(()) => reply.ok(),
            Err(_) => reply.error(Errno::EIO),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [image, log, at] = &words[..] else {
        return Err("rig_disk IMAGE LOG MOUNTPOINT".into());
    };
    let image = File::options().read(true).write(true).open(image)?;
    let ordered = Arc::new(Mutex::new(Ordered::Nothing));
    let disk = Disk {
        len: image.metadata()?.len(),
        image,
        log: Mutex::new(File::create(log)?),
        ordered: Arc::clone(&ordered),
    };
    let serving = fuser::spawn_mount(disk, at, &Config::default())?;
    let mut out = io::stdout();
    writeln!(out, "ok")?;
    for line in io::stdin().lock().lines() {
        let order = Ordered::of(&line?).ok_or("no such order")?;
        *lock(&ordered) = order;
        writeln!(out, "ok")?;
    }
    // Whoever is still waiting for a block is answered with an error when this process is gone.
    std::mem::forget(serving);
    Ok(())
}
