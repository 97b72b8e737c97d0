//! What a runtime may do to a driver, and a driver to its runtime: be shut down in the middle, be
//! several, hold no thread, drop a future.

use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::core::{Grace, Mode, PhaseName};
use driver_kit::error::Failure;
use driver_kit::handlers::ActionKind;
use driver_kit::hub::Hub;
use futures::stream::StreamExt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tests::conformance::{Gate, start, wait_for};
use tokio::runtime::{Builder, Runtime};

type Proof = Result<(), Box<dyn std::error::Error>>;

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn stager_on(runtime: &Runtime) -> io::Result<driver_tokio::Stager> {
    let _entered = runtime.enter();
    driver_tokio::Stager::new()
}

fn file_in(dir: &Path, len: usize) -> io::Result<PathBuf> {
    let path = dir.join("file");
    std::fs::write(&path, vec![7; len])?;
    Ok(path)
}

/// Nothing is left in the hub of whoever asked.
fn nothing_is_kept(hub: &Arc<Hub>) -> Proof {
    wait_for("it to be tidy", || {
        (hub.kept(), hub.files(), hub.charged(), hub.stats().pending) == (0, 0, 0, 0)
    })?;
    Ok(())
}

/// R9: a runtime that is shut down while an open is under way leaves it with one answer; what is
/// asked after that is answered, too.
#[test]
fn a_runtime_that_ends_in_the_middle_leaves_nobody_waiting() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let runtime = runtime()?;
    let stager = stager_on(&runtime)?;
    let hub = Arc::clone(stager.hub());
    let gate = Gate::holding(&hub, ActionKind::Fetch, 0);
    let mut open = Box::pin(stager.open(path.clone()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(open.as_mut().poll(&mut context).is_pending());
    gate.wait_arrived(1)?;
    runtime.shutdown_background();
    gate.open();
    wait_for("the open to be answered", || {
        open.as_mut().poll(&mut context).is_ready()
    })?;
    wait_for("the last worker to leave", || hub.working() == 0)?;
    // The runtime drops what should have carried this out.
    let late = futures::executor::block_on(stager.options().mode(Mode::None).open(&path));
    assert!(late.is_err(), "there is nobody left");
    assert_eq!(hub.phase(), PhaseName::Closed);
    Ok(())
}

/// An idle stager holds no worker, and its runtime shuts down at once.
#[test]
fn an_idle_stager_holds_no_worker() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 3 << 20)?;
    let runtime = runtime()?;
    let on_tokio = stager_on(&runtime)?;
    let on_smol = driver_smol::Stager::new();
    let file = runtime.block_on(on_tokio.open(&path))?;
    let too = smol::block_on(on_smol.open(&path))?;
    wait_for("the workers to leave", || {
        on_tokio.hub().working() + on_smol.hub().working() == 0
    })?;
    assert!(file.is_staged() && too.is_staged());
    drop(runtime);
    assert_eq!(smol::block_on(too.read_at(0, 10))?.len(), 10);
    assert_eq!(
        smol::block_on(file.read_at(0, 10))?.len(),
        10,
        "memory needs no runtime"
    );
    Ok(())
}

/// Two runtimes in one process, each with its stager; either's files can be read from the other.
#[test]
fn several_runtimes_live_beside_each_other() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let (one, other) = (
        runtime()?,
        Builder::new_current_thread().enable_all().build()?,
    );
    let (first, second) = (stager_on(&one)?, stager_on(&other)?);
    let across = other.block_on(first.options().mode(Mode::None).open(&path))?;
    let back = one.block_on(second.options().mode(Mode::None).open(&path))?;
    assert_eq!(one.block_on(across.read_at(0, 9_000))?.len(), 5_000);
    assert_eq!(other.block_on(back.read_at(0, 9_000))?.len(), 5_000);
    drop((across, back));
    assert_eq!(
        other.block_on(first.shutdown(Grace::default())).exit_code(),
        0
    );
    assert_eq!(
        one.block_on(second.shutdown(Grace::default())).exit_code(),
        0
    );
    Ok(())
}

/// Polls once, and drops.
fn poll_and_drop<T>(future: impl Future<Output = T>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(pin!(future).poll(&mut context), Poll::Pending)
}

/// R10: a future that is dropped while it waits takes everything along: opens, stagings and reads,
/// with storage that does not answer.
#[test]
fn a_dropped_future_leaves_nothing_behind() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let stager = driver_smol::Stager::new();
    let hub = Arc::clone(stager.hub());
    let file = smol::block_on(stager.options().mode(Mode::None).open(&path))?;

    let gate = Gate::holding(&hub, ActionKind::Fetch, 0);
    assert!(poll_and_drop(stager.open(&path)));
    gate.open();
    let gate = Gate::holding(&hub, ActionKind::Load, 0);
    assert!(poll_and_drop(file.stage(Mode::Load)));
    gate.open();
    let gate = Gate::holding(&hub, ActionKind::Read, 0);
    let mut buffer = [0; 100];
    assert!(poll_and_drop(file.read_into(&mut buffer, 0)));
    gate.open();

    assert_eq!(hub.kept(), 0, "answered at once");
    hub.handlers().restore(ActionKind::Read);
    assert_eq!(smol::block_on(file.read_at(0, 9_000))?.len(), 5_000);
    drop(file);
    nothing_is_kept(&hub)
}

/// Bytes that tell whether anybody still has them.
struct Owned(Arc<[u8; 100]>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0[..]
    }
}

/// R10: a write that is dropped before it has begun is taken back; one that has begun keeps its
/// bytes and its range until its system call ends. Barriers leave nothing behind, either.
#[test]
fn a_dropped_write_is_taken_back_or_goes_on() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let stager = driver_smol::Stager::new();
    let hub = Arc::clone(stager.hub());
    let file = smol::block_on(stager.options().write(true).open(&path))?;
    let gate = Gate::holding(&hub, ActionKind::Write, 0);

    let begun = Arc::new([1; 100]);
    let bytes = Bytes::from_owner(Owned(Arc::clone(&begun)));
    let mut write = Box::pin(file.write_at(0, bytes));
    let mut context = Context::from_waker(Waker::noop());
    assert!(write.as_mut().poll(&mut context).is_pending());
    gate.wait_arrived(1)?;
    drop(write);
    let queued = Arc::new([2; 100]);
    let bytes = Bytes::from_owner(Owned(Arc::clone(&queued)));
    assert!(poll_and_drop(file.write_at(50, bytes)));
    let mut cut = Box::pin(file.set_len(10));
    assert!(cut.as_mut().poll(&mut context).is_pending());
    assert!(poll_and_drop(file.append(&b"behind the cut"[..])));
    drop(cut);
    assert!(poll_and_drop(file.flush(Deadline::Never)));
    assert!(poll_and_drop(file.sync(Deadline::Never)));
    assert!(poll_and_drop(stager.flush_all(Deadline::Never)));
    assert!(poll_and_drop(stager.sync_all(Deadline::Never)));
    assert_eq!(hub.kept(), 0, "answered at once");
    assert_eq!(Arc::strong_count(&queued), 1, "taken back");
    assert_eq!(Arc::strong_count(&begun), 2, "the system call has it");

    gate.open();
    let read = smol::block_on(file.read_at(0, 9_000))?;
    assert!(read[..100] == [1; 100] && read[100..] == [7; 4_900]);
    wait_for("the bytes to be let go", || Arc::strong_count(&begun) == 1)?;
    drop(file);
    nothing_is_kept(&hub)
}

/// Bytes whose owner calls back in when they are let go.
struct CallsBack(Arc<Hub>);

impl AsRef<[u8]> for CallsBack {
    fn as_ref(&self) -> &[u8] {
        b"hello"
    }
}

impl Drop for CallsBack {
    fn drop(&mut self) {
        let _ = self.0.stats();
    }
}

/// S7: the bytes of a write are let go outside the lock, for their owner's code runs then.
#[test]
fn the_owner_of_written_bytes_may_call_back_in() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let stager = driver_smol::Stager::new();
    let hub = Arc::clone(stager.hub());
    let owned = Arc::clone(&hub);
    let bytes = move || Bytes::from_owner(CallsBack(Arc::clone(&owned)));
    let written = start(move || {
        smol::block_on(async {
            let file = stager.options().write(true).open(&path).await?;
            let write = |bytes| file.handle().write(0, bytes, Deadline::Never, None);
            let ticket = write(bytes()).map_err(Failure::into_io)?;
            assert_eq!(ticket.await.fault(), None);
            let gate = Gate::holding(stager.hub(), ActionKind::Write, 0);
            let mut first = Box::pin(file.write_at(0, &b"first"[..]));
            let mut context = Context::from_waker(Waker::noop());
            assert!(first.as_mut().poll(&mut context).is_pending());
            // It waits behind the first, and is taken back.
            drop(write(bytes()).map_err(Failure::into_io)?);
            gate.open();
            first.await
        })
    });
    written.join()??;
    nothing_is_kept(&hub)
}

/// R10, S4: giving back, closing and shutting down go on when nobody waits for them any more.
#[test]
fn what_only_gives_back_goes_on_when_it_is_dropped() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let stager = driver_smol::Stager::new();
    let hub = Arc::clone(stager.hub());
    let file = smol::block_on(stager.options().mode(Mode::Load).open(&path))?;

    let gate = Gate::holding(&hub, ActionKind::Release, 0);
    assert!(poll_and_drop(file.unstage()));
    gate.open();
    wait_for("the memory to be given back", || hub.charged() == 0)?;

    let gate = Gate::holding(&hub, ActionKind::Read, 0);
    let reader = file.clone();
    let mut buffer = [0; 100];
    let mut reading = pin!(reader.read_into(&mut buffer, 0));
    let mut context = Context::from_waker(Waker::noop());
    assert!(reading.as_mut().poll(&mut context).is_pending());
    assert!(poll_and_drop(file.close()));
    assert!(poll_and_drop(stager.shutdown(Grace::default())));
    assert!(poll_and_drop(stager.closed()));
    assert_eq!(hub.phase(), PhaseName::Draining);
    gate.open();
    assert_eq!(
        smol::block_on(reading)?,
        100,
        "what was under way is answered"
    );
    assert!(smol::block_on(stager.closed()).is_clean());
    assert_eq!((hub.files(), hub.kept()), (0, 0));
    Ok(())
}

/// G7: whoever waits for a batch, or watches it, may stop and begin again.
#[test]
fn a_batch_may_be_waited_for_again() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 5_000)?;
    let stager = driver_smol::Stager::new();
    let gate = Gate::holding(stager.hub(), ActionKind::Fetch, 0);
    let batch = stager.stage([path]).start()?;
    let mut updates = batch.updates();
    assert!(poll_and_drop(batch.wait()));
    // That the path was taken may be told by now, or not; more is not, while nothing is opened.
    while !poll_and_drop(updates.next()) {}
    gate.open();
    assert_eq!(smol::block_on(batch.wait()).len(), 1);
    let last = smol::block_on(updates.fold(None, |_, progress| async move { Some(progress) }));
    assert_eq!(last.map(|progress| progress.files_done), Some(1));
    drop(batch);
    nothing_is_kept(stager.hub())
}

/// A writer of the runtime that is dropped in the middle has written what was flushed.
#[test]
fn what_a_writer_has_flushed_is_written() -> Proof {
    use futures::io::AsyncWriteExt as _;
    let dir = tempfile::tempdir()?;
    let path = file_in(dir.path(), 0)?;
    let stager = driver_smol::Stager::new();
    smol::block_on(async {
        let file = stager.options().append(true).open(&path).await?;
        let mut writer = file.writer();
        for _ in 0..100 {
            writer.write_all(b"0123456789").await?;
        }
        writer.close().await?;
        drop(writer);
        assert_eq!(std::fs::metadata(&path)?.len(), 1_000);
        file.sync(Deadline::Never).await
    })?;
    nothing_is_kept(stager.hub())
}

/// G7: the progress of a batch is a stream that ends with everything done.
#[test]
fn progress_is_a_stream_that_ends() -> Proof {
    let dir = tempfile::tempdir()?;
    let paths: Vec<PathBuf> = (0..200).map(|n| dir.path().join(n.to_string())).collect();
    for path in &paths {
        std::fs::write(path, [1; 1_000])?;
    }
    let runtime = runtime()?;
    let stager = stager_on(&runtime)?;
    let batch = stager.stage(paths).start()?;
    let (seen, last) = runtime.block_on(async {
        let mut updates = pin!(batch.updates());
        let (mut seen, mut last) = (Vec::new(), None);
        while let Some(progress) = updates.next().await {
            seen.push(progress.files_done);
            last = Some(progress);
        }
        (seen, last)
    });
    assert!(seen.is_sorted(), "{seen:?}");
    let last = last.ok_or("nothing was seen")?;
    assert_eq!(
        (last.files_done, last.bytes_done, last.list_ended),
        (200, 200_000, true)
    );
    assert_eq!(runtime.block_on(batch.wait()).len(), 200);
    Ok(())
}
