//! Answers: how an operation leaves the place that owned it, and is told its one outcome (R9).

use super::Machine;
use super::state::{
    Descriptor, Discarded, Early, Fullness, Handle, Io, NEWS, News, OPS, Op, OpState, Order, Owner,
    Place,
};
use crate::action::{Done, IoKind, Outcome};
use crate::fault::Fault;
use crate::id::{FileId, IoId, OpId};
use crate::limits::charge_loaded;
use crate::reply::{Ignored, Reply};
use crate::stats::Ending;

impl Machine {
    pub(super) fn on_cancelled(&mut self, op: OpId) -> Reply {
        match self.ops.get(op).map(|op| op.state) {
            None | Some(OpState::Resolved { .. } | OpState::Answered) => {
                self.ignore(Ignored::UnknownOp)
            }
            // Whoever asked has his answer, or is about to get it.
            Some(_) if self.ops[op].early != Early::No => self.ignore(Ignored::UnknownOp),
            Some(_) => {
                self.give_up(op, Fault::Cancelled);
                Reply::Done
            }
        }
    }

    /// The deadline of an operation passed: its caller is answered, whatever the kernel does (R10).
    pub(super) fn expire(&mut self, op: OpId) {
        self.give_up(op, Fault::Deadline);
    }

    /// Takes a waiting operation out of its place and answers it with a fault. Whatever the place
    /// was kept busy for by this operation alone ends with it.
    pub(super) fn give_up(&mut self, op: OpId, fault: Fault) {
        let entry = &self.ops[op];
        let (state, order, request) = (entry.state, entry.order, entry.request);
        let file = self.file_of_op(op);
        let (mut flight, mut done) = (None, Done::Nothing);
        match state {
            OpState::AwaitingSlot => self.ops.unlink(&mut self.openers, OPS, op),
            OpState::Performing { io }
                if matches!(order, Order::Targeted(_) | Order::Rewriting(_)) =>
            {
                (flight, done) = self.give_up_step(op, io);
            }
            OpState::Opening { io } | OpState::Performing { io } => {
                flight = self.recall(io);
                if flight.is_some() {
                    done = Done::Unknown;
                }
            }
            OpState::AwaitingTurn => self.ops.unlink(&mut self.replacers, OPS, op),
            OpState::AwaitingTarget { target } => {
                self.ops.unlink(&mut self.targets[target].waiting, OPS, op);
            }
            OpState::Discarding { io, then } => {
                flight = Some(io);
                if let Discarded::Failed { done: before, .. } = then {
                    done = before;
                }
            }
            OpState::AwaitingVolume { volume } => {
                self.leave_uncovered_files(op, volume);
                flight = Some(self.discard(op));
            }
            OpState::SyncingVolume { volume } => {
                flight = self.leave_covered_files(op, volume);
                flight = flight.or_else(|| Some(self.discard(op)));
            }
            OpState::AwaitingDirectory { directory } => {
                self.leave_uncovered_names(op, directory);
                done = Done::Unknown;
            }
            OpState::SyncingDirectory { directory } => {
                flight = self.leave_covered_names(op, directory);
                done = Done::Unknown;
            }
            OpState::AwaitingOrder { behind } => self.leave_line(op, behind),
            OpState::AwaitingLookers { writing } => {
                self.ops.unlink(&mut self.writings[writing].held, OPS, op);
            }
            OpState::AwaitingEarlier { writing } => self.leave_earlier(op, writing),
            OpState::AwaitingSync { writing } => self.leave_uncovered(op, writing),
            OpState::Syncing { writing } => {
                self.leave_covered(op, writing);
                done = Done::Unknown;
            }
            OpState::AwaitingStaging { file } => self.leave_waiters(op, file),
            OpState::AwaitingDescriptor { file } => {
                self.ops.unlink(&mut self.files[file].readers, OPS, op);
            }
            OpState::AwaitingRelease { file } => {
                self.ops.unlink(&mut self.files[file].leavers, OPS, op);
            }
            OpState::AwaitingLock { lock } => self.give_up_lock(lock),
            // A close stands in no list; its handle forgets it with the answer.
            OpState::AwaitingOthers => {}
            OpState::Resolved { .. } | OpState::Answered => return,
        }
        if let Order::Placed(writing) = order
            && request.is_write()
        {
            self.writings[writing].end_is_old = true;
            if flight.is_none() {
                self.fail_appends_behind(op, fault);
            }
        }
        self.resolve_with_flight(op, Outcome::Failed { fault, done }, flight);
        if let Some(file) = file
            && self.files.get(file).is_some()
        {
            self.stop_unless_wanted(file);
            self.drop_idle_wish(file);
            self.reap(file);
        }
    }

    /// The file that an operation is about, if it got that far.
    pub(super) fn file_of_op(&self, op: OpId) -> Option<FileId> {
        let handle = self.ops[op].handle?;
        self.handles.get(handle)?.file()
    }

    /// Takes an action out of `ready`.
    pub(super) fn take_back(&mut self, io: IoId) {
        self.step_out(io);
        self.ios.remove(io);
    }

    /// Takes back an action that was not handed out yet. One that was stays in flight, and is
    /// returned.
    pub(super) fn recall(&mut self, io: IoId) -> Option<IoId> {
        let Io {
            kind, owner, place, ..
        } = self.ios[io];
        if place == Place::InFlight {
            return Some(io);
        }
        self.take_back(io);
        let Some(file) = self.file_of_owner(owner) else {
            if matches!(owner, Owner::Open { .. }) {
                self.open_ended(kind);
            }
            return None;
        };
        self.files[file].flights -= 1;
        if matches!(owner, Owner::Reopen { .. }) {
            self.files[file].descriptor = Descriptor::Absent;
            self.free_slot();
        } else {
            // A look, a mapping, a chunk, a sync: what is ever recalled uses the descriptor.
            self.done_with_descriptor(file);
        }
        None
    }

    /// Gives back what a `Fetch` had set aside of the budget.
    pub(super) fn return_reservation(&mut self, kind: IoKind) {
        if let IoKind::Fetch { up_to, .. } = kind {
            self.budget.reservation_ended(charge_loaded(up_to), 0);
            self.serve_budget();
        }
    }

    /// Answers an operation that no place owns any more.
    pub(super) fn resolve(&mut self, op: OpId, outcome: Outcome) {
        self.resolve_with_flight(op, outcome, None);
    }

    fn resolve_with_flight(&mut self, op: OpId, outcome: Outcome, flight: Option<IoId>) {
        self.timers.remove(op);
        self.count(outcome);
        let Op {
            handle,
            order,
            request,
            own_class,
            ..
        } = self.ops[op];
        let writing = match order {
            Order::Placed(writing) => Some(writing),
            _ => None,
        };
        if request.is_write() {
            let side = writing.or_else(|| self.writing_of(handle?));
            self.count_write_left(own_class, side, outcome);
        }
        let answered = self.was_answered_early(op, writing, outcome);
        self.ops[op].state = match answered {
            true => OpState::Answered,
            false => OpState::Resolved { outcome, flight },
        };
        if !answered {
            self.ops.push_back(&mut self.told, OPS, op);
        }
        if flight.is_none() {
            self.leave_place(op);
        }
        if answered && flight.is_none() {
            self.ops.remove(op);
        }
        let Some(handle) = handle else {
            return;
        };

        let entry = &mut self.handles[handle];
        match entry {
            Handle::Opening { writes, .. } => match outcome {
                Outcome::Opened { file, .. } => {
                    let (pending, writes) = (0, *writes);
                    *entry = Handle::Open {
                        file,
                        pending,
                        writes,
                    };
                }
                _ => self.free_handle(handle),
            },
            Handle::Open { file, pending, .. } => {
                *pending -= 1;
                let file = *file;
                self.one_less_pending(file);
            }
            Handle::Leaving {
                file,
                closer,
                pending,
                ..
            } => {
                *pending -= 1;
                if *closer == Some(op) {
                    *closer = None;
                }
                let (file, closer, pending) = (*file, *closer, *pending);
                self.one_less_pending(file);
                match closer {
                    Some(closer) if pending == 1 => self.end_close(closer),
                    None if pending == 0 => self.free_handle(handle),
                    Some(_) | None => {}
                }
            }
        }
    }

    fn one_less_pending(&mut self, file: FileId) {
        let entry = &mut self.files[file];
        entry.pending -= 1;
        if entry.room != Fullness::Refused {
            return;
        }
        let most = self.most_operations(file);
        let entry = &mut self.files[file];
        if entry.pending < most {
            entry.room = Fullness::Quiet;
            let news = News {
                room: true,
                ..entry.news
            };
            self.tell_news(file, news);
        }
    }

    /// There was room, and before anybody was told there is none again.
    pub(super) fn drop_room(&mut self, file: FileId) {
        let news = News {
            room: false,
            ..self.files[file].news
        };
        self.tell_news(file, news);
    }

    pub(super) fn tell_news(&mut self, file: FileId, news: News) {
        let before = core::mem::replace(&mut self.files[file].news, news);
        match (before == News::NONE, news == News::NONE) {
            (true, false) => self.files.push_back(&mut self.news, NEWS, file),
            (false, true) => self.files.unlink(&mut self.news, NEWS, file),
            (true, true) | (false, false) => {}
        }
    }

    fn count(&mut self, outcome: Outcome) {
        self.stats.pending -= 1;
        let column = match Ending::of(outcome) {
            Ending::Completed => &mut self.stats.completed,
            Ending::Failed => &mut self.stats.failed,
            Ending::Cancelled => &mut self.stats.cancelled,
            Ending::Expired => &mut self.stats.expired,
            Ending::Abandoned => &mut self.stats.abandoned,
        };
        *column += 1;
    }
}
