//! Where a case plays: a directory of its own, drivers of one configuration, and the look
//! afterwards whether everything was given back.

use super::driver::{Configuration, Driver};
use super::trace::replays;
use super::watch::wait_for;
use driver_kit::core::{Class, Grace, Limits, PhaseName, Stats};
use driver_kit::figures::RequestKind;
use driver_kit::hub::Hub;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// The grain of progress and cancel in cases, so that small files have many chunks.
pub(crate) const CHUNK: u64 = 64 << 10;

/// Where a case plays.
pub struct Scene {
    configuration: Configuration,
    dir: TempDir,
    root: PathBuf,
    drivers: Mutex<Vec<Arc<dyn Driver>>>,
}

impl Scene {
    /// A new, empty place.
    ///
    /// # Errors
    /// There is no room for one.
    pub fn new(configuration: Configuration) -> io::Result<Scene> {
        let dir = tempfile::Builder::new().prefix("staging-").tempdir()?;
        let root = dir.path().canonicalize()?;
        Ok(Scene {
            configuration,
            dir,
            root,
            drivers: Mutex::default(),
        })
    }

    /// The configuration under trial.
    pub const fn configuration(&self) -> Configuration {
        self.configuration
    }

    /// Whether there are workers, so that a caller is answered also while an action hangs.
    pub const fn has_workers(&self) -> bool {
        self.configuration.workers > 0
    }

    /// The directory, without links in its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Small grains, everything else as usual.
    pub fn limits() -> Limits {
        Limits {
            fetch: 16 << 10,
            chunk: CHUNK,
            ..Limits::default()
        }
    }

    /// A driver with [`limits`](Scene::limits).
    pub fn driver(&self) -> Arc<dyn Driver> {
        self.driver_with(Scene::limits())
    }

    /// A driver with other limits.
    pub fn driver_with(&self, limits: Limits) -> Arc<dyn Driver> {
        let driver = (self.configuration.make)(limits);
        if let Some(hub) = driver.kit() {
            hub.record();
        }
        self.drivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&driver));
        driver
    }

    /// A file of so many bytes; see [`pattern`].
    ///
    /// # Errors
    /// It cannot be written.
    pub fn file(&self, name: &str, len: usize) -> io::Result<(PathBuf, Vec<u8>)> {
        let path = self.path(name);
        let bytes = pattern(len, seed_of(name));
        fs::write(&path, &bytes)?;
        Ok((path, bytes))
    }

    /// How many descriptors of this process are open in the directory.
    ///
    /// # Errors
    /// The system does not say.
    pub fn descriptors(&self) -> io::Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir("/proc/self/fd")?.flatten() {
            count +=
                usize::from(fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(&self.root)));
        }
        Ok(count)
    }

    /// How many mappings this process has of files in the directory.
    ///
    /// # Errors
    /// The system does not say.
    pub fn mappings(&self) -> io::Result<usize> {
        let maps = fs::read("/proc/self/maps")?;
        let root = self.root.to_string_lossy();
        let maps = String::from_utf8_lossy(&maps);
        Ok(maps.lines().filter(|line| line.contains(&*root)).count())
    }

    /// Closes every driver of the case and looks whether anything was left behind.
    ///
    /// # Errors
    /// What was left behind.
    pub fn leave(&self) -> Result<(), Box<dyn Error>> {
        let drivers =
            std::mem::take(&mut *self.drivers.lock().unwrap_or_else(PoisonError::into_inner));
        for driver in &drivers {
            if driver.phase() != PhaseName::Closed {
                let report = driver.shutdown(Grace::default());
                if !report.is_clean() {
                    return Err(format!("the end was not clean: {report}").into());
                }
            }
            settled(driver.as_ref())?;
            if let Some(hub) = driver.kit() {
                let journal = hub.journal().ok_or("no journal was kept")?;
                replays(&journal)?;
            }
        }
        drop(drivers);
        wait_for("descriptors to be closed", || {
            self.descriptors().is_ok_and(|count| count == 0)
        })?;
        wait_for("mappings to be given back", || {
            self.mappings().is_ok_and(|count| count == 0)
        })?;
        Ok(())
    }
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene")
            .field("configuration", &self.configuration)
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// Closed: no budget is taken, nothing is mapped, and every accepted operation had one outcome.
fn settled(driver: &dyn Driver) -> Result<(), Box<dyn Error>> {
    if let Some(memory) = driver.kit().map(|hub| hub.memory()) {
        wait_for("mapped bytes to be given back", || {
            memory.mapped_bytes() == 0
        })?;
        wait_for("blocks to be given back", || {
            memory.trim();
            memory.arena_bytes() == 0
        })?;
    }
    if driver.charged() != 0 {
        return Err(format!("{} bytes of budget are still taken", driver.charged()).into());
    }
    if let Some(hub) = driver.kit() {
        measured(hub)?;
    }
    let stats = driver.stats();
    if stats.pending != 0 || stats.accepted != answered(&stats) {
        return Err(format!("not every operation had one outcome: {stats:?}").into());
    }
    Ok(())
}

/// What was measured is what was counted: each answered operation once, and writes in their classes.
fn measured(hub: &Hub) -> Result<(), Box<dyn Error>> {
    // Whoever hears of the end may be faster than who brings the last times.
    wait_for("the last times to be recorded", || {
        hub.timings().of_all().count() == answered(&hub.stats())
    })?;
    let timings = hub.timings();
    for class in Class::ALL {
        let writes = hub.writes_of(class);
        let counted = writes.accepted - writes.pending;
        let timing = timings.of_kind_and_class(RequestKind::Write, class);
        if timing.count() != counted {
            let found = timing.count();
            return Err(format!("{found} writes of {class:?} were measured: {writes:?}").into());
        }
    }
    let (all, kinds) = (timings.of_all(), RequestKind::ALL);
    let by_kind = kinds.map(|kind| timings.of_kind(kind).count());
    let by_class = Class::ALL.map(|class| timings.of_class(class).count());
    let sums = (by_kind.iter().sum(), by_class.iter().sum());
    if sums != (all.count(), all.count()) || all.service.count() > all.count() {
        return Err(format!("what was measured does not agree: {timings:?}").into());
    }
    Ok(())
}

const fn answered(stats: &Stats) -> u64 {
    stats.completed + stats.failed + stats.cancelled + stats.expired + stats.abandoned
}

/// Bytes of which each tells its place and its seed, none of them 0.
pub fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| byte_of(at, seed)).collect()
}

pub(crate) const fn byte_of(at: usize, seed: u8) -> u8 {
    let mixed = (at ^ (at >> 7) ^ (at >> 13) ^ (at >> 20)) as u8;
    mixed.wrapping_mul(31).wrapping_add(seed) | 1
}

fn seed_of(name: &str) -> u8 {
    name.bytes()
        .fold(7, |seed, byte| seed.wrapping_mul(33).wrapping_add(byte))
}
