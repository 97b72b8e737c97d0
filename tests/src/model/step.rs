//! The alphabet of histories: plain data, drawn from dice, printed when one fails.
//!
//! A handle is named by a number that counts round the handles that are open when the step is taken,
//! so a history from which steps were left out is a history still.

use crate::core::dice::Dice;
use driver_kit::core::{Mode, OverBudget};
use std::io::SeekFrom;

/// One thing a caller does, and waits for.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// Opens a file by one of its names.
    Open(usize, Manner),
    /// Closes a handle.
    Close(usize),
    /// Drops a handle.
    Drop(usize),
    /// Does something with a handle.
    With(usize, Deed),
    /// Flushes all files, or syncs them.
    All(Barrier, Late),
    /// Stages files by their names, together.
    Batch(Vec<usize>, Mode),
    /// Begins several things, in this order, before any is awaited.
    Burst(Storage, Vec<Begun>),
}

impl Step {
    /// Whether every driver carries it out by the same requests, one after the other. Readers ask for
    /// as much as their traits ask of them, and the writer of threads ends with a flush of the file
    /// where those of futures wait for their own last write; and a batch does several things at once.
    pub(crate) fn is_the_same_everywhere(&self) -> bool {
        match self {
            Step::Batch(..) | Step::Burst(..) => false,
            Step::With(_, deed) => !matches!(
                deed,
                Deed::Travel(_) | Deed::ReadThrough | Deed::Lines | Deed::WriteThrough(..)
            ),
            // It cuts the file by a second request, at once.
            Step::Open(_, manner) => !manner.truncate,
            Step::Close(_) | Step::Drop(_) | Step::All(..) => true,
        }
    }
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Manner {
    /// By which means it is staged.
    pub mode: Mode,
    /// Up to which length `Auto` loads.
    pub threshold: u64,
    /// What an explicit mode does without room.
    pub over_budget: OverBudget,
    /// For writing.
    pub write: bool,
    /// For appending.
    pub append: bool,
    /// And cut.
    pub truncate: bool,
    /// Created where it is missing.
    pub create: bool,
    /// Created, and must be missing.
    pub create_new: bool,
    /// With a deadline that has passed.
    pub late: Late,
}

impl Manner {
    /// How a batch opens, but for the mode.
    pub(crate) const TO_READ: Manner = Manner {
        mode: Mode::Auto,
        threshold: driver_kit::core::Plan::MAP_THRESHOLD,
        over_budget: OverBudget::Refuse,
        write: false,
        append: false,
        truncate: false,
        create: false,
        create_new: false,
        late: Late::No,
    };
}

/// Whether a deadline is given that has passed already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Late {
    /// No deadline.
    No,
    /// It has passed.
    Yes,
}

/// What waits for all writes before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// Until they are executed.
    Flush,
    /// Until they are durable.
    Sync,
}

/// What is done with an open file.
#[derive(Clone, PartialEq, Debug)]
pub enum Deed {
    /// Reads a range into a buffer.
    Read(u64, usize, Late),
    /// Reads a range as bytes, and keeps them.
    Slice(u64, usize),
    /// Keeps the contents, if they are loaded.
    Hold,
    /// Goes about in it with a reader.
    Travel(Vec<(SeekFrom, usize)>),
    /// Reads it whole with a reader.
    ReadThrough,
    /// Reads its lines.
    Lines,
    /// Writes.
    Write(u64, Text),
    /// Writes parts with a writer.
    WriteThrough(u64, Vec<Text>),
    /// Appends.
    Append(Text),
    /// Sets the length.
    SetLen(u64),
    /// Flushes or syncs it.
    Barrier(Barrier, Late),
    /// Stages it.
    Stage(Mode, OverBudget, Late),
    /// Unstages it.
    Unstage,
}

/// How storage behaves during a burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    /// As it is.
    Free,
    /// Writes that are handed out end only when everything was begun, and cancelled.
    Held,
    /// So do stagings, with the next chunk.
    Loading,
    /// The write with this number, from 0, does not happen (EIO).
    Failing(u64),
}

/// Something that is begun and not awaited at once.
#[derive(Clone, PartialEq, Debug)]
pub struct Begun {
    /// With which handle.
    pub handle: usize,
    /// What.
    pub ask: Ask,
    /// What becomes of it.
    pub fate: Fate,
}

/// What can be begun.
#[derive(Clone, PartialEq, Debug)]
pub enum Ask {
    /// A read that comes to the machine.
    Read(u64, usize),
    /// A read that takes what is in memory, if it is.
    ReadStaged(u64, usize),
    /// A write.
    Write(u64, Text),
    /// An append.
    Append(Text),
    /// A new length.
    SetLen(u64),
    /// A flush or a sync of the file.
    Barrier(Barrier),
    /// A flush or a sync of all.
    All(Barrier),
    /// A staging.
    Stage(Mode),
    /// An unstaging.
    Unstage,
}

/// What becomes of something that was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is awaited.
    Awaited,
    /// It is cancelled when so many more were begun, and awaited.
    Cancelled(usize),
    /// It is begun with a deadline that has passed.
    Late,
}

/// Bytes to be written: so many, of a colour that tells them from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text {
    /// How many.
    pub len: usize,
    /// Which.
    pub colour: u8,
}

impl Text {
    /// The bytes: lines of printable characters, other ones at each place for each colour.
    pub fn bytes(self) -> Vec<u8> {
        let byte = |at: usize| match (at * 31 + usize::from(self.colour)) % 61 {
            0 => b'\n',
            _ => b' ' + ((at + at / 95 + usize::from(self.colour) * 17) % 95) as u8,
        };
        (0..self.len).map(byte).collect()
    }
}

/// Lengths and places at which something changes: pages, chunks, what is fetched in one go.
const PLACES: [u64; 16] = [
    0, 0, 1, 2, 17, 100, 4_000, 4_095, 4_096, 4_097, 8_191, 8_192, 8_193, 12_288, 16_000, 20_001,
];
const LENGTHS: [usize; 10] = [0, 1, 1, 3, 64, 500, 4_095, 4_096, 4_097, 9_000];

/// What kind of history it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// One thing after the other.
    Sequential,
    /// Bursts between.
    Bursts,
}

/// Draws a history.
pub(crate) fn draw(dice: &mut Dice, kind: Kind, names: usize, steps: usize) -> Vec<Step> {
    let mut colour = 0;
    let mut history = vec![Step::Open(0, manner(dice, true))];
    for _ in 0..steps {
        history.push(step(dice, kind, names, &mut colour));
    }
    history
}

fn step(dice: &mut Dice, kind: Kind, names: usize, colour: &mut u8) -> Step {
    let handle = dice.below(8);
    if kind == Kind::Bursts && dice.chance(45) {
        let len = 2 + dice.below(9);
        let mut cancels = 0;
        let one = |_| begun(dice, colour, &mut cancels);
        let burst = (0..len).map(one).collect();
        let storage = match dice.below(10) {
            0 | 1 => Storage::Held,
            2 => Storage::Loading,
            3 => Storage::Failing(dice.below(3) as u64),
            _ => Storage::Free,
        };
        return Step::Burst(storage, burst);
    }
    match dice.below(100) {
        0..=15 => {
            let writes = dice.chance(60);
            Step::Open(dice.below(names), manner(dice, writes))
        }
        16..=19 => Step::Close(handle),
        20..=23 => Step::Drop(handle),
        24..=27 => Step::All(barrier(dice), late(dice)),
        28..=29 => {
            let files = 1 + dice.below(3);
            let names = (0..files).map(|_| dice.below(names)).collect();
            Step::Batch(names, mode(dice))
        }
        _ => Step::With(handle, deed(dice, colour)),
    }
}

fn deed(dice: &mut Dice, colour: &mut u8) -> Deed {
    match dice.below(100) {
        0..=19 => Deed::Read(place(dice), len(dice), late(dice)),
        20..=27 => Deed::Slice(place(dice), len(dice)),
        28..=30 => Deed::Hold,
        31..=36 => {
            let legs = 1 + dice.below(4);
            Deed::Travel((0..legs).map(|_| leg(dice)).collect())
        }
        37..=38 => Deed::ReadThrough,
        39..=40 => Deed::Lines,
        41..=56 => Deed::Write(spot(dice), text(dice, colour)),
        57..=60 => {
            let parts = 1 + dice.below(3);
            let from = dice.one_of(&PLACES);
            Deed::WriteThrough(from, (0..parts).map(|_| text(dice, colour)).collect())
        }
        61..=69 => Deed::Append(text(dice, colour)),
        70..=76 => Deed::SetLen(spot(dice)),
        77..=81 => Deed::Barrier(barrier(dice), late(dice)),
        82..=93 => {
            let patience = match dice.chance(90) {
                true => OverBudget::Refuse,
                false => OverBudget::Wait,
            };
            Deed::Stage(mode(dice), patience, late(dice))
        }
        _ => Deed::Unstage,
    }
}

fn begun(dice: &mut Dice, colour: &mut u8, cancels: &mut usize) -> Begun {
    let handle = dice.below(8);
    let ask = match dice.below(100) {
        0..=24 => Ask::Read(place(dice), len(dice)),
        25..=31 => Ask::ReadStaged(place(dice), len(dice)),
        32..=54 => Ask::Write(spot(dice), text(dice, colour)),
        55..=67 => Ask::Append(text(dice, colour)),
        68..=75 => Ask::SetLen(spot(dice)),
        76..=81 => Ask::Barrier(barrier(dice)),
        82..=83 => Ask::All(barrier(dice)),
        84..=94 => Ask::Stage(mode(dice)),
        _ => Ask::Unstage,
    };
    let fate = match dice.below(12) {
        0 if *cancels < 4 => {
            *cancels += 1;
            Fate::Cancelled(dice.below(4))
        }
        1 if dice.chance(30) => Fate::Late,
        _ => Fate::Awaited,
    };
    Begun { handle, ask, fate }
}

fn manner(dice: &mut Dice, write: bool) -> Manner {
    let append = write && dice.chance(15);
    Manner {
        mode: if write && dice.chance(70) {
            Mode::None
        } else {
            mode(dice)
        },
        threshold: dice.one_of(&[0, 4_096, 10_000, 1 << 20]),
        over_budget: OverBudget::Refuse,
        write: write && !(append && dice.chance(50)),
        append,
        truncate: dice.chance(10),
        create: dice.chance(30),
        create_new: dice.chance(6),
        late: if dice.chance(4) { Late::Yes } else { Late::No },
    }
}

fn leg(dice: &mut Dice) -> (SeekFrom, usize) {
    let by = dice.one_of(&PLACES) as i64;
    let to = match dice.below(6) {
        0 | 1 => SeekFrom::Start(by as u64),
        2 => SeekFrom::End(-by),
        3 => SeekFrom::End(by % 40),
        4 => SeekFrom::Current(-(by % 100)),
        _ => SeekFrom::Current(by),
    };
    (to, len(dice))
}

fn mode(dice: &mut Dice) -> Mode {
    dice.one_of(&[
        Mode::Auto,
        Mode::Auto,
        Mode::Load,
        Mode::Load,
        Mode::Map,
        Mode::MapShared,
    ])
}

fn barrier(dice: &mut Dice) -> Barrier {
    dice.one_of(&[Barrier::Flush, Barrier::Sync])
}

fn late(dice: &mut Dice) -> Late {
    match dice.chance(5) {
        true => Late::Yes,
        false => Late::No,
    }
}

fn place(dice: &mut Dice) -> u64 {
    match dice.chance(1) {
        true => dice.one_of(&[u64::MAX, u64::MAX - 3, i64::MAX as u64, 1 << 62]),
        false => dice.one_of(&PLACES),
    }
}

/// Where a change is asked for: no further than a test may write, or further than a file can reach.
fn spot(dice: &mut Dice) -> u64 {
    match dice.chance(1) {
        true => dice.one_of(&[u64::MAX, u64::MAX - 3, (1 << 63)]),
        false => dice.one_of(&PLACES),
    }
}

fn len(dice: &mut Dice) -> usize {
    dice.one_of(&LENGTHS)
}

fn text(dice: &mut Dice, colour: &mut u8) -> Text {
    *colour = colour.wrapping_add(1);
    Text {
        len: dice.one_of(&LENGTHS),
        colour: *colour,
    }
}
