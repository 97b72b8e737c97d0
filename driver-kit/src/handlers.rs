//! Handlers: single kinds of action can be carried out by somebody else, and given back, while
//! everything runs. For metrics, for fault injection, for other backings.

use crate::job::{Brought, Finished, Job};
use crate::perform::perform;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, lock};
use staging_core::{Completion, Fault, IoKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Carries out a job in place of the system. It may do something else, fail it with
/// [`Job::fail`], or hand it on to `next` and look at what comes back.
///
/// It runs on whatever thread carries the action out, outside every lock. A panic in it is caught,
/// counted, and answered as an I/O error.
pub type Handler = Arc<dyn Fn(Job, &dyn Fn(Job) -> Finished) -> Finished + Send + Sync>;

/// The kinds of action a handler can be set for: one for each [`IoKind`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "each is the IoKind of the same name")]
pub enum ActionKind {
    Open,
    Fetch,
    Look,
    Map,
    Load,
    Read,
    Write,
    SetLength,
    Sync,
    Replace,
    Lock,
    Release,
    Close,
}

impl ActionKind {
    /// All of them.
    pub const ALL: [ActionKind; 13] = [
        ActionKind::Open,
        ActionKind::Fetch,
        ActionKind::Look,
        ActionKind::Map,
        ActionKind::Load,
        ActionKind::Read,
        ActionKind::Write,
        ActionKind::SetLength,
        ActionKind::Sync,
        ActionKind::Replace,
        ActionKind::Lock,
        ActionKind::Release,
        ActionKind::Close,
    ];

    /// The kind of an action.
    pub const fn of(kind: IoKind) -> ActionKind {
        match kind {
            IoKind::Open { .. } => ActionKind::Open,
            IoKind::Fetch { .. } => ActionKind::Fetch,
            IoKind::Look { .. } => ActionKind::Look,
            IoKind::Map { .. } => ActionKind::Map,
            IoKind::Load { .. } => ActionKind::Load,
            IoKind::Read { .. } => ActionKind::Read,
            IoKind::Write { .. } => ActionKind::Write,
            IoKind::SetLength { .. } => ActionKind::SetLength,
            IoKind::Sync { .. } => ActionKind::Sync,
            IoKind::Replace { .. } => ActionKind::Replace,
            IoKind::Lock { .. } => ActionKind::Lock,
            IoKind::Release { .. } => ActionKind::Release,
            IoKind::Close { .. } => ActionKind::Close,
        }
    }
}

/// Who carries out what; without a handler, [`perform`].
#[derive(Default)]
pub struct Handlers {
    /// One bit for each kind that has a handler: the common case looks at nothing else.
    set: AtomicU32,
    table: Mutex<[Option<Handler>; 13]>,
    panics: AtomicU32,
}

impl Handlers {
    /// Sets the handler for one kind of action, from the next action on.
    pub fn set(&self, kind: ActionKind, handler: Handler) {
        let mut table = lock(&self.table);
        table[kind as usize] = Some(handler);
        self.set.fetch_or(1 << kind as u32, Ordering::Release);
    }

    /// Gives one kind of action back to the system, from the next action on.
    pub fn restore(&self, kind: ActionKind) {
        let gone = {
            let mut table = lock(&self.table);
            self.set.fetch_and(!(1 << kind as u32), Ordering::Release);
            table[kind as usize].take()
        };
        drop(gone);
    }

    /// Whether a kind of action has a handler.
    pub fn is_set(&self, kind: ActionKind) -> bool {
        self.set.load(Ordering::Acquire) & (1 << kind as u32) != 0
    }

    /// How many panics of handlers were caught.
    pub fn panics(&self) -> u32 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Carries a job out, by its handler if there is one.
    pub fn carry_out(&self, job: Job) -> Finished {
        tracing::trace!(io = ?job.io, kind = ?job.kind, path = %job.path.display(), "perform");
        let kind = ActionKind::of(job.kind);
        if !self.is_set(kind) {
            return perform(job);
        }
        let handler = {
            let table = lock(&self.table);
            table[kind as usize].clone()
        };
        match handler {
            None => perform(job),
            Some(handler) => self.shielded(&handler, job),
        }
    }

    fn shielded(&self, handler: &Handler, job: Job) -> Finished {
        let (io, kind, path) = (job.io, job.kind, Arc::clone(&job.path));
        catch_unwind(AssertUnwindSafe(|| handler(job, &perform))).unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(?io, "a handler panicked; its action fails with EIO");
            let fault = Fault::Os(rustix::io::Errno::IO.raw_os_error());
            let completion = Completion::Failed { fault };
            Finished {
                io,
                kind,
                path,
                completion,
                brought: Brought::Nothing,
            }
        })
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = self.set.load(Ordering::Relaxed);
        let set: Vec<_> = ActionKind::ALL
            .into_iter()
            .filter(|kind| set & (1 << *kind as u32) != 0)
            .collect();
        f.debug_struct("Handlers")
            .field("set", &set)
            .finish_non_exhaustive()
    }
}
