//! A world: one machine, the disk and the driver below it, the callers above it, and everything
//! that was said, so that every word can be held against the rules.

use super::bounds::Bounds;
use super::columns::Columns;
use super::dice::Dice;
use super::disk::Disk;
use super::driver::{Driver, fault_of};
use super::locks::Locks;
use super::log::{Log, Origin};
use super::order::Order;
use super::replaces::Replaces;
use staging_core::{
    Access, Action, Bound, Completion, Event, Fault, FileId, Grace, HandleId, IoId, IoKind, Life,
    Limits, Machine, OpId, Outcome, PhaseName, Reject, Reply, Request, Tag, Tell, Tick,
};
use std::collections::{BTreeMap, BTreeSet};

/// A handle as its caller knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: HandleId,
    pub(crate) name: usize,
    pub(crate) access: Access,
    pub(crate) state: RowState,
}

/// Where a handle is, as far as its caller was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RowState {
    Opening,
    Open,
    Leaving,
    Gone,
}

/// An accepted operation that was not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) tag: Tag,
    pub(crate) request: Request,
    pub(crate) handle: Option<HandleId>,
    pub(crate) deadline: Tick,
    pub(crate) cancelled: bool,
    /// A read that found its file being staged: by which staging it is held up (G2).
    held_up_by: Option<(FileId, u64)>,
    /// A read that the driver carried out.
    pub(crate) read: Option<u64>,
}

/// How a file was last seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) inode: usize,
    since: Option<Tick>,
    /// How many stagings have begun.
    stagings: u64,
}

/// See the module.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) twin: Machine,
    pub(crate) limits: Limits,
    pub(crate) bounds: Bounds,
    pub(crate) now: Tick,
    /// The latest time that was ever said.
    pub(crate) latest: Tick,
    pub(crate) dice: Dice,
    pub(crate) disk: Disk,
    pub(crate) driver: Driver,
    /// Whether the driver tells the truth; if not, only the machine is held to the rules.
    pub(crate) honest: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) asked: BTreeMap<OpId, Asked>,
    pub(crate) files: BTreeMap<FileId, Seen>,
    pub(crate) full: Vec<Bound>,
    pub(crate) order: Order,
    pub(crate) replaces: Replaces,
    pub(crate) locks: Locks,
    pub(crate) lent: i64,
    pub(crate) told: PhaseName,
    pub(crate) lost: bool,
    faults: Vec<Fault>,
    pub(crate) issued: BTreeSet<IoId>,
    pub(crate) columns: Columns,
    tags: u64,
    pub(crate) log: Log,
}

impl World {
    pub(crate) fn new(mut dice: Dice, origin: Origin, limits: Limits, honest: bool) -> World {
        let names = 1 + dice.below(4);
        let disk = Disk::new(names, &mut dice);
        let machine = Machine::new(limits);
        World {
            twin: machine.clone(),
            limits: *machine.limits(),
            bounds: Bounds::of(*machine.limits()),
            machine,
            now: Tick::ZERO,
            latest: Tick::ZERO,
            disk,
            dice,
            driver: Driver::default(),
            honest,
            rows: Vec::new(),
            asked: BTreeMap::new(),
            files: BTreeMap::new(),
            full: Vec::new(),
            order: Order::default(),
            replaces: Replaces::default(),
            locks: Locks::default(),
            lent: 0,
            told: PhaseName::Running,
            lost: false,
            faults: Vec::new(),
            issued: BTreeSet::new(),
            columns: Columns::default(),
            tags: 0,
            log: Log::of(origin),
        }
    }

    /// Says an event to the machine and to its twin, and holds the result against the rules.
    pub(crate) fn say(&mut self, event: Event) -> Reply {
        self.latest = self.latest.max(self.now);
        let careful = self.dice.chance(20);
        if careful {
            let reply = self.machine.tick(self.now);
            self.log.event(self.now, Event::Ticked, reply);
            let _ = self.twin.tick(self.now);
        }
        let before = careful.then(|| self.machine.canonical());
        let reply = self.machine.handle(self.now, event);
        self.log.event(self.now, event, reply);
        assert_eq!(
            reply,
            self.twin.handle(self.now, event),
            "the twin said otherwise"
        );
        let Some(before) = before else {
            return reply;
        };
        match reply {
            Reply::Ignored(_) => {
                assert!(before == self.machine.canonical(), "ignored, and changed");
            }
            // That it was refused for fullness is remembered, once.
            Reply::Rejected(_) => {
                let mut again = self.machine.clone();
                assert_eq!(again.handle(self.now, event), reply);
                assert!(again == self.machine, "refused, and changed something");
                let full = matches!(reply, Reply::Rejected(Reject::Full(_)));
                assert!(
                    full || before == self.machine.canonical(),
                    "refused, and changed"
                );
            }
            Reply::Accepted { .. }
            | Reply::Opening { .. }
            | Reply::Locking { .. }
            | Reply::Adopted { .. }
            | Reply::Surplus
            | Reply::Done => {}
        }
        reply
    }

    /// A caller asks for something.
    pub(crate) fn submit(&mut self, name: usize, deadline: Tick, request: Request) {
        self.tags += 1;
        let tag = Tag(self.tags);
        let held_up_by = self.held_up_by(request);
        let event = Event::Submitted {
            tag,
            deadline,
            request,
        };
        // What is due happens before the request, and may change the size.
        self.latest = self.latest.max(self.now);
        let _ = self.machine.tick(self.now);
        let _ = self.twin.tick(self.now);
        let before = self.before(request);
        let load = self.load_before(request);
        let reply = self.say(event);
        let (op, handle) = match (reply, request) {
            (Reply::Opening { op, handle }, Request::Open { access, .. }) => {
                let state = RowState::Opening;
                self.rows.push(Row {
                    id: handle,
                    name,
                    access,
                    state,
                });
                (op, Some(handle))
            }
            (Reply::Accepted { op } | Reply::Locking { op, .. }, request) => (op, request.handle()),
            (Reply::Rejected(reject), request) => return self.rejected(reject, request),
            other => unreachable!("{other:?}"),
        };
        if let Request::Close { handle } = request {
            self.row(handle).state = RowState::Leaving;
            self.note_writers();
        }
        self.check_had_room(request, load);
        self.accepted(op, request, deadline, before);
        self.replaces.accepted(op, request);
        self.locks.accepted(reply, request);
        let asked = Asked {
            tag,
            request,
            handle,
            deadline,
            cancelled: false,
            held_up_by,
            read: None,
        };
        let before = self.asked.insert(op, asked);
        assert!(before.is_none(), "{op:?} is given to two operations");
        self.check();
    }

    fn held_up_by(&self, request: Request) -> Option<(FileId, u64)> {
        let Request::Read { handle, len, .. } = request else {
            return None;
        };
        let file = self.machine.file_of(handle).filter(|_| len > 0)?;
        let life = self.machine.staging(file)?.life;
        let staging = matches!(life, Life::Staging { .. });
        staging.then(|| (file, self.files.get(&file).map_or(0, |seen| seen.stagings)))
    }

    pub(crate) fn row(&mut self, handle: HandleId) -> &mut Row {
        let found = self.rows.iter().rposition(|row| row.id == handle);
        assert!(found.is_some(), "{handle:?} was never given");
        &mut self.rows[found.unwrap_or_default()]
    }

    pub(crate) fn cancel(&mut self, op: OpId) {
        let reply = self.say(Event::Cancelled { op });
        if let (Reply::Done, Some(asked)) = (reply, self.asked.get_mut(&op)) {
            asked.cancelled = true;
        }
        self.check();
    }

    pub(crate) fn drop_handle(&mut self, handle: HandleId) {
        let reply = self.say(Event::Dropped { handle });
        if reply == Reply::Done {
            for asked in self.asked.values_mut() {
                asked.cancelled |=
                    asked.handle == Some(handle) && matches!(asked.request, Request::Open { .. });
            }
        }
        if let Some(at) = self.rows.iter().rposition(|row| row.id == handle) {
            self.rows[at].state = RowState::Gone;
        }
        self.note_writers();
        self.check();
    }

    pub(crate) fn drop_slice(&mut self, at: usize) {
        if self.driver.drop_slice(at) {
            let bytes = staging_core::PAGE;
            let reply = self.say(Event::Returned { bytes });
            let open = self.machine.phase() < PhaseName::Closed;
            assert!(reply == Reply::Done || !open, "{reply:?}");
            self.lent -= bytes as i64;
        }
        self.check();
    }

    pub(crate) fn shut_down(&mut self, grace: Grace) {
        let _ = self.say(Event::ShutdownAsked { grace });
        self.check();
    }

    /// The driver carries out the job at this place of its table, and says so.
    pub(crate) fn finish(&mut self, at: usize) {
        let job = self.driver.jobs.swap_remove(at);
        let completion = self.driver.perform(&job, &mut self.disk, &mut self.dice);
        self.order.ended(job.io, job.kind, completion);
        if let IoKind::Replace { op, step } = job.kind {
            self.replaces.ended(op, step, completion);
        }
        if let IoKind::Lock { lock, step } = job.kind {
            self.locks.ended(lock, step, completion);
        }
        self.complete(job.io, completion);
        let Some(reply) = self.log.last_reply() else {
            return;
        };
        if self.machine.phase() == PhaseName::Closed && matches!(reply, Reply::Ignored(_)) {
            return;
        }
        self.driver.replied(&job, completion, reply);
        if let (
            Completion::Opened { key, .. } | Completion::Fetched { key, .. },
            Reply::Adopted { file },
        ) = (completion, reply)
        {
            self.files.entry(file).or_default().inode = key.0[1] as usize;
        }
        if let (IoKind::Release { .. }, Completion::Released { lent }) = (job.kind, completion) {
            self.lent += lent as i64;
        }
        self.check();
    }

    pub(crate) fn complete(&mut self, io: IoId, completion: Completion) {
        self.faults.extend(fault_of(completion));
        let read = self.asked.iter_mut().find(|(_, asked)| {
            let going = asked.read == Some(u64::MAX - io.to_u64());
            going && matches!(completion, Completion::Read { .. })
        });
        if let (Some((_, asked)), Completion::Read { bytes }) = (read, completion) {
            asked.read = Some(bytes);
        }
        let _ = self.say(Event::Completed { io, completion });
    }

    pub(crate) fn was_heard(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(crate) fn poll_told(&mut self) -> bool {
        let tell = self.machine.poll_told();
        assert_eq!(tell, self.twin.poll_told(), "the twin told otherwise");
        if let Some(tell) = tell {
            self.log.action(Action::Tell(tell));
            self.hear(tell);
        }
        tell.is_some()
    }

    pub(crate) fn poll_io(&mut self) -> bool {
        let action = self.machine.poll_io();
        assert_eq!(action, self.twin.poll_io(), "the twin asked otherwise");
        match action {
            None => false,
            Some(Action::Tell(tell)) => unreachable!("{tell:?} is no work"),
            Some(Action::Perform { io, kind }) => {
                self.log.action(Action::Perform { io, kind });
                self.take(io, kind);
                true
            }
        }
    }

    pub(crate) fn drain(&mut self) {
        while self.poll_told() || self.poll_io() {}
    }

    pub(crate) fn take(&mut self, io: IoId, kind: IoKind) {
        assert!(self.issued.insert(io), "{io:?} is issued twice");
        self.check_issue(io, kind);
        if let IoKind::Read { op, file, .. } = kind {
            if let Some(asked) = self.asked.get_mut(&op) {
                asked.read = Some(u64::MAX - io.to_u64());
            }
            self.check_not_held_up(op, file);
        }
        if self.honest {
            let run: Vec<OpId> = self.machine.run(io).map(|(op, _)| op).collect();
            self.order.handed_out(io, kind, &run);
            if let IoKind::Replace { op, step } = kind {
                self.check_step(io, op, step);
            }
            if let IoKind::Lock { lock, step } = kind {
                self.check_lock_step(lock, step);
            }
        }
        let name = match kind {
            IoKind::Open { handle, .. } | IoKind::Fetch { handle, .. } => self.name_of(handle),
            _ => None,
        };
        if self.honest {
            let target = self.replaces.target_of(kind);
            self.driver.take(io, kind, name, target);
        } else {
            self.driver.take_blindly(io, kind);
        }
    }

    /// The path of a handle, while the machine may still ask for it.
    fn name_of(&self, handle: HandleId) -> Option<usize> {
        let row = self.rows.iter().rfind(|row| row.id == handle)?;
        let opening = self.asked.values().any(|asked| {
            asked.handle == Some(handle)
                && !asked.cancelled
                && matches!(asked.request, Request::Open { .. })
        });
        (opening || self.machine.file_of(handle).is_some()).then_some(row.name)
    }

    fn hear(&mut self, tell: Tell) {
        assert!(self.told < PhaseName::Closed, "{tell:?} after the end");
        match tell {
            Tell::Resolve { op, tag, outcome } => self.answered(op, tag, outcome),
            Tell::Progress { file, done, total } => self.check_progress(file, done, total),
            Tell::Withdrawn { file } => self.order.withdrawn(file),
            Tell::Room { bound } => {
                let told = self.full.iter().position(|full| *full == bound);
                assert!(told.is_some(), "room again, but {bound:?} was not full");
                self.full.swap_remove(told.unwrap_or_default());
            }
            Tell::Abandoned { io, .. } => {
                assert_eq!(self.machine.phase(), PhaseName::Closed);
                assert!(self.issued.contains(&io), "{io:?} was never handed out");
            }
            Tell::Phase { phase, cause } => {
                let edge = staging_core::EDGES.contains(&(self.told, phase, cause));
                assert!(edge, "{:?} -> {phase:?} : {cause:?}", self.told);
                self.told = phase;
                if phase == PhaseName::Closed {
                    self.locks.end();
                }
                self.check_end(phase);
            }
        }
    }

    pub(crate) fn answered(&mut self, op: OpId, tag: Tag, outcome: Outcome) {
        let asked = self.asked.remove(&op);
        assert!(asked.is_some(), "{op:?} is answered, but nobody waits");
        let Some(asked) = asked else { return };
        assert_eq!(tag, asked.tag);
        self.columns.count(outcome);
        self.check_outcome(&asked, outcome);
        if self.honest {
            self.order.answered(op, asked.request, outcome);
            self.note_failed_sync(op, &asked, outcome);
            self.check_replaced(op, asked.request, outcome);
            self.check_locked(op, asked.request, outcome);
        }
        match (outcome, asked.handle) {
            (Outcome::Opened { file, .. }, Some(handle)) => {
                let row = self.row(handle);
                if row.state == RowState::Opening {
                    row.state = RowState::Open;
                }
                if row.access.may_write() {
                    self.order.opened(handle, file);
                }
            }
            (Outcome::Closed, Some(handle)) => {
                self.row(handle).state = RowState::Gone;
                self.note_writers();
            }
            (Outcome::Failed { .. }, Some(handle)) => {
                if matches!(asked.request, Request::Open { .. } | Request::Close { .. }) {
                    self.row(handle).state = RowState::Gone;
                    self.note_writers();
                }
            }
            (Outcome::FromContents { file }, _) if self.honest && self.dice.chance(40) => {
                self.driver.slice(file);
            }
            _ => {}
        }
        if let (Some((file, staging)), false) =
            (asked.held_up_by, matches!(outcome, Outcome::Failed { .. }))
        {
            self.check_ended(file, staging);
        }
    }

    pub(crate) fn check_not_held_up(&self, op: OpId, file: FileId) {
        if let Some((held_by, staging)) = self.asked.get(&op).and_then(|asked| asked.held_up_by) {
            assert_eq!(held_by, file);
            self.check_ended(file, staging);
        }
    }

    pub(crate) fn check_ended(&self, file: FileId, staging: u64) {
        let Some(seen) = self.files.get(&file) else {
            return;
        };
        // One that began at this very moment may be another.
        let since = seen.since.filter(|since| *since < self.latest);
        let goes_on = seen.stagings == staging && since.is_some();
        assert!(!goes_on, "a read of {file:?} did not wait for its staging");
    }

    /// Notes how a file stands now.
    pub(crate) fn see(&mut self, file: FileId, life: Life) {
        let seen = self.files.entry(file).or_default();
        let since = match life {
            Life::Staging { since, .. } => Some(since),
            Life::NotStaged(_) | Life::Staged(_) => None,
        };
        if since.is_some() && since != seen.since {
            seen.stagings += 1;
        }
        seen.since = since;
    }
}
