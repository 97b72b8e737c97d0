//! How soon watchers know: `cargo run --release -p tests --bin watching -- 100` has each situation
//! happen so many times, and prints how often the watcher had the last word right within the debounce
//! and 250 ms, and how long beyond the debounce it took. Ends with status 1 if it ever was not. A word
//! behind the number chooses the situations with that word in their names.
//!
//! All situations run at once, each with a stager of its own. The one where events are lost sets the
//! system's queue for a moment, which is for the superuser; elsewhere it is left out.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

use driver_blocking::{Change, ChangeKind, Deadline, Followed, Stager, Watch};
use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::conformance::until;

/// How long a path must be quiet, as it is unless told otherwise.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// How long beyond that it may take.
const PROMISE: Duration = Duration::from_millis(250);

/// When a round is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often each situation happens unless told otherwise.
const ROUNDS: u32 = 100;

const QUEUE: &str = "/proc/sys/fs/inotify/max_queued_events";

/// How long each round took from its last change; `None` where that was never known of.
type Rounds = io::Result<Vec<Option<Duration>>>;

/// What happens, and how it is played.
struct Situation {
    name: &'static str,
    play: fn(&Place, u32) -> Rounds,
}

const SITUATIONS: [Situation; 9] = [
    Situation {
        name: "save by temporary file and rename",
        play: saves_by_rename,
    },
    Situation {
        name: "save in place",
        play: saves_in_place,
    },
    Situation {
        name: "removed and created again",
        play: removed_and_created,
    },
    Situation {
        name: "link exchanged",
        play: link_exchanged,
    },
    Situation {
        name: "1,000 saves in a second",
        play: storms,
    },
    Situation {
        name: "file in new directories",
        play: new_directories,
    },
    Situation {
        name: "directory renamed",
        play: directory_renamed,
    },
    Situation {
        name: "watched directory removed and made again",
        play: root_made_again,
    },
    Situation {
        name: "200 changes, a queue of two events",
        play: overflow,
    },
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rounds = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => ROUNDS,
    };
    let word = std::env::args().nth(2).unwrap_or_default();
    let mut playing = Vec::new();
    for Situation { name, play } in SITUATIONS {
        if !name.contains(&word) {
            continue;
        }
        let place = Place::new()?;
        let played = thread::spawn(move || play(&place, rounds));
        playing.push((name, played));
    }
    println!(
        "{:<42}{:>10}{:>12}{:>12}",
        "beyond the debounce of 200 ms", "in time", "median", "worst"
    );
    let mut kept = true;
    for (name, played) in playing {
        let rounds = played.join().map_err(|_| "a situation panicked")??;
        kept &= report(name, &rounds);
    }
    Ok(ExitCode::from(u8::from(!kept)))
}

/// Prints a row, and says whether the promise was kept each time.
fn report(name: &str, rounds: &[Option<Duration>]) -> bool {
    if rounds.is_empty() {
        println!("{name:<42}{:>10}", "left out");
        return true;
    }
    let beyond = |took: &Duration| took.saturating_sub(DEBOUNCE);
    let mut known: Vec<Duration> = rounds.iter().flatten().map(beyond).collect();
    known.sort_unstable();
    let in_time = known.iter().filter(|took| **took <= PROMISE).count();
    let shown = |took: Option<&Duration>| match took {
        Some(took) => format!("{:.1} ms", took.as_secs_f64() * 1e3),
        None => "never".to_owned(),
    };
    println!(
        "{name:<42}{:>10}{:>12}{:>12}",
        format!("{in_time}/{}", rounds.len()),
        shown(known.get(known.len() / 2)),
        shown(known.last().filter(|_| known.len() == rounds.len())),
    );
    in_time == rounds.len()
}

/// A directory of its own, and a stager.
struct Place {
    _dir: TempDir,
    root: PathBuf,
    stager: Stager,
}

impl Place {
    fn new() -> io::Result<Place> {
        let dir = tempfile::Builder::new().prefix("watching-").tempdir()?;
        let root = dir.path().canonicalize()?;
        let stager = Stager::builder().pool(2).build();
        Ok(Place {
            _dir: dir,
            root,
            stager,
        })
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, bytes: &str) -> io::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        fs::write(path, bytes)
    }

    fn save(&self, name: &str, bytes: &str) -> io::Result<()> {
        let temporary = self.path(format!("{name}.new"));
        fs::write(&temporary, bytes)?;
        fs::rename(temporary, self.path(name))
    }

    fn follow(&self, name: &str) -> io::Result<Followed> {
        self.stager
            .follow(self.path(name))
            .debounce(DEBOUNCE)
            .start()
    }

    fn watch(&self, name: &str) -> io::Result<Watch> {
        self.stager
            .watch([self.path(name)])
            .debounce(DEBOUNCE)
            .start()
    }
}

/// Until what is staged is this.
fn staged(followed: &mut Followed, bytes: &str) -> io::Result<Option<Duration>> {
    let changed = Instant::now();
    loop {
        let file = followed.current();
        let mut buffer = vec![0; bytes.len() + 1];
        // One that saves have overtaken may be gone.
        let read = file.read_at(&mut buffer, 0).unwrap_or(0);
        if file.is_staged() && &buffer[..read] == bytes.as_bytes() && !followed.is_stale() {
            return Ok(Some(changed.elapsed()));
        }
        match followed.changed_by(Deadline::At(changed + PATIENCE)) {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Ok(None),
        }
    }
}

/// Until all of this is told.
fn told(watch: &mut Watch, changes: impl IntoIterator<Item = Change>) -> Option<Duration> {
    let changed = Instant::now();
    let mut missing: HashSet<Change> = changes.into_iter().collect();
    while !missing.is_empty() {
        match watch.next_by(Deadline::At(changed + PATIENCE)) {
            Ok(Some(change)) => drop(missing.remove(&change)),
            Ok(None) | Err(_) => return None,
        }
    }
    Some(changed.elapsed())
}

fn saves_by_rename(place: &Place, rounds: u32) -> Rounds {
    place.write("file", "0")?;
    let mut followed = place.follow("file")?;
    let round = |round| {
        let version = format!("version {round}");
        place.save("file", &version)?;
        staged(&mut followed, &version)
    };
    (0..rounds).map(round).collect()
}

fn saves_in_place(place: &Place, rounds: u32) -> Rounds {
    place.write("file", "0")?;
    let mut followed = place.follow("file")?;
    let round = |round| {
        let version = format!("version {round}");
        place.write("file", &version)?;
        staged(&mut followed, &version)
    };
    (0..rounds).map(round).collect()
}

fn removed_and_created(place: &Place, rounds: u32) -> Rounds {
    place.write("file", "0")?;
    let mut followed = place.follow("file")?;
    let round = |round| {
        let version = format!("version {round}");
        fs::remove_file(place.path("file"))?;
        if round % 2 == 1 {
            // Long enough that the file is known to be gone.
            until(Instant::now() + 2 * DEBOUNCE);
        }
        place.write("file", &version)?;
        staged(&mut followed, &version)
    };
    (0..rounds).map(round).collect()
}

fn link_exchanged(place: &Place, rounds: u32) -> Rounds {
    place.write("..0/file", "0")?;
    symlink("..0", place.path("..data"))?;
    symlink("..data/file", place.path("file"))?;
    let mut followed = place.follow("file")?;
    let round = |round| {
        let version = format!("version {round}");
        let directory = format!("..{}", round + 1);
        place.write(&format!("{directory}/file"), &version)?;
        symlink(&directory, place.path("..tmp"))?;
        fs::rename(place.path("..tmp"), place.path("..data"))?;
        fs::remove_dir_all(place.path(format!("..{round}")))?;
        staged(&mut followed, &version)
    };
    (0..rounds).map(round).collect()
}

fn storms(place: &Place, rounds: u32) -> Rounds {
    const SAVES: u32 = 1000;
    place.write("file", "0")?;
    let mut followed = place.follow("file")?;
    let round = |round| {
        let began = Instant::now();
        let mut version = String::new();
        for save in 0..SAVES {
            version = format!("version {round}.{save}");
            place.save("file", &version)?;
            until(began + Duration::from_millis(u64::from(save)));
        }
        staged(&mut followed, &version)
    };
    (0..rounds).map(round).collect()
}

fn new_directories(place: &Place, rounds: u32) -> Rounds {
    fs::create_dir(place.path("top"))?;
    let mut watch = place.watch("top")?;
    let round = |round| {
        let name = format!("top/{round}/b/c/file");
        place.write(&name, "1")?;
        let path = place.path(name);
        let kind = ChangeKind::Created;
        Ok(told(&mut watch, [Change { path, kind }]))
    };
    (0..rounds).map(round).collect()
}

fn directory_renamed(place: &Place, rounds: u32) -> Rounds {
    place.write("top/0/deep/file", "1")?;
    let mut watch = place.watch("top")?;
    let round = |round| {
        let (from, to) = (format!("top/{round}"), format!("top/{}", round + 1));
        fs::rename(place.path(&from), place.path(&to))?;
        let change = |directory: &str, kind| Change {
            path: place.path(directory).join("deep/file"),
            kind,
        };
        let gone = change(&from, ChangeKind::Removed);
        let came = change(&to, ChangeKind::Created);
        Ok(told(&mut watch, [gone, came]))
    };
    (0..rounds).map(round).collect()
}

fn root_made_again(place: &Place, rounds: u32) -> Rounds {
    place.write("up/top/file", "1")?;
    let mut watch = place.watch("up/top")?;
    let path = place.path("up/top/file");
    let mut round = |round: u32| {
        let kind = match round % 2 {
            0 => {
                fs::remove_dir_all(place.path("up"))?;
                ChangeKind::Removed
            }
            _ => {
                place.write("up/top/file", "1")?;
                ChangeKind::Created
            }
        };
        let path = path.clone();
        Ok(told(&mut watch, [Change { path, kind }]))
    };
    (0..rounds).map(&mut round).collect()
}

/// Watchers that begin meanwhile have a queue of two events.
fn overflow(place: &Place, rounds: u32) -> Rounds {
    const FILES: u32 = 190;
    const DIRECTORIES: u32 = 10;
    for file in 0..FILES {
        place.write(&format!("top/{file}"), "0")?;
    }
    let before = fs::read_to_string(QUEUE)?;
    if fs::write(QUEUE, "2").is_err() {
        return Ok(Vec::new());
    }
    let watch = place.watch("top");
    fs::write(QUEUE, before)?;
    let mut watch = watch?;
    let round = |round| {
        let mut changes = Vec::new();
        for file in 0..FILES {
            let name = format!("top/{file}");
            place.save(&name, &format!("version {round}"))?;
            changes.push(Change {
                path: place.path(name),
                kind: ChangeKind::Modified,
            });
        }
        for directory in 0..DIRECTORIES {
            let name = format!("top/new-{round}/{directory}/file");
            place.write(&name, "1")?;
            changes.push(Change {
                path: place.path(name),
                kind: ChangeKind::Created,
            });
        }
        Ok(told(&mut watch, changes))
    };
    (0..rounds).map(round).collect()
}
