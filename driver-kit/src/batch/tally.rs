//! What has come of a batch so far.

use super::{Item, Staged};
use crate::pace::{self, Pace};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How far a batch is (G7).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Progress {
    /// Files with a result, failures included.
    pub files_done: u64,
    /// Files taken from the list so far.
    pub files_taken: u64,
    /// Whether the list has ended, so that `files_taken` is all of them.
    pub list_ended: bool,
    /// Files that failed.
    pub failed: u64,
    /// Bytes in memory, or seen to stay on the disk: of the files that are done, and of the parts
    /// that are in of those under way.
    pub bytes_done: u64,
    /// Bytes in all, of the files whose length is known by now.
    pub bytes_known: u64,
    /// Since it began.
    pub elapsed: Duration,
    /// Bytes per second: lately, while it goes on, and from beginning to end when it is over.
    pub rate: f64,
}

impl Progress {
    /// How long the rest of what is known by now will take at this rate; `None` if nothing comes.
    pub fn remaining(&self) -> Option<Duration> {
        pace::remaining(self.bytes_known.saturating_sub(self.bytes_done), self.rate)
    }
}

/// Bytes of the files under way: in memory, and in all.
#[derive(Clone, Copy, Default)]
pub(crate) struct UnderWay {
    pub(crate) done: u64,
    pub(crate) known: u64,
}

pub(super) struct Tally {
    started: Instant,
    ended_at: Option<Instant>,
    taken: u64,
    done: u64,
    failed: u64,
    bytes: u64,
    list_ended: bool,
    items: Vec<Item>,
    waiting: Vec<Waker>,
    /// Counts whatever changes the progress; from 1, so that the first look sees something.
    steps: u64,
    watching: Vec<Waker>,
    pace: Pace,
}

/// What `seen` says when the end was seen.
const END: u64 = u64::MAX;

impl Tally {
    pub(super) fn start() -> Tally {
        Tally {
            started: Instant::now(),
            ended_at: None,
            taken: 0,
            done: 0,
            failed: 0,
            bytes: 0,
            list_ended: false,
            items: Vec::new(),
            waiting: Vec::new(),
            steps: 1,
            watching: Vec::new(),
            pace: Pace::default(),
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.list_ended && self.done == self.taken
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|other| other.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    /// Counts a path that will be tried; `false` if the list was ended before it came.
    pub(super) const fn took_one(&mut self) -> bool {
        if !self.list_ended {
            self.taken += 1;
        }
        !self.list_ended
    }

    /// Paths that were taken, but will not be tried.
    pub(super) const fn will_not_try(&mut self, paths: u64) {
        self.taken -= paths;
    }

    pub(super) fn end(&mut self) -> Vec<Waker> {
        self.list_ended = true;
        self.settle()
    }

    pub(super) fn add(&mut self, item: Item) -> Vec<Waker> {
        self.done += 1;
        match &item.result {
            Ok(Staged { len, .. }) => self.bytes += len,
            Err(_) => self.failed += 1,
        }
        self.items.push(item);
        self.settle()
    }

    fn settle(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.step(&mut wakers);
        if self.is_done() {
            self.ended_at.get_or_insert_with(Instant::now);
            wakers.append(&mut self.waiting);
        }
        wakers
    }

    pub(super) fn step(&mut self, wakers: &mut Vec<Waker>) {
        self.steps += 1;
        wakers.append(&mut self.watching);
    }

    pub(super) fn poll_step(&mut self, seen: &mut u64, waker: &Waker) -> Poll<bool> {
        if *seen == END {
            return Poll::Ready(false);
        }
        if self.is_done() {
            *seen = END;
            return Poll::Ready(true);
        }
        if *seen != self.steps {
            *seen = self.steps;
            return Poll::Ready(true);
        }
        if !self.watching.iter().any(|other| other.will_wake(waker)) {
            self.watching.push(waker.clone());
        }
        Poll::Pending
    }

    pub(super) fn take_items(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    pub(super) fn progress(&mut self, under_way: UnderWay) -> Progress {
        let ended_at = self.ended_at.unwrap_or_else(Instant::now);
        let elapsed = ended_at.duration_since(self.started);
        let bytes_done = self.bytes + under_way.done;
        match self.ended_at {
            Some(_) => {
                self.pace = Pace::default();
                self.pace.look(elapsed, bytes_done);
            }
            None => self.pace.look(elapsed, bytes_done),
        }
        Progress {
            files_done: self.done,
            files_taken: self.taken,
            list_ended: self.list_ended,
            failed: self.failed,
            bytes_done,
            bytes_known: self.bytes + under_way.known,
            elapsed,
            rate: self.pace.rate(),
        }
    }
}
