//! From an action to a job: what it takes along, so that nothing is looked up while it is carried
//! out.

use super::state::State;
use super::table::Holding;
use crate::job::{Job, Part, Work};
use bytes::Bytes;
use staging_core::{IoId, IoKind, LockStep, OpId, ReplaceStep};
use std::sync::Arc;

impl State {
    /// The job for an action; none yet if it is a write whose caller is about to bring the bytes.
    pub(super) fn job_for(&mut self, io: IoId, kind: IoKind) -> Option<Job> {
        if !self.all_bytes_are_there(io) {
            self.parked.push((io, kind));
            return None;
        }
        Some(self.equip(io, kind))
    }

    /// The bytes of a write are there.
    pub(super) fn unpark(&mut self, op: OpId) {
        let machine = &self.machine;
        let writes = |io: IoId| machine.run(io).any(|(part, _)| part == op);
        let Some(at) = self.parked.iter().position(|(io, _)| writes(*io)) else {
            return;
        };
        let (io, kind) = self.parked[at];
        if self.all_bytes_are_there(io) {
            self.parked.swap_remove(at);
            let job = self.equip(io, kind);
            self.deferred.push_back(job);
        }
    }

    /// Whether every part of a write has its bytes; true of what is no write.
    fn all_bytes_are_there(&mut self, io: IoId) -> bool {
        let table = &mut self.table;
        self.machine.run(io).all(|(op, len)| {
            let row = table.op(op);
            row.is_none_or(|row| row.payload.len() as u64 == len)
        })
    }

    pub(super) fn equip(&mut self, io: IoId, kind: IoKind) -> Job {
        Job {
            io,
            kind,
            path: self.path_of_action(kind),
            work: self.work_for(io, kind).unwrap_or(Work::Lost),
        }
    }

    fn work_for(&mut self, io: IoId, kind: IoKind) -> Option<Work> {
        let memory = Arc::clone(&self.memory);
        Some(match kind {
            IoKind::Open {
                access, missing, ..
            } => Work::Open { access, missing },
            IoKind::Fetch { missing, up_to, .. } => Work::Fetch {
                missing,
                up_to,
                memory,
            },
            IoKind::Look { file } => Work::Look {
                descriptor: self.row(file)?.descriptor()?,
            },
            IoKind::Map { file, len, how } => Work::Map {
                descriptor: self.row(file)?.descriptor()?,
                len,
                how,
                memory,
            },
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let row = self.row(file)?;
                let descriptor = row.descriptor()?;
                let part = match std::mem::replace(&mut row.held, Holding::Nothing) {
                    Holding::Part(part @ (Part::Block(_) | Part::Mapping(_))) => part,
                    // A staging of an empty file that was stopped leaves nothing to release, and
                    // what it knew of the length.
                    Holding::Part(Part::Nothing { .. }) | Holding::Nothing | Holding::Whole(_) => {
                        Part::Nothing { memory, total }
                    }
                };
                Work::Load {
                    descriptor,
                    part,
                    offset,
                    len,
                }
            }
            IoKind::Read {
                file,
                op,
                offset,
                len,
            } => {
                let descriptor = self.row(file)?.descriptor()?;
                let kept = self.table.op(op).and_then(|row| row.buffer.take());
                let mut buffer = kept.unwrap_or_default();
                buffer.resize(usize::try_from(len).ok()?, 0);
                Work::Read {
                    descriptor,
                    buffer,
                    offset,
                }
            }
            IoKind::Write {
                file,
                op,
                offset,
                len,
                parts: 1,
            } => {
                let descriptor = self.row(file)?.descriptor()?;
                let bytes = self.table.bytes_for_job(op)?;
                if bytes.len() as u64 != len {
                    return None;
                }
                Work::Write {
                    descriptor,
                    bytes,
                    offset,
                }
            }
            IoKind::Write { file, offset, .. } => {
                let descriptor = self.row(file)?.descriptor()?;
                let table = &mut self.table;
                let bytes = |(op, _)| table.bytes_for_job(op);
                Work::WriteRun {
                    descriptor,
                    parts: self.machine.run(io).map(bytes).collect::<Option<_>>()?,
                    offset,
                }
            }
            IoKind::SetLength { file, len, .. } => {
                let descriptor = self.row(file)?.descriptor()?;
                Work::SetLength { descriptor, len }
            }
            IoKind::Sync { file } => Work::Sync {
                descriptor: self.row(file)?.descriptor()?,
            },
            IoKind::Replace {
                step: ReplaceStep::SyncFile { .. },
                ..
            } => {
                let rows = &self.table.replacing;
                let file = |op| rows.get(op)?.temporary.clone();
                Work::SyncFiles {
                    files: self.machine.files_of(io).map(file).collect::<Option<_>>()?,
                }
            }
            IoKind::Replace { op, step } => Work::Replace {
                step,
                temporary: self.table.replacing.get(op)?.temporary.clone(),
                swept: Arc::clone(&self.swept),
                bytes: match step {
                    ReplaceStep::Create { .. } | ReplaceStep::Fill { .. } => {
                        self.table.op(op)?.payload.clone()
                    }
                    ReplaceStep::SyncFile { .. }
                    | ReplaceStep::Publish { .. }
                    | ReplaceStep::SyncDirectory
                    | ReplaceStep::Discard => Bytes::new(),
                },
            },
            IoKind::Lock { lock, step } => match step {
                LockStep::Try {
                    span,
                    sharing,
                    scope,
                } => Work::Try {
                    span,
                    sharing,
                    scope,
                    known: self.ask_for(lock),
                },
                LockStep::Release => Work::Unlock {
                    locked: self.table.locks.get_mut(lock)?.locked.take(),
                },
            },
            IoKind::Release { file } => {
                let notify = Arc::clone(&self.notify);
                Work::Release {
                    held: self.row(file)?.give_up(),
                    notify,
                }
            }
            IoKind::Close { file } => Work::Close {
                descriptor: self.row(file)?.descriptor.take(),
            },
        })
    }
}
