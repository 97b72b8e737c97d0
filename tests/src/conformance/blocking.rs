//! driver-blocking under trial: without a pool, and with one of one and of two threads.

use super::driver::{
    Answers, Begun, Configuration, Driver, FollowedFile, Group, Open, OpenFile, Opening, Replacing,
    Version, Watched,
};
use super::guarding::{self, Locking, Updating};
use super::logs::Logs;
use bytes::Bytes;
use driver_blocking::{Background, Batch, File, Stager};
use driver_kit::batch::{Item, Order, Progress};
use driver_kit::core::{Backlog, FileLimits, Grace, Limits, Plan, Sharing, Standing};
use driver_kit::figures::{Figures, FileBacklog, Timings};
use driver_kit::hub::{Hub, Idle, Lock, Turn, TurnEnd};
use driver_kit::watch::{Change, Follow, News};
use driver_kit::{Deadline, Handle, ShutdownReport};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Every way to set driver-blocking up that differs in who carries actions out.
pub const CONFIGURATIONS: [Configuration; 3] = [
    Configuration {
        name: "blocking",
        workers: 0,
        make: |limits| Blocking::make(limits, 0),
    },
    Configuration {
        name: "blocking_pool_1",
        workers: 1,
        make: |limits| Blocking::make(limits, 1),
    },
    Configuration {
        name: "blocking_pool_2",
        workers: 2,
        make: |limits| Blocking::make(limits, 2),
    },
];

pub(super) struct Blocking {
    pub(super) stager: Stager,
}

impl Blocking {
    fn make(limits: Limits, pool: u32) -> Arc<dyn Driver> {
        let stager = Stager::builder().limits(limits).pool(pool).build();
        Arc::new(Blocking { stager })
    }
}

impl Driver for Blocking {
    fn kit(&self) -> Option<&Arc<Hub>> {
        Some(self.stager.hub())
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Open> {
        let mut options = self
            .stager
            .options()
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
        let file = options.open(path)?;
        Ok(Arc::new(Opened { file }))
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
        Ok(Arc::new(Together { batch }))
    }

    fn replace(&self, path: &Path, content: &[u8], how: Replacing) -> io::Result<()> {
        self.stager
            .replace(path, content.to_vec())
            .durability(how.durability)
            .create_new(how.create_new)
            .follow_links(how.follow_links)
            .deadline(how.deadline)
            .commit()
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
        lock.deadline(how.deadline).acquire()
    }

    fn update(&self, path: &Path, change: guarding::Change, how: Updating) -> io::Result<()> {
        let update = self.stager.update(path, change);
        let update = match how.scope {
            Some(scope) => update.scope(scope),
            None => update.unlocked(),
        };
        let update = update.durability(how.durability).deadline(how.deadline);
        update.commit()
    }

    fn set_limits(&self, limits: Limits) -> io::Result<()> {
        self.stager.set_limits(limits)?;
        assert_eq!(self.stager.limits(), limits);
        Ok(())
    }

    fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.stager.flush_all(deadline)
    }

    fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.stager.sync_all(deadline)
    }

    fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.stager.shutdown(grace)
    }

    fn force(&self, closing: Duration) -> ShutdownReport {
        self.stager.force(closing)
    }

    fn shutdown_because(&self, grace: Grace, reason: &str) -> ShutdownReport {
        self.stager.shutdown_because(grace, reason)
    }

    fn force_because(&self, closing: Duration, reason: &str) -> ShutdownReport {
        self.stager.force_because(closing, reason)
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
        self.stager.wait_closed()
    }

    fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        self.stager.shutdown_on_signals(grace)
    }

    fn watch(&self, paths: &[PathBuf], debounce: Duration) -> io::Result<Box<dyn Watched>> {
        let watch = self.stager.watch(paths).debounce(debounce).start()?;
        Ok(Box::new(watch))
    }

    fn follow(&self, follow: Follow) -> io::Result<Box<dyn FollowedFile>> {
        let followed = self
            .stager
            .follow(&follow.path)
            .policy(follow.policy)
            .plan(follow.plan)
            .debounce(follow.debounce)
            .start()?;
        Ok(Box::new(followed))
    }

    fn logs(&self) -> Option<&dyn Logs> {
        Some(self)
    }

    fn attend(&self) {
        let hub = self.hub();
        if hub.is_alone() {
            let mut turn = Turn::default();
            while hub.turn(&mut turn, 1, &Idle::Go) == TurnEnd::Work {
                hub.carry_out(&mut turn);
            }
        }
    }
}

impl Watched for driver_blocking::Watch {
    fn next(&mut self) -> Option<Change> {
        driver_blocking::Watch::next(self)
    }
}

impl FollowedFile for driver_blocking::Followed {
    fn current(&self) -> Box<dyn Version> {
        Box::new(driver_blocking::Followed::current(self))
    }

    fn is_stale(&self) -> bool {
        driver_blocking::Followed::is_stale(self)
    }

    fn changed(&mut self) -> Option<News> {
        driver_blocking::Followed::changed(self)
    }
}

impl Version for Arc<File> {
    fn handle(&self) -> &Handle {
        File::handle(self)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.reader().read_to_end(&mut all)?;
        Ok(all)
    }
}

struct Opened {
    file: File,
}

impl Begun for Background<'_> {
    fn progress(&self) -> Progress {
        Background::progress(self)
    }

    fn wait(self: Box<Self>) -> io::Result<Standing> {
        Background::wait(*self)
    }
}

impl OpenFile for Opened {
    fn handle(&self) -> &Handle {
        self.file.handle()
    }

    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize> {
        match deadline {
            Deadline::Never => self.file.read_at(buffer, offset),
            deadline => self.file.read_at_by(buffer, offset, deadline),
        }
    }

    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.file.bytes_at(offset, len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.file.append(bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.file.flush(deadline)
    }

    fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.file.sync(deadline)
    }

    fn write_through(&self, from: u64, parts: &[&[u8]]) -> io::Result<u64> {
        let mut writer = self.file.writer();
        writer.seek(SeekFrom::Start(from))?;
        for part in parts {
            writer.write_all(part)?;
        }
        writer.flush()?;
        Ok(writer.position())
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
        self.file.stage_by(plan, deadline)
    }

    fn begin_staging(&self, plan: Plan) -> io::Result<Box<dyn Begun + '_>> {
        Ok(Box::new(self.file.begin_staging(plan)?))
    }

    fn unstage(&self) -> io::Result<()> {
        self.file.unstage()
    }

    fn seek_from_end(&self, by: i64) -> io::Result<u64> {
        self.file.reader().seek(SeekFrom::End(by))
    }

    fn seek_from_start(&self, to: u64) -> io::Result<u64> {
        self.file.reader().seek(SeekFrom::Start(to))
    }

    fn travel(&self, legs: &[(SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut reader = self.file.reader();
        let mut came = Vec::new();
        for (to, len) in legs {
            let (begin, mut bytes) = (reader.seek(*to)?, Vec::new());
            reader.by_ref().take(*len as u64).read_to_end(&mut bytes)?;
            came.push((begin, bytes));
        }
        Ok(came)
    }

    fn read_through(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.file.reader().read_to_end(&mut all)?;
        Ok(all)
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        self.file.reader().lines().collect()
    }

    fn close(self: Arc<Self>) -> io::Result<()> {
        match Arc::into_inner(self) {
            Some(opened) => opened.file.close(),
            None => Err(io::Error::other("the case still shares the file it closes")),
        }
    }
}

struct Together {
    batch: Batch,
}

impl Group for Together {
    fn wait(&self) -> Vec<Item> {
        self.batch.wait()
    }

    fn progress(&self) -> Progress {
        self.batch.progress()
    }

    fn cancel(&self) {
        self.batch.cancel();
    }
}
