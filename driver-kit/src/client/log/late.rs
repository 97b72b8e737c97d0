//! What ran out of time, in words (R10).

use crate::error::{Cause, Failure, Operation, failure};
use staging_core::Fault;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The deadline passed, and nothing is under way that anybody may ask about.
pub(super) fn late(operation: Operation, path: &Arc<Path>) -> io::Error {
    Failure {
        operation,
        path: Arc::clone(path),
        cause: Cause::Fault(Fault::Deadline),
    }
    .into_io()
}

/// The same, when a file was being replaced: it may have the new content.
pub(super) fn unsure(operation: Operation, path: Arc<Path>) -> io::Error {
    Failure {
        operation,
        path,
        cause: Cause::Indeterminate(Fault::Deadline),
    }
    .into_io()
}

/// What ran out of time is what was asked for, not the step that it had come to.
pub(super) fn of(operation: Operation, path: &Arc<Path>, error: io::Error) -> io::Error {
    match is_late(&error) {
        true => late(operation, path),
        false => error,
    }
}

/// Whether the deadline passed.
pub(super) fn is_late(error: &io::Error) -> bool {
    failure(error).is_some_and(|failure| failure.cause == Cause::Fault(Fault::Deadline))
}
