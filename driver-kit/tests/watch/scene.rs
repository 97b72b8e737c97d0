//! Where a test plays: a directory of its own, and somebody who watches in it.

use driver_kit::contents::Means;
use driver_kit::core::Limits;
use driver_kit::hub::{Hub, Setup};
use driver_kit::thread_waker;
use driver_kit::watch::{Change, ChangeKind, Order, Watch};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) type Proof = Result<(), Box<dyn Error>>;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Short, so that tests are.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(50);

/// What is written when everything before it is to have been told.
const SENTINEL: &str = "sentinel";

/// A directory, a hub, and perhaps a watch.
pub(crate) struct Scene {
    _dir: TempDir,
    root: PathBuf,
    pub(crate) hub: Arc<Hub>,
    watch: Option<Watch>,
    ends: u32,
}

impl Scene {
    pub(crate) fn new() -> io::Result<Scene> {
        let dir = tempfile::Builder::new().prefix("watched-").tempdir()?;
        let root = dir.path().canonicalize()?;
        let hub = Hub::new(Setup {
            limits: Limits::default(),
            means: Means::default(),
            workers: 0,
            start: Box::new(|_| {}),
        });
        Ok(Scene {
            _dir: dir,
            root,
            hub,
            watch: None,
            ends: 0,
        })
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file in place, with the directories it needs.
    pub(crate) fn file(&self, name: &str, bytes: &str) -> io::Result<()> {
        let path = self.path(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, bytes)
    }

    /// Saves as editors do: a temporary file beside it, which then takes its name.
    pub(crate) fn save(&self, name: &str, bytes: &str) -> io::Result<()> {
        let temporary = self.path(format!("{name}.new"));
        fs::write(&temporary, bytes)?;
        fs::rename(temporary, self.path(name))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    /// Begins to watch, and the sentinel too.
    pub(crate) fn watch(&mut self, names: &[&str]) -> io::Result<()> {
        self.watch_with(names, DEBOUNCE)
    }

    pub(crate) fn watch_with(&mut self, names: &[&str], debounce: Duration) -> io::Result<()> {
        let mut paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        paths.push(self.path(SENTINEL));
        let watch = Watch::begin(&self.hub, Order { paths, debounce })?;
        wait_for(|waker| watch.poll_begun(waker))??;
        self.watch = Some(watch);
        Ok(())
    }

    pub(crate) fn unwatch(&mut self) {
        self.watch = None;
    }

    /// The next change, as `kind name`.
    pub(crate) fn next(&mut self) -> io::Result<Option<String>> {
        let watch = self.watch.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let change = wait_for(|waker| watch.poll_next(waker))?;
        Ok(change.map(|change| self.spoken(&change)))
    }

    fn spoken(&self, change: &Change) -> String {
        let name = change.path.strip_prefix(&self.root);
        let name = name.unwrap_or(&change.path).display();
        format!("{} {name}", change.kind.name())
    }

    /// Everything that was told of what happened before this, in the order of the names.
    pub(crate) fn told(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        self.ends += 1;
        fs::write(self.path(SENTINEL), self.ends.to_string())?;
        let mut told = Vec::new();
        loop {
            match self.next()?.ok_or("it ended")? {
                change if change.ends_with(SENTINEL) && !is_loss(&change) => break,
                change => told.push(change),
            }
        }
        told.sort_by_key(|change| change.split(' ').nth(1).map(str::to_owned));
        Ok(told)
    }

    /// Removes something and makes a file again at once, and whether what is told is what happened: a
    /// change; or, where the machine was slower than the debounce, an end and a beginning.
    pub(crate) fn makes_again(
        &mut self,
        remove: impl FnOnce(&Scene) -> io::Result<()>,
        name: &str,
        bytes: &str,
    ) -> Proof {
        let began = Instant::now();
        remove(self)?;
        self.file(name, bytes)?;
        let quick = began.elapsed() < DEBOUNCE;
        let told = self.told()?;
        let apart = [format!("removed {name}"), format!("created {name}")];
        let right = told == [format!("modified {name}")] || (!quick && told == apart);
        assert!(right, "{told:?}, quick: {quick}");
        Ok(())
    }

    /// Waits until a change is told, whatever else is told before.
    pub(crate) fn wait_until_told(&mut self, kind: ChangeKind, name: &str) -> Proof {
        let wanted = format!("{} {name}", kind.name());
        let mut told = Vec::new();
        while told.last() != Some(&wanted) {
            let next = self.next();
            let next = next.map_err(|_| format!("{wanted} is not told, but {told:?}"))?;
            told.push(next.ok_or("it ended")?);
        }
        Ok(())
    }
}

/// The sentinel was not written, but the system lost events.
fn is_loss(change: &str) -> bool {
    change.starts_with(ChangeKind::Rescanned.name())
}

/// Waits on this thread, for ten seconds at most.
pub(crate) fn wait_for<T>(mut poll: impl FnMut(&Waker) -> Poll<T>) -> io::Result<T> {
    let waker = thread_waker(thread::current());
    let end = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(ready) = poll(&waker) {
            return Ok(ready);
        }
        match end.checked_duration_since(Instant::now()) {
            Some(rest) if !rest.is_zero() => thread::park_timeout(rest),
            Some(_) | None => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
