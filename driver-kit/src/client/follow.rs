//! A file that is followed: staged again, marked stale or told of when it changes on the disk.

use super::{Client, File};
use crate::watch::{self, DEBOUNCE, Follow, News, Policy};
use futures_core::Stream;
use staging_core::{Mode, Plan};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A file to be followed. `F` is the file of the driver whose `Stager::follow` made this.
#[must_use = "nothing is followed until `start` is called"]
pub struct FollowBuilder<F> {
    client: Client,
    make: fn(File) -> F,
    follow: Follow,
}

impl<F: Send + Sync + 'static> FollowBuilder<F> {
    pub(super) fn new(client: Client, make: fn(File) -> F, path: PathBuf) -> FollowBuilder<F> {
        let follow = Follow {
            path,
            policy: Policy::Restage,
            plan: Plan::of(Mode::Auto),
            debounce: DEBOUNCE,
        };
        FollowBuilder {
            client,
            make,
            follow,
        }
    }

    /// What happens when the file changes. It is staged again by default.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.follow.policy = policy;
        self
    }

    /// By which means each version is staged (G3). `Auto` by default.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.follow.plan.mode = mode;
        self
    }

    /// The whole plan.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.follow.plan = plan;
        self
    }

    /// How long the path must be quiet first: 200 ms by default. One that never is, is looked at
    /// after five times as long.
    pub fn debounce(mut self, debounce: Duration) -> Self {
        self.follow.debounce = debounce;
        self
    }

    /// Opens the file and stages it, and follows it from then on. Whatever changes after this has
    /// returned is seen.
    ///
    /// # Errors
    /// There is no regular file, it may not be read, staging it failed, its directory cannot be
    /// watched, or a shutdown began.
    ///
    /// # Cancel safety
    /// Dropped, the file is closed, and not followed.
    pub async fn start(self) -> io::Result<Followed<F>> {
        let FollowBuilder {
            client,
            make,
            follow,
        } = self;
        let hub = Arc::clone(client.hub());
        let open = move |handle| make(File::new(client.clone(), handle, false));
        let followed = watch::Followed::begin(&hub, follow, open)?;
        poll_fn(|context| followed.poll_begun(context.waker())).await?;
        Ok(Followed { followed })
    }
}

impl<F> std::fmt::Debug for FollowBuilder<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowBuilder")
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// A file that is followed by its path. Dropped, it is followed no more; files that it gave out stay
/// valid.
#[derive(Debug)]
pub struct Followed<F: 'static> {
    followed: watch::Followed<F>,
}

impl<F: Send + Sync + 'static> Followed<F> {
    /// The version that is current. It stays valid as long as it is kept, whatever becomes of the
    /// file (G1); ask again for a later one.
    ///
    /// # Panics
    /// Never: there is one from the beginning on.
    #[expect(
        clippy::expect_used,
        reason = "`start` returned after the first version came"
    )]
    pub fn current(&self) -> Arc<F> {
        self.followed.current().expect("there is a first version")
    }

    /// Whether the current version is known to be another than what is on the disk.
    pub fn is_stale(&self) -> bool {
        self.followed.is_stale()
    }

    /// Which path is followed, as it was given.
    pub fn path(&self) -> &Path {
        self.followed.path()
    }

    /// What changed since this was asked last, and what came of it; several changes are merged into
    /// one. `None` when there will be no more, because a shutdown began. Restaging waits for nobody
    /// to ask.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn changed(&mut self) -> Option<News> {
        poll_fn(|context| self.followed.poll_changed(context.waker())).await
    }
}

impl<F: Send + Sync + 'static> Stream for Followed<F> {
    type Item = News;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<News>> {
        self.followed.poll_changed(context.waker())
    }
}
