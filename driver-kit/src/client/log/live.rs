//! What is under way in a log.

use crate::client::File;
use crate::clock::Deadline;
use crate::error::Failure;
use crate::hub::{Standby, Ticket};
use crate::log::{FRAME, Ledger, Prepared, Unsound, Which};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Waker;

/// The end of one append, for everybody who waits for it.
pub(super) type Ended = Shared<BoxFuture<'static, Result<(), Failure>>>;

/// The end of an exchange of the file, whoever waits for it.
pub(super) type Exchange = Shared<BoxFuture<'static, Result<(), Arc<io::Error>>>>;

/// The state of a log that is open.
pub(super) struct Live {
    pub(super) ledger: Ledger,
    pub(super) file: File,
    /// Up to which record the snapshot stands for them.
    pub(super) upto: u64,
    pub(super) gate: Gate,
    /// Appends that have not ended, or of whose end nobody has taken note.
    pending: VecDeque<(u64, Ended)>,
    state: State,
    /// The exchange of the file by another, until its end is known.
    exchange: Option<Exchange>,
    /// The same of the snapshot: it changes nothing here, and must not come late.
    snapshot: Option<Exchange>,
}

enum State {
    Sound,
    /// From this record on nothing is a part of the log.
    Broken {
        from: u64,
        why: Unsound,
    },
}

/// Whether appends may begin.
#[derive(Debug)]
pub(super) enum Gate {
    Open,
    /// A checkpoint holds these up.
    Held(Vec<Waker>),
}

/// What became of a record that was to be appended.
pub(super) enum Begun {
    /// It has this sequence number, and is under way.
    Accepted(u64),
    /// Not now.
    Held,
    /// Not in this log.
    Refused(Unsound),
}

impl Gate {
    /// Whether the way is free; otherwise the waker is woken when it is.
    pub(super) fn pass(&mut self, waker: &Waker) -> bool {
        match self {
            Gate::Open => true,
            Gate::Held(waiting) => {
                if !waiting.iter().any(|one| one.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                false
            }
        }
    }

    pub(super) fn hold(&mut self) {
        if let Gate::Open = self {
            *self = Gate::Held(Vec::new());
        }
    }

    /// Lets everybody go on; who is to be woken.
    #[must_use]
    pub(super) fn open(&mut self) -> Vec<Waker> {
        match std::mem::replace(self, Gate::Open) {
            Gate::Open => Vec::new(),
            Gate::Held(waiting) => waiting,
        }
    }
}

impl Live {
    pub(super) fn new(ledger: Ledger, file: File, upto: u64) -> Live {
        Live {
            ledger,
            file,
            upto,
            gate: Gate::Open,
            pending: VecDeque::new(),
            state: State::Sound,
            exchange: None,
            snapshot: None,
        }
    }

    /// Begins to append a record. Place and order are given here, under one lock.
    ///
    /// # Errors
    /// The machine refused: nothing changed.
    pub(super) fn begin(
        &mut self,
        record: &mut Option<Prepared>,
        room: Standby<'_>,
    ) -> Result<Begun, Failure> {
        if let Gate::Held(_) = self.gate {
            return Ok(Begun::Held);
        }
        self.take_note();
        if let State::Broken { why, .. } = &self.state {
            return Ok(Begun::Refused(why.clone()));
        }
        let Some(prepared) = record.take() else {
            return Ok(Begun::Refused(Unsound::Undecided));
        };
        let placed = self.ledger.place(prepared);
        let bytes = Bytes::from(placed.bytes);
        let handle = self.file.handle();
        match handle.write(placed.offset, bytes.clone(), Deadline::Never, room) {
            Ok(ticket) => {
                self.ledger.take(bytes.len() as u64);
                self.pending.push_back((placed.seq, ended(ticket)));
                Ok(Begun::Accepted(placed.seq))
            }
            Err(failure) => {
                *record = Prepared::new(self.ledger.key(), &bytes[FRAME..]);
                Err(failure)
            }
        }
    }

    /// The end of this append, if it is still open.
    pub(super) fn under_way(&self, seq: u64) -> Option<Ended> {
        let first = self.pending.front()?.0;
        let at = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.pending.get(at).map(|(_, ended)| ended.clone())
    }

    /// The first append up to this one whose end is not known yet.
    ///
    /// # Errors
    /// One of them failed.
    pub(super) fn first_before(&mut self, seq: u64) -> Result<Option<Ended>, Unsound> {
        self.take_note();
        match (&self.state, self.pending.front()) {
            (State::Broken { from, why }, _) if *from <= seq => Err(why.clone()),
            (_, Some((first, ended))) if *first <= seq => Ok(Some(ended.clone())),
            (State::Sound | State::Broken { .. }, _) => Ok(None),
        }
    }

    /// A file is being exchanged.
    pub(super) fn exchange(&mut self, which: Which, exchange: Exchange) {
        match which {
            Which::Log => self.exchange = Some(exchange),
            Which::Snapshot => self.snapshot = Some(exchange),
        }
    }

    /// It was not, so the log is what it was. After any failure that does not say so either file may be
    /// the log, and records that went to the wrong one would be lost.
    pub(super) fn is_not_exchanged(&mut self) {
        self.exchange = None;
    }

    /// Takes note of the appends that have ended, from the first; also of those that nobody waits for.
    fn take_note(&mut self) {
        while let Some((first, ended)) = self.pending.front()
            && let Some(outcome) = ended.clone().now_or_never()
        {
            if let (Err(failure), State::Sound) = (outcome, &self.state) {
                let failure = Box::new(failure);
                let why = Unsound::Broken {
                    seq: *first,
                    failure,
                };
                self.state = State::Broken { from: *first, why };
            }
            self.pending.pop_front();
        }
    }

    /// Nobody waits for the end of an exchange, or its end is not known: if one was under way, nobody
    /// knows any more what the log is.
    pub(super) fn judge_exchange(&mut self) {
        if self.exchange.is_some() {
            let (from, why) = (0, Unsound::Undecided);
            self.state = State::Broken { from, why };
        }
    }

    /// What is still under way, if anything is, to be waited for.
    pub(super) fn leave(&mut self) -> Option<BoxFuture<'static, ()>> {
        let pending = std::mem::take(&mut self.pending);
        let exchanges = [self.exchange.take(), self.snapshot.take()];
        let exchanges: Vec<Exchange> = exchanges.into_iter().flatten().collect();
        if pending.is_empty() && exchanges.is_empty() {
            return None;
        }
        let left = async move {
            for (_, ended) in pending {
                let _ = ended.await;
            }
            for exchange in exchanges {
                let _ = exchange.await;
            }
        };
        Some(left.boxed())
    }

    /// Another file is the log now, and ends so.
    pub(super) fn go_on_in(&mut self, file: File, ledger: Ledger, upto: u64) {
        self.file = file;
        self.ledger = ledger;
        self.upto = upto;
        self.exchange = None;
    }
}

/// The ticket is kept by the log: an append that was accepted is not taken back when its caller is
/// gone, because that would leave a hole before those behind it.
fn ended(ticket: Ticket) -> Ended {
    async move { ticket.await.done() }.boxed().shared()
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("ledger", &self.ledger)
            .field("file", &self.file)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
