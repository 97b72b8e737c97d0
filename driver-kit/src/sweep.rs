//! Removing what crashes left of replaces, on request (A2). A stager does so by itself before it first replaces a
//! file in a directory.

use crate::error::{Cause, Failure, Operation, fault_of};
use crate::path;
use crate::perform::sweep_directory;
use futures_channel::oneshot;
use std::future::Future;
use std::io;
use std::path::Path;
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
    let directory = directory.to_path_buf();
    let (tell, told) = oneshot::channel();
    let begun = thread::Builder::new()
        .name("staging-sweep".into())
        // Whoever asked may be gone.
        .spawn(move || drop(tell.send(sweep(&directory))));
    async move {
        begun?;
        told.await.map_err(io::Error::other)?
    }
}
