//! What comes out: first what is told, then what is to be done.

use super::Machine;
use super::state::{Fullness, Io, News, OPS, OpState, Place};
use crate::action::{Action, Bound, IoKind, Tell};
use crate::event::Request;
use crate::phase::{Phase, PhaseName};
use crate::slab::NONE;
use crate::time::Tick;
use crate::wake::{Wake, WakeReason};

impl Machine {
    /// The next thing to tell or to do; `None` when there is nothing until the next event or
    /// until [`poll_timeout`](Machine::poll_timeout).
    pub fn poll_action(&mut self) -> Option<Action> {
        match self.poll_told() {
            Some(tell) => Some(Action::Tell(tell)),
            None => self.poll_io(),
        }
    }

    /// The next thing to tell. Pops no work: whoever only delivers answers may call it.
    pub fn poll_told(&mut self) -> Option<Tell> {
        if let Some(tell) = self.next_phase_before_closed() {
            return Some(tell);
        }
        if let Some((op, outcome)) = self.next_early() {
            let tag = self.ops[op].tag;
            return Some(Tell::Resolve { op, tag, outcome });
        }
        if let Some(op) = self.ops.pop_front(&mut self.told, OPS)
            && let OpState::Resolved { outcome, flight } = self.ops[op].state
        {
            let tag = self.ops[op].tag;
            match flight {
                Some(_) => self.ops[op].state = OpState::Answered,
                None => {
                    let gone = self.ops.remove(op);
                    let locking = gone.is_some_and(|op| matches!(op.request, Request::Lock { .. }));
                    self.locking -= u32::from(locking);
                }
            }
            return Some(Tell::Resolve { op, tag, outcome });
        }
        if matches!(self.phase, Phase::Closed) {
            return self.next_last_word();
        }
        if let Some(tell) = self.next_news() {
            return Some(tell);
        }
        self.next_room()
    }

    /// The next action to carry out, marked as handed out: it must be completed.
    ///
    /// # Ordering
    ///
    /// A `Release` is held back while anything is to be told, because an answer not told yet may
    /// point into the contents it gives up.
    pub fn poll_io(&mut self) -> Option<Action> {
        let choice = self.next_ready()?;
        let io = choice.io;
        if matches!(self.ios[io].kind, IoKind::Release { .. }) && !self.told.is_empty() {
            return None;
        }
        let kind = self.hand_out(choice);
        self.stats.issued += 1;
        Some(Action::Perform { io, kind })
    }

    /// When to call again at the latest, and why. `None`: only an event can change anything.
    ///
    /// Not later than now while something is undrained, never in the past after a tick.
    pub fn poll_timeout(&self) -> Option<Wake> {
        if self.has_something_to_tell() {
            return Some(Wake {
                at: self.now,
                reason: WakeReason::Told,
            });
        }
        if !self.ready.is_empty() {
            return Some(Wake {
                at: self.now,
                reason: WakeReason::Io,
            });
        }
        self.next_deadline()
    }

    /// The next moment at which time alone decides something, whatever is to be drained before:
    /// for a driver whose workers drain on their own.
    pub fn next_deadline(&self) -> Option<Wake> {
        let until = self.phase.until();
        match self.next_timer() {
            Some(wake) if wake.at <= until => Some(wake),
            _ if until != Tick::NEVER => Some(Wake {
                at: until,
                reason: WakeReason::PhaseEnds,
            }),
            _ => None,
        }
    }

    /// The next deadline, the next try of a lock, or the next sync by time; in this order, if they fall
    /// together.
    pub(super) fn next_timer(&self) -> Option<Wake> {
        let deadline = self.timers.first().map(|(at, op)| Wake {
            at,
            reason: WakeReason::Deadline(op),
        });
        let retry = self.retries.first().map(|(at, lock)| Wake {
            at,
            reason: WakeReason::Retry(lock),
        });
        sooner(sooner(deadline, retry), self.next_sync())
    }

    /// Whether there is one of those by now; asked at every event.
    pub(super) fn a_timer_is_due(&self) -> bool {
        let now = self.now;
        self.timers.is_due(now) || self.retries.is_due(now) || self.dues.is_due(now)
    }

    /// When the next file is to be synced though nobody asks (L3); `None` while there is none. Nobody
    /// waits for that, so a driver whose callers keep its time has to see to this itself.
    pub fn next_sync(&self) -> Option<Wake> {
        self.dues.first().map(|(at, writing)| Wake {
            at,
            reason: WakeReason::Sync(self.writings[writing].file),
        })
    }

    fn has_something_to_tell(&self) -> bool {
        !self.told.is_empty()
            || !self.early.is_empty()
            || self.told_phase != self.phase.name()
            || !self.news.is_empty()
            || (self.operations_room == Fullness::Refused && self.operations_have_room())
            || (self.handles_room == Fullness::Refused && self.handles_have_room())
            || (self.locks_room == Fullness::Refused && self.locks_have_room())
            || self.bytes_room == Fullness::Freed
    }

    /// Whether there is room for another operation (R12).
    pub fn operations_have_room(&self) -> bool {
        self.ops.len() - self.locking < self.limits.operations
    }

    pub(super) fn handles_have_room(&self) -> bool {
        self.handles.len().max(self.files.len()) < self.limits.handles
    }

    /// Draining and Closing are told before the outcomes they cause.
    fn next_phase_before_closed(&mut self) -> Option<Tell> {
        let current = self.phase.name();
        if self.told_phase == current {
            return None;
        }
        for phase in [PhaseName::Draining, PhaseName::Closing] {
            if self.told_phase < phase && phase <= current {
                self.told_phase = phase;
                if let Some((_, cause)) = self.entered[phase as usize] {
                    return Some(Tell::Phase { phase, cause });
                }
            }
        }
        None
    }

    /// In `Closed`: what was given up is named, then the end itself, then nothing.
    fn next_last_word(&mut self) -> Option<Tell> {
        while let Some(io) = self.ios.next_from(self.named) {
            let Io { kind, place, .. } = self.ios[io];
            self.ios.remove(io);
            self.named = io.index() as u32 + 1;
            if place == Place::InFlight {
                return Some(Tell::Abandoned { io, kind });
            }
        }
        self.named = NONE;
        if self.told_phase == PhaseName::Closed {
            return None;
        }
        self.told_phase = PhaseName::Closed;
        let (_, cause) = self.entered[PhaseName::Closed as usize]?;
        Some(Tell::Phase {
            phase: PhaseName::Closed,
            cause,
        })
    }

    fn next_news(&mut self) -> Option<Tell> {
        let file = self.files.first(&self.news)?;
        let entry = &self.files[file];
        let before = entry.news;
        let (tell, left) = if before.withdrawn {
            let withdrawn = false;
            (
                Tell::Withdrawn { file },
                News {
                    withdrawn,
                    ..before
                },
            )
        } else if before.room {
            let bound = Bound::FileOperations(file);
            let room = false;
            (Tell::Room { bound }, News { room, ..before })
        } else if before.bytes_room {
            let bound = Bound::FileBytes(file);
            let bytes_room = false;
            (
                Tell::Room { bound },
                News {
                    bytes_room,
                    ..before
                },
            )
        } else {
            let (done, total) = (entry.bytes_in(), entry.stamp.len);
            (Tell::Progress { file, done, total }, News::NONE)
        };
        self.tell_news(file, left);
        Some(tell)
    }

    fn next_room(&mut self) -> Option<Tell> {
        if self.operations_room == Fullness::Refused && self.operations_have_room() {
            self.operations_room = Fullness::Quiet;
            return Some(Tell::Room {
                bound: Bound::Operations,
            });
        }
        if self.handles_room == Fullness::Refused && self.handles_have_room() {
            self.handles_room = Fullness::Quiet;
            return Some(Tell::Room {
                bound: Bound::Handles,
            });
        }
        if self.locks_room == Fullness::Refused && self.locks_have_room() {
            self.locks_room = Fullness::Quiet;
            return Some(Tell::Room {
                bound: Bound::Locks,
            });
        }
        if self.bytes_room == Fullness::Freed {
            self.bytes_room = Fullness::Quiet;
            return Some(Tell::Room {
                bound: Bound::Bytes,
            });
        }
        None
    }
}

/// The one that is due before the other, or the first of two that fall together.
fn sooner(first: Option<Wake>, second: Option<Wake>) -> Option<Wake> {
    match (first, second) {
        (Some(first), Some(second)) if second.at < first.at => Some(second),
        (first, second) => first.or(second),
    }
}
