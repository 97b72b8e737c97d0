//! Who carries work out: how many workers come, when they leave, and who does what is not worth one.

use driver_kit::client::{Client, File, Stager};
use driver_kit::core::{Limits, Mode};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::{Hub, Setup};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use tests::conformance::{Gate, start, wait_for};

type Proof = Result<(), Box<dyn std::error::Error>>;

/// A stager on threads, each of which is counted when it starts.
struct Counted {
    stager: Stager,
    started: Arc<AtomicU32>,
}

impl Counted {
    fn with(workers: u32, limits: Limits) -> Counted {
        let started = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&started);
        let start = move |hub: &Arc<Hub>| {
            count.fetch_add(1, Ordering::SeqCst);
            let hub = Arc::clone(hub);
            thread::spawn(move || hub.work());
        };
        let setup = Setup {
            limits,
            means: driver_kit::contents::Means::default(),
            workers,
            start: Box::new(start),
        };
        // No deadline is set here.
        let no_alarm = Arc::new(|_| Box::pin(std::future::pending()) as _);
        Counted {
            stager: Stager::new(Client::new(setup, no_alarm)),
            started,
        }
    }

    fn open(&self, path: &Path, mode: Mode) -> std::io::Result<File> {
        let options = self.stager.options_for(|file| file).mode(mode);
        smol::block_on(options.open(path))
    }

    fn started(&self) -> u32 {
        self.started.load(Ordering::SeqCst)
    }

    fn wait_until_idle(&self) -> std::io::Result<()> {
        wait_for("the workers to leave", || self.stager.hub().working() == 0)
    }
}

fn files_in(dir: &Path, files: usize, len: usize) -> std::io::Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = (0..files).map(|n| dir.join(n.to_string())).collect();
    for path in &paths {
        std::fs::write(path, vec![7; len])?;
    }
    Ok(paths)
}

/// No worker before there is work, no more than may be however much there is, and none after it.
#[test]
fn workers_come_with_the_work_and_leave_with_it() -> Proof {
    let dir = tempfile::tempdir()?;
    let paths = files_in(dir.path(), 9, 5_000)?;
    let counted = Counted::with(3, Limits::default());
    let hub = Arc::clone(counted.stager.hub());
    assert_eq!((counted.started(), hub.working()), (0, 0));
    let open = |path: &PathBuf| counted.open(path, Mode::None);
    let files: Vec<File> = paths.iter().map(open).collect::<Result<_, _>>()?;
    let gate = Gate::closed(&hub, ActionKind::Read);
    let read = |file: File| start(move || smol::block_on(file.read_at(0, 9_000)));
    let reads: Vec<_> = files.into_iter().map(read).collect();
    gate.wait_arrived(3)?;
    assert_eq!((hub.working(), gate.most_at_once()), (3, 3));
    gate.open();
    for read in reads {
        assert_eq!(read.join()??.len(), 5_000);
    }
    assert_eq!(gate.most_at_once(), 3, "nine reads, three workers");
    counted.wait_until_idle()?;
    let before = counted.started();
    drop(gate);
    counted.open(&paths[0], Mode::Load)?;
    assert!(counted.started() > before, "one comes again");
    counted.wait_until_idle()?;
    Ok(())
}

/// The steps of one staging are taken by one worker, without a hand-over.
#[test]
fn a_chain_stays_on_its_thread() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = &files_in(dir.path(), 1, 64 << 10)?[0];
    let limits = Limits {
        chunk: 4 << 10,
        ..Limits::default()
    };
    let counted = Counted::with(2, limits);
    let file = counted.open(path, Mode::None)?;
    counted.wait_until_idle()?;
    let before = counted.started();
    let threads: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let seen = Arc::clone(&threads);
    let handler = Arc::new(move |job, next: &dyn Fn(_) -> _| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(thread::current().id());
        next(job)
    });
    counted.stager.handlers().set(ActionKind::Load, handler);
    smol::block_on(file.stage(Mode::Load))?;
    let threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(threads.len(), 16, "a chunk each");
    assert!(threads.iter().all(|thread| *thread == threads[0]));
    assert_eq!(counted.started(), before + 1);
    Ok(())
}

/// A lone read of what the kernel has in memory needs nobody but who asks.
#[test]
fn a_lone_cached_read_starts_no_worker() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = &files_in(dir.path(), 1, 5_000)?[0];
    std::fs::File::open(path)?.read_exact_at(&mut [0; 5_000], 0)?;
    if !reads_without_waiting(path)? {
        return Ok(());
    }
    let counted = Counted::with(2, Limits::default());
    let file = counted.open(path, Mode::None)?;
    counted.wait_until_idle()?;
    let before = counted.started();
    let mut buffer = [0; 4_096];
    for _ in 0..100 {
        assert_eq!(smol::block_on(file.read_into(&mut buffer, 0))?, 4_096);
    }
    assert_eq!(buffer, [7; 4_096]);
    assert_eq!(counted.started(), before);
    Ok(())
}

/// Whether this file system can say what it has in memory.
fn reads_without_waiting(path: &Path) -> std::io::Result<bool> {
    use rustix::io::{Errno, ReadWriteFlags};
    let file = std::fs::File::open(path)?;
    let mut buffer = [0; 5_000];
    let parts = &mut [std::io::IoSliceMut::new(&mut buffer)];
    match rustix::io::preadv2(&file, parts, 0, ReadWriteFlags::NOWAIT) {
        Ok(read) => Ok(read == 5_000),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::AGAIN) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
