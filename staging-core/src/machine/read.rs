//! Reading: from memory where the file is staged, after staging where it is being staged (G2), and
//! from the file where it is not.

use super::Machine;
use super::state::{Contents, OPS, OpState, Owner, Then};
use crate::action::{Done, IoKind, Outcome};
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, OpId};

impl Machine {
    pub(super) fn start_read(&mut self, op: OpId, file: FileId) {
        match self.files[file].contents {
            Contents::Staged { .. } | Contents::Lingering { .. } => {
                self.resolve(op, Outcome::FromContents { file })
            }
            Contents::Staging(_)
            | Contents::Stopping {
                then: Then::Again { .. },
                ..
            }
            | Contents::Releasing {
                then: Then::Again { .. },
                ..
            } => {
                self.wait_for_staging(op, file);
            }
            Contents::Absent(_)
            | Contents::Stopping {
                then: Then::Rest(_),
                ..
            }
            | Contents::Releasing {
                then: Then::Rest(_),
                ..
            } => self.read_from_file(op, file),
        }
    }

    /// How far a read looks that ends here. One that goes past what is surely there shows where the
    /// file ends, so it meets whatever moves that: a later write further behind would fill the gap
    /// under it (R1).
    pub(super) fn end_of_read(&self, file: FileId, end: u64) -> u64 {
        match end <= self.surely_there(file) {
            true => end,
            false => u64::MAX,
        }
    }

    pub(super) fn read_from_file(&mut self, op: OpId, file: FileId) {
        self.ops[op].state = OpState::AwaitingDescriptor { file };
        self.ops.push_back(&mut self.files[file].readers, OPS, op);
        if self.have_descriptor(file) {
            self.serve_readers(file);
        }
    }

    /// The file has a descriptor: every read that waited for it sets out, in order.
    pub(super) fn serve_readers(&mut self, file: FileId) {
        while let Some(op) = self.ops.pop_front(&mut self.files[file].readers, OPS)
            && let Request::Read { offset, len, .. } = self.ops[op].request
        {
            self.use_descriptor(file);
            let io = self.issue(
                IoKind::Read {
                    file,
                    op,
                    offset,
                    len,
                },
                Owner::Read { op, file },
            );
            self.ops[op].state = OpState::Performing { io };
        }
    }

    pub(super) fn fail_readers(&mut self, file: FileId, fault: Fault) {
        while let Some(op) = self
            .files
            .get_mut(file)
            .and_then(|file| self.ops.pop_front(&mut file.readers, OPS))
        {
            self.resolve(
                op,
                Outcome::Failed {
                    fault,
                    done: Done::Nothing,
                },
            );
        }
    }

    pub(super) fn on_read(&mut self, op: OpId, file: FileId, result: Result<u64, Fault>) {
        self.files[file].flights -= 1;
        if matches!(self.ops[op].state, OpState::Performing { .. }) {
            let outcome = match result {
                Ok(bytes) => Outcome::Read { bytes },
                Err(fault) => Outcome::Failed {
                    fault,
                    done: Done::Nothing,
                },
            };
            self.resolve(op, outcome);
        } else {
            self.flight_ended(op);
        }
        self.after_flight(file, true);
    }
}
