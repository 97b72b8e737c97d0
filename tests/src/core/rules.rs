//! The rules, as functions that stop a world in which one of them is broken. Each is named in
//! SEMANTICS.md or stands among the invariants of the machine.

use super::locks::asks_once;
use super::world::{Asked, World};
use staging_core::{
    Done, Fault, FileId, How, IoId, IoKind, Life, LockStep, Mode, Outcome, OverBudget, PhaseName,
    ReplaceStep, Request, Standing, Tick, WakeReason, Why, charge_loaded,
};

impl World {
    /// Everything that must hold after every event.
    pub(crate) fn check(&mut self) {
        self.check_bounds();
        let charged = self.machine.charged();
        self.check_files();
        self.check_counts();
        self.check_columns();
        self.check_backlog();
        self.check_wake();
        if self.machine.phase() == PhaseName::Closed {
            assert_eq!((self.machine.files(), charged), (0, 0), "closed, and holds");
        }
        if self.honest {
            self.check_size();
        }
        if self.honest && self.machine.phase() < PhaseName::Closed {
            self.check_budget();
        }
    }

    pub(crate) fn check_files(&mut self) {
        let known: Vec<FileId> = self.files.keys().copied().collect();
        for file in known {
            match self.machine.staging(file) {
                Some(staging) => {
                    self.see(file, staging.life);
                    if self.honest {
                        self.check_life(file, staging.life, staging.len, staging.charge);
                    }
                }
                None => {
                    self.files.remove(&file);
                    if self.honest && self.machine.phase() < PhaseName::Closed {
                        assert!(!self.driver.contents.contains_key(&file), "{file:?} leaks");
                        assert!(
                            !self.driver.descriptors.contains_key(&file),
                            "{file:?} leaks"
                        );
                    }
                }
            }
        }
    }

    /// Staged is what the driver has whole, of one version, of the right file (G1, G5).
    pub(crate) fn check_life(&mut self, file: FileId, life: Life, len: u64, charge: u64) {
        let inode = self.files.get(&file).map_or(0, |seen| seen.inode);
        if life == Life::Staged(How::Empty) && !self.driver.contents.contains_key(&file) {
            self.driver.hold_nothing(file, inode);
        }
        let held = self.driver.contents.get(&file);
        if let Some(held) = held {
            assert_eq!(held.inode, inode, "{file:?} holds another file");
            assert!(held.charge <= charge, "{held:?} is charged {charge}");
        }
        if let Life::Staged(how) = life {
            assert!(held.is_some(), "{file:?} is staged, and nothing is there");
            if let Some(held) = held {
                let same = held.how == how && held.whole() && held.charge == charge;
                assert!(same, "{how:?} of {len} bytes is {held:?}");
                assert!(!held.mixed || how != How::Loaded, "{file:?} is torn");
            }
        }
    }

    /// What is charged is what is held, set aside, or lent (G10).
    pub(crate) fn check_budget(&mut self) {
        let files: u64 = self
            .files
            .keys()
            .filter_map(|file| self.machine.staging(*file))
            .map(|staging| staging.charge)
            .sum();
        let set_aside: u64 = self.driver.jobs.iter().map(|job| reserved(job.kind)).sum();
        let lent = u64::try_from(self.lent).unwrap_or(0);
        let known = files + set_aside + lent;
        let charged = self.machine.charged();
        assert!(charged >= known, "{charged} charged, {known} accounted for");
        assert!(charged >= self.driver.holds(), "more is held than charged");
        // A fetch that was not handed out yet has set room aside that nobody sees.
        let drained = !matches!(
            self.machine.poll_timeout().map(|wake| wake.reason),
            Some(WakeReason::Io | WakeReason::Told)
        );
        assert!(
            !drained || charged == known,
            "{charged} charged, {known} known"
        );
    }

    pub(crate) fn check_counts(&self) {
        let s = self.machine.stats();
        let gone = s.completed + s.failed + s.cancelled + s.expired + s.abandoned;
        assert_eq!(s.accepted, gone + s.pending, "operations are lost: {s:?}");
        self.writes_are_conserved();
        let waiting = self.asked.len() as u64;
        assert!(
            s.pending <= waiting,
            "{} pending, {waiting} wait",
            s.pending
        );
        let limits = &self.bounds.most;
        let most_files = 2 * limits.handles as usize;
        let most_ops = (limits.operations + limits.handles + limits.locks) as usize;
        assert!(self.machine.files() <= most_files, "too many files");
        let ops_fit = self.asked.keys().all(|op| op.index() < most_ops);
        assert!(ops_fit, "operations take more places than there may be");
        let files_fit = self.files.keys().all(|file| file.index() < most_files);
        assert!(files_fit, "files take more places than there may be");
        let handles = limits.handles as usize;
        let handles_fit = self.rows.iter().all(|row| row.id.index() < handles);
        assert!(handles_fit, "handles take more places than there may be");
    }

    /// `poll_timeout` says now if something is to be polled, and else the first thing that is due.
    pub(crate) fn check_wake(&mut self) {
        let Some(wake) = self.machine.poll_timeout() else {
            assert!(self.machine.clone().poll_action().is_none(), "unannounced");
            return;
        };
        match wake.reason {
            WakeReason::Told => {
                assert!(wake.at <= self.latest, "now is not now");
                assert!(
                    self.machine.clone().poll_told().is_some(),
                    "nothing to tell"
                );
            }
            WakeReason::Io => {
                assert!(self.machine.clone().poll_told().is_none(), "told late");
                assert!(self.machine.clone().poll_io().is_some(), "nothing to do");
            }
            WakeReason::Deadline(op) => {
                let first = self.asked.values().map(|asked| asked.deadline).min();
                assert_eq!(Some(wake.at), first, "not the first deadline");
                let due = self.asked.get(&op).map(|asked| asked.deadline);
                assert_eq!(due, first, "{op:?} is not due first");
                self.check_not_past(wake.at);
            }
            WakeReason::Sync(file) => {
                assert!(self.machine.staging(file).is_some(), "{file:?} is gone");
                self.check_not_past(wake.at);
            }
            WakeReason::Retry(lock) => {
                assert!(self.machine.knows_lock(lock), "{lock:?} is gone");
                self.check_not_past(wake.at);
            }
            WakeReason::PhaseEnds => {
                let phase = self.machine.phase();
                assert!(phase > PhaseName::Running && phase < PhaseName::Closed);
                self.check_not_past(wake.at);
            }
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) fn check_not_past(&self, at: Tick) {
        let mut later = self.machine.clone();
        let _ = later.tick(self.latest);
        let due = later.poll_timeout().map(|wake| wake.at);
        assert!(
            due != Some(at) || at > self.latest,
            "due at {at:?}, and nothing happened"
        );
    }

    /// What may be handed out, and where its place may be.
    pub(crate) fn check_issue(&self, io: IoId, kind: IoKind) {
        let limits = &self.bounds.most;
        let ops = (limits.operations + limits.handles + limits.locks) as usize;
        let most = ops + 3 * limits.handles as usize + limits.descriptors as usize;
        assert!(io.index() < most, "{io:?} of {most} actions");
        let phase = self.machine.phase();
        assert!(phase < PhaseName::Closed, "{kind:?} after the end");
        match kind {
            IoKind::Fetch { .. } => assert_eq!(phase, PhaseName::Running, "{kind:?}"),
            IoKind::Look { file } | IoKind::Map { file, .. } | IoKind::Load { file, .. } => {
                assert!(phase < PhaseName::Closing, "{kind:?} in {phase:?}");
                let waits = self.asked.values().any(|asked| {
                    matches!(asked.request, Request::Read { .. })
                        && self.file_of(asked) == Some(file)
                });
                let drains = phase == PhaseName::Draining;
                assert!(waits || !drains, "{kind:?} while no read waits (S3)");
            }
            IoKind::Open { .. }
            | IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. } => {
                assert!(phase < PhaseName::Closing, "{kind:?} in {phase:?}");
            }
            IoKind::Replace { step, .. } => {
                let clears = step == ReplaceStep::Discard;
                assert!(
                    phase < PhaseName::Closing || clears,
                    "{kind:?} in {phase:?}"
                );
            }
            IoKind::Lock { step, .. } => {
                let gives_back = step == LockStep::Release;
                assert!(
                    phase == PhaseName::Running || gives_back,
                    "{kind:?} in {phase:?}"
                );
            }
            IoKind::Release { .. } | IoKind::Close { .. } => {}
        }
    }

    pub(crate) fn check_progress(&self, file: FileId, done: u64, total: u64) {
        assert!(done > 0 && done <= total, "{done} of {total}");
        assert!(
            total > self.bounds.least.chunk,
            "one chunk needs no progress"
        );
        assert!(self.machine.staging(file).is_some(), "{file:?} is gone");
    }

    /// The answer fits the question, and says the truth (R9).
    pub(crate) fn check_outcome(&self, asked: &Asked, outcome: Outcome) {
        match (asked.request, outcome) {
            (Request::Open { plan, .. }, Outcome::Opened { standing, .. }) => {
                // An explicit mode is told that there is no room by a failure.
                let over_budget = standing == Standing::NotStaged(Why::OverBudget);
                let silent = matches!(plan.mode, Mode::Auto | Mode::None);
                assert!(silent || !over_budget, "{plan:?} ended with {standing:?}");
            }
            (Request::Stage { .. }, Outcome::Staged { .. })
            | (Request::Unstage { .. }, Outcome::Unstaged)
            | (Request::SetLength { .. }, Outcome::LengthSet)
            | (Request::Flush { .. } | Request::FlushAll, Outcome::Flushed)
            | (Request::Sync { .. } | Request::SyncAll, Outcome::Synced)
            | (Request::Replace { .. }, Outcome::Replaced)
            | (Request::Close { .. }, Outcome::Closed) => {}
            (Request::Lock { .. }, Outcome::Locked { .. }) => {}
            (Request::SyncAll, Outcome::SyncFailed { files, fault, .. }) => {
                assert!(files > 0 && (fault == Fault::SyncFailed || self.was_heard(fault)));
            }
            (Request::Write { offset, len, .. }, Outcome::Written { offset: at, bytes }) => {
                assert_eq!((at, bytes), (offset, len));
            }
            (Request::Append { len, .. }, Outcome::Written { bytes, .. }) => {
                assert_eq!(bytes, len);
            }
            (Request::Read { len, .. }, Outcome::Read { bytes }) => {
                assert!(bytes <= len);
                let done = if len == 0 { Some(0) } else { asked.read };
                assert!(
                    !self.honest || done == Some(bytes),
                    "{bytes} read, {done:?} by the driver"
                );
            }
            (Request::Read { .. }, Outcome::FromContents { file }) => {
                self.check_contents(asked, file)
            }
            (_, Outcome::Failed { fault, done }) => self.check_fault(asked, fault, done),
            other => unreachable!("{other:?}"),
        }
    }

    /// No read is sent to contents that are not there, whole, and the right file's (G1, G2).
    pub(crate) fn check_contents(&self, asked: &Asked, file: FileId) {
        if !self.honest || self.machine.phase() == PhaseName::Closed {
            return;
        }
        let of_handle = self.file_of(asked);
        assert!(
            of_handle.is_none_or(|own| own == file),
            "another file's contents"
        );
        let held = self.driver.contents.get(&file);
        // A write may have been accepted since, and its length is the file's by now.
        let empty = self.driver.found_empty.contains(&file)
            || self
                .machine
                .staging(file)
                .is_some_and(|staging| staging.len == 0);
        let whole = held.map_or(empty, |held| held.whole());
        assert!(whole, "read from {held:?}");
    }

    pub(crate) fn check_fault(&self, asked: &Asked, fault: Fault, done: Done) {
        let phase = self.machine.phase();
        let right = match fault {
            // An append behind a change of the length that did not happen fails with it.
            Fault::Cancelled | Fault::Deadline
                if matches!(asked.request, Request::Append { .. }) =>
            {
                true
            }
            Fault::Cancelled => asked.cancelled || matches!(asked.request, Request::Stage { .. }),
            Fault::Deadline => asked.deadline <= self.latest || self.was_heard(fault),
            Fault::ShuttingDown => phase > PhaseName::Running,
            Fault::Abandoned => phase > PhaseName::Draining,
            Fault::DriverLost => self.lost,
            Fault::OverBudget => self.may_be_over_budget(asked),
            Fault::Changed => true,
            Fault::Replaced => true,
            Fault::Contended => asks_once(asked.request),
            Fault::SyncFailed => self.machine.stats().syncs_failed > 0,
            Fault::NoMapping if self.is_open_for_writing(asked) => true,
            other => self.was_heard(other),
        };
        assert!(right, "{:?} failed with {fault:?}", asked.request);
        if done == Done::Unknown {
            let flies = matches!(
                asked.request,
                Request::Read { .. }
                    | Request::Open { .. }
                    | Request::Write { .. }
                    | Request::Append { .. }
                    | Request::SetLength { .. }
                    | Request::Replace { .. }
                    | Request::Sync { .. }
                    | Request::SyncAll
            ) || fault == Fault::SyncFailed;
            assert!(flies, "unknown, but there is nothing that could fly");
        }
    }

    fn may_be_over_budget(&self, asked: &Asked) -> bool {
        match asked.request {
            Request::Open { plan, .. } | Request::Stage { plan, .. } => {
                let patient = plan.over_budget == OverBudget::Wait;
                let too_large = self.bounds.least.budget < charge_loaded(self.disk.longest) + 4096;
                plan.mode != Mode::Auto && (!patient || too_large || !self.honest)
            }
            _ => false,
        }
    }

    /// A file that is open for writing is not mapped.
    fn is_open_for_writing(&self, asked: &Asked) -> bool {
        let mapped = matches!(
            asked.request,
            Request::Open { plan, .. } | Request::Stage { plan, .. }
                if matches!(plan.mode, Mode::Map | Mode::MapShared | Mode::Auto | Mode::Load)
        );
        mapped && self.rows.iter().any(|row| row.access.may_write())
    }

    pub(crate) fn file_of(&self, asked: &Asked) -> Option<FileId> {
        self.machine.file_of(asked.handle?)
    }

    /// Closed is the end: everything was answered, and nothing is held (S5).
    pub(crate) fn check_end(&mut self, phase: PhaseName) {
        if phase != PhaseName::Closed {
            return;
        }
        let asked = &self.asked;
        assert!(asked.is_empty(), "closed without an answer for {asked:?}");
        assert_eq!(self.machine.stats().pending, 0);
        assert!(self.machine.report().is_some());
        assert_eq!(
            self.machine.poll_timeout(),
            None,
            "the end, and more to come"
        );
        assert_eq!(
            self.machine.clone().poll_action(),
            None,
            "words after the end"
        );
    }
}

fn reserved(kind: IoKind) -> u64 {
    match kind {
        IoKind::Fetch { up_to, .. } => charge_loaded(up_to),
        _ => 0,
    }
}

/// Nothing is to be polled and nothing is under way: whoever still waits, waits for room that
/// somebody holds, and asked to.
pub(crate) fn quiet(world: &World) {
    assert_eq!(world.replaces.nothing_is_left(), Ok(()));
    world.check_lock_waits();
    let asked = || {
        world
            .asked
            .iter()
            .filter(|(op, _)| !world.locks.waits(**op))
    };
    // Who waits for a write that waits for a staging waits for that one.
    let behind_a_write = |asked: &Asked| {
        let file = world.file_of(asked);
        world.asked.values().any(|other| {
            let writes = matches!(
                other.request,
                Request::Write { .. } | Request::Append { .. } | Request::SetLength { .. }
            );
            writes && world.file_of(other) == file
        })
    };
    let patient = |asked: &Asked| match asked.request {
        Request::Open { plan, .. } | Request::Stage { plan, .. } => {
            let itself = plan.over_budget == OverBudget::Wait && plan.mode != Mode::Auto;
            itself || behind_a_write(asked)
        }
        // A write waits for a staging like a read does (G2), and a barrier for the write.
        Request::Unstage { .. } => false,
        _ => true,
    };
    for (op, asked) in asked() {
        assert!(
            patient(asked),
            "nobody works on {op:?}: {:?}",
            asked.request
        );
    }
    let stages = |asked: &Asked| {
        let request = asked.request;
        matches!(request, Request::Open { .. } | Request::Stage { .. })
    };
    let someone = world.asked.values().any(stages);
    assert!(
        someone || asked().next().is_none(),
        "reads wait for no staging"
    );
    assert!(
        asked().next().is_none() || world.machine.charged() > 0,
        "there is room, and they wait"
    );
    let staging = |file: &FileId| {
        let life = world.machine.staging(*file).map(|staging| staging.life);
        matches!(life, Some(Life::Staging { .. }))
    };
    assert!(
        someone || !world.files.keys().any(staging),
        "staging, and nobody works on it"
    );
}
