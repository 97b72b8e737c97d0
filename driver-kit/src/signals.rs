//! SIGINT and SIGTERM, as every driver understands them (S6): once is graceful, twice forces,
//! three times exits at once.
//!
//! The handlers only write to a pipe, and look at a flag; everything else happens on whoever reads
//! the pipe. It can be read with [`Signals::wait`], or watched by a reactor through
//! [`Signals::pipe`].

use crate::hub::Hub;
use signal_hook::consts::{SIGINT, SIGTERM};
use staging_core::Grace;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Press {
    /// The first: shut down gracefully.
    Graceful,
    /// The second: force it. The third does not come this far.
    Force,
}

impl Press {
    /// Shuts a hub down as the signal asks, if the hub is still there.
    pub fn shut_down(self, hub: &Weak<Hub>, grace: Grace) {
        let Some(hub) = hub.upgrade() else { return };
        match self {
            Press::Graceful => hub.shut_down_because(grace, REASON),
            Press::Force => hub.force_because(Duration::from_nanos(grace.closing), REASON),
        }
    }
}

/// The reason that a shutdown has to which nobody asked but who pressed a key (S8).
const REASON: &str = "a signal came";

/// The exit status of a process that was pressed three times: as if killed by SIGINT.
pub const EXIT_STATUS: i32 = 130;

/// SIGINT and SIGTERM, caught.
#[derive(Debug)]
pub struct Signals {
    pipe: UnixStream,
    presses: u32,
    /// From the second press on, the handler itself exits.
    last: Arc<AtomicBool>,
}

impl Signals {
    /// Catches both signals from now on, for the rest of the process.
    ///
    /// # Errors
    /// No pipe could be made, or no handler set (`socketpair`, `sigaction`).
    pub fn catch() -> io::Result<Signals> {
        let (pipe, write) = UnixStream::pair()?;
        let last = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(
                signal,
                EXIT_STATUS,
                Arc::clone(&last),
            )?;
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Signals {
            pipe,
            presses: 0,
            last,
        })
    }

    /// Becomes readable with each signal.
    pub const fn pipe(&self) -> &UnixStream {
        &self.pipe
    }

    /// Shuts a hub down as the signals ask, on a thread that waits for them for the rest of the
    /// process. It keeps the deadlines of that shutdown, too (S3): perhaps nobody waits for its end.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn listen(mut self, hub: Weak<Hub>, grace: Grace) -> io::Result<()> {
        let listen = move || {
            loop {
                let wait = self.due(&hub).map(|at| {
                    // A socket takes no time at all for any time.
                    let rest = at.saturating_duration_since(Instant::now());
                    rest.max(Duration::from_micros(1))
                });
                match self.pipe.set_read_timeout(wait).and_then(|()| self.wait()) {
                    Ok(press) => press.shut_down(&hub, grace),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => keep_time(&hub),
                    Err(_) => return,
                }
            }
        };
        thread::Builder::new()
            .name("staging-signals".to_owned())
            .spawn(listen)
            .map(drop)
    }

    /// When a hub that was shut down by a signal is to hear that time passed. No signal, no hurry.
    pub fn due(&self, hub: &Weak<Hub>) -> Option<Instant> {
        match self.presses {
            0 => None,
            _ => hub.upgrade()?.next_wake(),
        }
    }

    /// Waits for the next signal, blocking.
    ///
    /// # Errors
    /// The pipe failed.
    pub fn wait(&mut self) -> io::Result<Press> {
        let mut byte = [0];
        self.pipe.read_exact(&mut byte)?;
        Ok(self.press())
    }

    /// One signal was read from the pipe.
    pub fn press(&mut self) -> Press {
        self.presses += 1;
        if self.presses == 1 {
            return Press::Graceful;
        }
        self.last.store(true, Ordering::SeqCst);
        Press::Force
    }
}

/// Time passed, maybe beyond a deadline of the shutdown.
pub fn keep_time(hub: &Weak<Hub>) {
    if let Some(hub) = hub.upgrade() {
        hub.tick();
    }
}
