//! The order of what touches a file, as an observer sees it who knows only what was accepted, what
//! was handed out, and how it ended: enough to judge R1, R3, R6 and R8.

use super::world::{Asked, RowState, World};
use staging_core::{
    Access, Bound, Completion, FailedSync, Fault, FileId, HandleId, IoId, IoKind, OpId, Outcome,
    PhaseName, Request, Tick, WakeReason,
};
use std::collections::{BTreeMap, BTreeSet};

/// A read or a write that was accepted.
#[derive(Clone, Debug)]
struct Touch {
    op: OpId,
    file: FileId,
    start: u64,
    end: u64,
    bytes: u64,
    writes: bool,
    /// Whether it is answered when it is durable.
    through: bool,
    state: State,
    answered: bool,
    /// A sync that was handed out after it ended returned.
    durable: bool,
    /// When a sync failed that may have lost it.
    lost: Option<u64>,
    /// When the file was closed for writing since.
    left: Option<u64>,
}

/// Where its system call is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Waits,
    Flies(IoId),
    Ended { at: u64, changed: bool },
}

/// A barrier that was accepted: what it covers are the first so many touches.
#[derive(Clone, Copy, Debug)]
struct Barrier {
    file: Option<FileId>,
    handle: Option<HandleId>,
    covers: usize,
    asked: u64,
}

#[derive(Default)]
pub(crate) struct Order {
    touches: Vec<Touch>,
    barriers: BTreeMap<OpId, Barrier>,
    /// Syncs under way, and when they were handed out.
    syncs: BTreeMap<IoId, u64>,
    /// When each handle that may write was opened, or was told of a failed sync to go on, and on which
    /// file.
    writers: BTreeMap<HandleId, (FileId, u64)>,
    /// Those of them that go on.
    keeps_dirty: BTreeSet<HandleId>,
    /// When a sync of a file failed last.
    failed: BTreeMap<FileId, u64>,
    withdrawn: BTreeSet<FileId>,
    clock: u64,
}

/// What is known of a file before a request on it.
pub(crate) struct Before {
    file: FileId,
    handle: HandleId,
    len: u64,
}

impl World {
    pub(crate) fn before(&self, request: Request) -> Option<Before> {
        let handle = request.handle()?;
        let file = self.machine.file_of(handle)?;
        let len = self.machine.staging(file)?.len;
        Some(Before { file, handle, len })
    }

    /// A request was accepted: if it touches a file, it has its place from now on, and the size of
    /// the file is what it makes of it (R6).
    pub(crate) fn accepted(
        &mut self,
        op: OpId,
        request: Request,
        deadline: Tick,
        before: Option<Before>,
    ) {
        if !self.honest {
            return;
        }
        let covers = self.order.touches.len();
        let asked = self.order.clock;
        match request {
            Request::FlushAll | Request::SyncAll => {
                let (file, handle) = (None, None);
                let barrier = Barrier {
                    file,
                    handle,
                    covers,
                    asked,
                };
                self.order.barriers.insert(op, barrier);
            }
            _ => {}
        }
        let Some(Before { file, handle, len }) = before else {
            return;
        };
        let (start, end, bytes, size) = match request {
            Request::Read { offset, len, .. } => (offset, offset + len, 0, None),
            Request::Write { offset, len: n, .. } => {
                let end = offset + n;
                let size = if n == 0 { len } else { len.max(end) };
                (offset.min(len), end, n, Some(size))
            }
            Request::Append { len: n, .. } => (len, len + n, n, Some(len + n)),
            Request::SetLength { len: to, .. } => (to.min(len), u64::MAX, 0, Some(to)),
            Request::Flush { .. } | Request::Sync { .. } => {
                let barrier = Barrier {
                    file: Some(file),
                    handle: Some(handle),
                    covers,
                    asked,
                };
                self.order.barriers.insert(op, barrier);
                return;
            }
            _ => return,
        };
        let nothing = matches!(request, Request::Read { len: 0, .. })
            || (bytes == 0 && matches!(request, Request::Write { .. } | Request::Append { .. }));
        if nothing {
            return;
        }
        // One whose deadline has passed already is answered at once, and so may one be that is told of a
        // failed sync.
        let unanswered = deadline > self.latest && !self.order.may_be_told(handle);
        if let (Some(size), true) = (size, unanswered) {
            let seen = self.machine.staging(file).map(|staging| staging.len);
            assert_eq!(seen, Some(size), "the size after {request:?} (R6)");
        }
        let through = self.row(handle).access == Access::WriteThrough;
        self.order.touches.push(Touch {
            op,
            file,
            start,
            end,
            bytes,
            writes: size.is_some(),
            through,
            state: State::Waits,
            answered: false,
            durable: false,
            lost: None,
            left: None,
        });
    }

    /// What was written and lost is nobody's to sync once every handle is gone that was open then;
    /// what was not lost, once every handle is gone. A handle may be gone as soon as its close was
    /// asked. A sync of all that was asked before that covers both.
    pub(crate) fn note_writers(&mut self) {
        self.order.clock += 1;
        let now = self.order.clock;
        self.note_left(|_| now);
    }

    /// The same, where who had a handle open was told: what was lost is nobody's since it was.
    fn note_told(&mut self) {
        let now = self.order.clock;
        self.note_left(|touch| touch.lost.unwrap_or(now));
    }

    fn note_left(&mut self, when: impl Fn(&Touch) -> u64) {
        let rows = &self.rows;
        let open = |handle: &HandleId| {
            let row = rows.iter().rfind(|row| row.id == *handle);
            row.is_some_and(|row| matches!(row.state, RowState::Opening | RowState::Open))
        };
        let writers = &self.order.writers;
        for touch in self.order.touches.iter_mut() {
            let concerned = writers.iter().any(|(handle, (file, since))| {
                let then = touch.lost.is_none_or(|lost| *since < lost);
                *file == touch.file && then && open(handle)
            });
            if !concerned {
                touch.left.get_or_insert(when(touch));
            }
        }
    }

    /// An operation was answered: if it tells a handle that goes on of a failed sync, that one vouches
    /// for nothing that was lost before, and for everything after it (R8).
    pub(crate) fn note_failed_sync(&mut self, op: OpId, asked: &Asked, outcome: Outcome) {
        let Outcome::Failed { fault, .. } = outcome else {
            return;
        };
        let Some(handle) = asked
            .handle
            .filter(|handle| self.order.may_be_told(*handle))
        else {
            return;
        };
        let by_itself = match asked.request {
            Request::Sync { .. } => matches!(fault, Fault::Os(_) | Fault::Short),
            _ => self.order.was_executed_through(op) && matches!(fault, Fault::Os(_)),
        };
        if by_itself || fault == Fault::SyncFailed {
            self.order.clock += 1;
            let now = self.order.clock;
            if let Some((_, since)) = self.order.writers.get_mut(&handle) {
                *since = now;
            }
            self.note_told();
        }
    }

    /// What a write makes stale is not shown to who reads past the machine (R6).
    pub(crate) fn check_size(&mut self) {
        let told = matches!(
            self.machine.poll_timeout().map(|wake| wake.reason),
            Some(WakeReason::Told)
        );
        if told || self.machine.phase() >= PhaseName::Closing {
            return;
        }
        let order = &self.order;
        for touch in order.touches.iter().filter(|touch| touch.writes) {
            let executed = matches!(touch.state, State::Ended { .. });
            if touch.answered || executed || order.withdrawn.contains(&touch.file) {
                continue;
            }
            let held = self.driver.contents.get(&touch.file);
            let shown = held.is_some_and(|held| held.whole() && held.charge > 0);
            let life = self.machine.staging(touch.file).map(|staging| staging.life);
            let staged = matches!(life, Some(staging_core::Life::Staged(_)));
            assert!(!shown || !staged, "{touch:?}, and {held:?} is shown");
        }
    }
}

impl Order {
    pub(crate) fn bytes_of(&self, bound: Bound) -> u64 {
        let here = |touch: &&Touch| match bound {
            Bound::FileBytes(file) => touch.file == file,
            _ => true,
        };
        let going = |touch: &&Touch| !touch.answered || matches!(touch.state, State::Flies(_));
        let all = self.touches.iter().filter(going);
        all.filter(here).map(|touch| touch.bytes).sum()
    }

    /// Bytes of writes to a file that have not ended; those of a write through count no more when they
    /// are in the file.
    pub(crate) fn bytes_under_way(&self, file: FileId) -> u64 {
        let here = self.touches.iter().filter(|touch| touch.file == file);
        let going = here.filter(|touch| match touch.state {
            State::Waits => !touch.answered,
            State::Flies(_) => true,
            State::Ended { .. } => false,
        });
        going.map(|touch| touch.bytes).sum()
    }

    pub(crate) fn opened(&mut self, handle: HandleId, file: FileId) {
        self.clock += 1;
        self.writers.insert(handle, (file, self.clock));
    }

    pub(crate) fn tuned(&mut self, handle: HandleId, failed_sync: FailedSync) {
        match failed_sync {
            FailedSync::KeepDirty => self.keeps_dirty.insert(handle),
            FailedSync::Refuse => self.keeps_dirty.remove(&handle),
        };
    }

    /// Whether a handle goes on after failed syncs, and was not told of the last one as far as its caller
    /// knows.
    fn may_be_told(&self, handle: HandleId) -> bool {
        let Some((file, since)) = self.writers.get(&handle) else {
            return false;
        };
        let failed = self.failed.get(file);
        self.keeps_dirty.contains(&handle) && failed.is_some_and(|failed| since < failed)
    }

    /// Whether it is a write through whose bytes are in the file: if it failed, then by a sync.
    fn was_executed_through(&self, op: OpId) -> bool {
        let touch = self.touches.iter().rfind(|touch| touch.op == op);
        touch.is_some_and(|touch| {
            touch.through && matches!(touch.state, State::Ended { changed: true, .. })
        })
    }

    pub(crate) fn forget_withdrawal(&mut self, file: FileId) {
        self.withdrawn.remove(&file);
    }

    pub(crate) fn withdrawn(&mut self, file: FileId) {
        self.withdrawn.insert(file);
    }

    /// R1: nothing is handed out beside, or after, what it meets and must not overtake. `run` are the
    /// operations of which it is made.
    pub(crate) fn handed_out(&mut self, io: IoId, kind: IoKind, run: &[OpId]) {
        self.clock += 1;
        if let IoKind::Sync { .. } = kind {
            self.syncs.insert(io, self.clock);
        }
        match kind {
            IoKind::Read { op, .. } | IoKind::SetLength { op, .. } => {
                self.sets_out(op, io, kind);
            }
            IoKind::Write { .. } => {
                let parts: Vec<usize> = run.iter().map(|op| self.sets_out(*op, io, kind)).collect();
                self.check_run(&parts, kind);
            }
            _ => {}
        }
    }

    /// As if it had not set out.
    pub(crate) fn forget_flight(&mut self, op: OpId) {
        for touch in self.touches.iter_mut().filter(|touch| touch.op == op) {
            touch.state = State::Waits;
        }
    }

    /// R7: the parts of a run follow each other, fill what the action says, and no barrier lies
    /// between any two of them.
    fn check_run(&self, run: &[usize], kind: IoKind) {
        let IoKind::Write {
            op,
            offset,
            len,
            parts,
            ..
        } = kind
        else {
            return;
        };
        let touches: Vec<&Touch> = run.iter().map(|at| &self.touches[*at]).collect();
        assert_eq!(touches.first().map(|touch| touch.op), Some(op), "{kind:?}");
        assert_eq!(touches.len(), parts as usize, "{kind:?}");
        let bytes: u64 = touches.iter().map(|touch| touch.bytes).sum();
        assert_eq!(bytes, len, "{kind:?}");
        let mut end = offset;
        for touch in &touches {
            assert_eq!(touch.end - touch.bytes, end, "{touch:?} in {kind:?}");
            end = touch.end;
        }
        let (first, last) = (run.iter().min(), run.iter().max());
        let between = self.barriers.values().find(|barrier| {
            let file = barrier.file.is_none() || barrier.file == touches.first().map(|it| it.file);
            let covers = |at: Option<&usize>| at.is_some_and(|at| *at < barrier.covers);
            file && covers(first) != covers(last)
        });
        assert!(between.is_none(), "{kind:?} across {between:?} (R7)");
    }

    /// A part of an action, or all of it.
    fn sets_out(&mut self, op: OpId, io: IoId, kind: IoKind) -> usize {
        let same = |touch: &Touch| touch.op == op && touch.state == State::Waits;
        let Some(at) = self.touches.iter().rposition(same) else {
            unreachable!("{kind:?} for nobody");
        };
        let mine = self.touches[at].clone();
        for (place, other) in self.touches.iter().enumerate() {
            let meets = other.file == mine.file && other.start < mine.end && other.end > mine.start;
            if place == at || !meets || !(mine.writes || other.writes) {
                continue;
            }
            let flies = matches!(other.state, State::Flies(_));
            assert!(!flies, "{mine:?} beside {other:?}");
            let overtaken = place > at && matches!(other.state, State::Ended { .. });
            assert!(!overtaken, "{mine:?} after {other:?}");
        }
        self.touches[at].state = State::Flies(io);
        at
    }

    pub(crate) fn ended(&mut self, io: IoId, kind: IoKind, completion: Completion) {
        self.clock += 1;
        let clock = self.clock;
        if let IoKind::Sync { file } = kind {
            let handed_out = self.syncs.remove(&io).unwrap_or(clock);
            if completion != Completion::Synced {
                self.failed.insert(file, clock);
            }
            for touch in self.touches.iter_mut().filter(|touch| touch.file == file) {
                // What was under way when it failed may be lost, too.
                match (touch.state, completion) {
                    (State::Ended { at, .. }, Completion::Synced) if at < handed_out => {
                        touch.durable |= touch.lost.is_none();
                    }
                    (_, Completion::Synced) | (State::Waits, _) => {}
                    (State::Ended { .. } | State::Flies(_), _) if !touch.durable => {
                        touch.lost.get_or_insert(clock);
                    }
                    (State::Ended { .. } | State::Flies(_), _) => {}
                }
            }
        }
        let state = State::Flies(io);
        for touch in self.touches.iter_mut().filter(|touch| touch.state == state) {
            let changed = match (completion, kind) {
                (Completion::Written | Completion::LengthSet, _) => true,
                (Completion::CutShort { bytes, .. }, IoKind::Write { offset, .. }) => {
                    touch.end - touch.bytes < offset + bytes
                }
                _ => false,
            };
            touch.state = State::Ended { at: clock, changed };
            self.withdrawn.remove(&touch.file);
        }
    }

    pub(crate) fn answered(&mut self, op: OpId, request: Request, outcome: Outcome) {
        let touch = self.touches.iter_mut().rfind(|touch| touch.op == op);
        if let Some(touch) = touch {
            touch.answered = true;
            let written = matches!(
                outcome,
                Outcome::Written { bytes: 1.., .. } | Outcome::LengthSet
            );
            let ended = matches!(touch.state, State::Ended { changed: true, .. });
            assert!(!written || ended, "{touch:?} is answered {outcome:?}");
            let durable = touch.durable || !touch.through;
            assert!(
                !written || durable,
                "{touch:?} is answered {outcome:?} (R4)"
            );
        }
        let Some(barrier) = self.barriers.remove(&op) else {
            return;
        };
        let covered = self.touches.iter().take(barrier.covers);
        for touch in covered.filter(|touch| touch.writes) {
            if barrier.file.is_some_and(|file| file != touch.file) {
                continue;
            }
            match outcome {
                Outcome::Flushed | Outcome::Synced => {
                    let under_way = matches!(touch.state, State::Flies(_))
                        || (touch.state == State::Waits && !touch.answered);
                    assert!(!under_way, "{request:?} answered before {touch:?} (R3)");
                }
                _ => return,
            }
            let changed = matches!(touch.state, State::Ended { changed: true, .. });
            if outcome == Outcome::Synced && changed && !touch.durable {
                let opened = barrier.handle.and_then(|handle| self.writers.get(&handle));
                // Whoever was opened or told since does not ask for it any more, if he asked since, too.
                let given_up = opened.is_some_and(|(_, since)| {
                    touch
                        .lost
                        .is_some_and(|at| at < *since && at <= barrier.asked)
                });
                let before = touch.left.is_some_and(|at| at <= barrier.asked);
                let left = barrier.file.is_none() && before;
                assert!(
                    given_up || left,
                    "{request:?} reports {touch:?} as durable (R3, R8)"
                );
            }
        }
    }
}
