//! Where the power goes, and what the disk has then: all that was written before the last flush, and of
//! the rest what chance leaves, sector by sector.

use super::kind::Kind;
use super::log::{BlockLog, Entry, Position};
use crate::core::dice::Dice;

/// What lands whole or not at all.
const SECTOR: usize = 512;

/// Bytes that are on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept<'a> {
    /// Where.
    pub offset: u64,
    /// Which.
    pub bytes: &'a [u8],
}

/// A moment at which the power goes, and how lucky one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Everything before it was told to the disk.
    pub at: Position,
    seed: u64,
    luck: Luck,
}

/// What becomes of what was not flushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Luck {
    /// All of it is lost.
    Lost,
    /// All of it had landed.
    Landed,
    /// Each write is lost, lands, or lands in part.
    Mixed,
}

impl Cut {
    /// The cut of a seed, between two positions. Every second one is where something had just been
    /// acknowledged: that is where a promise is youngest.
    pub fn of(seed: u64, log: &BlockLog, from: Position, to: Position, told: &[Position]) -> Cut {
        let mut dice = Dice::of(seed);
        let within = |at: &Position| (from..=to).contains(at);
        let anywhere: Vec<Position> = log.entries().map(|(at, _)| at).filter(within).collect();
        let told: Vec<Position> = told.iter().copied().filter(within).collect();
        let choices = match (seed % 2, told.is_empty()) {
            (1, false) => &told,
            _ => &anywhere,
        };
        let at = choices.get(dice.below(choices.len())).copied();
        let luck = match dice.below(4) {
            0 => Luck::Lost,
            1 => Luck::Landed,
            _ => Luck::Mixed,
        };
        Cut {
            at: at.unwrap_or(to),
            seed,
            luck,
        }
    }

    /// The power goes there, and takes everything along that was not flushed.
    pub const fn unlucky(at: Position) -> Cut {
        Cut {
            at,
            seed: 0,
            luck: Luck::Lost,
        }
    }

    /// What is on the disk.
    pub fn kept<'a>(&self, kind: Kind, log: &'a BlockLog) -> Vec<Kept<'a>> {
        let mut dice = Dice::of(self.seed ^ 0x00c0_ffee);
        let told: Vec<Entry<'a>> = log
            .entries()
            .take_while(|(at, _)| *at <= self.at)
            .map(|(_, entry)| entry)
            .collect();
        let last_flush = told.iter().rposition(|entry| *entry == Entry::Flush);
        let flushed = last_flush.map_or(0, |last| last + 1);
        let mut kept = Vec::new();
        for (number, entry) in told.iter().enumerate() {
            let Entry::Write { offset, bytes } = *entry else {
                continue;
            };
            match self.luck {
                _ if number < flushed => kept.push(Kept { offset, bytes }),
                Luck::Landed => kept.push(Kept { offset, bytes }),
                Luck::Lost => {}
                Luck::Mixed => mixed(&mut dice, kind, offset, bytes, &mut kept),
            }
        }
        kept
    }
}

fn mixed<'a>(dice: &mut Dice, kind: Kind, offset: u64, bytes: &'a [u8], kept: &mut Vec<Kept<'a>>) {
    let mut spared = kind.never_torn().iter();
    let one_piece = spared.any(|span| span.meets(offset, bytes));
    match dice.below(3) {
        0 => {}
        1 => kept.push(Kept { offset, bytes }),
        _ if one_piece => {}
        _ => {
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                if dice.chance(50) {
                    let offset = offset + (number * SECTOR) as u64;
                    kept.push(Kept {
                        offset,
                        bytes: sector,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::write_entry;

    fn log(path: &std::path::Path) -> std::io::Result<BlockLog> {
        let mut file = std::fs::File::create(path)?;
        for number in 0..6u8 {
            let bytes = [number; 4 * SECTOR];
            let offset = u64::from(number) << 20;
            write_entry(
                &mut file,
                &Entry::Write {
                    offset,
                    bytes: &bytes,
                },
            )?;
            if number == 2 {
                write_entry(&mut file, &Entry::Flush)?;
            }
        }
        BlockLog::read(path)
    }

    #[test]
    fn what_was_flushed_is_kept_and_the_rest_may_be() -> Result<(), Box<dyn std::error::Error>> {
        let place = tempfile::NamedTempFile::new()?;
        let log = log(place.path())?;
        let ends: Vec<Position> = log.entries().map(|(at, _)| at).collect();
        let (from, to) = (ends[3], ends[6]);
        let (mut torn, mut lost, mut landed, mut told) = (0, 0, 0, 0);
        for seed in 0..200 {
            let cut = Cut::of(seed, &log, from, to, &[ends[5]]);
            assert!((from..=to).contains(&cut.at));
            assert_eq!(cut, Cut::of(seed, &log, from, to, &[ends[5]]));
            told += u32::from(cut.at == ends[5]);
            let kept = cut.kept(Kind::Ext4, &log);
            for number in 0..3u8 {
                let whole = [number; 4 * SECTOR];
                let offset = u64::from(number) << 20;
                assert!(
                    kept.contains(&Kept {
                        offset,
                        bytes: &whole
                    }),
                    "seed {seed}"
                );
            }
            let after = &kept[3..];
            torn += u32::from(after.iter().any(|kept| kept.bytes.len() == SECTOR));
            lost += u32::from(after.is_empty());
            landed += u32::from(after.iter().any(|kept| kept.bytes.len() > SECTOR));
        }
        assert!(torn > 20 && lost > 20 && landed > 20 && told > 99);
        Ok(())
    }
}
