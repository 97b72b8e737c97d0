//! Each trouble shows what it says, where it was put, and nowhere else.

use driver_sim::{Cause, File};
use driver_sim::{
    Deadline, Disk, Fault, Faults, Grace, Mode, Stager, Stranger, Trouble, errno, failure,
};
use std::io;
use std::time::Duration;

fn stager(faults: Faults) -> Stager {
    let disk = Disk::faulty(faults, 3);
    Stager::builder().seed(3).disk(disk).build()
}

fn new_file(stager: &Stager) -> io::Result<File> {
    stager.options().write(true).create(true).open("/file")
}

fn fault<T>(result: io::Result<T>) -> Option<Fault> {
    match failure(&result.err()?)?.cause {
        Cause::Fault(fault) | Cause::CutShort { fault, .. } | Cause::Indeterminate(fault) => {
            Some(fault)
        }
        Cause::Contended(_) | Cause::Rejected(_) => None,
    }
}

#[test]
fn the_scripted_call_fails_and_no_other() -> io::Result<()> {
    for (trouble, expected) in [(Trouble::WriteBroken, 5), (Trouble::NoSpace, 28)] {
        let stager = stager(Faults::none().at(trouble, 2));
        let file = new_file(&stager)?;
        file.write_at(b"1", 0)?;
        let second = file.write_at(b"2", 0);
        assert_eq!(second.err().and_then(|error| errno(&error)), Some(expected));
        file.write_at(b"3", 0)?;
        assert_eq!(stager.cached("/file").as_deref(), Some(&b"3"[..]));
        let came = stager.with(|simulation| simulation.disk().struck().came(trouble));
        assert_eq!(came, 1);
    }
    Ok(())
}

#[test]
fn short_and_interrupted_calls_are_gone_on_with() -> io::Result<()> {
    let faults = Faults::none()
        .rate(Trouble::Short, 900)
        .rate(Trouble::Interrupted, 900);
    let stager = stager(faults);
    let file = new_file(&stager)?;
    let bytes: Vec<u8> = (0..200).collect();
    file.write_at(&bytes, 0)?;
    assert_eq!(file.bytes_at(0, 500)?, bytes);
    Ok(())
}

#[test]
fn a_sync_that_tells_the_truth_survives_the_power() -> io::Result<()> {
    let stager = stager(Faults::none());
    let file = new_file(&stager)?;
    file.write_at(b"bytes", 0)?;
    assert_eq!(stager.durable("/file"), None, "its name was never synced");
    file.sync(Deadline::Never)?;
    assert_eq!(stager.durable("/file").as_deref(), Some(&b"bytes"[..]));
    let after = stager.power_loss();
    assert_eq!(after.open("/file")?.bytes_at(0, 10)?, b"bytes");
    Ok(())
}

#[test]
fn a_sync_that_lies_loses_sometimes_and_one_that_drops_always() -> io::Result<()> {
    let mut lost = 0;
    for seed in 0..40 {
        for trouble in [Trouble::SyncLies, Trouble::SyncDrops] {
            let mut disk = Disk::faulty(Faults::none().at(trouble, 1), seed);
            disk.put("/file", Vec::new());
            let stager = Stager::builder().seed(seed).disk(disk).build();
            let file = new_file(&stager)?;
            file.write_at(b"bytes", 0)?;
            file.sync(Deadline::Never)?;
            let left = stager.power_loss().cached("/file").unwrap_or_default();
            match trouble {
                Trouble::SyncDrops => assert_eq!(left, b""),
                _ => lost += u32::from(left != b"bytes"),
            }
        }
    }
    assert!((1..40).contains(&lost), "lost {lost} of 40 times");
    Ok(())
}

#[test]
fn after_a_sync_that_failed_the_next_succeeds_with_old_bytes_on_the_disk() -> io::Result<()> {
    let mut old = 0;
    for seed in 0..20 {
        let mut disk = Disk::faulty(Faults::none().at(Trouble::SyncFails, 1), seed);
        disk.put("/file", "old");
        let stager = Stager::builder().seed(seed).disk(disk).build();
        let file = new_file(&stager)?;
        file.write_at(b"n", 0)?;
        let failed = file.sync(Deadline::Never);
        assert_eq!(failed.err().and_then(|error| errno(&error)), Some(5));
        drop(file);
        let again = new_file(&stager)?;
        again.sync(Deadline::Never)?;
        assert_eq!(stager.cached("/file").as_deref(), Some(&b"nld"[..]));
        old += u32::from(stager.durable("/file").as_deref() == Some(b"old"));
    }
    assert!((1..20).contains(&old), "{old} of 20 times");
    Ok(())
}

#[test]
fn what_hangs_is_left_to_deadlines_and_named_by_a_shutdown() -> io::Result<()> {
    let stager = stager(Faults::none().at(Trouble::Hangs, 2));
    let file = new_file(&stager)?;
    let by = Deadline::within(Duration::from_secs(1));
    let late = file.begin_write_at(b"bytes", 0, by)?.wait();
    assert_eq!(fault(late), Some(Fault::Deadline));
    let never = file.begin_read_at(0, 5, Deadline::Never)?.wait();
    assert_eq!(
        never.err().map(|error| error.kind()),
        Some(io::ErrorKind::WouldBlock)
    );
    let report = stager.shutdown(Grace::default());
    let unfinished = report.map(|report| report.unfinished).unwrap_or_default();
    assert_eq!(unfinished.len(), 1, "{unfinished:?}");
    Ok(())
}

/// S8: the first reason stays.
#[test]
fn a_reason_is_reported() -> io::Result<()> {
    let stager = stager(Faults::none());
    let _file = new_file(&stager)?;
    let first = stager.shutdown_because(Grace::default(), "the first");
    let second = stager.force_because(Duration::ZERO, "the second");
    for report in [first, second] {
        let reason = report.and_then(|report| report.reason);
        assert_eq!(reason.as_deref(), Some("the first"));
    }
    Ok(())
}

#[test]
fn strangers_cut_what_is_mapped_and_change_what_is_loaded() -> io::Result<()> {
    let mut disk = Disk::new();
    disk.put("/mapped", vec![1; 9000]);
    disk.put("/loaded", vec![1; 9000]);
    let stager = Stager::builder().disk(disk).build();
    let mapped = stager.options().mode(Mode::Map).open("/mapped")?;
    let loaded = stager.options().mode(Mode::Load).open("/loaded")?;
    for path in ["/mapped", "/loaded"] {
        let (path, len) = (path.to_owned(), 10);
        stager.meddle(&Stranger::SetsLength { path, len });
    }
    assert_eq!(fault(mapped.bytes_at(0, 10)), Some(Fault::Truncated));
    assert_eq!(loaded.bytes_at(0, 10_000)?, vec![1; 9000]);
    Ok(())
}

#[test]
fn descriptors_and_room_run_out() -> io::Result<()> {
    let disk = Disk::new().descriptors(1).capacity(100);
    let stager = Stager::builder().disk(disk).build();
    let file = new_file(&stager)?;
    let other = stager.options().write(true).create(true).open("/other");
    assert_eq!(fault(other), Some(Fault::Os(24)));
    let full = file.write_at(&[1; 150], 0);
    assert_eq!(fault(full), Some(Fault::Os(28)));
    assert_eq!(file.bytes_at(0, 200)?, vec![1; 100]);
    Ok(())
}

#[test]
fn a_seed_is_one_run_to_the_last_line() -> io::Result<()> {
    let run = |seed: u64| -> io::Result<String> {
        let stager = Stager::new(seed);
        let file = new_file(&stager)?;
        let tickets = (0..20).map(|at| file.begin_append(&[at; 9], Deadline::Never));
        let tickets: Vec<_> = tickets.collect::<io::Result<_>>()?;
        stager.run();
        drop(tickets);
        Ok(stager.transcript())
    };
    assert_eq!(run(5)?, run(5)?);
    assert_ne!(run(5)?, run(6)?);
    Ok(())
}
