//! Replaces one after the other, of what is there and of what is not, with every durability (A1, A6); and of
//! one file alone, which some file systems look after by themselves if they are let.

use super::replaces::{Replaces, Wish, put};
use super::{Found, Position, Protocol};
use crate::core::dice::Dice;
use crate::rig::disk::LoggedDisk;
use driver_blocking::{Durability, Stager};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// How many there are in one life.
const MANY: u64 = 16;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Replacing;

fn before() -> BTreeMap<String, u64> {
    let names = ["d/replaced", "d/named", "d/unsure"];
    names.map(String::from).into_iter().zip(1..).collect()
}

/// The same file again and again.
#[derive(Clone, Copy, Debug)]
pub struct Rewriting;

fn one_after_the_other(
    disk: &LoggedDisk,
    stager: &Stager,
    mut choose: impl FnMut(u64) -> (String, Durability),
) -> Result<Replaces, Box<dyn Error>> {
    let mut all = Vec::new();
    for number in 0..MANY {
        let (path, durability) = choose(number);
        let wish = Wish {
            create_new: path.contains("created"),
            path,
            number: 100 + number,
            durability,
        };
        all.push(
            wish.fulfil(disk, stager)
                .map_err(|error| error as Box<dyn Error>)?,
        );
    }
    let before = before();
    Ok(Replaces { before, all })
}

impl Protocol for Replacing {
    type History = Replaces;

    const NAME: &'static str = "replacing";

    fn prepare(at: &Path) -> Result<(), Box<dyn Error>> {
        Ok(put(at, &before())?)
    }

    fn live(disk: &LoggedDisk, stager: &Stager, seed: u64) -> Result<Replaces, Box<dyn Error>> {
        let mut dice = Dice::of(seed);
        one_after_the_other(disk, stager, |number| match dice.below(8) {
            0..3 => ("d/replaced".to_owned(), Durability::FileAndDirectory),
            3..6 => (format!("d/created-{number}"), Durability::FileAndDirectory),
            // Whether it gets its name is not promised, that it is whole is.
            6 => ("d/named".to_owned(), Durability::File),
            _ => ("d/unsure".to_owned(), Durability::None),
        })
    }

    fn told(history: &Replaces) -> Vec<Position> {
        history.told()
    }

    fn check(history: &Replaces, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        history.check(at, cut)
    }
}

impl Protocol for Rewriting {
    type History = Replaces;

    const NAME: &'static str = "rewriting";

    fn prepare(at: &Path) -> Result<(), Box<dyn Error>> {
        Replacing::prepare(at)
    }

    fn live(disk: &LoggedDisk, stager: &Stager, _seed: u64) -> Result<Replaces, Box<dyn Error>> {
        one_after_the_other(disk, stager, |_| {
            ("d/replaced".to_owned(), Durability::FileAndDirectory)
        })
    }

    fn told(history: &Replaces) -> Vec<Position> {
        history.told()
    }

    fn check(history: &Replaces, at: &Path, cut: Position) -> Result<Found, Box<dyn Error>> {
        history.check(at, cut)
    }
}
