//! The steps of a replace: a file under a name that is not its own yet, then under the target's, and the
//! sync of the directory that makes names durable.

use super::errno::{EEXIST, EIO};
use super::names::{Led, Node};
use super::{Disk, Entry, InodeId};
use crate::faults::Trouble;
use staging_core::{Existing, Fault, Key, Missing};
use std::sync::Arc;

/// The device of directories, which have no inodes here.
const DIRECTORIES: u64 = 0x52;

/// A file that is to take the place of another.
#[derive(Clone, Debug)]
pub(crate) struct Temporary {
    pub(crate) inode: InodeId,
    name: Arc<str>,
    /// Where the target really is.
    pub(crate) target: Arc<str>,
}

/// Whether a name was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    Surely,
    /// The system said this, and the name may be given all the same.
    NobodyKnows(i32),
}

/// What a sync of a directory covers: its names that changed, as they were when it began.
#[derive(Debug)]
pub(crate) struct Covered {
    names: Vec<(Arc<str>, Option<Node>)>,
}

impl Disk {
    /// `openat` of a new file beside what a path leads to.
    pub(crate) fn make_temporary(
        &mut self,
        path: &Arc<str>,
        existing: Existing,
    ) -> Result<Temporary, Fault> {
        self.may_open()?;
        let missing = match existing {
            Existing::Replace | Existing::ReplaceLink => Missing::Create,
            Existing::Fail => Missing::CreateNew,
        };
        let is_link = matches!(self.names.node(path), Some(Node::Link(_)));
        let itself = is_link && existing == Existing::ReplaceLink;
        let target = match self.names.lead(path, missing) {
            _ if itself => Arc::clone(path),
            Err(fault) => return Err(fault),
            Ok(led) => Disk::target_of(led, path),
        };
        let directory = parent(&target);
        self.sweep_once(directory);
        let inode = self.create(Vec::new());
        let name = self.temporary_name(directory, inode.0);
        self.lead_to(&name, Some(Node::File(inode)));
        self.inodes[inode.0 as usize].descriptors += 1;
        self.descriptors += 1;
        Ok(Temporary {
            inode,
            name,
            target,
        })
    }

    fn target_of(led: Led, path: &Arc<str>) -> Arc<str> {
        match led {
            Led::File(_, real) => real.unwrap_or_else(|| Arc::clone(path)),
            Led::Free(free) => free,
        }
    }

    /// `rename`; where nothing may be there, `link`. Whether it was done, where that cannot be found out: the
    /// system said EIO.
    pub(crate) fn publish(&mut self, file: &Temporary, existing: Existing) -> Result<Named, i32> {
        if self.strikes(Trouble::Broken) {
            return Err(EIO);
        }
        if self.strikes(Trouble::RequestLost) {
            return Ok(Named::NobodyKnows(EIO));
        }
        if existing == Existing::Fail && self.names.node(&file.target).is_some() {
            return Err(EEXIST);
        }
        self.lead_to(&file.target, Some(Node::File(file.inode)));
        self.lead_to(&file.name, None);
        match self.strikes(Trouble::ReplyLost) {
            true => Ok(Named::NobodyKnows(EIO)),
            false => Ok(Named::Surely),
        }
    }

    /// `unlink`, of what is still there.
    pub(crate) fn discard(&mut self, file: &Temporary) -> Result<(), i32> {
        if self.strikes(Trouble::Broken) {
            return Err(EIO);
        }
        if self.names.node(&file.name).is_none() {
            return Ok(());
        }
        self.lead_to(&file.name, None);
        Ok(())
    }

    /// What the directory is in which a file is published.
    pub(crate) fn directory_key(file: &Temporary) -> Key {
        // FNV-1a: no two directories of a test have the same.
        let spread = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let name = parent(&file.target).bytes();
        Key([DIRECTORIES, name.fold(0xcbf2_9ce4_8422_2325, spread)])
    }

    /// An `fsync` of the directory begins: it covers the names that were changed until now.
    pub(crate) fn directory_sync_begins(&self, file: &Temporary) -> Covered {
        let directory = parent(&file.target);
        let changed = |(path, entry): (&Arc<str>, &Entry)| {
            let here = parent(path) == directory && entry.now != entry.durable;
            here.then(|| (Arc::clone(path), entry.now.clone()))
        };
        Covered {
            names: self.names.entries.iter().filter_map(changed).collect(),
        }
    }

    /// It ends.
    pub(crate) fn directory_sync_ends(&mut self, covered: &mut Covered) -> Result<(), i32> {
        if self.strikes(Trouble::SyncFails) {
            return Err(EIO);
        }
        if self.strikes(Trouble::SyncLies) || self.strikes(Trouble::SyncDrops) {
            return Ok(());
        }
        for (path, node) in covered.names.drain(..) {
            let now = self.names.entry(&path).now.clone();
            let durable = match node {
                // Nothing leads there any more: what does now is durable instead.
                Some(Node::File(inode)) if !self.exists(inode) => now.clone(),
                node => node,
            };
            self.put_entry(&path, Entry { now, durable });
        }
        Ok(())
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
