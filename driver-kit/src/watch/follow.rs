//! A file that is followed: when it changes on the disk, it is staged again, marked stale, or told
//! of, as its holder asked (K4).
//!
//! The service's thread begins the staging, as a batch of one path, and workers carry it out. Where
//! a stager has none, that thread does it itself. Nobody has to poll for it.

use super::news::{Follow, News, Outcome, Policy};
use super::watching::{self, Bell, Place};
use super::{Change, ChangeKind, Listener};
use crate::batch::{self, Batch, Staged};
use crate::clock::Deadline;
use crate::error::Failure;
use crate::handle::Handle;
use crate::hub::Hub;
use crate::path::Here;
use crate::sync::lock;
use crate::thread_waker;
use staging_core::{Standing, Why};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::task::{Poll, Wake, Waker};
use std::thread;

/// A file that is followed. Dropped, it is followed no more; files that it gave out stay valid.
pub struct Followed<F: 'static> {
    holder: Arc<Holder<F>>,
    _place: Place,
}

/// How a driver makes its own file of an open one.
type Make<F> = Box<dyn Fn(Handle) -> F + Send + Sync>;

struct Holder<F> {
    hub: Arc<Hub>,
    policy: Policy,
    order: batch::Order,
    here: Here,
    path: PathBuf,
    make: Make<F>,
    /// Set once it has begun.
    bell: OnceLock<Bell>,
    /// Has the service's thread call here.
    caller: Waker,
    state: Mutex<State<F>>,
}

struct State<F> {
    current: Option<Arc<F>>,
    stale: bool,
    /// When it was looked at last, there was no file.
    gone: bool,
    first: First,
    news: Option<News>,
    under_way: Option<UnderWay>,
    /// It changed while it was being staged.
    again: Option<ChangeKind>,
    ended: bool,
    waker: Option<Waker>,
}

/// The first staging, which is no news.
enum First {
    Expected,
    Came(io::Result<()>),
    Taken,
}

struct UnderWay {
    batch: Arc<Batch>,
    /// Why; `None` for the first.
    change: Option<ChangeKind>,
    /// The budget had no room beside the version before; that is gone now.
    second: bool,
}

impl<F: Send + Sync + 'static> Followed<F> {
    /// Begins to follow a file; it is there when [`poll_begun`](Followed::poll_begun) says so.
    ///
    /// # Errors
    /// The path has no absolute form; the hub is shutting down; the system gives no watcher.
    pub fn begin(
        hub: &Arc<Hub>,
        follow: Follow,
        make: impl Fn(Handle) -> F + Send + Sync + 'static,
    ) -> io::Result<Followed<F>> {
        let Follow {
            path,
            policy,
            plan,
            debounce,
        } = follow;
        let order = batch::Order {
            plan,
            concurrency: 1,
            deadline: Deadline::Never,
        };
        let here = Here::now()?;
        let holder = Arc::new_cyclic(|holder: &Weak<Holder<F>>| Holder {
            hub: Arc::clone(hub),
            policy,
            order,
            here,
            path: path.clone(),
            make: Box::new(make),
            bell: OnceLock::new(),
            caller: Waker::from(Arc::new(Call(Weak::clone(holder)))),
            state: Mutex::new(State {
                current: None,
                stale: false,
                gone: false,
                first: First::Expected,
                news: None,
                under_way: None,
                again: None,
                ended: false,
                waker: None,
            }),
        });
        let order = watching::Order {
            paths: vec![path],
            debounce,
        };
        let listener: Arc<dyn Listener> = Arc::clone(&holder) as _;
        let place = hub.watching().begin(hub, order, listener)?;
        let _first = holder.bell.set(place.bell());
        // A batch that ended before this could not ring.
        holder.caller.wake_by_ref();
        Ok(Followed {
            holder,
            _place: place,
        })
    }

    /// Whether the file is watched and open; until then leaves the waker to be woken.
    ///
    /// # Errors
    /// It cannot be watched, or not be opened and staged.
    pub fn poll_begun(&self, waker: &Waker) -> Poll<io::Result<()>> {
        let mut state = self.holder.state();
        match std::mem::replace(&mut state.first, First::Taken) {
            First::Came(first) => Poll::Ready(first),
            First::Expected if state.ended => {
                Poll::Ready(Err(io::Error::other("follow: a shutdown began")))
            }
            First::Expected => {
                state.first = First::Expected;
                state.waker = Some(waker.clone());
                Poll::Pending
            }
            First::Taken => Poll::Ready(Ok(())),
        }
    }

    /// What changed since this was asked last, merged into one; `None` when there will be no more,
    /// because a shutdown began. Until then leaves the waker to be woken.
    pub fn poll_changed(&mut self, waker: &Waker) -> Poll<Option<News>> {
        let mut state = self.holder.state();
        if let Some(news) = state.news.take() {
            return Poll::Ready(Some(news));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl<F> Followed<F> {
    /// The version that is current. It stays valid as long as it is kept, whatever becomes of the
    /// file (G1); ask again for a later one. `None` only before the beginning.
    pub fn current(&self) -> Option<Arc<F>> {
        self.holder.state().current.clone()
    }

    /// Whether the current version is known to be another than what is on the disk.
    pub fn is_stale(&self) -> bool {
        self.holder.state().stale
    }

    /// Which path is followed, as it was given.
    pub fn path(&self) -> &Path {
        &self.holder.path
    }
}

impl<F> Drop for Followed<F> {
    fn drop(&mut self) {
        let (current, under_way) = {
            let mut state = self.holder.state();
            state.ended = true;
            state.waker = None;
            (state.current.take(), state.under_way.take())
        };
        if let Some(under_way) = under_way {
            under_way.batch.cancel(&self.holder.hub);
        }
        drop(current);
    }
}

impl<F> fmt::Debug for Followed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("path", &self.holder.path)
            .field("policy", &self.holder.policy)
            .finish_non_exhaustive()
    }
}

impl<F> Holder<F> {
    fn state(&self) -> MutexGuard<'_, State<F>> {
        lock(&self.state)
    }
}

impl<F: Send + Sync + 'static> Holder<F> {
    /// Opens and stages what is there now. Where nobody else would, this thread carries it out.
    fn stage(&self, change: Option<ChangeKind>, second: bool) {
        let paths = Box::new(std::iter::once(self.path.clone()));
        let batch = Batch::begin(&self.hub, self.order, self.here.clone(), paths);
        {
            let mut state = self.state();
            if state.ended {
                drop(state);
                return batch.cancel(&self.hub);
            }
            state.under_way = Some(UnderWay {
                batch: Arc::clone(&batch),
                change,
                second,
            });
        }
        if self.hub.is_alone() {
            let waker = thread_waker(thread::current());
            self.hub.help_until(
                &waker,
                |waker| batch.poll_done(waker),
                |at_latest| self.hub.sleep(at_latest),
            );
        }
    }

    /// Takes what has ended, and stages again what changed meanwhile.
    fn go_on(&self) {
        loop {
            let mut state = self.state();
            let done = |under_way: &UnderWay| under_way.batch.poll_done(&self.caller).is_ready();
            if !state.under_way.as_ref().is_some_and(done) {
                return;
            }
            let Some(under_way) = state.under_way.take() else {
                return;
            };
            drop(state);
            let next = self.take(under_way);
            if let Some((change, second)) = next {
                self.stage(Some(change), second);
            }
        }
    }

    /// Makes a version current, or says why not. Gives the reason to stage once more, if there is one.
    fn take(&self, under_way: UnderWay) -> Option<(ChangeKind, bool)> {
        let UnderWay {
            batch,
            change,
            second,
        } = under_way;
        let result = batch.take_items().pop()?.result;
        let result = result.map(|staged| {
            let Staged {
                handle,
                len,
                standing,
            } = staged;
            (Arc::new((self.make)(handle)), len, standing)
        });
        let mut state = self.state();
        let again = state.again.take();
        let mut before = None;
        let mut crowded = false;
        let outcome = match result {
            Ok((file, len, standing)) if !state.ended => {
                before = state.current.replace(file);
                crowded = matches!(standing, Standing::NotStaged(Why::OverBudget))
                    && before.is_some()
                    && !second;
                // It may be gone again by now.
                state.stale = state.gone;
                Ok(match state.gone {
                    true => Outcome::Stale,
                    false => Outcome::Restaged { len, standing },
                })
            }
            Ok(_) => return None,
            Err(failure) => {
                state.stale = state.current.is_some();
                Err(failure)
            }
        };
        // The new version could not be had beside the old one: once that is gone, it may.
        let retry = change.filter(|_| crowded).map(|change| (change, true));
        let next = again.map(|change| (change, false)).or(retry);
        let waker = match (change, outcome) {
            (Some(_), Ok(_)) if retry.is_some() => None,
            (Some(change), outcome) => {
                let outcome = outcome.unwrap_or_else(|failure| match failure.errno() {
                    Some(libc::ENOENT) => Outcome::Stale,
                    Some(_) | None => Outcome::Failed(failure),
                });
                state.tell(change, outcome)
            }
            (None, outcome) => {
                state.first = First::Came(outcome.map(|_| ()).map_err(Failure::into_io));
                state.waker.take()
            }
        };
        drop(state);
        drop(before);
        waker.into_iter().for_each(Waker::wake);
        next
    }

    fn changed(&self, change: ChangeKind) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        state.gone = change == ChangeKind::Removed;
        let outcome = match (self.policy, change) {
            (Policy::Restage, ChangeKind::Removed) | (Policy::MarkStale, _) => {
                state.stale = true;
                Outcome::Stale
            }
            (Policy::Tell, _) | (_, ChangeKind::Unwatched) => Outcome::Told,
            (
                Policy::Restage,
                ChangeKind::Created | ChangeKind::Modified | ChangeKind::Rescanned,
            ) => {
                if state.under_way.is_some() {
                    state.again = Some(change);
                } else {
                    drop(state);
                    self.stage(Some(change), false);
                    self.go_on();
                }
                return;
            }
        };
        let waker = state.tell(change, outcome);
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<F> State<F> {
    /// Keeps the news until somebody asks; what he has not heard yet is part of it.
    fn tell(&mut self, change: ChangeKind, outcome: Outcome) -> Option<Waker> {
        let unheard = self.news.take();
        let change = unheard
            .and_then(|unheard| unheard.change.then(change))
            .unwrap_or(change);
        self.news = Some(News { change, outcome });
        self.waker.take()
    }
}

impl<F: Send + Sync + 'static> Listener for Holder<F> {
    fn begun(&self, begun: io::Result<()>) {
        match begun {
            Ok(()) => {
                self.stage(None, false);
                self.go_on();
            }
            Err(error) => {
                let mut state = self.state();
                state.first = First::Came(Err(error));
                let waker = state.waker.take();
                drop(state);
                waker.into_iter().for_each(Waker::wake);
            }
        }
    }

    fn tell(&self, changes: Vec<Change>) {
        // One path is watched: the last word on it counts, and what came before belongs to it.
        let kinds = changes.into_iter().map(|change| change.kind);
        let merged = kinds.reduce(|before, next| before.then(next).unwrap_or(next));
        if let Some(kind) = merged {
            self.changed(kind);
        }
    }

    fn called(&self) {
        self.go_on();
    }

    fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Has the service's thread call the holder when a batch has ended.
struct Call<F>(Weak<Holder<F>>);

impl<F: Send + Sync + 'static> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(bell) = self.0.upgrade().as_ref().and_then(|it| it.bell.get()) {
            bell.ring();
        }
    }
}
