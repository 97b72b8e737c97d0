//! An open that was asked for, and not waited for.

use crate::File;
use crate::simulation::Answer;
use crate::ticket::Ticket;
use driver_kit::options::Options;
use std::io;
use std::sync::Arc;

/// A file on its way to be open. See [`OpenOptions::begin_open`](crate::OpenOptions::begin_open). Nothing
/// happens to it until somebody steps the simulation.
///
/// Dropped, the open is taken back, and what it opened is closed again.
#[must_use = "it gives the file once it is open"]
#[derive(Debug)]
pub struct OpenTicket {
    /// There until it gave its file.
    ticket: Option<Ticket>,
    options: Options,
}

impl OpenTicket {
    pub(crate) const fn of(ticket: Ticket, options: Options) -> OpenTicket {
        OpenTicket {
            ticket: Some(ticket),
            options,
        }
    }

    /// Its number; later requests have greater ones. `None` once it gave its file.
    pub fn number(&self) -> Option<u64> {
        self.ticket.as_ref().map(Ticket::number)
    }

    /// Whether the answer is there, and was not taken.
    pub fn is_answered(&self) -> bool {
        self.ticket.as_ref().is_some_and(Ticket::is_answered)
    }

    /// The open file, if it is open. It is given once. Where it is to be cut to nothing, that is asked for by
    /// now, before whatever is asked of it.
    pub fn poll(&mut self) -> Option<io::Result<File>> {
        let ticket = self.ticket.as_mut()?;
        let answer = ticket.poll()?;
        let ticket = self.ticket.take()?;
        let opened = answer.and_then(|answer| self.file(&ticket, &answer));
        Some(opened.and_then(|file| {
            if self.options.truncate {
                drop(file.begin_set_len(0, crate::Deadline::Never)?);
            }
            Ok(file)
        }))
    }

    /// Runs the simulation until the file is open and staged as planned, and as long as it is to be.
    ///
    /// # Errors
    /// There is no regular file, staging it failed, or the deadline passed; or nothing is left that could
    /// answer, because an action hangs.
    pub fn wait(mut self) -> io::Result<File> {
        let Some(ticket) = self.ticket.as_mut() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let answer = ticket.await_answer();
        let file = match (answer, self.ticket.take()) {
            (Ok(answer), Some(ticket)) => self.file(&ticket, &answer)?,
            (Err(error), _) => return Err(error),
            (Ok(_), None) => return Err(io::ErrorKind::NotFound.into()),
        };
        if self.options.truncate {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// The file of an answer, told how it is to be used.
    fn file(&self, ticket: &Ticket, answer: &Answer) -> io::Result<File> {
        let (Some(handle), Some(file)) = (answer.handle, answer.file()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let file = File::new(Arc::clone(&ticket.world), handle, file, self.options.class);
        for tuning in self.options.tunings() {
            file.tune(tuning)?;
        }
        if let Some(every) = self.options.sync_every {
            file.set_sync_every(every);
        }
        if self.options.timed {
            file.keep_times();
        }
        Ok(file)
    }
}

impl Drop for OpenTicket {
    fn drop(&mut self) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.cancel();
            if let Some(Ok(answer)) = ticket.poll() {
                // It was open already.
                drop(self.file(&ticket, &answer));
            }
        }
    }
}
