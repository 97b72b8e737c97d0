//! The list of files, made on a thread of its own: it runs ahead of the staging, so that totals
//! are known early, and it may block on standard input without keeping anyone from stopping.

use crate::found::Found;
use crate::names::Names;
use crate::summary::Trouble;
use crate::voice::Voice;
use crate::walk::Walker;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// How many paths the list may be ahead of the staging.
const AHEAD: usize = 1 << 16;

/// What was named, and how it is to be read.
pub(crate) struct Named {
    pub(crate) paths: Vec<PathBuf>,
    /// Names on standard input end with a NUL byte.
    pub(crate) null: bool,
    /// Lengths are wanted; they cost a system call for each file.
    pub(crate) lengths: bool,
}

/// What comes through the channel.
enum Passed {
    File(PathBuf),
    End,
}

/// Where the walk puts files.
pub(crate) struct Sink {
    to: SyncSender<Passed>,
}

/// Nobody takes files any more.
#[derive(Debug)]
pub(crate) struct Gone;

impl Sink {
    pub(crate) fn put(&self, file: PathBuf) -> Result<(), Gone> {
        self.to.send(Passed::File(file)).map_err(|_| Gone)
    }
}

/// However the walk ends, those who wait for more are told.
impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.to.send(Passed::End);
    }
}

/// The files, for the batch.
pub(crate) struct Files {
    from: Receiver<Passed>,
    stopped: Arc<AtomicBool>,
}

impl Iterator for Files {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        if self.stopped.load(Ordering::Acquire) {
            return None;
        }
        match self.from.recv() {
            Ok(Passed::File(file)) => Some(file),
            Ok(Passed::End) | Err(_) => None,
        }
    }
}

/// Ends the list early, also while somebody waits for its next file.
pub(crate) struct Stop {
    to: SyncSender<Passed>,
    stopped: Arc<AtomicBool>,
}

impl Stop {
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Where there is no room for this, nobody waits.
        let _ = self.to.try_send(Passed::End);
    }
}

/// Starts the walk.
///
/// # Errors
/// No thread could be started.
pub(crate) fn start(named: Named, found: &Arc<Found>, voice: &Voice) -> io::Result<(Files, Stop)> {
    let (to, from) = sync_channel(AHEAD);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Stop {
        to: to.clone(),
        stopped: Arc::clone(&stopped),
    };
    let (found, voice) = (Arc::clone(found), voice.clone());
    let walk = move || {
        let walker = Walker {
            sink: Sink { to },
            found: Arc::clone(&found),
            lengths: named.lengths,
        };
        if take_all(&walker, named, &voice).is_ok() {
            found.complete();
        }
    };
    thread::Builder::new()
        .name("staging-list".to_owned())
        .spawn(walk)?;
    Ok((Files { from, stopped }, stop))
}

fn take_all(walker: &Walker, named: Named, voice: &Voice) -> Result<(), Gone> {
    for path in named.paths {
        if path == Path::new("-") {
            take_input(walker, named.null, voice)?;
        } else {
            walker.take(path)?;
        }
    }
    Ok(())
}

fn take_input(walker: &Walker, null: bool, voice: &Voice) -> Result<(), Gone> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        voice.remark(format_args!("reading names from the terminal, to Ctrl-D"));
    }
    for name in Names::new(input, null) {
        match name {
            Ok(name) => walker.take(name)?,
            Err(error) => {
                walker.found.note(Trouble::of_list(&error));
                break;
            }
        }
    }
    Ok(())
}
