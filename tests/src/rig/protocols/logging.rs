//! Logs that are made, appended to by several threads, synced by time, and cut (L1, L2, L3).

use super::content::content;
use super::logged::{Appended, Cut, Logged};
use super::{Found, Position, Protocol};
use crate::conformance::wait_for;
use crate::core::dice::Dice;
use crate::rig::disk::LoggedDisk;
use driver_blocking::{Log, Stager};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

const THREADS: u64 = 3;
/// How many records each appends before the log is cut, and after that.
const EACH: u64 = 5;
/// How many are left to the time.
const TIMED: u64 = 4;
const EVERY: Duration = Duration::from_millis(5);

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Logging;

/// What one thread does: every second record is to be durable when the next one comes.
fn alone(
    disk: &LoggedDisk,
    log: &Log,
    mut dice: Dice,
) -> Result<Vec<Appended>, Box<dyn Error + Send + Sync>> {
    let mut appended = Vec::new();
    for turn in 0..EACH {
        let number = dice.below(5_000) as u64;
        let payload = content(number);
        let (seq, durable) = match turn % 2 {
            0 => (log.append(payload)?, None),
            _ => (log.append_durable(payload)?, Some(disk.position()?)),
        };
        appended.push(Appended {
            seq,
            number,
            durable,
        });
    }
    Ok(appended)
}

/// What all threads do at once.
fn together(
    disk: &LoggedDisk,
    log: &Log,
    seed: u64,
    logged: &mut Logged,
) -> Result<(), Box<dyn Error>> {
    let lives = thread::scope(|scope| {
        let all: Vec<_> = (0..THREADS)
            .map(|thread| Dice::of(seed * THREADS + thread))
            .map(|dice| scope.spawn(move || alone(disk, log, dice)))
            .collect();
        let joined = all.into_iter().map(|one| one.join());
        joined.collect::<Result<Vec<_>, _>>()
    });
    for life in lives.map_err(|_| "a thread panicked")? {
        let life = life.map_err(|error| error as Box<dyn Error>)?;
        logged.appended.extend(life);
    }
    Ok(())
}

/// A new log, and where it was said that it is there.
fn made(
    disk: &LoggedDisk,
    stager: &Stager,
    name: &'static str,
    every: Option<Duration>,
) -> Result<(Log, Logged), Box<dyn Error>> {
    let log = stager.log(disk.at().join(name));
    let log = match every {
        Some(every) => log.sync_every(every),
        None => log,
    };
    Ok((log.open()?, Logged::new(name, disk.position()?)))
}

/// Records that nobody asks to be durable, one at a time: a sync that comes began when it was there, because
/// before it nothing was to be synced.
fn by_time(disk: &LoggedDisk, stager: &Stager, seed: u64) -> Result<Logged, Box<dyn Error>> {
    let (log, mut logged) = made(disk, stager, "d/timed", Some(EVERY))?;
    let mut dice = Dice::of(seed ^ 0x71e_d0ff);
    for _ in 0..TIMED {
        let number = dice.below(5_000) as u64;
        let before = stager.stats().synced;
        let seq = log.append(content(number))?;
        wait_for("a sync by time", || stager.stats().synced > before)?;
        let durable = Some(disk.position()?);
        logged.appended.push(Appended {
            seq,
            number,
            durable,
        });
    }
    Ok(logged)
}

impl Protocol for Logging {
    type History = Vec<Logged>;

    const NAME: &'static str = "logging";

    fn prepare(at: &Path) -> Result<(), Box<dyn Error>> {
        Ok(fs::create_dir(at.join("d"))?)
    }

    fn live(disk: &LoggedDisk, stager: &Stager, seed: u64) -> Result<Vec<Logged>, Box<dyn Error>> {
        let (log, mut logged) = made(disk, stager, "d/log", None)?;
        together(disk, &log, 2 * seed, &mut logged)?;
        let timed = by_time(disk, stager, seed)?;
        let upto = log.last() - Dice::of(seed).below(5) as u64;
        log.checkpoint(upto, content(upto))?;
        let told = disk.position()?;
        logged.cuts.push(Cut { upto, told });
        together(disk, &log, 2 * seed + 1, &mut logged)?;
        // Nothing is synced after it that might make its name durable by the way.
        let (_, last) = made(disk, stager, "d/last", None)?;
        Ok(vec![logged, timed, last])
    }

    fn told(history: &Vec<Logged>) -> Vec<Position> {
        history.iter().flat_map(Logged::told).collect()
    }

    fn check(history: &Vec<Logged>, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        let mut found = Found::default();
        for logged in history {
            let there = logged.check(at, cut)?;
            found.new += there;
            found.old += logged.appended.len() as u64 - there;
        }
        Ok(found)
    }
}
