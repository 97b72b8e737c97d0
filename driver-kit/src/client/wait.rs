//! How callers wait: as futures, until their answer, until there is room, until their deadline.

use crate::clock::Deadline;
use crate::error::{Cause, Failure};
use crate::hub::{Answer, End, Hub, Room, Setup, Standby, Ticket};
use crate::report::ShutdownReport;
use staging_core::Fault;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// A future that is ready at a given moment, or later.
pub type Alarm = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// How a runtime sets an alarm. Called only where there is a deadline.
pub type SetAlarm = Arc<dyn Fn(Instant) -> Alarm + Send + Sync>;

/// A hub, and how its callers keep their deadlines.
#[derive(Clone)]
pub struct Client {
    hub: Arc<Hub>,
    set_alarm: SetAlarm,
}

impl Client {
    /// A client of a new hub.
    pub fn new(setup: Setup, set_alarm: SetAlarm) -> Client {
        Client {
            hub: Hub::new(setup),
            set_alarm,
        }
    }

    /// A client of a hub that there is.
    pub const fn of(hub: Arc<Hub>, set_alarm: SetAlarm) -> Client {
        Client { hub, set_alarm }
    }

    /// The hub.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Waits for the end of a shutdown, and keeps its deadlines meanwhile.
    pub(super) async fn closed(&self) -> ShutdownReport {
        let mut end = End::of(Arc::clone(&self.hub));
        // A shutdown asked again moves its deadlines: the alarm follows.
        self.keeping_time(|context| self.hub.poll_closed(&mut end, context.waker()))
            .await
    }

    /// Waits until `poll` is ready, and says meanwhile that time passed when the machine wants to know:
    /// for what it decides by time alone. Whoever is woken looks again when that is.
    async fn keeping_time<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let mut alarm = None;
        poll_fn(|context| {
            loop {
                if let Poll::Ready(ready) = poll(context) {
                    return Poll::Ready(ready);
                }
                let next = self.hub.next_wake();
                if alarm.as_ref().map(|(at, _)| *at) != next {
                    alarm = next.map(|at| (at, (self.set_alarm)(at)));
                }
                let rang = alarm
                    .as_mut()
                    .is_some_and(|(_, alarm)| alarm.as_mut().poll(context).is_ready());
                if !rang {
                    return Poll::Pending;
                }
                alarm = None;
                self.hub.tick();
            }
        })
        .await
    }

    /// Asks until there is room (R12), then waits for the answer, until the deadline (R10).
    pub(super) async fn ask(
        &self,
        deadline: Deadline,
        ask: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<Answer> {
        let mut alarm = self.alarm(deadline);
        let ticket = self.admitted(&mut alarm, ask).await?;
        Ok(self.wait(ticket, alarm).await)
    }

    /// The same for a lock, which is tried again when its time has come.
    pub(super) async fn ask_for_lock(
        &self,
        deadline: Deadline,
        ask: impl FnMut(Standby<'_>) -> Result<Ticket, Failure>,
    ) -> io::Result<Answer> {
        let mut alarm = self.alarm(deadline);
        let mut ticket = self.admitted(&mut alarm, ask).await?;
        drop(alarm);
        let answer = self.keeping_time(|context| ticket.poll_answer(context.waker()));
        Ok(answer.await)
    }

    /// Asks until there is room, and waits for nothing else; without a deadline.
    pub(super) async fn admit<T>(
        &self,
        ask: impl FnMut(Standby<'_>) -> Result<T, Failure>,
    ) -> io::Result<T> {
        self.admitted(&mut None, ask).await
    }

    /// Asks until there is room.
    async fn admitted<T>(
        &self,
        alarm: &mut Option<Alarm>,
        mut ask: impl FnMut(Standby<'_>) -> Result<T, Failure>,
    ) -> io::Result<T> {
        let mut room = Room::of(Arc::clone(&self.hub));
        poll_fn(|context| match ask(Some((&mut room, context.waker()))) {
            Err(failure) if failure.is_for_fullness() => match rings(alarm, context) {
                true => {
                    let cause = Cause::Fault(Fault::Deadline);
                    Poll::Ready(Err(Failure { cause, ..failure }))
                }
                false => Poll::Pending,
            },
            asked => Poll::Ready(asked),
        })
        .await
        .map_err(Failure::into_io)
    }

    /// Waits for a future until the deadline; `None` where that comes first, and then the future is dropped. For
    /// what is made of many requests, or belongs to others, too. Nothing is begun when it is too late.
    ///
    /// It comes pinned, because one that were moved in here would be kept twice.
    pub(super) async fn until<T>(
        &self,
        deadline: Deadline,
        mut future: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        if deadline.has_passed() {
            return None;
        }
        let mut alarm = self.alarm(deadline);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(ready) => Poll::Ready(Some(ready)),
            Poll::Pending if rings(&mut alarm, context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Waits for the answer to what was accepted, until the deadline.
    pub(super) async fn answered(&self, ticket: Ticket, deadline: Deadline) -> Answer {
        self.wait(ticket, self.alarm(deadline)).await
    }

    fn alarm(&self, deadline: Deadline) -> Option<Alarm> {
        match deadline {
            Deadline::Never => None,
            Deadline::At(at) => Some((self.set_alarm)(at)),
        }
    }

    /// Waits for an answer. Whether the deadline has passed is decided by the clock: the alarm
    /// only has it looked at.
    async fn wait(&self, ticket: Ticket, mut alarm: Option<Alarm>) -> Answer {
        let mut ticket = pin!(ticket);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(answer) = ticket.as_mut().poll(context) {
                    return Poll::Ready(answer);
                }
                if !rings(&mut alarm, context) {
                    return Poll::Pending;
                }
                alarm = None;
                self.hub.tick();
            }
        })
        .await
    }
}

/// What an answer that carries nothing says.
pub(super) fn done(answer: Answer) -> io::Result<()> {
    answer.done().map_err(Failure::into_io)
}

/// Whether the alarm went off; one that is not set never does.
fn rings(alarm: &mut Option<Alarm>, context: &mut Context<'_>) -> bool {
    alarm
        .as_mut()
        .is_some_and(|alarm| alarm.as_mut().poll(context).is_ready())
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.hub.fmt(f)
    }
}
