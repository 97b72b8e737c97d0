//! L1, L2: the power is lost after every step of appends, syncs and checkpoints, and of the recovery
//! after that. What is found then is exactly the first records that were accepted, and all that were
//! promised.
//!
//! A seed that fails is printed; `SEED=7` repeats one, `SEEDS=100000` makes a long run.

use driver_sim::{Disk, Faults, Trouble};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tests::logs::{Faulty, Life};

const SEEDS: u64 = 60;
/// More steps than any story takes.
const ENOUGH: u64 = 100_000;

fn seeds(usual: u64) -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|word| word.parse().ok());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(usual),
    }
}

fn disk(seed: u64, faults: Faults) -> Disk {
    let mut disk = Disk::faulty(faults.latency(1_000, 200_000), seed);
    disk.directory("/d");
    disk
}

/// What a program does with a log.
fn story(life: &mut Life) -> Result<(), Faulty> {
    life.open()?;
    go_on(life, 10)
}

fn go_on(life: &mut Life, deeds: u32) -> Result<(), Faulty> {
    for _ in 0..deeds {
        match life.dice().below(10) {
            0..6 => {
                for _ in 0..1 + life.dice().below(3) {
                    let payload = life.payload();
                    life.append(payload)?;
                }
            }
            6..8 => life.sync()?,
            _ => {
                let last = life.last();
                let upto = last - life.dice().below(4).min(last - life.upto());
                life.checkpoint(upto)?;
            }
        }
    }
    life.sync()
}

/// Opens the log, however often the power goes meanwhile.
fn recover(mut life: Life, mut often: u32) -> Result<Life, Faulty> {
    while often > 0 {
        let steps = life.dice().below(12);
        life = life.power_loss(steps);
        match life.open() {
            Err(Faulty::Cut) => {}
            Err(other) => return Err(other),
            Ok(_) => break,
        }
        often -= 1;
    }
    life = life.power_loss(ENOUGH);
    life.open()?;
    Ok(life)
}

/// Tells which seed it was.
#[expect(clippy::print_stderr, reason = "the seed of a failure is told")]
fn told<T>(seed: u64, steps: u64, run: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(ran) => ran,
        Err(panic) => {
            eprintln!("seed {seed}, after {steps} steps");
            resume_unwind(panic)
        }
    }
}

/// L1, L2.
#[test]
fn a_loss_of_power_at_any_step_loses_no_record_that_was_promised() -> Result<(), Faulty> {
    let (mut cuts, mut torn, mut checkpoints) = (0, 0, 0);
    for seed in seeds(SEEDS) {
        for steps in 0.. {
            let over = told(seed, steps, || {
                let mut life = Life::on(disk(seed, Faults::none()), seed, steps);
                let over = match story(&mut life) {
                    Ok(()) => true,
                    Err(Faulty::Cut) => false,
                    Err(other) => return Err(other),
                };
                let life = recover(life, steps as u32 % 4)?;
                checkpoints += u64::from(life.upto() > 0);
                // Recovered twice is recovered once.
                let before: Vec<Vec<u8>> = contents(life.disk());
                let mut life = life.restart(ENOUGH);
                torn += u64::from(life.open()?.cut > 0);
                assert_eq!(contents(life.disk()), before);
                // It goes on as if nothing had been.
                go_on(&mut life, 3)?;
                recover(life, 0)?;
                Ok(over)
            })?;
            cuts += 1;
            if over {
                break;
            }
        }
    }
    assert!(
        checkpoints > 0 && torn == 0,
        "{cuts} cuts: {checkpoints}, {torn}"
    );
    Ok(())
}

fn contents(disk: &Disk) -> Vec<Vec<u8>> {
    let files = disk
        .files()
        .filter(|(path, _)| !path.contains("/.staging-"));
    files
        .map(|(_, inode)| disk.cached_of(inode).to_vec())
        .collect()
}

/// L1, R8: after a sync that failed the cache shows what the disk has lost, and the next sync is content
/// with that. Who opens the log then, and is told what there is, still has it after a loss of power.
#[test]
fn what_is_found_after_a_failed_sync_survives_a_loss_of_power() -> Result<(), Faulty> {
    let mut failed = 0;
    for seed in seeds(SEEDS * 10) {
        for nth in 1..6 {
            told(seed, nth, || {
                let faults = Faults::none().at(Trouble::SyncFails, nth);
                let mut life = Life::on(disk(seed, faults), seed, ENOUGH);
                let mut lived = story(&mut life);
                while let Err(Faulty::Disk(_)) = lived {
                    failed += 1;
                    life = life.restart(ENOUGH);
                    lived = life.open().map(drop);
                }
                lived?;
                life.disk_mut().set_faults(Faults::none());
                recover(life, 0).map(drop)
            })?;
        }
    }
    assert!(failed > 0);
    Ok(())
}
