//! Directory entries: what a path leads to, now and after a power loss.

use super::InodeId;
use super::errno::{EEXIST, ELOOP, ENOENT, ENOTDIR};
use staging_core::{Fault, Missing, NodeKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands under a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Node {
    File(InodeId),
    Directory,
    /// A pipe, a socket, a device.
    Odd(NodeKind),
    /// A symbolic link, and where it leads.
    Link(Arc<str>),
}

/// A name: the node that is there, and the one that is there after a power loss.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) now: Option<Node>,
    pub(super) durable: Option<Node>,
}

/// Every name there is, by its path from the root, without links in it. In order, so that whoever
/// goes through them does so in the same way each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) entries: BTreeMap<Arc<str>, Entry>,
}

/// Where an open leads.
pub(super) enum Led {
    /// To a file, over links if there is another path.
    File(InodeId, Option<Arc<str>>),
    /// To nothing: here one may be created.
    Free(Arc<str>),
}

/// As many links as Linux follows.
const MOST_LINKS: u32 = 40;

impl Names {
    pub(super) fn node(&self, path: &str) -> Option<&Node> {
        if path == "/" {
            return Some(&Node::Directory);
        }
        self.entries.get(path)?.now.as_ref()
    }

    pub(super) fn entry(&mut self, path: &str) -> &mut Entry {
        if !self.entries.contains_key(path) {
            self.entries.insert(path.into(), Entry::default());
        }
        let entry = self.entries.get_mut(path);
        #[expect(clippy::expect_used, reason = "it was inserted if it was not there")]
        entry.expect("it is there")
    }

    /// The file that a path leads to now, over links.
    pub(super) fn file(&self, path: &str) -> Option<InodeId> {
        match self.lead(path, Missing::Fail) {
            Ok(Led::File(inode, _)) => Some(inode),
            Ok(Led::Free(_)) | Err(_) => None,
        }
    }

    /// Where an open of this path leads (G11).
    ///
    /// # Errors
    /// There is nothing, something else than a file, or something that must not be there.
    pub(super) fn lead(&self, path: &str, missing: Missing) -> Result<Led, Fault> {
        // A name that is there has no links before it.
        if let Some(Node::File(inode)) = self.node(path) {
            return match missing {
                Missing::CreateNew => Err(Fault::Os(EEXIST)),
                Missing::Fail | Missing::Create => Ok(Led::File(*inode, None)),
            };
        }
        self.walk(path, missing)
    }

    /// Name by name.
    fn walk(&self, path: &str, missing: Missing) -> Result<Led, Fault> {
        let mut rest: Vec<Arc<str>> = parts(path);
        let mut at = String::new();
        let mut links = 0;
        let mut ends_in_link = false;
        while let Some(name) = rest.pop() {
            if &*name == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            let before = at.len();
            at.push('/');
            at.push_str(&name);
            let last = rest.is_empty();
            match (self.node(&at), last) {
                (Some(Node::Directory), false) => {}
                (Some(Node::Directory), true) => {
                    return Err(Fault::NotAFile(NodeKind::Directory));
                }
                (Some(Node::File(_) | Node::Odd(_) | Node::Link(_)), true)
                    if missing == Missing::CreateNew =>
                {
                    return Err(Fault::Os(EEXIST));
                }
                (Some(Node::Link(target)), _) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Fault::Os(ELOOP));
                    }
                    ends_in_link |= last;
                    let from = if target.starts_with('/') { 0 } else { before };
                    at.truncate(from);
                    rest.append(&mut parts(target));
                }
                (Some(Node::File(_) | Node::Odd(_)), false) => return Err(Fault::Os(ENOTDIR)),
                (Some(Node::Odd(kind)), true) => return Err(Fault::NotAFile(*kind)),
                (Some(Node::File(inode)), true) => {
                    let real = (at != path).then(|| at.into());
                    return Ok(Led::File(*inode, real));
                }
                (None, true) if ends_in_link => return Err(Fault::Dangling),
                (None, true) => match missing {
                    Missing::Fail => return Err(Fault::Os(ENOENT)),
                    Missing::Create | Missing::CreateNew => return Ok(Led::Free(at.into())),
                },
                (None, false) => return Err(Fault::Os(ENOENT)),
            }
        }
        Err(Fault::NotAFile(NodeKind::Directory))
    }
}

/// The names of a path, the first one last.
fn parts(path: &str) -> Vec<Arc<str>> {
    path.split('/')
        .rev()
        .filter(|part| !part.is_empty() && *part != ".")
        .map(Arc::from)
        .collect()
}

/// A path from the root: what is relative begins there.
pub(crate) fn absolute(path: &str) -> Arc<str> {
    if path.starts_with('/') {
        path.into()
    } else {
        format!("/{path}").into()
    }
}
