//! Locks, as futures.

use super::Client;
use crate::clock::Deadline;
use crate::error::Failure;
use crate::hub::{Claim, Lock, Standby};
use crate::path;
use staging_core::{Patience, Scope, Sharing};
use std::future::IntoFuture;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;

/// What a path leads to is to be locked; see [`Stager::lock`](super::Stager::lock). The lock is there when
/// this was awaited, and is given back when it is dropped.
#[doc = include_str!("../lock.md")]
///
/// # Cancel safety
/// Dropped, it is cancelled: whoever waits behind it moves up, and a lock that was just granted goes back.
/// While it waits for another process it has to be polled when it is woken, as any future: those behind it
/// wait for that.
#[derive(Debug)]
#[must_use = "nothing is locked until this is awaited"]
pub struct LockBuilder {
    client: Client,
    path: PathBuf,
    claim: Claim,
    deadline: Deadline,
}

impl LockBuilder {
    pub(super) const fn new(client: Client, path: PathBuf) -> LockBuilder {
        LockBuilder {
            client,
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
}

impl IntoFuture for LockBuilder {
    type Output = io::Result<Lock>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<Lock>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let LockBuilder {
            client,
            path,
            claim,
            deadline,
        } = self;
        Box::pin(async move {
            let path = path::absolute(&path).map_err(Failure::into_io)?;
            let asked = |room: Standby<'_>| client.hub().lock(&path, claim, deadline, room);
            let answer = client.ask_for_lock(deadline, asked).await?;
            answer.locked().map_err(Failure::into_io)
        })
    }
}
