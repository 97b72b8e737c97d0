//! A file replaced, whole or not at all.

use super::Client;
use super::wait::done;
use crate::clock::Deadline;
use crate::error::Failure;
use crate::hub::{Content, Lock, Standby};
use crate::path;
use bytes::Bytes;
use staging_core::Durability;
use std::future::IntoFuture;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;

/// What a path leads to is to be replaced; see [`Stager::replace`](super::Stager::replace). It happens
/// when this is awaited.
///
/// At every moment the path has the old content or the new one, whole (A1): a temporary file in the same
/// directory gets all the bytes, the mode, the owner and the extended attributes (A3), and then the name.
/// A symbolic link is replaced at its target, unless told otherwise. Who has the old file open, or staged, goes on reading that.
///
/// # Errors
/// Not committed: nothing is changed. There is something else than a regular file, the directory may not be
/// written, the disk is full, or what else the system said; the deadline passed, or the stager was
/// closing. Indeterminate, where [`Failure::is_indeterminate`] says so: the new content may be there, and
/// may be gone after a loss of power.
///
/// # Cancel safety
/// Dropped, it is not committed or goes on to its end, and leaves nothing behind.
#[derive(Debug)]
#[must_use = "nothing is replaced until this is awaited"]
pub struct ReplaceBuilder {
    client: Client,
    path: PathBuf,
    content: Content,
    deadline: Deadline,
    under: Option<Lock>,
}

impl ReplaceBuilder {
    pub(super) fn new(client: Client, path: PathBuf, bytes: Bytes) -> ReplaceBuilder {
        ReplaceBuilder {
            client,
            path,
            content: Content::of(bytes),
            deadline: Deadline::Never,
            under: None,
        }
    }

    /// Under which lock.
    pub(super) fn under(mut self, lock: Option<Lock>) -> Self {
        self.under = lock;
        self
    }

    /// What of it is to survive a loss of power (A6). By default, all.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.content.durability = durability;
        self
    }

    /// Whether it fails where there is something (EEXIST).
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.content.create_new(create_new);
        self
    }

    /// Whether a symbolic link is followed, so that what it leads to is replaced (A3). It is, unless this says
    /// no: then the link itself makes way for the new file, which has the mode of any new one.
    pub fn follow_links(mut self, follow: bool) -> Self {
        self.content.follow_links(follow);
        self
    }

    /// When it is given up.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }
}

impl IntoFuture for ReplaceBuilder {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let ReplaceBuilder {
            client,
            path,
            content,
            deadline,
            mut under,
        } = self;
        Box::pin(async move {
            let path = path::absolute(&path).map_err(Failure::into_io)?;
            let asked = |room: Standby<'_>| {
                let hub = client.hub();
                hub.replace_under(&mut under, &path, &content, deadline, room)
            };
            client.ask(deadline, asked).await.and_then(done)
        })
    }
}
