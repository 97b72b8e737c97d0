//! Opening: from a path that only the driver knows to an identity that handles share.

use super::Machine;
use super::stage::Seen;
use super::state::{
    Contents, Descriptor, File, Handle, OPS, Op, OpState, Owner, Pass, Place, Step, Then, Writes,
};
use crate::action::{Done, IoKind, Outcome};
use crate::completion::{Key, Stamp};
use crate::event::{Access, Missing, Mode, Plan, Request};
use crate::fault::Fault;
use crate::id::{FileId, HandleId, OpId};
use crate::intervals::{Range, Touch};
use crate::limits::charge_loaded;
use crate::reply::Reply;
use crate::staging::{How, Standing, Why};

/// What an open saw of a file.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub key: Key,
    pub stamp: Stamp,
    /// Writes that ended after this, by the machine's count, it may not have seen.
    pub since: u64,
}

/// How `Open` or `Fetch` ended, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    pub op: OpId,
    pub handle: HandleId,
    pub missing: Missing,
    pub seen: Sight,
    /// It loaded the whole file.
    pub fetched: bool,
}

/// What an open brought along.
#[derive(Clone, Copy)]
enum Brought {
    Descriptor,
    /// The whole file, for which this much had been set aside.
    Contents {
        reserved: u64,
    },
}

impl Machine {
    pub(super) fn reserve_handle(&mut self, op: OpId) -> HandleId {
        self.handles.insert(Handle::Opening {
            op,
            file: None,
            writes: Writes::No,
        })
    }

    pub(super) fn start_open(&mut self, op: OpId, access: Access) {
        if access.may_write() || (self.openers.is_empty() && self.take_slot()) {
            self.issue_open(op);
        } else {
            self.ops[op].state = OpState::AwaitingSlot;
            self.ops.push_back(&mut self.openers, OPS, op);
            self.recycle_idle();
        }
    }

    /// Orders the open, fused with loading where the plan and the budget allow it. The slot is
    /// taken, if it needs one.
    pub(super) fn issue_open(&mut self, op: OpId) {
        if let Op {
            handle: Some(handle),
            request:
                Request::Open {
                    access,
                    missing,
                    plan,
                },
            ..
        } = self.ops[op]
        {
            let kind = self.kind_of_open(handle, access, missing, plan);
            self.issue_for(op, kind);
        }
    }

    fn kind_of_open(
        &mut self,
        handle: HandleId,
        access: Access,
        missing: Missing,
        plan: Plan,
    ) -> IoKind {
        match self.fetch_up_to(plan, access) {
            Some(up_to) => IoKind::Fetch {
                handle,
                missing,
                up_to,
            },
            None => IoKind::Open {
                handle,
                access,
                missing,
            },
        }
    }

    fn issue_for(&mut self, op: OpId, kind: IoKind) {
        let since = self.writes_ended;
        let io = self.issue(kind, Owner::Open { op, since });
        self.ops[op].state = OpState::Opening { io };
    }

    /// How much to load together with opening, if at all; it is set aside of the budget. Where
    /// files linger the file may be in memory already, so its identity is asked first.
    fn fetch_up_to(&mut self, plan: Plan, access: Access) -> Option<u64> {
        if access.may_write() {
            return None;
        }
        let up_to = match plan.mode {
            Mode::Auto => self.limits.fetch.min(plan.map_threshold),
            Mode::Load => self.limits.fetch,
            Mode::Map | Mode::MapShared | Mode::None => return None,
        };
        let free =
            up_to > 0 && !self.budget.has_lingering() && self.budget.reserve(charge_loaded(up_to));
        free.then_some(up_to)
    }

    /// `Open` or `Fetch` ended, for an open that may no longer be waited for.
    pub(super) fn on_opened_for(
        &mut self,
        Opened {
            op,
            handle,
            missing,
            seen,
            fetched,
        }: Opened,
        kind: IoKind,
    ) -> Reply {
        if !self.still_opening(op) {
            self.open_ended(kind);
            return Reply::Surplus;
        }
        let fresh = self.is_fresh(seen.key, seen.since);
        let access = access_of(kind);
        if !fresh && self.keys.get(seen.key).is_none() {
            // Somebody wrote meanwhile and left, perhaps to it: how long it is must be seen again.
            self.return_reservation(kind);
            let missing = missing.again();
            self.issue_for(
                op,
                IoKind::Open {
                    handle,
                    access,
                    missing,
                },
            );
            return Reply::Surplus;
        }
        let brought = match kind {
            IoKind::Fetch { up_to, .. } if fetched => Brought::Contents {
                reserved: charge_loaded(up_to),
            },
            _ => {
                self.return_reservation(kind);
                Brought::Descriptor
            }
        };
        let file = self.attach(op, handle, seen, access, fresh);
        let adopted = match brought {
            Brought::Descriptor if access.may_write() => self.adopt_pinned(file),
            Brought::Descriptor => self.adopt_descriptor(file),
            Brought::Contents { reserved } => self.adopt_contents(file, reserved, fresh),
        };
        let seen = match fresh {
            true => Seen::Now,
            false => Seen::Before,
        };
        self.settle_open(op, file, seen);
        if self.has_descriptor(file) {
            self.staging_has_descriptor(file, seen);
        }
        self.close_if_unneeded(file);
        if adopted {
            Reply::Adopted { file }
        } else {
            Reply::Surplus
        }
    }

    /// `Open` or `Fetch` failed for an open.
    pub(super) fn on_open_failed(&mut self, op: OpId, kind: IoKind, fault: Fault) -> Reply {
        self.open_ended(kind);
        if self.still_opening(op) {
            self.resolve(
                op,
                Outcome::Failed {
                    fault,
                    done: Done::Nothing,
                },
            );
        }
        Reply::Done
    }

    /// An open ended without anything to keep: what was taken for it is given back.
    pub(super) fn open_ended(&mut self, kind: IoKind) {
        self.return_reservation(kind);
        if access_of(kind) == Access::Read {
            self.free_slot();
        }
    }

    /// Whether somebody waits for this open. If it was answered before, the flight that held it
    /// has ended now, and so does its place.
    pub(super) fn still_opening(&mut self, op: OpId) -> bool {
        let waited_for = matches!(self.ops[op].state, OpState::Opening { .. });
        if !waited_for {
            self.flight_ended(op);
        }
        waited_for
    }

    /// The flight of an answered operation ended: its place is free, or will be when the answer
    /// is polled.
    pub(super) fn flight_ended(&mut self, op: OpId) {
        self.leave_place(op);
        if let OpState::Resolved { flight, .. } = &mut self.ops[op].state {
            *flight = None;
        } else {
            self.ops.remove(op);
        }
    }

    fn attach(
        &mut self,
        op: OpId,
        handle: HandleId,
        seen: Sight,
        access: Access,
        fresh: bool,
    ) -> FileId {
        let Sight { key, stamp, .. } = seen;
        let file = match self.keys.get(key) {
            Some(file) => {
                self.leave_lingering(file);
                match fresh {
                    true => self.meet_newer(file, stamp),
                    false => self.doubt(file, stamp),
                }
                file
            }
            None => {
                let file = self.files.insert(File::new(key, stamp));
                self.keys.insert(key, file);
                self.make_room_for_files();
                file
            }
        };
        self.files[file].handles += 1;
        let writes = match access {
            Access::Read => Writes::No,
            Access::Write | Access::WriteThrough | Access::WriteBehind => {
                self.begin_writing(file, access)
            }
        };
        self.handles[handle] = Handle::Opening {
            op,
            file: Some(file),
            writes,
        };
        if access.may_write() {
            self.give_up_mapping(file);
        }
        file
    }

    /// An open saw another version than the one in memory: that one is stale, and given up.
    fn meet_newer(&mut self, file: FileId, stamp: Stamp) {
        let entry = &mut self.files[file];
        if entry.stamp == stamp {
            return;
        }
        match entry.contents {
            Contents::Staged { charge, .. } => {
                entry.stamp = stamp;
                self.release(file, charge, Then::Rest(Why::Changed));
            }
            // What follows begins with this stamp, or with a look.
            Contents::Absent(_)
            | Contents::Staging(Pass {
                step: Step::Opening | Step::Looking { .. },
                ..
            })
            | Contents::Stopping { .. }
            | Contents::Releasing { .. } => entry.stamp = stamp,
            // A staging under way checks its own stamp. Nobody lingers who was just opened.
            Contents::Staging(_) | Contents::Lingering { .. } => {}
        }
    }

    /// An open saw another version than the one in memory, but a write ended since it was issued, to
    /// this file or to another: which of them is newer nobody knows. What is in memory is given up;
    /// the stamp stays, for what was seen may be older.
    fn doubt(&mut self, file: FileId, stamp: Stamp) {
        let entry = &self.files[file];
        if let (Contents::Staged { charge, .. }, None) = (entry.contents, entry.writing)
            && entry.stamp != stamp
        {
            self.release(file, charge, Then::Rest(Why::Changed));
        }
    }

    fn adopt_descriptor(&mut self, file: FileId) -> bool {
        match self.files[file].descriptor {
            Descriptor::Absent => {}
            Descriptor::Wanted => {
                self.files
                    .unlink(&mut self.reopeners, super::state::QUEUE, file);
            }
            Descriptor::Closing { io } => {
                if self.ios[io].place == Place::Ready {
                    self.keep_descriptor(file, io);
                    self.free_slot();
                    return false;
                }
            }
            Descriptor::Opening { .. }
            | Descriptor::Idle { .. }
            | Descriptor::Busy { .. }
            | Descriptor::Pinned { .. } => {
                self.free_slot();
                return false;
            }
        }
        self.rest_descriptor(file);
        self.serve_readers(file);
        true
    }

    fn adopt_contents(&mut self, file: FileId, reserved: u64, fresh: bool) -> bool {
        self.free_slot();
        let entry = &mut self.files[file];
        if !fresh || !matches!(entry.contents, Contents::Absent(_)) {
            self.budget.reservation_ended(reserved, 0);
            self.serve_budget();
            return false;
        }
        let charge = charge_loaded(entry.stamp.len);
        let how = if entry.stamp.len == 0 {
            How::Empty
        } else {
            How::Loaded
        };
        entry.contents = Contents::Staged { how, charge };
        let len = entry.stamp.len;
        self.count_staged(len);
        self.budget.reservation_ended(reserved, charge);
        self.serve_budget();
        true
    }

    /// The open has its file: it is answered, or waits for staging.
    fn settle_open(&mut self, op: OpId, file: FileId, seen: Seen) {
        match self.plan_of(op).map(|plan| plan.mode) {
            None | Some(Mode::None) => {
                let outcome = self.opened_outcome(file);
                self.resolve(op, outcome);
            }
            Some(Mode::Auto | Mode::Map | Mode::MapShared | Mode::Load) => {
                if self.take_place(op, file, Range::ALL, Touch::Looks) {
                    self.join(op, file, seen);
                }
            }
        }
    }

    pub(super) fn standing(&self, file: FileId) -> Standing {
        match self.files[file].contents {
            Contents::Staged { how, .. } | Contents::Lingering { how, .. } => Standing::Staged(how),
            Contents::Absent(why)
            | Contents::Stopping {
                then: Then::Rest(why),
                ..
            }
            | Contents::Releasing {
                then: Then::Rest(why),
                ..
            } => Standing::NotStaged(why),
            Contents::Staging(_)
            | Contents::Stopping {
                then: Then::Again { .. },
                ..
            }
            | Contents::Releasing {
                then: Then::Again { .. },
                ..
            } => Standing::NotStaged(Why::NeverAsked),
        }
    }

    pub(super) fn opened_outcome(&self, file: FileId) -> Outcome {
        Outcome::Opened {
            file,
            len: self.size(file),
            standing: self.standing(file),
        }
    }

    pub(super) fn staged_outcome(&self, file: FileId) -> Outcome {
        Outcome::Staged {
            len: self.size(file),
            standing: self.standing(file),
        }
    }

    /// A file has its descriptor again, or has lost its place on the disk.
    pub(super) fn on_reopened(&mut self, file: FileId, key: Key, stamp: Stamp) -> Reply {
        self.files[file].flights -= 1;
        if key != self.files[file].key {
            self.reopen_failed(file, Fault::Replaced);
            return Reply::Surplus;
        }
        match self.files[file].descriptor {
            Descriptor::Opening { .. } => {
                if matches!(
                    self.files[file].contents,
                    Contents::Absent(_) | Contents::Staging(_)
                ) {
                    self.files[file].stamp = stamp;
                }
                self.descriptor_arrived(file);
                self.reap(file);
                Reply::Adopted { file }
            }
            Descriptor::Absent
            | Descriptor::Wanted
            | Descriptor::Idle { .. }
            | Descriptor::Busy { .. }
            | Descriptor::Pinned { .. }
            | Descriptor::Closing { .. } => {
                self.free_slot();
                self.reap(file);
                Reply::Surplus
            }
        }
    }

    pub(super) fn on_reopen_failed(&mut self, file: FileId, fault: Fault) -> Reply {
        self.files[file].flights -= 1;
        self.reopen_failed(file, fault);
        Reply::Done
    }

    /// Whoever needed the descriptor is told why there is none.
    fn reopen_failed(&mut self, file: FileId, fault: Fault) {
        if !matches!(self.files[file].descriptor, Descriptor::Opening { .. }) {
            // It has another one by now.
            self.free_slot();
            return self.reap(file);
        }
        self.files[file].descriptor = Descriptor::Absent;
        self.free_slot();
        self.fail_readers(file, fault);
        if self.files.get(file).is_some() && self.wants_descriptor(file) {
            self.fail_staging(file, fault);
        }
        if self.files.get(file).is_some() {
            self.reap(file);
        }
    }
}

/// A fetch only reads.
fn access_of(kind: IoKind) -> Access {
    match kind {
        IoKind::Open { access, .. } => access,
        _ => Access::Read,
    }
}
