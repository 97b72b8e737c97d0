//! What the machine does not hold: paths, descriptors, contents and those who wait, by the id under
//! which the machine knows them.

use super::ticket::Ticket;
use crate::disk::{InodeId, Temporary};
use driver_kit::figures::{Course, TimesOfFile};
use staging_core::{FileId, HandleId, Id, OpId, Request, kind};
use std::sync::Arc;

/// Rows by the index of an id; one whose generation has passed is replaced by the next tenant.
pub(super) struct Rows<K, T> {
    rows: Vec<Option<(Id<K>, T)>>,
}

impl<K, T> Rows<K, T> {
    const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(super) fn put(&mut self, id: Id<K>, row: T) {
        if self.rows.len() <= id.index() {
            self.rows.resize_with(id.index() + 1, || None);
        }
        self.rows[id.index()] = Some((id, row));
    }

    pub(super) fn get(&self, id: Id<K>) -> Option<&T> {
        match self.rows.get(id.index()) {
            Some(Some((tenant, row))) if *tenant == id => Some(row),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        match self.rows.get_mut(id.index()) {
            Some(Some((tenant, row))) if *tenant == id => Some(row),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, id: Id<K>) -> Option<T> {
        self.get(id)?;
        self.rows[id.index()].take().map(|(_, row)| row)
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = T> {
        self.rows.into_iter().flatten().map(|(_, row)| row)
    }
}

/// The driver's side of everything that the machine knows.
pub(super) struct Tables {
    pub(super) handles: Rows<kind::Handle, Arc<str>>,
    pub(super) files: Rows<kind::File, FileRow>,
    pub(super) ops: Rows<kind::Op, OpRow>,
    /// Until the machine has forgotten the operation, which may be after its answer.
    pub(super) replacing: Rows<kind::Op, Replacing>,
    /// The bytes of writes that were answered when they were accepted, until they set out (R8).
    pub(super) behind: Rows<kind::Op, Vec<u8>>,
}

impl Tables {
    pub(super) const fn new() -> Tables {
        Tables {
            handles: Rows::new(),
            files: Rows::new(),
            ops: Rows::new(),
            replacing: Rows::new(),
            behind: Rows::new(),
        }
    }

    /// The path of a handle; one that is gone has none.
    pub(super) fn path(&self, handle: HandleId) -> Arc<str> {
        let known = self.handles.get(handle);
        known.map_or_else(|| Arc::from("?"), Arc::clone)
    }

    /// The row of a file, new where the machine met it just now.
    pub(super) fn file(&mut self, file: FileId, path: &Arc<str>, inode: InodeId) -> &mut FileRow {
        if self.files.get(file).is_none() {
            let row = FileRow {
                path: Arc::clone(path),
                inode,
                descriptor: None,
                held: Held::Nothing,
                times: TimesOfFile::default(),
            };
            self.files.put(file, row);
        }
        #[expect(clippy::expect_used, reason = "it was put there if it was not there")]
        self.files.get_mut(file).expect("it is there")
    }
}

/// The driver's side of a file.
#[derive(Debug)]
pub(super) struct FileRow {
    /// The path it was first opened by.
    pub(super) path: Arc<str>,
    /// Which file on the disk it is.
    pub(super) inode: InodeId,
    pub(super) descriptor: Option<InodeId>,
    pub(super) held: Held,
    /// How long operations on it take, if somebody wants to know.
    pub(super) times: TimesOfFile,
}

/// What a file has of its contents.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Nothing,
    /// Chunks of a copy.
    Part(Vec<u8>),
    /// A copy.
    Loaded(Arc<Vec<u8>>),
    /// The file itself, as it is whenever somebody looks.
    Mapped {
        inode: InodeId,
        len: u64,
    },
}

/// A file that is to take the place of another.
#[derive(Debug)]
pub(super) struct Replacing {
    pub(super) path: Arc<str>,
    /// There after the first step.
    pub(super) temporary: Option<Temporary>,
}

/// What an operation has here until it is answered.
#[derive(Debug)]
pub(super) struct OpRow {
    pub(super) ticket: Ticket,
    pub(super) request: Request,
    pub(super) handle: Option<HandleId>,
    /// Bytes to be written, or those that were read.
    pub(super) bytes: Vec<u8>,
    /// When what became of it.
    pub(super) course: Course,
    /// Where that is noted apart.
    pub(super) times: TimesOfFile,
}

/// The row of an operation that is gone is only asked for by mistake.
pub(super) const fn op_of(request: &staging_core::IoKind) -> Option<OpId> {
    match *request {
        staging_core::IoKind::Read { op, .. }
        | staging_core::IoKind::Write { op, .. }
        | staging_core::IoKind::SetLength { op, .. } => Some(op),
        staging_core::IoKind::Open { .. }
        | staging_core::IoKind::Fetch { .. }
        | staging_core::IoKind::Look { .. }
        | staging_core::IoKind::Map { .. }
        | staging_core::IoKind::Load { .. }
        | staging_core::IoKind::Sync { .. }
        | staging_core::IoKind::Replace { .. }
        | staging_core::IoKind::Lock { .. }
        | staging_core::IoKind::Release { .. }
        | staging_core::IoKind::Close { .. } => None,
    }
}
