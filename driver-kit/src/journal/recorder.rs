//! Writing a journal to a file while the run goes on.
//!
//! Under the hub's lock an entry is put into a queue, and nothing else. Outside of it the bell is
//! rung, and a thread that exists only while there is a recording takes the whole queue and writes
//! it, in order, with one system call. What was written is in the file whatever becomes of the
//! process.
//!
//! # Invariants
//!
//! - An entry is put before the bell is rung, and the bell keeps one ring: no entry is left behind.
//! - A run never waits for its recording. If that cannot be written, or falls so far behind that the
//!   queue is full, it stops, says so, and takes no more.

use super::words::{header, line};
use crate::error::{Cause, Failure, Operation, fault_of};
use crate::sync::{Mutex, lock};
use staging_core::{Entry, Limits};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Poll, Waker};
use std::{error, fmt, mem, thread};

/// How many entries may wait to be written: about 16 MiB of them.
const MOST_WAITING: usize = 1 << 17;

/// How a recording stands.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The file.
    pub path: Arc<Path>,
    /// How many entries are in the file.
    pub written: u64,
    /// How many wait to be.
    pub waiting: u64,
    /// Why it stopped, if it did: what the machine heard since is not in the file.
    pub stopped: Option<Stop>,
}

/// Why a recording stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The file could not be written.
    Failed(Arc<io::Error>),
    /// More waited to be written than may wait, or it waited longer than a shutdown does.
    Behind,
}

/// Why a recording did not begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unrecordable {
    /// Something was asked before: a file begins with its hub, for it holds no state but limits.
    Begun,
    /// There is a recording already.
    Recorded,
}

/// The hub's side of a recording. When it is dropped, the thread writes the rest and ends.
#[derive(Debug)]
pub(crate) struct Recorder {
    tape: Arc<Tape>,
    bell: SyncSender<()>,
}

/// What the hub and the thread share.
#[derive(Debug)]
struct Tape {
    path: Arc<Path>,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    entries: Vec<Entry>,
    /// How many entries the thread took and has not written yet.
    taken: u64,
    written: u64,
    stopped: Option<Stop>,
    waiting: Vec<Waker>,
}

impl Recorder {
    /// A recorder on a file that is new, with its first line.
    ///
    /// # Errors
    /// The file is there already, or cannot be made or written; there is no thread to be had.
    pub(crate) fn begin(path: Arc<Path>, limits: &Limits) -> io::Result<Recorder> {
        let file = File::create_new(&path).map_err(|error| refused(&path, &error))?;
        Recorder::onto(path, file, limits)
    }

    fn onto(
        path: Arc<Path>,
        mut file: impl Write + Send + 'static,
        limits: &Limits,
    ) -> io::Result<Recorder> {
        let first = header(limits) + "\n";
        file.write_all(first.as_bytes())
            .map_err(|error| refused(&path, &error))?;
        let tape = Arc::new(Tape {
            path,
            queue: Mutex::new(Queue {
                entries: Vec::new(),
                taken: 0,
                written: 0,
                stopped: None,
                waiting: Vec::new(),
            }),
        });
        let (bell, rung) = sync_channel(1);
        let writer = Arc::clone(&tape);
        thread::Builder::new()
            .name("staging-recorder".to_owned())
            .spawn(move || writer.write_until_the_end(file, &rung))?;
        Ok(Recorder { tape, bell })
    }

    /// Takes an entry. Under the hub's lock, so that the order is the machine's.
    pub(crate) fn put(&self, entry: Entry) {
        let mut queue = lock(&self.tape.queue);
        if queue.stopped.is_some() {
            return;
        }
        match queue.entries.len() {
            MOST_WAITING => queue.stop(Stop::Behind),
            _ => queue.entries.push(entry),
        }
    }

    /// There may be something to write. Outside every lock.
    pub(crate) fn ring(&self) {
        // If a ring is kept already, or the thread is gone, there is nothing to be said.
        let _ = self.bell.try_send(());
    }

    /// Ready when everything that was put is in the file, or never will be.
    pub(crate) fn poll_written(&self, waker: &Waker) -> Poll<()> {
        let mut queue = lock(&self.tape.queue);
        if queue.stopped.is_some() || (queue.entries.is_empty() && queue.taken == 0) {
            return Poll::Ready(());
        }
        if !queue.waiting.iter().any(|other| other.will_wake(waker)) {
            queue.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// A shutdown does not wait any longer.
    pub(crate) fn give_up(&self) {
        lock(&self.tape.queue).stop(Stop::Behind);
    }

    pub(crate) fn stands(&self) -> Recording {
        let queue = lock(&self.tape.queue);
        Recording {
            path: Arc::clone(&self.tape.path),
            written: queue.written,
            waiting: queue.entries.len() as u64 + queue.taken,
            stopped: queue.stopped.clone(),
        }
    }
}

impl Queue {
    fn stop(&mut self, stop: Stop) {
        self.stopped.get_or_insert(stop);
        self.entries = Vec::new();
    }
}

impl Tape {
    /// The life of the thread: until the hub is gone, or nothing can be written any more.
    fn write_until_the_end(&self, mut file: impl Write, rung: &Receiver<()>) {
        let (mut entries, mut text) = (Vec::new(), String::new());
        loop {
            let hub_is_gone = rung.recv().is_err();
            while self.take(&mut entries) {
                text.clear();
                for entry in &entries {
                    text.push_str(&line(entry));
                    text.push('\n');
                }
                self.wrote(file.write_all(text.as_bytes()));
            }
            if self.told_of_a_stop() || hub_is_gone {
                return;
            }
        }
    }

    fn take(&self, entries: &mut Vec<Entry>) -> bool {
        entries.clear();
        let mut queue = lock(&self.queue);
        mem::swap(&mut queue.entries, entries);
        queue.taken = entries.len() as u64;
        !entries.is_empty()
    }

    fn wrote(&self, written: io::Result<()>) {
        let waiting = {
            let mut queue = lock(&self.queue);
            let taken = mem::take(&mut queue.taken);
            match written {
                Ok(()) => queue.written += taken,
                Err(error) => queue.stop(Stop::Failed(Arc::new(error))),
            }
            match queue.entries.is_empty() {
                true => mem::take(&mut queue.waiting),
                false => Vec::new(),
            }
        };
        for waker in waiting {
            waker.wake();
        }
    }

    fn told_of_a_stop(&self) -> bool {
        let stopped = lock(&self.queue).stopped.clone();
        if let Some(stop) = &stopped {
            let path = self.path.display();
            tracing::error!(%path, %stop, "the recording of the run stopped");
        }
        stopped.is_some()
    }
}

fn refused(path: &Arc<Path>, error: &io::Error) -> io::Error {
    Failure {
        operation: Operation::Open,
        path: Arc::clone(path),
        cause: Cause::Fault(fault_of(error)),
    }
    .into_io()
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Failed(error) => error.fmt(f),
            Stop::Behind => f.write_str("the file was not written as fast as the run went on"),
        }
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, written) = (self.path.display(), self.written);
        match &self.stopped {
            None => write!(f, "{written} entries in {path}"),
            Some(stop) => write!(f, "{path} ends after {written} entries: {stop}"),
        }
    }
}

impl fmt::Display for Unrecordable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unrecordable::Begun => "a recording begins before anything else is asked",
            Unrecordable::Recorded => "there is a recording already",
        })
    }
}

impl error::Error for Unrecordable {}

#[cfg(all(test, not(staging_loom)))]
mod tests {
    use super::*;
    use staging_core::{Event, Reply, Tick};
    use std::sync::mpsc::{Sender, channel};

    /// A file each of whose writes after the first waits to be told how it ends.
    struct Gated {
        begun: Sender<usize>,
        ends: Receiver<io::Result<()>>,
        first: bool,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if mem::take(&mut self.first) {
                return Ok(bytes.len());
            }
            let _ = self.begun.send(bytes.len());
            match self.ends.recv() {
                Ok(ended) => ended.map(|()| bytes.len()),
                Err(_) => Ok(bytes.len()),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Gate = (Recorder, Receiver<usize>, Sender<io::Result<()>>);

    fn gated() -> io::Result<Gate> {
        let (begun, writes) = channel();
        let (end, ends) = channel();
        let file = Gated {
            begun,
            ends,
            first: true,
        };
        let path = Arc::from(Path::new("/journal"));
        let recorder = Recorder::onto(path, file, &Limits::default())?;
        Ok((recorder, writes, end))
    }

    const ENTRY: Entry = Entry::Said {
        now: Tick(1),
        event: Event::Ticked,
        reply: Reply::Done,
    };

    fn wait_until_written(recorder: &Recorder) {
        let waker = crate::thread_waker(thread::current());
        while recorder.poll_written(&waker).is_pending() {
            thread::park();
        }
    }

    #[test]
    fn what_comes_while_it_writes_is_written_next() -> io::Result<()> {
        let (recorder, writes, end) = gated()?;
        let one = line(&ENTRY).len() + 1;
        recorder.put(ENTRY);
        recorder.ring();
        assert_eq!(writes.recv(), Ok(one));
        for _ in 0..3 {
            recorder.put(ENTRY);
            recorder.ring();
        }
        assert_eq!(recorder.stands().waiting, 4);
        let _ = (end.send(Ok(())), end.send(Ok(())));
        assert_eq!(writes.recv(), Ok(3 * one));
        wait_until_written(&recorder);
        assert_eq!(recorder.stands().written, 4);
        Ok(())
    }

    #[test]
    fn a_failed_write_stops_it_and_wakes_who_waits() -> io::Result<()> {
        let (recorder, _writes, end) = gated()?;
        recorder.put(ENTRY);
        recorder.ring();
        let _ = end.send(Err(io::ErrorKind::StorageFull.into()));
        wait_until_written(&recorder);
        recorder.put(ENTRY);
        recorder.ring();
        let stands = recorder.stands();
        assert_eq!((stands.written, stands.waiting), (0, 0));
        assert!(
            matches!(&stands.stopped, Some(Stop::Failed(error)) if error.kind() == io::ErrorKind::StorageFull),
            "{stands:?}"
        );
        Ok(())
    }

    #[test]
    fn one_that_falls_behind_stops_and_forgets() -> io::Result<()> {
        let (recorder, writes, _end) = gated()?;
        recorder.put(ENTRY);
        recorder.ring();
        assert!(writes.recv().is_ok(), "it hangs in the first write");
        for _ in 0..MOST_WAITING {
            recorder.put(ENTRY);
        }
        assert!(recorder.stands().stopped.is_none());
        recorder.put(ENTRY);
        let stands = recorder.stands();
        assert!(matches!(stands.stopped, Some(Stop::Behind)), "{stands:?}");
        assert_eq!(stands.waiting, 1, "what hangs in the system");
        wait_until_written(&recorder);
        Ok(())
    }
}
