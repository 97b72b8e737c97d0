//! What the machine tells, and what belongs to it.

use super::Simulation;
use super::tables::{Held, OpRow, Tables};
use super::ticket::Answer;
use staging_core::{
    Action, Done, Entry, Fault, FileId, IoKind, OpId, Outcome, PhaseName, Request, Tell,
};

impl Simulation {
    pub(super) fn drain_told(&mut self) {
        while let Some(tell) = self.machine.poll_told() {
            if self.setup.record {
                self.journal.push(Entry::Polled(Action::Tell(tell)));
            }
            self.hear(tell);
        }
    }

    pub(super) fn hear(&mut self, tell: Tell) {
        match tell {
            Tell::Resolve { op, outcome, .. } => self.resolved(op, outcome),
            // Whoever wants to know asks the machine how the file stands.
            Tell::Progress { .. } => {}
            // Readers come to the machine each time.
            Tell::Withdrawn { .. } => {}
            Tell::Room { .. } => self.rooms += 1,
            Tell::Abandoned { kind, .. } => {
                let path = match kind {
                    IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => {
                        self.tables.path(handle)
                    }
                    IoKind::Look { file }
                    | IoKind::Map { file, .. }
                    | IoKind::Load { file, .. }
                    | IoKind::Read { file, .. }
                    | IoKind::Write { file, .. }
                    | IoKind::SetLength { file, .. }
                    | IoKind::Sync { file }
                    | IoKind::Release { file }
                    | IoKind::Close { file } => self.path_of(file),
                    IoKind::Lock { .. } => "?".into(),
                    IoKind::Replace { op, .. } => {
                        let row = self.tables.replacing.get(op);
                        row.map_or_else(|| "?".into(), |row| row.path.clone())
                    }
                };
                self.unfinished.push((path, kind));
            }
            Tell::Phase { phase, .. } => {
                self.closed = phase == PhaseName::Closed;
                if self.closed {
                    self.let_go();
                }
            }
        }
    }

    /// Closed: what the tables still have is given back.
    fn let_go(&mut self) {
        let tables = std::mem::replace(&mut self.tables, Tables::new());
        for row in tables.files.into_rows() {
            if let Some(inode) = row.descriptor {
                self.disk.close(inode);
            }
        }
        for row in tables.replacing.into_rows() {
            if let Some(temporary) = row.temporary {
                self.disk.close(temporary.inode);
            }
        }
    }

    fn resolved(&mut self, op: OpId, outcome: Outcome) {
        let Some(row) = self.tables.ops.take(op) else {
            return;
        };
        let OpRow {
            ticket,
            request,
            handle,
            bytes,
            course,
            times,
        } = row;
        self.meter.note(course, &times, self.now);
        let bytes = match outcome {
            Outcome::Accepted { .. } => {
                self.tables.behind.put(op, bytes);
                Vec::new()
            }
            _ => bytes,
        };
        let (outcome, bytes) = match (outcome, request) {
            // Before the next action is polled: that may be their release.
            (Outcome::FromContents { file }, Request::Read { offset, len, .. }) => {
                match self.take_from_contents(file, offset, len) {
                    Ok(bytes) => (outcome, bytes),
                    Err(fault) => {
                        let done = Done::Nothing;
                        (Outcome::Failed { fault, done }, Vec::new())
                    }
                }
            }
            (Outcome::Read { .. }, _) => (outcome, bytes),
            (outcome, _) => (outcome, Vec::new()),
        };
        let opens = matches!(request, Request::Open { .. });
        let gone = match outcome {
            Outcome::Closed => true,
            // Closed it is, whatever had to be told; one that was given up may not be yet.
            Outcome::Failed { .. } if matches!(request, Request::Close { .. }) => {
                handle.is_some_and(|handle| self.machine.file_of(handle).is_none())
            }
            // An open that is still in the kernel is named by its path, if it is given up.
            Outcome::Failed { done, .. } => opens && done != Done::Unknown,
            _ => false,
        };
        if let (true, Some(handle)) = (gone, handle) {
            drop(self.tables.handles.take(handle));
        }
        self.forget_replaced(op);
        let handle = handle.filter(|_| opens && matches!(outcome, Outcome::Opened { .. }));
        self.answers.push_back(Answer {
            ticket,
            outcome,
            handle,
            bytes,
        });
    }

    /// Copies from what is in memory; a mapping shows the file as it is now.
    fn take_from_contents(
        &mut self,
        file: FileId,
        offset: u64,
        len: u64,
    ) -> Result<Vec<u8>, Fault> {
        self.freeze(file);
        let held = self.tables.files.get(file).map(|row| &row.held);
        match held {
            Some(Held::Loaded(bytes)) => Ok(part(bytes, offset, len)),
            Some(Held::Mapped { inode, len: whole }) => {
                if !self.disk.is_intact(*inode, *whole) {
                    return Err(Fault::Truncated);
                }
                let bytes = self.disk.cached_of(*inode);
                let end = bytes.len().min(*whole as usize);
                Ok(part(&bytes[..end], offset, len))
            }
            // Of an empty file there is nothing to hold.
            Some(Held::Nothing | Held::Part(_)) | None => Ok(Vec::new()),
        }
    }
}

fn part(bytes: &[u8], offset: u64, len: u64) -> Vec<u8> {
    let all = bytes.len() as u64;
    let (from, to) = (offset.min(all), offset.saturating_add(len).min(all));
    bytes[from as usize..to as usize].to_vec()
}
