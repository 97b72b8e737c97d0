//! Writes to one file and syncs between them: what a sync that succeeded covers is there (R13).

use super::{Found, Position, Protocol};
use crate::core::dice::Dice;
use crate::rig::disk::LoggedDisk;
use driver_blocking::{Deadline, Mode, Stager};
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// What lands whole or not at all, and so has one writer.
const SECTOR: usize = 512;
/// How long the file is in the beginning, and what it may grow to, in sectors.
const BEFORE: usize = 64;
const MOST: usize = 160;
const WRITES: u64 = 30;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Writing;

/// One thing that was done.
#[derive(Clone, Debug)]
pub enum Done {
    /// These sectors got this number.
    Written {
        /// Which.
        sectors: Range<usize>,
        /// What stands in them.
        number: u64,
    },
    /// Everything before it was promised.
    Synced(Position),
}

/// Sectors that all say the same number.
fn sectors(count: usize, number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(count * SECTOR / 8)
}

impl Protocol for Writing {
    type History = Vec<Done>;

    const NAME: &'static str = "writing";

    fn prepare(at: &Path) -> Result<(), Box<dyn Error>> {
        Ok(fs::write(at.join("file"), sectors(BEFORE, 1))?)
    }

    fn live(disk: &LoggedDisk, stager: &Stager, seed: u64) -> Result<Vec<Done>, Box<dyn Error>> {
        let mut dice = Dice::of(seed);
        let mut done = Vec::new();
        let options = stager.options().mode(Mode::None).write(true);
        let file = options.open(disk.at().join("file"))?;
        for number in 2..2 + WRITES {
            let from = dice.below(MOST - 32);
            let to = from + 1 + dice.below(31);
            let bytes = sectors(to - from, number);
            file.write_at(&bytes, (from * SECTOR) as u64)?;
            done.push(Done::Written {
                sectors: from..to,
                number,
            });
            if dice.chance(40) {
                file.sync(Deadline::Never)?;
                done.push(Done::Synced(disk.position()?));
            }
        }
        Ok(done)
    }

    fn told(history: &Vec<Done>) -> Vec<Position> {
        let told = history.iter().filter_map(|done| match done {
            Done::Synced(at) => Some(*at),
            Done::Written { .. } => None,
        });
        told.collect()
    }

    fn check(history: &Vec<Done>, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        let bytes = fs::read(at.join("file"))?;
        let promised = history
            .iter()
            .rposition(|done| matches!(done, Done::Synced(told) if *told <= cut))
            .unwrap_or(0);
        let mut found = Found::default();
        for sector in 0..MOST {
            let may_be = candidates(history, promised, sector);
            let is = number_in(&bytes, sector)?;
            if !may_be.contains(&is) {
                return Err(format!("sector {sector} has {is:?} and not one of {may_be:?}").into());
            }
            match is {
                Some(1) => found.old += 1,
                Some(_) => found.new += 1,
                None => {}
            }
        }
        Ok(found)
    }
}

/// What a sector may hold: what was promised last, or anything later. `None` is nothing at all: behind the
/// end, or never written.
fn candidates(history: &[Done], promised: usize, sector: usize) -> Vec<Option<u64>> {
    let mut may_be = vec![(sector < BEFORE).then_some(1)];
    for (at, done) in history.iter().enumerate() {
        match done {
            Done::Written { sectors, number } if sectors.contains(&sector) => {
                if at < promised {
                    may_be.clear();
                }
                may_be.push(Some(*number));
            }
            Done::Written { .. } | Done::Synced(_) => {}
        }
    }
    may_be
}

/// The number that a sector holds.
fn number_in(bytes: &[u8], sector: usize) -> Result<Option<u64>, String> {
    let Some(part) = bytes.get(sector * SECTOR..(sector + 1) * SECTOR) else {
        return match bytes.len() % SECTOR {
            0 => Ok(None),
            _ => Err(format!("the file has {} bytes", bytes.len())),
        };
    };
    let words: Vec<u64> = part
        .chunks(8)
        .map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()))
        .collect();
    match words.iter().all(|word| *word == words[0]) {
        true => Ok((words[0] != 0).then_some(words[0])),
        false => Err(format!("sector {sector} is torn")),
    }
}
