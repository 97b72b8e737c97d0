//! Other limits while the hub runs (R12): the machine is told of each, and the memory keeps to the same
//! budget.

use super::Hub;
use super::state::State;
use crate::error::{Cause, Failure, Operation};
use crate::sync::lock;
use staging_core::{
    Event, FileLimits, HandleId, Limit, Limits, PhaseName, Reject, Reply, Tick, Tuning,
};
use std::io;
use std::path::Path;
use std::sync::Arc;

impl Hub {
    /// The limits that it keeps to now.
    pub fn limits(&self) -> Limits {
        *lock(&self.state).machine.limits()
    }

    /// Other limits from now on, all of them or none. Whoever waits for room is woken if there is some;
    /// nothing that was accepted is refused, nothing is taken from who holds it.
    ///
    /// # Errors
    /// One of them makes no sense ([`BadLimit`](staging_core::BadLimit)), or the hub was closed.
    pub fn set_limits(self: &Arc<Self>, limits: Limits) -> io::Result<()> {
        let bad = |bad| io::Error::new(io::ErrorKind::InvalidInput, bad);
        limits.check().map_err(bad)?;
        let mut closed = false;
        self.change(|state, now| {
            closed = state.machine.phase() == PhaseName::Closed;
            let changes = state.machine.limits().changes(&limits);
            for limit in changes.filter(|_| !closed) {
                state.limit(now, limit);
            }
        });
        // Outside the lock, because it is a system call.
        let _ = self.memory.fit();
        match closed {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }

    /// What a file may hold in place of what the limits say of every file; `None` where it is not open.
    pub fn file_limits(&self, handle: HandleId) -> Option<FileLimits> {
        lock(&self.state).machine.file_limits(handle)
    }

    /// Says how an open file is to be used.
    ///
    /// # Errors
    /// It is closed, or that makes no sense.
    pub fn tune(
        self: &Arc<Self>,
        path: &Arc<Path>,
        handle: HandleId,
        tuning: Tuning,
    ) -> Result<(), Failure> {
        let mut reply = Reply::Done;
        self.change(|state, now| reply = state.say(now, Event::Tuned { handle, tuning }));
        let reject = match reply {
            Reply::Done => return Ok(()),
            Reply::Rejected(reject) => reject,
            _ => Reject::UnknownHandle,
        };
        Err(Failure {
            operation: Operation::Tune,
            path: Arc::clone(path),
            cause: Cause::Rejected(reject),
        })
    }
}

impl State {
    fn limit(&mut self, now: Tick, limit: Limit) {
        let _ = self.say(now, Event::Limited { limit });
        if let Limit::Budget(_) = limit {
            self.fit_memory();
        }
    }

    /// The memory keeps to the machine's budget; where that was lowered below what is charged, to what
    /// is charged, until it fits: what was accepted gets its memory.
    pub(super) fn fit_memory(&mut self) {
        let (budget, charged) = (self.machine.limits().budget, self.machine.charged());
        self.memory.set_budget(budget.max(charged));
        self.overdrawn = (charged > budget).then_some(charged);
    }
}
