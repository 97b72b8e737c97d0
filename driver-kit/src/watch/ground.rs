//! The directories that are watched, and who wants to know what happens in them.

use super::chain::Chain;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A path that is watched: which view's, and which of its roots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct RootId {
    pub(super) view: u64,
    pub(super) root: usize,
}

/// How often a path is resolved again because it led elsewhere while its way was being watched. What
/// moves even then is watched by now, and will be told of.
const ROUNDS: u32 = 16;

/// A name that stands on the way to a root, and the directory it is looked up in.
pub(super) type Step = (PathBuf, OsString);

/// Whether the system watches what is at a path.
#[derive(Clone, Copy, Debug, Default)]
enum Watched {
    /// Not, or perhaps another directory that was here.
    #[default]
    No,
    /// It does, as far as is known.
    Yes(Identity),
    /// Events were lost: it does if this directory is still here.
    IfStill(Identity),
}

/// What tells a directory from all others that were ever at its path. An inode's number is given to
/// another when it is gone, so the time of its birth belongs to it; a filesystem that does not know
/// that gives no identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Identity(Option<(u64, u64, SystemTime)>);

impl Identity {
    fn of(directory: &Path) -> Identity {
        let found = fs::symlink_metadata(directory).ok();
        Identity(found.and_then(|found| Some((found.dev(), found.ino(), found.created().ok()?))))
    }

    fn is_still(self, directory: &Path) -> bool {
        self.0.is_some() && self == Identity::of(directory)
    }
}

/// A directory, by its path without links.
#[derive(Debug, Default)]
struct Place {
    watched: Watched,
    /// Whose way leads through which name.
    ways: HashMap<OsString, Vec<RootId>>,
    /// Beneath which roots it is, so that everything in it counts.
    within: Vec<RootId>,
}

impl Place {
    fn is_wanted(&self) -> bool {
        !self.ways.is_empty() || !self.within.is_empty()
    }

    fn leave(&mut self, name: &OsStr, id: RootId) {
        if let Some(ids) = self.ways.get_mut(name) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.ways.remove(name);
            }
        }
    }
}

/// How a name concerns somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Concern {
    /// It stands on the way to this root, or is the root's own.
    OnTheWay(RootId),
    /// It lies beneath this root.
    Beneath(RootId),
}

/// Every directory that somebody wants to know of.
pub(super) struct Ground {
    watcher: RecommendedWatcher,
    places: BTreeMap<PathBuf, Place>,
}

impl Ground {
    pub(super) fn of(watcher: RecommendedWatcher) -> Ground {
        Ground {
            watcher,
            places: BTreeMap::new(),
        }
    }

    /// Resolves a root's path, after every directory on the way to it is watched, and exchanges the
    /// way for the one it was before. What cannot be watched on the way is passed over, as long as
    /// the last of them can: above it, only the unusual happens.
    ///
    /// # Errors
    /// The directory that the path ends in cannot be watched.
    pub(super) fn resolve(
        &mut self,
        id: RootId,
        path: &Path,
        way: &mut Vec<Step>,
    ) -> io::Result<Chain> {
        let mut left = std::mem::take(way);
        let mut chain = Chain::of(path);
        let mut rounds = 0;
        let last = loop {
            let mut last = Ok(());
            for (directory, name) in &chain.names {
                let place = self.place(directory);
                let ids = place.ways.entry(name.clone()).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
                last = self.watch(directory);
            }
            // What it led to while it was not yet watched may have moved.
            let again = Chain::of(path);
            rounds += 1;
            if again == chain || rounds == ROUNDS {
                break last;
            }
            left.append(&mut chain.names);
            chain = again;
        };
        left.retain(|step| !chain.names.contains(step));
        for (directory, name) in left {
            if let Some(place) = self.places.get_mut(&directory) {
                place.leave(&name, id);
                self.give_up_if_unwanted(&directory);
            }
        }
        way.clone_from(&chain.names);
        last.map(|()| chain)
    }

    /// Watches a directory beneath a root. It may be read after this, and not before.
    ///
    /// # Errors
    /// It is no directory any more, may not be read, or there are too many.
    pub(super) fn watch_within(&mut self, directory: &Path, id: RootId) -> io::Result<()> {
        let place = self.place(directory);
        if !place.within.contains(&id) {
            place.within.push(id);
        }
        self.watch(directory)
    }

    /// Whether everything in this directory is watched for a root, or will be looked at soon, because
    /// events were lost. Reading it now would not help: notify hears of that too, and where events are
    /// lost already, that loses more.
    pub(super) fn is_within(&self, directory: &Path, id: RootId) -> bool {
        self.places
            .get(directory)
            .is_some_and(|place| match place.watched {
                Watched::Yes(_) | Watched::IfStill(_) => place.within.contains(&id),
                Watched::No => false,
            })
    }

    /// Whom a name in a directory concerns, and how.
    pub(super) fn concerned(&self, directory: &Path, name: &OsStr) -> Vec<Concern> {
        let Some(place) = self.places.get(directory) else {
            return Vec::new();
        };
        let ways = place.ways.get(name).into_iter().flatten();
        let ways = ways.map(|id| Concern::OnTheWay(*id));
        let within = place.within.iter().map(|id| Concern::Beneath(*id));
        ways.chain(within).collect()
    }

    /// A name came, went or moved: whatever was watched there and beneath may be another directory
    /// now, or may have lost its watch with its name.
    pub(super) fn doubt(&mut self, path: &Path) {
        for (_, place) in beneath_mut(&mut self.places, path) {
            place.watched = Watched::No;
        }
    }

    /// The system has lost events, so directories may have been exchanged unheard.
    pub(super) fn doubt_all(&mut self) {
        for place in self.places.values_mut() {
            place.watched = match place.watched {
                Watched::Yes(identity) | Watched::IfStill(identity) => Watched::IfStill(identity),
                Watched::No => Watched::No,
            };
        }
    }

    /// Events were lost that notify had heard, and may have given up watches for.
    pub(super) fn trust_nothing(&mut self) {
        let places = self.places.values_mut();
        places.for_each(|place| place.watched = Watched::No);
    }

    /// A directory and what is beneath it are gone from under a root.
    pub(super) fn leave_beneath(&mut self, id: RootId, directory: &Path) {
        let mut left = Vec::new();
        for (directory, place) in beneath_mut(&mut self.places, directory) {
            place.within.retain(|other| *other != id);
            left.push(directory.clone());
        }
        left.iter()
            .for_each(|directory| self.give_up_if_unwanted(directory));
    }

    /// Nobody watches a view any more.
    pub(super) fn leave_view(&mut self, view: u64) {
        let mut left = Vec::new();
        for (directory, place) in &mut self.places {
            place.within.retain(|id| id.view != view);
            place.ways.retain(|_, ids| {
                ids.retain(|id| id.view != view);
                !ids.is_empty()
            });
            if !place.is_wanted() {
                left.push(directory.clone());
            }
        }
        left.iter()
            .for_each(|directory| self.give_up_if_unwanted(directory));
    }

    fn place(&mut self, directory: &Path) -> &mut Place {
        self.places.entry(directory.to_owned()).or_default()
    }

    fn watch(&mut self, directory: &Path) -> io::Result<()> {
        let Some(place) = self.places.get_mut(directory) else {
            return Ok(());
        };
        match place.watched {
            Watched::Yes(_) => return Ok(()),
            // Asking notify costs two changes of threads, and events are lost in large numbers.
            Watched::IfStill(identity) if identity.is_still(directory) => {
                place.watched = Watched::Yes(identity);
                return Ok(());
            }
            Watched::IfStill(_) | Watched::No => {}
        }
        let before = Identity::of(directory);
        self.watcher
            .watch(directory, RecursiveMode::NonRecursive)
            .map_err(as_io)?;
        // If it was exchanged meanwhile, nobody knows which of them is watched.
        place.watched = Watched::Yes(match before.is_still(directory) {
            true => before,
            false => Identity(None),
        });
        Ok(())
    }

    fn give_up_if_unwanted(&mut self, directory: &Path) {
        let place = self.places.get(directory);
        if place.is_some_and(|place| !place.is_wanted()) {
            self.places.remove(directory);
            // It may be gone, and its watch with it.
            let _ = self.watcher.unwatch(directory);
        }
    }
}

/// What of a map of paths is a path, or beneath it. Paths sort by their names, so it lies together.
pub(super) fn beneath<'a, T>(
    map: &'a BTreeMap<PathBuf, T>,
    path: &'a Path,
) -> impl Iterator<Item = (&'a PathBuf, &'a T)> {
    map.range::<Path, _>((Bound::Included(path), Bound::Unbounded))
        .take_while(move |(other, _)| other.starts_with(path))
}

fn beneath_mut<'a, T>(
    map: &'a mut BTreeMap<PathBuf, T>,
    path: &'a Path,
) -> impl Iterator<Item = (&'a PathBuf, &'a mut T)> {
    map.range_mut::<Path, _>((Bound::Included(path), Bound::Unbounded))
        .take_while(move |(other, _)| other.starts_with(path))
}

/// What notify says, as the system said it.
pub(super) fn as_io(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        notify::ErrorKind::MaxFilesWatch => io::Error::new(
            io::ErrorKind::StorageFull,
            "the system watches no more directories (fs.inotify.max_user_watches)",
        ),
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::WatchNotFound
        | notify::ErrorKind::InvalidConfig(_) => io::Error::other(error.to_string()),
    }
}
