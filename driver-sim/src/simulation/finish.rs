//! An action ends: it does to the disk what it has not done yet, the machine is told, and what the
//! action brought goes where the reply says.

use super::flight::{Extent, Flight, Work};
use super::tables::Held;
use super::{Notice, Simulation};
use crate::disk::Opened;
use staging_core::{Completion, Event, FileId, HandleId, IoKind, Life, Reply};
use std::sync::Arc;

impl Simulation {
    pub(super) fn land(&mut self, place: u32) {
        let Some(mut flight) = self.flights[place as usize].take() else {
            return;
        };
        self.free.push(place);
        flight.work.go(&mut self.disk, Extent::Whole);
        let completion = flight.work.completion(&mut self.disk);
        self.put_part(&mut flight, completion);
        self.keep_temporary(&flight, completion);
        let io = flight.io;
        let reply = self.say(Event::Completed { io, completion });
        self.put_away(flight, completion, reply);
        self.drain();
    }

    /// What belongs to a file that has its place already is there before the machine hears of it,
    /// for that may be what makes it whole.
    fn put_part(&mut self, flight: &mut Flight, completion: Completion) {
        match (flight.kind, completion, &mut flight.work) {
            (IoKind::Map { file, len, how }, Completion::Mapped, _) => self.mapped(file, len, how),
            (
                IoKind::Load { file, total, .. },
                Completion::Loaded { .. },
                Work::Load { read, .. },
            ) => {
                if let Some(row) = self.tables.files.get_mut(file) {
                    let mut bytes = match std::mem::replace(&mut row.held, Held::Nothing) {
                        Held::Part(bytes) if read.offset > 0 => bytes,
                        Held::Nothing | Held::Part(_) | Held::Loaded(_) | Held::Mapped { .. } => {
                            Vec::new()
                        }
                    };
                    bytes.resize(total as usize, 0);
                    let from = read.offset as usize;
                    bytes[from..from + read.buffer.len()].copy_from_slice(&read.buffer);
                    row.held = Held::Part(bytes);
                }
            }
            (IoKind::Read { op, .. }, Completion::Read { .. }, Work::Read { read, .. }) => {
                if let Some(row) = self.tables.ops.get_mut(op) {
                    row.bytes = std::mem::take(&mut read.buffer);
                    row.bytes.truncate(read.done);
                }
            }
            (IoKind::Sync { .. }, Completion::Failed { .. }, Work::Sync { inode, .. }) => {
                self.notices.push_back(Notice::SyncFailed(*inode));
            }
            (IoKind::Sync { .. }, Completion::Synced, Work::Sync { inode, .. }) => {
                self.notices.push_back(Notice::SyncSucceeded(*inode));
            }
            (IoKind::Release { .. }, Completion::Released { lent }, Work::Release { held }) => {
                if let (Held::Loaded(bytes), true) = (held, lent > 0) {
                    self.lent.push((Arc::clone(bytes), lent));
                }
            }
            (_, _, _) => {}
        }
    }

    /// Keeps what was adopted, drops what is surplus.
    fn put_away(&mut self, flight: Flight, completion: Completion, reply: Reply) {
        let Flight { kind, work, .. } = flight;
        if let IoKind::Replace { op, .. } = kind {
            return self.forget_replaced(op);
        }
        let (handle, opened, bytes) = match (kind, work) {
            (IoKind::Open { handle, .. }, Work::Open { opened, .. }) => (handle, opened, None),
            (IoKind::Fetch { handle, .. }, Work::Fetch { opened, read, .. }) => {
                (handle, opened, Some(read.buffer))
            }
            (IoKind::Look { file } | IoKind::Load { file, .. }, _) => {
                return self.finish_contents(file);
            }
            (_, _) => return,
        };
        let Some(Ok(opened)) = opened else {
            return;
        };
        let keeps_descriptor = matches!(completion, Completion::Opened { .. });
        match reply {
            Reply::Adopted { file } => {
                let path = self.known_by(handle, &opened);
                let row = self.tables.file(file, &path, opened.inode);
                row.inode = opened.inode;
                if keeps_descriptor {
                    if let Some(before) = row.descriptor.replace(opened.inode) {
                        self.disk.close(before);
                    }
                } else if let Some(bytes) = bytes {
                    row.held = Held::Loaded(Arc::new(bytes));
                }
                self.finish_contents(file);
            }
            Reply::Surplus
            | Reply::Done
            | Reply::Ignored(_)
            | Reply::Accepted { .. }
            | Reply::Opening { .. }
            | Reply::Locking { .. }
            | Reply::Rejected(_) => {
                if keeps_descriptor {
                    self.disk.close(opened.inode);
                }
                // Nothing of it was needed, but the handle may have its file all the same.
                if let Some(file) = self.machine.file_of(handle) {
                    let path = self.known_by(handle, &opened);
                    self.tables.file(file, &path, opened.inode);
                    self.finish_contents(file);
                }
            }
        }
    }

    /// A path that led over links: the handle is known by where the file is.
    fn known_by(&mut self, handle: HandleId, opened: &Opened) -> Arc<str> {
        match &opened.real {
            Some(real) => {
                if self.tables.handles.get(handle).is_some() {
                    self.tables.handles.put(handle, Arc::clone(real));
                }
                Arc::clone(real)
            }
            None => self.tables.path(handle),
        }
    }

    /// If that made a file whole, its contents are shared from now on.
    pub(super) fn finish_contents(&mut self, file: FileId) {
        let staged = self
            .machine
            .staging(file)
            .is_some_and(|staging| matches!(staging.life, Life::Staged(_)));
        if staged {
            self.freeze(file);
        }
    }

    pub(super) fn freeze(&mut self, file: FileId) {
        if let Some(row) = self.tables.files.get_mut(file)
            && let Held::Part(bytes) = &mut row.held
        {
            row.held = Held::Loaded(Arc::new(std::mem::take(bytes)));
        }
    }
}
