//! Work that is nothing, handed to a thread, and its answer awaited.

use super::whole::tokio_runtime;
use crate::row::{Aspect, Run, Sample};
use futures::channel::oneshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// How much is handed over, and how much of it at once.
#[derive(Clone, Copy)]
pub(crate) struct Hands {
    pub(crate) count: usize,
    pub(crate) at_once: usize,
}

impl Hands {
    /// Awaits what a function gives for each, so many at once; each of those has a place of its own.
    pub(crate) async fn each<F: Future<Output = io::Result<()>>>(
        self,
        one: impl Fn(usize) -> F,
    ) -> io::Result<()> {
        stream::iter(0..self.count)
            .map(|number| one(number % (2 * self.at_once)))
            .buffer_unordered(self.at_once)
            .try_collect()
            .await
    }
}

/// Times one round, for one of them.
pub(crate) fn timed(hands: Hands, all: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
    let began = Instant::now();
    all()?;
    let took = began.elapsed().as_nanos() as f64;
    Ok(vec![(Aspect::Work, took / hands.count as f64)])
}

/// `tokio::task::spawn_blocking`.
pub(crate) fn spawn_blocking(hands: Hands) -> io::Result<Run> {
    let runtime = tokio_runtime()?;
    let one = |_| async {
        tokio::task::spawn_blocking(|| ())
            .await
            .map_err(io::Error::other)
    };
    Ok(Box::new(move || {
        timed(hands, || runtime.block_on(hands.each(one)))
    }))
}

/// `smol::unblock`.
pub(crate) fn unblock(hands: Hands) -> io::Result<Run> {
    let one = |_| async {
        smol::unblock(|| ()).await;
        Ok(())
    };
    Ok(Box::new(move || {
        timed(hands, || smol::block_on(hands.each(one)))
    }))
}

/// A queue under a mutex, and a thread that is woken by a condition.
pub(crate) fn bare_queue(hands: Hands) -> io::Result<Run> {
    let worker = Worker::start();
    Ok(Box::new(move || {
        let one = |_| async { worker.submit().await.map_err(io::Error::other) };
        timed(hands, || smol::block_on(hands.each(one)))
    }))
}

struct Worker {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<oneshot::Sender<()>>,
    over: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let jobs = {
                let waiting = self.waiting();
                let idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.over;
                let mut waiting = self
                    .more
                    .wait_while(waiting, idle)
                    .unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut waiting.jobs)
            };
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                // Whoever asked may be gone.
                let _ = job.send(());
            }
        }
    }
}

impl Worker {
    fn start() -> Worker {
        let queue = Arc::new(Queue::default());
        let works = Arc::clone(&queue);
        let thread = Some(thread::spawn(move || works.work()));
        Worker { queue, thread }
    }

    fn submit(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.queue.waiting().jobs.push_back(sender);
        self.queue.more.notify_one();
        receiver
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.waiting().over = true;
        self.queue.more.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
