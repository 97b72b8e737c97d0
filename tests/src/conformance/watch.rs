//! Waiting without sleeping: for a thread, for a condition, for a moment; never for ever.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a case waits for what must happen before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Something that runs on a thread of its own.
#[derive(Debug)]
pub struct Started<T> {
    result: Receiver<T>,
}

/// Runs something on a thread of its own.
pub fn start<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    let (send, result) = channel();
    thread::spawn(move || {
        let _ = send.send(run());
    });
    Started { result }
}

impl<T> Started<T> {
    /// Waits for its result.
    ///
    /// # Errors
    /// It panicked, or hangs.
    pub fn join(&self) -> io::Result<T> {
        self.result.recv_timeout(PATIENCE).map_err(|error| {
            io::Error::other(match error {
                RecvTimeoutError::Timeout => "a thread of the case hangs",
                RecvTimeoutError::Disconnected => "a thread of the case panicked",
            })
        })
    }

    /// Whether it is still running: it did not end within a moment in which it could have.
    pub fn is_waiting(&self) -> bool {
        self.result.recv_timeout(Duration::from_millis(3)).is_err()
    }
}

/// Waits until a condition holds that nobody tells of.
///
/// # Errors
/// It never does.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > end {
            return Err(io::Error::other(format!("in vain waited for: {what}")));
        }
        until(Instant::now() + Duration::from_micros(200));
    }
    Ok(())
}

/// Lets time pass until a moment.
pub fn until(moment: Instant) {
    let (_keep, never) = channel::<()>();
    while let Some(rest) = moment.checked_duration_since(Instant::now()) {
        if rest.is_zero() {
            break;
        }
        let _ = never.recv_timeout(rest);
    }
}
