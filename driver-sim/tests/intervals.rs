//! L3: after a loss of power nothing is missing that was accepted an interval ago, and the time that the syncs
//! under way take, though nobody asked for a sync.

use driver_sim::{Deadline, Dice, Fault, Faults, OpenOptions, Stager, Trouble, errno, failure};
use std::io;
use std::time::Duration;

const EVERY: Duration = Duration::from_micros(1_000);
/// An action takes 100 µs here at most. Before the sync that covers a record begins, those that were accepted before
/// it end, and the sync before it.
const SLACK: u64 = 300_000;
/// As long as no sector, so that records are torn.
const RECORD: usize = 200;

fn options(stager: &Stager) -> OpenOptions {
    let options = stager.options().append(true).create(true);
    options.sync_every(EVERY)
}

#[test]
fn what_is_older_than_the_interval_survives_the_power() -> io::Result<()> {
    let (mut written, mut young, mut spared) = (0, 0, 0);
    for seed in 0..600 {
        let stager = Stager::builder().seed(seed).faults(Faults::none()).build();
        let mut dice = Dice::of(seed);
        let behind = seed % 2 == 0;
        let stream = options(&stager).write_behind(behind).open("/stream")?;
        stream.sync(Deadline::Never)?;
        let cut = stager.now().plus(dice.below(6_000_000));
        let mut accepted = Vec::new();
        while stager.now() < cut {
            // Three at once; sometimes the writer goes quiet for longer than the interval.
            for _ in 0..3 {
                accepted.push(stager.now());
                let record = record(accepted.len() as u64);
                let _ = stream.begin_append(&record, Deadline::Never)?;
            }
            let quiet = if dice.permille(100) {
                2_000_000
            } else {
                200_000
            };
            stager.run_for(Duration::from_nanos(dice.below(quiet)));
        }
        let now = stager.now();
        let after = stager.power_loss();
        let bytes = after.cached("/stream").unwrap_or_default();
        let records = bytes.chunks(RECORD).zip(1..);
        let whole = records.take_while(|(found, number)| *found == record(*number));
        let whole = whole.count();
        let bound = EVERY.as_nanos() as u64 + SLACK;
        let old = accepted.partition_point(|at| now.since(*at) > bound);
        assert!(
            whole >= old,
            "seed {seed}: {old} of {} records are older than the interval, and {whole} are there",
            accepted.len()
        );
        written += accepted.len();
        young += accepted.len() - old;
        spared += whole - old;
    }
    // Some of the young ones are lost: without a loss nothing is proven.
    assert!(
        spared < young,
        "{young} of {written} were young, {spared} of them are there"
    );
    Ok(())
}

#[test]
fn a_sync_by_time_that_fails_is_told_once() -> io::Result<()> {
    let faults = Faults::none().at(Trouble::SyncFails, 1);
    let stager = Stager::builder().seed(7).faults(faults).build();
    let stream = options(&stager).open("/stream")?;
    stream.append(b"lost")?;
    stager.run();
    assert_eq!(stager.stats().syncs_failed, 1);
    let told = stream.append(b"next").err();
    let fault = told.as_ref().and_then(failure).map(|failure| failure.cause);
    assert!(matches!(
        fault,
        Some(driver_sim::Cause::Fault(Fault::SyncBehind(5)))
    ));
    assert_eq!(told.and_then(|error| errno(&error)), Some(5));
    let refused = stream.append(b"next").err();
    assert_eq!(refused.and_then(|error| errno(&error)), None);
    stream.close()
}

#[test]
fn nothing_is_synced_where_nothing_is_written() -> io::Result<()> {
    let stager = Stager::new(1);
    let stream = options(&stager).open("/stream")?;
    stager.run_for(Duration::from_secs(60));
    assert_eq!(stager.stats().synced, 0);
    stream.append(b"once")?;
    stager.run_for(Duration::from_secs(60));
    assert_eq!(stager.stats().synced, 1);
    assert!(!stager.step(), "something is due");
    Ok(())
}

/// The record of a number: nobody takes it for another, or for zeros.
fn record(number: u64) -> Vec<u8> {
    let mut dice = Dice::of(number);
    (0..RECORD).map(|_| dice.any() as u8 | 1).collect()
}
