//! The end of a staging, good or bad: back to rest first, then everybody who waited is told, in the
//! same transition and in order; what was taken is given back as soon as no action uses it (G8).

use super::Machine;
use super::stage::Seen;
use super::state::{Contents, OPS, OpState, Owner, Place, Step, Then};
use crate::action::{Done, IoKind, Outcome};
use crate::event::Request;
use crate::fault::Fault;
use crate::id::{FileId, IoId, OpId};
use crate::phase::Phase;
use crate::staging::Why;

/// How a staging ended, for those who waited for it.
#[derive(Clone, Copy)]
pub(super) enum End {
    Staged,
    Failed(Fault),
    Cancelled,
    ShuttingDown,
}

impl Machine {
    /// A pass failed: back to rest first, then the waiters are told why.
    pub(super) fn fail_staging(&mut self, file: FileId, fault: Fault) {
        self.halt(file, Why::Failed(fault));
        self.answer_waiters(file, End::Failed(fault));
    }

    /// Ends a staging that was not to end yet (G8): back to rest first, then the waiters are told.
    pub(super) fn stop(&mut self, file: FileId, why: Why) {
        self.halt(file, why);
        self.answer_waiters(file, End::Cancelled);
    }

    /// Ends a staging that nobody wants any more, or, while a shutdown drains, that no read waits
    /// for (S3).
    pub(super) fn stop_unless_wanted(&mut self, file: FileId) {
        let entry = &self.files[file];
        let under_way = match entry.contents {
            Contents::Staging(_)
            | Contents::Stopping {
                then: Then::Again { .. },
                ..
            }
            | Contents::Releasing {
                then: Then::Again { .. },
                ..
            } => true,
            Contents::Absent(_)
            | Contents::Staged { .. }
            | Contents::Lingering { .. }
            | Contents::Stopping {
                then: Then::Rest(_),
                ..
            }
            | Contents::Releasing {
                then: Then::Rest(_),
                ..
            } => false,
        };
        let a_read_waits = entry.waiting > entry.stagers;
        if under_way && entry.stagers == 0 {
            self.stop(file, Why::Cancelled);
        } else if matches!(self.phase, Phase::Draining { .. }) && !a_read_waits {
            self.refuse_stagers(file);
        }
    }

    /// A shutdown began (S2): what is being staged, and what was asked to be staged when the
    /// contents before are released, is not staged any more.
    pub(super) fn refuse_stagers(&mut self, file: FileId) {
        self.halt(file, Why::Cancelled);
        self.answer_waiters(file, End::ShuttingDown);
    }

    /// Brings a staging to rest: what it has taken is given back as soon as no action uses it.
    fn halt(&mut self, file: FileId, why: Why) {
        let then = Then::Rest(why);
        let pass = match &mut self.files[file].contents {
            Contents::Stopping { then: next, .. } | Contents::Releasing { then: next, .. } => {
                if matches!(next, Then::Again { .. }) || matches!(why, Why::Unstaged | Why::Written)
                {
                    *next = then;
                }
                return;
            }
            Contents::Absent(_) | Contents::Staged { .. } | Contents::Lingering { .. } => return,
            Contents::Staging(pass) => *pass,
        };
        match pass.step {
            Step::Opening => {
                self.files[file].contents = Contents::Absent(why);
                self.drop_idle_wish(file);
            }
            Step::Looking { io } => match self.ios.get(io).map(|io| io.place) {
                Some(Place::InFlight) => {
                    let charge = 0;
                    self.files[file].contents = Contents::Stopping { io, charge, then };
                }
                Some(Place::Ready) => {
                    self.files[file].contents = Contents::Absent(why);
                    self.recall(io);
                }
                None => self.files[file].contents = Contents::Absent(why),
            },
            Step::AwaitingBudget { charge, queue, .. } => {
                self.leave_queue(file, charge, queue);
                self.files[file].contents = Contents::Absent(why);
                self.serve_budget();
            }
            Step::Mapping { io, charge, .. } | Step::Loading { io, charge, .. } => {
                self.halt_action(file, io, charge, then);
            }
        }
    }

    /// What a mapping or a chunk that is under way has taken is given back when it ends.
    pub(super) fn halt_action(&mut self, file: FileId, io: IoId, charge: u64, then: Then) {
        match self.ios.get(io).map(|io| io.place) {
            Some(Place::InFlight) => {
                self.files[file].contents = Contents::Stopping { io, charge, then };
                self.drop_progress(file);
            }
            Some(Place::Ready) => {
                self.release(file, charge, then);
                self.recall(io);
            }
            None => self.release(file, charge, then),
        }
    }

    /// An action of a staging ended. If that was halted, it was kept busy by this alone (G9).
    pub(super) fn stopped(&mut self, file: FileId) {
        let Contents::Stopping { charge, then, .. } = self.files[file].contents else {
            return;
        };
        match then {
            // A look took nothing, nor did the proof that a file is empty; a mapping or a chunk did.
            Then::Rest(why) if charge == 0 => self.come_to_rest(file, why),
            Then::Rest(_) | Then::Again { .. } => self.release(file, charge, then),
        }
    }

    /// Orders the contents back, whole or in part.
    pub(super) fn release(&mut self, file: FileId, charge: u64, then: Then) {
        self.budget.release_begins(charge);
        self.drop_progress(file);
        let io = self.issue(IoKind::Release { file }, Owner::File { file });
        self.files[file].contents = Contents::Releasing { io, charge, then };
    }

    pub(super) fn on_released(&mut self, file: FileId, lent: u64) {
        self.files[file].flights -= 1;
        if let Contents::Releasing { charge, then, .. } = self.files[file].contents {
            self.budget.release_ended(charge, lent.min(charge));
            self.go_on(file, then);
            self.serve_budget();
        }
        self.after_flight(file, false);
    }

    /// The contents are given back: what was to come after that comes.
    fn go_on(&mut self, file: FileId, then: Then) {
        match then {
            Then::Again {
                plan,
                since,
                restarts,
            } => self.enter_pass(file, plan, since, restarts, Seen::Before),
            Then::Rest(why) => self.come_to_rest(file, why),
        }
    }

    /// Nothing is held any more: who waited for that is answered, and who asked for the file
    /// meanwhile has it staged.
    fn come_to_rest(&mut self, file: FileId, why: Why) {
        self.files[file].contents = Contents::Absent(why);
        while let Some(op) = self
            .files
            .get_mut(file)
            .and_then(|file| self.ops.pop_front(&mut file.leavers, OPS))
        {
            self.leave_release(op, file);
        }
        self.begin_pass(file, Seen::Before);
    }

    pub(super) fn start_unstage(&mut self, op: OpId, file: FileId) {
        if self.turn_away(file, Why::Unstaged) {
            self.resolve(op, Outcome::Unstaged);
        } else {
            self.ops[op].state = OpState::AwaitingRelease { file };
            self.ops.push_back(&mut self.files[file].leavers, OPS, op);
        }
    }

    /// Has the file give up what it holds or is bringing in. Says whether it holds nothing already;
    /// otherwise whoever stands in `leavers` is served when that is so.
    pub(super) fn turn_away(&mut self, file: FileId, why: Why) -> bool {
        match self.files[file].contents {
            Contents::Staged { charge, .. } | Contents::Lingering { charge, .. } => {
                self.release(file, charge, Then::Rest(why));
            }
            Contents::Staging(_) | Contents::Stopping { .. } | Contents::Releasing { .. } => {
                self.stop(file, why);
            }
            Contents::Absent(_) => {}
        }
        let at_rest = matches!(self.files[file].contents, Contents::Absent(_));
        if at_rest {
            self.files[file].contents = Contents::Absent(why);
        }
        at_rest
    }

    pub(super) fn answer_waiters(&mut self, file: FileId, end: End) {
        while let Some(op) = self
            .files
            .get(file)
            .and_then(|file| self.ops.first(&file.waiters))
        {
            self.leave_waiters(op, file);
            match (self.ops[op].request, end) {
                (Request::Read { .. }, End::Staged) => {
                    self.resolve(op, Outcome::FromContents { file });
                }
                (Request::Read { .. }, End::Failed(_) | End::Cancelled | End::ShuttingDown) => {
                    self.read_from_file(op, file);
                }
                (_, End::Staged) => {
                    let outcome = self.success_of(op, file);
                    self.resolve(op, outcome);
                }
                (Request::Open { .. }, End::Cancelled) => {
                    let outcome = self.opened_outcome(file);
                    self.resolve(op, outcome);
                }
                (_, End::Cancelled) => {
                    let fault = Fault::Cancelled;
                    self.resolve(
                        op,
                        Outcome::Failed {
                            fault,
                            done: Done::Nothing,
                        },
                    );
                }
                (_, End::ShuttingDown) => {
                    let fault = Fault::ShuttingDown;
                    self.resolve(
                        op,
                        Outcome::Failed {
                            fault,
                            done: Done::Nothing,
                        },
                    );
                }
                (_, End::Failed(fault)) => {
                    self.resolve(
                        op,
                        Outcome::Failed {
                            fault,
                            done: Done::Nothing,
                        },
                    );
                }
            }
        }
    }

    /// Reads that waited for a staging which ends without contents go to the file.
    pub(super) fn free_readers_of_staging(&mut self, file: FileId) {
        self.answer_waiters(file, End::Cancelled);
    }

    pub(super) fn success_of(&self, op: OpId, file: FileId) -> Outcome {
        match self.ops[op].request {
            Request::Open { .. } => self.opened_outcome(file),
            _ => self.staged_outcome(file),
        }
    }
}
