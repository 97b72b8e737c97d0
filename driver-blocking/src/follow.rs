//! A file that is followed: staged again, marked stale or told of when it changes on the disk.

use crate::file::File;
use crate::wait::{Help, wait_until};
use crate::watch::until;
use driver_kit::Deadline;
use driver_kit::core::{Mode, Plan};
use driver_kit::hub::Hub;
use driver_kit::watch::{self, DEBOUNCE, Follow, News, Policy};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A file to be followed. See [`Stager::follow`](crate::Stager::follow).
#[derive(Debug)]
#[must_use = "nothing is followed until `start` is called"]
pub struct FollowBuilder {
    hub: Arc<Hub>,
    follow: Follow,
}

impl FollowBuilder {
    pub(crate) const fn new(hub: Arc<Hub>, path: PathBuf) -> FollowBuilder {
        let follow = Follow {
            path,
            policy: Policy::Restage,
            plan: Plan::of(Mode::Auto),
            debounce: DEBOUNCE,
        };
        FollowBuilder { hub, follow }
    }

    /// What happens when the file changes. It is staged again by default.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.follow.policy = policy;
        self
    }

    /// By which means each version is staged (G3). `Auto` by default.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.follow.plan.mode = mode;
        self
    }

    /// The whole plan.
    pub const fn plan(mut self, plan: Plan) -> Self {
        self.follow.plan = plan;
        self
    }

    /// How long the path must be quiet first: 200 ms by default. One that never is, is looked at
    /// after five times as long.
    pub const fn debounce(mut self, debounce: Duration) -> Self {
        self.follow.debounce = debounce;
        self
    }

    /// Opens the file and stages it, and follows it from then on. Whatever changes after this has
    /// returned is seen.
    ///
    /// A pool stages new versions; without one, the thread that watches does.
    ///
    /// # Errors
    /// There is no regular file, it may not be read, staging it failed, its directory cannot be
    /// watched, or a shutdown began.
    pub fn start(self) -> io::Result<Followed> {
        let FollowBuilder { hub, follow } = self;
        let followed = watch::Followed::begin(&hub, follow, |handle| File::new(handle, false))?;
        wait_until(&hub, Help::No, Deadline::Never, |waker| {
            followed.poll_begun(waker)
        })?;
        Ok(Followed { hub, followed })
    }
}

/// A file that is followed by its path. Dropped, it is followed no more; files that it gave out stay
/// valid.
#[derive(Debug)]
pub struct Followed {
    hub: Arc<Hub>,
    followed: watch::Followed<File>,
}

impl Followed {
    /// The version that is current. It stays valid as long as it is kept, whatever becomes of the
    /// file (G1); ask again for a later one.
    ///
    /// # Panics
    /// Never: there is one from the beginning on.
    #[expect(
        clippy::expect_used,
        reason = "`start` returned after the first version came"
    )]
    #[must_use]
    pub fn current(&self) -> Arc<File> {
        self.followed.current().expect("there is a first version")
    }

    /// Whether the current version is known to be another than what is on the disk.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.followed.is_stale()
    }

    /// Which path is followed, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.followed.path()
    }

    /// Waits for a change and what came of it; several changes are merged into one. `None` when
    /// there will be no more, because a shutdown began. Restaging waits for nobody to ask.
    pub fn changed(&mut self) -> Option<News> {
        let Followed { hub, followed } = self;
        wait_until(hub, Help::No, Deadline::Never, |waker| {
            followed.poll_changed(waker)
        })
    }

    /// Like [`changed`](Followed::changed), but waits no longer than until the deadline.
    ///
    /// # Errors
    /// `TimedOut` when the deadline passed; nothing is lost.
    pub fn changed_by(&mut self, deadline: Deadline) -> io::Result<Option<News>> {
        let Followed { hub, followed } = self;
        wait_until(hub, Help::No, deadline, |waker| {
            until(deadline, followed.poll_changed(waker))
        })
    }
}
