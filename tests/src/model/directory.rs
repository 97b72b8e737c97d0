//! A directory as the promises have it: names that lead to files, and what each file holds.

use super::content::Content;
use super::step::{Late, Manner, Text};
use driver_kit::core::{Fault, How, Mode, NodeKind};
use rustix::io::Errno;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What a name leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    /// A file, by its identity.
    File(usize),
    /// What another name leads to.
    Link(usize),
    /// A directory.
    Directory,
    /// Nothing.
    Nothing,
}

/// Every name there is, in this order: what it leads to in the beginning, and how long that is.
const NAMES: [(&str, Node, usize); 9] = [
    ("plain", Node::File(0), 9_000),
    ("other", Node::File(1), 100),
    ("hard", Node::File(0), 9_000),
    ("soft", Node::Link(1), 0),
    ("empty", Node::File(2), 0),
    ("long", Node::File(3), 20_001),
    ("missing", Node::Nothing, 0),
    ("dangling", Node::Link(6), 0),
    ("folder", Node::Directory, 0),
];

/// How many names there are.
pub(crate) const COUNT: usize = NAMES.len();

/// What is known of a file.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) content: Content,
    pub(crate) life: Stand,
    pub(crate) handles: usize,
    pub(crate) writers: usize,
}

/// Whether a file is in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stand {
    /// It is.
    Staged(How),
    /// It is not.
    NotStaged,
    /// One of both.
    Unknown,
}

/// What an open leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leads {
    /// To this file, by this name without links.
    To(usize, usize),
    /// To a new file under this name.
    New(usize),
    /// Nowhere.
    Refused(Refusal),
}

/// Why an open is refused (G11).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    Os(Errno),
    Dangling,
    Directory,
    Late,
}

impl Refusal {
    pub(crate) fn fault(self) -> Fault {
        match self {
            Refusal::Os(errno) => Fault::Os(errno.raw_os_error()),
            Refusal::Dangling => Fault::Dangling,
            Refusal::Directory => Fault::NotAFile(NodeKind::Directory),
            Refusal::Late => Fault::Deadline,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
    nodes: Vec<Node>,
    pub(crate) files: Vec<Known>,
}

impl Directory {
    /// Makes the directory that the model and the driver begin with.
    pub(crate) fn make(root: &Path) -> io::Result<Directory> {
        let (mut nodes, mut files) = (Vec::new(), Vec::new());
        for (name, node, len) in NAMES {
            let path = root.join(name);
            match node {
                Node::File(file) if file < files.len() => {
                    std::fs::hard_link(root.join(NAMES[file].0), path)?
                }
                Node::File(_) => {
                    let colour = 200 + files.len() as u8;
                    let bytes = Text { len, colour }.bytes();
                    std::fs::write(path, &bytes)?;
                    files.push(Known::of(bytes));
                }
                Node::Link(to) => symlink(NAMES[to].0, path)?,
                Node::Directory => std::fs::create_dir(path)?,
                Node::Nothing => {}
            }
            nodes.push(node);
        }
        let root = root.to_path_buf();
        Ok(Directory { root, nodes, files })
    }

    pub(crate) fn path(&self, name: usize) -> PathBuf {
        self.root.join(NAMES[name].0)
    }

    /// Where an open by this name leads.
    pub(crate) fn lookup(&self, name: usize, manner: &Manner) -> Leads {
        if manner.truncate && (manner.append || !manner.write) {
            return Leads::Refused(Refusal::Os(Errno::INVAL));
        }
        if manner.late == Late::Yes {
            return Leads::Refused(Refusal::Late);
        }
        if manner.create_new && self.nodes[name] != Node::Nothing {
            return Leads::Refused(Refusal::Os(Errno::EXIST));
        }
        let creates = manner.create || manner.create_new;
        match self.nodes[name] {
            Node::File(file) => Leads::To(file, name),
            Node::Link(to) => match self.nodes[to] {
                Node::File(file) => Leads::To(file, to),
                _ => Leads::Refused(Refusal::Dangling),
            },
            Node::Directory => Leads::Refused(Refusal::Directory),
            Node::Nothing if creates => Leads::New(name),
            Node::Nothing => Leads::Refused(Refusal::Os(Errno::NOENT)),
        }
    }

    /// A file was created under this name.
    pub(crate) fn create(&mut self, name: usize) -> usize {
        let file = self.files.len();
        self.nodes[name] = Node::File(file);
        self.files.push(Known::of(Vec::new()));
        file
    }

    /// A name of a file, without links.
    pub(crate) fn name_of(&self, file: usize) -> usize {
        let here = |node: &Node| *node == Node::File(file);
        self.nodes.iter().position(here).unwrap_or_default()
    }

    /// What the file holds on the disk.
    pub(crate) fn on_disk(&self, file: usize) -> io::Result<Vec<u8>> {
        std::fs::read(self.path(self.name_of(file)))
    }
}

impl Known {
    fn of(bytes: Vec<u8>) -> Known {
        Known {
            content: Content::of(bytes),
            life: Stand::NotStaged,
            handles: 0,
            writers: 0,
        }
    }

    /// How it is in memory after it was staged in this mode (G3).
    pub(crate) fn staged_by(&self, mode: Mode, threshold: u64) -> How {
        let len = self.content.size();
        match mode {
            _ if len == 0 => How::Empty,
            Mode::Auto if len <= threshold || self.writers > 0 => How::Loaded,
            Mode::Auto | Mode::Map => How::Mapped,
            Mode::MapShared => How::MappedShared,
            Mode::Load | Mode::None => How::Loaded,
        }
    }
}
