//! The files of the poll loop, without its sockets: its tables, its workers, and its way to wait.

#[path = "../../../staging-core/examples/poll_loop/calls.rs"]
mod calls;
#[expect(dead_code, clippy::print_stdout, reason = "it is an example, whole")]
#[path = "../../../staging-core/examples/poll_loop/files.rs"]
mod files;
#[path = "../../../staging-core/examples/poll_loop/workers.rs"]
mod workers;

use crate::embedded::{Answer, Asked, Embedded};
use driver_kit::core::{Grace, HandleId, Limits, Machine, Reply, Report, Request, Tick};
use files::{Files, Payload};
use mio::{Events, Poll, Token, Waker};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use workers::Ended;

pub(crate) struct PollLoop {
    poll: Poll,
    events: Events,
    news: Receiver<Ended>,
    files: Files,
}

impl Embedded for PollLoop {
    fn new(limits: Limits) -> io::Result<PollLoop> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
        let (jobs, news) = workers::hire(2, waker);
        Ok(PollLoop {
            poll,
            events: Events::with_capacity(64),
            news,
            files: Files::new(limits, jobs),
        })
    }

    fn machine(&self) -> &Machine {
        self.files.machine()
    }

    fn now(&self) -> Tick {
        self.files.now()
    }

    fn open(&mut self, deadline: Tick, open: Request, path: PathBuf) -> Result<Asked, Reply> {
        let asked = self.files.ask(deadline, open, Payload::Path(path));
        asked.map(|op| Asked(op.to_u64()))
    }

    fn ask(&mut self, deadline: Tick, request: Request, bytes: &[u8]) -> Result<Asked, Reply> {
        let payload = match bytes {
            [] => Payload::Nothing,
            bytes => Payload::Bytes(bytes.to_vec()),
        };
        let asked = self.files.ask(deadline, request, payload);
        asked.map(|op| Asked(op.to_u64()))
    }

    fn drop_handle(&mut self, handle: HandleId) {
        self.files.drop_handle(handle);
    }

    fn shutdown(&mut self, grace: Grace) {
        self.files.shutdown(grace);
    }

    fn report(&self) -> Option<Report> {
        self.files.report()
    }

    fn next_answer(&mut self) -> Option<(Asked, Answer)> {
        let files::Answer {
            op,
            outcome,
            handle,
            bytes,
        } = self.files.next_answer()?;
        let answer = Answer {
            outcome,
            handle,
            bytes,
        };
        Some((Asked(op.to_u64()), answer))
    }

    fn wait(&mut self, most: Duration) -> io::Result<()> {
        let wait = self.files.wait().unwrap_or(most).min(most);
        self.poll.poll(&mut self.events, Some(wait))?;
        self.files.tick();
        self.news
            .try_iter()
            .for_each(|ended| self.files.ended(ended));
        Ok(())
    }
}
