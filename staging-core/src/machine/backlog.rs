//! The backlog: what is accepted and not over, and whose it is. Whoever asks walks over the operations there
//! are; nothing is kept for it.

use super::Machine;
use super::state::{
    Contents, Descriptor, Handle, LockState, OpState, Order, Pass, Place, Step, Sync, Writing,
    WritingId,
};
use crate::backlog::{Backlog, Load, Subject};
use crate::event::Request;
use crate::id::{FileId, IoId, OpId};

impl Machine {
    /// What is accepted and not over, and which files are dirty or cannot be synced: one piece for each
    /// operation, and one for each such file. Those of one subject are to be added up
    /// ([`Backlog::and`]). Barriers over all files are of no file, and not among them.
    pub fn backlog(&self) -> impl Iterator<Item = (Subject, Backlog)> + '_ {
        let ops = self.ops.ids().filter_map(|op| self.backlog_of_op(op));
        let writings = self.writings.ids();
        ops.chain(writings.filter_map(|writing| self.backlog_of_writing(writing)))
    }

    /// What is accepted on an open file and not over.
    pub fn backlog_of(&self, file: FileId) -> Backlog {
        let own = self.backlog();
        own.filter(|(subject, _)| *subject == Subject::File(file))
            .fold(Backlog::default(), |sum, (_, piece)| sum.and(piece))
    }

    fn backlog_of_op(&self, op: OpId) -> Option<(Subject, Backlog)> {
        let begun = self.is_begun(op)?;
        let subject = self.subject_of(op)?;
        let load = Load {
            operations: 1,
            bytes: self.unwritten(op),
        };
        let mut backlog = match begun {
            true => Backlog {
                under_way: load,
                ..Backlog::default()
            },
            false => Backlog {
                queued: load,
                ..Backlog::default()
            },
        };
        backlog.by_class[self.ops[op].own_class as usize] = 1;
        Some((subject, backlog))
    }

    fn backlog_of_writing(&self, writing: WritingId) -> Option<(Subject, Backlog)> {
        let Writing {
            file,
            dirty,
            broken,
            sync,
            ..
        } = self.writings[writing];
        let backlog = Backlog {
            dirty: dirty || matches!(sync, Sync::UnderWay { .. }),
            unsyncable: broken > 0,
            ..Backlog::default()
        };
        (backlog != Backlog::default()).then_some((Subject::File(file), backlog))
    }

    /// Whose an operation is; `None` for a barrier over all files.
    fn subject_of(&self, op: OpId) -> Option<Subject> {
        let entry = &self.ops[op];
        let Some(handle) = entry.handle else {
            return match (entry.request, entry.state) {
                (Request::Replace { .. }, _) => Some(Subject::Replace(op)),
                (_, OpState::AwaitingLock { lock }) => Some(Subject::Lock(lock)),
                _ => None,
            };
        };
        match (self.handles.get(handle), entry.order) {
            (Some(Handle::Opening { .. }), _) => Some(Subject::Opening(handle)),
            (Some(Handle::Open { file, .. } | Handle::Leaving { file, .. }), _) => {
                Some(Subject::File(*file))
            }
            // The handle is gone, and what was asked by it has its place on the file.
            (None, Order::Placed(writing)) => Some(Subject::File(self.writings[writing].file)),
            (None, Order::Counted(file)) => Some(Subject::File(file)),
            (
                None,
                Order::Apart
                | Order::InLine(_)
                | Order::Targeted(_)
                | Order::Rewriting(_)
                | Order::Published,
            ) => {
                let opens = matches!(entry.request, Request::Open { .. });
                opens.then_some(Subject::Opening(handle))
            }
        }
    }

    /// Whether an action on which its answer depends is with the driver; `None` for one that is over.
    fn is_begun(&self, op: OpId) -> Option<bool> {
        Some(match self.ops[op].state {
            OpState::AwaitingSlot
            | OpState::AwaitingDescriptor { .. }
            | OpState::AwaitingOrder { .. }
            | OpState::AwaitingLookers { .. }
            | OpState::AwaitingEarlier { .. }
            | OpState::AwaitingSync { .. }
            | OpState::AwaitingTarget { .. }
            | OpState::AwaitingTurn
            | OpState::AwaitingVolume { .. }
            | OpState::AwaitingDirectory { .. }
            | OpState::AwaitingOthers
            | OpState::Syncing { writing: None } => false,
            OpState::Opening { io }
            | OpState::Performing { io }
            | OpState::Discarding { io, .. } => self.is_with_driver(io),
            // A read has not begun: it comes when the staging has ended (G2).
            OpState::AwaitingStaging { file } => {
                let reads = matches!(self.ops[op].request, Request::Read { .. });
                !reads && self.is_worked_on(file)
            }
            OpState::AwaitingRelease { file } => self.is_worked_on(file),
            OpState::Syncing {
                writing: Some(writing),
            } => match self.writings[writing].sync {
                Sync::UnderWay { io } => self.is_with_driver(io),
                Sync::Resting => false,
            },
            OpState::SyncingVolume { volume } => {
                let sync = self.volumes[volume].sync;
                sync.is_some_and(|io| self.is_with_driver(io))
            }
            OpState::SyncingDirectory { directory } => {
                let sync = self.directories[directory].sync;
                sync.is_some_and(|io| self.is_with_driver(io))
            }
            OpState::AwaitingLock { lock } => match self.locks[lock].state {
                LockState::Trying { io, .. } => self.is_with_driver(io),
                LockState::InLine { .. }
                | LockState::Resting { .. }
                | LockState::Held
                | LockState::GivenUp
                | LockState::Releasing => false,
            },
            OpState::Resolved { flight: None, .. } => return None,
            OpState::Resolved {
                flight: Some(_), ..
            }
            | OpState::Answered => true,
        })
    }

    fn is_with_driver(&self, io: IoId) -> bool {
        let action = self.ios.get(io);
        action.is_some_and(|action| action.place == Place::InFlight)
    }

    /// Whether the driver has an action for the contents of a file.
    fn is_worked_on(&self, file: FileId) -> bool {
        let io = match self.files[file].contents {
            Contents::Staging(Pass { step, .. }) => match step {
                Step::Opening => match self.files[file].descriptor {
                    Descriptor::Opening { io } => Some(io),
                    Descriptor::Absent
                    | Descriptor::Wanted
                    | Descriptor::Idle { .. }
                    | Descriptor::Busy { .. }
                    | Descriptor::Pinned { .. }
                    | Descriptor::Closing { .. } => None,
                },
                Step::Looking { io } | Step::Mapping { io, .. } | Step::Loading { io, .. } => {
                    Some(io)
                }
                Step::AwaitingBudget { .. } => None,
            },
            Contents::Stopping { io, .. } | Contents::Releasing { io, .. } => Some(io),
            Contents::Absent(_) | Contents::Staged { .. } | Contents::Lingering { .. } => None,
        };
        io.is_some_and(|io| self.is_with_driver(io))
    }

    /// Bytes that it is to write, and that were not executed.
    fn unwritten(&self, op: OpId) -> u64 {
        let entry = &self.ops[op];
        match (entry.request, entry.order) {
            (Request::Write { len, .. } | Request::Append { len, .. }, Order::Placed(_))
            | (
                Request::Replace { len, .. },
                Order::InLine(_) | Order::Targeted(_) | Order::Rewriting(_),
            ) => len,
            _ => 0,
        }
    }
}
