//! The committed seeds of the fuzz targets, and every input that one of them ever failed on, replayed
//! where there is no fuzzer.

use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use tests::fuzzed::TARGETS;

/// A seed that is longer is a corpus, and belongs to whoever ran the fuzzer.
const LONGEST: usize = 4096;

#[test]
fn every_seed_passes_through_its_target() -> io::Result<()> {
    for (name, target) in TARGETS {
        let seeds = seeds(&fuzz().join("corpus").join(name))?;
        assert!(seeds.len() > 5, "{name} has {} seeds", seeds.len());
        for seed in seeds {
            let bytes = fs::read(&seed)?;
            assert!(bytes.len() <= LONGEST, "{} is long", seed.display());
            let passed = catch_unwind(|| target(&bytes));
            assert!(passed.is_ok(), "{name} fails on {}", seed.display());
        }
    }
    Ok(())
}

/// Whatever can be fuzzed is replayed here.
#[test]
fn every_target_is_replayed() -> io::Result<()> {
    let mut targets: Vec<String> = fs::read_dir(fuzz().join("fuzz_targets"))?
        .flatten()
        .filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    targets.sort();
    let mut replayed = TARGETS.map(|(name, _)| name);
    replayed.sort_unstable();
    assert_eq!(targets, replayed);
    Ok(())
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn seeds(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut seeds: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|end| end == "seed"))
        .collect();
    seeds.sort();
    Ok(seeds)
}
