//! Playing a history: each step is taken by the driver and by the model, and the two are compared.

use super::directory::{COUNT, Directory, Stand};
use super::step::{Barrier, Late, Step};
use super::transcript::transcript;
use crate::conformance::{Configuration, Driver, Open, Scene, wait_for};
use crate::core::dice::Dice;
use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Life, Limits, PAGE};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

/// What was not as promised, in words.
pub(crate) type Verdict = Result<(), String>;

/// How much was done and looked at.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Operations that a driver carried out or refused.
    pub operations: u64,
    /// Comparisons with the model.
    pub checks: u64,
}

/// An open file, and what is known of it.
pub(super) struct Held {
    pub(super) open: Open,
    pub(super) file: usize,
    pub(super) writes: bool,
    pub(super) appends: bool,
}

/// See the module.
pub(super) struct Player {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) directory: Directory,
    pub(super) handles: Vec<Held>,
    pub(super) kept: Vec<(Bytes, Vec<u8>)>,
    pub(super) limits: Limits,
    pub(super) tally: Tally,
}

/// Plays a history over a configuration.
///
/// # Errors
/// What was not as promised.
pub fn play(
    configuration: Configuration,
    limits: Limits,
    history: &[Step],
    tally: &mut Tally,
) -> Verdict {
    let scene = Scene::new(configuration).map_err(said)?;
    let driver = scene.driver_with(limits);
    play_with(&scene, driver, limits, history, Pace::Brisk, tally)?;
    scene
        .leave()
        .map_err(|error| format!("afterwards: {error}"))
}

/// Plays a history over this driver, which is set up with these limits.
///
/// # Errors
/// What was not as promised.
pub(super) fn play_over(
    driver: impl FnOnce(&Scene) -> Arc<dyn Driver>,
    limits: Limits,
    history: &[Step],
) -> Verdict {
    let scene = Scene::new(crate::conformance::blocking::CONFIGURATIONS[0]).map_err(said)?;
    let driver = driver(&scene);
    let mut tally = Tally::default();
    play_with(&scene, driver, limits, history, Pace::Brisk, &mut tally)
}

/// Plays a history, and gives the transcript of what the driver and its machine said.
///
/// # Errors
/// What was not as promised.
pub fn record(
    configuration: Configuration,
    limits: Limits,
    history: &[Step],
    tally: &mut Tally,
) -> Result<Vec<String>, String> {
    let scene = Scene::new(configuration).map_err(said)?;
    let driver = scene.driver_with(limits);
    let hub = Arc::clone(driver.hub());
    play_with(&scene, driver, limits, history, Pace::Calm, tally)?;
    let journal = hub.journal().ok_or("no journal was kept")?;
    Ok(transcript(journal.entries()))
}

/// Whether the next step may be taken while what the last one left behind is still given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    Brisk,
    Calm,
}

fn play_with(
    scene: &Scene,
    driver: Arc<dyn Driver>,
    limits: Limits,
    history: &[Step],
    pace: Pace,
    tally: &mut Tally,
) -> Verdict {
    let directory = Directory::make(scene.root()).map_err(said)?;
    let mut player = Player {
        driver,
        directory,
        handles: Vec::new(),
        kept: Vec::new(),
        limits,
        tally: Tally::default(),
    };
    for (at, step) in history.iter().enumerate() {
        let taken = player.take(step).and_then(|()| player.look());
        taken.map_err(|what| format!("step {at}, {step:?}: {what}"))?;
        if pace == Pace::Calm {
            player.come_to_rest()?;
        }
    }
    while pace == Pace::Calm && player.part_with(0).is_some() {
        player.come_to_rest()?;
    }
    let end = player.end();
    tally.operations += player.tally.operations;
    tally.checks += player.tally.checks;
    drop(player);
    end
}

/// Limits that a history plays under: usual ones, or some of them low.
pub(crate) fn limits(dice: &mut Dice) -> Limits {
    let usual = Limits {
        fetch: 4_096,
        chunk: 4_096,
        ..Limits::default()
    };
    if dice.chance(40) {
        return usual;
    }
    Limits {
        operations: dice.one_of(&[1, 2, 4, 4_096]),
        operations_per_file: dice.one_of(&[1, 2, 4, 1_024]),
        bytes: dice.one_of(&[1, 5_000, 1 << 30]),
        bytes_per_file: dice.one_of(&[1, 5_000, 1 << 30]),
        descriptors: dice.one_of(&[1, 2, 8]),
        budget: dice.one_of(&[0, PAGE, 4 * PAGE, 12 * PAGE, u64::MAX, u64::MAX]),
        linger: dice.one_of(&[0, 0, 4 * PAGE]),
        fetch: dice.one_of(&[0, 100, 4_096, 16_384]),
        chunk: dice.one_of(&[1_000, 4_096, 65_536]),
        ..usual
    }
}

pub(super) fn said(error: impl ToString) -> String {
    error.to_string()
}

pub(super) fn deadline(late: Late) -> Deadline {
    match late {
        Late::No => Deadline::Never,
        Late::Yes => Deadline::At(Instant::now()),
    }
}

impl Player {
    fn take(&mut self, step: &Step) -> Verdict {
        self.tally.operations += 1;
        match step {
            Step::Open(name, manner) => self.open(name % COUNT, manner),
            Step::Close(handle) => match self.part_with(*handle) {
                Some(held) => held.open.close().map_err(said),
                None => Ok(()),
            },
            Step::Drop(handle) => {
                drop(self.part_with(*handle));
                Ok(())
            }
            Step::All(barrier, late) => {
                let done = match barrier {
                    Barrier::Flush => self.driver.flush_all(deadline(*late)),
                    Barrier::Sync => self.driver.sync_all(deadline(*late)),
                };
                self.done_by(done, *late)
            }
            Step::Batch(names, mode) => self.batch(names, *mode),
            Step::Burst(storage, burst) => self.burst(*storage, burst),
            Step::With(handle, deed) => match self.which(*handle) {
                Some(at) => self.with(at, deed),
                None => Ok(()),
            },
        }
    }

    /// A number that counts round the open handles.
    pub(super) fn which(&self, handle: usize) -> Option<usize> {
        handle.checked_rem(self.handles.len())
    }

    /// Takes a handle away: the file may not be in memory from now on, if it was the last.
    pub(super) fn part_with(&mut self, handle: usize) -> Option<Held> {
        let held = self.handles.swap_remove(self.which(handle)?);
        let file = &mut self.directory.files[held.file];
        file.handles -= 1;
        file.writers -= usize::from(held.writes);
        if file.handles == 0 {
            let lingers = self.limits.linger > 0;
            file.life = if lingers {
                Stand::Unknown
            } else {
                Stand::NotStaged
            };
        }
        Some(held)
    }

    /// Whether there may be no room for what is to be staged.
    pub(super) fn is_poor(&self) -> bool {
        self.limits.budget < u64::MAX
    }

    pub(super) fn reads(&mut self, file: usize, offset: u64, len: usize, got: &[u8]) -> Verdict {
        self.tally.checks += 1;
        let content = &self.directory.files[file].content;
        let allowed = content.allows(offset, len, got);
        allowed.map_err(|forbidden| format!("the read of {len} at {offset}: {forbidden}"))
    }

    pub(super) fn is_done(&mut self, done: io::Result<()>, late: Late) -> Verdict {
        match late {
            Late::No => done.map_err(said),
            Late::Yes => self.refused(done, ErrorKind::TimedOut),
        }
    }

    /// What had nothing to wait for may be done although it was asked too late.
    pub(super) fn done_by(&mut self, done: io::Result<()>, late: Late) -> Verdict {
        match late {
            Late::No => done.map_err(said),
            Late::Yes => self.done_or_late(done),
        }
    }

    pub(super) fn done_or_late(&mut self, done: io::Result<()>) -> Verdict {
        match done {
            Err(error) if error.kind() != ErrorKind::TimedOut => Err(said(error)),
            _ => Ok(()),
        }
    }

    pub(super) fn refused(&mut self, done: io::Result<()>, kind: ErrorKind) -> Verdict {
        let came = done.err().map(|error| error.kind());
        self.same("it", came, Some(kind))
    }

    pub(super) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        got: T,
        expected: T,
    ) -> Verdict {
        self.tally.checks += 1;
        match got == expected {
            true => Ok(()),
            false => Err(format!("{what} is {got:?}, and must be {expected:?}")),
        }
    }

    /// Waits until nobody works any more.
    fn come_to_rest(&self) -> Verdict {
        self.driver.attend();
        let hub = self.driver.hub();
        wait_for("everybody to rest", || hub.working() == 0).map_err(said)
    }

    /// Between two steps: every handle says the same of its file, and it is what the model says.
    fn look(&mut self) -> Verdict {
        for at in 0..self.handles.len() {
            let (file, open) = (self.handles[at].file, Arc::clone(&self.handles[at].open));
            let Some(staging) = open.staging() else {
                return Err("an open file has no state".into());
            };
            let known = &mut self.directory.files[file];
            let size = known.content.size();
            let seen = match staging.life {
                Life::NotStaged(_) => Stand::NotStaged,
                Life::Staging { .. } => Stand::Unknown,
                Life::Staged(how) => Stand::Staged(how),
            };
            if known.life == Stand::Unknown {
                known.life = seen;
            }
            let life = known.life;
            self.same("its life", seen, life)?;
            self.same("its size", staging.len, size)?;
            // What is in memory is not stale.
            if let Some(bytes) = open.handle().bytes_staged(0, usize::MAX) {
                self.reads(file, 0, usize::MAX, &bytes)?;
            }
        }
        Ok(())
    }

    /// What is on the disk is what the model says, what was handed out is what it was, and the end
    /// is clean.
    fn end(&mut self) -> Verdict {
        for file in 0..self.directory.files.len() {
            let bytes = self.directory.on_disk(file).map_err(said)?;
            self.reads(file, 0, usize::MAX, &bytes)?;
        }
        self.handles.clear();
        let report = self.driver.shutdown(driver_kit::core::Grace::default());
        self.tally.checks += 1;
        if !report.is_clean() {
            return Err(format!("the end was not clean: {report}"));
        }
        self.tally.checks += self.kept.len() as u64;
        let spoilt = self.kept.iter().find(|(bytes, copy)| bytes != copy);
        if let Some((bytes, _)) = spoilt {
            return Err(format!("{} bytes handed out changed (G1)", bytes.len()));
        }
        self.kept.clear();
        Ok(())
    }
}
