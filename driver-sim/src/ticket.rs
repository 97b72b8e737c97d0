//! A request under way, of a file or of all.

use crate::simulation::{Answer, Simulation, Ticket as Number};
use driver_kit::error::{Cause, Failure, Operation};
use staging_core::{Done, Fault, OpId, Outcome, Reject};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What stagers, files and tickets share.
pub(crate) type World = Arc<Mutex<Simulation>>;

/// The simulation, alone. Whoever panicked inside has told so himself.
pub(crate) fn alone(world: &World) -> MutexGuard<'_, Simulation> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When a caller stops waiting (R10): on the simulated clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Deadline {
    /// Never.
    #[default]
    Never,
    /// So long from when it is asked.
    Within(Duration),
}

impl Deadline {
    /// So long from when it is asked.
    pub const fn within(duration: Duration) -> Deadline {
        Deadline::Within(duration)
    }

    pub(crate) fn tick(self, simulation: &Simulation) -> staging_core::Tick {
        match self {
            Deadline::Never => staging_core::Tick::NEVER,
            Deadline::Within(duration) => simulation.now().plus(nanos(duration)),
        }
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A request that was accepted. Nothing happens to it until somebody steps the simulation.
///
/// Dropping it leaves the request alone; [`cancel`](Ticket::cancel) takes it back.
#[must_use = "its answer says whether it was done"]
#[derive(Debug)]
pub struct Ticket {
    pub(crate) world: World,
    pub(crate) number: Number,
    pub(crate) op: OpId,
    pub(crate) operation: Operation,
    pub(crate) path: Arc<Path>,
}

impl Ticket {
    /// Its number; later requests have greater ones.
    pub const fn number(&self) -> u64 {
        self.number.0
    }

    /// Whether the answer is there.
    pub fn is_answered(&self) -> bool {
        alone(&self.world).is_answered(self.number)
    }

    /// The answer, if it is there. It is given once.
    pub fn poll(&mut self) -> Option<io::Result<Answer>> {
        let answer = alone(&self.world).answer(self.number)?;
        Some(self.judged(answer))
    }

    /// Runs the simulation until the answer is there.
    ///
    /// # Errors
    /// What the answer says; or nothing is left that could answer, because an action hangs.
    pub fn wait(mut self) -> io::Result<Answer> {
        self.await_answer()
    }

    pub(crate) fn await_answer(&mut self) -> io::Result<Answer> {
        loop {
            let mut simulation = alone(&self.world);
            if let Some(answer) = simulation.answer(self.number) {
                drop(simulation);
                return self.judged(answer);
            }
            if !simulation.step() {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    format!(
                        "{} {}: nothing will ever answer; actions that hang: {}",
                        self.operation.name(),
                        self.path.display(),
                        simulation.hanging()
                    ),
                ));
            }
        }
    }

    /// Takes the request back (R10). The answer is there at once: that it was cancelled, unless it
    /// was answered before.
    pub fn cancel(&self) {
        alone(&self.world).cancel(self.op);
    }

    fn judged(&self, answer: Answer) -> io::Result<Answer> {
        let cause = match answer.outcome {
            Outcome::Failed {
                fault,
                done: Done::Bytes(bytes),
            } => Cause::CutShort { fault, bytes },
            Outcome::Failed {
                fault,
                done: Done::Unknown,
            } if self.operation == Operation::Replace => Cause::Indeterminate(fault),
            Outcome::Failed { fault, .. } => Cause::Fault(fault),
            Outcome::SyncFailed { .. } => Cause::Fault(Fault::SyncFailed),
            _ => return Ok(answer),
        };
        Err(failure(self.operation, &self.path, cause))
    }
}

pub(crate) fn failure(operation: Operation, path: &Arc<Path>, cause: Cause) -> io::Error {
    let path = Arc::clone(path);
    Failure {
        operation,
        path,
        cause,
    }
    .into_io()
}

pub(crate) fn refused(operation: Operation, path: &Arc<Path>, reject: Reject) -> io::Error {
    failure(operation, path, Cause::Rejected(reject))
}
