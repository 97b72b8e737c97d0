//! Bursts: several operations begun, from one thread, before any is awaited. The order of acceptance
//! is the order in which they were begun, so each has one outcome, but for those that were given up
//! in flight.

use super::content::{Change, Content, Happened};
use super::directory::Stand;
use super::play::{Player, Verdict, said};
use super::step::{Ask, Barrier, Begun, Fate, Late, Storage};
use crate::conformance::Gate;
use driver_kit::Deadline;
use driver_kit::core::Reject;
use driver_kit::core::{Done, Fault, How, Mode, Outcome, Plan, Request, Standing};
use driver_kit::error::{Cause, Failure, Operation};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::{Ticket, read_answer};
use rustix::io::Errno;
use std::sync::Arc;

/// How storage fails where it is told to.
const EIO: Fault = Fault::Os(Errno::IO.raw_os_error());

/// An operation of a burst.
struct Going<'a> {
    begun: &'a Begun,
    /// At which handle.
    at: usize,
    /// The bytes it is to write.
    bytes: Vec<u8>,
    way: Way,
}

/// How far it is.
enum Way {
    Waits(Ticket),
    Refused(Failure),
    /// A read that took what was in memory.
    Read(Vec<u8>),
    /// Answered, and to a read: with these bytes.
    Answered(Outcome, Vec<u8>),
    /// There was nothing in memory to read.
    Nothing,
}

/// What a barrier saw on the disk when it was answered.
struct Seen {
    barrier: usize,
    file: usize,
    bytes: Vec<u8>,
}

impl Player {
    pub(super) fn burst(&mut self, storage: Storage, burst: &[Begun]) -> Verdict {
        if self.handles.is_empty() {
            return Ok(());
        }
        let hub = Arc::clone(self.driver.hub());
        let gate = match storage {
            Storage::Free => None,
            Storage::Held => Some(Gate::closed(&hub, ActionKind::Write)),
            Storage::Loading => Some(Gate::closed(&hub, ActionKind::Load)),
            Storage::Failing(which) => Some(Gate::failing(&hub, ActionKind::Write, which, EIO)),
        };
        let mut going = Vec::new();
        for begun in burst {
            self.tally.operations += 1;
            let at = self.which(begun.handle).unwrap_or_default();
            going.push(self.begin(begun, at));
            cancel_due(&going);
        }
        if let (Some(gate), Storage::Held | Storage::Loading) = (&gate, storage) {
            arrive(gate);
        }
        cancel_all(&going);
        if let Some(gate) = &gate {
            gate.open();
        }
        self.driver.attend();
        // The first barrier first: what it covers is on the disk when it is answered (R3).
        let barrier = going.iter().position(|one| {
            matches!(one.begun.ask, Ask::Barrier(_)) && matches!(one.way, Way::Waits(_))
        });
        let mut seen = None;
        if let Some(barrier) = barrier {
            await_answer(&mut going[barrier])?;
            let file = self.handles[going[barrier].at].file;
            let bytes = self.directory.on_disk(file).map_err(said)?;
            seen = Some(Seen {
                barrier,
                file,
                bytes,
            });
        }
        for one in &mut going {
            await_answer(one)?;
        }
        let before: Vec<Content> = self
            .directory
            .files
            .iter()
            .map(|file| file.content.clone())
            .collect();
        // A gate that is gone leaves lone writes to their callers again.
        drop(gate);
        for place in 0..going.len() {
            let judged = self.judge(storage, &going, place);
            judged.map_err(|what| format!("{place}, {:?}: {what}", going[place].begun.ask))?;
            if let Some(seen) = seen.as_ref().filter(|seen| seen.barrier == place) {
                self.check_barrier(&going, seen)?;
            }
        }
        self.settle(&before)
    }

    fn begin<'a>(&self, begun: &'a Begun, at: usize) -> Going<'a> {
        let held = &self.handles[at];
        let (handle, hub) = (held.open.handle(), self.driver.hub());
        let deadline = match begun.fate {
            Fate::Late => super::play::deadline(Late::Yes),
            Fate::Awaited | Fate::Cancelled(_) => Deadline::Never,
        };
        let mut bytes = Vec::new();
        let asked = match &begun.ask {
            Ask::ReadStaged(offset, len) => {
                let mut buffer = vec![0xee; *len];
                let way = match handle.read_staged(*offset, &mut buffer) {
                    Some(Ok(read)) => {
                        buffer.truncate(read);
                        Way::Read(buffer)
                    }
                    Some(Err(_)) | None => Way::Nothing,
                };
                return Going {
                    begun,
                    at,
                    bytes,
                    way,
                };
            }
            Ask::Read(offset, len) => handle.read_later(*offset, *len as u64, deadline, None),
            Ask::Write(offset, text) => {
                bytes = text.bytes();
                handle.write(*offset, bytes.clone().into(), deadline, None)
            }
            Ask::Append(text) => {
                bytes = text.bytes();
                handle.append(bytes.clone().into(), deadline, None)
            }
            Ask::SetLen(len) => handle.set_len(*len, deadline, None),
            Ask::Barrier(Barrier::Flush) => handle.flush(deadline, None),
            Ask::Barrier(Barrier::Sync) => handle.sync(deadline, None),
            Ask::All(Barrier::Flush) => {
                hub.submit_for_all(Operation::FlushAll, Request::FlushAll, deadline, None)
            }
            Ask::All(Barrier::Sync) => {
                hub.submit_for_all(Operation::SyncAll, Request::SyncAll, deadline, None)
            }
            Ask::Stage(mode) => handle.stage(Plan::of(*mode), deadline, None),
            Ask::Unstage => handle.unstage(deadline, None),
        };
        let way = match asked {
            Ok(ticket) => Way::Waits(ticket),
            Err(failure) => Way::Refused(failure),
        };
        Going {
            begun,
            at,
            bytes,
            way,
        }
    }

    /// Holds one operation against the model, which has taken in what was accepted before it.
    fn judge(&mut self, storage: Storage, going: &[Going<'_>], place: usize) -> Verdict {
        let one = &going[place];
        let file = self.handles[one.at].file;
        match &one.way {
            Way::Nothing | Way::Waits(_) => Ok(()),
            Way::Read(bytes) => match one.begun.ask {
                Ask::ReadStaged(offset, len) => self.reads(file, offset, len, bytes),
                _ => Ok(()),
            },
            Way::Refused(failure) => self.may_be_refused(one, failure),
            Way::Answered(Outcome::Failed { fault, done }, _) => {
                self.failed(storage, going, place, *fault, *done)
            }
            Way::Answered(outcome, bytes) => self.succeeded(one, *outcome, bytes),
        }
    }

    fn succeeded(&mut self, one: &Going<'_>, outcome: Outcome, read: &[u8]) -> Verdict {
        let file = self.handles[one.at].file;
        let right = match (&one.begun.ask, outcome) {
            (Ask::Read(offset, len), Outcome::Read { .. } | Outcome::FromContents { .. }) => {
                return self.reads(file, *offset, *len, read);
            }
            (Ask::Write(at, _), Outcome::Written { offset, bytes }) => {
                let change = Change::Write(*at, &one.bytes);
                self.directory.files[file]
                    .content
                    .apply(change, Happened::All);
                self.gone_from_memory(file, !one.bytes.is_empty());
                (offset, bytes) == (*at, one.bytes.len() as u64)
            }
            (Ask::Append(_), Outcome::Written { offset, bytes }) => {
                let content = &mut self.directory.files[file].content;
                let end = content.takes_append_at(offset);
                content.apply(Change::Append(Some(offset), &one.bytes), Happened::All);
                self.gone_from_memory(file, !one.bytes.is_empty());
                end && bytes == one.bytes.len() as u64
            }
            (Ask::SetLen(len), Outcome::LengthSet) => {
                let content = &mut self.directory.files[file].content;
                content.apply(Change::SetLen(*len), Happened::All);
                self.gone_from_memory(file, true);
                true
            }
            (Ask::Barrier(Barrier::Flush) | Ask::All(Barrier::Flush), Outcome::Flushed)
            | (Ask::Barrier(Barrier::Sync) | Ask::All(Barrier::Sync), Outcome::Synced) => true,
            (Ask::Stage(mode), Outcome::Staged { standing, .. }) => {
                self.directory.files[file].life = Stand::Unknown;
                let writers = self.directory.files[file].writers;
                match standing {
                    Standing::Staged(How::Mapped | How::MappedShared) => writers == 0,
                    Standing::Staged(How::Empty | How::Loaded) => true,
                    // Over budget, or taken away by what was accepted later.
                    Standing::NotStaged(_) => *mode == Mode::Auto,
                }
            }
            (Ask::Unstage, Outcome::Unstaged) => {
                self.directory.files[file].life = Stand::Unknown;
                true
            }
            _ => false,
        };
        self.tally.checks += 1;
        match right {
            true => Ok(()),
            false => Err(format!("answered {outcome:?}")),
        }
    }

    fn gone_from_memory(&mut self, file: usize, changed: bool) {
        if changed {
            self.directory.files[file].life = Stand::Unknown;
        }
    }

    fn failed(
        &mut self,
        storage: Storage,
        going: &[Going<'_>],
        place: usize,
        fault: Fault,
        done: Done,
    ) -> Verdict {
        let one = &going[place];
        let file = self.handles[one.at].file;
        let happened = match done {
            Done::Nothing => Happened::Nothing,
            Done::Bytes(bytes) => Happened::First(bytes),
            Done::Unknown => Happened::Unknown,
        };
        let content = &mut self.directory.files[file].content;
        let flies = match one.begun.ask {
            Ask::Write(at, _) => {
                content.apply(Change::Write(at, &one.bytes), happened);
                true
            }
            Ask::Append(_) => {
                // Its place was taken, and is not told: any of those it may have been.
                let places: Vec<u64> = content.places().collect();
                for place in places {
                    content.apply(Change::Append(Some(place), &one.bytes), happened);
                }
                true
            }
            Ask::SetLen(len) => {
                content.apply(Change::SetLen(len), happened);
                true
            }
            Ask::Read(..) | Ask::Barrier(Barrier::Sync) | Ask::All(Barrier::Sync) => true,
            Ask::ReadStaged(..)
            | Ask::Barrier(Barrier::Flush)
            | Ask::All(Barrier::Flush)
            | Ask::Stage(_)
            | Ask::Unstage => false,
        };
        self.directory.files[file].life = Stand::Unknown;
        let known = &self.directory.files[file];
        let appends = matches!(one.begun.ask, Ask::Append(_));
        let right = match fault {
            Fault::Cancelled if matches!(one.begun.fate, Fate::Cancelled(_)) => true,
            Fault::Deadline if one.begun.fate == Fate::Late => done == Done::Nothing || flies,
            // R1: an append behind a change of the length that was given up fails with it.
            Fault::Cancelled | Fault::Deadline if appends => {
                self.is_behind_a_failed_cut(going, place, fault)
            }
            EIO => {
                matches!(storage, Storage::Failing(_))
                    && matches!(one.begun.ask, Ask::Write(..) | Ask::Append(_))
            }
            // Somebody unstaged it, or wrote.
            Fault::Cancelled => matches!(one.begun.ask, Ask::Stage(_)),
            Fault::OverBudget => matches!(one.begun.ask, Ask::Stage(mode) if mode != Mode::Auto),
            Fault::NoMapping => {
                let maps = matches!(one.begun.ask, Ask::Stage(Mode::Map | Mode::MapShared));
                // A staging is joined, and fails for all by the plan of the first (G9).
                (maps || matches!(one.begun.ask, Ask::Stage(_))) && known.writers > 0
            }
            _ => false,
        };
        self.tally.checks += 1;
        match right && (flies || done == Done::Nothing) {
            true => Ok(()),
            false => Err(format!("failed with {fault:?}, {done:?}")),
        }
    }

    fn is_behind_a_failed_cut(&self, going: &[Going<'_>], place: usize, fault: Fault) -> bool {
        let file = self.handles[going[place].at].file;
        let cuts = going[..place].iter().rfind(|other| {
            let here = self.handles[other.at].file == file;
            here && matches!(other.begun.ask, Ask::SetLen(_)) && fault_of(other) == Some(fault)
        });
        cuts.is_some()
    }

    fn may_be_refused(&mut self, one: &Going<'_>, failure: &Failure) -> Verdict {
        let writes = self.handles[one.at].writes;
        let end = match one.begun.ask {
            Ask::Read(offset, len) => offset.checked_add(len as u64),
            Ask::Write(offset, _) => {
                let end = offset.checked_add(one.bytes.len() as u64);
                end.filter(|end| *end <= i64::MAX as u64)
            }
            Ask::SetLen(len) => Some(len).filter(|len| *len <= i64::MAX as u64),
            _ => Some(0),
        };
        let of_writers = matches!(
            one.begun.ask,
            Ask::Write(..) | Ask::Append(_) | Ask::SetLen(_) | Ask::Barrier(_)
        );
        let right = match failure.cause {
            Cause::Rejected(Reject::Full(_)) => self.is_narrow(),
            Cause::Rejected(Reject::ReadOnly) => of_writers && !writes,
            Cause::Rejected(Reject::BadRange) => end.is_none(),
            _ => false,
        };
        self.tally.checks += 1;
        match right {
            true => Ok(()),
            false => Err(format!("refused: {failure}")),
        }
    }

    /// Whether a burst may run into a limit.
    fn is_narrow(&self) -> bool {
        let limits = &self.limits;
        let few = limits.operations < 64 || limits.operations_per_file < 64;
        few || limits.bytes < 1 << 20 || limits.bytes_per_file < 1 << 20
    }

    /// R3: what was accepted before the barrier was on the disk, but for what later ones changed.
    fn check_barrier(&mut self, going: &[Going<'_>], seen: &Seen) -> Verdict {
        let answered = matches!(
            going[seen.barrier].way,
            Way::Answered(Outcome::Flushed | Outcome::Synced, _)
        );
        let mut later = Vec::new();
        for other in &going[seen.barrier + 1..] {
            if self.handles[other.at].file != seen.file {
                continue;
            }
            match other.begun.ask {
                Ask::Write(at, _) => {
                    later.push(at.saturating_sub(16_384)..at.saturating_add(16_384))
                }
                // Where it was, and how long the file is meanwhile, is not told.
                Ask::Append(_) | Ask::SetLen(_) => return Ok(()),
                _ => {}
            }
        }
        if !answered
            || !later.is_empty() && self.directory.files[seen.file].content.exact().is_none()
        {
            return Ok(());
        }
        self.tally.checks += 1;
        let content = &self.directory.files[seen.file].content;
        let untouched = |at: u64| !later.iter().any(|range| range.contains(&at));
        for (at, byte) in seen.bytes.iter().enumerate() {
            if untouched(at as u64) && !content.may_be(at, *byte) {
                return Err(format!(
                    "byte {at} was not on the disk when the barrier ended (R3)"
                ));
            }
        }
        Ok(())
    }

    /// The burst is over: once what was given up in flight has ended, the disk tells what became of
    /// it, and every handle sees the same.
    fn settle(&mut self, before: &[Content]) -> Verdict {
        for (file, before) in before.iter().enumerate() {
            if self.directory.files[file].content == *before {
                continue;
            }
            let writer = self
                .handles
                .iter()
                .find(|held| held.file == file && held.writes);
            let Some(writer) = writer else {
                return Err("a file changed that nobody may write".into());
            };
            writer.open.flush(Deadline::Never).map_err(said)?;
            let bytes = self.directory.on_disk(file).map_err(said)?;
            self.tally.checks += 1;
            let settled = self.directory.files[file].content.settle(bytes);
            settled.map_err(|forbidden| format!("after the burst: {forbidden}"))?;
        }
        for at in 0..self.handles.len() {
            let (file, open) = (self.handles[at].file, Arc::clone(&self.handles[at].open));
            let size = self.directory.files[file].content.size() as usize;
            let all = open.read(0, size + 10).map_err(said)?;
            self.reads(file, 0, size + 10, &all)?;
        }
        Ok(())
    }
}

fn fault_of(one: &Going<'_>) -> Option<Fault> {
    match one.way {
        Way::Answered(Outcome::Failed { fault, .. }, _) => Some(fault),
        Way::Answered(..) => None,
        Way::Waits(_) | Way::Refused(_) | Way::Read(_) | Way::Nothing => None,
    }
}

/// Gives an action a moment to come to the gate, so that it is in flight when it is cancelled. It may
/// have to wait for something else, and then does not come.
fn arrive(gate: &Gate) {
    for _ in 0..200 {
        if gate.arrived() > 0 {
            return;
        }
        std::thread::yield_now();
    }
}

/// Cancels what was to be cancelled when so many more were begun.
fn cancel_due(going: &[Going<'_>]) {
    for (place, one) in going.iter().enumerate() {
        let due = going.len() - place - 1;
        if let (Fate::Cancelled(after), Way::Waits(ticket)) = (one.begun.fate, &one.way)
            && after == due
        {
            ticket.cancel();
        }
    }
}

fn cancel_all(going: &[Going<'_>]) {
    for one in going {
        if let (Fate::Cancelled(_), Way::Waits(ticket)) = (one.begun.fate, &one.way) {
            ticket.cancel();
        }
    }
}

fn await_answer(one: &mut Going<'_>) -> Verdict {
    let ticket = match std::mem::replace(&mut one.way, Way::Nothing) {
        Way::Waits(ticket) => ticket,
        other => {
            one.way = other;
            return Ok(());
        }
    };
    let answer = futures::executor::block_on(ticket);
    let (outcome, mut bytes) = (answer.outcome, Vec::new());
    let taken = matches!(outcome, Outcome::Read { .. } | Outcome::FromContents { .. });
    if let (Ask::Read(offset, len), true) = (&one.begun.ask, taken) {
        bytes.resize(*len, 0xee);
        let read = read_answer(answer, *offset, &mut bytes).map_err(said)?;
        bytes.truncate(read);
    }
    one.way = Way::Answered(outcome, bytes);
    Ok(())
}
