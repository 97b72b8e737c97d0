//! What is under way in a log.

use super::gathered::{Gathered, Span};
use crate::client::{Client, File};
use crate::clock::Deadline;
use crate::error::Failure;
use crate::hub::{Standby, Ticket};
use crate::log::{Ledger, Mark, Prepared, Unsound, Which};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Waker;

/// The end of a write or a sync, for everybody who waits for it.
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
    gathered: Gathered,
    /// Writes that have not ended, or of whose end nobody has taken note.
    writes: VecDeque<(Span, Ended)>,
    /// The sync that was asked for last.
    commit: Option<Commit>,
    /// How many records it was to make durable.
    company: u64,
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

/// A sync that is under way.
#[derive(Clone)]
pub(super) struct Commit {
    /// What had been accepted when it was asked for.
    pub(super) mark: Mark,
    pub(super) ended: Ended,
}

/// What is to be done until records are durable.
pub(super) enum Durable {
    /// Nothing: they are.
    Already,
    /// Wait for this sync, which may have them.
    By(Commit),
    /// Ask for one. Those who shared the last with many wait a moment for them.
    ByOne { alone: bool },
}

/// What whoever waits for records to be executed does next.
pub(super) enum Executed {
    Already,
    By(Ended),
    /// They are not on their way.
    Gathered,
}

/// What became of a record that was to be appended.
pub(super) enum Begun {
    /// It has this sequence number, and its place in the file.
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
            gathered: Gathered::default(),
            writes: VecDeque::new(),
            commit: None,
            company: 0,
            state: State::Sound,
            exchange: None,
            snapshot: None,
        }
    }

    /// Begins to append a record. Place and order are given here, under one lock; it goes to the file with
    /// those that are accepted until somebody [`launch`](Live::launch)es them.
    ///
    /// # Errors
    /// The machine has no room: nothing changed.
    pub(super) fn begin(
        &mut self,
        record: &mut Option<Prepared>,
        room: Standby<'_>,
    ) -> Result<Begun, Failure> {
        if let Gate::Held(_) = self.gate {
            return Ok(Begun::Held);
        }
        self.take_note();
        let len = record.as_ref().map_or(0, Prepared::size);
        if !self.gathered.has_room(len) {
            self.launch(room)?;
        }
        if let State::Broken { why, .. } = &self.state {
            return Ok(Begun::Refused(why.clone()));
        }
        let Some(prepared) = record.take() else {
            return Ok(Begun::Refused(Unsound::Undecided));
        };
        let placed = self.ledger.place(prepared);
        let seq = placed.seq;
        self.ledger.take(placed.bytes.len() as u64);
        self.gathered.add(placed);
        Ok(Begun::Accepted(seq))
    }

    /// Has everything written that was accepted.
    ///
    /// # Errors
    /// The machine has no room: nothing changed. Where it refuses for another reason, the log is broken.
    pub(super) fn launch(&mut self, room: Standby<'_>) -> Result<(), Failure> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let (offset, bytes) = self.gathered.lend();
        let handle = self.file.handle();
        match handle.write(offset, bytes.clone(), Deadline::Never, room) {
            Ok(ticket) => {
                let span = self.gathered.leave();
                self.writes.push_back((span, ended(ticket)));
            }
            Err(failure) if failure.is_for_fullness() => {
                self.gathered.give_back(bytes);
                return Err(failure);
            }
            Err(failure) => {
                let span = self.gathered.leave();
                self.break_at(span.first(), failure);
            }
        }
        Ok(())
    }

    /// Up to where readers find every record, in bytes from the beginning of the file: all that is on its way
    /// (R6). What the machine has no room for is not, and nobody was told that it is there.
    pub(super) fn readable(&mut self) -> u64 {
        match self.launch(None) {
            Ok(()) => self.ledger.mark().end,
            Err(_) => self.gathered.offset(),
        }
    }

    /// How what was accepted by then becomes durable.
    pub(super) fn durable(&mut self, mark: Mark) -> Durable {
        self.take_note();
        // One that ended well counts, also before those who waited for it have said so.
        if let Some(Commit { mark, ended }) = &self.commit
            && let Some(Ok(())) = ended.peek()
        {
            self.committed(*mark);
        }
        if self.ledger.is_durable(mark) {
            return Durable::Already;
        }
        match self.under_way() {
            Some(commit) => Durable::By(commit),
            None => Durable::ByOne {
                alone: self.company <= 1,
            },
        }
    }

    /// Asks for a sync of all that was accepted, unless one is under way.
    ///
    /// # Errors
    /// The machine has no room, or what it says: the log was not synced.
    pub(super) fn commit(&mut self, room: Standby<'_>) -> Result<Commit, Failure> {
        if let Some(commit) = self.under_way() {
            return Ok(commit);
        }
        let mut room = room;
        self.launch(room.as_mut().map(|(room, waker)| (&mut **room, *waker)))?;
        let mark = self.ledger.mark();
        let ended = ended(self.file.handle().sync(Deadline::Never, room)?);
        let before = self.commit.as_ref().map_or(0, |commit| commit.mark.next);
        self.company = mark.next.saturating_sub(before);
        let commit = Commit { mark, ended };
        self.commit = Some(commit.clone());
        Ok(commit)
    }

    fn under_way(&self) -> Option<Commit> {
        let commit = self.commit.as_ref()?;
        commit.ended.peek().is_none().then(|| commit.clone())
    }

    /// A sync ended well: so far the log is durable, if every write before it did.
    pub(super) fn committed(&mut self, mark: Mark) {
        if self.ledger.is_durable(mark) {
            return;
        }
        self.take_note();
        let sound = match &self.state {
            State::Sound => true,
            State::Broken { from, .. } => *from >= mark.next,
        };
        let over = self
            .writes
            .front()
            .is_none_or(|(span, _)| span.first() >= mark.next);
        if sound && over {
            self.ledger.synced(mark);
        }
    }

    /// How every record up to this one is executed.
    ///
    /// # Errors
    /// One of them failed.
    pub(super) fn executed(&mut self, seq: u64) -> Result<Executed, Unsound> {
        self.take_note();
        if let State::Broken { from, why } = &self.state
            && *from <= seq
        {
            return Err(why.clone());
        }
        if self
            .writes
            .front()
            .is_some_and(|(span, _)| span.first() <= seq)
        {
            // Its own end first: by then those before it are mostly over, too.
            let own = self.writes.partition_point(|(span, _)| span.next() <= seq);
            let own = self.writes.get(own).or(self.writes.back());
            return Ok(own.map_or(Executed::Already, |(_, ended)| Executed::By(ended.clone())));
        }
        let gathered = !self.gathered.is_empty() && self.gathered.span().first() <= seq;
        Ok(match gathered {
            true => Executed::Gathered,
            false => Executed::Already,
        })
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

    /// Takes note of the writes that have ended, from the first; also of those that nobody waits for.
    fn take_note(&mut self) {
        while let Some((span, ended)) = self.writes.front()
            && let Some(outcome) = ended.clone().now_or_never()
        {
            let lost = outcome.map_err(|failure| (span.first_lost(&failure), failure));
            if let Err((seq, failure)) = lost {
                self.break_at(seq, failure);
            }
            self.writes.pop_front();
        }
    }

    /// From this record on nothing is a part of the log.
    fn break_at(&mut self, seq: u64, failure: Failure) {
        if let State::Sound = self.state {
            let failure = Box::new(failure);
            let why = Unsound::Broken { seq, failure };
            self.state = State::Broken { from: seq, why };
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
    pub(super) fn leave(&mut self, client: &Client) -> Option<BoxFuture<'static, ()>> {
        let gathered = std::mem::take(&mut self.gathered);
        let writes = std::mem::take(&mut self.writes);
        let exchanges = [self.exchange.take(), self.snapshot.take()];
        let exchanges: Vec<Exchange> = exchanges.into_iter().flatten().collect();
        if gathered.is_empty() && writes.is_empty() && exchanges.is_empty() {
            return None;
        }
        let (client, file) = (client.clone(), self.file.clone());
        let left = async move {
            if !gathered.is_empty() {
                let _ = write(&client, &file, gathered).await;
            }
            for (_, ended) in writes {
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
        self.commit = None;
    }
}

/// Has records written that nobody waits for.
async fn write(client: &Client, file: &File, mut gathered: Gathered) -> io::Result<()> {
    let (offset, bytes) = gathered.lend();
    let ask = |room: Standby<'_>| {
        file.handle()
            .write(offset, bytes.clone(), Deadline::Never, room)
    };
    let answer = client.ask(Deadline::Never, ask).await?;
    answer.done().map_err(Failure::into_io)
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
