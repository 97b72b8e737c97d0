//! G5: a write that is under way when a load begins, and ends before it does, leaves no trace in the
//! time of its file. A staged load never mixes two versions all the same.

use driver_blocking::{Cause, Fault, Mode, Stager, failure};
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;

/// Loads again and again while another thread writes one version over the other, each with one
/// call; answers how many loads were whole.
fn load_on(path: &Path, versions: &[Vec<u8>; 2], loads: u32) -> Result<u32, Box<dyn Error>> {
    let stager = Stager::new();
    let file = File::options().write(true).open(path)?;
    let (over, begun, mut whole) = (AtomicBool::new(false), AtomicU32::new(0), 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| -> io::Result<()> {
            let mut seen = 0;
            for version in versions.iter().cycle() {
                file.write_all_at(version, 0)?;
                // A load that began meanwhile may end before the next write begins.
                while begun.load(SeqCst) == seen && !over.load(SeqCst) {
                    thread::yield_now();
                }
                seen = begun.load(SeqCst);
                if over.load(SeqCst) {
                    break;
                }
            }
            Ok(())
        });
        let loaded = (0..loads).try_for_each(|_| {
            let opened = stager.options().mode(Mode::Load).open(path);
            begun.fetch_add(1, SeqCst);
            match opened {
                Ok(file) => {
                    let bytes = file.bytes_at(0, versions[0].len())?;
                    whole += 1;
                    match versions.iter().any(|version| bytes == version[..]) {
                        true => Ok(()),
                        false => Err(io::Error::other(format!("load {whole} mixes two versions"))),
                    }
                }
                Err(error) => match failure(&error).map(|failure| failure.cause) {
                    Some(Cause::Fault(Fault::Changed)) => Ok(()),
                    _ => Err(error),
                },
            }
        });
        over.store(true, SeqCst);
        writer.join().map_err(|_| "the writer panicked")??;
        Ok(loaded.map(|()| whole)?)
    })
}

/// G5: files that are fetched in one go, and files of several chunks.
#[test]
fn a_load_never_mixes_two_versions() -> Result<(), Box<dyn Error>> {
    for (len, loads) in [(48_000, 60_000), (1 << 20, 2_000)] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let path = dir.path().join("file");
        let versions = [vec![1; len], vec![2; len]];
        fs::write(&path, &versions[1])?;
        let whole = load_on(&path, &versions, loads)?;
        assert!(
            whole > loads / 20,
            "only {whole} of {loads} loads succeeded"
        );
    }
    Ok(())
}
