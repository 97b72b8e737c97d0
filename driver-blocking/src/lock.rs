//! Locks.

use crate::options::{admitted, answer};
use driver_kit::Deadline;
use driver_kit::core::{Patience, Scope, Sharing};
use driver_kit::error::Failure;
use driver_kit::hub::{Claim, Hub, Lock};
use driver_kit::path;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// What a path leads to is to be locked; see [`Stager::lock`](crate::Stager::lock). The lock is given back
/// when it is dropped.
#[doc = include_str!("../../driver-kit/src/lock.md")]
#[derive(Debug)]
#[must_use = "nothing is locked until `acquire` is called"]
pub struct LockBuilder {
    hub: Arc<Hub>,
    path: PathBuf,
    claim: Claim,
    deadline: Deadline,
}

impl LockBuilder {
    pub(crate) const fn new(hub: Arc<Hub>, path: PathBuf) -> LockBuilder {
        LockBuilder {
            hub,
            path,
            claim: Claim::WHOLE,
            deadline: Deadline::Never,
        }
    }

    /// For one holder alone. The default.
    pub fn exclusive(mut self) -> Self {
        self.claim.sharing = Sharing::Exclusive;
        self
    }

    /// For many holders, as long as nobody has it exclusively.
    pub fn shared(mut self) -> Self {
        self.claim.sharing = Sharing::Shared;
        self
    }

    /// Only these bytes. They need not be there; the file has to be.
    pub fn range(mut self, bytes: Range<u64>) -> Self {
        self.claim = self.claim.range(bytes);
        self
    }

    /// Who is kept out. By default, all processes of this system.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.claim.scope = scope;
        self
    }

    /// It fails where somebody else has it: nobody is waited for.
    pub fn once(mut self) -> Self {
        self.claim.patience = Patience::AsksOnce;
        self
    }

    /// When it is given up.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// As said above.
    pub fn acquire(self) -> io::Result<Lock> {
        let LockBuilder {
            hub,
            path,
            claim,
            deadline,
        } = self;
        let path = path::absolute(&path).map_err(Failure::into_io)?;
        let ticket = admitted(&hub, deadline, |room| {
            hub.lock(&path, claim, deadline, room)
        })?;
        answer(ticket, deadline).locked().map_err(Failure::into_io)
    }
}
