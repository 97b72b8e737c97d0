//! The bounds of a world, and that they may be others from one moment to the next (R12).

use super::world::{Asked, RowState, World};
use staging_core::{
    Bound, Event, FileId, FileLimits, HandleId, IoKind, Limit, Limits, PhaseName, Reject, Reply,
    Request, Tell, Tuning, WakeReason,
};
use std::collections::BTreeMap;

/// What the limits were, and what was said of single files.
pub(crate) struct Bounds {
    /// Those of the beginning.
    pub(crate) begun: Limits,
    /// The highest that there were: what ever had a place.
    pub(crate) most: Limits,
    /// The lowest.
    pub(crate) least: Limits,
    pub(crate) own: BTreeMap<FileId, FileLimits>,
    /// How much was charged after the last event: over a lowered budget it does not grow.
    pub(crate) charged: u64,
    /// How many descriptors there may be: more than the limit says, where it was lowered and those that
    /// were taken before are not back.
    pub(crate) descriptors: usize,
}

impl Bounds {
    pub(crate) fn of(limits: Limits) -> Bounds {
        Bounds {
            begun: limits,
            most: limits,
            least: limits,
            own: BTreeMap::new(),
            charged: 0,
            descriptors: limits.descriptors as usize,
        }
    }
}

impl World {
    /// A bound is another from now on. If there is room for whoever was refused, he is told (R12).
    pub(crate) fn limit(&mut self, limit: Limit) {
        let before = self.limits;
        let full = self.full_before();
        let reply = self.say(Event::Limited { limit });
        match reply {
            Reply::Done => {}
            Reply::Rejected(Reject::BadLimit(bad)) => {
                assert!(bad == limit && !limit.is_sensible(), "{limit:?}: {reply:?}");
                return;
            }
            Reply::Ignored(_) if self.machine.phase() == PhaseName::Closed => return,
            other => unreachable!("{limit:?}: {other:?}"),
        }
        assert!(limit.is_sensible(), "{limit:?} makes no sense");
        self.limits = before.with(limit);
        assert_eq!(*self.machine.limits(), self.limits);
        self.bounds.most = extreme(self.bounds.most, self.limits, u64::max);
        self.bounds.least = extreme(self.bounds.least, self.limits, u64::min);
        self.check_room_is_told(&full);
        self.check();
    }

    /// The holder of a handle says how it is to be used.
    pub(crate) fn tune(&mut self, handle: HandleId, tuning: Tuning) {
        let row = *self.row(handle);
        let full = self.full_before();
        let reply = self.say(Event::Tuned { handle, tuning });
        let open = row.state == RowState::Open && self.machine.phase() < PhaseName::Closing;
        match (reply, tuning) {
            (Reply::Done, Tuning::Limits(limits)) => {
                assert_eq!(limits.check(), Ok(()));
                let file = self.machine.file_of(handle);
                assert!(file.is_some(), "{handle:?} has no file");
                if let Some(file) = file {
                    self.bounds.own.insert(file, limits);
                }
                self.check_room_is_told(&full);
            }
            (Reply::Done, Tuning::FailedSync(failed_sync)) => {
                assert!(row.access.may_write(), "{handle:?} may only read");
                self.order.tuned(handle, failed_sync);
            }
            (Reply::Rejected(Reject::BadLimit(_)), Tuning::Limits(limits)) => {
                assert!(limits.check().is_err(), "{limits:?}");
            }
            (Reply::Rejected(Reject::ReadOnly), Tuning::FailedSync(_)) => {
                assert!(!row.access.may_write(), "{handle:?} may write");
            }
            (Reply::Rejected(Reject::UnknownHandle), _) => assert!(!open, "{handle:?} is open"),
            (Reply::Ignored(_), _) => assert_eq!(self.machine.phase(), PhaseName::Closed),
            other => unreachable!("{other:?}"),
        }
        self.check();
    }

    /// What a bound says now.
    fn most_of(&self, bound: Bound) -> u64 {
        let own = |file: &FileId| self.bounds.own.get(file).copied().unwrap_or_default();
        let limits = &self.limits;
        match bound {
            Bound::Operations => limits.operations.into(),
            Bound::Handles => limits.handles.into(),
            Bound::Locks => limits.locks.into(),
            Bound::Bytes => limits.bytes,
            Bound::FileOperations(file) => {
                let own = own(&file).operations;
                own.unwrap_or(limits.operations_per_file).into()
            }
            Bound::FileBytes(file) => own(&file).bytes.unwrap_or(limits.bytes_per_file),
        }
    }

    /// How much of a bound is taken, at most: what was answered and not polled counts, too.
    fn taken(&self, bound: Bound) -> u64 {
        let taken = match bound {
            Bound::Operations => {
                let flying = self.driver.jobs.iter().map(|job| match job.kind {
                    IoKind::Write { parts, .. } => parts as usize,
                    IoKind::Read { .. }
                    | IoKind::SetLength { .. }
                    | IoKind::Open { .. }
                    | IoKind::Fetch { .. } => 1,
                    _ => 0,
                });
                let is_asked = |op| self.asked.contains_key(&op);
                let outlived = self.replaces.outlived(&self.machine, is_asked);
                self.asked.len() + flying.sum::<usize>() + outlived
            }
            Bound::Handles => {
                let living = self.rows.iter().filter(|row| row.state != RowState::Gone);
                let most = living.count() + self.asked.len();
                most.max(self.machine.files())
            }
            Bound::FileOperations(file) => self.pending_on(file),
            Bound::Locks => {
                let asks = |asked: &&Asked| matches!(asked.request, Request::Lock { .. });
                let asked = self.asked.values().filter(asks).count();
                self.machine.locks().max(asked)
            }
            Bound::Bytes => return self.order.bytes_of(bound) + self.replaces.bytes(),
            Bound::FileBytes(_) => return self.order.bytes_of(bound),
        };
        taken as u64
    }

    fn pending_on(&self, file: FileId) -> usize {
        let here = |asked: &&Asked| {
            let opens = matches!(asked.request, Request::Open { .. });
            !opens && self.file_of(asked) == Some(file)
        };
        self.asked.values().filter(here).count()
    }

    /// What is refused as full is full.
    pub(crate) fn check_full(&self, bound: Bound) {
        let (taken, most) = (self.taken(bound), self.most_of(bound));
        match bound {
            // How long the write is that was refused is not known here.
            Bound::Bytes | Bound::FileBytes(_) => {
                assert!(taken > 0 || !self.honest, "{bound:?} is not full");
            }
            Bound::Operations | Bound::Handles | Bound::FileOperations(_) | Bound::Locks => {
                assert!(taken >= most, "{bound:?} is not full: {taken} of {most}");
            }
        }
    }

    /// What was refused as full and not told of since, and what the bound is.
    fn full_before(&self) -> Vec<(Bound, u64)> {
        let full = self.full.iter();
        full.map(|bound| (*bound, self.most_of(*bound))).collect()
    }

    /// Whoever was refused is told as soon as there is surely room, by a bound that was raised.
    fn check_room_is_told(&self, full: &[(Bound, u64)]) {
        if !self.honest || self.machine.phase() >= PhaseName::Closing {
            return;
        }
        let mut later = self.machine.clone();
        let mut told = Vec::new();
        while let Some(tell) = later.poll_told() {
            if let Tell::Room { bound } = tell {
                told.push(bound);
            }
        }
        for (bound, before) in full {
            let gone = match bound {
                Bound::FileOperations(file) | Bound::FileBytes(file) => self
                    .machine
                    .staging(*file)
                    .is_none_or(|file| file.handles == 0),
                Bound::Operations | Bound::Handles | Bound::Locks | Bound::Bytes => false,
            };
            let (taken, most) = (self.taken(*bound), self.most_of(*bound));
            let room = *before < most && taken < most && !gone;
            assert!(
                !room || told.contains(bound),
                "{bound:?} has room, {taken} of {most}, and nobody is told (R12)"
            );
        }
    }

    /// A request that was accepted found room, by what its own file says if it says something (R12).
    pub(crate) fn check_had_room(&self, request: Request, before: Option<(FileId, usize, u64)>) {
        let Some((file, pending, bytes)) = before else {
            return;
        };
        if matches!(request, Request::Close { .. }) {
            return;
        }
        let most = self.most_of(Bound::FileOperations(file));
        assert!(
            (pending as u64) < most,
            "{request:?} beside {pending} others, and {most} may be (R12)"
        );
        let len = match request {
            Request::Write { len, .. } | Request::Append { len, .. } => len,
            _ => 0,
        };
        let most = self.most_of(Bound::FileBytes(file));
        let fits = len == 0 || bytes == 0 || bytes + len <= most;
        assert!(
            fits || !self.honest,
            "{request:?} beside {bytes} bytes, and {most} may be (R12)"
        );
    }

    /// How much is under way on the file of a request; nothing where that cannot be seen, because
    /// something was answered and not polled.
    pub(crate) fn load_before(&self, request: Request) -> Option<(FileId, usize, u64)> {
        let wake = self.machine.poll_timeout().map(|wake| wake.reason);
        let file = self.machine.file_of(request.handle()?)?;
        let seen = !matches!(wake, Some(WakeReason::Told));
        let bytes = self.order.bytes_under_way(file);
        seen.then(|| (file, self.pending_on(file), bytes))
    }

    /// What is kept has its bounds, those of now or, where they were lowered, what was there then.
    pub(crate) fn check_bounds(&mut self) {
        let charged = self.machine.charged();
        let most = self.limits.budget.max(self.bounds.charged);
        assert!(charged <= most, "{charged} bytes are charged");
        self.bounds.charged = charged;
        if self.honest && self.machine.phase() < PhaseName::Closed {
            let most = self.limits.descriptors as usize;
            let wake = self.machine.poll_timeout().map(|wake| wake.reason);
            let drained = !matches!(wake, Some(WakeReason::Told | WakeReason::Io));
            self.bounds.descriptors = match drained && self.driver.descriptors() <= most {
                true => most,
                false => self.bounds.descriptors.max(most),
            };
            self.driver.check(self.bounds.descriptors);
        }
        let machine = &self.machine;
        self.bounds
            .own
            .retain(|file, _| machine.staging(*file).is_some_and(|file| file.handles > 0));
        for row in self.rows.iter().filter(|row| row.state == RowState::Open) {
            if let Some(file) = self.machine.file_of(row.id) {
                let own = self.bounds.own.get(&file).copied();
                let known = self.machine.file_limits(row.id);
                assert_eq!(known, Some(own.unwrap_or_default()), "{file:?} (R12)");
            }
        }
    }
}

/// The higher of each, or the lower.
fn extreme(one: Limits, other: Limits, of: fn(u64, u64) -> u64) -> Limits {
    let few =
        |one: u32, other: u32| u32::try_from(of(one.into(), other.into())).unwrap_or(u32::MAX);
    Limits {
        operations: few(one.operations, other.operations),
        operations_per_file: few(one.operations_per_file, other.operations_per_file),
        bytes: of(one.bytes, other.bytes),
        bytes_per_file: of(one.bytes_per_file, other.bytes_per_file),
        handles: few(one.handles, other.handles),
        locks: few(one.locks, other.locks),
        descriptors: few(one.descriptors, other.descriptors),
        budget: of(one.budget, other.budget),
        linger: of(one.linger, other.linger),
        fetch: of(one.fetch, other.fetch),
        chunk: of(one.chunk, other.chunk),
        restarts: other.restarts,
        merge: few(one.merge, other.merge),
        merge_bytes: of(one.merge_bytes, other.merge_bytes),
        turns: other.turns,
    }
}
