//! Changes on their way to a reader: one for each path, however slow the reader is.

use super::{Change, ChangeKind, Listener};
use crate::sync::lock;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::task::{Poll, Waker};

/// What is to be told, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kinds: HashMap<PathBuf, (u64, ChangeKind)>,
    /// The order in which paths changed first.
    order: BTreeMap<u64, PathBuf>,
    next: u64,
    begun: Option<io::Result<()>>,
    ended: bool,
    waker: Option<Waker>,
}

impl State {
    fn add(&mut self, change: Change) {
        let Change { path, kind } = change;
        match self.kinds.remove(&path) {
            None => {
                self.order.insert(self.next, path.clone());
                self.kinds.insert(path, (self.next, kind));
                self.next += 1;
            }
            Some((place, before)) => match before.then(kind) {
                Some(kind) => drop(self.kinds.insert(path, (place, kind))),
                None => drop(self.order.remove(&place)),
            },
        }
    }

    fn take(&mut self) -> Option<Change> {
        let (_, path) = self.order.pop_first()?;
        let (_, kind) = self.kinds.remove(&path)?;
        Some(Change { path, kind })
    }
}

impl Queue {
    /// Whether it has begun, told once. Until then leaves the waker to be woken.
    pub(super) fn poll_begun(&self, waker: &Waker) -> Poll<io::Result<()>> {
        let mut state = lock(&self.state);
        if let Some(begun) = state.begun.take() {
            return Poll::Ready(begun);
        }
        if state.ended {
            return Poll::Ready(Err(io::Error::other("watch: a shutdown began")));
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }

    /// The next change; `None` after the end. Until then leaves the waker to be woken.
    pub(super) fn poll_next(&self, waker: &Waker) -> Poll<Option<Change>> {
        let mut state = lock(&self.state);
        if let Some(change) = state.take() {
            return Poll::Ready(Some(change));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl Listener for Queue {
    fn begun(&self, begun: io::Result<()>) {
        let waker = {
            let mut state = lock(&self.state);
            state.begun = Some(begun);
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn tell(&self, changes: Vec<Change>) {
        let waker = {
            let mut state = lock(&self.state);
            changes.into_iter().for_each(|change| state.add(change));
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn end(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.ended = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl ChangeKind {
    /// What two changes are, one after the other, to whoever sees neither in between: nothing, if
    /// the second took back the first.
    pub(super) const fn then(self, next: ChangeKind) -> Option<ChangeKind> {
        use ChangeKind::{Created, Modified, Removed, Rescanned, Unwatched};
        match (self, next) {
            (Created, Removed) => None,
            (Removed, Created) => Some(Modified),
            (Created, Created | Modified) => Some(Created),
            (Modified, Created | Modified) | (Removed, Modified) => Some(Modified),
            (Modified | Removed, Removed) => Some(Removed),
            // One of these says that more may have happened than is told of this path.
            (Unwatched, _) | (_, Unwatched) => Some(Unwatched),
            (Rescanned, kind) | (kind, Rescanned) => Some(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChangeKind::{Created, Modified, Removed, Rescanned, Unwatched};

    fn changes(kinds: &[(&str, ChangeKind)]) -> Vec<Change> {
        let change = |(path, kind): &(&str, ChangeKind)| Change {
            path: path.into(),
            kind: *kind,
        };
        kinds.iter().map(change).collect()
    }

    fn drained(queue: &Queue) -> Vec<(String, ChangeKind)> {
        let next = || match queue.poll_next(Waker::noop()) {
            Poll::Ready(Some(change)) => Some((change.path.display().to_string(), change.kind)),
            Poll::Ready(None) | Poll::Pending => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn changes_of_one_path_are_merged_and_keep_their_place() {
        let queue = Queue::default();
        queue.tell(changes(&[
            ("a", Created),
            ("b", Removed),
            ("a", Modified),
            ("c", Created),
            ("c", Removed),
            ("b", Created),
        ]));
        assert_eq!(
            drained(&queue),
            [("a".into(), Created), ("b".into(), Modified)]
        );
        assert_eq!(lock(&queue.state).order.len(), 0);
    }

    #[test]
    fn what_comes_and_goes_for_ever_takes_no_room() {
        let queue = Queue::default();
        for name in 0..1000 {
            let name = name.to_string();
            queue.tell(changes(&[(&name, Created), (&name, Removed)]));
        }
        let state = lock(&queue.state);
        assert_eq!((state.order.len(), state.kinds.len()), (0, 0));
    }

    #[test]
    fn a_loss_is_never_merged_away() {
        for kind in [Created, Modified, Removed, Rescanned, Unwatched] {
            assert_eq!(kind.then(Unwatched), Some(Unwatched));
            assert_eq!(Unwatched.then(kind), Some(Unwatched));
            assert_eq!(kind.then(Rescanned), Some(kind));
            assert_eq!(Rescanned.then(kind), Some(kind));
        }
    }

    #[test]
    fn the_end_comes_behind_what_is_to_be_told() {
        let queue = Queue::default();
        queue.tell(changes(&[("a", Modified)]));
        queue.end();
        assert_eq!(drained(&queue), [("a".into(), Modified)]);
        assert_eq!(queue.poll_next(Waker::noop()), Poll::Ready(None));
    }
}
