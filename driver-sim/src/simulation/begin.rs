//! An action is handed out: it gets what it needs from the tables, its moment, and its time to end.

use super::Simulation;
use super::flight::{Extent, Flight, Moment, Reading, Work};
use super::queue::Due;
use super::tables::{Held, op_of};
use crate::disk::InodeId;
use crate::faults::Trouble;
use staging_core::{FileId, How, IoId, IoKind};
use std::mem;

impl Simulation {
    pub(super) fn begin(&mut self, io: IoId, kind: IoKind) {
        self.hand_out(io);
        let op = op_of(&kind).and_then(|op| self.tables.ops.get(op));
        let ticket = op.map(|row| row.ticket);
        let mut flight = Flight {
            io,
            kind,
            ticket,
            moment: self.dice.one_of(&[
                Moment::AtOnce,
                Moment::AtTheEnd,
                Moment::AtTheEnd,
                Moment::HalfAndHalf,
            ]),
            work: self.work(io, kind),
        };
        let hangs = self.disk.strikes(Trouble::Hangs);
        match flight.moment {
            Moment::AtOnce => flight.work.go(&mut self.disk, Extent::Whole),
            Moment::HalfAndHalf => flight.work.go(&mut self.disk, Extent::Half),
            Moment::AtTheEnd => {}
        }
        let place = self.place();
        self.flights[place as usize] = Some(flight);
        if hangs {
            self.hanging += 1;
            return;
        }
        let faults = &self.disk.luck.faults;
        let (least, most) = faults.latency;
        let mut due = self.now.plus(self.dice.between(least, most));
        if faults.in_order {
            due = due.max(self.last_due);
            self.last_due = due;
        }
        self.queue.push(due, Due::Flight(place));
    }

    fn place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() as u32 - 1
        })
    }

    /// What a driver takes from its tables under its lock: what is closed or released leaves them
    /// now, and bytes to be written go with the call, for who asked may be answered before it ends.
    fn work(&mut self, io: IoId, kind: IoKind) -> Work {
        match kind {
            IoKind::Open {
                handle,
                access: _,
                missing,
            } => Work::Open {
                path: self.tables.path(handle),
                missing,
                opened: None,
            },
            IoKind::Fetch {
                handle,
                missing,
                up_to,
            } => Work::Fetch {
                path: self.tables.path(handle),
                missing,
                up_to,
                opened: None,
                read: Reading::of(0, 0),
            },
            IoKind::Look { file } => {
                self.on_descriptor(file, |inode| Work::Look { inode, stamp: None })
            }
            IoKind::Map { file, .. } => self.on_descriptor(file, |inode| Work::Map { inode }),
            IoKind::Load {
                file, offset, len, ..
            } => self.load(file, offset, len),
            IoKind::Read {
                file, offset, len, ..
            } => self.on_descriptor(file, |inode| Work::Read {
                inode,
                read: Reading::of(offset, len),
            }),
            IoKind::Write { file, offset, .. } => {
                let ops = &mut self.tables.ops;
                let mut bytes = Vec::new();
                for (op, _) in self.machine.run(io) {
                    let part = match ops.get_mut(op) {
                        Some(row) => mem::take(&mut row.bytes),
                        None => self.tables.behind.take(op).unwrap_or_default(),
                    };
                    bytes.extend(part);
                }
                self.on_descriptor(file, |inode| Work::Write {
                    inode,
                    offset,
                    bytes,
                    done: 0,
                    fault: None,
                })
            }
            IoKind::SetLength { file, len, .. } => {
                self.on_descriptor(file, |inode| Work::SetLength {
                    inode,
                    len,
                    set: None,
                })
            }
            IoKind::Sync { file } => match self.descriptor(file) {
                Some(inode) => {
                    let mark = self.disk.sync_begins(inode);
                    Work::Sync { inode, mark }
                }
                None => Work::Lost,
            },
            IoKind::Replace { op, step } => self.replace_work(io, op, step),
            IoKind::Lock { step, .. } => Work::Lock { step },
            IoKind::Release { file } => {
                let row = self.tables.files.get_mut(file);
                let held = row.map_or(Held::Nothing, |row| {
                    mem::replace(&mut row.held, Held::Nothing)
                });
                Work::Release { held }
            }
            IoKind::Close { file } => {
                let row = self.tables.files.get_mut(file);
                match row.and_then(|row| row.descriptor.take()) {
                    Some(inode) => Work::Close { inode },
                    None => Work::Lost,
                }
            }
        }
    }

    fn load(&mut self, file: FileId, offset: u64, len: u64) -> Work {
        let held = self.tables.files.get(file).map(|row| &row.held);
        if let Some(Held::Mapped { inode, .. }) = held {
            let (inode, end) = (*inode, offset.saturating_add(len));
            return Work::Populate { inode, end };
        }
        self.on_descriptor(file, |inode| Work::Load {
            inode,
            read: Reading::of(offset, len),
        })
    }

    fn descriptor(&self, file: FileId) -> Option<InodeId> {
        self.tables.files.get(file)?.descriptor
    }

    fn on_descriptor(&self, file: FileId, work: impl FnOnce(InodeId) -> Work) -> Work {
        self.descriptor(file).map_or(Work::Lost, work)
    }

    /// How a mapping is made and where: what a file holds once `Map` is done.
    pub(super) fn mapped(&mut self, file: FileId, len: u64, how: How) {
        if let Some(row) = self.tables.files.get_mut(file)
            && let Some(inode) = row.descriptor
            && matches!(how, How::Mapped | How::MappedShared)
        {
            row.held = Held::Mapped { inode, len };
        }
    }
}
