//! Runs that were recorded in a file: whole, in order, and played against the core alone they give
//! the same.

use driver_blocking::{Grace, Limits, Mode};
use driver_kit::Deadline;
use driver_kit::core::{Action, Entry, Event, Instead, Machine, Reply, replay};
use driver_kit::hub::Hub;
use driver_kit::journal::{Reader, Transcript, Unrecordable, header, line};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;
use tests::core::script;

type Proof<T = ()> = Result<T, Box<dyn Error>>;

/// Small grains, so that a few files are many actions.
fn limits() -> Limits {
    Limits {
        fetch: 4096,
        chunk: 8192,
        operations: 8,
        ..Limits::default()
    }
}

struct Folder {
    folder: TempDir,
}

impl Folder {
    /// Some files, one of which is not there.
    fn new() -> Proof<Folder> {
        let folder = TempDir::new()?;
        for (name, len) in [("empty", 0), ("small", 100), ("large", 100_000)] {
            fs::write(folder.path().join(name), vec![7; len])?;
        }
        Ok(Folder { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn all(&self) -> Vec<PathBuf> {
        let names = ["empty", "small", "large", "missing", "small", "."];
        names.iter().map(|name| self.path(name)).collect()
    }

    fn journal(&self) -> PathBuf {
        self.path("run.journal")
    }

    /// Both journals of a run, the one in memory and the one in the file, begin.
    fn record(&self, hub: &Arc<Hub>) -> Proof {
        hub.record();
        Ok(hub.record_to(&self.journal())?)
    }

    /// The journal in the file is the one in memory, and replays; nothing else is said in it.
    fn judge(&self, hub: &Arc<Hub>) -> Proof<Vec<Entry>> {
        let recording = hub.recording().ok_or("nothing was recorded")?;
        assert!(recording.stopped.is_none(), "{recording}");
        let kept = hub.journal().ok_or("nothing was kept")?;
        let (limits, entries) = read(&self.journal())?;
        assert_eq!(entries, kept.entries());
        assert_eq!(recording.written, entries.len() as u64);
        assert!(entries.len() > 50, "{} entries", entries.len());
        let mut machine = Machine::new(limits);
        replay(&mut machine, entries.iter().copied())?;
        assert!(machine == kept.replay()?, "two machines");
        is_a_script(&limits, &entries)?;
        Ok(entries)
    }
}

fn read(path: &Path) -> Proof<(Limits, Vec<Entry>)> {
    let text = fs::read(path)?;
    let mut reader = Reader::new(&text[..])?;
    let entries = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
    assert!(!reader.is_torn());
    Ok((*reader.limits(), entries))
}

/// The transcript of a journal can be played as a script, which gives it again.
fn is_a_script(limits: &Limits, entries: &[Entry]) -> Proof {
    let mut transcript = Transcript::new();
    let mut text = transcript.beginning(limits);
    text.extend(entries.iter().map(|entry| transcript.entry(entry)));
    let played = script::play(&text)?;
    assert!(played == text, "played, it is\n{played}\nand was\n{text}");
    Ok(())
}

/// With callers alone, and with a pool beside them.
#[test]
fn a_run_on_blocking_std_is_recorded_whole() -> Proof {
    for pool in [0, 2] {
        let folder = Folder::new()?;
        let stager = driver_blocking::Stager::builder()
            .limits(limits())
            .pool(pool)
            .build();
        folder.record(stager.hub())?;
        let items = stager.stage(folder.all()).start()?.wait();
        assert_eq!(items.len(), 6);
        thread::scope(|scope| {
            for name in ["small", "large"] {
                let (stager, path) = (&stager, folder.path(name));
                scope.spawn(move || -> io::Result<()> {
                    let file = stager.options().mode(Mode::Map).open(path)?;
                    let mut buffer = [0; 1000];
                    for offset in 0..50 {
                        file.read_at(&mut buffer, offset * 1000)?;
                    }
                    file.unstage()?;
                    file.read_at(&mut buffer, 0).map(drop)
                });
            }
        });
        let file = stager
            .options()
            .write(true)
            .create(true)
            .open(folder.path("written"))?;
        file.write_at(b"some bytes", 5)?;
        file.set_len(3)?;
        stager.sync_all(Deadline::within(std::time::Duration::from_secs(60)))?;
        drop((file, items));
        assert!(stager.shutdown(Grace::default()).is_clean());
        folder.judge(stager.hub())?;
    }
    Ok(())
}

#[test]
fn a_run_on_tokio_is_recorded_whole() -> Proof {
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let hub = runtime.block_on(async {
        let stager = driver_tokio::Stager::builder().limits(limits()).build()?;
        folder.record(stager.hub())?;
        let items = stager.stage(folder.all()).start()?.wait().await;
        assert_eq!(items.len(), 6);
        let file = stager.open(folder.path("large")).await?;
        let _ = file.read_at(50_000, 1000).await?;
        drop((file, items));
        assert!(stager.shutdown(Grace::default()).await.is_clean());
        Ok::<_, Box<dyn Error>>(Arc::clone(stager.hub()))
    })?;
    folder.judge(&hub)?;
    Ok(())
}

#[test]
fn a_run_on_smol_is_recorded_whole() -> Proof {
    let folder = Folder::new()?;
    let hub = smol::block_on(async {
        let stager = driver_smol::Stager::builder().limits(limits()).build();
        folder.record(stager.hub())?;
        let items = stager.stage(folder.all()).start()?.wait().await;
        assert_eq!(items.len(), 6);
        drop(items);
        assert!(stager.shutdown(Grace::default()).await.is_clean());
        Ok::<_, Box<dyn Error>>(Arc::clone(stager.hub()))
    })?;
    folder.judge(&hub)?;
    Ok(())
}

/// Whatever answer is another in the file, the machine parts from it there.
#[test]
fn a_changed_answer_is_found_where_it_is() -> Proof {
    let folder = Folder::new()?;
    let stager = driver_blocking::Stager::builder().limits(limits()).build();
    folder.record(stager.hub())?;
    drop(stager.stage(folder.all()).start()?.wait());
    let _ = stager.shutdown(Grace::default());
    let entries = folder.judge(stager.hub())?;
    let mut found = 0;
    for at in 0..entries.len() {
        let mut changed = entries.clone();
        match &mut changed[at] {
            Entry::Said { reply, .. } if *reply != Reply::Surplus => *reply = Reply::Surplus,
            Entry::Said { .. } => continue,
            Entry::Polled(action) => {
                // One of the other kind is asked for by itself, and may well come earlier.
                let other = entries.iter().find_map(|entry| match entry {
                    Entry::Polled(other) if *other != *action && alike(other, action) => {
                        Some(*other)
                    }
                    Entry::Polled(_) | Entry::Said { .. } => None,
                });
                *action = other.ok_or("there is no other action")?;
            }
        }
        let parted = replay(&mut Machine::new(limits()), changed.iter().copied());
        let parted = parted.err().ok_or("nobody noticed")?;
        assert_eq!(parted.at, at, "{:?}", changed[at]);
        match (entries[at], parted.instead) {
            (Entry::Said { reply, .. }, Instead::Reply(instead)) => assert_eq!(reply, instead),
            (Entry::Polled(_), Instead::Action(_)) => {}
            (entry, instead) => return Err(format!("{entry:?}, {instead:?}").into()),
        }
        found += 1;
    }
    assert!(found > 50, "{found} of {}", entries.len());
    Ok(())
}

fn alike(one: &Action, other: &Action) -> bool {
    matches!(one, Action::Tell(_)) == matches!(other, Action::Tell(_))
}

/// A file holds no state, so it begins with the stager, and there is one.
#[test]
fn a_recording_in_mid_life_is_refused() -> Proof {
    let folder = Folder::new()?;
    let stager = driver_blocking::Stager::new();
    stager.hub().tick();
    let refused = |why, stager: &driver_blocking::Stager, path: &Path| {
        let error = stager.record_to(path).err().ok_or("it was not refused")?;
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let found = error.get_ref().and_then(|why| why.downcast_ref());
        assert_eq!(found, Some(&why), "{error}");
        assert!(!path.exists(), "it made a file");
        Proof::Ok(())
    };
    refused(Unrecordable::Begun, &stager, &folder.journal())?;
    assert!(stager.recording().is_none());
    let stager = driver_blocking::Stager::new();
    stager.record_to(folder.journal())?;
    refused(Unrecordable::Recorded, &stager, &folder.path("other"))
}

/// What is there is not overwritten, and what cannot be made is said at once.
#[test]
fn a_recording_needs_a_new_file() -> Proof {
    let folder = Folder::new()?;
    let stager = driver_blocking::Stager::new();
    for (path, errno) in [("large", 17), ("no/such/folder", 2), (".", 17)] {
        let error = stager.record_to(folder.path(path)).err().ok_or("made")?;
        assert_eq!(driver_blocking::errno(&error), Some(errno), "{error}");
        assert!(
            error.to_string().contains("large") || path != "large",
            "{error}"
        );
    }
    assert_eq!(fs::read(folder.path("large"))?.len(), 100_000);
    assert!(stager.recording().is_none());
    stager.record_to(folder.journal())?;
    Ok(())
}

/// Nothing is kept back: what was said is in the file also while the run goes on.
#[test]
fn a_recording_can_be_read_while_it_grows() -> Proof {
    let folder = Folder::new()?;
    let stager = driver_blocking::Stager::builder().limits(limits()).build();
    stager.record_to(folder.journal())?;
    let file = stager.open(folder.path("large"))?;
    let opened = stager.recording().ok_or("nothing is recorded")?;
    let all = opened.written + opened.waiting;
    while stager.recording().is_some_and(|now| now.written < all) {
        thread::yield_now();
    }
    let (limits, entries) = read(&folder.journal())?;
    assert_eq!(entries.len() as u64, all);
    replay(&mut Machine::new(limits), entries.iter().copied())?;
    let events = |entry: &&Entry| {
        matches!(
            entry,
            Entry::Said {
                event: Event::Completed { .. },
                ..
            }
        )
    };
    assert!(entries.iter().filter(events).count() > 10);
    drop(file);
    Ok(())
}

/// A file is no journal of any machine that has other limits.
#[test]
fn the_limits_are_in_the_file() -> Proof {
    let folder = Folder::new()?;
    let stager = driver_blocking::Stager::builder().limits(limits()).build();
    stager.record_to(folder.journal())?;
    drop(stager.stage(folder.all()).start()?.wait());
    let _ = stager.shutdown(Grace::default());
    let (limits, entries) = read(&folder.journal())?;
    let other = Limits {
        chunk: 10_000,
        ..limits
    };
    assert!(replay(&mut Machine::new(other), entries.iter().copied()).is_err());
    let text = fs::read_to_string(folder.journal())?;
    let whole: String = entries.iter().map(|entry| line(entry) + "\n").collect();
    assert_eq!(text, header(&limits) + "\n" + &whole);
    Ok(())
}
