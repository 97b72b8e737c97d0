//! Replacing a file: a temporary one beside it, with the same permissions, owner and attributes, that gets
//! all the bytes before it gets the name (A1, A3).

mod doubt;
mod metadata;
mod owner;
mod sweep;
mod temporary;
mod together;

use super::write;
use crate::error::fault_of;
use crate::job::{Brought, Ended};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use staging_core::{Completion, Existing, Fault, Key, NodeKind, ReplaceStep};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use sweep::{Swept, sweep_directory};

/// A file without its name yet. It has another, which is removed or given up.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    directory: File,
    durable: NamesBy,
    /// What the directory is.
    key: Key,
    name: OsString,
    target: OsString,
    /// By which it is known which file was opened before which.
    opened: u64,
    /// What else is synced with it, if anything is.
    volume: Option<u64>,
    /// Where the target really is, if the path led over links.
    pub(crate) real: Option<Arc<Path>>,
}

/// Carries out a step. All but the first have the temporary file that the first brought.
pub(super) fn step(
    path: &Path,
    step: ReplaceStep,
    temporary: Option<&Temporary>,
    bytes: &[u8],
    swept: &Swept,
) -> Ended {
    let part = |offset: u64, len: u64| {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        bytes.get(from..from.saturating_add(len))
    };
    let done = match (step, temporary) {
        (ReplaceStep::Create { len, existing }, _) => match part(0, len) {
            Some(first) => return create(path, existing, first, swept),
            None => Err(Errno::INVAL),
        },
        (_, None) => Err(Errno::BADF),
        (ReplaceStep::Fill { offset, len }, Some(temporary)) => match part(offset, len) {
            Some(part) => return Ended::plain(write::write(&temporary.file, part, offset)),
            None => Err(Errno::INVAL),
        },
        // It has a job of its own.
        (ReplaceStep::SyncFile { .. }, Some(_)) => Err(Errno::INVAL),
        (ReplaceStep::Publish { existing }, Some(temporary)) => {
            let given = temporary.give_name(existing);
            return Ended::plain(temporary.judged(given));
        }
        (ReplaceStep::SyncDirectory, Some(temporary)) => {
            temporary.sync_names().map(|()| Completion::Synced)
        }
        (ReplaceStep::Discard, Some(temporary)) => {
            temporary.discard().map(|()| Completion::Discarded)
        }
    };
    match done {
        Ok(completion) => Ended::plain(completion),
        Err(errno) => Ended::plain(Completion::Failed { fault: os(errno) }),
    }
}

/// Makes these files durable.
pub(super) fn sync_files(files: &[Arc<Temporary>]) -> Completion {
    match together::sync(files) {
        Ok(()) => Completion::Synced,
        Err(errno) => Completion::Failed { fault: os(errno) },
    }
}

fn os(errno: Errno) -> Fault {
    fault_of(&errno.into())
}

/// Makes the file and writes its first bytes. What cannot be finished is removed again.
fn create(path: &Path, existing: Existing, first: &[u8], swept: &Swept) -> Ended {
    let temporary = match Temporary::beside(path, existing, swept) {
        Ok(temporary) => temporary,
        Err(fault) => return Ended::plain(Completion::Failed { fault }),
    };
    match write::write(&temporary.file, first, 0) {
        Completion::Written => Ended {
            completion: Completion::Created {
                volume: temporary.volume,
            },
            brought: Brought::Temporary(Arc::new(temporary)),
        },
        Completion::Failed { fault } | Completion::CutShort { fault, .. } => {
            let _ = temporary.unlink();
            Ended::plain(Completion::Failed { fault })
        }
        _ => Ended::plain(Completion::Failed {
            fault: Fault::Short,
        }),
    }
}

impl Temporary {
    /// Beside what a path leads to.
    ///
    /// # Errors
    /// Something stands there that is no regular file, or must not be there; or what the system said.
    fn beside(path: &Path, existing: Existing, swept: &Swept) -> Result<Temporary, Fault> {
        let at = Place::of(path, existing)?;
        let about = rustix::fs::fstat(&at.directory).map_err(os)?;
        let key = Key([about.st_dev as u64, about.st_ino as u64]);
        swept.once(&at.directory, key);
        let (file, name) = temporary::make(&at.directory, at.before.is_some()).map_err(os)?;
        let opened = together::opened();
        let volume = together::volume_of(&file, key.0[0]);
        let temporary = Temporary {
            file,
            opened,
            volume,
            directory: at.directory,
            durable: at.durable,
            key,
            name,
            target: at.name,
            real: at.real,
        };
        if let Some(before) = &at.before
            && let Err(errno) = metadata::keep(
                before,
                &temporary.directory,
                &temporary.target,
                &temporary.file,
            )
        {
            let _ = temporary.unlink();
            return Err(os(errno));
        }
        Ok(temporary)
    }

    /// Gives it the name that it is for.
    fn give_name(&self, existing: Existing) -> Result<(), Errno> {
        let (from, to) = (
            (&self.directory, &self.name),
            (&self.directory, &self.target),
        );
        match existing {
            Existing::Replace | Existing::ReplaceLink => {
                rustix::fs::renameat(from.0, from.1, to.0, to.1)?
            }
            Existing::Fail => {
                match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE)
                {
                    // The file system cannot; a link never replaces anything.
                    Err(Errno::INVAL | Errno::NOSYS) => {
                        rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?;
                        let _ = self.unlink();
                    }
                    renamed => renamed?,
                }
            }
        }
        Ok(())
    }

    fn sync_names(&self) -> Result<(), Errno> {
        match self.durable {
            NamesBy::Directory => rustix::fs::fsync(&self.directory),
            NamesBy::FileSystem => rustix::fs::syncfs(&self.file),
        }
    }

    fn unlink(&self) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty())
    }
}

/// What makes the names in a directory durable.
#[derive(Clone, Copy, Debug)]
enum NamesBy {
    /// Its own sync.
    Directory,
    /// That of its whole file system: it may be written to and not be read, and only what is open for reading
    /// or writing can be synced.
    FileSystem,
}

/// Where the name is.
struct Place {
    directory: File,
    durable: NamesBy,
    name: OsString,
    /// What stands there now.
    before: Option<rustix::fs::Stat>,
    real: Option<Arc<Path>>,
}

impl Place {
    fn of(path: &Path, existing: Existing) -> Result<Place, Fault> {
        let (directory, durable, name) = open_parent(path)?;
        let found = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW);
        let before = match found {
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(os(errno)),
            Ok(_) if existing == Existing::Fail => return Err(os(Errno::EXIST)),
            Ok(about) => match super::identity::regular(about.st_mode) {
                Ok(()) => Some(about),
                // It takes the place of nothing else: what a link has of its own, a file cannot keep.
                Err(_) if is_link(&about) && existing == Existing::ReplaceLink => None,
                Err(_) if is_link(&about) => return Place::behind(path, existing),
                Err(fault) => return Err(fault),
            },
        };
        Ok(Place {
            directory,
            durable,
            name,
            before,
            real: None,
        })
    }

    /// Where a link leads. One to nothing is told apart from nothing.
    fn behind(path: &Path, existing: Existing) -> Result<Place, Fault> {
        let real: PathBuf = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Fault::Dangling);
            }
            Err(error) => return Err(fault_of(&error)),
        };
        // Nothing in it is a link, unless one is put there now; then it is the next one's turn.
        let place = Place::of(&real, existing)?;
        Ok(Place {
            real: Some(place.real.unwrap_or_else(|| real.into())),
            ..place
        })
    }
}

fn is_link(about: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(about.st_mode).is_symlink()
}

fn open_parent(path: &Path) -> Result<(File, NamesBy, OsString), Fault> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::NotAFile(NodeKind::Directory));
    };
    let open = |how| {
        rustix::fs::open(
            parent,
            how | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    };
    let (directory, durable) = match open(OFlags::RDONLY) {
        Err(Errno::ACCESS) => (open(OFlags::PATH).map_err(os)?, NamesBy::FileSystem),
        opened => (opened.map_err(os)?, NamesBy::Directory),
    };
    Ok((directory.into(), durable, OsStr::to_owned(name)))
}
