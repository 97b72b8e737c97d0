//! Looking into errors.

use driver_kit::core::Fault;
use driver_kit::error::{Cause, Operation, failure};
use rustix::io::Errno;
use std::io;
use std::path::Path;

/// Why it failed.
pub fn cause_of(error: &io::Error) -> Option<Cause> {
    failure(error).map(|failure| failure.cause)
}

/// The fault, if the world said no.
pub fn fault_of(error: &io::Error) -> Option<Fault> {
    match cause_of(error) {
        Some(Cause::Fault(fault) | Cause::CutShort { fault, .. } | Cause::Indeterminate(fault)) => {
            Some(fault)
        }
        Some(Cause::Contended(_)) => Some(Fault::Deadline),
        Some(Cause::Rejected(_)) | None => None,
    }
}

/// Whether the system said no with this number.
pub fn is_errno(error: &io::Error, errno: Errno) -> bool {
    driver_kit::error::errno(error) == Some(errno.raw_os_error())
}

/// Whether the error says which operation failed on which absolute path.
pub fn names_its_file(error: &io::Error, operation: Operation, path: &Path) -> bool {
    let message = error.to_string();
    failure(error).is_some_and(|failure| failure.operation == operation && *failure.path == *path)
        && message.starts_with(operation.name())
        && message.contains(&path.display().to_string())
}
