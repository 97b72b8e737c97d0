//! The core on a completion ring: the loop of the examples, as it stands there.
//!
//! It loads into memory of the allocator, not into an arena, so it meets fresh pages.

#[expect(dead_code, reason = "it is an example, whole")]
#[path = "../../../staging-core/examples/uring_loop/files.rs"]
mod files;
#[path = "../../../staging-core/examples/uring_loop/flight.rs"]
mod flight;
#[path = "../../../staging-core/examples/uring_loop/ring.rs"]
mod ring;

use crate::files::Corpus;
use crate::kept::{Held, kept};
use crate::row::Run;
use files::{Files, Payload};
use ring::Ring;
use staging_core::{
    Access, HandleId, Limits, Missing, Mode, Outcome, Plan, Reject, Reply, Request, Tag, Tick,
};
use std::cell::RefCell;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How many calls may be under way, and how many files.
const DEPTH: u32 = 256;
const CONCURRENCY: usize = 512;

/// All files open and in memory.
struct Staged {
    handles: Vec<HandleId>,
    bytes: u64,
}

impl Held for Staged {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Stages all files.
pub(crate) fn ring_loop(corpus: &Corpus) -> io::Result<Run> {
    let wanted = corpus.bytes();
    let files = RefCell::new(Files::new(Limits::default(), Ring::new(DEPTH)?));
    let name = |path: &PathBuf| CString::new(path.as_os_str().as_bytes());
    let names: Result<Vec<CString>, _> = corpus.paths.iter().map(name).collect();
    let names = names?;
    Ok(Box::new(move || {
        let mut failed = Ok(());
        let sample = kept(
            wanted,
            || stage_all(&mut files.borrow_mut(), &names),
            |staged| failed = give_back(&mut files.borrow_mut(), staged),
        );
        failed.and(sample)
    }))
}

fn stage_all(files: &mut Files, names: &[CString]) -> io::Result<Staged> {
    let mut staged = Staged {
        handles: Vec::with_capacity(names.len()),
        bytes: 0,
    };
    let mut asked = 0;
    while staged.handles.len() < names.len() {
        while asked < names.len() && asked - staged.handles.len() < CONCURRENCY && files.may_ask() {
            let path = Payload::Path(names[asked].clone());
            match files.ask(Tag(asked as u64), Tick::NEVER, open(), path) {
                Ok(_) => asked += 1,
                Err(Reply::Rejected(Reject::Full(_))) => break,
                Err(refused) => return Err(io::Error::other(format!("{refused:?}"))),
            }
        }
        let Some(answer) = files.next_answer() else {
            files.wait()?;
            continue;
        };
        match (answer.outcome, answer.handle) {
            (Outcome::Opened { len, .. }, Some(handle)) => {
                staged.handles.push(handle);
                staged.bytes += len;
            }
            (outcome, _) => return Err(io::Error::other(format!("{outcome:?}"))),
        }
    }
    Ok(staged)
}

fn give_back(files: &mut Files, staged: Staged) -> io::Result<()> {
    for handle in staged.handles {
        files.drop_handle(handle);
    }
    while files.machine().charged() > 0 {
        if files.next_answer().is_none() && files.machine().charged() > 0 {
            files.wait()?;
        }
    }
    Ok(())
}

fn open() -> Request {
    Request::Open {
        access: Access::Read,
        missing: Missing::Fail,
        plan: Plan::of(Mode::Auto),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_stages_everything_again_and_again() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let corpus = Corpus::make(folder.path(), 700, 5000)?;
        let Ok(mut run) = ring_loop(&corpus) else {
            return Ok(());
        };
        for _ in 0..3 {
            // `kept` counts the bytes.
            assert_eq!(run()?.len(), 2);
        }
        Ok(())
    }
}
