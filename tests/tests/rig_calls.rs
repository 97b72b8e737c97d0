//! A1, A2, R9: at every system call of a protocol, every error, and SIGKILL. The outcome is typed, the path
//! holds the old or the new content, whole, as the outcome says, and nothing is left that the next replace
//! does not sweep.

use rustix::fs::{Gid, Uid, XattrFlags};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tests::folder::names;
use tests::rig::calls::{Harm, Strike, strikes, traced};
use tests::rig::protocols::content;
use tests::rig::say;

type Proof = Result<(), Box<dyn Error + Send + Sync>>;

const CHILD: &str = env!("CARGO_BIN_EXE_rig_child");
const THREADS: usize = 4;

/// What the child does, and what is there before.
#[derive(Clone, Copy)]
struct Protocol {
    word: &'static str,
    before: Option<u64>,
}

const REPLACE: Protocol = Protocol {
    word: "replace",
    before: Some(1),
};
const CREATE: Protocol = Protocol {
    word: "create",
    before: None,
};
const WRITE: Protocol = Protocol {
    word: "write",
    before: Some(1),
};

impl Protocol {
    fn prepare(self, folder: &Path) -> io::Result<()> {
        let path = folder.join("file");
        let Some(number) = self.before else {
            return Ok(());
        };
        fs::write(&path, content(number))?;
        // So that there is something to be kept, where this process may and the file system does.
        let _ = rustix::fs::setxattr(&path, "user.colour", b"green", XattrFlags::empty());
        let _ = rustix::fs::chown(
            &path,
            Some(Uid::from_raw(12_345)),
            Some(Gid::from_raw(23_456)),
        );
        Ok(())
    }

    /// Holds what is there against what was said.
    fn check(self, folder: &Path, strike: &Strike, said: &str) -> Result<(), String> {
        let found = match fs::read(folder.join("file")) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.to_string()),
        };
        let is_old = found == self.before.map(content);
        let is_new = found == Some(content(2));
        let outcome = said.lines().find(|line| *line != "begin" && *line != "end");
        let right = match (outcome, strike.harm) {
            (Some(line), _) if line.starts_with("committed") => is_new,
            (Some(line), _) if line.starts_with("not committed") => {
                is_old && line.contains("/file")
            }
            (Some(line), _) if line.starts_with("indeterminate") => {
                (is_old || is_new) && line.contains("/file")
            }
            (None, Harm::Kill) => is_old || is_new,
            (_, _) => false,
        };
        match right {
            true => Ok(()),
            false => Err(format!("old: {is_old}, new: {is_new}, said: {outcome:?}")),
        }
    }
}

fn left(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = names(folder)?;
    names.retain(|name| name != "file");
    Ok(names)
}

/// What was seen of all strikes.
#[derive(Default)]
struct Tally {
    strikes: usize,
    committed: usize,
    not_committed: usize,
    indeterminate: usize,
    killed: usize,
    swept: usize,
}

/// One harm to one process.
fn strike(protocol: Protocol, strike: &Strike, tally: &Mutex<Tally>) -> Proof {
    let room = tempfile::tempdir()?;
    let folder = room.path().join("folder");
    fs::create_dir(&folder)?;
    protocol.prepare(&folder)?;
    let path = folder.join("file").display().to_string();
    let log = room.path().join("log");
    let seen = traced(CHILD, &[protocol.word, &path], &log, Some(strike))?;
    if !seen.struck {
        return Err(format!("it was not struck: {}", seen.whole).into());
    }
    if protocol.word != "write" {
        let checked = protocol.check(&folder, strike, &seen.said);
        checked.map_err(|why| format!("{why}\n{}", seen.whole))?;
    } else if strike.harm != Harm::Kill && !seen.said.contains("committed") {
        return Err(format!("no outcome: {}", seen.whole).into());
    }
    let left_behind = left(&folder)?;
    // A removal that fails, or is not come to, leaves what was to be removed.
    let may_leave = strike.harm == Harm::Kill || strike.call.starts_with("unlink");
    if !left_behind.is_empty() && !may_leave {
        return Err(format!("{left_behind:?} is left\n{}", seen.whole).into());
    }
    // Whatever it was, the next one sweeps and succeeds.
    let again = traced(CHILD, &["replace", &path], &log, None)?;
    if !again.said.contains("\ncommitted") || fs::read(&path)? != content(2) {
        return Err(format!("not afterwards either: {}", again.whole).into());
    }
    let still = left(&folder)?;
    let known = fs::read_to_string("/etc/machine-id").is_ok_and(|id| !id.trim().is_empty());
    if !still.is_empty() && known {
        return Err(format!("{still:?} is not swept\n{}", seen.whole).into());
    }
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.strikes += 1;
    tally.killed += usize::from(strike.harm == Harm::Kill);
    tally.committed += usize::from(seen.said.contains("\ncommitted"));
    tally.not_committed += usize::from(seen.said.contains("\nnot committed"));
    tally.indeterminate += usize::from(seen.said.contains("\nindeterminate"));
    tally.swept += left_behind.len();
    Ok(())
}

/// Every harm at every call of a protocol.
fn everything_happens_to(protocol: Protocol) -> Result<Option<Tally>, Box<dyn Error>> {
    let room = tempfile::tempdir()?;
    protocol.prepare(room.path())?;
    let path = room.path().join("file").display().to_string();
    let log = room.path().join("log");
    let calm = match traced(CHILD, &[protocol.word, &path], &log, None) {
        Ok(calm) => calm,
        Err(why) => {
            say(&format!("skipped: {why}"));
            return Ok(None);
        }
    };
    assert!(calm.said.contains("\ncommitted\n"), "{}", calm.whole);
    let strikes = strikes(&calm.whole);
    let (next, tally, wrong) = (
        AtomicUsize::new(0),
        Mutex::default(),
        Mutex::new(Vec::new()),
    );
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(one) = strikes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = strike(protocol, one, &tally) {
                        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                        wrong.push(format!("{one}: {why}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Tally {
        strikes: done,
        committed,
        not_committed,
        indeterminate,
        killed,
        swept,
    } = &tally;
    let mut out = io::stderr();
    writeln!(
        out,
        "rig: {}: strikes={} well={done} committed={committed} not_committed={not_committed} \
         indeterminate={indeterminate} killed={killed} swept={swept} wrong={}",
        protocol.word,
        strikes.len(),
        wrong.len()
    )?;
    match wrong.first() {
        Some(first) => Err(format!("{} wrong, {first}", wrong.len()).into()),
        None => Ok(Some(tally)),
    }
}

/// A1, A2, A3.
#[test]
fn a_replace_survives_everything_at_every_call() -> Result<(), Box<dyn Error>> {
    if let Some(tally) = everything_happens_to(REPLACE)? {
        assert!(tally.not_committed > 0 && tally.indeterminate > 0 && tally.swept > 0);
    }
    Ok(())
}

/// A1, A2.
#[test]
fn a_creation_survives_everything_at_every_call() -> Result<(), Box<dyn Error>> {
    if let Some(tally) = everything_happens_to(CREATE)? {
        assert!(tally.not_committed > 0 && tally.indeterminate > 0 && tally.swept > 0);
    }
    Ok(())
}

/// R8, R9.
#[test]
fn a_write_tells_every_error_at_every_call() -> Result<(), Box<dyn Error>> {
    if let Some(tally) = everything_happens_to(WRITE)? {
        assert!(tally.not_committed > 0);
    }
    Ok(())
}
