//! R1, R6, R8, R10, R12: writes land in the order in which they were accepted, reads see what was
//! written, and errors are told.

use crate::conformance::driver::{Driver, Open, Opening};
use crate::conformance::errors::{cause_of, is_errno, names_its_file};
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::conformance::watch::{Started, start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Bound, Fault, IoKind, Limits, Reject};
use driver_kit::error::{Cause, Operation};
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("R6, R8", what_was_written_is_read_and_is_on_the_disk).of_the_core(),
        case("R1", appends_take_their_places_in_turn).of_the_core(),
        case("R1", appends_of_many_threads_never_meet).of_the_core(),
        case("R1", a_cut_file_ends_there_and_a_longer_one_holds_zeros).of_the_core(),
        case("R6", a_write_behind_the_end_leaves_zeros).of_the_core(),
        case("R1, R6", a_read_waits_for_a_write_that_it_meets),
        case("R1", a_read_beside_a_write_does_not_wait),
        case("R1", a_write_waits_for_a_read_that_it_meets),
        case("R1", writes_to_one_place_land_in_turn),
        case("R1", writes_to_other_places_overtake),
        case("R8", a_failed_write_says_what_where_and_how_much),
        case("R10", a_write_leaves_at_its_deadline_and_keeps_its_range),
        case("R12", a_writer_that_is_refused_for_bytes_waits_for_room),
        case("R12", one_write_may_be_longer_than_the_bound).of_the_core(),
    ]
}

pub(super) fn opened(scene: &Scene, driver: &dyn Driver, len: usize) -> io::Result<Open> {
    let (path, _) = scene.file("file", len)?;
    driver.open(&path, Opening::to_write())
}

/// Ten ones on their way to a place: the write has arrived at the gate, and is held there.
pub(super) fn held_write(
    driver: &dyn Driver,
    file: &Open,
    offset: u64,
) -> io::Result<(Gate, Started<io::Result<()>>)> {
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let writer = Arc::clone(file);
    let write = start(move || writer.write_at(&[1; 10], offset));
    gate.wait_arrived(1)?;
    Ok((gate, write))
}

/// R6, R8.
fn what_was_written_is_read_and_is_on_the_disk(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    file.write_at(b"hello", 10)?;
    assert_eq!(file.read(10, 5)?, b"hello");
    assert_eq!(&fs::read(file.path())?[10..15], b"hello");
    file.sync(Deadline::Never)?;
    file.write_at(b"", 1000)?;
    assert_eq!(fs::metadata(file.path())?.len(), 100, "nothing was written");
    Ok(())
}

/// R1.
fn appends_take_their_places_in_turn(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 7)?;
    assert_eq!(file.append(b"one")?, 7);
    assert_eq!(file.append(b"three")?, 10);
    assert_eq!(file.append(b"")?, 15);
    assert_eq!(&fs::read(file.path())?[7..], b"onethree");
    Ok(())
}

/// R1: each record is whole, and in its place.
fn appends_of_many_threads_never_meet(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 0)?;
    let writers: Vec<_> = (0..4u8)
        .map(|who| {
            let file = Arc::clone(&file);
            start(move || -> io::Result<Vec<u64>> {
                let record = [b'a' + who; 33];
                (0..50).map(|_| file.append(&record)).collect()
            })
        })
        .collect();
    let mut places = Vec::new();
    for (who, writer) in writers.into_iter().enumerate() {
        let offsets = writer.join()??;
        places.extend(offsets.into_iter().map(|offset| (offset, b'a' + who as u8)));
    }
    places.sort_unstable();
    let all = fs::read(file.path())?;
    assert_eq!(all.len(), 4 * 50 * 33);
    for (nth, (offset, who)) in places.into_iter().enumerate() {
        assert_eq!(offset, nth as u64 * 33);
        let record = &all[offset as usize..][..33];
        assert!(record.iter().all(|byte| *byte == who), "a torn record");
    }
    Ok(())
}

/// R1.
fn a_cut_file_ends_there_and_a_longer_one_holds_zeros(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    file.set_len(10)?;
    assert_eq!(file.read(0, 100)?.len(), 10);
    file.set_len(20)?;
    assert_eq!(file.read(10, 100)?, [0; 10]);
    assert_eq!(file.append(b"x")?, 20);
    Ok(())
}

/// R6.
fn a_write_behind_the_end_leaves_zeros(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 10)?;
    file.write_at(b"far", 100)?;
    assert_eq!(file.staging().map(|staging| staging.len), Some(103));
    assert_eq!(file.read(10, 90)?, [0; 90]);
    Ok(())
}

/// R1, R6: it is not answered before, and sees what was written.
fn a_read_waits_for_a_write_that_it_meets(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 20)?;
    let reader = Arc::clone(&file);
    let read = start(move || reader.read(25, 10));
    assert!(read.is_waiting(), "it meets a write that is under way");
    gate.open();
    write.join()??;
    assert_eq!(read.join()??[..5], [1; 5]);
    Ok(())
}

/// R1.
fn a_read_beside_a_write_does_not_wait(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let (gate, write) = held_write(driver.as_ref(), &file, 20)?;
    assert_eq!(file.read(30, 10)?.len(), 10);
    assert_eq!(file.read(10, 10)?.len(), 10);
    assert!(write.is_waiting());
    gate.open();
    write.join()??;
    Ok(())
}

/// R1: the read gets the old bytes.
fn a_write_waits_for_a_read_that_it_meets(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 100)?;
    let file = driver.open(&path, Opening::to_write())?;
    let gate = Gate::closed(driver.hub(), ActionKind::Read);
    let reader = Arc::clone(&file);
    let read = start(move || reader.read(0, 50));
    gate.wait_arrived(1)?;
    let writer = Arc::clone(&file);
    let write = start(move || writer.write_at(&[2; 10], 40));
    assert!(write.is_waiting(), "it meets a read that is under way");
    gate.open();
    assert!(read.join()?? == bytes[..50]);
    write.join()??;
    assert_eq!(file.read(40, 10)?, [2; 10]);
    Ok(())
}

/// R1: while the first is held, none of the others is begun; the last one stays.
fn writes_to_one_place_land_in_turn(scene: &Scene) -> Proof {
    if !scene.has_workers() {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Write, 0);
    let mut writes = Vec::new();
    for nth in 0..10u8 {
        let writer = Arc::clone(&file);
        let before = driver.stats().accepted;
        writes.push(start(move || writer.write_at(&[nth; 10], u64::from(nth))));
        wait_for("the write to be accepted", || {
            driver.stats().accepted > before
        })?;
    }
    gate.wait_arrived(1)?;
    assert_eq!(gate.arrived(), 1, "they all meet the first");
    gate.open();
    for write in writes {
        write.join()??;
    }
    let ended: Vec<u64> = gate.seen().iter().map(|(kind, _)| place(*kind)).collect();
    assert_eq!(ended, (0..10).collect::<Vec<_>>(), "in turn");
    let read = file.read(0, 19)?;
    assert_eq!(read[..10], (0..10).collect::<Vec<u8>>()[..]);
    assert_eq!(read[9..], [9; 10]);
    Ok(())
}

/// R1.
fn writes_to_other_places_overtake(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Write, 0);
    let writer = Arc::clone(&file);
    let first = start(move || writer.write_at(&[1; 10], 0));
    gate.wait_arrived(1)?;
    file.write_at(&[2; 10], 10)?;
    assert!(first.is_waiting());
    gate.open();
    first.join()??;
    Ok(())
}

/// R8, R9.
fn a_failed_write_says_what_where_and_how_much(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 10)?;
    let enospc = Fault::Os(Errno::NOSPC.raw_os_error());
    let gate = Gate::judging(
        driver.hub(),
        ActionKind::Write,
        move |number| match number {
            0 => Verdict::Fail(Fault::Os(Errno::NOSPC.raw_os_error())),
            _ => Verdict::Say(|_| driver_kit::core::Completion::CutShort {
                bytes: 3,
                fault: Fault::Os(Errno::NOSPC.raw_os_error()),
            }),
        },
    );
    let error = file.write_at(b"hello", 0).err().ok_or("it was written")?;
    assert!(is_errno(&error, Errno::NOSPC), "{error}");
    assert!(names_its_file(&error, Operation::Write, file.path()));
    let error = file.append(b"hello").err().ok_or("it was written")?;
    let cut = Cause::CutShort {
        fault: enospc,
        bytes: 3,
    };
    assert_eq!(cause_of(&error), Some(cut), "{error}");
    assert!(error.to_string().contains("3 bytes"), "{error}");
    drop(gate);
    file.write_at(b"hello", 0)?;
    file.flush(Deadline::Never)?;
    Ok(())
}

/// R10: the caller is answered; the range is free when the system call ended.
fn a_write_leaves_at_its_deadline_and_keeps_its_range(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver();
    let file = opened(scene, driver.as_ref(), 100)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Write, 0);
    let hub = driver.hub();
    let bytes = bytes::Bytes::from_static(&[1; 10]);
    let soon = Deadline::within(Duration::from_millis(20));
    let ticket = file
        .handle()
        .write(0, bytes, soon, None)
        .map_err(|failure| failure.into_io())?;
    gate.wait_arrived(1)?;
    let op = ticket.op();
    hub.cancel(op);
    let reader = Arc::clone(&file);
    let read = start(move || reader.read(0, 10));
    assert!(read.is_waiting(), "its system call has not ended");
    assert_eq!(file.read(10, 10)?.len(), 10);
    gate.open();
    assert_eq!(read.join()??, [1; 10]);
    drop(ticket);
    Ok(())
}

/// R12.
fn a_writer_that_is_refused_for_bytes_waits_for_room(scene: &Scene) -> Proof {
    if scene.configuration().workers < 2 {
        return Ok(());
    }
    let driver = scene.driver_with(Limits {
        bytes_per_file: 100,
        ..Scene::limits()
    });
    let file = opened(scene, driver.as_ref(), 1000)?;
    let gate = Gate::closed(driver.hub(), ActionKind::Write);
    let write = |offset| {
        let writer = Arc::clone(&file);
        start(move || writer.write_at(&[7; 60], offset))
    };
    let first = write(0);
    gate.wait_arrived(1)?;
    let refused = file
        .handle()
        .write(100, vec![1; 60].into(), Deadline::Never, None)
        .err()
        .map(|failure| failure.cause);
    let full = Cause::Rejected(Reject::Full(Bound::FileBytes(file.file())));
    assert_eq!(refused, Some(full));
    let second = write(100);
    assert!(second.is_waiting());
    gate.open();
    first.join()??;
    second.join()??;
    assert_eq!(file.read(100, 60)?, [7; 60]);
    Ok(())
}

/// R12.
fn one_write_may_be_longer_than_the_bound(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        bytes: 10,
        bytes_per_file: 10,
        ..Scene::limits()
    });
    let file = opened(scene, driver.as_ref(), 0)?;
    file.write_at(&[1; 1000], 0)?;
    assert_eq!(file.append(&[2; 1000])?, 1000);
    Ok(())
}

pub(super) fn place(kind: IoKind) -> u64 {
    match kind {
        IoKind::Write { offset, .. } => offset,
        _ => u64::MAX,
    }
}
