//! A file read, changed and replaced.

use crate::lock::LockBuilder;
use crate::replace::ReplaceBuilder;
use crate::{File, OpenOptions};
use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Durability, Mode, Scope};
use driver_kit::error::{Failure, if_there};
use driver_kit::hub::Hub;
use driver_kit::path;
use driver_kit::update::{Update, lock_file, place_of_missing};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file is to be read, changed and replaced; see [`Stager::update`](crate::Stager::update).
#[doc = include_str!("../../driver-kit/src/update.md")]
#[derive(Debug)]
#[must_use = "nothing is updated until `commit` is called"]
pub struct UpdateBuilder<C> {
    hub: Arc<Hub>,
    path: PathBuf,
    change: C,
    update: Update,
}

impl<C> UpdateBuilder<C> {
    pub(crate) const fn new(hub: Arc<Hub>, path: PathBuf, change: C) -> UpdateBuilder<C> {
        UpdateBuilder {
            hub,
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

    /// Updates it.
    ///
    /// # Errors
    /// As said above.
    pub fn commit<B>(self) -> io::Result<()>
    where
        C: FnOnce(Option<Bytes>) -> io::Result<B>,
        B: Into<Bytes>,
    {
        let UpdateBuilder {
            hub,
            path,
            change,
            update,
        } = self;
        let path = path::absolute(&path).map_err(Failure::into_io)?;
        let found = open(&hub, &path, Mode::None, update.deadline)?;
        let real = found.map_or_else(|| place_of_missing(&path), |file| file.path().into());
        let lock = match update.scope {
            Some(scope) => {
                let lock = LockBuilder::new(Arc::clone(&hub), lock_file(&real)).scope(scope);
                Some(lock.deadline(update.deadline).acquire()?)
            }
            None => None,
        };
        let old = match open(&hub, &real, Mode::Auto, update.deadline)? {
            Some(file) => {
                let len = usize::try_from(file.len()).unwrap_or(usize::MAX);
                Some(file.bytes_at(0, len)?)
            }
            None => None,
        };
        let new = change(old)?.into();
        let replace = ReplaceBuilder::new(hub, real, new).durability(update.durability);
        replace.deadline(update.deadline).under(lock).commit()
    }
}

/// The file, if there is one.
fn open(hub: &Arc<Hub>, path: &Path, mode: Mode, deadline: Deadline) -> io::Result<Option<File>> {
    let options = OpenOptions::new(Arc::clone(hub)).mode(mode);
    if_there(options.deadline(deadline).open(path))
}
