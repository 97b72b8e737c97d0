//! Gated storage: the actions of one kind are held, failed, or lied about, one by one.

use super::watch::PATIENCE;
use driver_kit::core::{Completion, Fault, IoKind};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::Hub;
use driver_kit::job::{Finished, Job};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What becomes of an action at a gate.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// It is carried out.
    Pass,
    /// It is carried out when the gate is opened.
    Hold,
    /// It fails with this.
    Fail(Fault),
    /// It fails with this when the gate is opened.
    HoldAndFail(Fault),
    /// It is not carried out, and said to have ended like this.
    Instead(Completion),
    /// It is carried out, and said to have ended otherwise.
    Say(fn(Completion) -> Completion),
    /// Whoever carries it out panics.
    Panic,
}

/// A handler for one kind of action; gone when dropped, and what it held goes on.
pub struct Gate {
    hub: Arc<Hub>,
    kind: ActionKind,
    passage: Arc<Passage>,
}

struct Passage {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    arrived: Vec<(IoKind, PathBuf)>,
    ended: u64,
    inside: u64,
    most_inside: u64,
}

impl Gate {
    /// Judges the actions of a kind by their number, from 0.
    pub fn judging(
        hub: &Arc<Hub>,
        kind: ActionKind,
        judge: impl Fn(u64) -> Verdict + Send + Sync + 'static,
    ) -> Gate {
        let passage = Arc::new(Passage {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (way, passing) = (Arc::clone(&passage), judge);
        let handler = move |job: Job, next: &dyn Fn(Job) -> Finished| {
            let number = way.arrive(&job);
            let finished = match passing(number) {
                Verdict::Pass => next(job),
                Verdict::Hold => {
                    way.wait_open();
                    next(job)
                }
                Verdict::Fail(fault) => job.fail(fault),
                Verdict::HoldAndFail(fault) => {
                    way.wait_open();
                    job.fail(fault)
                }
                Verdict::Instead(completion) => job.fail(Fault::Short).say(completion),
                Verdict::Say(say) => {
                    let finished = next(job);
                    let said = say(finished.completion());
                    finished.say(said)
                }
                Verdict::Panic => {
                    way.leave();
                    std::panic::resume_unwind(Box::new("the handler was told to panic"));
                }
            };
            way.leave();
            finished
        };
        hub.handlers().set(kind, Arc::new(handler));
        Gate {
            hub: Arc::clone(hub),
            kind,
            passage,
        }
    }

    /// Holds every action of a kind.
    pub fn closed(hub: &Arc<Hub>, kind: ActionKind) -> Gate {
        Gate::judging(hub, kind, |_| Verdict::Hold)
    }

    /// Holds the action with this number, from 0, and lets the others pass.
    pub fn holding(hub: &Arc<Hub>, kind: ActionKind, which: u64) -> Gate {
        Gate::holding_those(hub, kind, move |number| number == which)
    }

    /// Holds the actions from this number on, from 0, and lets those before pass.
    pub fn holding_from(hub: &Arc<Hub>, kind: ActionKind, first: u64) -> Gate {
        Gate::holding_those(hub, kind, move |number| number >= first)
    }

    fn holding_those(
        hub: &Arc<Hub>,
        kind: ActionKind,
        held: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> Gate {
        Gate::judging(hub, kind, move |number| match held(number) {
            true => Verdict::Hold,
            false => Verdict::Pass,
        })
    }

    /// Fails the action with this number, from 0, and lets the others pass.
    pub fn failing(hub: &Arc<Hub>, kind: ActionKind, which: u64, fault: Fault) -> Gate {
        Gate::judging(hub, kind, move |number| {
            if number == which {
                Verdict::Fail(fault)
            } else {
                Verdict::Pass
            }
        })
    }

    /// Only counts.
    pub fn counting(hub: &Arc<Hub>, kind: ActionKind) -> Gate {
        Gate::judging(hub, kind, |_| Verdict::Pass)
    }

    /// Lets go what is held, and holds no more.
    pub fn open(&self) {
        self.passage.lock().open = true;
        self.passage.changed.notify_all();
    }

    /// Waits until so many actions came.
    ///
    /// # Errors
    /// They do not.
    pub fn wait_arrived(&self, actions: usize) -> io::Result<()> {
        self.passage.wait("an action that does not come", |state| {
            state.arrived.len() >= actions
        })
    }

    /// Waits until so many actions have gone by.
    ///
    /// # Errors
    /// They do not.
    pub fn wait_ended(&self, actions: u64) -> io::Result<()> {
        self.passage.wait("an action that does not end", |state| {
            state.ended >= actions
        })
    }

    /// How many came.
    pub fn arrived(&self) -> usize {
        self.passage.lock().arrived.len()
    }

    /// What came.
    pub fn seen(&self) -> Vec<(IoKind, PathBuf)> {
        self.passage.lock().arrived.clone()
    }

    /// How many were under way at once, at the most.
    pub fn most_at_once(&self) -> u64 {
        self.passage.lock().most_inside
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
        self.hub.handlers().restore(self.kind);
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Passage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(&self, job: &Job) -> u64 {
        let mut state = self.lock();
        let number = state.arrived.len() as u64;
        state.arrived.push((job.kind(), job.path().to_path_buf()));
        state.inside += 1;
        state.most_inside = state.most_inside.max(state.inside);
        self.changed.notify_all();
        number
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.ended += 1;
        state.inside -= 1;
        self.changed.notify_all();
    }

    fn wait_open(&self) {
        let mut state = self.lock();
        while !state.open {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wait(&self, what: &str, holds: impl Fn(&State) -> bool) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        let mut state = self.lock();
        while !holds(&state) {
            let Some(rest) = end.checked_duration_since(Instant::now()) else {
                return Err(io::Error::other(format!("the gate waited for {what}")));
            };
            state = self
                .changed
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }
}
