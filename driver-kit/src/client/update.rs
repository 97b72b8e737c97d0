//! A file read, changed and replaced, as a future.

use super::lock::LockBuilder;
use super::replace::ReplaceBuilder;
use super::{Client, File, OpenOptions};
use crate::clock::Deadline;
use crate::error::{Failure, if_there};
use crate::path;
use crate::update::{Update, lock_file, place_of_missing};
use bytes::Bytes;
use staging_core::{Durability, Mode, Scope};
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

/// A file is to be read, changed and replaced; see [`Stager::update`](super::Stager::update). It happens
/// when this is awaited.
#[doc = include_str!("../update.md")]
///
/// # Cancel safety
/// Dropped, it is not committed, or goes on to its end once it replaces the file; the lock goes back when
/// nothing of that is under way any more.
#[derive(Debug)]
#[must_use = "nothing is updated until this is awaited"]
pub struct UpdateBuilder<C> {
    client: Client,
    path: PathBuf,
    change: C,
    update: Update,
}

impl<C> UpdateBuilder<C> {
    pub(super) const fn new(client: Client, path: PathBuf, change: C) -> UpdateBuilder<C> {
        UpdateBuilder {
            client,
            path,
            change,
            update: Update::DEFAULT,
        }
    }

    /// Who is kept out meanwhile. By default, the other callers of this stager.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.update.scope = Some(scope);
        self
    }

    /// Nobody is kept out: the content is read immediately before it is replaced, and the last writer
    /// wins.
    pub fn unlocked(mut self) -> Self {
        self.update.scope = None;
        self
    }

    /// What of it is to survive a loss of power (A6). By default, all.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.update.durability = durability;
        self
    }

    /// When it is given up.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.update.deadline = deadline;
        self
    }
}

impl<C, B> IntoFuture for UpdateBuilder<C>
where
    C: FnOnce(Option<Bytes>) -> io::Result<B> + Send + 'static,
    B: Into<Bytes>,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let UpdateBuilder {
            client,
            path,
            change,
            update,
        } = self;
        Box::pin(async move {
            let path = path::absolute(&path).map_err(Failure::into_io)?;
            let found = open(&client, &path, Mode::None, update.deadline).await?;
            let real = found.map_or_else(|| place_of_missing(&path), |file| file.path().into());
            let lock = match update.scope {
                Some(scope) => {
                    let lock = LockBuilder::new(client.clone(), lock_file(&real)).scope(scope);
                    Some(lock.deadline(update.deadline).await?)
                }
                None => None,
            };
            let old = match open(&client, &real, Mode::Auto, update.deadline).await? {
                Some(file) => {
                    let len = usize::try_from(file.len()).unwrap_or(usize::MAX);
                    Some(file.read_at(0, len).await?)
                }
                None => None,
            };
            let new = change(old)?.into();
            let replace = ReplaceBuilder::new(client, real, new).durability(update.durability);
            replace.deadline(update.deadline).under(lock).await
        })
    }
}

/// The file, if there is one.
async fn open(
    client: &Client,
    path: &Path,
    mode: Mode,
    deadline: Deadline,
) -> io::Result<Option<File>> {
    let options = OpenOptions::new(client.clone(), |file| file);
    if_there(options.mode(mode).deadline(deadline).open(path).await)
}
