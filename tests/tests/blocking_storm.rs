//! G4, G5, G6: a file that is cut, grown, rewritten, punched with holes, replaced and deleted under
//! its readers, in every mode at once. No signal kills the process; every read is
//! right or a typed error; a staged load is one version and no other.
//! `ROUNDS=10000` makes it longer.

use driver_blocking::{Cause, Contents, Fault, File, Mode, Stager, failure};
use driver_sim::Dice;
use rustix::fs::FallocateFlags;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use tests::conformance::wait_for;

const LEN: usize = 40 * 4096 + 321;
const MODES: [Mode; 4] = [Mode::Map, Mode::MapShared, Mode::Load, Mode::None];

/// How often the file is changed.
fn rounds() -> u32 {
    let asked = std::env::var("ROUNDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(1_000)
}

/// What generation `g` holds at `at`: never 0, and the place can be told from it, so that a lost
/// page, a torn copy and a shifted one all show. The low bit tells two generations apart.
fn byte(at: usize, g: u32) -> u8 {
    let place = (at ^ (at >> 6) ^ (at >> 12)) as u8 & 0x3f;
    0x80 | (place << 1) | (g & 1) as u8
}

fn generation(g: u32) -> Vec<u8> {
    (0..LEN).map(|at| byte(at, g)).collect()
}

/// Whether each byte is one that some version held there; a hole holds zeros.
fn held(read: &[u8], offset: usize) -> bool {
    let mut bytes = read.iter().enumerate();
    bytes.all(|(at, read)| *read == 0 || (0..2).any(|g| byte(offset + at, g) == *read))
}

/// Whether all bytes are of one version; where there are holes, but for those.
fn is_one_version(all: &[u8]) -> bool {
    let mut written = all.iter().enumerate().filter(|(_, read)| **read != 0);
    let version = written
        .clone()
        .next()
        .map_or(0, |(_, read)| u32::from(*read & 1));
    written.all(|(at, read)| byte(at, version) == *read)
}

/// An error that a file under this storm may give, and no other.
fn is_expected(error: &io::Error) -> bool {
    let cause = failure(error).map(|failure| failure.cause);
    let Some(Cause::Fault(fault)) = cause else {
        return false;
    };
    let gone = error.kind() == io::ErrorKind::NotFound;
    matches!(
        fault,
        Fault::Truncated | Fault::Changed | Fault::Replaced | Fault::Cancelled
    ) || gone
}

struct Seen {
    right: AtomicU64,
    errors: AtomicU64,
    over: AtomicBool,
}

impl Seen {
    /// What is held in memory, looked at where it is.
    fn look(&self, contents: &Contents) -> io::Result<()> {
        match contents {
            Contents::Empty => Ok(()),
            Contents::Loaded(loaded) if is_one_version(loaded.bytes()) => Ok(()),
            Contents::Loaded(_) => Err(io::Error::other("a torn load was staged")),
            // The kit's own storm looks at slices of mappings.
            Contents::Mapped(_) => Ok(()),
        }
    }

    fn read_on(&self, stager: &Stager, path: &Path, mode: Mode) -> io::Result<()> {
        let (mut buffer, mut random) = (vec![0; 9_000], Dice::of(mode as u64));
        let mut file: Option<File> = None;
        while !self.over.load(SeqCst) {
            let (open, before) = match file.take() {
                Some(open) => (Ok(open), true),
                None => (stager.options().mode(mode).open(path), false),
            };
            let offset = random.below(LEN as u64) as usize;
            match open.and_then(|open| Ok((open.read_at(&mut buffer, offset as u64)?, open))) {
                Ok((len, open)) => {
                    if !held(&buffer[..len], offset) {
                        return Err(io::Error::other(format!(
                            "wrong bytes at {offset} in {mode:?}"
                        )));
                    }
                    self.right.fetch_add(1, SeqCst);
                    let contents = open.contents();
                    match &contents {
                        // It cannot change any more.
                        Some(Contents::Loaded(_)) if before => {}
                        Some(contents) => self.look(contents)?,
                        None => {}
                    }
                    let whole = contents.is_none_or(|contents| contents.is_intact());
                    file = (random.below(16) > 0 && whole).then_some(open);
                }
                Err(error) if is_expected(&error) => {
                    self.errors.fetch_add(1, SeqCst);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn change(path: &Path, round: u32, random: &mut Dice) -> io::Result<()> {
    let write = || {
        let mut how = fs::OpenOptions::new();
        how.write(true).create(true).truncate(false).open(path)
    };
    match random.below(7) {
        0 => match fs::metadata(path) {
            // Only what is longer is cut: growth is another thing.
            Ok(about) => write()?.set_len(random.below(about.len().max(1))),
            Err(_) => Ok(()),
        },
        1 => write()?.write_all(&generation(round)),
        2 => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        3 => {
            let file = write()?;
            file.set_len(0)?;
            let all = generation(round);
            all.chunks(50_000)
                .try_for_each(|piece| (&file).write_all(piece))
        }
        4 => {
            let beside: PathBuf = path.with_extension("new");
            fs::write(&beside, generation(round))?;
            fs::rename(beside, path)
        }
        5 => {
            let (at, len) = (random.below(LEN as u64), 1 + random.below(60_000));
            let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            Ok(rustix::fs::fallocate(write()?, how, at, len)?)
        }
        _ => write()?.set_len(LEN as u64),
    }
}

fn storm(pool: u32) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().canonicalize()?.join("file");
    fs::write(&path, generation(0))?;
    let stager = Stager::builder().pool(pool).build();
    let seen = Seen {
        right: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let readers = MODES.map(|mode| {
            let (stager, path, seen) = (&stager, &path, &seen);
            scope.spawn(move || seen.read_on(stager, path, mode))
        });
        let read = || seen.right.load(SeqCst) + seen.errors.load(SeqCst);
        let mut random = Dice::of(u64::from(pool));
        let stormed = (1..=rounds()).try_for_each(|round| {
            change(&path, round, &mut random)?;
            let before = read();
            wait_for("somebody to read between two changes", || {
                read() > before || readers.iter().any(|reader| reader.is_finished())
            })
        });
        seen.over.store(true, SeqCst);
        for reader in readers {
            reader.join().map_err(|_| "a reader panicked")??;
        }
        Ok(stormed?)
    })?;
    let (right, errors) = (seen.right.into_inner(), seen.errors.into_inner());
    assert!(
        right > 100 && errors > 100,
        "{right} right, {errors} errors"
    );
    let report = stager.shutdown(driver_blocking::Grace::default());
    assert!(report.is_clean(), "{report}");
    Ok(())
}

/// G4, G5, G6
#[test]
fn a_storm_over_files_in_use_kills_nobody_and_shows_no_wrong_byte() -> Result<(), Box<dyn Error>> {
    storm(0)?;
    storm(2)
}
