//! An action under way: what it does to the disk, and when in its time.
//!
//! A real call takes effect at some moment between its beginning and its end, and a long one in
//! pieces. So each action is thrown a [`Moment`]: at once, at the end, or half and half, with
//! whatever others do in between.

use super::tables::Held;
use super::ticket::Ticket;
use crate::disk::Call;
use crate::disk::errno::EIO;
use crate::disk::{Covered, Disk, InodeId, Mark, Named, Opened, Temporary};
use crate::faults::Trouble;
use staging_core::{Completion, Existing, Fault, IoId, IoKind, LockStep, Missing, Stamp};
use std::sync::Arc;

/// An action in the hands of the disk.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) io: IoId,
    pub(super) kind: IoKind,
    /// Whose read, write or change of the length it is.
    pub(super) ticket: Option<Ticket>,
    pub(super) moment: Moment,
    pub(super) work: Work,
}

/// When an action takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    AtOnce,
    AtTheEnd,
    HalfAndHalf,
}

/// How much of an action is done in one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    Half,
    Whole,
}

impl Extent {
    const fn of(self, len: usize) -> usize {
        match self {
            Extent::Half => len / 2,
            Extent::Whole => len,
        }
    }
}

/// `pwrite` of the rest, whatever interrupts or comes short.
fn write(
    disk: &mut Disk,
    inode: InodeId,
    offset: u64,
    bytes: &[u8],
    done: &mut usize,
) -> Result<(), Fault> {
    while *done < bytes.len() {
        match disk.pwrite(inode, offset + *done as u64, &bytes[*done..]) {
            Ok(Call::Interrupted) => {}
            Ok(Call::Done(0)) => return Err(Fault::Short),
            Ok(Call::Done(written)) => *done += written,
            Err(errno) => return Err(Fault::Os(errno)),
        }
    }
    Ok(())
}

/// What an action needs, and what it has so far.
#[derive(Debug)]
pub(super) enum Work {
    Open {
        path: Arc<str>,
        missing: Missing,
        opened: Option<Result<Opened, Fault>>,
    },
    Fetch {
        path: Arc<str>,
        missing: Missing,
        up_to: u64,
        opened: Option<Result<Opened, Fault>>,
        read: Reading,
    },
    Look {
        inode: InodeId,
        stamp: Option<Stamp>,
    },
    Map {
        inode: InodeId,
    },
    Load {
        inode: InodeId,
        read: Reading,
    },
    /// A chunk of a mapping: nothing is copied.
    Populate {
        inode: InodeId,
        end: u64,
    },
    Read {
        inode: InodeId,
        read: Reading,
    },
    Write {
        inode: InodeId,
        offset: u64,
        bytes: Vec<u8>,
        done: usize,
        fault: Option<Fault>,
    },
    SetLength {
        inode: InodeId,
        len: u64,
        set: Option<Result<(), i32>>,
    },
    Sync {
        inode: InodeId,
        mark: Mark,
    },
    /// Temporary files, by one call.
    SyncFiles {
        files: Vec<(InodeId, Mark)>,
    },
    /// A temporary file with its first bytes.
    Create {
        path: Arc<str>,
        existing: Existing,
        bytes: Vec<u8>,
        made: Option<Result<Temporary, Fault>>,
        done: usize,
        fault: Option<Fault>,
    },
    /// Its name changes.
    Name {
        temporary: Temporary,
        name: Name,
        ended: Option<Result<Named, i32>>,
    },
    SyncDirectory {
        covered: Covered,
    },
    Lock {
        step: LockStep,
    },
    Release {
        held: Held,
    },
    Close {
        inode: InodeId,
    },
    /// It uses a descriptor that is not there.
    Lost,
}

/// What becomes of the name of a temporary file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    Published(Existing),
    Removed,
}

/// Bytes being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) offset: u64,
    pub(super) buffer: Vec<u8>,
    pub(super) done: usize,
    pub(super) ended: Result<(), i32>,
}

impl Reading {
    pub(super) fn of(offset: u64, len: u64) -> Reading {
        Reading {
            offset,
            buffer: vec![0; len as usize],
            done: 0,
            ended: Ok(()),
        }
    }

    /// `pread` until so far, whatever interrupts or comes short.
    fn go(&mut self, disk: &mut Disk, inode: InodeId, extent: Extent) {
        let until = match extent {
            Extent::Half => self.buffer.len() / 2,
            Extent::Whole => self.buffer.len(),
        };
        while self.done < until && self.ended.is_ok() {
            let at = self.offset + self.done as u64;
            match disk.pread(inode, at, &mut self.buffer[self.done..until]) {
                Ok(Call::Interrupted) => {}
                Ok(Call::Done(0)) => return,
                Ok(Call::Done(bytes)) => self.done += bytes,
                Err(errno) => self.ended = Err(errno),
            }
        }
    }
}

impl Work {
    /// Does it to the disk, or the half of it; what was done before is not done again.
    pub(super) fn go(&mut self, disk: &mut Disk, extent: Extent) {
        match self {
            Work::Open {
                path,
                missing,
                opened,
            } => {
                if extent == Extent::Whole && opened.is_none() {
                    *opened = Some(disk.open(path, *missing));
                }
            }
            Work::Fetch {
                path,
                missing,
                up_to,
                opened,
                read,
            } => {
                if opened.is_none() {
                    let found = disk.open(path, *missing);
                    if let Ok(found) = &found
                        && found.stamp.len <= *up_to
                    {
                        *read = Reading::of(0, found.stamp.len);
                    }
                    *opened = Some(found);
                }
                if let Some(Ok(found)) = opened {
                    read.go(disk, found.inode, extent);
                }
            }
            Work::Look { inode, stamp } => {
                if stamp.is_none() {
                    *stamp = Some(disk.stamp(*inode));
                }
            }
            Work::Load { inode, read } | Work::Read { inode, read } => {
                read.go(disk, *inode, extent);
            }
            Work::Write {
                inode,
                offset,
                bytes,
                done,
                fault,
            } => {
                if fault.is_none() {
                    let until = extent.of(bytes.len());
                    *fault = write(disk, *inode, *offset, &bytes[..until], done).err();
                }
            }
            Work::Create {
                path,
                existing,
                bytes,
                made,
                done,
                fault,
            } => {
                let made = made.get_or_insert_with(|| disk.make_temporary(path, *existing));
                if let (Ok(made), None) = (made, *fault) {
                    let until = extent.of(bytes.len());
                    *fault = write(disk, made.inode, 0, &bytes[..until], done).err();
                }
            }
            Work::Name {
                temporary,
                name,
                ended,
            } => {
                if extent == Extent::Whole && ended.is_none() {
                    *ended = Some(match name {
                        Name::Published(existing) => disk.publish(temporary, *existing),
                        Name::Removed => disk.discard(temporary).map(|()| Named::Surely),
                    });
                }
            }
            Work::SetLength { inode, len, set } => {
                if extent == Extent::Whole && set.is_none() {
                    *set = Some(disk.ftruncate(*inode, *len));
                }
            }
            // A mapping begins when it is made; the others end where they end.
            Work::Map { .. }
            | Work::Populate { .. }
            | Work::Sync { .. }
            | Work::SyncFiles { .. }
            | Work::SyncDirectory { .. }
            | Work::Lock { .. }
            | Work::Release { .. }
            | Work::Close { .. }
            | Work::Lost => {}
        }
    }

    /// It is done, wholly: what the driver says.
    pub(super) fn completion(&mut self, disk: &mut Disk) -> Completion {
        match self {
            Work::Open { opened, .. } => match opened {
                Some(Ok(opened)) => Completion::Opened {
                    key: Disk::key(opened.inode),
                    stamp: disk.stamp(opened.inode),
                },
                Some(Err(fault)) => Completion::Failed { fault: *fault },
                None => failed(EIO),
            },
            Work::Fetch {
                opened,
                up_to,
                read,
                ..
            } => fetched(disk, opened.as_ref(), *up_to, read),
            Work::Look { inode, stamp } => Completion::Looked {
                stamp: stamp.unwrap_or_else(|| disk.stamp(*inode)),
            },
            Work::Map { inode } => {
                disk.map(*inode);
                Completion::Mapped
            }
            Work::Load { inode, read } => match read.ended {
                Ok(()) => Completion::Loaded {
                    stamp: disk.stamp(*inode),
                },
                Err(errno) => failed(errno),
            },
            Work::Populate { inode, end } => match disk.is_intact(*inode, *end) {
                true => Completion::Loaded {
                    stamp: disk.stamp(*inode),
                },
                false => Completion::Failed {
                    fault: Fault::Truncated,
                },
            },
            Work::Read { read, .. } => match read.ended {
                Ok(()) => Completion::Read {
                    bytes: read.done as u64,
                },
                Err(errno) => failed(errno),
            },
            Work::Write { done, fault, .. } => match (*fault, *done as u64) {
                (None, _) => Completion::Written,
                (Some(fault), 0) => Completion::Failed { fault },
                (Some(fault), bytes) => Completion::CutShort { bytes, fault },
            },
            Work::SetLength { set, .. } => match set {
                Some(Err(errno)) => failed(*errno),
                Some(Ok(())) | None => Completion::LengthSet,
            },
            Work::Sync { inode, mark } => match disk.sync_ends(*inode, *mark) {
                Ok(()) => Completion::Synced,
                Err(errno) => failed(errno),
            },
            Work::SyncFiles { files } => {
                let mut synced = Ok(());
                for (inode, mark) in files {
                    synced = synced.and(disk.sync_ends(*inode, *mark));
                }
                synced.map_or_else(failed, |()| Completion::Synced)
            }
            Work::Create { made, fault, .. } => match (made, *fault) {
                // All are on the one disk that there is.
                (Some(Ok(_)), None) => Completion::Created { volume: Some(0) },
                // What cannot be finished is removed again.
                (Some(Ok(made)), Some(fault)) => {
                    let _ = disk.discard(made);
                    disk.close(made.inode);
                    Completion::Failed { fault }
                }
                (Some(Err(fault)), _) => Completion::Failed { fault: *fault },
                (None, _) => failed(EIO),
            },
            Work::Name {
                temporary,
                name,
                ended,
            } => match (ended, name) {
                (Some(Err(errno)), _) => failed(*errno),
                (Some(Ok(Named::NobodyKnows(errno))), _) => Completion::Unsure {
                    fault: Fault::Os(*errno),
                },
                (Some(Ok(Named::Surely)) | None, Name::Published(_)) => Completion::Published {
                    directory: Disk::directory_key(temporary),
                },
                (Some(Ok(Named::Surely)) | None, Name::Removed) => Completion::Discarded,
            },
            Work::SyncDirectory { covered } => match disk.directory_sync_ends(covered) {
                Ok(()) => Completion::Synced,
                Err(errno) => failed(errno),
            },
            Work::Lock { step } => match step {
                LockStep::Try { .. } if disk.strikes(Trouble::Broken) => failed(EIO),
                step => step.done(),
            },
            Work::Release { held } => Completion::Released { lent: lent(held) },
            Work::Close { inode } => {
                disk.close(*inode);
                Completion::Closed
            }
            Work::Lost => Completion::Failed { fault: Disk::BAD },
        }
    }
}

fn fetched(
    disk: &mut Disk,
    opened: Option<&Result<Opened, Fault>>,
    up_to: u64,
    read: &Reading,
) -> Completion {
    let opened = match opened {
        Some(Ok(opened)) => opened,
        Some(Err(fault)) => return Completion::Failed { fault: *fault },
        None => return failed(EIO),
    };
    let (key, stamp) = (Disk::key(opened.inode), disk.stamp(opened.inode));
    match read.ended {
        Err(errno) => {
            disk.close(opened.inode);
            failed(errno)
        }
        Ok(()) if stamp == opened.stamp && stamp.len <= up_to => {
            disk.close(opened.inode);
            Completion::Fetched { key, stamp }
        }
        Ok(()) => Completion::Opened { key, stamp },
    }
}

/// What of released contents somebody still holds, in bytes of the budget.
fn lent(held: &Held) -> u64 {
    match held {
        Held::Loaded(bytes) if Arc::strong_count(bytes) > 1 => {
            staging_core::charge_loaded(bytes.len() as u64)
        }
        Held::Loaded(_) | Held::Nothing | Held::Part(_) | Held::Mapped { .. } => 0,
    }
}

const fn failed(errno: i32) -> Completion {
    Completion::Failed {
        fault: Fault::Os(errno),
    }
}
