//! G7–G9, R12: many files at once, by one and by many threads, within few descriptors.

use crate::conformance::driver::{Driver, Group, Opening};
use crate::conformance::errors::fault_of;
use crate::conformance::gate::Gate;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, wait_for};
use driver_kit::Deadline;
use driver_kit::batch::{Item, Order};
use driver_kit::core::{Fault, How, Limits, Mode, Plan, Standing};
use driver_kit::error::Cause;
use driver_kit::handlers::ActionKind;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("G7, R9", two_thousand_files_at_once),
        case("G7, R9", failures_do_not_cut_a_batch_short),
        case("G7", a_batch_tells_how_far_it_is),
        case("G8", a_cancelled_batch_keeps_what_is_done),
        case("G8", a_dropped_batch_leaves_nothing_behind),
        case("R10", a_batch_has_a_deadline),
        case("R12", a_batch_keeps_to_its_concurrency),
        case("R12", a_batch_goes_on_under_the_tightest_limits),
        case("G9", the_same_file_many_times_in_a_batch),
        case("R9", a_list_that_panics_ends_there),
        case("R9", an_empty_list_is_done),
        case("G1", many_threads_open_read_and_close).of_the_core(),
    ]
}

pub(super) fn order(mode: Mode, concurrency: u32) -> Order {
    Order {
        plan: Plan::of(mode),
        concurrency,
        deadline: Deadline::Never,
    }
}

pub(super) fn begin(
    driver: &dyn Driver,
    paths: Vec<PathBuf>,
    order: Order,
) -> io::Result<Arc<dyn Group>> {
    driver.batch(Box::new(paths.into_iter()), order)
}

pub(super) fn small_files(scene: &Scene, count: usize) -> io::Result<Vec<PathBuf>> {
    let dir = scene.path("small");
    fs::create_dir(&dir)?;
    let mut paths = Vec::with_capacity(count);
    for n in 0..count {
        let path = dir.join(format!("{n:05}"));
        fs::write(&path, format!("this is file number {n}"))?;
        paths.push(path);
    }
    Ok(paths)
}

pub(super) fn holds_its_number(item: &Item, count: usize) -> Proof {
    let staged = item
        .result
        .as_ref()
        .map_err(|failure| failure.clone().into_io())?;
    let name = item
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or("no name")?;
    let number: usize = name.parse()?;
    assert!(number < count);
    let expected = format!("this is file number {number}");
    let mut buffer = [0; 64];
    let read = staged
        .handle
        .read_staged(0, &mut buffer)
        .ok_or("not staged")??;
    assert_eq!(&buffer[..read], expected.as_bytes());
    assert_eq!(staged.len as usize, expected.len());
    Ok(())
}

/// G7, R9: each has its one result, and is what it was.
fn two_thousand_files_at_once(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 2_000)?;
    for concurrency in [1, 64, 5_000] {
        let batch = begin(
            driver.as_ref(),
            paths.clone(),
            order(Mode::Auto, concurrency),
        )?;
        let items = batch.wait();
        assert_eq!(items.len(), 2_000);
        for item in &items {
            holds_its_number(item, 2_000)?;
        }
        let mut seen: Vec<_> = items.iter().map(|item| Arc::clone(&item.path)).collect();
        seen.sort();
        assert!(
            seen.iter()
                .map(|path| path.to_path_buf())
                .eq(paths.iter().cloned())
        );
        assert!(batch.wait().is_empty(), "results are taken once");
    }
    Ok(())
}

/// R9: completions and failures take the same path.
fn failures_do_not_cut_a_batch_short(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let mut paths = small_files(scene, 50)?;
    for n in 0..50 {
        paths.insert(n * 2, scene.path(&format!("missing{n}")));
    }
    paths.push(scene.root().to_path_buf());
    paths.push(PathBuf::new());
    paths.push(scene.path("small/00000/../x"));
    let batch = begin(driver.as_ref(), paths, order(Mode::Auto, 7))?;
    let items = batch.wait();
    assert_eq!(items.len(), 103);
    assert_eq!(items.iter().filter(|item| item.result.is_ok()).count(), 50);
    let progress = batch.progress();
    assert_eq!((progress.files_done, progress.failed), (103, 53));
    let refused = items.iter().filter_map(|item| item.result.as_ref().err());
    assert!(refused.filter(|failure| failure.errno() == Some(2)).count() >= 50);
    Ok(())
}

/// G7: files and bytes, done and known, at any moment.
fn a_batch_tells_how_far_it_is(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let len = 4 * CHUNK;
    let (path, _) = scene.file("file", len as usize)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Load, 2);
    let batch = begin(driver.as_ref(), vec![path], order(Mode::Load, 4))?;
    let waiting = Arc::clone(&batch);
    let waited = start(move || waiting.wait());
    gate.wait_arrived(3)?;
    let progress = batch.progress();
    assert_eq!((progress.files_taken, progress.files_done), (1, 0));
    assert_eq!(
        (progress.bytes_done, progress.bytes_known),
        (2 * CHUNK, len)
    );
    assert!(progress.remaining().is_some() && progress.rate > 0.0);
    gate.open();
    let items = waited.join()?;
    assert_eq!(items.len(), 1);
    let progress = batch.progress();
    assert!(progress.list_ended);
    assert_eq!(
        (progress.files_done, progress.bytes_done, progress.failed),
        (1, len, 0)
    );
    assert_eq!(
        progress.elapsed,
        batch.progress().elapsed,
        "the clock stands at the end"
    );
    Ok(())
}

/// G8: what was done stays, what was not is cancelled, what was not taken is not tried.
fn a_cancelled_batch_keeps_what_is_done(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 100)?;
    // From the eleventh on all are held: however late the cancel comes, there is something to cancel.
    let gate = Gate::holding_from(driver.hub(), ActionKind::Fetch, 10);
    let batch = begin(driver.as_ref(), paths, order(Mode::Auto, 4))?;
    let waiting = Arc::clone(&batch);
    let waited = start(move || waiting.wait());
    gate.wait_arrived(11)?;
    batch.cancel();
    gate.open();
    let items = waited.join()?;
    let (done, ended): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.result.is_ok());
    assert!(done.len() >= 10 - 4 && done.len() <= 10 + 4 && !ended.is_empty());
    for item in done {
        holds_its_number(item, 100)?;
    }
    for item in ended {
        let cause = item.result.as_ref().err().map(|failure| failure.cause);
        assert_eq!(cause, Some(Cause::Fault(Fault::Cancelled)));
    }
    assert!(batch.progress().list_ended);
    batch.cancel();
    Ok(())
}

/// G8: dropped in the middle.
fn a_dropped_batch_leaves_nothing_behind(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 200)?;
    let gate = Gate::holding(driver.hub(), ActionKind::Fetch, 5);
    let batch = begin(driver.as_ref(), paths, order(Mode::Auto, 16))?;
    let attending = Arc::clone(&driver);
    let attendant = start(move || attending.attend());
    gate.wait_arrived(6)?;
    drop(batch);
    gate.open();
    attendant.join()?;
    wait_for("everything to be given back", || {
        driver.attend();
        driver.charged() == 0 && driver.stats().pending == 0
    })?;
    Ok(())
}

/// R10: those that are not done are given up.
fn a_batch_has_a_deadline(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 20)?;
    let moment = std::time::Instant::now() + Duration::from_millis(60);
    let gate = Gate::closed(driver.hub(), ActionKind::Fetch);
    let order = Order {
        deadline: Deadline::At(moment),
        ..order(Mode::Auto, 3)
    };
    let batch = begin(driver.as_ref(), paths, order)?;
    let waited = start(move || batch.wait());
    crate::conformance::watch::until(moment);
    driver.hub().tick();
    gate.open();
    let items = waited.join()?;
    assert_eq!(items.len(), 20, "each path has its result");
    for item in items {
        let cause = item.result.err().map(|failure| failure.cause);
        assert_eq!(cause, Some(Cause::Fault(Fault::Deadline)));
    }
    Ok(())
}

/// R12: no more are under way than asked.
fn a_batch_keeps_to_its_concurrency(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 300)?;
    for concurrency in [1, 3] {
        let pending = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (most, hub) = (Arc::clone(&pending), Arc::downgrade(driver.hub()));
        let _gate = Gate::judging(driver.hub(), ActionKind::Fetch, move |_| {
            if let Some(hub) = hub.upgrade() {
                let now = hub.stats().pending;
                most.fetch_max(now, std::sync::atomic::Ordering::SeqCst);
            }
            crate::conformance::gate::Verdict::Pass
        });
        let items = begin(
            driver.as_ref(),
            paths.clone(),
            order(Mode::Auto, concurrency),
        )?
        .wait();
        assert_eq!(items.len(), 300);
        let most = pending.load(std::sync::atomic::Ordering::SeqCst);
        assert!(
            (1..=u64::from(concurrency)).contains(&most),
            "{most} at once"
        );
    }
    Ok(())
}

/// R12: refused for fullness, it waits for room, and loses no path.
fn a_batch_goes_on_under_the_tightest_limits(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits {
        operations: 1,
        operations_per_file: 1,
        descriptors: 1,
        ..Scene::limits()
    });
    let mut paths = small_files(scene, 200)?;
    for n in 0..5 {
        paths.push(scene.file(&format!("long{n}"), 3 * CHUNK as usize)?.0);
    }
    for mode in [Mode::Auto, Mode::Map, Mode::None] {
        let items = begin(driver.as_ref(), paths.clone(), order(mode, 64))?.wait();
        assert_eq!(items.len(), 205, "{mode:?}");
        for item in items {
            item.result.map_err(|failure| failure.into_io())?;
        }
    }
    Ok(())
}

/// G9: one file, one flight, many handles.
fn the_same_file_many_times_in_a_batch(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", 3 * CHUNK as usize)?;
    let loads = Gate::counting(driver.hub(), ActionKind::Load);
    let items = begin(driver.as_ref(), vec![path; 50], order(Mode::Load, 50))?.wait();
    assert_eq!(items.len(), 50);
    assert_eq!(loads.arrived(), 3, "it is loaded once");
    assert_eq!(driver.charged(), 3 * CHUNK);
    for item in &items {
        let staged = item
            .result
            .as_ref()
            .map_err(|failure| failure.clone().into_io())?;
        assert_eq!(staged.standing, Standing::Staged(How::Loaded));
        assert!(
            staged
                .handle
                .bytes_staged(0, bytes.len())
                .is_some_and(|read| read == bytes)
        );
    }
    Ok(())
}

/// What the caller's own iterator does is shielded.
fn a_list_that_panics_ends_there(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let paths = small_files(scene, 10)?;
    let list = paths.into_iter().enumerate().map(|(n, path)| {
        if n == 7 {
            std::panic::resume_unwind(Box::new("the list was told to panic"));
        }
        path
    });
    let batch = driver.batch(Box::new(list), order(Mode::Auto, 4))?;
    let items = batch.wait();
    assert_eq!(items.len(), 7);
    assert!(batch.progress().list_ended);
    Ok(())
}

/// Nothing to do is done at once.
fn an_empty_list_is_done(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let batch = begin(driver.as_ref(), Vec::new(), order(Mode::Auto, 4))?;
    assert!(batch.wait().is_empty());
    assert_eq!(batch.progress().files_done, 0);
    Ok(())
}

/// G1, G9: eight threads on the same twenty files, opening, reading, unstaging, closing.
fn many_threads_open_read_and_close(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let mut files = Vec::new();
    for n in 0..20 {
        files.push(scene.file(&n.to_string(), n * n * 700)?);
    }
    let modes = driver.modes();
    let wrong = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_usize)
            .map(|n| {
                let (driver, files) = (&driver, &files);
                scope.spawn(move || -> io::Result<usize> {
                    let mut wrong = 0;
                    for round in 0..60 {
                        let (path, bytes) = &files[(n * 7 + round * 3) % files.len()];
                        let file =
                            driver.open(path, Opening::by(modes[(n + round) % modes.len()]))?;
                        wrong += usize::from(file.read(0, bytes.len() + 1)? != *bytes);
                        if round % 3 == n % 3 {
                            file.unstage()?;
                            wrong += usize::from(file.read(0, bytes.len() + 1)? != *bytes);
                        }
                        match file.stage(Mode::Auto) {
                            Ok(_) => {}
                            // Another unstaged it meanwhile.
                            Err(error) if fault_of(&error) == Some(Fault::Cancelled) => {}
                            Err(error) => return Err(error),
                        }
                        wrong += usize::from(*file.bytes_at(0, bytes.len() + 1)? != **bytes);
                    }
                    Ok(wrong)
                })
            })
            .collect();
        let mut wrong = 0;
        for thread in threads {
            wrong += thread
                .join()
                .map_err(|_| io::Error::other("a thread panicked"))??;
        }
        io::Result::Ok(wrong)
    })?;
    assert_eq!(wrong, 0);
    Ok(())
}
