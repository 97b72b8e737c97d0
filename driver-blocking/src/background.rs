//! A staging that goes on while its caller does something else.

use crate::File;
use crate::options::answer;
use driver_kit::Deadline;
use driver_kit::batch::Progress;
use driver_kit::core::Standing;
use driver_kit::error::Failure;
use driver_kit::gauge::Gauge;
use driver_kit::hub::Ticket;
use std::io;

/// The staging of an open file, begun by [`File::begin_staging`]. With a pool it goes on by itself;
/// without, in [`wait`](Background::wait), and in whatever else waits for something. Reads of the
/// file wait for its end (G2). Dropped, it ends within a chunk, unless somebody else wants it too
/// (G8).
#[derive(Debug)]
#[must_use = "dropping it cancels the staging"]
pub struct Background<'a> {
    file: &'a File,
    gauge: Gauge,
    ticket: Ticket,
}

impl<'a> Background<'a> {
    pub(crate) fn new(file: &'a File, ticket: Ticket) -> Background<'a> {
        Background {
            file,
            gauge: Gauge::begin(),
            ticket,
        }
    }

    /// How far it is, as of a batch of one (G7). Can be asked from any thread.
    pub fn progress(&self) -> Progress {
        self.gauge.look(self.file.handle())
    }

    /// Waits for its end, and says how the file then stands.
    ///
    /// # Errors
    /// Staging failed, or was stopped by another's unstage.
    pub fn wait(self) -> io::Result<Standing> {
        let answer = answer(self.ticket, Deadline::Never);
        answer.standing().map_err(Failure::into_io)
    }

    /// Ends it within a chunk, unless somebody else wants it too (G8). The same as dropping it.
    pub fn cancel(self) {}
}
