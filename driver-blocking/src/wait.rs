//! Waiting on a thread: it helps while it waits, and sleeps when there is nothing to help with.

use driver_kit::client::Alarm;
use driver_kit::hub::Hub;
use driver_kit::{Deadline, thread_waker};
use std::cell::OnceCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// Whether a waiting thread carries out work meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Help {
    /// It does: its own action needs no hand-over then.
    Yes,
    /// It leaves the work to the pool: it has a deadline to keep, or a batch to watch.
    No,
}

impl Help {
    /// Without a pool there is nobody else.
    pub(crate) fn unless_pool(hub: &Hub) -> Help {
        if hub.is_alone() { Help::Yes } else { Help::No }
    }

    /// Whoever has a deadline to keep leaves blocking work to the pool, if there is one.
    pub(crate) fn until(deadline: Deadline, hub: &Hub) -> Help {
        match deadline {
            Deadline::Never => Help::Yes,
            Deadline::At(_) => Help::unless_pool(hub),
        }
    }
}

/// Waits on this thread until `poll` is ready. It is asked again at the deadline, for the sake of
/// what the hub does not know of.
pub(crate) fn wait_until<T>(
    hub: &Arc<Hub>,
    help: Help,
    deadline: Deadline,
    mut poll: impl FnMut(&Waker) -> Poll<T>,
) -> T {
    let waker = this_thread();
    match help {
        Help::Yes => hub.help_until(&waker, poll, |at_latest| {
            hub.sleep(deadline.or_before(at_latest));
        }),
        Help::No => loop {
            match poll(&waker) {
                Poll::Ready(ready) => return ready,
                Poll::Pending => hub.sleep(deadline),
            }
        },
    }
}

/// Waits on this thread until a future is ready, which is at its deadline at the latest, and helps meanwhile.
pub(crate) fn block_on<T>(
    hub: &Arc<Hub>,
    deadline: Deadline,
    future: impl Future<Output = T>,
) -> T {
    let mut future = pin!(future);
    wait_until(hub, Help::until(deadline, hub), deadline, |waker| {
        future.as_mut().poll(&mut Context::from_waker(waker))
    })
}

/// An alarm for who waits by [`block_on`]: that looks again when it is to go off.
pub(crate) fn alarm(at: Instant) -> Alarm {
    Box::pin(poll_fn(move |_| match at <= Instant::now() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }))
}

/// The waker of this thread, made once.
fn this_thread() -> Waker {
    thread_local! {
        static WAKER: OnceCell<Waker> = const { OnceCell::new() };
    }
    let make = || thread_waker(thread::current());
    WAKER
        .try_with(|waker| waker.get_or_init(make).clone())
        .unwrap_or_else(|_| make())
}
