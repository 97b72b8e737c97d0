//! What the fuzz targets do with their bytes. The targets in `fuzz/` call these, and so does a test
//! that replays every committed seed where there is no fuzzer.

use crate::core::{history, journals};
use crate::logs::hostile;
use driver_kit::path::absolute;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// A target: its name, as in `fuzz/fuzz_targets` and `fuzz/corpus`, and what it does with its bytes. It
/// panics where something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// Everything that is fuzzed.
pub const TARGETS: [Target; 6] = [
    ("events", events),
    ("lying_driver", lying_driver),
    ("simulation", simulation),
    ("journal", journal),
    ("paths", paths),
    ("log", log),
];

/// Histories with an honest driver, a byte for each choice; every rule is checked on the way.
pub fn events(bytes: &[u8]) {
    let _ = history::live_by(bytes);
}

/// Histories with a driver that lies, a byte for each choice.
pub fn lying_driver(bytes: &[u8]) {
    let _ = history::endure_by(bytes);
}

/// Lives on a simulated disk that fails and loses power, held against the model of what its files may
/// hold: the disk's luck in eight bytes, then a byte for each choice.
pub fn simulation(bytes: &[u8]) {
    let lived = crate::simulation::live_by(bytes);
    assert!(lived.is_ok(), "{lived:?}");
}

/// Journals. A file that begins with `!` is a history instead, of which one is written, and which is
/// read, played, and shown; behind `!!`, with a driver that lies.
pub fn journal(bytes: &[u8]) {
    let lived = match bytes {
        [b'!', b'!', choices @ ..] => history::endure_by(choices),
        [b'!', choices @ ..] => history::live_by(choices),
        text => return journals::endures(text),
    };
    journals::holds(&lived.limits, &lived.entries());
}

/// Logs. A file that begins with `!` is choices instead, by which a log is written and then damaged.
pub fn log(bytes: &[u8]) {
    match bytes {
        [b'!', choices @ ..] => hostile::holds(choices),
        bytes => hostile::endures(bytes),
    }
}

/// Paths: the absolute form has no `.` and no `..`, is its own, is what the components say, and leads
/// where the path leads.
pub fn paths(bytes: &[u8]) {
    let path = Path::new(OsStr::from_bytes(bytes));
    let absolute = match driver_kit::path::absolute(path) {
        Ok(absolute) => absolute,
        Err(failure) => {
            let spelled = spelled(path);
            assert!(spelled.is_none(), "{failure}, and not {spelled:?}");
            return;
        }
    };
    assert!(absolute.is_absolute(), "{path:?} is {absolute:?}");
    let plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
    assert!(absolute.components().all(plain), "{absolute:?}");
    assert_eq!(again(&absolute), Some(absolute.to_path_buf()), "{path:?}");
    if let Some(spelled) = spelled(path) {
        assert_eq!(*absolute, *spelled, "{path:?}");
    }
    if let (false, Ok(real)) = (path.starts_with("~"), path.canonicalize()) {
        assert_eq!(absolute.canonicalize().ok(), Some(real), "{path:?}");
    }
}

fn again(path: &Path) -> Option<PathBuf> {
    Some(absolute(path).ok()?.to_path_buf())
}

/// The absolute form of a path whose components alone say what it is; of others the disk decides.
fn spelled(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&[u8]> = path
        .as_os_str()
        .as_bytes()
        .split(|byte| *byte == b'/')
        .collect();
    let start = match parts.first()? {
        [] if parts.len() > 1 => PathBuf::from("/"),
        [] => return None,
        [b'~'] => {
            parts.remove(0);
            std::env::var_os("HOME")
                .map(PathBuf::from)
                .filter(|home| home.is_absolute())?
        }
        _ => std::env::current_dir().ok()?,
    };
    parts.retain(|part| !matches!(part, [] | [b'.']));
    if parts.contains(&&b".."[..]) {
        return None;
    }
    Some(
        parts
            .iter()
            .fold(start, |whole, part| whole.join(OsStr::from_bytes(part))),
    )
}
