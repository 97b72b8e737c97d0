//! Advisory locks (K1): a line for each target, and the system asked by whoever is first in it.
//!
//! ```text
//!   InLine ─► Trying ─► Held ─► Releasing ─► gone
//!              │ ▲ │                ▲
//!              ▼ │ ▼ given up       │
//!          Resting GivenUp ─────────┘
//! ```
//!
//! A lock takes its place when it is accepted and keeps it until it is given back, so what meets is
//! granted in the order of acceptance: readers that come after a writer wait behind it. Only who has
//! nobody of this machine in the way asks the system, and never by waiting in it: where another process is
//! in the way it rests, and tries again. So no worker is held up by a lock, and whoever gives up is
//! answered at once.

use super::Machine;
use super::state::{
    DEPENDENTS, Fullness, Lock, LockState, LockTarget, LockTargetId, OpState, Owner,
};
use crate::action::{Bound, Done, IoKind, LockStep, Outcome};
use crate::completion::Key;
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{LockId, OpId};
use crate::intervals::{Range, Root, Touch};
use crate::lock::{Patience, Scope, Sharing, Span};
use crate::phase::Phase;
use crate::reply::{Ignored, Reject, Reply};
use crate::slab::List;

/// How long a lock rests after the first try, in nanoseconds. Each time it rests twice as long.
const FIRST_REST: u64 = 1_000_000;
/// But never longer than this.
const LONGEST_REST: u64 = 50_000_000;

/// How a try ended.
#[derive(Clone, Copy)]
pub(super) enum Tried {
    Locked,
    Contended,
    Failed(Fault),
}

impl Machine {
    pub(super) fn check_lock(&self, span: Span) -> Result<(), Reject> {
        if span.start >= span.end {
            return Err(Reject::BadRange);
        }
        if !self.locks_have_room() {
            return Err(Reject::Full(Bound::Locks));
        }
        Ok(())
    }

    pub(super) fn locks_have_room(&self) -> bool {
        // An answer that nobody has polled yet takes room, too.
        self.locks.len().max(self.locking) < self.limits.locks
    }

    /// Takes its place behind those of the same target.
    pub(super) fn start_lock(&mut self, op: OpId) {
        let Request::Lock {
            target: key,
            span,
            sharing,
            scope,
            patience,
        } = self.ops[op].request
        else {
            return;
        };
        let target = match self.lock_targets_by_key.get(key) {
            Some(target) => target,
            None => self.new_target(key),
        };
        let state = LockState::InLine { op, behind: None };
        let lock = self.locks.insert(Lock {
            target,
            span,
            sharing,
            scope,
            patience,
            state,
            dependents: List::EMPTY,
        });
        self.locking += 1;
        self.ops[op].state = OpState::AwaitingLock { lock };
        let Span { start, end } = span;
        let touch = match sharing {
            Sharing::Exclusive => Touch::Changes,
            Sharing::Shared => Touch::Looks,
        };
        let ranges = &mut self.lock_targets[target].ranges;
        self.lock_ranges
            .insert(ranges, lock, Range { start, end }, touch);
        self.look_ahead(lock, op);
    }

    fn new_target(&mut self, key: Key) -> LockTargetId {
        let ranges = Root::EMPTY;
        let target = self.lock_targets.insert(LockTarget { key, ranges });
        self.lock_targets_by_key.insert(key, target);
        target
    }

    /// Waits behind the latest in its way; where there is none, it is granted or asks the system.
    fn look_ahead(&mut self, lock: LockId, op: OpId) {
        let ranges = self.lock_targets[self.locks[lock].target].ranges;
        if let Some(behind) = self.lock_ranges.blocker(ranges, lock) {
            if self.locks[lock].patience == Patience::AsksOnce {
                return self.refuse_lock(lock, op, Fault::Contended);
            }
            let state = LockState::InLine {
                op,
                behind: Some(behind),
            };
            self.locks[lock].state = state;
            let mut dependents = self.locks[behind].dependents;
            self.locks.push_back(&mut dependents, DEPENDENTS, lock);
            self.locks[behind].dependents = dependents;
            return;
        }
        // When a shutdown begins all who wait are answered in one transition: nobody moves up in it.
        if !matches!(self.phase, Phase::Running) {
            self.locks[lock].state = LockState::InLine { op, behind: None };
            return;
        }
        match self.locks[lock].scope {
            Scope::Machine => self.grant(lock, op),
            Scope::System | Scope::Network => self.try_lock(lock, op, 0),
        }
    }

    fn grant(&mut self, lock: LockId, op: OpId) {
        self.stats.locked += 1;
        self.locks[lock].state = LockState::Held;
        self.resolve(op, Outcome::Locked { lock });
    }

    fn try_lock(&mut self, lock: LockId, op: OpId, rested: u64) {
        let Lock {
            span,
            sharing,
            scope,
            ..
        } = self.locks[lock];
        let step = LockStep::Try {
            span,
            sharing,
            scope,
        };
        let io = self.issue(IoKind::Lock { lock, step }, Owner::Lock { lock });
        self.locks[lock].state = LockState::Trying { op, io, rested };
    }

    pub(super) fn on_lock_tried(&mut self, lock: LockId, tried: Tried) {
        self.stats.contended += u64::from(matches!(tried, Tried::Contended));
        match (self.locks[lock].state, tried) {
            (LockState::Trying { op, .. }, Tried::Locked) => self.grant(lock, op),
            (LockState::Trying { op, .. }, Tried::Contended)
                if self.locks[lock].patience == Patience::AsksOnce =>
            {
                self.refuse_lock(lock, op, Fault::Contended);
            }
            (LockState::Trying { op, rested, .. }, Tried::Contended) => {
                let rest = match rested {
                    0 => FIRST_REST,
                    rested => (rested * 2).min(LONGEST_REST),
                };
                self.locks[lock].state = LockState::Resting { op, rest };
                self.retries.insert(self.now.plus(rest), lock);
            }
            (LockState::Trying { op, .. }, Tried::Failed(fault)) => {
                self.refuse_lock(lock, op, fault);
            }
            // It was given up meanwhile: what it got goes back.
            (LockState::GivenUp, Tried::Locked) => self.release_lock(lock),
            (LockState::GivenUp, Tried::Contended | Tried::Failed(_)) => self.forget_lock(lock),
            // Nothing of these is being tried.
            (
                LockState::InLine { .. }
                | LockState::Resting { .. }
                | LockState::Held
                | LockState::Releasing,
                _,
            ) => {}
        }
    }

    fn refuse_lock(&mut self, lock: LockId, op: OpId, fault: Fault) {
        self.forget_lock(lock);
        let done = Done::Nothing;
        self.resolve(op, Outcome::Failed { fault, done });
    }

    /// It has rested long enough.
    pub(super) fn retry_lock(&mut self, lock: LockId) {
        self.retries.remove(lock);
        if let LockState::Resting { op, rest } = self.locks[lock].state {
            self.try_lock(lock, op, rest);
        }
    }

    pub(super) fn on_unlocked(&mut self, lock: LockId) -> Reply {
        match self.locks.get(lock).map(|lock| lock.state) {
            Some(LockState::Held) => {
                self.let_lock_go(lock);
                Reply::Done
            }
            None
            | Some(
                LockState::InLine { .. }
                | LockState::Trying { .. }
                | LockState::Resting { .. }
                | LockState::GivenUp
                | LockState::Releasing,
            ) => self.ignore(Ignored::UnknownLock),
        }
    }

    /// What is held is given back: to the system, or only to those in line.
    fn let_lock_go(&mut self, lock: LockId) {
        match self.locks[lock].scope {
            Scope::Machine => self.forget_lock(lock),
            Scope::System | Scope::Network => self.release_lock(lock),
        }
    }

    fn release_lock(&mut self, lock: LockId) {
        let step = LockStep::Release;
        self.issue(IoKind::Lock { lock, step }, Owner::Lock { lock });
        self.locks[lock].state = LockState::Releasing;
    }

    /// Whoever waits for a lock is answered otherwise. A try that was handed out keeps the place until
    /// it ends, for it may get the lock.
    pub(super) fn give_up_lock(&mut self, lock: LockId) {
        match self.locks[lock].state {
            LockState::InLine { behind, .. } => {
                if let Some(behind) = behind {
                    let mut dependents = self.locks[behind].dependents;
                    self.locks.unlink(&mut dependents, DEPENDENTS, lock);
                    self.locks[behind].dependents = dependents;
                }
                self.forget_lock(lock);
            }
            LockState::Trying { io, .. } => match self.recall(io) {
                Some(_) => self.locks[lock].state = LockState::GivenUp,
                None => self.forget_lock(lock),
            },
            LockState::Resting { .. } => {
                self.retries.remove(lock);
                self.forget_lock(lock);
            }
            LockState::Held | LockState::GivenUp | LockState::Releasing => {}
        }
    }

    /// Leaves its place: who waited behind it looks ahead again.
    pub(super) fn forget_lock(&mut self, lock: LockId) {
        let Some(gone) = self.locks.remove(lock) else {
            return;
        };
        let entry = &mut self.lock_targets[gone.target];
        self.lock_ranges.remove(&mut entry.ranges, lock);
        if entry.ranges.is_empty() {
            let key = entry.key;
            self.lock_targets.remove(gone.target);
            self.lock_targets_by_key.remove(key);
        }
        let mut dependents = gone.dependents;
        while let Some(next) = self.locks.pop_front(&mut dependents, DEPENDENTS) {
            if let LockState::InLine { op, .. } = self.locks[next].state {
                self.look_ahead(next, op);
            }
        }
    }

    /// Closing: whatever is held is given back.
    pub(super) fn give_back_all_locks(&mut self) {
        let mut from = 0;
        while let Some(lock) = self.locks.next_from(from) {
            from = lock.index() as u32 + 1;
            if matches!(self.locks[lock].state, LockState::Held) {
                self.let_lock_go(lock);
            }
        }
    }

    /// Closed: nobody has a lock, or waits for one.
    pub(super) fn forget_all_locks(&mut self) {
        let mut from = 0;
        while let Some(lock) = self.locks.next_from(from) {
            from = lock.index() as u32 + 1;
            self.retries.remove(lock);
            self.locks.remove(lock);
        }
        let mut from = 0;
        while let Some(target) = self.lock_targets.next_from(from) {
            from = target.index() as u32 + 1;
            self.lock_targets_by_key
                .remove(self.lock_targets[target].key);
            self.lock_targets.remove(target);
        }
        self.locks_room = Fullness::Quiet;
    }

    /// How many locks are waited for, held, or being given back.
    pub fn locks(&self) -> usize {
        self.locks.len() as usize
    }

    /// Whether a lock is waited for, held, or being given back: then the driver needs what belongs to it.
    pub fn knows_lock(&self, lock: LockId) -> bool {
        self.locks.get(lock).is_some()
    }
}
