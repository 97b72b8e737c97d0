//! Removing what crashes left of replaces, on request (A2). A stager does so by itself before it first replaces a
//! file in a directory.

use crate::error::{Cause, Failure, Operation, fault_of};
use crate::path;
use crate::perform::sweep_directory;
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

/// Removes the temporary files of replaces in a directory whose owners are certainly gone, and says how many
/// those were. Looks into no directory beneath it. May wait for the disk.
///
/// # Errors
/// The directory cannot be read.
pub fn sweep(directory: &Path) -> io::Result<u64> {
    let path = path::absolute(directory).map_err(Failure::into_io)?;
    sweep_directory(&path).map_err(|error| {
        let cause = Cause::Fault(fault_of(&error));
        let operation = Operation::Sweep;
        Failure {
            operation,
            path,
            cause,
        }
        .into_io()
    })
}

/// The same on a thread of its own. It goes on to its end also where nobody waits.
pub(crate) fn swept(directory: &Path) -> impl Future<Output = io::Result<u64>> + Send + use<> {
    let (directory, result) = (directory.to_path_buf(), Arc::new(Ended::default()));
    let ended = Arc::clone(&result);
    let begun = thread::Builder::new()
        .name("staging-sweep".into())
        .spawn(move || ended.put(sweep(&directory)));
    async move {
        begun?;
        poll_fn(|context| result.poll(context.waker())).await
    }
}

/// What came of it, and who waits for that.
#[derive(Default)]
struct Ended {
    state: Mutex<(Option<io::Result<u64>>, Option<Waker>)>,
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, (Option<io::Result<u64>>, Option<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, result: io::Result<u64>) {
        let waker = {
            let mut state = self.lock();
            state.0 = Some(result);
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, waker: &Waker) -> Poll<io::Result<u64>> {
        let mut state = self.lock();
        if let Some(result) = state.0.take() {
            return Poll::Ready(result);
        }
        state.1 = Some(waker.clone());
        Poll::Pending
    }
}
