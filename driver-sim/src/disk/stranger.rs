//! What other processes do to our files while we use them.

use super::{Disk, InodeId, Node, absolute};

/// Something that a stranger does to a file. Where there is none, nothing happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stranger {
    /// Writes into it, in place.
    Writes {
        /// Which.
        path: String,
        /// Where.
        offset: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// Writes all of it anew, in place: cut to nothing, then written.
    Rewrites {
        /// Which.
        path: String,
        /// What.
        bytes: Vec<u8>,
    },
    /// Cuts it, or lets it grow.
    SetsLength {
        /// Which.
        path: String,
        /// How long it is then, in bytes.
        len: u64,
    },
    /// Puts another file in its place, whole, as a rename does. It makes one where there was none.
    Replaces {
        /// Which.
        path: String,
        /// The bytes of the other.
        bytes: Vec<u8>,
    },
    /// Removes its name.
    Removes {
        /// Which.
        path: String,
    },
}

impl Disk {
    /// A stranger does something, now. What he writes is as little durable as what we write.
    pub fn meddle(&mut self, stranger: &Stranger) {
        match stranger {
            Stranger::Writes {
                path,
                offset,
                bytes,
            } => {
                if let Some(inode) = self.inode(path) {
                    self.write_as_stranger(inode, *offset, bytes);
                }
            }
            Stranger::Rewrites { path, bytes } => {
                if let Some(inode) = self.inode(path) {
                    self.cut(inode, 0);
                    self.write_as_stranger(inode, 0, bytes);
                }
            }
            Stranger::SetsLength { path, len } => {
                if let Some(inode) = self.inode(path) {
                    self.cut(inode, *len);
                }
            }
            Stranger::Replaces { path, bytes } => {
                let inode = self.create(bytes.clone());
                self.lead_to(&absolute(path), Some(Node::File(inode)));
            }
            Stranger::Removes { path } => {
                self.lead_to(&absolute(path), None);
            }
        }
    }

    fn write_as_stranger(&mut self, inode: InodeId, offset: usize, bytes: &[u8]) {
        let file = &mut self.inodes[inode.0 as usize];
        let before = file.len();
        file.write(self.changes, offset, bytes);
        self.used += file.len() - before;
        self.changes += 1;
    }
}
