//! The disk: names, files, what the page cache shows and what would be left without it.
//!
//! ```text
//!   write ──► cached bytes ──────────────► every read, and every mapping
//!                │
//!                ├── changes, in order ─── a sync that began later takes them along
//!                ▼                          │
//!         power loss: any subset            ▼
//!         of them, torn at sectors ──► durable bytes and durable length
//! ```
//!
//! A write changes the cache, and is noted as a change. A sync that works moves the changes made
//! before it *began* to the durable image; one that fails forgets a part of them; one that lies
//! leaves them where they are. A power loss keeps any subset of the changes, each torn at sectors,
//! the length apart from the bytes, and forgets the cache. Names are durable by themselves: a new
//! one becomes so with the sync of its file ([`Faults::strict_names`](crate::Faults::strict_names)
//! says otherwise), a removed or replaced one may come back.

mod calls;
pub(crate) mod errno;
mod inode;
mod names;
mod publish;
mod stranger;
mod sweep;

use crate::dice::Dice;
use crate::faults::{Faults, Luck, Struck, Trouble};
use inode::Inode;
use names::{Entry, Names, Node};
use staging_core::NodeKind;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use inode::SECTOR;
pub use stranger::Stranger;

pub(crate) use calls::{Call, Opened};
pub(crate) use inode::Mark;
pub(crate) use names::absolute;
pub(crate) use publish::{Covered, Named, Temporary};

/// The number of a file on its disk; never used for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InodeId(pub u32);

/// A disk in memory.
///
/// Lay it out with [`put`](Disk::put) and the like before it is given to a
/// [`Stager`](crate::Stager) or a [`Simulation`](crate::Simulation); those look at it with
/// [`cached`](Disk::cached) and [`durable`](Disk::durable). A clone is a disk of its own with the
/// same future, so one moment can be cut in many ways.
#[derive(Clone, Debug)]
pub struct Disk {
    names: Names,
    inodes: Vec<Inode>,
    pub(crate) luck: Luck,
    /// How many changes there were.
    changes: u64,
    descriptors: u32,
    most_descriptors: u32,
    /// Bytes of all files, and the most there may be.
    used: u64,
    capacity: u64,
    power_losses: u64,
    /// How often whoever used it was gone: whose a temporary file is.
    lives: u64,
    /// The directories in which this life has looked for what others left.
    swept: BTreeSet<Box<str>>,
}

impl Disk {
    /// An empty disk without faults.
    pub fn new() -> Disk {
        Disk::faulty(Faults::none(), 0)
    }

    /// An empty disk with these faults, thrown by this seed.
    pub fn faulty(faults: Faults, seed: u64) -> Disk {
        Disk {
            names: Names::default(),
            inodes: Vec::new(),
            luck: Luck::new(faults, seed),
            changes: 0,
            descriptors: 0,
            most_descriptors: u32::MAX,
            used: 0,
            capacity: u64::MAX,
            power_losses: 0,
            lives: 0,
            swept: BTreeSet::new(),
        }
    }

    /// Bytes that all files together may have; then a write is ENOSPC.
    #[must_use]
    pub const fn capacity(mut self, bytes: u64) -> Disk {
        self.capacity = bytes;
        self
    }

    /// Descriptors that may be open at once; then an open is EMFILE.
    #[must_use]
    pub const fn descriptors(mut self, most: u32) -> Disk {
        self.most_descriptors = most;
        self
    }

    /// Other faults from now on. What was counted stays.
    pub fn set_faults(&mut self, faults: Faults) {
        self.luck.faults = faults;
    }

    /// A file, durable as it is. What stood under this name is gone.
    pub fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> InodeId {
        let inode = self.create(bytes.into());
        self.stand(path, Node::File(inode));
        inode
    }

    /// A directory. Those above it are not made by that.
    pub fn directory(&mut self, path: &str) {
        self.stand(path, Node::Directory);
    }

    /// A pipe, a socket or a device.
    pub fn odd(&mut self, path: &str, kind: NodeKind) {
        self.stand(path, Node::Odd(kind));
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.stand(path, Node::Link(target.into()));
    }

    /// Another name of a file that there is. Says whether there is one.
    pub fn hard_link(&mut self, path: &str, of: &str) -> bool {
        let Some(inode) = self.inode(of) else {
            return false;
        };
        self.stand(path, Node::File(inode));
        true
    }

    /// Puts a node under a name, now and durably.
    fn stand(&mut self, path: &str, node: Node) {
        let entry = Entry {
            now: Some(node.clone()),
            durable: Some(node),
        };
        self.put_entry(&absolute(path), entry);
    }

    /// A name leads elsewhere from now on, until a power loss.
    fn lead_to(&mut self, path: &str, now: Option<Node>) {
        let durable = self.names.entry(path).durable.clone();
        self.put_entry(path, Entry { now, durable });
    }

    /// Changes where a name leads; a file to which none leads any more goes.
    fn put_entry(&mut self, path: &str, entry: Entry) {
        self.count(&entry, 1);
        let before = std::mem::replace(self.names.entry(path), entry);
        self.count(&before, -1);
    }

    /// A name keeps a file while it leads there, or would after a power loss.
    fn count(&mut self, entry: &Entry, by: i32) {
        for node in [&entry.now, &entry.durable] {
            if let Some(Node::File(inode)) = node {
                let file = &mut self.inodes[inode.0 as usize];
                file.names = file.names.saturating_add_signed(by);
                self.forget_if_gone(*inode);
            }
        }
    }

    fn forget_if_gone(&mut self, inode: InodeId) {
        let file = &mut self.inodes[inode.0 as usize];
        if file.names == 0 && file.descriptors == 0 {
            self.used -= file.len();
            *file = Inode::default();
        }
    }

    fn create(&mut self, bytes: Vec<u8>) -> InodeId {
        self.used += bytes.len() as u64;
        self.inodes.push(Inode::of(bytes));
        self.changes += 1;
        let id = InodeId(self.inodes.len() as u32 - 1);
        self.inodes[id.0 as usize].version = self.changes;
        id
    }

    /// The file that a path leads to now, over links.
    pub fn inode(&self, path: &str) -> Option<InodeId> {
        self.names.file(&absolute(path))
    }

    /// The bytes of a file as every reader sees them now.
    pub fn cached(&self, path: &str) -> Option<&[u8]> {
        self.inode(path).map(|inode| self.cached_of(inode))
    }

    /// The bytes of a file that are there whatever happens: what a power loss leaves that keeps
    /// nothing of what no sync covered. `None` where the name itself may be lost.
    pub fn durable(&self, path: &str) -> Option<Vec<u8>> {
        match &self.names.entries.get(&absolute(path))?.durable {
            Some(Node::File(inode)) => {
                let (bytes, len) = self.durable_of(*inode);
                let mut bytes = bytes.to_vec();
                bytes.resize(len as usize, 0);
                Some(bytes)
            }
            _ => None,
        }
    }

    /// Like [`cached`](Disk::cached), of a file by its number.
    pub fn cached_of(&self, inode: InodeId) -> &[u8] {
        &self.inodes[inode.0 as usize].cached
    }

    /// The durable bytes and the durable length of a file by its number. Where there are fewer
    /// bytes, zeros follow.
    pub fn durable_of(&self, inode: InodeId) -> (&[u8], u64) {
        self.inodes[inode.0 as usize].durable()
    }

    /// Whether there is such a file: one without a name is there while it is open.
    pub fn exists(&self, inode: InodeId) -> bool {
        let file = self.inodes.get(inode.0 as usize);
        file.is_some_and(|file| file.names > 0 || file.descriptors > 0)
    }

    /// Every path under which there is a file now, in order.
    pub fn files(&self) -> impl Iterator<Item = (&Arc<str>, InodeId)> {
        let names = self.names.entries.iter();
        names.filter_map(|(path, entry)| match entry.now {
            Some(Node::File(inode)) => Some((path, inode)),
            Some(Node::Directory | Node::Odd(_) | Node::Link(_)) | None => None,
        })
    }

    /// How often each trouble was possible so far, and came.
    pub const fn struck(&self) -> &Struck {
        &self.luck.struck
    }

    /// Descriptors that are open.
    pub const fn open_descriptors(&self) -> u32 {
        self.descriptors
    }

    /// How often the power was lost.
    pub const fn power_losses(&self) -> u64 {
        self.power_losses
    }

    /// The power is lost, and comes back: of what no sync covered any subset is there, torn at
    /// sectors; of names that changed since, either; nothing is open.
    pub fn power_loss(&mut self) {
        self.power_losses += 1;
        self.begin_anew();
        self.descriptors = 0;
        let dice: &mut Dice = &mut self.luck.dice;
        for inode in &mut self.inodes {
            if inode.names > 0 {
                inode.power_loss(dice);
            }
        }
        for entry in self.names.entries.values_mut() {
            if entry.now != entry.durable && dice.permille(500) {
                entry.durable = entry.now.take();
            }
            entry.now = entry.durable.clone();
        }
        self.recount();
    }

    /// Whoever had descriptors is gone.
    pub(crate) fn forget_descriptors(&mut self) {
        self.begin_anew();
        self.descriptors = 0;
        for at in 0..self.inodes.len() {
            self.inodes[at].descriptors = 0;
            self.forget_if_gone(InodeId(at as u32));
        }
    }

    /// Whoever uses it from now on is another.
    fn begin_anew(&mut self) {
        self.lives += 1;
        self.swept.clear();
    }

    fn recount(&mut self) {
        for inode in &mut self.inodes {
            inode.names = 0;
            inode.descriptors = 0;
        }
        for entry in self.names.entries.values() {
            for node in [&entry.now, &entry.durable] {
                if let Some(Node::File(inode)) = node {
                    self.inodes[inode.0 as usize].names += 1;
                }
            }
        }
        self.names.entries.retain(|_, entry| entry.now.is_some());
        self.used = 0;
        for inode in &mut self.inodes {
            if inode.names == 0 {
                *inode = Inode::default();
            }
            self.used += inode.len();
        }
    }

    /// Whether this trouble comes now.
    pub(crate) fn strikes(&mut self, trouble: Trouble) -> bool {
        self.luck.strikes(trouble)
    }
}

impl Default for Disk {
    fn default() -> Self {
        Disk::new()
    }
}
