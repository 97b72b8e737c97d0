//! What an embedder's loop has to offer to be held to the promises of the core, and the thread on
//! which it runs.

use driver_kit::Deadline;
use driver_kit::core::{
    Grace, HandleId, Limits, Machine, Outcome, Reject, Reply, Report, Request, Tick,
};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long the loop may wait for the system before it listens to its callers again.
const MOMENT: Duration = Duration::from_millis(1);

/// The name of a request under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Asked(pub(crate) u64);

/// How a request ended.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) handle: Option<HandleId>,
    pub(crate) bytes: Vec<u8>,
}

/// The core in a loop of somebody's own.
pub(crate) trait Embedded: Sized + 'static {
    fn new(limits: Limits) -> io::Result<Self>;
    fn machine(&self) -> &Machine;
    fn now(&self) -> Tick;
    fn open(&mut self, deadline: Tick, open: Request, path: PathBuf) -> Result<Asked, Reply>;
    fn ask(&mut self, deadline: Tick, request: Request, bytes: &[u8]) -> Result<Asked, Reply>;
    fn drop_handle(&mut self, handle: HandleId);
    fn shutdown(&mut self, grace: Grace);
    fn report(&self) -> Option<Report>;
    fn next_answer(&mut self) -> Option<(Asked, Answer)>;
    fn wait(&mut self, most: Duration) -> io::Result<()>;
}

/// Said to the loop, by any thread; done by its own.
type Word<E> = Box<dyn FnOnce(&mut Seat<E>) + Send>;

/// The loop, and who waits for its answers.
pub(crate) struct Seat<E> {
    pub(crate) embedded: E,
    waiting: HashMap<Asked, Sender<Answer>>,
}

/// A loop on a thread of its own. It ends when nobody can say anything to it any more.
pub(crate) struct Running<E> {
    words: Sender<Word<E>>,
}

fn gone<T>(_: T) -> io::Error {
    io::Error::other("the loop has ended")
}

impl<E: Embedded> Running<E> {
    pub(crate) fn start(limits: Limits) -> Running<E> {
        let (words, heard) = channel::<Word<E>>();
        thread::spawn(move || -> io::Result<()> {
            let mut seat = Seat {
                embedded: E::new(limits)?,
                waiting: HashMap::new(),
            };
            while listen(&mut seat, &heard) {
                while let Some((asked, answer)) = seat.embedded.next_answer() {
                    if let Some(waiting) = seat.waiting.remove(&asked) {
                        let _ = waiting.send(answer);
                    }
                }
                seat.embedded.wait(MOMENT)?;
            }
            Ok(())
        });
        Running { words }
    }

    /// Has something looked at or said, and gives what it said.
    pub(crate) fn with<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut E) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (send, seen) = channel();
        let word = move |seat: &mut Seat<E>| {
            let _ = send.send(look(&mut seat.embedded));
        };
        self.words.send(Box::new(word)).map_err(gone)?;
        seen.recv().map_err(gone)
    }

    /// Asks, and waits for the answer. Refused for fullness, it asks again until the deadline.
    pub(crate) fn ask<F>(&self, deadline: Deadline, ask: F) -> io::Result<Result<Answer, Reject>>
    where
        F: Fn(&mut E, Tick) -> Result<Asked, Reply> + Clone + Send + 'static,
    {
        loop {
            let (send, answer) = channel();
            let (tell, told) = channel();
            let ask = ask.clone();
            let word = move |seat: &mut Seat<E>| {
                let by = tick(&seat.embedded, deadline);
                let asked = ask(&mut seat.embedded, by);
                if let Ok(asked) = asked {
                    seat.waiting.insert(asked, send);
                }
                let _ = tell.send(asked.map(drop));
            };
            self.words.send(Box::new(word)).map_err(gone)?;
            match told.recv().map_err(gone)? {
                Ok(()) => return answer.recv().map(Ok).map_err(gone),
                Err(Reply::Rejected(full @ Reject::Full(_))) => match deadline {
                    Deadline::At(at) if at <= Instant::now() => return Ok(Err(full)),
                    Deadline::At(_) | Deadline::Never => {}
                },
                Err(Reply::Rejected(reject)) => return Ok(Err(reject)),
                Err(other) => return Err(io::Error::other(format!("{other:?}"))),
            }
        }
    }

    /// Says something, and does not wait.
    pub(crate) fn say(&self, say: impl FnOnce(&mut E) + Send + 'static) {
        let word = move |seat: &mut Seat<E>| say(&mut seat.embedded);
        let _ = self.words.send(Box::new(word));
    }
}

impl<E> Clone for Running<E> {
    fn clone(&self) -> Self {
        Running {
            words: self.words.clone(),
        }
    }
}

/// Does what was said meanwhile; `false`: nobody is there any more.
fn listen<E>(seat: &mut Seat<E>, heard: &Receiver<Word<E>>) -> bool {
    loop {
        match heard.try_recv() {
            Ok(word) => word(seat),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

fn tick<E: Embedded>(embedded: &E, deadline: Deadline) -> Tick {
    match deadline {
        Deadline::Never => Tick::NEVER,
        Deadline::At(at) => {
            let rest = at.saturating_duration_since(Instant::now()).as_nanos();
            let rest = u64::try_from(rest).unwrap_or(u64::MAX);
            embedded.now().plus(rest)
        }
    }
}
