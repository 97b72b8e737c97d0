//! Replaces of any number of paths: what was asked, and what each path may hold when the power went (A1, A6).

use super::content::{content, number_of};
use super::{Found, Position};
use crate::rig::disk::LoggedDisk;
use driver_blocking::{Durability, Stager};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

/// What temporary files are called.
const TEMPORARY: &str = ".staging-";

/// One replace that was asked for and committed.
#[derive(Clone, Debug)]
pub(super) struct Replaced {
    pub(super) path: String,
    pub(super) number: u64,
    pub(super) durability: Durability,
    pub(super) told: Position,
}

/// Everything that was asked, of each path in order; and what was there before.
#[derive(Clone, Debug, Default)]
pub struct Replaces {
    /// The number of the old content of each path that has one.
    pub(super) before: BTreeMap<String, u64>,
    pub(super) all: Vec<Replaced>,
}

/// One that is to be asked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) path: String,
    pub(super) number: u64,
    pub(super) durability: Durability,
    pub(super) create_new: bool,
}

impl Wish {
    /// Asks for it, waits, and notes where the log is then.
    pub(super) fn fulfil(
        self,
        disk: &LoggedDisk,
        stager: &Stager,
    ) -> Result<Replaced, Box<dyn Error + Send + Sync>> {
        let Wish {
            path,
            number,
            durability,
            create_new,
        } = self;
        stager
            .replace(disk.at().join(&path), content(number))
            .durability(durability)
            .create_new(create_new)
            .commit()?;
        Ok(Replaced {
            path,
            number,
            durability,
            told: disk.position()?,
        })
    }
}

/// Gives paths their old contents.
pub(super) fn put(at: &Path, before: &BTreeMap<String, u64>) -> io::Result<()> {
    for (path, number) in before {
        let path = at.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content(*number))?;
    }
    Ok(())
}

impl Replaces {
    pub(super) fn told(&self) -> Vec<Position> {
        self.all.iter().map(|one| one.told).collect()
    }

    pub(super) fn check(&self, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        let mut found = Found::default();
        let paths: BTreeSet<&String> = self
            .before
            .keys()
            .chain(self.all.iter().map(|one| &one.path))
            .collect();
        for path in &paths {
            match self.look(at, path, cut)? {
                State::Old => found.old += 1,
                State::New => found.new += 1,
                State::NotPromised => {}
            }
        }
        for path in &paths {
            nothing_else(&at.join(path), at, &paths)?;
        }
        // It goes on as if nothing had been.
        let stager = Stager::new();
        for path in &paths {
            stager.replace(at.join(path), content(99_999)).commit()?;
            if fs::read(at.join(path))? != content(99_999) {
                return Err(format!("{path} cannot be replaced afterwards").into());
            }
        }
        Ok(found)
    }

    fn look(&self, at: &Path, path: &String, cut: Position) -> Result<State, Box<dyn Error>> {
        let of_it: Vec<&Replaced> = self.all.iter().filter(|one| one.path == *path).collect();
        if of_it.iter().any(|one| one.durability == Durability::None) {
            return Ok(State::NotPromised);
        }
        let promised = of_it
            .iter()
            .rposition(|one| one.told <= cut && one.durability == Durability::FileAndDirectory);
        let bytes = match fs::read(at.join(path)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{path}: {error}").into()),
        };
        let Some(bytes) = bytes else {
            return match (promised, self.before.get(path)) {
                (None, None) => Ok(State::Old),
                _ => Err(format!("{path} is lost, promised was {promised:?}").into()),
            };
        };
        let Some(number) = number_of(&bytes) else {
            return Err(
                format!("{path} is torn: {} bytes that are no content", bytes.len()).into(),
            );
        };
        let which = of_it.iter().position(|one| one.number == number);
        match (which, promised) {
            (Some(which), Some(promised)) if which < promised => {
                Err(format!("{path} has replace {which}, but {promised} was promised").into())
            }
            (Some(_), _) => Ok(State::New),
            (None, None) if self.before.get(path) == Some(&number) => Ok(State::Old),
            (None, _) => {
                Err(format!("{path} has content {number}, promised was {promised:?}").into())
            }
        }
    }
}

enum State {
    Old,
    New,
    NotPromised,
}

/// Beside a path there is nothing but what was asked for, and temporary files that were under way.
fn nothing_else(path: &Path, at: &Path, paths: &BTreeSet<&String>) -> Result<(), Box<dyn Error>> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = paths.iter().any(|path| at.join(path) == entry.path());
        if !known && !name.starts_with(TEMPORARY) {
            return Err(format!("{name} came from nowhere").into());
        }
    }
    Ok(())
}
