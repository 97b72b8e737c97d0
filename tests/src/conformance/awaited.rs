//! Any driver of futures under trial, in blocking words: what its world polls, a case waits for.

use super::driver::{
    Answers, Begun, Driver, FollowedFile, Group, Open, OpenFile, Opening, Replacing, Version,
    Watched,
};
use super::guarding::{self, Locking, Updating};
use super::logs::Logs;
use bytes::Bytes;
use driver_kit::batch::{Item, Order, Progress};
use driver_kit::client::{self, Background, FollowBuilder, OpenOptions};
use driver_kit::core::{Backlog, FileLimits, Grace, Limits, Plan, Sharing, Standing};
use driver_kit::figures::{Figures, FileBacklog, Timings};
use driver_kit::hub::{Hub, Lock};
use driver_kit::watch::{Change, Follow, News};
use driver_kit::{Deadline, Handle, ShutdownReport};
use std::future::{Future, IntoFuture};
use std::io::{self, SeekFrom};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Who polls, and what only the driver's own types can do: open, hear signals, read and write as its traits have it.
pub(super) trait World: Clone + Send + Sync + 'static {
    type Stager: Deref<Target = client::Stager> + Send + Sync;
    type File: Deref<Target = client::File> + Send + Sync + 'static;

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
    fn options(stager: &Self::Stager) -> OpenOptions<Self::File>;
    fn follow(stager: &Self::Stager, path: &Path) -> FollowBuilder<Self::File>;
    fn shutdown_on_signals(stager: &Self::Stager, grace: Grace) -> io::Result<()>;
    async fn seek(file: &Self::File, to: SeekFrom) -> io::Result<u64>;
    async fn travel(
        file: &Self::File,
        legs: &[(SeekFrom, usize)],
    ) -> io::Result<Vec<(u64, Vec<u8>)>>;
    async fn read_through(file: &Self::File) -> io::Result<Vec<u8>>;
    async fn lines(file: &Self::File) -> io::Result<Vec<String>>;
    async fn write_through(file: &Self::File, from: u64, parts: &[&[u8]]) -> io::Result<u64>;
    async fn close(file: Self::File) -> io::Result<()>;
}

/// A stager, and the world it lives in.
pub(super) struct Awaited<W: World> {
    pub(super) stager: W::Stager,
    pub(super) world: W,
}

impl<W: World> Driver for Awaited<W> {
    fn kit(&self) -> Option<&Arc<Hub>> {
        Some(self.stager.hub())
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Open> {
        let mut options = W::options(&self.stager)
            .mode(how.plan.mode)
            .map_threshold(how.plan.map_threshold)
            .over_budget(how.plan.over_budget)
            .write(how.write)
            .append(how.append)
            .write_through(how.answers == Answers::Durable)
            .write_behind(how.answers == Answers::Accepted)
            .class(how.class)
            .keep_dirty(how.keep_dirty)
            .timed(how.timed)
            .limits(how.limits)
            .truncate(how.truncate)
            .create(how.create)
            .create_new(how.create_new)
            .deadline(how.deadline);
        if let Some(every) = how.every {
            options = options.sync_every(every);
        }
        let file = self.world.block_on(options.open(path))?;
        let world = self.world.clone();
        Ok(Arc::new(Opened { file, world }))
    }

    fn batch(
        &self,
        paths: Box<dyn Iterator<Item = PathBuf> + Send>,
        order: Order,
    ) -> io::Result<Arc<dyn Group>> {
        let batch = self
            .stager
            .stage(paths)
            .plan(order.plan)
            .concurrency(order.concurrency)
            .deadline(order.deadline)
            .start()?;
        let world = self.world.clone();
        Ok(Arc::new(Together { batch, world }))
    }

    fn replace(&self, path: &Path, content: &[u8], how: Replacing) -> io::Result<()> {
        let replace = self
            .stager
            .replace(path, content.to_vec())
            .durability(how.durability)
            .create_new(how.create_new)
            .follow_links(how.follow_links)
            .deadline(how.deadline);
        self.world.block_on(replace.into_future())
    }

    fn lock(&self, path: &Path, how: Locking) -> io::Result<Lock> {
        let lock = self.stager.lock(path).scope(how.scope);
        let lock = match how.sharing {
            Sharing::Exclusive => lock.exclusive(),
            Sharing::Shared => lock.shared(),
        };
        let lock = match how.range {
            Some(range) => lock.range(range),
            None => lock,
        };
        let lock = if how.once { lock.once() } else { lock };
        self.world
            .block_on(lock.deadline(how.deadline).into_future())
    }

    fn update(&self, path: &Path, change: guarding::Change, how: Updating) -> io::Result<()> {
        let update = self.stager.update(path, change);
        let update = match how.scope {
            Some(scope) => update.scope(scope),
            None => update.unlocked(),
        };
        let update = update.durability(how.durability).deadline(how.deadline);
        self.world.block_on(update.into_future())
    }

    fn set_limits(&self, limits: Limits) -> io::Result<()> {
        self.stager.set_limits(limits)?;
        assert_eq!(self.stager.limits(), limits);
        Ok(())
    }

    fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.world.block_on(self.stager.flush_all(deadline))
    }

    fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.world.block_on(self.stager.sync_all(deadline))
    }

    fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.world.block_on(self.stager.shutdown(grace))
    }

    fn force(&self, closing: Duration) -> ShutdownReport {
        self.world.block_on(self.stager.force(closing))
    }

    fn shutdown_because(&self, grace: Grace, reason: &str) -> ShutdownReport {
        self.world
            .block_on(self.stager.shutdown_because(grace, reason))
    }

    fn force_because(&self, closing: Duration, reason: &str) -> ShutdownReport {
        self.world
            .block_on(self.stager.force_because(closing, reason))
    }

    fn figures(&self) -> Figures {
        self.stager.figures()
    }

    fn backlog(&self) -> Vec<FileBacklog> {
        self.stager.backlog()
    }

    fn timings(&self) -> Timings {
        self.stager.timings()
    }

    fn closed(&self) -> ShutdownReport {
        self.world.block_on(self.stager.closed())
    }

    fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        self.world
            .block_on(async { W::shutdown_on_signals(&self.stager, grace) })
    }

    fn watch(&self, paths: &[PathBuf], debounce: Duration) -> io::Result<Box<dyn Watched>> {
        let watch = self.stager.watch(paths).debounce(debounce).start();
        let watch = self.world.block_on(watch)?;
        let world = self.world.clone();
        Ok(Box::new(Watching { watch, world }))
    }

    fn follow(&self, follow: Follow) -> io::Result<Box<dyn FollowedFile>> {
        let followed = W::follow(&self.stager, &follow.path)
            .policy(follow.policy)
            .plan(follow.plan)
            .debounce(follow.debounce)
            .start();
        let followed = self.world.block_on(followed)?;
        let world = self.world.clone();
        Ok(Box::new(Following { followed, world }))
    }

    fn logs(&self) -> Option<&dyn Logs> {
        Some(self)
    }

    fn attend(&self) {}
}

struct Watching<W> {
    watch: client::Watch,
    world: W,
}

impl<W: World> Watched for Watching<W> {
    fn next(&mut self) -> Option<Change> {
        self.world.block_on(self.watch.next())
    }
}

struct Following<W: World> {
    followed: client::Followed<W::File>,
    world: W,
}

impl<W: World> FollowedFile for Following<W> {
    fn current(&self) -> Box<dyn Version> {
        let (file, world) = (self.followed.current(), self.world.clone());
        Box::new(Current { file, world })
    }

    fn is_stale(&self) -> bool {
        self.followed.is_stale()
    }

    fn changed(&mut self) -> Option<News> {
        self.world.block_on(self.followed.changed())
    }
}

struct Current<W: World> {
    file: Arc<W::File>,
    world: W,
}

impl<W: World> Version for Current<W> {
    fn handle(&self) -> &Handle {
        self.file.handle()
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        self.world.block_on(W::read_through(&self.file))
    }
}

struct Opened<W: World> {
    file: W::File,
    world: W,
}

struct Goes<W: World> {
    begun: Background,
    world: W,
}

impl<W: World> Begun for Goes<W> {
    fn progress(&self) -> Progress {
        self.begun.progress()
    }

    fn wait(self: Box<Self>) -> io::Result<Standing> {
        self.world.block_on(self.begun)
    }
}

impl<W: World> OpenFile for Opened<W> {
    fn handle(&self) -> &Handle {
        self.file.handle()
    }

    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize> {
        self.world
            .block_on(self.file.read_into_by(buffer, offset, deadline))
    }

    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.world.block_on(self.file.read_at(offset, len))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.world.block_on(self.file.write_at(offset, bytes))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.world.block_on(self.file.append(bytes))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.world.block_on(self.file.set_len(len))
    }

    fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.world.block_on(self.file.flush(deadline))
    }

    fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.world.block_on(self.file.sync(deadline))
    }

    fn write_through(&self, from: u64, parts: &[&[u8]]) -> io::Result<u64> {
        self.world
            .block_on(W::write_through(&self.file, from, parts))
    }

    fn timings(&self) -> Option<Timings> {
        self.file.timings()
    }

    fn backlog(&self) -> Option<Backlog> {
        self.file.backlog()
    }

    fn set_limits(&self, limits: FileLimits) -> io::Result<()> {
        self.file.set_limits(limits)?;
        assert_eq!(self.file.limits(), limits);
        Ok(())
    }

    fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        self.world.block_on(self.file.stage_by(plan, deadline))
    }

    fn begin_staging(&self, plan: Plan) -> io::Result<Box<dyn Begun + '_>> {
        let world = self.world.clone();
        let begun = self.file.begin_staging(plan)?;
        Ok(Box::new(Goes { begun, world }))
    }

    fn unstage(&self) -> io::Result<()> {
        self.world.block_on(self.file.unstage())
    }

    fn seek_from_end(&self, by: i64) -> io::Result<u64> {
        self.world.block_on(W::seek(&self.file, SeekFrom::End(by)))
    }

    fn seek_from_start(&self, to: u64) -> io::Result<u64> {
        self.world
            .block_on(W::seek(&self.file, SeekFrom::Start(to)))
    }

    fn travel(&self, legs: &[(SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        self.world.block_on(W::travel(&self.file, legs))
    }

    fn read_through(&self) -> io::Result<Vec<u8>> {
        self.world.block_on(W::read_through(&self.file))
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        self.world.block_on(W::lines(&self.file))
    }

    fn close(self: Arc<Self>) -> io::Result<()> {
        match Arc::into_inner(self) {
            Some(Opened { file, world }) => world.block_on(W::close(file)),
            None => Err(io::Error::other("the case still shares the file it closes")),
        }
    }
}

struct Together<W> {
    batch: client::Batch,
    world: W,
}

impl<W: World> Group for Together<W> {
    fn wait(&self) -> Vec<Item> {
        self.world.block_on(self.batch.wait())
    }

    fn progress(&self) -> Progress {
        self.batch.progress()
    }

    fn cancel(&self) {
        self.batch.cancel();
    }
}
