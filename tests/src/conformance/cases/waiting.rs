//! G2: a read or a seek to the end of a file that is being staged waits for it, and nothing else
//! does.

use crate::conformance::driver::{Driver, Open, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{Started, start, wait_for};
use driver_kit::Deadline;
use driver_kit::core::{Fault, How, Mode, Standing};
use driver_kit::handlers::ActionKind;
use rustix::io::Errno;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G2", a_read_waits_for_the_staging_and_finishes),
        case("G2", many_reads_wait_and_none_goes_to_the_disk),
        case("G2", a_seek_to_the_end_waits),
        case("G2", a_seek_from_the_start_does_not_wait),
        case("G2", other_files_are_not_held_up),
        case("G2, G8", reads_go_to_the_file_when_the_staging_fails),
        case("G2, G8", reads_go_to_the_file_when_the_staging_is_cancelled),
        case("G2, R10", a_waiting_read_leaves_at_its_deadline),
        case("G2, R10", a_dropped_read_leaves_the_staging_alone),
        case("G2", a_read_outlives_the_handle_it_was_asked_by),
        case("G2", reads_while_the_contents_go_are_answered_from_the_file),
    ]
}

const LEN: usize = 4 * CHUNK as usize + 11;

/// A file whose staging is held before a chunk, on another thread.
struct Slow {
    driver: Arc<dyn Driver>,
    path: PathBuf,
    bytes: Vec<u8>,
    file: Open,
    gate: Gate,
    staging: Started<io::Result<Standing>>,
}

fn slow(scene: &Scene, mode: Mode, chunk: u64) -> io::Result<Slow> {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, chunk);
    let slow = Arc::clone(&file);
    let staging = start(move || slow.stage(mode));
    gate.wait_arrived(chunk as usize + 1)?;
    Ok(Slow {
        driver,
        path,
        bytes,
        file,
        gate,
        staging,
    })
}

impl Slow {
    fn read(&self, offset: u64, len: usize) -> Started<io::Result<Vec<u8>>> {
        let file = Arc::clone(&self.file);
        start(move || file.read(offset, len))
    }

    fn wait_waiting(&self, waiting: u32) -> io::Result<()> {
        wait_for("the reads to wait", || {
            self.file
                .staging()
                .is_some_and(|staging| staging.waiting == waiting)
        })
    }
}

/// G2: the outcome comes only after the staging ended, and is right.
fn a_read_waits_for_the_staging_and_finishes(scene: &Scene) -> Proof {
    for (mode, chunk) in [(Mode::Load, 0), (Mode::Load, 4), (Mode::Map, 2)] {
        let slow = slow(scene, mode, chunk)?;
        let read = slow.read(100, 200_000);
        slow.wait_waiting(2)?;
        assert!(read.is_waiting(), "a read of chunks that are in waits, too");
        slow.gate.open();
        assert!(read.join()?? == slow.bytes[100..200_100]);
        assert!(matches!(slow.staging.join()??, Standing::Staged(_)));
    }
    Ok(())
}

/// G2, G4: all are answered, from memory.
fn many_reads_wait_and_none_goes_to_the_disk(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 1)?;
    let reads: Vec<_> = (0..16)
        .map(|n| (n, slow.read(n * 10_000, 12_345)))
        .collect();
    slow.wait_waiting(17)?;
    let disk = Gate::counting(slow.driver.hub(), ActionKind::Read);
    slow.gate.open();
    for (n, read) in reads {
        let from = n as usize * 10_000;
        assert!(read.join()?? == slow.bytes[from..from + 12_345], "read {n}");
    }
    assert_eq!(disk.arrived(), 0, "they are answered from memory");
    slow.staging.join()??;
    Ok(())
}

/// G2: where the end has to be known, it is waited for.
fn a_seek_to_the_end_waits(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 2)?;
    let file = Arc::clone(&slow.file);
    let seek = start(move || file.seek_from_end(-1));
    slow.wait_waiting(2)?;
    assert!(seek.is_waiting());
    slow.gate.open();
    assert_eq!(seek.join()??, LEN as u64 - 1);
    slow.staging.join()??;
    Ok(())
}

/// G2: only reads, writes and end-relative seeks wait.
fn a_seek_from_the_start_does_not_wait(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 2)?;
    assert_eq!(slow.file.seek_from_start(77)?, 77);
    assert_eq!(slow.file.read(0, 0)?.len(), 0, "nothing is read at once");
    slow.gate.open();
    slow.staging.join()??;
    Ok(())
}

/// G2: `NotStaged` and `Staged` proceed at once while another file is being staged.
fn other_files_are_not_held_up(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 2)?;
    if slow.driver.hub().is_alone() || scene.configuration().workers > 1 {
        let (path, bytes) = scene.file("other", 50_000)?;
        let unstaged = slow.driver.open(&path, Opening::by(Mode::None))?;
        assert!(unstaged.read(0, 50_000)? == bytes);
        let (path, bytes) = scene.file("small", 5_000)?;
        let staged = slow.driver.open_staged(&path)?;
        assert!(staged.read(0, 5_000)? == bytes);
        staged.unstage()?;
    }
    assert!(slow.staging.is_waiting());
    slow.gate.open();
    slow.staging.join()??;
    Ok(())
}

/// G2, G8: a staging that fails leaves no waiter behind.
fn reads_go_to_the_file_when_the_staging_fails(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::None))?;
    let look = Gate::holding(driver.hub(), ActionKind::Look, 0);
    let fault = Fault::Os(Errno::NOMEM.raw_os_error());
    let load = Gate::failing(driver.hub(), ActionKind::Load, 3, fault);
    let (staging, reading) = (Arc::clone(&file), Arc::clone(&file));
    let staged = start(move || staging.stage(Mode::Load));
    look.wait_arrived(1)?;
    let read = start(move || reading.read(5, LEN));
    wait_for("the read to wait", || {
        file.staging().is_some_and(|staging| staging.waiting == 2)
    })?;
    look.open();
    let error = staged.join()?.err().ok_or("staged although it failed")?;
    assert_eq!(fault_of(&error), Some(fault));
    assert!(read.join()?? == bytes[5..]);
    drop(load);
    Ok(())
}

/// G8: waiting reads then go to the file.
fn reads_go_to_the_file_when_the_staging_is_cancelled(scene: &Scene) -> Proof {
    for mode in [Mode::Load, Mode::Map] {
        let slow = slow(scene, mode, 2)?;
        let read = slow.read(0, LEN);
        slow.wait_waiting(2)?;
        let file = Arc::clone(&slow.file);
        let unstaged = start(move || file.unstage());
        wait_for("the staging to end", || {
            slow.file
                .staging()
                .is_some_and(|staging| staging.waiting == 0)
        })?;
        slow.gate.open();
        assert!(read.join()?? == slow.bytes, "{mode:?}");
        unstaged.join()??;
        assert!(slow.staging.join()?.is_err());
    }
    Ok(())
}

/// R10: who has a deadline leaves; the staging goes on.
fn a_waiting_read_leaves_at_its_deadline(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 2)?;
    let mut buffer = [0; 10];
    let deadline = Deadline::within(Duration::from_millis(20));
    let error = slow.file.read_at_by(&mut buffer, 0, deadline);
    let error = error.err().ok_or("read before the staging ended")?;
    assert_eq!(fault_of(&error), Some(Fault::Deadline));
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    slow.gate.open();
    assert_eq!(slow.staging.join()??, Standing::Staged(How::Loaded));
    Ok(())
}

/// R10: a read that nobody waits for any more is gone; the staging is not its own.
fn a_dropped_read_leaves_the_staging_alone(scene: &Scene) -> Proof {
    let slow = slow(scene, Mode::Load, 2)?;
    let handle = slow.file.handle();
    let ticket = handle.read_later(0, 100, Deadline::Never, None);
    slow.wait_waiting(2)?;
    drop(ticket.map_err(|failure| failure.into_io())?);
    slow.wait_waiting(1)?;
    slow.gate.open();
    assert_eq!(slow.staging.join()??, Standing::Staged(How::Loaded));
    assert_eq!(slow.driver.stats().cancelled, 1);
    Ok(())
}

/// G1, G2: what a handle has under way is finished when the handle is dropped.
fn a_read_outlives_the_handle_it_was_asked_by(scene: &Scene) -> Proof {
    let Slow {
        driver,
        bytes,
        file,
        gate,
        staging,
        path,
    } = slow(scene, Mode::Load, 2)?;
    let ticket = file
        .handle()
        .read_later(0, LEN as u64, Deadline::Never, None);
    let mut ticket = ticket.map_err(|failure| failure.into_io())?;
    // The last reference but the one of the thread that stages, which ends with the staging.
    drop(file);
    gate.open();
    staging.join()??;
    driver.attend();
    let mut answer = None;
    wait_for("the answer", || {
        if let std::task::Poll::Ready(ready) = ticket.poll_answer(std::task::Waker::noop()) {
            answer = Some(ready);
        }
        answer.is_some()
    })?;
    let mut buffer = vec![0; LEN];
    let read = driver_kit::hub::read_answer(answer.ok_or("no answer")?, 0, &mut buffer);
    assert_eq!(read.map_err(|failure| failure.into_io())?, LEN);
    assert!(buffer == bytes);
    assert!(driver.open_staged(&path)?.read(0, LEN)? == bytes);
    Ok(())
}

/// G1: while the contents are being released, the file is not staged, and reads proceed.
fn reads_while_the_contents_go_are_answered_from_the_file(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let file = driver.open(&path, Opening::by(Mode::Load))?;
    let gate = Gate::holding(driver.hub(), ActionKind::Release, 0);
    let unstaging = Arc::clone(&file);
    let unstaged = start(move || unstaging.unstage());
    gate.wait_arrived(1)?;
    if scene.configuration().workers != 1 {
        assert!(file.read(1, LEN)? == bytes[1..]);
    }
    assert!(unstaged.is_waiting());
    gate.open();
    unstaged.join()??;
    Ok(())
}
