//! The system calls that a driver makes, each with what can go wrong with it.

use super::errno::{EBADF, EFBIG, EIO, EMFILE, ENOSPC};
use super::inode::Mark;
use super::names::{Led, Node};
use super::{Disk, InodeId};
use crate::faults::Trouble;
use staging_core::{Fault, Key, Missing, Stamp};
use std::sync::Arc;

/// The device that this disk is.
const DEVICE: u64 = 0x51;
/// No file of a simulation is longer: its bytes are in memory.
const MOST: u64 = 1 << 32;

/// What an open found.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) inode: InodeId,
    /// Where it is, if the path led over links.
    pub(crate) real: Option<Arc<str>>,
    pub(crate) stamp: Stamp,
}

/// What a call says that was interrupted, and is to be made again.
pub(crate) enum Call<T> {
    Done(T),
    Interrupted,
}

impl Disk {
    /// Whether there is a descriptor, and the disk can be read.
    pub(super) fn may_open(&mut self) -> Result<(), Fault> {
        if self.strikes(Trouble::NoDescriptors) || self.descriptors >= self.most_descriptors {
            return Err(Fault::Os(EMFILE));
        }
        if self.strikes(Trouble::Broken) {
            return Err(Fault::Os(EIO));
        }
        Ok(())
    }

    /// `openat2`, `fstat`.
    pub(crate) fn open(&mut self, path: &Arc<str>, missing: Missing) -> Result<Opened, Fault> {
        while self.strikes(Trouble::Interrupted) {}
        self.may_open()?;
        let (inode, real) = match self.names.lead(path, missing)? {
            Led::File(inode, real) => (inode, real),
            Led::Free(free) => {
                let inode = self.create(Vec::new());
                self.lead_to(&free, Some(Node::File(inode)));
                let real = (free != *path).then_some(free);
                (inode, real)
            }
        };
        self.inodes[inode.0 as usize].descriptors += 1;
        self.descriptors += 1;
        let stamp = self.stamp(inode);
        Ok(Opened { inode, real, stamp })
    }

    /// `close`.
    pub(crate) fn close(&mut self, inode: InodeId) {
        let file = &mut self.inodes[inode.0 as usize];
        file.descriptors = file.descriptors.saturating_sub(1);
        self.descriptors = self.descriptors.saturating_sub(1);
        self.forget_if_gone(inode);
    }

    /// What tells files apart.
    pub(crate) const fn key(inode: InodeId) -> Key {
        Key([DEVICE, inode.0 as u64])
    }

    /// `fstat`.
    pub(crate) fn stamp(&self, inode: InodeId) -> Stamp {
        let file = &self.inodes[inode.0 as usize];
        Stamp {
            len: file.len(),
            version: file.version,
        }
    }

    /// `pread`. 0 at the end.
    pub(crate) fn pread(
        &mut self,
        inode: InodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<Call<usize>, i32> {
        if self.strikes(Trouble::Interrupted) {
            return Ok(Call::Interrupted);
        }
        if self.strikes(Trouble::Broken) {
            return Err(EIO);
        }
        let rest = self.inodes[inode.0 as usize].len().saturating_sub(offset);
        let mut most = buffer.len().min(rest as usize);
        if most > 1 && self.strikes(Trouble::Short) {
            most = self.luck.dice.between(1, most as u64 - 1) as usize;
        }
        let from = offset.min(self.inodes[inode.0 as usize].len()) as usize;
        let bytes = &self.inodes[inode.0 as usize].cached[from..from + most];
        buffer[..most].copy_from_slice(bytes);
        Ok(Call::Done(most))
    }

    /// `pwrite`.
    pub(crate) fn pwrite(
        &mut self,
        inode: InodeId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Call<usize>, i32> {
        if self.strikes(Trouble::Interrupted) {
            return Ok(Call::Interrupted);
        }
        let mut most = bytes.len();
        if self.strikes(Trouble::WriteBroken) {
            return Err(EIO);
        }
        if self.strikes(Trouble::NoSpace) {
            return Err(ENOSPC);
        }
        if most > 1 && self.strikes(Trouble::Short) {
            most = self.luck.dice.between(1, most as u64 - 1) as usize;
        }
        let end = offset.checked_add(most as u64).filter(|end| *end <= MOST);
        let end = end.ok_or(EFBIG)?;
        let len = self.inodes[inode.0 as usize].len();
        let growth = end.saturating_sub(len);
        let room = self.capacity.saturating_sub(self.used);
        if growth > room {
            let fits = (len + room).saturating_sub(offset);
            most = most.min(fits as usize);
            if most == 0 {
                return Err(ENOSPC);
            }
        }
        let file = &mut self.inodes[inode.0 as usize];
        file.write(self.changes, offset as usize, &bytes[..most]);
        self.used += file.len() - len;
        self.changes += 1;
        Ok(Call::Done(most))
    }

    /// `ftruncate`.
    pub(crate) fn ftruncate(&mut self, inode: InodeId, len: u64) -> Result<(), i32> {
        while self.strikes(Trouble::Interrupted) {}
        if self.strikes(Trouble::Broken) {
            return Err(EIO);
        }
        if len > MOST {
            return Err(EFBIG);
        }
        self.cut(inode, len);
        Ok(())
    }

    pub(super) fn cut(&mut self, inode: InodeId, len: u64) {
        let file = &mut self.inodes[inode.0 as usize];
        self.used = self.used - file.len() + len;
        file.set_len(self.changes, len);
        self.changes += 1;
    }

    /// An `fsync` begins: it covers what was done until now.
    pub(crate) fn sync_begins(&self, inode: InodeId) -> Mark {
        self.inodes[inode.0 as usize].mark(self.changes)
    }

    /// It ends.
    pub(crate) fn sync_ends(&mut self, inode: InodeId, mark: Mark) -> Result<(), i32> {
        if self.strikes(Trouble::SyncFails) {
            let kept = self.luck.dice.one_of(&[0, 500]);
            let file = &mut self.inodes[inode.0 as usize];
            file.lost(mark, kept, &mut self.luck.dice);
            return Err(EIO);
        }
        if self.strikes(Trouble::SyncLies) {
            return Ok(());
        }
        let file = &mut self.inodes[inode.0 as usize];
        if self.luck.strikes(Trouble::SyncDrops) {
            file.lost(mark, 0, &mut self.luck.dice);
            return Ok(());
        }
        file.synced(mark);
        if !self.luck.faults.strict_names {
            self.settle_names(inode);
        }
        Ok(())
    }

    /// The names under which the file is new are durable.
    fn settle_names(&mut self, inode: InodeId) {
        let file = &self.inodes[inode.0 as usize];
        if file.named_durably {
            return;
        }
        self.inodes[inode.0 as usize].named_durably = true;
        let is_new = |entry: &super::Entry| {
            entry.now == Some(Node::File(inode)) && entry.durable != entry.now
        };
        let mut gone = Vec::new();
        for entry in self.names.entries.values_mut() {
            if is_new(entry) {
                let before = entry.durable.replace(Node::File(inode));
                self.inodes[inode.0 as usize].names += 1;
                gone.extend(before);
            }
        }
        for node in gone {
            if let Node::File(other) = node {
                self.inodes[other.0 as usize].names -= 1;
                self.forget_if_gone(other);
            }
        }
    }

    /// `mmap`: from now on it is noted how short the file gets.
    pub(crate) fn map(&mut self, inode: InodeId) {
        let file = &mut self.inodes[inode.0 as usize];
        file.shortest = file.len();
    }

    /// Whether a mapping of this length lost bytes (G6).
    pub(crate) fn is_intact(&self, inode: InodeId, len: u64) -> bool {
        self.inodes[inode.0 as usize].shortest >= len
    }

    /// What a call on a descriptor says that is not there.
    pub(crate) const BAD: Fault = Fault::Os(EBADF);
}
