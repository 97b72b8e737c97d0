//! A disk in memory: names that lead to inodes, and inodes that have a length and a version.

use super::dice::Dice;
use staging_core::{Fault, Key, Missing, Stamp};

const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const EEXIST: i32 = 17;
const EMFILE: i32 = 24;
/// What a disk may fail with.
pub(crate) const ERRNOS: [i32; 4] = [ENOENT, EIO, EACCES, EMFILE];
/// Lengths on both sides of every border: of a page, of a chunk, of a fetch.
const LENGTHS: [u64; 8] = [0, 1, 100, 4096, 4097, 9_000, 12_288, 20_000];

/// The device on which all of it stands.
const DEVICE: u64 = 7;

struct Name {
    inode: Option<usize>,
    fault: Option<i32>,
}

/// Names, by number, and what they lead to.
pub(crate) struct Disk {
    names: Vec<Name>,
    inodes: Vec<Stamp>,
    /// The greatest length that any file ever had.
    pub(crate) longest: u64,
}

impl Disk {
    pub(crate) fn new(names: usize, dice: &mut Dice) -> Disk {
        let mut disk = Disk {
            names: Vec::new(),
            inodes: Vec::new(),
            longest: 20_000,
        };
        for _ in 0..names {
            let inode = disk.create(dice.one_of(&LENGTHS));
            disk.names.push(Name {
                inode: Some(inode),
                fault: None,
            });
        }
        disk
    }

    pub(crate) fn names(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn stamp(&self, inode: usize) -> Stamp {
        self.inodes[inode]
    }

    pub(crate) fn key(inode: usize) -> Key {
        Key([DEVICE, inode as u64])
    }

    pub(crate) fn open(&mut self, name: usize, missing: Missing) -> Result<usize, Fault> {
        if let Some(errno) = self.names[name].fault {
            return Err(Fault::Os(errno));
        }
        match (self.names[name].inode, missing) {
            (Some(_), Missing::CreateNew) => Err(Fault::Os(EEXIST)),
            (Some(inode), Missing::Fail | Missing::Create) => Ok(inode),
            (None, Missing::Fail) => Err(Fault::Os(ENOENT)),
            (None, Missing::Create | Missing::CreateNew) => {
                let inode = self.create(0);
                self.names[name].inode = Some(inode);
                Ok(inode)
            }
        }
    }

    /// Somebody else does something to the disk.
    pub(crate) fn meddle(&mut self, dice: &mut Dice) -> String {
        let name = dice.below(self.names.len());
        let len = dice.one_of(&LENGTHS);
        let said = match dice.below(7) {
            0 => {
                self.names[name].inode = None;
                "vanishes".into()
            }
            1 => {
                self.names[name].inode = Some(self.create(len));
                format!("is replaced, {len} bytes")
            }
            2 => {
                self.names[name].fault = Some(dice.one_of(&ERRNOS));
                "begins to fail".into()
            }
            3 => {
                self.names[name].fault = None;
                "is well again".into()
            }
            4 => {
                let other = dice.below(self.names.len());
                self.names[name].inode = self.names[other].inode;
                format!("becomes a link to what n{other} is")
            }
            _ => match self.names[name].inode {
                Some(inode) => {
                    let version = self.inodes[inode].version + 1;
                    self.inodes[inode] = Stamp { len, version };
                    format!("changes to {len} bytes")
                }
                None => "is still missing".into(),
            },
        };
        format!("n{name} {said}")
    }

    /// We write.
    pub(crate) fn write(&mut self, inode: usize, end: u64) {
        let stamp = &mut self.inodes[inode];
        stamp.len = stamp.len.max(end);
        self.longest = self.longest.max(end);
        stamp.version += 1;
    }

    /// We set the length.
    pub(crate) fn set_len(&mut self, inode: usize, len: u64) {
        let version = self.inodes[inode].version + 1;
        self.inodes[inode] = Stamp { len, version };
    }

    /// Everything is there and works.
    pub(crate) fn heal(&mut self) {
        for name in 0..self.names.len() {
            self.names[name].fault = None;
        }
    }

    fn create(&mut self, len: u64) -> usize {
        self.inodes.push(Stamp { len, version: 1 });
        self.inodes.len() - 1
    }
}
