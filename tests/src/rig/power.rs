//! A life and its ends: a protocol runs once, and the power is cut so many times.

use super::cut::Cut;
use super::disk::LoggedDisk;
use super::kind::Kind;
use super::lie::Lie;
use super::log::Entry;
use super::mounted::Mounted;
use super::protocols::{Found, Protocol};
use super::room::House;
use driver_blocking::Stager;
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::ops::Range;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many images were looked at.
    pub images: u64,
    /// How many writes and flushes the disk was told in the life.
    pub told: [u64; 2],
    /// What was old and new in the images.
    pub found: Found,
    /// What was promised and not so, by seed.
    pub wrong: Vec<(u64, String)>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            images,
            told: [writes, flushes],
            found: Found { old, new },
            wrong,
        } = self;
        write!(
            f,
            "images={images} writes={writes} flushes={flushes} old={old} new={new} wrong={}",
            wrong.len()
        )
    }
}

/// Lives once on a new file system, by the first seed, and loses power once for each seed.
///
/// # Errors
/// The rig itself failed: it says nothing about promises.
pub fn lose_power<P: Protocol>(
    house: &House,
    kind: Kind,
    lie: Lie,
    seeds: Range<u64>,
) -> Result<Tally, Box<dyn Error>> {
    let room = house.room()?;
    let disk = LoggedDisk::new(&room, kind)?;
    P::prepare(disk.at())?;
    rustix::fs::syncfs(File::open(disk.at())?)?;
    let from = disk.position()?;
    let stager = Stager::builder().pool(4).build();
    lie.install(&stager);
    let history = P::live(&disk, &stager, seeds.start)?;
    let to = disk.position()?;
    drop(stager);
    let (beginning, log) = disk.end()?;
    let mut tally = Tally::default();
    for (at, entry) in log.entries() {
        if at > from && at <= to {
            tally.told[usize::from(entry == Entry::Flush)] += 1;
        }
    }
    let told = P::told(&history);
    for seed in seeds {
        let cut = Cut::of(seed, &log, from, to, &told);
        let image = room.path("cut");
        beginning.with(&cut.kept(kind, &log), &image)?;
        let looked = Mounted::new(kind, &image, &room.path("after"))
            .map_err(|why| format!("it cannot be mounted: {why}").into())
            .and_then(|mounted| {
                let found = P::check(&history, mounted.at(), cut.at)?;
                mounted.unmount()?;
                Ok::<Found, Box<dyn Error>>(found)
            });
        fs::remove_file(&image)?;
        tally.images += 1;
        match looked {
            Ok(Found { old, new }) => {
                tally.found.old += old;
                tally.found.new += new;
            }
            Err(why) => tally.wrong.push((seed, why.to_string())),
        }
    }
    Ok(tally)
}
