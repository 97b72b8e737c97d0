//! The steps of a replace, from a row of the tables to the disk and back.

use super::Simulation;
use super::flight::{Flight, Name, Work};
use super::tables::Replacing;
use staging_core::{Completion, IoId, IoKind, OpId, ReplaceStep};

impl Simulation {
    pub(super) fn replace_work(&mut self, io: IoId, op: OpId, step: ReplaceStep) -> Work {
        let Some(row) = self.tables.replacing.get(op) else {
            return Work::Lost;
        };
        let bytes = self.tables.ops.get(op).map_or(&[][..], |row| &row.bytes);
        let part = |from: u64, len: u64| {
            let from = from as usize;
            bytes
                .get(from..from + len as usize)
                .map_or_else(Vec::new, <[u8]>::to_vec)
        };
        match (step, &row.temporary) {
            (ReplaceStep::Create { len, existing }, _) => Work::Create {
                path: row.path.clone(),
                existing,
                bytes: part(0, len),
                made: None,
                done: 0,
                fault: None,
            },
            (_, None) => Work::Lost,
            (ReplaceStep::Fill { offset, len }, Some(temporary)) => Work::Write {
                inode: temporary.inode,
                offset,
                bytes: part(offset, len),
                done: 0,
                fault: None,
            },
            (ReplaceStep::SyncFile { .. }, Some(_)) => {
                let file = |op| Some(self.tables.replacing.get(op)?.temporary.as_ref()?.inode);
                let inodes = self.machine.files_of(io).map(file);
                let synced = |inode: Option<_>| Some((inode?, self.disk.sync_begins(inode?)));
                match inodes.map(synced).collect::<Option<_>>() {
                    Some(files) => Work::SyncFiles { files },
                    None => Work::Lost,
                }
            }
            (ReplaceStep::Publish { existing }, Some(temporary)) => Work::Name {
                temporary: temporary.clone(),
                name: Name::Published(existing),
                ended: None,
            },
            (ReplaceStep::SyncDirectory, Some(temporary)) => Work::SyncDirectory {
                covered: self.disk.directory_sync_begins(temporary),
            },
            (ReplaceStep::Discard, Some(temporary)) => Work::Name {
                temporary: temporary.clone(),
                name: Name::Removed,
                ended: None,
            },
        }
    }

    /// What a first step made belongs to its row until it is discarded.
    pub(super) fn keep_temporary(&mut self, flight: &Flight, completion: Completion) {
        if let IoKind::Replace {
            op,
            step: ReplaceStep::Discard,
        } = flight.kind
            && let Some(row) = self.tables.replacing.get_mut(op)
            && let Some(temporary) = row.temporary.take()
        {
            self.disk.close(temporary.inode);
        }
        if let (
            IoKind::Replace { op, .. },
            Work::Create {
                made: Some(Ok(made)),
                ..
            },
            Completion::Created { .. },
        ) = (flight.kind, &flight.work, completion)
            && let Some(row) = self.tables.replacing.get_mut(op)
        {
            row.temporary = Some(made.clone());
        }
    }

    /// Of a replace that the machine has forgotten nothing is needed any more.
    pub(super) fn forget_replaced(&mut self, op: OpId) {
        if self.machine.is_under_way(op) {
            return;
        }
        let row = self.tables.replacing.take(op);
        if let Some(Replacing {
            temporary: Some(temporary),
            ..
        }) = row
        {
            self.disk.close(temporary.inode);
        }
    }
}
