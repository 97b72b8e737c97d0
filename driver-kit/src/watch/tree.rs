//! A view: some paths, watched together, as one reader sees them.

use super::debounce::Debounce;
use super::ground::{Concern, Ground, RootId, Step, beneath};
use super::sight::Sight;
use super::{Change, ChangeKind, Listener};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A path as it was asked for, and where it leads now.
#[derive(Debug)]
struct Root {
    path: PathBuf,
    way: Vec<Step>,
    /// The directory it leads to, without links; `None` where it leads to a file, or nowhere.
    base: Option<PathBuf>,
    /// Events were lost: everything beneath it has to be looked at.
    rescan: bool,
}

/// Some paths, watched together. All paths in here but [`Root::base`] begin as a root is spelled.
pub(super) struct View {
    id: u64,
    listener: Arc<dyn Listener>,
    roots: Vec<Root>,
    /// The files there were when they were looked at last; every other path shows none.
    sights: BTreeMap<PathBuf, Sight>,
    debounce: Debounce<PathBuf>,
    untold: Vec<Change>,
    /// Why something cannot be watched.
    trouble: Option<io::Error>,
    /// Which root is spelled so.
    spelled: HashMap<PathBuf, usize>,
}

impl View {
    /// A view that has seen nothing yet.
    pub(super) fn new(
        id: u64,
        paths: Vec<PathBuf>,
        debounce: Duration,
        listener: Arc<dyn Listener>,
    ) -> View {
        let root = |path| Root {
            path,
            way: Vec::new(),
            base: None,
            rescan: false,
        };
        let spelled = paths.iter().cloned().zip(0..).collect();
        View {
            id,
            listener,
            spelled,
            roots: paths.into_iter().map(root).collect(),
            sights: BTreeMap::new(),
            debounce: Debounce::new(debounce),
            untold: Vec::new(),
            trouble: None,
        }
    }

    /// Whom it tells.
    pub(super) const fn listener(&self) -> &Arc<dyn Listener> {
        &self.listener
    }

    /// Watches everything, and takes what it sees for what its reader knows.
    ///
    /// # Errors
    /// A path, or a directory beneath one, cannot be watched.
    pub(super) fn begin(&mut self, ground: &mut Ground) -> io::Result<()> {
        for root in 0..self.roots.len() {
            let path = self.roots[root].path.clone();
            let mut found = self
                .resolve(ground, root)
                .map_err(|error| in_words(&path, &error))?;
            found.push(path);
            for path in found {
                let sight = self.see(&path);
                self.keep(path, sight);
            }
        }
        self.untold.clear();
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// Something happened to a name; `moved` if it came, went, or moved.
    pub(super) fn stir(
        &mut self,
        ground: &mut Ground,
        concern: Concern,
        at: &Path,
        moved: bool,
        now: Duration,
    ) {
        let (path, found) = match concern {
            Concern::OnTheWay(RootId { root, .. }) => {
                let found = moved.then(|| self.resolve_again(ground, root));
                (self.roots[root].path.clone(), found)
            }
            Concern::Beneath(RootId { root, .. }) => {
                let Some(path) = self.told_as(root, at) else {
                    return;
                };
                let is_new_directory = || moved && is_directory(at);
                let found = is_new_directory().then(|| self.discover(ground, root, at));
                (path, found)
            }
        };
        self.debounce.stir(&path, now);
        if moved {
            self.stir_known(&path, now);
        }
        for path in found.into_iter().flatten() {
            self.debounce.stir(&path, now);
        }
    }

    /// Events were lost.
    pub(super) fn rescan(&mut self, now: Duration) {
        for root in &mut self.roots {
            root.rescan = true;
            self.debounce.stir(&root.path, now);
        }
    }

    /// When it has to be looked at next.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.debounce.next_due()
    }

    /// Looks at what is due, and tells what has changed.
    pub(super) fn settle(&mut self, ground: &mut Ground, now: Duration) {
        while let Some(path) = self.debounce.take_due(now) {
            match self.spelled.get(&path) {
                Some(root) => self.look_at_root(ground, *root, now),
                None => self.look(ground, &path, now),
            }
        }
        if !self.untold.is_empty() {
            self.listener.tell(std::mem::take(&mut self.untold));
        }
    }

    fn look_at_root(&mut self, ground: &mut Ground, root: usize, now: Duration) {
        let rescan = std::mem::take(&mut self.roots[root].rescan);
        let path = self.roots[root].path.clone();
        let leads_to_directory = is_directory_behind(&path);
        if rescan || leads_to_directory != self.roots[root].base.is_some() {
            let mut paths = self.resolve_again(ground, root);
            paths.extend(beneath(&self.sights, &path).map(|(path, _)| path.clone()));
            for path in paths {
                self.look(ground, &path, now);
            }
        }
        self.look(ground, &path, now);
        if rescan {
            let kind = ChangeKind::Rescanned;
            self.untold.push(Change { path, kind });
        }
    }

    /// Looks at one path, and notes what has changed since it was looked at last.
    fn look(&mut self, ground: &mut Ground, path: &Path, now: Duration) {
        let sight = self.see(path);
        self.note(path, sight);
        let Some((root, Some(real))) = self.real(path) else {
            return;
        };
        let id = self.root_id(root);
        if sight != Sight::Directory {
            let known: Vec<PathBuf> = beneath(&self.sights, path)
                .map(|(path, _)| path.clone())
                .filter(|known| known != path)
                .collect();
            known
                .iter()
                .for_each(|known| self.note(known, Sight::Missing));
            if path != self.roots[root].path {
                ground.leave_beneath(id, &real);
            }
        } else if !ground.is_within(&real, id) {
            for path in self.discover(ground, root, &real) {
                self.debounce.stir(&path, now);
            }
        }
    }

    fn note(&mut self, path: &Path, sight: Sight) {
        let before = self.sights.get(path).copied().unwrap_or_default();
        if let Some(kind) = before.change(sight) {
            let path = path.to_owned();
            self.untold.push(Change { path, kind });
        }
        self.keep(path.to_owned(), sight);
    }

    fn keep(&mut self, path: PathBuf, sight: Sight) {
        match sight {
            Sight::File(_) => drop(self.sights.insert(path, sight)),
            Sight::Missing | Sight::Directory | Sight::Other => drop(self.sights.remove(&path)),
        }
    }

    /// What a path shows. Links are followed where they were named, and nowhere else.
    fn see(&self, path: &Path) -> Sight {
        let found = match self.real(path) {
            Some((root, _)) if self.roots[root].path == path => fs::metadata(path).ok(),
            Some((_, Some(real))) => fs::symlink_metadata(real).ok(),
            Some((_, None)) | None => None,
        };
        found.map_or(Sight::Missing, |found| Sight::of(&found, SystemTime::now()))
    }

    /// Resolves a root that may lead elsewhere by now. Gives what is beneath.
    fn resolve_again(&mut self, ground: &mut Ground, root: usize) -> Vec<PathBuf> {
        self.resolve(ground, root).unwrap_or_else(|error| {
            if !is_gone(&error) {
                let path = self.roots[root].path.clone();
                self.unwatched(path, &error);
            }
            Vec::new()
        })
    }

    /// Watches the way to a root and, if that leads to a directory, everything beneath. Gives what
    /// is beneath.
    fn resolve(&mut self, ground: &mut Ground, root: usize) -> io::Result<Vec<PathBuf>> {
        let id = self.root_id(root);
        let Root {
            path, way, base, ..
        } = &mut self.roots[root];
        let chain = ground.resolve(id, path, way)?;
        let leads_to = chain.end.filter(|end| is_directory(end));
        if *base != leads_to
            && let Some(before) = std::mem::replace(base, leads_to.clone())
        {
            ground.leave_beneath(id, &before);
        }
        Ok(match leads_to {
            Some(directory) => self.discover(ground, root, &directory),
            None => Vec::new(),
        })
    }

    /// Watches a directory beneath a root, and every directory in it; each is watched first and then
    /// read. Gives what there is beside directories.
    fn discover(&mut self, ground: &mut Ground, root: usize, top: &Path) -> Vec<PathBuf> {
        let id = self.root_id(root);
        let mut found = Vec::new();
        let mut directories = vec![top.to_owned()];
        while let Some(directory) = directories.pop() {
            if let Err(error) = ground.watch_within(&directory, id)
                && !is_gone(&error)
            {
                let path = self.told_as(root, &directory).unwrap_or_default();
                self.unwatched(path, &error);
            }
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    directories.push(entry.path());
                } else {
                    found.extend(self.told_as(root, &entry.path()));
                }
            }
        }
        found
    }

    /// What cannot be watched is told of. Where only the right to read a directory is missing, what
    /// is in it is not found either; that is told if nothing but this directory was asked for.
    fn unwatched(&mut self, path: PathBuf, error: &io::Error) {
        tracing::warn!(path = %path.display(), %error, "cannot be watched");
        let may_not = error.kind() == io::ErrorKind::PermissionDenied;
        if !may_not || self.spelled.contains_key(&path) {
            self.trouble = Some(in_words(&path, error));
            let kind = ChangeKind::Unwatched;
            self.untold.push(Change { path, kind });
        }
    }

    fn stir_known(&mut self, path: &Path, now: Duration) {
        for (known, _) in beneath(&self.sights, path) {
            self.debounce.stir(known, now);
        }
    }

    const fn root_id(&self, root: usize) -> RootId {
        RootId {
            view: self.id,
            root,
        }
    }

    /// How a path beneath a root's directory is told.
    fn told_as(&self, root: usize, real: &Path) -> Option<PathBuf> {
        let Root { path, base, .. } = &self.roots[root];
        let rest = real.strip_prefix(base.as_ref()?).ok()?;
        Some(match rest.as_os_str().is_empty() {
            true => path.clone(),
            false => path.join(rest),
        })
    }

    /// Beneath which root a path is, and where it is without links, if the root is a directory.
    fn real(&self, path: &Path) -> Option<(usize, Option<PathBuf>)> {
        let root = *path.ancestors().find_map(|above| self.spelled.get(above))?;
        let Root {
            path: spelled,
            base,
            ..
        } = &self.roots[root];
        let rest = path.strip_prefix(spelled).ok()?;
        let real = base.as_ref().map(|base| match rest.as_os_str().is_empty() {
            true => base.clone(),
            false => base.join(rest),
        });
        Some((root, real))
    }
}

/// The error with what was being done, and where.
fn in_words(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("watch {}: {error}", path.display()))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn is_directory_behind(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}
