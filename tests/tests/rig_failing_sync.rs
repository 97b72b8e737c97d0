//! R8, A1: a sync fails once on a real file system, then everything works again. Nothing is called durable
//! that is not on the disk.
//!
//! The disk loses the first write in which the new bytes stand, and says so; or it fails one flush, behind
//! which most file systems take no more writes until they are mounted again.

use driver_blocking::{ActionKind, Deadline, Stager};
use driver_kit::core::{Completion, IoKind, ReplaceStep};
use driver_kit::error::{errno, failure};
use driver_kit::handlers::Handler;
use libtest_mimic::{Arguments, Trial};
use rustix::io::Errno;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tests::conformance::wait_for;
use tests::folder::names;
use tests::rig::protocols::content;
use tests::rig::{
    Cut, Entered, Failing, House, Kind, LoggedDisk, Mounted, Position, Room, kinds_to_be_had, say,
};

type Proof = Result<(), Box<dyn Error>>;

/// What stands in the bytes that are to be lost.
const WORD: &str = "content-00000002";

/// A disk with a file that has content 1, durably.
struct Scene {
    room: Room,
    kind: Kind,
    disk: LoggedDisk,
}

impl Scene {
    fn new(house: &House, kind: Kind) -> Result<Scene, Box<dyn Error>> {
        let room = house.room()?;
        let disk = LoggedDisk::new(&room, kind)?;
        fs::create_dir(disk.at().join("d"))?;
        fs::write(disk.at().join("d/file"), content(1))?;
        rustix::fs::syncfs(File::open(disk.at())?)?;
        Ok(Scene { room, kind, disk })
    }

    /// Takes it away and shows the file as it is after losses of power at these positions.
    fn after(self, cuts: &[Position]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
        let Scene { room, kind, disk } = self;
        let (beginning, log) = disk.end()?;
        let mut contents = Vec::new();
        for cut in cuts {
            let image = room.path("cut");
            beginning.with(&Cut::unlucky(*cut).kept(kind, &log), &image)?;
            let mounted = Mounted::new(kind, &image, &room.path("after"))?;
            contents.push(fs::read(mounted.at().join("d/file"))?);
            replaced_again(mounted.at())?;
            mounted.unmount()?;
        }
        Ok(contents)
    }
}

/// Afterwards everything works.
fn replaced_again(at: &Path) -> Proof {
    let path = at.join("d/file");
    Stager::new().replace(&path, content(9)).commit()?;
    assert!(fs::read(path)? == content(9));
    Ok(())
}

/// Every sector has the bytes of one of these contents; a write in place may be there in part.
fn is_made_of(bytes: &[u8], numbers: &[u64]) -> bool {
    let contents: Vec<Vec<u8>> = numbers.iter().map(|number| content(*number)).collect();
    bytes.chunks(512).enumerate().all(|(at, part)| {
        let from = at * 512;
        let mut wholes = contents.iter();
        let is_of_one = wholes.any(|whole| whole.get(from..from + part.len()) == Some(part));
        is_of_one || part.iter().all(|byte| *byte == 0) || part.len() < 512
    })
}

/// R8: a lost write fails the sync; the file takes no more writes and no later sync vouches for it, until it
/// is opened again, written again and synced.
fn a_lost_write_is_never_called_durable(house: &House, kind: Kind) -> Proof {
    let mut scene = Scene::new(house, kind)?;
    let path = scene.disk.at().join("d/file");
    let stager = Stager::new();
    let file = stager.options().write(true).open(&path)?;
    file.write_at(&content(2), 0)?;
    scene.disk.fail(Failing::Write(WORD))?;
    let Err(error) = file.sync(Deadline::Never) else {
        return Err("the disk lost it, and the sync said it is there".into());
    };
    assert_eq!(errno(&error), Some(Errno::IO.raw_os_error()), "{error}");
    assert!(error.to_string().contains("d/file"), "{error}");
    assert!(file.write_at(&content(2), 0).is_err(), "it takes writes");
    assert!(file.sync(Deadline::Never).is_err(), "it was lost");
    assert!(stager.sync_all(Deadline::Never).is_err(), "it was lost");
    assert!(fs::read(&path)? != content(2), "what was lost is shown");
    let lost = scene.disk.position()?;
    drop(file);
    let file = stager.options().write(true).open(&path)?;
    file.write_at(&content(3), 0)?;
    file.sync(Deadline::Never)?;
    let told = scene.disk.position()?;
    drop((file, stager));
    let after = scene.after(&[lost, told])?;
    assert!(is_made_of(&after[0], &[1, 2]), "other bytes");
    assert!(after[0] != content(2), "it was not lost");
    assert_eq!(
        differs(&after[1], &content(3)),
        None,
        "what was synced is lost"
    );
    Ok(())
}

/// Where contents part, what is there, and how long both are.
fn differs(found: &[u8], wanted: &[u8]) -> Option<String> {
    let equal = found
        .iter()
        .zip(wanted)
        .take_while(|(one, other)| one == other);
    let at = equal.count();
    let part = String::from_utf8_lossy(found.get(at..found.len().min(at + 80)).unwrap_or_default());
    let lens = (found.len(), wanted.len());
    (found != wanted).then(|| format!("at byte {at}, of {lens:?}: {part:?}"))
}

/// R8: the trap itself, by bare system calls: behind a sync that failed the next one answers well, and the
/// bytes are neither lost from the cache nor on the disk.
fn a_bare_second_sync_lies(house: &House, kind: Kind) -> Proof {
    let mut scene = Scene::new(house, kind)?;
    let path = scene.disk.at().join("d/file");
    let mut file = File::options().read(true).write(true).open(path)?;
    file.write_all_at(&content(2), 0)?;
    scene.disk.fail(Failing::Write(WORD))?;
    assert!(file.sync_all().is_err(), "nothing was lost");
    let second = file.sync_all();
    let told = scene.disk.position()?;
    let mut shown = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut shown)?;
    drop(file);
    let after = scene.after(&[told])?;
    assert!(second.is_ok() && after[0] != content(2), "{second:?}");
    let shown = if shown == content(2) {
        "shows"
    } else {
        "has not"
    };
    say(&format!(
        "rig: {}: a second sync answers well, the cache {shown} the bytes, the disk has not",
        kind.name()
    ));
    Ok(())
}

/// R8: a failed flush fails the sync, too.
fn a_failed_flush_fails_the_sync(house: &House, kind: Kind) -> Proof {
    let mut scene = Scene::new(house, kind)?;
    let path = scene.disk.at().join("d/file");
    let stager = Stager::new();
    let file = stager.options().write(true).open(&path)?;
    file.write_at(&content(2), 0)?;
    scene.disk.fail(Failing::Flush)?;
    assert!(file.sync(Deadline::Never).is_err(), "it is not flushed");
    assert!(file.sync(Deadline::Never).is_err(), "it may be lost");
    let lost = scene.disk.position()?;
    drop((file, stager));
    let after = scene.after(&[lost])?;
    assert!(is_made_of(&after[0], &[1, 2]), "other bytes");
    Ok(())
}

const SYNC_FILE: ReplaceStep = ReplaceStep::SyncFile { files: 1 };

/// Replaces with content 2 while the disk fails behind the beginning of a step, so many times.
fn replace_failing(
    scene: Scene,
    step: ReplaceStep,
    failing: Failing,
    times: usize,
) -> (Scene, Stager, io::Result<()>) {
    let Scene { room, kind, disk } = scene;
    let path = disk.at().join("d/file");
    let disk = Arc::new(Mutex::new(Some(disk)));
    let stager = Stager::new();
    let armed = Arc::clone(&disk);
    let begun = AtomicUsize::new(0);
    let handler: Handler = Arc::new(move |job, next| {
        if matches!(job.kind(), IoKind::Replace { step: is, .. } if is == step)
            && begun.fetch_add(1, Ordering::Relaxed) < times
        {
            let mut disk = armed.lock().unwrap_or_else(PoisonError::into_inner);
            let armed = disk.as_mut().map(|disk| disk.fail(failing));
            assert_eq!(armed, Some(Ok(())), "the disk is gone");
        }
        next(job)
    });
    stager.handlers().set(ActionKind::Replace, handler);
    let said = stager.replace(&path, content(2)).commit();
    stager.handlers().restore(ActionKind::Replace);
    let disk = disk.lock().unwrap_or_else(PoisonError::into_inner).take();
    #[expect(
        clippy::expect_used,
        reason = "it was put there above, and nobody else takes it"
    )]
    let disk = disk.expect("the disk");
    (Scene { room, kind, disk }, stager, said)
}

/// A1, A2: the content that was lost is not committed; the old one stands, nothing is left, and the next
/// replace is durable.
fn a_replace_that_loses_its_content_is_not_committed(house: &House, kind: Kind) -> Proof {
    let scene = Scene::new(house, kind)?;
    let lost = Failing::Write(WORD);
    let (scene, stager, said) = replace_failing(scene, SYNC_FILE, lost, 2);
    let Err(error) = said else {
        return Err("the disk lost it, and it was committed".into());
    };
    assert_eq!(errno(&error), Some(Errno::IO.raw_os_error()), "{error}");
    assert!(
        failure(&error).is_some_and(|failure| !failure.is_indeterminate()),
        "{error}"
    );
    let folder = scene.disk.at().join("d");
    assert!(fs::read(folder.join("file"))? == content(1));
    assert_eq!(names(&folder)?, ["file"], "something is left");
    let lost = scene.disk.position()?;
    stager.replace(folder.join("file"), content(3)).commit()?;
    let told = scene.disk.position()?;
    drop(stager);
    let after = scene.after(&[lost, told])?;
    assert!(after[0] == content(1), "the old content is gone");
    assert!(after[1] == content(3), "what was committed is lost");
    Ok(())
}

/// A1: what the disk lost once is written again, into a new file; committed, it is on the disk.
fn what_is_lost_once_is_written_again(house: &House, kind: Kind) -> Proof {
    let scene = Scene::new(house, kind)?;
    let lost = Failing::Write(WORD);
    let (scene, stager, said) = replace_failing(scene, SYNC_FILE, lost, 1);
    said?;
    let told = scene.disk.position()?;
    let folder = scene.disk.at().join("d");
    assert!(fs::read(folder.join("file"))? == content(2));
    assert_eq!(names(&folder)?, ["file"], "something is left");
    assert_eq!(stager.stats().rewritten, 1, "nothing was lost");
    drop(stager);
    let after = scene.after(&[told])?;
    assert!(after[0] == content(2), "what was committed is lost");
    Ok(())
}

/// How many are replaced at once.
const MANY: usize = 12;

/// A1, A4: contents are made durable by one call for all of them; what one of them loses is lost to nobody: they
/// are written again, each into a new file.
fn what_many_lose_together_is_written_again(house: &House, kind: Kind) -> Proof {
    lost_among_many(house, kind, Lost::WhenSynced)
}

/// The same where it was lost before most of them were opened, and a stranger was told: the call has to be made by
/// who was opened first, or nobody hears of it.
fn what_one_of_many_lost_before_is_written_again(house: &House, kind: Kind) -> Proof {
    lost_among_many(house, kind, Lost::WhenCreated)
}

/// When the content of one is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    WhenCreated,
    WhenSynced,
}

fn lost_among_many(house: &House, kind: Kind, lost: Lost) -> Proof {
    let Scene { room, kind, disk } = Scene::new(house, kind)?;
    let folder = disk.at().join("d");
    let disk = Arc::new(Mutex::new(disk));
    let stager = Stager::builder().pool(2).build();
    let [created, syncs] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let (armed, seen) = (Arc::clone(&disk), Arc::clone(&syncs));
    let lose = move || {
        let mut disk = armed.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(disk.fail(Failing::Write(WORD)), Ok(()));
    };
    let (made, stranger) = (Arc::clone(&created), File::open(&folder)?);
    let handler: Handler = Arc::new(move |job, next| match job.kind() {
        IoKind::Replace {
            step: ReplaceStep::Create { .. },
            ..
        } => {
            let finished = next(job);
            match (lost, made.load(Ordering::SeqCst)) {
                // The first is not lost with it.
                (Lost::WhenCreated, 0) => assert_eq!(rustix::fs::syncfs(&stranger), Ok(())),
                (Lost::WhenCreated, 1) => {
                    lose();
                    assert!(rustix::fs::syncfs(&stranger).is_err(), "nothing is lost");
                }
                (Lost::WhenCreated | Lost::WhenSynced, _) => {}
            }
            made.fetch_add(1, Ordering::SeqCst);
            // However much is dirty on this machine.
            let volume = Some(7);
            finished.say(Completion::Created { volume })
        }
        IoKind::Replace {
            step: ReplaceStep::SyncFile { files },
            ..
        } => {
            match seen.fetch_add(1, Ordering::SeqCst) {
                // The first waits for all; they share the next.
                0 => {
                    let all = || made.load(Ordering::SeqCst) >= MANY;
                    assert!(wait_for("all to be created", all).is_ok());
                }
                1 => {
                    assert_eq!(files as usize, MANY - 1);
                    if lost == Lost::WhenSynced {
                        lose();
                    }
                }
                _ => {}
            }
            next(job)
        }
        _ => next(job),
    });
    stager.handlers().set(ActionKind::Replace, handler);
    let replace = |number: usize| {
        let (name, content) = match number {
            1 => ("file".to_owned(), content(2)),
            _ => (format!("other-{number}"), content(10 + number as u64)),
        };
        stager.replace(folder.join(name), content).commit()
    };
    let ended: Vec<io::Result<()>> = thread::scope(|scope| {
        let wait = |so_many: usize| {
            let there =
                || syncs.load(Ordering::SeqCst) > 0 && so_many <= created.load(Ordering::SeqCst);
            assert!(wait_for("those before", there).is_ok());
        };
        let first = scope.spawn(|| replace(0));
        wait(1);
        let second = scope.spawn(|| replace(1));
        wait(2);
        let others: Vec<_> = (2..MANY)
            .map(|number| scope.spawn(move || replace(number)))
            .collect();
        let all = [first, second].into_iter().chain(others);
        let lost = || Err(io::Error::other("it panicked"));
        all.map(|one| one.join().unwrap_or_else(|_| lost()))
            .collect()
    });
    stager.handlers().restore(ActionKind::Replace);
    for ended in ended {
        ended?;
    }
    assert_eq!(stager.stats().rewritten, MANY as u64 - 1);
    assert_eq!(names(&folder)?.len(), MANY, "something is left");
    drop(stager);
    let disk = Arc::into_inner(disk).ok_or("the handler has it")?;
    let disk = disk.into_inner().unwrap_or_else(PoisonError::into_inner);
    let told = disk.position()?;
    let after = Scene { room, kind, disk }.after(&[told])?;
    assert!(after[0] == content(2), "what was committed is lost");
    Ok(())
}

/// A1: a flush that fails under the sync of the file is *not committed*; under that of the directory it is
/// *indeterminate*.
fn a_replace_whose_flush_fails_says_what_happened(house: &House, kind: Kind) -> Proof {
    for (step, times, indeterminate) in
        [(SYNC_FILE, 2, false), (ReplaceStep::SyncDirectory, 1, true)]
    {
        let scene = Scene::new(house, kind)?;
        let (scene, stager, said) = replace_failing(scene, step, Failing::Flush, times);
        let Err(error) = said else {
            return Err(format!("{step:?}: it is not flushed, and was committed").into());
        };
        let failure = failure(&error).ok_or("an error of nothing")?;
        assert_eq!(
            failure.is_indeterminate(),
            indeterminate,
            "{step:?}: {error}"
        );
        let lost = scene.disk.position()?;
        drop(stager);
        let after = scene.after(&[lost])?;
        let is_new = after[0] == content(2);
        let is_whole = is_new || after[0] == content(1);
        assert!(is_whole, "{step:?}: it is torn");
        assert!(indeterminate || !is_new, "{step:?}: it was committed");
    }
    Ok(())
}

/// The rig itself: a driver that keeps the failure to itself is found out.
fn a_swallowed_failure_is_found_out(house: &House, kind: Kind) -> Proof {
    let mut scene = Scene::new(house, kind)?;
    let stager = Stager::new();
    let handler: Handler = Arc::new(|job, next| next(job).say(Completion::Synced));
    stager.handlers().set(ActionKind::Sync, handler);
    let path = scene.disk.at().join("d/file");
    let file = stager.options().write(true).open(path)?;
    file.write_at(&content(2), 0)?;
    scene.disk.fail(Failing::Write(WORD))?;
    file.sync(Deadline::Never)?;
    let told = scene.disk.position()?;
    drop((file, stager));
    assert!(scene.after(&[told])?[0] != content(2), "the rig is blind");
    Ok(())
}

/// What is seen on each file system.
type Case = fn(&House, Kind) -> Proof;

const CASES: [(&str, Case); 9] = [
    (
        "a_lost_write_is_never_called_durable",
        a_lost_write_is_never_called_durable,
    ),
    ("a_bare_second_sync_lies", a_bare_second_sync_lies),
    (
        "a_failed_flush_fails_the_sync",
        a_failed_flush_fails_the_sync,
    ),
    (
        "a_replace_that_loses_its_content_is_not_committed",
        a_replace_that_loses_its_content_is_not_committed,
    ),
    (
        "what_is_lost_once_is_written_again",
        what_is_lost_once_is_written_again,
    ),
    (
        "what_many_lose_together_is_written_again",
        what_many_lose_together_is_written_again,
    ),
    (
        "what_one_of_many_lost_before_is_written_again",
        what_one_of_many_lost_before_is_written_again,
    ),
    (
        "a_replace_whose_flush_fails_says_what_happened",
        a_replace_whose_flush_fails_says_what_happened,
    ),
    (
        "a_swallowed_failure_is_found_out",
        a_swallowed_failure_is_found_out,
    ),
];

fn main() -> ExitCode {
    let house = match House::enter(env!("CARGO_BIN_EXE_rig_disk")) {
        Entered::House(house) => Arc::new(house),
        Entered::Ended(code) => return code,
    };
    let mut trials = Vec::new();
    for kind in kinds_to_be_had(&house) {
        for (name, case) in CASES {
            let house = Arc::clone(&house);
            trials.push(Trial::test(format!("{}::{name}", kind.name()), move || {
                Ok(case(&house, kind)?)
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
