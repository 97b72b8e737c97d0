//! What the machine does not hold: paths, descriptors, contents and those who wait, by the id
//! under which the machine knows them.
//!
//! Ids are dense, so a table is a vector; an entry whose generation has passed is replaced by the
//! next tenant.

use crate::batch::Batch;
use crate::contents::{Contents, Published};
use crate::error::{Holder, Operation};
use crate::figures::{Course, TimesOfFile};
use crate::hub::slot::Slot;
use crate::job::Part;
use crate::perform::{Locked, Temporary};
use bytes::Bytes;
use staging_core::{FileId, HandleId, Id, LockId, OpId};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Payloads of one kind of id.
pub(crate) struct Rows<K, T> {
    rows: Vec<Option<(Id<K>, T)>>,
}

impl<K, T> Rows<K, T> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn put(&mut self, id: Id<K>, row: T) {
        if self.rows.len() <= id.index() {
            self.rows.resize_with(id.index() + 1, || None);
        }
        self.rows[id.index()] = Some((id, row));
    }

    pub(crate) fn get(&self, id: Id<K>) -> Option<&T> {
        match self.rows.get(id.index()) {
            Some(Some((tenant, row))) if *tenant == id => Some(row),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        match self.rows.get_mut(id.index()) {
            Some(Some((tenant, row))) if *tenant == id => Some(row),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, id: Id<K>) -> Option<T> {
        self.get(id)?;
        self.rows[id.index()].take().map(|(_, row)| row)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id<K>, &T)> {
        self.rows.iter().flatten().map(|(id, row)| (*id, row))
    }
}

/// The driver's side of everything the machine knows.
pub(crate) struct Table {
    pub(crate) handles: Rows<staging_core::kind::Handle, Arc<Path>>,
    pub(crate) files: Rows<staging_core::kind::File, FileRow>,
    pub(crate) ops: Rows<staging_core::kind::Op, OpRow>,
    /// Until the machine has forgotten the operation, which may be after its answer.
    pub(crate) replacing: Rows<staging_core::kind::Op, Replacing>,
    /// The bytes of writes that were answered when they were accepted, until a job takes them (R8).
    pub(crate) behind: Rows<staging_core::kind::Op, Bytes>,
    pub(crate) locks: Rows<staging_core::kind::Lock, Locking>,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self {
            handles: Rows::new(),
            files: Rows::new(),
            ops: Rows::new(),
            replacing: Rows::new(),
            behind: Rows::new(),
            locks: Rows::new(),
        }
    }

    pub(crate) fn path_of(&self, handle: HandleId) -> Arc<Path> {
        self.handles.get(handle).map_or_else(nowhere, Arc::clone)
    }

    pub(crate) fn file_path(&self, file: FileId) -> Arc<Path> {
        self.files
            .get(file)
            .map_or_else(nowhere, |row| Arc::clone(&row.path))
    }

    /// The row of a file, new where the machine met it just now.
    pub(crate) fn file(&mut self, file: FileId, path: &Arc<Path>) -> Option<&mut FileRow> {
        if self.files.get(file).is_none() {
            let row = FileRow {
                path: Arc::clone(path),
                descriptor: None,
                held: Holding::Nothing,
                cell: Arc::new(Published::new()),
                times: TimesOfFile::default(),
            };
            self.files.put(file, row);
        }
        self.files.get_mut(file)
    }

    pub(crate) fn replaced_path(&self, op: OpId) -> Arc<Path> {
        let row = self.replacing.get(op);
        row.map_or_else(nowhere, |row| Arc::clone(&row.path))
    }

    /// What a write is to write, for the job that does it.
    pub(crate) fn bytes_for_job(&mut self, op: OpId) -> Option<Bytes> {
        match self.ops.get_mut(op) {
            Some(row) => {
                row.taken = true;
                Some(row.payload.clone())
            }
            None => self.behind.take(op),
        }
    }

    pub(crate) fn lock_path(&self, lock: LockId) -> Arc<Path> {
        let row = self.locks.get(lock);
        row.map_or_else(nowhere, |row| Arc::clone(&row.path))
    }

    pub(crate) fn op(&mut self, op: OpId) -> Option<&mut OpRow> {
        self.ops.get_mut(op)
    }
}

/// The path of what has none: only shown if a bookkeeping rule was broken.
fn nowhere() -> Arc<Path> {
    Arc::from(Path::new("?"))
}

/// The driver's side of a file.
#[derive(Debug)]
pub(crate) struct FileRow {
    /// The path it was first opened by.
    pub(crate) path: Arc<Path>,
    pub(crate) descriptor: Option<Arc<File>>,
    pub(crate) held: Holding,
    /// Where readers find the contents while they are whole.
    pub(crate) cell: Arc<Published<Contents>>,
    /// How long operations on it take, if somebody wants to know.
    pub(crate) times: TimesOfFile,
}

/// What a file has of its contents.
#[derive(Debug)]
pub(crate) enum Holding {
    Nothing,
    /// In the making; with a worker while a chunk is under way.
    Part(Part),
    /// Whole, and published in the cell.
    Whole(Contents),
}

/// Who waits for an operation, and what to call it.
#[derive(Debug)]
pub(crate) struct OpRow {
    pub(crate) operation: Operation,
    pub(crate) path: Arc<Path>,
    /// None for what is asked of all files.
    pub(crate) handle: Option<HandleId>,
    pub(crate) waiter: Waiter,
    /// The caller's buffer, when a read ended and its answer is not told yet.
    pub(crate) buffer: Option<Vec<u8>>,
    /// What a write that waits is to write; a job takes a reference along.
    pub(crate) payload: Bytes,
    /// A job has taken one.
    pub(crate) taken: bool,
    /// Who is in the way of a lock, as far as that is known.
    pub(crate) in_the_way: Option<Holder>,
    /// When what became of it.
    pub(crate) course: Course,
    /// Where that is noted apart, because somebody wants it of the file.
    pub(crate) times: TimesOfFile,
}

impl OpRow {
    /// About how many bytes it is, where that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let read = self.buffer.as_ref().map(Vec::len);
        let written = (!self.payload.is_empty()).then(|| self.payload.len());
        read.or(written).map(|bytes| bytes as u64)
    }
}

/// A file that is to take the place of another.
#[derive(Debug)]
pub(crate) struct Replacing {
    pub(crate) path: Arc<Path>,
    /// There after the first step.
    pub(crate) temporary: Option<Arc<Temporary>>,
    /// Under which lock that is to be.
    pub(crate) under: Option<LockId>,
}

/// A lock that is waited for or held.
#[derive(Debug)]
pub(crate) struct Locking {
    pub(crate) path: Arc<Path>,
    /// Who asked for it.
    pub(crate) op: OpId,
    /// There while the system has granted it.
    pub(crate) locked: Option<Locked>,
}

/// Who gets the answer.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// One caller.
    Slot(Arc<Slot>),
    /// A batch.
    Batch(Arc<Batch>),
    /// The thread that holds the lock right now.
    Here,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::RequestKind;
    use staging_core::{Class, Tick};

    /// The id of a tenant: at least the first of its place.
    fn id<K>(index: u64, tenant: u64) -> Id<K> {
        Id::from_u64(tenant << 32 | index).unwrap_or_else(|| unreachable!("a tenant is above 0"))
    }

    #[test]
    fn a_row_is_its_tenants_alone() {
        let mut rows: Rows<staging_core::kind::Handle, &str> = Rows::new();
        assert_eq!(rows.get(id(3, 1)), None);
        assert_eq!(rows.take(id(3, 1)), None);
        rows.put(id(3, 1), "first");
        rows.put(id(0, 7), "low");
        let all: Vec<_> = rows.iter().map(|(id, row)| (id.index(), *row)).collect();
        assert_eq!(all, [(0, "low"), (3, "first")]);
        rows.put(id(3, 2), "second");
        assert_eq!(rows.get(id(3, 1)), None);
        assert_eq!(rows.get_mut(id(3, 1)), None);
        assert_eq!(
            rows.take(id(3, 1)),
            None,
            "who lived there before takes nothing along"
        );
        assert_eq!(
            (rows.get(id(3, 2)), rows.get(id(1, 1))),
            (Some(&"second"), None)
        );
        assert_eq!(rows.take(id(3, 2)), Some("second"));
        assert_eq!(rows.get(id(3, 2)), None);
    }

    #[test]
    fn what_an_operation_moves_is_its_buffer_or_its_payload() {
        let row = |buffer: Option<Vec<u8>>, payload: &'static [u8]| OpRow {
            operation: Operation::Read,
            path: nowhere(),
            handle: None,
            waiter: Waiter::Here,
            buffer,
            payload: Bytes::from_static(payload),
            taken: false,
            in_the_way: None,
            course: Course::begin(RequestKind::Read, Class::Normal, Tick::ZERO),
            times: TimesOfFile::default(),
        };
        assert_eq!(row(None, b"").bytes(), None);
        assert_eq!(row(Some(vec![0; 5]), b"").bytes(), Some(5));
        assert_eq!(row(None, b"written").bytes(), Some(7));
    }

    #[test]
    fn what_has_no_path_is_shown_as_that() {
        let table = Table::new();
        assert_eq!(&*table.path_of(id(0, 1)), Path::new("?"));
        assert_eq!(&*table.file_path(id(0, 1)), Path::new("?"));
    }
}
