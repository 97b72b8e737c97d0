//! A staging that goes on by itself.

use super::File;
use crate::batch::Progress;
use crate::error::Failure;
use crate::gauge::Gauge;
use crate::hub::Ticket;
use staging_core::Standing;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The staging of an open file, begun by [`File::begin_staging`]. It goes on whether this is polled
/// or not; awaited, it says how the file then stands. Reads of the file wait for its end (G2).
///
/// # Cancel safety
/// Dropped, the staging ends within a chunk, unless somebody else wants it too (G8).
#[derive(Debug)]
#[must_use = "dropping it cancels the staging"]
pub struct Background {
    file: File,
    gauge: Gauge,
    ticket: Ticket,
}

impl Background {
    pub(super) fn new(file: File, ticket: Ticket) -> Background {
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

    /// The file that is being staged.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// Ends it within a chunk, unless somebody else wants it too (G8). The same as dropping it.
    pub fn cancel(self) {}
}

impl Future for Background {
    type Output = io::Result<Standing>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(answer) = Pin::new(&mut self.ticket).poll(context) else {
            return Poll::Pending;
        };
        Poll::Ready(answer.standing().map_err(Failure::into_io))
    }
}
