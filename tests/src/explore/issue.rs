//! What may be handed out: the driver takes an action, and looks whether it can be carried out.

use super::around::{Job, SeatState, State, Touch};
use super::rules::{Broken, Rule, Verdict};
use super::step::Turn;
use super::world::What;
use arrayvec::ArrayVec;
use staging_core::{
    Access, FileId, HandleId, IoId, IoKind, LockStep, OpId, Outcome, PhaseName, ReplaceStep, Tell,
    Tick,
};

impl Turn<'_> {
    pub(crate) fn handed_out(&mut self, io: IoId, kind: IoKind) -> Verdict {
        self.reached.asked_for(kind);
        self.check_io_id(io)?;
        self.check_phase_allows(kind)?;
        if let IoKind::Replace { op, step } = kind {
            let chunk = self.world.limits.chunk;
            let State { machine, around } = &mut *self.state;
            let said = match step {
                ReplaceStep::SyncFile { .. } => {
                    let ops: Vec<OpId> = machine.files_of(io).collect();
                    around.replaces.files_handed_out(op, step, &ops)
                }
                step => around.replaces.handed_out(op, step, (chunk, chunk)),
            };
            Rule::ReplacedInSteps.holds(said.is_ok(), || said.err().unwrap_or_default())?;
        }
        if let IoKind::Lock { lock, step } = kind {
            let State { machine, around } = &mut *self.state;
            let said = around.locks.handed_out(lock, step, machine);
            let rule = match step {
                LockStep::Try { .. } => Rule::LocksInOrder,
                LockStep::Release => Rule::LocksGivenBack,
            };
            rule.holds(said.is_ok(), || said.err().unwrap_or_default())?;
        }
        let file = self.file_of(kind)?;
        let mut job = Job {
            io,
            kind,
            file,
            seq: 0,
            due: Tick::NEVER,
            touch: None,
            part: None,
            early: self.state.around.files[file].view,
            lent: 0,
            returned: 0,
            reopens: false,
            closes_reader: false,
        };
        match kind {
            IoKind::Open { handle, .. } => {
                job.reopens = self.state.machine.file_of(handle).is_some();
                if !job.reopens {
                    job.seq = self.opening(handle);
                }
            }
            IoKind::Fetch { handle, .. } => job.seq = self.opening(handle),
            IoKind::Look { .. } | IoKind::Map { .. } | IoKind::Load { .. } => {
                self.check_alone(file, kind)?;
                self.check_drains_for_reads(file, kind)?;
                self.check_descriptor(file, kind, Access::Read)?;
                let beside = self.state.around.jobs.iter().find(|job| writes(job, file));
                Rule::NoOverlapInFlight
                    .holds(beside.is_none(), || format!("{kind:?} beside {beside:?}"))?;
            }
            IoKind::Read { op, .. } => {
                self.check_descriptor(file, kind, Access::Read)?;
                (job.seq, job.touch) = self.check_sets_out(op, kind)?;
                self.check_waited(op, file)?;
            }
            IoKind::Write { .. } | IoKind::SetLength { .. } => {
                self.check_alone(file, kind)?;
                self.check_descriptor(file, kind, Access::Write)?;
                if let IoKind::SetLength { op, .. } = kind {
                    (job.seq, job.touch) = self.check_sets_out(op, kind)?;
                    job.due = self.state.around.due_of(op);
                }
                let held = self.state.around.files[file]
                    .held
                    .filter(|held| held.charge > 0);
                Rule::NoWriteUnderContents
                    .holds(held.is_none(), || format!("{kind:?} under {held:?}"))?;
            }
            IoKind::Sync { .. } => {
                self.check_descriptor(file, kind, Access::Write)?;
                let syncing = self.state.around.files[file].syncing;
                Rule::OneFlight.holds(!syncing, || format!("{kind:?} beside another"))?;
                self.sync_begins(file);
            }
            IoKind::Replace { .. } | IoKind::Lock { .. } => {}
            IoKind::Release { .. } => {
                self.check_alone(file, kind)?;
                self.check_told_before(kind)?;
                if let Some(held) = self.state.around.files[file].held.take() {
                    job.lent = u64::from(held.kept);
                }
                self.state.around.files[file].found_empty = false;
            }
            IoKind::Close { .. } => {
                let jobs = &self.state.around.jobs;
                let used = jobs.iter().any(|job| job.file == file && uses(job.kind));
                Rule::CloseWhenUnused.holds(!used, || format!("{kind:?} while it is used"))?;
                self.check_descriptor(file, kind, Access::Read)?;
                let closed = self.state.around.files[file].descriptor.take();
                job.closes_reader = closed == Some(Access::Read);
            }
        }
        match kind {
            IoKind::Write { .. } => self.run_sets_out(job),
            _ => {
                self.state.around.jobs.push(job);
                Ok(())
            }
        }
    }

    /// R7: each part of a run of writes is a job of its own, and they end together.
    fn run_sets_out(&mut self, job: Job) -> Verdict {
        let IoKind::Write {
            mut offset, parts, ..
        } = job.kind
        else {
            return Ok(());
        };
        let run: ArrayVec<(OpId, u64), 8> = self.state.machine.run(job.io).collect();
        let whole = run.len() == parts as usize;
        Rule::RunsKeepToBarriers.holds(whole, || format!("{run:?} is {:?}", job.kind))?;
        let (mut first, mut last) = (u32::MAX, 0);
        for (op, len) in run {
            let (seq, touch) = self.check_sets_out(op, job.kind)?;
            let part = Some((offset, len));
            let due = self.state.around.due_of(op);
            let follows = touch.is_some_and(|touch| touch.end == offset + len);
            Rule::RunsKeepToBarriers.holds(follows, || format!("{touch:?} in {:?}", job.kind))?;
            self.state.around.jobs.push(Job {
                seq,
                due,
                touch,
                part,
                ..job
            });
            (first, last, offset) = (first.min(seq), last.max(seq), offset + len);
        }
        self.check_no_barrier_between(first, last, job.file)
    }

    pub(crate) fn check_no_barrier_between(&self, first: u32, last: u32, file: usize) -> Verdict {
        let between = self.state.around.asked.iter().find(|asked| {
            let ask = &self.world.asks[usize::from(asked.ask)];
            let here = match ask.what {
                What::Flush | What::Sync => self.world.seats[ask.seat] == file,
                What::FlushAll | What::SyncAll => true,
                _ => false,
            };
            here && first < asked.seq && asked.seq < last && !asked.given_up
        });
        Rule::RunsKeepToBarriers.holds(between.is_none(), || format!("a run is across {between:?}"))
    }

    fn check_io_id(&mut self, io: IoId) -> Verdict {
        let world = &self.world.limits;
        let ops = (world.operations + world.handles + world.locks) as usize;
        let most = ops + 3 * world.handles as usize + world.descriptors as usize;
        let fits = io.index() < most.min(32);
        Rule::Bounded.holds(fits, || format!("{io:?} of {most} actions"))?;
        let before = &mut self.state.around.issued[io.index()];
        let new = *before < io.generation();
        *before = io.generation();
        Rule::IoIdOnce.holds(new, || format!("{io:?} is issued twice"))
    }

    /// On the disk; for an open, where its path leads.
    fn file_of(&self, kind: IoKind) -> Result<usize, Broken> {
        let around = &self.state.around;
        match kind {
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => self.path_of(handle),
            // It is none of those on the disk.
            IoKind::Replace { .. } | IoKind::Lock { .. } => Ok(0),
            IoKind::Look { file }
            | IoKind::Map { file, .. }
            | IoKind::Load { file, .. }
            | IoKind::Read { file, .. }
            | IoKind::Write { file, .. }
            | IoKind::SetLength { file, .. }
            | IoKind::Sync { file }
            | IoKind::Release { file }
            | IoKind::Close { file } => match around.file_by_id(file) {
                Some(at) => Ok(at),
                None => Rule::IdsNameOne.broken(format!("{kind:?} of no file")),
            },
        }
    }

    fn path_of(&self, handle: HandleId) -> Result<usize, Broken> {
        let around = &self.state.around;
        match around.seat_by_handle(handle) {
            Some(seat) => Ok(self.world.seats[seat]),
            None => Rule::PathStillHeld.broken(format!("{handle:?} is gone, and its path")),
        }
    }

    /// The place in the order of the open that gives a handle; 0 if that was answered.
    fn opening(&self, handle: HandleId) -> u32 {
        let around = &self.state.around;
        let seat = around.seat_by_handle(handle);
        let mut asked = around.asked.iter();
        let open = asked.find(|asked| {
            let ask = &self.world.asks[usize::from(asked.ask)];
            ask.what.is_open() && Some(ask.seat) == seat
        });
        open.map_or(0, |asked| asked.seq)
    }

    fn check_phase_allows(&self, kind: IoKind) -> Verdict {
        let phase = self.state.machine.phase();
        Rule::NothingAfterClosed.holds(phase < PhaseName::Closed, || {
            format!("{kind:?} after the end")
        })?;
        // What has an interval is durable before the end.
        let synced = self.world.is_paced() && matches!(kind, IoKind::Sync { .. });
        let gives_back = synced
            || matches!(
                kind,
                IoKind::Release { .. }
                    | IoKind::Close { .. }
                    | IoKind::Replace {
                        step: ReplaceStep::Discard,
                        ..
                    }
                    | IoKind::Lock {
                        step: LockStep::Release,
                        ..
                    }
            );
        let late = phase > PhaseName::Draining && !gives_back;
        let tries = matches!(kind, IoKind::Lock { .. }) && !gives_back;
        let fetches = matches!(kind, IoKind::Fetch { .. }) || tries;
        let fetches = fetches && phase > PhaseName::Running;
        Rule::ClosingGivesBack.holds(!late && !fetches, || format!("{kind:?} in {phase:?}"))
    }

    fn check_drains_for_reads(&self, file: usize, kind: IoKind) -> Verdict {
        if self.state.machine.phase() != PhaseName::Draining {
            return Ok(());
        }
        let mut asked = self.state.around.asked.iter();
        let waits = asked.any(|asked| {
            let touch = asked.touch.filter(|touch| !touch.writes());
            touch.is_some_and(|touch| touch.file == file)
        });
        Rule::DrainingStagesForReads.holds(waits, || format!("{kind:?} while no read waits"))
    }

    /// One action that brings a file in, gives it up or writes it, at a time.
    fn check_alone(&self, file: usize, kind: IoKind) -> Verdict {
        let mut jobs = self.state.around.jobs.iter();
        let beside = jobs.find(|job| {
            let stages = matches!(
                job.kind,
                IoKind::Look { .. }
                    | IoKind::Map { .. }
                    | IoKind::Load { .. }
                    | IoKind::Release { .. }
            );
            stages && job.file == file
        });
        Rule::OneFlight.holds(beside.is_none(), || format!("{kind:?} beside {beside:?}"))
    }

    fn check_descriptor(&self, file: usize, kind: IoKind, access: Access) -> Verdict {
        let held = self.state.around.files[file].descriptor;
        let right = match access {
            Access::Read => held.is_some(),
            Access::Write | Access::WriteThrough | Access::WriteBehind => {
                held.is_some_and(Access::may_write)
            }
        };
        Rule::DescriptorThere.holds(right, || format!("{kind:?} with {held:?}"))
    }

    fn check_sets_out(&self, op: OpId, kind: IoKind) -> Result<(u32, Option<Touch>), Broken> {
        let around = &self.state.around;
        let Some(asked) = around.asked_by_op(op).map(|at| &around.asked[at]) else {
            return Rule::OneOutcome.broken(format!("{kind:?} for nobody"));
        };
        let Some(touch) = asked.touch else {
            return Rule::OrderOfAcceptance.broken(format!("{kind:?} without a range"));
        };
        self.check_order(asked.seq, &touch)?;
        Ok((asked.seq, asked.touch))
    }

    /// G2: a read that found a staging under way does not set out while that goes on.
    fn check_waited(&self, op: OpId, file: usize) -> Verdict {
        let around = &self.state.around;
        let held_up = around
            .asked_by_op(op)
            .is_some_and(|at| around.asked[at].held_up);
        let goes_on = held_up && self.is_being_staged(file);
        Rule::ReadsWaitForStaging.holds(!goes_on, || format!("{op:?} did not wait"))
    }

    /// Nobody is told afterwards to look into what is given up here.
    fn check_told_before(&self, kind: IoKind) -> Verdict {
        let IoKind::Release { file: given_up } = kind else {
            return Ok(());
        };
        if !self.world.dawdles() {
            return Ok(());
        }
        let mut later = self.state.machine.clone();
        while let Some(tell) = later.poll_told() {
            let points = matches!(tell, Tell::Resolve {
                outcome: Outcome::FromContents { file }, ..
            } if file == given_up);
            Rule::ReleaseAfterTold.holds(!points, || format!("{kind:?} before {tell:?}"))?;
        }
        Ok(())
    }

    /// The files that handles lead to, as far as the machine knows them.
    pub(crate) fn learn_ids(&mut self) {
        let around = &mut self.state.around;
        for (at, seat) in around.seats.iter_mut().enumerate() {
            let alive = seat.handle.filter(|_| seat.state != SeatState::Empty);
            let id: Option<FileId> = alive.and_then(|handle| self.state.machine.file_of(handle));
            seat.attached = id.is_some();
            if let Some(id) = id {
                around.files[self.world.seats[at]].id = Some(id);
            }
        }
    }
}

fn writes(job: &Job, file: usize) -> bool {
    job.touch
        .is_some_and(|touch| touch.writes() && touch.file == file)
}

/// Whether it uses the descriptor of its file.
fn uses(kind: IoKind) -> bool {
    match kind {
        IoKind::Look { .. }
        | IoKind::Map { .. }
        | IoKind::Load { .. }
        | IoKind::Read { .. }
        | IoKind::Write { .. }
        | IoKind::SetLength { .. }
        | IoKind::Sync { .. } => true,
        IoKind::Open { .. }
        | IoKind::Fetch { .. }
        | IoKind::Replace { .. }
        | IoKind::Lock { .. }
        | IoKind::Release { .. }
        | IoKind::Close { .. } => false,
    }
}
