//! The files of the ring, with the kernel as the crew.

#[expect(dead_code, reason = "it is an example, whole")]
#[path = "../../../staging-core/examples/uring_loop/files.rs"]
mod files;
#[path = "../../../staging-core/examples/uring_loop/flight.rs"]
mod flight;
#[path = "../../../staging-core/examples/uring_loop/ring.rs"]
mod ring;

use crate::embedded::{Answer, Asked, Embedded};
use driver_kit::core::{Grace, HandleId, Limits, Machine, Reply, Report, Request, Tag, Tick};
use files::{Files, Payload};
use ring::Ring;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// How many calls may be under way.
const DEPTH: u32 = 64;

pub(crate) struct UringLoop {
    files: Files,
    asked: u64,
}

/// Whether this system has a ring for us, and if not, why.
pub(crate) fn to_be_had() -> io::Result<()> {
    Ring::new(DEPTH).map(drop)
}

impl UringLoop {
    fn begin(&mut self, deadline: Tick, ask: Request, payload: Payload) -> Result<Asked, Reply> {
        self.asked += 1;
        self.files.ask(Tag(self.asked), deadline, ask, payload)?;
        Ok(Asked(self.asked))
    }
}

impl Embedded for UringLoop {
    fn new(limits: Limits) -> io::Result<UringLoop> {
        let files = Files::new(limits, Ring::new(DEPTH)?);
        Ok(UringLoop { files, asked: 0 })
    }

    fn machine(&self) -> &Machine {
        self.files.machine()
    }

    fn now(&self) -> Tick {
        self.files.now()
    }

    /// A path with a 0 in it has no name that the system knows: ENOENT, as for an empty one.
    fn open(&mut self, deadline: Tick, open: Request, path: PathBuf) -> Result<Asked, Reply> {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        self.begin(deadline, open, Payload::Path(name))
    }

    fn ask(&mut self, deadline: Tick, request: Request, bytes: &[u8]) -> Result<Asked, Reply> {
        let payload = match bytes {
            [] => Payload::Nothing,
            bytes => Payload::Bytes(bytes.to_vec()),
        };
        self.begin(deadline, request, payload)
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
            tag,
            outcome,
            handle,
            bytes,
        } = self.files.next_answer()?;
        let answer = Answer {
            outcome,
            handle,
            bytes,
        };
        Some((Asked(tag.0), answer))
    }

    fn wait(&mut self, most: Duration) -> io::Result<()> {
        self.files.wait_at_most(most)
    }
}
