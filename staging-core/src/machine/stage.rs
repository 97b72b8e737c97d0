//! Staging: one flight for each file (G9), in passes that begin again when the file changes
//! meanwhile (G5), in chunks that can be stopped between (G8).
//!
//! ```text
//! Opening ─► Looking ─► AwaitingBudget ─► Mapping ─► Loading ─┬─► Staged
//!    ▲                                        ▲         │ ▲   │
//!    │                                        └ only mapped└─┘ next chunk
//!    └──────────────── the file changed ◄───────────────┘
//! ```

use super::Machine;
use super::state::{Contents, File, News, OPS, OpState, Owner, Pass, Queue, Step, Then};
use super::unstage::End;
use crate::action::IoKind;
use crate::completion::Stamp;
use crate::event::{Mode, Plan, Request};
use crate::fault::Fault;
use crate::id::{FileId, OpId};
use crate::limits::{charge_loaded, charge_mapped};
use crate::staging::How;
use crate::time::Tick;

impl Pass {
    pub(super) fn done(&self) -> u64 {
        match self.step {
            Step::Loading { done, .. } => done,
            Step::Opening
            | Step::Looking { .. }
            | Step::AwaitingBudget { .. }
            | Step::Mapping { .. } => 0,
        }
    }

    pub(super) fn charge(&self) -> u64 {
        match self.step {
            Step::Loading { charge, .. } | Step::Mapping { charge, .. } => charge,
            Step::Opening | Step::Looking { .. } | Step::AwaitingBudget { .. } => 0,
        }
    }
}

impl File {
    /// How many bytes are in memory.
    pub(super) fn bytes_in(&self) -> u64 {
        match self.contents {
            Contents::Staging(pass) => pass.done(),
            Contents::Staged { .. } | Contents::Lingering { .. } => self.stamp.len,
            Contents::Absent(_) | Contents::Stopping { .. } | Contents::Releasing { .. } => 0,
        }
    }

    /// How many bytes of the budget they take.
    pub(super) fn charge(&self) -> u64 {
        match self.contents {
            Contents::Absent(_) => 0,
            Contents::Staging(pass) => pass.charge(),
            Contents::Staged { charge, .. }
            | Contents::Lingering { charge, .. }
            | Contents::Stopping { charge, .. }
            | Contents::Releasing { charge, .. } => charge,
        }
    }
}

impl Machine {
    /// The plan of an operation that wants the file in memory.
    pub(super) fn plan_of(&self, op: OpId) -> Option<Plan> {
        match self.ops[op].request {
            Request::Open { plan, .. } | Request::Stage { plan, .. } => Some(plan),
            Request::Unstage { .. }
            | Request::Read { .. }
            | Request::Write { .. }
            | Request::Append { .. }
            | Request::SetLength { .. }
            | Request::Flush { .. }
            | Request::Sync { .. }
            | Request::Replace { .. }
            | Request::Lock { .. }
            | Request::FlushAll
            | Request::SyncAll
            | Request::Close { .. } => None,
        }
    }

    /// Somebody wants the file in memory: it is there, or is on its way, or sets out.
    pub(super) fn join(&mut self, op: OpId, file: FileId, seen: Seen) {
        match self.files[file].contents {
            Contents::Staged { .. } | Contents::Lingering { .. } => {
                if self.files[file].handles > 1 {
                    self.stats.shared += 1;
                }
                let outcome = self.success_of(op, file);
                self.resolve(op, outcome);
            }
            Contents::Absent(_) => {
                self.wait_for_staging(op, file);
                self.begin_pass(file, seen);
            }
            Contents::Staging(pass) => {
                self.stats.shared += 1;
                self.wait_for_staging(op, file);
                if let Step::AwaitingBudget {
                    queue: Queue::Patient,
                    ..
                } = pass.step
                {
                    self.refuse_impatient(file);
                }
            }
            Contents::Stopping { .. } | Contents::Releasing { .. } => {
                self.wait_for_staging(op, file);
            }
        }
    }

    pub(super) fn wait_for_staging(&mut self, op: OpId, file: FileId) {
        let wants_it = self.plan_of(op).is_some();
        self.ops[op].state = OpState::AwaitingStaging { file };
        let entry = &mut self.files[file];
        entry.waiting += 1;
        entry.stagers += u32::from(wants_it);
        self.ops.push_back(&mut entry.waiters, OPS, op);
    }

    pub(super) fn leave_waiters(&mut self, op: OpId, file: FileId) {
        let wanted_it = self.plan_of(op).is_some();
        let entry = &mut self.files[file];
        entry.waiting -= 1;
        entry.stagers -= u32::from(wanted_it);
        self.ops.unlink(&mut entry.waiters, OPS, op);
    }

    /// A file at rest sets out if somebody waits for that. Reads never do: they go to the file.
    pub(super) fn begin_pass(&mut self, file: FileId, seen: Seen) {
        let first = self.files.get(file).map(|file| &file.waiters);
        let first = first.and_then(|waiters| self.ops.first(waiters));
        if let Some(plan) = first.and_then(|op| self.plan_of(op)) {
            self.enter_pass(file, plan, self.now, 0, seen);
        }
    }

    pub(super) fn enter_pass(
        &mut self,
        file: FileId,
        plan: Plan,
        since: Tick,
        restarts: u8,
        seen: Seen,
    ) {
        let pass = Pass {
            plan,
            step: Step::Opening,
            since,
            restarts,
        };
        self.files[file].contents = Contents::Staging(pass);
        if self.have_descriptor(file) {
            self.staging_has_descriptor(file, seen);
        }
    }

    pub(super) fn set_step(&mut self, file: FileId, step: Step) {
        if let Contents::Staging(pass) = &mut self.files[file].contents {
            pass.step = step;
        }
    }

    /// A pass that waited for its descriptor goes on, with a look at the stamp unless that was
    /// seen just now.
    pub(super) fn staging_has_descriptor(&mut self, file: FileId, seen: Seen) {
        let Contents::Staging(
            pass @ Pass {
                step: Step::Opening,
                ..
            },
        ) = self.files[file].contents
        else {
            return;
        };
        match seen {
            Seen::Now => self.weigh(file, pass),
            Seen::Before => {
                self.use_descriptor(file);
                let io = self.issue(IoKind::Look { file }, Owner::File { file });
                self.set_step(file, Step::Looking { io });
            }
        }
    }

    pub(super) fn on_looked(&mut self, file: FileId, result: Result<Stamp, Fault>) {
        self.files[file].flights -= 1;
        if let Contents::Staging(
            pass @ Pass {
                step: Step::Looking { .. },
                ..
            },
        ) = self.files[file].contents
        {
            match result {
                Ok(stamp) => {
                    self.files[file].stamp = stamp;
                    self.weigh(file, pass);
                }
                Err(fault) => self.fail_staging(file, fault),
            }
        }
        self.stopped(file);
        self.after_flight(file, true);
    }

    /// An action of a file ended: what it used rests, what nobody needs goes.
    pub(super) fn after_flight(&mut self, file: FileId, used_descriptor: bool) {
        if self.files.get(file).is_none() {
            return;
        }
        if used_descriptor {
            self.done_with_descriptor(file);
        }
        self.reap(file);
    }

    /// The length is known: decides how the file is held, and asks for room.
    fn weigh(&mut self, file: FileId, pass: Pass) {
        let len = self.files[file].stamp.len;
        let how = how_to_hold(pass.plan, len);
        let mapped = matches!(how, How::Mapped | How::MappedShared);
        let writable = self.may_be_written(file);
        let how = match mapped && (writable || self.budget.fits_only_loaded(len)) {
            true if self.may_be_loaded(file, pass) => How::Loaded,
            true if writable => return self.fail_staging(file, Fault::NoMapping),
            true | false => how,
        };
        match how {
            How::Empty => self.proceed(file, how, 0),
            How::Loaded => self.ask_budget(file, how, charge_loaded(len)),
            How::Mapped | How::MappedShared => self.ask_budget(file, how, charge_mapped(len)),
        }
    }

    /// Whether what cannot be mapped may be loaded instead: somebody who waits for it did not insist.
    /// Whoever did shares it, as he would have if the other had come first (G9).
    fn may_be_loaded(&self, file: FileId, pass: Pass) -> bool {
        let insists = |plan: Plan| matches!(plan.mode, Mode::Map | Mode::MapShared);
        let mut next = self.ops.first(&self.files[file].waiters);
        while let Some(op) = next {
            if self.plan_of(op).is_some_and(|plan| !insists(plan)) {
                return true;
            }
            next = self.ops.after(OPS, op);
        }
        !insists(pass.plan)
    }

    /// The room is taken: orders the first action.
    pub(super) fn proceed(&mut self, file: FileId, how: How, charge: u64) {
        self.stats.most_charged = self.stats.most_charged.max(self.budget.charged());
        match how {
            How::Mapped | How::MappedShared => {
                let len = self.files[file].stamp.len;
                self.use_descriptor(file);
                let io = self.issue(IoKind::Map { file, len, how }, Owner::File { file });
                self.set_step(file, Step::Mapping { io, how, charge });
            }
            How::Loaded | How::Empty => self.load_from(file, how, charge, 0),
        }
    }

    fn load_from(&mut self, file: FileId, how: How, charge: u64, done: u64) {
        let total = self.files[file].stamp.len;
        let len = (total - done).min(self.limits.chunk);
        self.use_descriptor(file);
        let kind = IoKind::Load {
            file,
            offset: done,
            len,
            total,
        };
        let io = self.issue(kind, Owner::File { file });
        self.set_step(
            file,
            Step::Loading {
                io,
                how,
                charge,
                done,
            },
        );
    }

    pub(super) fn on_mapped(&mut self, file: FileId, result: Result<(), Fault>) {
        self.files[file].flights -= 1;
        if let Contents::Staging(
            pass @ Pass {
                step: Step::Mapping { how, charge, .. },
                ..
            },
        ) = self.files[file].contents
        {
            match result {
                Ok(()) => self.load_from(file, how, charge, 0),
                Err(Fault::NoMapping) if self.may_be_loaded(file, pass) => {
                    let less = charge_loaded(self.files[file].stamp.len);
                    self.budget.give_back(charge - less);
                    self.load_from(file, How::Loaded, less, 0);
                    self.serve_budget();
                }
                Err(Fault::Truncated) => self.begin_again(file, pass, charge),
                Err(fault) => self.fail_staging(file, fault),
            }
        }
        self.stopped(file);
        self.after_flight(file, true);
    }

    pub(super) fn on_loaded(&mut self, file: FileId, len: u64, result: Result<Stamp, Fault>) {
        self.files[file].flights -= 1;
        if let Contents::Staging(
            pass @ Pass {
                step: Step::Loading {
                    how, charge, done, ..
                },
                ..
            },
        ) = self.files[file].contents
        {
            let end = done + len;
            self.chunk_ended(file, pass, how, charge, end, result);
        }
        self.stopped(file);
        self.after_flight(file, true);
    }

    fn chunk_ended(
        &mut self,
        file: FileId,
        pass: Pass,
        how: How,
        charge: u64,
        end: u64,
        result: Result<Stamp, Fault>,
    ) {
        let total = self.files[file].stamp.len;
        match result {
            Ok(stamp) if stamp != self.files[file].stamp => self.begin_again(file, pass, charge),
            Err(Fault::Truncated) => self.begin_again(file, pass, charge),
            Err(fault) => self.fail_staging(file, fault),
            Ok(_) => {
                if pass.done() > 0 || end < total {
                    self.tell_progress(file);
                }
                if end == total {
                    self.finish(file, how, charge);
                } else {
                    self.load_from(file, how, charge, end);
                }
            }
        }
    }

    fn tell_progress(&mut self, file: FileId) {
        let news = News {
            progress: true,
            ..self.files[file].news
        };
        self.tell_news(file, news);
    }

    /// What was brought in is given up again: there is no progress to tell of.
    pub(super) fn drop_progress(&mut self, file: FileId) {
        let news = News {
            progress: false,
            ..self.files[file].news
        };
        self.tell_news(file, news);
    }

    /// The file changed while it was staged: another pass, or the end of patience (G5).
    fn begin_again(&mut self, file: FileId, pass: Pass, charge: u64) {
        if pass.restarts >= self.limits.restarts {
            return self.fail_staging(file, Fault::Changed);
        }
        self.stats.restarts += 1;
        let then = Then::Again {
            plan: pass.plan,
            since: pass.since,
            restarts: pass.restarts + 1,
        };
        self.release(file, charge, then);
    }

    fn finish(&mut self, file: FileId, how: How, charge: u64) {
        self.files[file].contents = Contents::Staged { how, charge };
        let len = self.files[file].stamp.len;
        self.count_staged(len);
        self.answer_waiters(file, End::Staged);
        self.send_away(file);
        self.close_if_unneeded(file);
    }

    pub(super) fn count_staged(&mut self, len: u64) {
        self.stats.staged += 1;
        self.stats.staged_bytes = self.stats.staged_bytes.saturating_add(len);
        self.stats.most_charged = self.stats.most_charged.max(self.budget.charged());
    }
}

/// When the stamp of a file that is to be staged was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// With this very event: an open brought it.
    Now,
    /// Earlier; there is to be a look.
    Before,
}

/// `Auto` loads what is small and maps what is large (G3).
fn how_to_hold(plan: Plan, len: u64) -> How {
    match plan.mode {
        _ if len == 0 => How::Empty,
        Mode::Auto if len <= plan.map_threshold => How::Loaded,
        Mode::Auto | Mode::Map => How::Mapped,
        Mode::MapShared => How::MappedShared,
        Mode::Load | Mode::None => How::Loaded,
    }
}
