//! G10: sixteen files that are together sixteen times the budget, each as long as all of it, read whole
//! while they are staged, one after the other. What the last had is given up for the next; every byte
//! is served from memory, once; and what is staged never exceeds the budget, whoever looks, and when.
//! `MIB=256` makes the files of that size; they have 4 MiB otherwise.

use driver_blocking::{How, Life, Mode, Stager};
use driver_kit::contents::PAGE;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

const FILES: usize = 16;

fn len() -> u64 {
    let asked = std::env::var("MIB").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(4) << 20
}

/// The word at that place of that file.
fn word(file: usize, at: u64) -> u64 {
    (at ^ (file as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn make(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let make = |file: usize| {
        let path = folder.join(format!("{file}"));
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        (0..len() / 8).try_for_each(|at| out.write_all(&word(file, at).to_le_bytes()))?;
        out.flush()?;
        Ok(path)
    };
    (0..FILES).map(make).collect()
}

/// What is in memory, seen from outside.
struct Look<'a> {
    stager: &'a Stager,
    folder: &'a Path,
    over: AtomicBool,
    most: AtomicU64,
    looks: AtomicU64,
}

impl Look<'_> {
    fn go_on(&self) -> io::Result<()> {
        while !self.over.load(SeqCst) {
            let bytes = self.stager.hub().memory().arena_bytes() + self.mapped()?;
            self.most.fetch_max(bytes, SeqCst);
            self.looks.fetch_add(1, SeqCst);
        }
        Ok(())
    }

    /// Resident bytes of mappings of our files, as the kernel tells.
    fn mapped(&self) -> io::Result<u64> {
        let folder = self.folder.to_string_lossy();
        let (mut bytes, mut ours) = (0, false);
        for line in fs::read_to_string("/proc/self/smaps")?.lines() {
            if let Some(rest) = line.strip_prefix("Rss:") {
                let kibibytes: u64 = rest
                    .trim_end_matches("kB")
                    .trim()
                    .parse()
                    .map_err(io::Error::other)?;
                bytes += if ours { kibibytes * 1024 } else { 0 };
            } else if line.contains('/') || line.contains(" 00:00 ") {
                ours = line.contains(&*folder);
            }
        }
        Ok(bytes)
    }

    /// Reads a file from memory, to its end; answers how many bytes that were.
    fn read(&self, path: &Path, file: usize, mode: Mode, how: How) -> io::Result<u64> {
        let open = self.stager.options().mode(mode).open(path)?;
        let mut buffer = vec![0; 1 << 20];
        let mut served = 0;
        loop {
            let life = open.staging().map(|staging| staging.life);
            assert_eq!(life, Some(Life::Staged(how)), "{mode:?}, file {file}");
            let read = open.read_at(&mut buffer, served)?;
            if read == 0 {
                return Ok(served);
            }
            for (at, bytes) in buffer[..read].chunks_exact(8).enumerate() {
                let expected = word(file, served / 8 + at as u64).to_le_bytes();
                assert_eq!(
                    bytes, expected,
                    "{mode:?}, file {file}, word {at} from {served}"
                );
            }
            served += read as u64;
        }
    }
}

/// Reads them all under a budget that has room for one.
fn under(
    budget: u64,
    mode: Mode,
    how: How,
    folder: &Path,
    paths: &[PathBuf],
) -> Result<(), Box<dyn Error>> {
    for pool in [0, 2] {
        let stager = Stager::builder()
            .budget(budget)
            .linger(budget)
            .pool(pool)
            .build();
        let look = Look {
            stager: &stager,
            folder,
            over: AtomicBool::new(false),
            most: AtomicU64::new(0),
            looks: AtomicU64::new(0),
        };
        let served = thread::scope(|scope| {
            let looking = scope.spawn(|| look.go_on());
            let served = paths.iter().enumerate();
            let served: io::Result<u64> = served
                .map(|(file, path)| look.read(path, file, mode, how))
                .sum();
            look.over.store(true, SeqCst);
            looking.join().map_err(|_| "whoever looked panicked")??;
            Ok::<_, Box<dyn Error>>(served?)
        })?;
        assert_eq!(served, FILES as u64 * len(), "{mode:?}: every byte, once");
        let (most, looks) = (look.most.into_inner(), look.looks.into_inner());
        assert!(
            most <= budget && most > len() / 2,
            "{mode:?}: {most} of {budget} in {looks} looks"
        );
        assert!(looks > 10);
        let stats = stager.stats();
        assert_eq!(
            (stats.staged, stats.evicted),
            (FILES as u64, FILES as u64 - 1)
        );
        assert_eq!(stats.left_over_budget, 0);
        assert!(stats.most_charged <= budget);
    }
    Ok(())
}

/// G10
#[test]
fn sixteen_budgets_of_files_go_through_one() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let paths = make(dir.path())?;
    let mapped = len() + PAGE as u64;
    under(len(), Mode::Load, How::Loaded, dir.path(), &paths)?;
    under(len(), Mode::Auto, How::Loaded, dir.path(), &paths)?;
    under(mapped, Mode::Map, How::Mapped, dir.path(), &paths)?;
    under(mapped, Mode::Auto, How::Mapped, dir.path(), &paths)
}
