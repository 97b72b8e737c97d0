//! Many replaces at once, which share the syncs of their directories (A4).

use super::replaces::{Replaced, Replaces, Wish, put};
use super::{Found, Position, Protocol};
use crate::rig::disk::LoggedDisk;
use driver_blocking::{Durability, Stager};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::thread;

const THREADS: u64 = 8;
/// How often each replaces its file.
const TIMES: u64 = 3;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Crowd;

/// Every second file is there before; three directories, of which each has some of both.
fn path(thread: u64) -> String {
    format!("d{}/file-{thread}", thread % 3)
}

fn before() -> BTreeMap<String, u64> {
    let mut before: BTreeMap<String, u64> = (0..THREADS)
        .step_by(2)
        .map(|thread| (path(thread), 1 + thread))
        .collect();
    // So that each directory is there.
    before.extend((0..3).map(|number| (format!("d{number}/kept"), 50 + number)));
    before
}

/// What one thread does.
fn alone(
    disk: &LoggedDisk,
    stager: &Stager,
    seed: u64,
    thread: u64,
) -> Result<Vec<Replaced>, Box<dyn Error + Send + Sync>> {
    (0..TIMES)
        .map(|time| {
            let wish = Wish {
                path: path(thread),
                number: 100 + seed % 50 * 100 + thread * TIMES + time,
                durability: Durability::FileAndDirectory,
                create_new: false,
            };
            wish.fulfil(disk, stager)
        })
        .collect()
}

impl Protocol for Crowd {
    type History = Replaces;

    const NAME: &'static str = "crowd";

    fn prepare(at: &Path) -> Result<(), Box<dyn Error>> {
        Ok(put(at, &before())?)
    }

    fn live(disk: &LoggedDisk, stager: &Stager, seed: u64) -> Result<Replaces, Box<dyn Error>> {
        let lives = thread::scope(|scope| {
            let all: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || alone(disk, stager, seed, thread)))
                .collect();
            let joined = all.into_iter().map(|one| one.join());
            joined.collect::<Result<Vec<_>, _>>()
        });
        let mut all = Vec::new();
        for life in lives.map_err(|_| "a thread panicked")? {
            all.extend(life.map_err(|error| error as Box<dyn Error>)?);
        }
        let before = before();
        Ok(Replaces { before, all })
    }

    fn told(history: &Replaces) -> Vec<Position> {
        history.told()
    }

    fn check(history: &Replaces, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        history.check(at, cut)
    }
}
