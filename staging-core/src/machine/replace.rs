//! Atomic replace: a temporary file beside the target gets the whole content and then its name, so that
//! at every moment the path has the old content or the new one (A1).
//!
//! ```text
//!   AwaitingTarget ─► Create ─► Fill… ─► SyncFile ─► Publish ─► directory ─► Replaced
//!                       │ ▲       │         │           │           │
//!                       ▼ └───────│──── Discard, once   ▼           ▼
//!                     failed   Discard ─► failed, nothing done    unknown
//! ```
//!
//! After a sync that failed the system may have forgotten what it could not write, and says so once. So the
//! file is not synced again: it is discarded, and the content is written from memory into a new one, whose sync
//! counts. What fails once more has failed.
//!
//! Where a driver cannot find out whether it published the file, the outcome is unknown as well; what is
//! left under the first name is discarded, and what has the target's stays.
//!
//! An operation that is answered before its step ends (R10) keeps its place until then; what it made is
//! discarded, unless it was published.

use super::Machine;
use super::state::{Discarded, OPS, OpState, Order, Owner, Target, TargetId};
use crate::action::{Bound, Done, IoKind, Outcome, ReplaceStep};
use crate::completion::Key;
use crate::event::{Durability, Existing, Request};
use crate::fault::Fault;
use crate::id::{IoId, OpId};
use crate::reply::Reject;
use crate::slab::List;

/// What was asked.
#[derive(Clone, Copy)]
struct Asked {
    len: u64,
    durability: Durability,
    existing: Existing,
}

/// How a step ended that was not the last.
#[derive(Clone, Copy)]
pub(super) enum Ended {
    /// A file with so many bytes is there, on this file system.
    Created { len: u64, volume: Option<u64> },
    /// It has bytes up to here.
    Filled { end: u64 },
    /// Its bytes are durable.
    FileSynced,
    /// It has the target's name.
    Published { directory: Key },
    /// It could not be made: nothing is there.
    NotCreated(Fault),
    /// Its bytes may be lost, whatever a later sync would say.
    NotSynced(Fault),
    /// Something else could not be done.
    Failed(Fault),
    /// It may have the target's name, or not.
    Unsure(Fault),
}

impl Machine {
    /// Whether the bytes of a replace fit into the limits (R12).
    pub(super) fn check_replace(&self, len: u64) -> Result<(), Reject> {
        if i64::try_from(len).is_err() {
            return Err(Reject::BadRange);
        }
        if len > 0 && self.bytes > 0 && self.bytes.saturating_add(len) > self.limits.bytes {
            return Err(Reject::Full(Bound::Bytes));
        }
        Ok(())
    }

    /// Takes its place behind those of the same target.
    pub(super) fn start_replace(&mut self, op: OpId, key: Key, len: u64) {
        self.bytes += len;
        if let Some(target) = self.targets_by_key.get(key) {
            self.ops[op].order = Order::InLine(target);
            self.ops[op].state = OpState::AwaitingTarget { target };
            let waiting = &mut self.targets[target].waiting;
            return self.ops.push_back(waiting, OPS, op);
        }
        let target = self.targets.insert(Target {
            key,
            current: op,
            waiting: List::EMPTY,
            volume: None,
        });
        self.targets_by_key.insert(key, target);
        self.ops[op].order = Order::InLine(target);
        self.await_turn(op);
    }

    /// Its target is free. Each that is at work holds a file and a directory open, so there are not more
    /// of them than a quarter of the descriptors that files may hold.
    fn await_turn(&mut self, op: OpId) {
        if self.has_turn() {
            return self.begin_replace(op);
        }
        self.ops[op].state = OpState::AwaitingTurn;
        self.ops.push_back(&mut self.replacers, OPS, op);
    }

    /// One is over, and nothing of it is open any more: another's turn has come.
    pub(super) fn one_less_at_work(&mut self) {
        self.at_work -= 1;
        self.serve_replacers();
    }

    const fn has_turn(&self) -> bool {
        let quarter = self.limits.descriptors / 4;
        self.at_work < if quarter == 0 { 1 } else { quarter }
    }

    /// Those whose turn has come begin.
    pub(super) fn serve_replacers(&mut self) {
        while self.has_turn()
            && let Some(op) = self.ops.pop_front(&mut self.replacers, OPS)
        {
            self.begin_replace(op);
        }
    }

    fn begin_replace(&mut self, op: OpId) {
        self.at_work += 1;
        if let Order::InLine(target) = self.ops[op].order {
            self.ops[op].order = Order::Targeted(target);
        }
        self.begin_file(op);
    }

    fn begin_file(&mut self, op: OpId) {
        let Asked { len, existing, .. } = self.asked(op);
        let len = len.min(self.limits.chunk);
        self.order_step(op, ReplaceStep::Create { len, existing });
    }

    fn asked(&self, op: OpId) -> Asked {
        match self.ops[op].request {
            Request::Replace {
                len,
                durability,
                existing,
                ..
            } => Asked {
                len,
                durability,
                existing,
            },
            // Nobody else takes steps; it would replace nothing.
            _ => Asked {
                len: 0,
                durability: Durability::None,
                existing: Existing::Fail,
            },
        }
    }

    fn order_step(&mut self, op: OpId, step: ReplaceStep) {
        let io = self.issue(IoKind::Replace { op, step }, Owner::Replace { op });
        self.ops[op].state = OpState::Performing { io };
    }

    pub(super) fn on_replace_step(&mut self, op: OpId, ended: Ended) {
        if matches!(
            self.ops[op].state,
            OpState::Performing { .. }
                | OpState::AwaitingVolume { .. }
                | OpState::SyncingVolume { .. }
        ) {
            return self.next_step(op, ended);
        }
        // It was answered before. What it made goes, unless it has the target's name.
        match ended {
            Ended::Created { .. }
            | Ended::Filled { .. }
            | Ended::FileSynced
            | Ended::NotSynced(_)
            | Ended::Failed(_)
            | Ended::Unsure(_) => {
                let io = self.discard(op);
                if let OpState::Resolved { flight, .. } = &mut self.ops[op].state {
                    *flight = Some(io);
                }
            }
            Ended::Published { .. } => {
                self.stats.replaced += 1;
                self.flight_ended(op);
            }
            Ended::NotCreated(_) => self.flight_ended(op),
        }
    }

    /// The temporary file of a replace that failed is gone, or will stay.
    pub(super) fn on_discarded(&mut self, op: OpId) {
        match self.ops[op].state {
            OpState::Discarding { then, .. } => match then {
                Discarded::Failed { fault, done } => {
                    self.resolve(op, Outcome::Failed { fault, done });
                }
                Discarded::Unsynced => self.begin_file(op),
            },
            _ => self.flight_ended(op),
        }
    }

    pub(super) fn discard(&mut self, op: OpId) -> IoId {
        let step = ReplaceStep::Discard;
        self.issue(IoKind::Replace { op, step }, Owner::Replace { op })
    }

    /// A step of a replace that is given up is taken back if it was not handed out. Says what is still
    /// to end, and whether the target may have the new content by then.
    pub(super) fn give_up_step(&mut self, op: OpId, io: IoId) -> (Option<IoId>, Done) {
        let step = match self.ios[io].kind {
            IoKind::Replace { step, .. } => step,
            _ => ReplaceStep::Discard,
        };
        match (self.recall(io), step) {
            (flight @ Some(_), ReplaceStep::Publish { .. }) => (flight, Done::Unknown),
            (flight @ Some(_), _) => (flight, Done::Nothing),
            (None, ReplaceStep::Create { .. }) => (None, Done::Nothing),
            (None, _) => (Some(self.discard(op)), Done::Nothing),
        }
    }

    fn next_step(&mut self, op: OpId, ended: Ended) {
        let Asked {
            len,
            durability,
            existing,
        } = self.asked(op);
        if let Ended::Created { volume, .. } = ended
            && let Some(target) = self.target_of_first_file(op)
        {
            self.targets[target].volume = volume;
        }
        match ended {
            Ended::Created { len: offset, .. } | Ended::Filled { end: offset } if offset < len => {
                let len = (len - offset).min(self.limits.chunk);
                self.order_step(op, ReplaceStep::Fill { offset, len });
            }
            Ended::Created { .. } | Ended::Filled { .. } if durability != Durability::None => {
                self.sync_file(op);
            }
            Ended::Created { .. } | Ended::Filled { .. } | Ended::FileSynced => {
                self.order_step(op, ReplaceStep::Publish { existing });
            }
            Ended::Published { directory } => {
                self.stats.replaced += 1;
                if let Order::Targeted(target) | Order::Rewriting(target) = self.ops[op].order {
                    self.ops[op].order = Order::Published;
                    self.leave_target(op, target);
                }
                match durability {
                    Durability::FileAndDirectory => self.await_directory(op, directory),
                    Durability::None | Durability::File => self.resolve(op, Outcome::Replaced),
                }
            }
            Ended::NotCreated(fault) => {
                let done = Done::Nothing;
                self.resolve(op, Outcome::Failed { fault, done });
            }
            Ended::NotSynced(fault) => {
                let then = self.after_failed_sync(op, fault);
                self.begin_discarding(op, then);
            }
            Ended::Failed(fault) => {
                let done = Done::Nothing;
                self.begin_discarding(op, Discarded::Failed { fault, done });
            }
            Ended::Unsure(fault) => {
                let done = Done::Unknown;
                self.begin_discarding(op, Discarded::Failed { fault, done });
            }
        }
    }

    /// The target of a replace that is at work with its first file.
    fn target_of_first_file(&self, op: OpId) -> Option<TargetId> {
        match self.ops[op].order {
            Order::Targeted(target) => Some(target),
            Order::Apart
            | Order::Counted(_)
            | Order::Placed(_)
            | Order::InLine(_)
            | Order::Rewriting(_)
            | Order::Published => None,
        }
    }

    /// A second file is synced alone: what failed together may have failed for the others.
    fn sync_file(&mut self, op: OpId) {
        let target = self.target_of_first_file(op);
        match target.and_then(|target| self.targets[target].volume) {
            Some(volume) => self.await_volume(op, volume),
            None => self.order_step(op, ReplaceStep::SyncFile { files: 1 }),
        }
    }

    /// The content is written into a second file, and into no third.
    fn after_failed_sync(&mut self, op: OpId, fault: Fault) -> Discarded {
        match self.target_of_first_file(op) {
            Some(target) => {
                self.ops[op].order = Order::Rewriting(target);
                self.stats.rewritten += 1;
                Discarded::Unsynced
            }
            None => {
                let done = Done::Nothing;
                Discarded::Failed { fault, done }
            }
        }
    }

    fn begin_discarding(&mut self, op: OpId, then: Discarded) {
        let io = self.discard(op);
        self.ops[op].state = OpState::Discarding { io, then };
    }

    /// A replace needs its place and its bytes no more: the next of its target begins.
    pub(super) fn leave_target(&mut self, op: OpId, target: TargetId) {
        let len = self.asked(op).len;
        self.bytes -= len;
        if len > 0 {
            self.offer_bytes();
        }
        let entry = &mut self.targets[target];
        if entry.current != op {
            return;
        }
        match self.ops.pop_front(&mut entry.waiting, OPS) {
            Some(next) => {
                (entry.current, entry.volume) = (next, None);
                self.await_turn(next);
            }
            None => {
                let key = entry.key;
                self.targets.remove(target);
                self.targets_by_key.remove(key);
            }
        }
    }
}
