//! One appender at a time.

use crate::hub::{Hub, Lock};
use crate::thread_waker;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::thread;

/// The end of what a log left under way.
type Leaving = Shared<BoxFuture<'static, ()>>;

/// Who has a log.
#[derive(Debug)]
enum Holder {
    /// It is open for appending.
    Open,
    /// It was dropped, and system calls may still change its files.
    Leaving(Leaving),
}

/// The logs that are open for appending in this process, by their paths without links.
static CLAIMED: Mutex<BTreeMap<Arc<Path>, Holder>> = Mutex::new(BTreeMap::new());

/// The right to append to a log, until it is given back: nobody else here has it, and no other process.
#[derive(Debug)]
pub(super) struct Right {
    pub(super) claim: Claim,
    /// What keeps other processes out, if they are to be.
    pub(super) lock: Option<Lock>,
}

impl Right {
    /// Gives it back when this has ended.
    pub(super) fn give_back_after(self, hub: &Arc<Hub>, left: BoxFuture<'static, ()>) {
        let Right { claim, lock } = self;
        let left = async move {
            left.await;
            drop(lock);
        };
        claim.give_back_after(hub, left.boxed());
    }
}

/// That nobody else in this process appends to a log.
///
/// It keeps out the rest of this process, where a lock of the system could not tell who is who.
#[derive(Debug)]
pub(super) struct Claim {
    path: Arc<Path>,
}

impl Claim {
    /// Waits until what a log left under way here has ended; `None` where one is open.
    pub(super) async fn on(path: &Arc<Path>) -> Option<Claim> {
        loop {
            let leaving = match Claim::try_on(path) {
                Ok(claim) => return Some(claim),
                Err(leaving) => leaving?,
            };
            leaving.await;
        }
    }

    fn try_on(path: &Arc<Path>) -> Result<Claim, Option<Leaving>> {
        let mut claimed = claimed();
        match claimed.get(path) {
            Some(Holder::Open) => return Err(None),
            Some(Holder::Leaving(leaving)) if leaving.peek().is_none() => {
                return Err(Some(leaving.clone()));
            }
            Some(Holder::Leaving(_)) | None => {}
        }
        let path = Arc::clone(path);
        claimed.insert(Arc::clone(&path), Holder::Open);
        Ok(Claim { path })
    }

    /// Gives it back when this has ended. A thread waits for that, which ends with it: what the log left holds a
    /// lock that another process may wait for, and nobody here may ever open a log again. Where the system gives
    /// no thread, it is polled by whoever opens a log next.
    fn give_back_after(self, hub: &Arc<Hub>, left: BoxFuture<'static, ()>) {
        let leaving = left.shared();
        if leaving.clone().now_or_never().is_some() {
            return;
        }
        let path = Arc::clone(&self.path);
        claimed().insert(path, Holder::Leaving(leaving.clone()));
        let hub = Arc::clone(hub);
        let waiting = thread::Builder::new()
            .name("staging-log".into())
            .spawn(move || wait_for(&hub, leaving));
        drop(waiting);
    }
}

/// Helps meanwhile: where there is no pool, there may be nobody else.
fn wait_for(hub: &Arc<Hub>, mut leaving: Leaving) {
    let waker = thread_waker(thread::current());
    hub.help_until(
        &waker,
        |waker| leaving.poll_unpin(&mut Context::from_waker(waker)),
        |at_latest| hub.sleep(at_latest),
    );
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = claimed();
        if let Some(Holder::Open) = claimed.get(&self.path) {
            claimed.remove(&self.path);
        }
        // Others that ended meanwhile, and that nobody opened again.
        claimed.retain(|_, holder| match holder {
            Holder::Open => true,
            Holder::Leaving(leaving) => leaving.clone().now_or_never().is_none(),
        });
    }
}

fn claimed() -> MutexGuard<'static, BTreeMap<Arc<Path>, Holder>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}
