//! Where one caller waits for one answer.
//!
//! The slot belongs to the caller: the hub puts the answer in and forgets it, so the machine can
//! give the operation's id to another at once, and a poll never touches the hub.

use crate::contents::{Contents, Published};
use crate::error::{Cause, Failure, Holder, Operation};
use crate::handle::Handle;
use crate::hub::{Hub, Lock};
use crate::sync::{Mutex, lock};
use bytes::Bytes;
use staging_core::{Done, Fault, HandleId, OpId, Outcome, Standing};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The outcome of an operation, with what belongs to it.
#[derive(Debug)]
pub struct Answer {
    /// What the machine decided.
    pub outcome: Outcome,
    /// What was asked.
    pub operation: Operation,
    /// About which file: its absolute path.
    pub path: Arc<Path>,
    /// On which handle; none for what was asked of all files.
    pub handle: Option<HandleId>,
    /// With `Opened`: where readers find the contents.
    pub(crate) cell: Option<Arc<Published<Contents>>>,
    /// With `Opened`: the open file, from the moment the answer has left the lock. An answer that
    /// nobody takes closes it.
    pub(crate) opened: Option<Handle>,
    /// To a lock: what belongs to it.
    pub(crate) locking: Option<Box<OfLock>>,
    /// With `FromContents`: the contents.
    pub(crate) contents: Option<Contents>,
    /// With `Read`: the bytes.
    pub(crate) buffer: Option<Vec<u8>>,
    /// To a write: its bytes, until the answer has left the lock. Letting them go runs code of
    /// their owner.
    pub(crate) payload: Bytes,
}

impl Answer {
    /// The failure, if it is one.
    pub const fn fault(&self) -> Option<Fault> {
        self.outcome.fault()
    }

    /// The open file that an open gave.
    pub fn take_handle(&mut self) -> Option<Handle> {
        self.opened.take()
    }

    /// To an open: the open file.
    ///
    /// # Errors
    /// It failed.
    pub fn opened(mut self) -> Result<Handle, Failure> {
        match (self.fault(), self.take_handle()) {
            (None, Some(handle)) => Ok(handle),
            _ => Err(self.unfulfilled()),
        }
    }

    /// To a lock: the lock.
    ///
    /// # Errors
    /// It failed.
    pub fn locked(mut self) -> Result<Lock, Failure> {
        let locked = self.locking.as_mut().and_then(|of| of.locked.take());
        match (self.fault(), locked) {
            (None, Some(lock)) => Ok(lock),
            _ => Err(self.unfulfilled()),
        }
    }

    /// To a staging: how the file stands.
    ///
    /// # Errors
    /// It failed.
    pub fn standing(&self) -> Result<Standing, Failure> {
        match self.outcome {
            Outcome::Staged { standing, .. } => Ok(standing),
            _ => Err(self.unfulfilled()),
        }
    }

    /// To a write or an append, executed or accepted: where it begins, in bytes.
    ///
    /// # Errors
    /// It failed.
    pub fn written_at(&self) -> Result<u64, Failure> {
        match self.outcome {
            Outcome::Written { offset, .. } | Outcome::Accepted { offset } => Ok(offset),
            _ => Err(self.unfulfilled()),
        }
    }

    /// To anything: that it was done.
    ///
    /// # Errors
    /// It failed.
    pub fn done(&self) -> Result<(), Failure> {
        match self.fault() {
            None => Ok(()),
            Some(fault) => Err(self.failure(fault)),
        }
    }

    /// The failure, where what was asked for is not there.
    fn unfulfilled(&self) -> Failure {
        self.failure(self.fault().unwrap_or(Fault::Cancelled))
    }

    /// Outside the lock: what the answer opened belongs to it from now on, and what was to be
    /// written is its owner's again.
    pub(super) fn arm(&mut self, hub: &Arc<Hub>) {
        self.payload = Bytes::new();
        if let Outcome::Locked { lock } = self.outcome {
            let path = Arc::clone(&self.path);
            let of = self.locking.get_or_insert_default();
            of.locked = Some(Lock::new(Arc::clone(hub), lock, path));
        }
        if let (Outcome::Opened { file, .. }, Some(handle), Some(cell)) =
            (self.outcome, self.handle, self.cell.take())
        {
            let path = Arc::clone(&self.path);
            self.opened = Some(Handle::new(Arc::clone(hub), handle, file, path, cell));
        }
    }

    /// The failure in words, for this fault.
    pub fn failure(&self, fault: Fault) -> Failure {
        let cause = match self.outcome {
            Outcome::Failed {
                done: Done::Bytes(bytes),
                ..
            } => Cause::CutShort { fault, bytes },
            Outcome::Failed {
                done: Done::Unknown,
                ..
            } if self.operation == Operation::Replace => Cause::Indeterminate(fault),
            _ => match (fault, self.locking.as_ref().and_then(|of| of.in_the_way)) {
                (Fault::Deadline | Fault::Contended, Some(holder)) => Cause::Contended(holder),
                _ => Cause::Fault(fault),
            },
        };
        Failure {
            operation: self.operation,
            path: Arc::clone(&self.path),
            cause,
        }
    }
}

/// What belongs to the answer to a lock.
#[derive(Debug, Default)]
pub(crate) struct OfLock {
    /// With `Locked`: the lock, from the moment the answer has left the hub. An answer that nobody takes
    /// gives it back.
    pub(crate) locked: Option<Lock>,
    /// Who is in the way, as far as that is known.
    pub(crate) in_the_way: Option<Holder>,
}

impl OfLock {
    /// Somebody was in the way.
    pub(crate) fn after(in_the_way: Holder) -> Box<OfLock> {
        Box::new(OfLock {
            locked: None,
            in_the_way: Some(in_the_way),
        })
    }
}

/// The place of one answer.
#[derive(Debug)]
pub struct Slot {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nobody asked yet.
    Empty,
    /// Somebody waits.
    Waiting(Waker),
    /// The answer is there.
    Answered(Box<Answer>),
    /// The answer was taken.
    Taken,
}

impl Slot {
    pub(crate) fn new() -> Arc<Slot> {
        Arc::new(Slot {
            state: Mutex::new(State::Empty),
        })
    }

    /// Puts the answer in and wakes whoever waits, outside the lock.
    pub(crate) fn put(&self, answer: Answer) {
        let before = {
            let mut state = lock(&self.state);
            std::mem::replace(&mut *state, State::Answered(Box::new(answer)))
        };
        if let State::Waiting(waker) = before {
            waker.wake();
        }
    }

    /// Wakes whoever waits, without an answer.
    pub(crate) fn nudge(&self) {
        let waker = match &*lock(&self.state) {
            State::Waiting(waker) => Some(waker.clone()),
            State::Empty | State::Answered(_) | State::Taken => None,
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the answer, or leaves the waker to be woken when it comes.
    pub fn poll(&self, waker: &Waker) -> Poll<Answer> {
        let mut state = lock(&self.state);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer) => Poll::Ready(*answer),
            State::Empty => {
                *state = State::Waiting(waker.clone());
                Poll::Pending
            }
            State::Waiting(before) => {
                let keep = if before.will_wake(waker) {
                    before
                } else {
                    waker.clone()
                };
                *state = State::Waiting(keep);
                Poll::Pending
            }
            State::Taken => Poll::Pending,
        }
    }
}

/// An accepted operation, for the one who waits for it. Dropped before the answer came, it
/// cancels the operation (R10).
#[derive(Debug)]
#[must_use = "dropping a ticket cancels the operation"]
pub struct Ticket {
    hub: Arc<Hub>,
    op: OpId,
    answer: Coming,
}

/// Where the answer is.
#[derive(Debug)]
pub(crate) enum Coming {
    /// It was decided when the operation was accepted, and nobody had to wait for it.
    Here(Box<Answer>),
    /// It will be put there.
    In(Arc<Slot>),
    Taken,
}

impl Ticket {
    pub(crate) const fn new(hub: Arc<Hub>, op: OpId, answer: Coming) -> Ticket {
        Ticket { hub, op, answer }
    }

    /// Which operation.
    pub const fn op(&self) -> OpId {
        self.op
    }

    /// The hub that carries it out.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Takes the answer, or leaves the waker to be woken when it comes.
    pub fn poll_answer(&mut self, waker: &Waker) -> Poll<Answer> {
        match std::mem::replace(&mut self.answer, Coming::Taken) {
            Coming::Here(answer) => Poll::Ready(*answer),
            Coming::In(slot) => {
                let polled = slot.poll(waker);
                if polled.is_pending() {
                    self.answer = Coming::In(slot);
                }
                polled
            }
            Coming::Taken => Poll::Pending,
        }
    }

    /// Cancels the operation; the answer still comes, and says so unless it was there before.
    pub fn cancel(&self) {
        self.hub.cancel(self.op);
    }
}

impl Future for Ticket {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        self.poll_answer(context.waker())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        match self.answer {
            Coming::In(_) => self.hub.cancel(self.op),
            Coming::Here(_) | Coming::Taken => {}
        }
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the slot's lock needs a model
mod tests {
    use super::*;
    use staging_core::How;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::task::Wake;

    fn answer(outcome: Outcome) -> Answer {
        Answer {
            outcome,
            operation: Operation::Write,
            path: Path::new("/file").into(),
            handle: None,
            cell: None,
            opened: None,
            contents: None,
            buffer: None,
            payload: Bytes::new(),
            locking: None,
        }
    }

    fn failed(fault: Fault, done: Done) -> Answer {
        answer(Outcome::Failed { fault, done })
    }

    #[test]
    fn an_answer_gives_what_was_asked_for_and_nothing_else() {
        let (offset, bytes) = (40, 2);
        let written = answer(Outcome::Written { offset, bytes });
        assert_eq!(written.written_at().ok(), Some(40));
        assert_eq!((written.fault(), written.done().is_ok()), (None, true));
        let none = written.standing().map_err(|failure| failure.cause);
        assert_eq!(none, Err(Cause::Fault(Fault::Cancelled)));
        let standing = Standing::Staged(How::Loaded);
        let staged = answer(Outcome::Staged { len: 1, standing });
        assert_eq!(staged.standing().ok(), Some(standing));
        assert!(staged.written_at().is_err() && staged.opened().is_err());
    }

    #[test]
    fn a_failure_says_what_failed_and_how_much_was_done() {
        let full = Fault::Os(libc::ENOSPC);
        for (done, cause) in [
            (Done::Nothing, Cause::Fault(full)),
            (Done::Unknown, Cause::Fault(full)),
            (
                Done::Bytes(7),
                Cause::CutShort {
                    fault: full,
                    bytes: 7,
                },
            ),
        ] {
            let answer = failed(full, done);
            assert_eq!(answer.fault(), Some(full));
            let failures = [
                answer.done().err(),
                answer.written_at().err(),
                answer.standing().err(),
                answer.opened().err(),
            ];
            for failure in failures.into_iter().flatten() {
                assert_eq!(failure.cause, cause);
                assert_eq!(failure.operation, Operation::Write);
                assert_eq!(&*failure.path, Path::new("/file"));
            }
        }
    }

    #[derive(Default)]
    struct Bell(AtomicU32);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn who_asked_last_is_woken_and_gets_the_answer_once() {
        let bells = [(); 2].map(|()| Arc::new(Bell::default()));
        let [first, last] = bells.each_ref().map(|bell| Waker::from(Arc::clone(bell)));
        let slot = Slot::new();
        for waker in [&first, &last, &last] {
            assert!(slot.poll(waker).is_pending());
        }
        slot.put(answer(Outcome::Flushed));
        assert_eq!(bells.map(|bell| bell.0.load(SeqCst)), [0, 1]);
        assert!(slot.poll(&last).is_ready());
        assert!(slot.poll(&last).is_pending());
    }
}
