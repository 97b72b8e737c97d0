//! G4, G6: files that are cut, rewritten and deleted a thousand times under their readers, in every
//! mode at once. No signal kills the process, and every read is right or a typed error.

use driver_blocking::{Cause, Fault, File, Mode, Stager, failure};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use tests::conformance::wait_for;

const LEN: usize = 40 * 4096 + 321;
const ROUNDS: u32 = 1_000;
const MODES: [Mode; 4] = [Mode::Map, Mode::MapShared, Mode::Load, Mode::None];

/// What generation `g` holds at `at`: never 0, and the place can be told from it, so that a lost
/// page, a torn copy and a shifted one all show. The low bit tells two generations apart.
fn byte(at: usize, g: u32) -> u8 {
    let place = (at ^ (at >> 6) ^ (at >> 12)) as u8 & 0x3f;
    0x80 | (place << 1) | (g & 1) as u8
}

fn generation(g: u32) -> Vec<u8> {
    (0..LEN).map(|at| byte(at, g)).collect()
}

fn held(read: &[u8], offset: usize) -> bool {
    read.iter()
        .enumerate()
        .all(|(at, read)| (0..2).any(|g| byte(offset + at, g) == *read))
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

fn read_on(stager: &Stager, path: &Path, mode: Mode, seen: &Seen) -> io::Result<()> {
    let (mut buffer, mut at) = (vec![0; 9_000], 1_usize);
    let mut file: Option<File> = None;
    while !seen.over.load(SeqCst) {
        let open = match file.take() {
            Some(open) => Ok(open),
            None => stager.options().mode(mode).open(path),
        };
        at = at
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let offset = (at >> 20) % LEN;
        match open.and_then(|open| Ok((open.read_at(&mut buffer, offset as u64)?, open))) {
            Ok((len, open)) => {
                if !held(&buffer[..len], offset) {
                    return Err(io::Error::other(format!(
                        "wrong bytes at {offset} in {mode:?}"
                    )));
                }
                seen.right.fetch_add(1, SeqCst);
                let whole = open.contents().is_none_or(|all| all.is_intact());
                file = ((at >> 40) % 16 > 0 && whole).then_some(open);
            }
            Err(error) if is_expected(&error) => {
                seen.errors.fetch_add(1, SeqCst);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn change(path: &Path, round: u32) -> io::Result<()> {
    let write = |path: &Path| {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    match round % 5 {
        0 => write(path)?.set_len(u64::from(round) * 131 % LEN as u64),
        1 | 3 => write(path)?.write_all(&generation(round)),
        2 => fs::remove_file(path),
        _ => {
            let beside: PathBuf = path.with_extension("new");
            fs::write(&beside, generation(round))?;
            fs::rename(beside, path)
        }
    }
}

#[test]
fn a_storm_over_files_in_use_kills_nobody_and_shows_no_wrong_byte() -> Result<(), Box<dyn Error>> {
    for pool in [0, 2] {
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
                scope.spawn(move || read_on(stager, path, mode, seen))
            });
            let read = || seen.right.load(SeqCst) + seen.errors.load(SeqCst);
            let stormed = (0..ROUNDS).try_for_each(|round| {
                change(&path, round)?;
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
    }
    Ok(())
}
