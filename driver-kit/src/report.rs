//! What a shutdown says at its end (S8): times, counts, and the name of everything it could not
//! finish.

use crate::error::Operation;
use crate::hub::table::OpRow;
use staging_core::{Fault, IoKind, Report};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Something that a shutdown gave up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfinished {
    /// What was being done.
    pub operation: Operation,
    /// To which file.
    pub path: Arc<Path>,
    /// About how many bytes it was, where that is known.
    pub bytes: Option<u64>,
    /// Whether a system call was still under way when it was given up.
    pub in_flight: bool,
}

impl Unfinished {
    pub(crate) fn operation(row: &OpRow, fault: Fault) -> Option<Unfinished> {
        match fault {
            Fault::Abandoned | Fault::DriverLost => Some(Unfinished {
                operation: row.operation,
                path: Arc::clone(&row.path),
                bytes: row.bytes(),
                in_flight: false,
            }),
            _ => None,
        }
    }

    /// An action that was handed out and did not come back in time, on the file at this path.
    pub fn action(kind: IoKind, path: Arc<Path>) -> Unfinished {
        let (operation, bytes) = match kind {
            IoKind::Open { .. } | IoKind::Fetch { .. } => (Operation::Open, None),
            IoKind::Look { .. } => (Operation::Stage, None),
            IoKind::Map { len, .. } | IoKind::Load { len, .. } => (Operation::Stage, Some(len)),
            IoKind::Read { len, .. } => (Operation::Read, Some(len)),
            IoKind::Write { len, .. } => (Operation::Write, Some(len)),
            IoKind::SetLength { .. } => (Operation::SetLength, None),
            IoKind::Sync { .. } => (Operation::Sync, None),
            IoKind::Replace { .. } => (Operation::Replace, None),
            IoKind::Lock { .. } => (Operation::Lock, None),
            IoKind::Release { .. } => (Operation::Unstage, None),
            IoKind::Close { .. } => (Operation::Close, None),
        };
        Unfinished {
            operation,
            path,
            bytes,
            in_flight: true,
        }
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation.name(), self.path.display())?;
        if let Some(bytes) = self.bytes {
            write!(f, " ({bytes} bytes)")?;
        }
        if self.in_flight {
            f.write_str(", still in the kernel")?;
        }
        Ok(())
    }
}

/// How a shutdown went.
#[derive(Clone, Debug)]
#[must_use = "it names what could not be finished"]
pub struct ShutdownReport {
    /// Times and counts, from the machine.
    pub machine: Report,
    /// Why, in the words of whoever asked for it, if he gave any: the first that were given.
    pub reason: Option<Arc<str>>,
    /// Everything that was given up, by name. Empty in a clean end.
    pub unfinished: Vec<Unfinished>,
    /// Panics of handlers and observers that were caught on the way (S7).
    pub panics: u32,
}

impl ShutdownReport {
    /// Whether everything was finished and given back.
    pub fn is_clean(&self) -> bool {
        self.exit_code() == 0
    }

    /// 0 for a clean end; 1 where something was given up; 2 where the driver was lost.
    pub fn exit_code(&self) -> u8 {
        match self.machine.exit_code() {
            0 if !self.unfinished.is_empty() => 1,
            code => code,
        }
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            draining,
            closing,
            completed,
            failed,
            cancelled,
            abandoned,
            ..
        } = self.machine;
        f.write_str("closed")?;
        if let Some(reason) = &self.reason {
            write!(f, ", because {reason},")?;
        }
        write!(
            f,
            " after {:?} draining and {:?} closing: {completed} completed, {failed} failed, \
             {cancelled} cancelled, {abandoned} abandoned",
            Duration::from_nanos(draining),
            Duration::from_nanos(closing),
        )?;
        for unfinished in &self.unfinished {
            write!(f, "\n  unfinished: {unfinished}")?;
        }
        Ok(())
    }
}
