//! Askers: for which operations an action was handed out. Whoever measures asks; nothing is decided by
//! it.

use super::Machine;
use super::state::{LockState, OPS, Owner, RUN};
use crate::action::IoKind;
use crate::event::Request;
use crate::id::{FileId, IoId, OpId};

/// The operations for which an action was handed out; see [`Machine::askers`].
#[derive(Clone, Debug)]
pub struct Askers<'a> {
    machine: &'a Machine,
    next: Option<OpId>,
    link: Option<usize>,
}

impl<'a> Askers<'a> {
    pub(super) fn of(machine: &'a Machine, io: IoId) -> Askers<'a> {
        let (next, link) = machine.ios.get(io).map_or((None, None), |entry| {
            match (entry.owner, entry.run.is_empty()) {
                (Owner::Write { .. } | Owner::Volume { .. }, false) => {
                    (machine.ops.first(&entry.run), Some(RUN))
                }
                (
                    Owner::Open { op, .. }
                    | Owner::Read { op, .. }
                    | Owner::Write { op, .. }
                    | Owner::Replace { op },
                    _,
                ) => (Some(op), None),
                (Owner::Sync { writing }, _) => {
                    let covered = &machine.writings[writing].covered;
                    (machine.ops.first(covered), Some(OPS))
                }
                (Owner::Lock { lock }, _) => match machine.locks[lock].state {
                    LockState::InLine { op, .. }
                    | LockState::Trying { op, .. }
                    | LockState::Resting { op, .. } => (Some(op), None),
                    LockState::Held | LockState::GivenUp | LockState::Releasing => (None, None),
                },
                (Owner::File { file }, _) => (machine.asker_of_file(file, entry.kind), None),
                (Owner::Reopen { .. } | Owner::Volume { .. } | Owner::Directory { .. }, _) => {
                    (None, None)
                }
            }
        });
        Askers {
            machine,
            next,
            link,
        }
    }
}

impl Iterator for Askers<'_> {
    type Item = OpId;

    fn next(&mut self) -> Option<OpId> {
        let op = self.next?;
        self.next = self.link.and_then(|link| self.machine.ops.after(link, op));
        Some(op)
    }
}

impl Machine {
    /// The operations for which an action was handed out: one that it is done for alone, those that a
    /// write or a system sync takes together, or the first that asked for a file to be staged or given
    /// up. Who joins what is under way for another is not among them, and what is done for a file of
    /// itself has none.
    pub fn askers(&self, io: IoId) -> Askers<'_> {
        Askers::of(self, io)
    }

    fn asker_of_file(&self, file: FileId, kind: IoKind) -> Option<OpId> {
        let entry = self.files.get(file)?;
        let first = match kind {
            IoKind::Look { .. } | IoKind::Map { .. } | IoKind::Load { .. } => {
                self.ops.first(&entry.waiters)?
            }
            IoKind::Release { .. } => self.ops.first(&entry.leavers)?,
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. }
            | IoKind::Replace { .. }
            | IoKind::Lock { .. }
            | IoKind::Close { .. } => return None,
        };
        let asks = matches!(
            self.ops[first].request,
            Request::Open { .. } | Request::Stage { .. } | Request::Unstage { .. }
        );
        asks.then_some(first)
    }
}
