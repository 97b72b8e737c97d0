//! A program writes a log and syncs it now and then; the power is cut at a thousand moments; every
//! record that a sync covered is there.
//!
//! `cargo run -p driver-sim --example power_loss`

use driver_sim::{Deadline, Dice, Faults, Stager, Trouble};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const CUTS: u64 = 1_000;
/// As long as no sector, so that records are torn.
const RECORD: usize = 200;

/// What one power loss left.
#[derive(Default)]
struct Left {
    written: u64,
    promised: u64,
    whole: u64,
}

fn main() -> io::Result<()> {
    let mut by_promised: BTreeMap<u64, (u64, Left)> = BTreeMap::new();
    for seed in 0..CUTS {
        let left = cut_once(seed)?;
        if left.whole < left.promised {
            let Left {
                promised, whole, ..
            } = left;
            return Err(io::Error::other(format!(
                "seed {seed}: {promised} records were promised, and {whole} are there"
            )));
        }
        let (cuts, sum) = by_promised.entry(left.promised / 10).or_default();
        *cuts += 1;
        sum.written += left.written;
        sum.promised += left.promised;
        sum.whole += left.whole;
    }
    let mut table = String::from("promised      cuts   written  promised  found whole\n");
    for (tens, (cuts, sum)) in &by_promised {
        let (from, to) = (tens * 10, tens * 10 + 9);
        let Left {
            written,
            promised,
            whole,
        } = sum;
        table +=
            &format!("{from:>3} to {to:>3}  {cuts:>6}  {written:>8}  {promised:>8}  {whole:>11}\n");
    }
    show(&format!(
        "{table}{CUTS} power losses, and no promise broken"
    ))
}

/// Writes until the power goes, and counts what is there afterwards.
fn cut_once(seed: u64) -> io::Result<Left> {
    let faults = Faults::none()
        .rate(Trouble::Short, 200)
        .rate(Trouble::Interrupted, 100);
    let stager = Stager::builder().seed(seed).faults(faults).build();
    let mut dice = Dice::of(seed);
    let log = stager.options().append(true).create(true).open("/log")?;
    log.sync(Deadline::Never)?;
    let cut = stager.now().plus(dice.below(5_000_000));
    let mut left = Left::default();
    while stager.now() < cut {
        // Three appends are under way at once; then, sometimes, a sync.
        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(log.begin_append(&record(left.written), Deadline::Never)?);
            left.written += 1;
        }
        if dice.permille(300) {
            log.sync(Deadline::Never)?;
            left.promised = left.written;
        }
        stager.run_for(Duration::from_nanos(dice.below(200_000)));
    }
    let after = stager.power_loss();
    let bytes = after.cached("/log").unwrap_or_default();
    let records = bytes.chunks(RECORD).zip(0..);
    let whole = records.take_while(|(found, number)| *found == record(*number));
    left.whole = whole.count() as u64;
    Ok(left)
}

/// The record of a number: nobody takes it for another, or for zeros.
fn record(number: u64) -> Vec<u8> {
    let mut dice = Dice::of(number);
    (0..RECORD).map(|_| dice.any() as u8 | 1).collect()
}

fn show(text: &str) -> io::Result<()> {
    use std::io::Write;
    writeln!(io::stdout(), "{text}")
}
