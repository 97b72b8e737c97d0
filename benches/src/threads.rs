//! The same for each of many, on some threads.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Calls a function with every number below `count`, on so many threads; what it gave, in no order.
pub(crate) fn on_threads<T: Send>(
    count: usize,
    threads: usize,
    one: impl Fn(usize) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let one_thread = || {
        let mut gave = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return io::Result::Ok(gave);
            }
            gave.push(one(number)?);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        let mut all = Vec::with_capacity(count);
        for thread in threads {
            let ended = thread.join();
            all.extend(ended.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?);
        }
        Ok(all)
    })
}

/// What many threads bring, each of which waits for its own: whoever finds nobody at it does it for all who have
/// come by then.
pub(crate) struct Together<T> {
    state: Mutex<Waiting<T>>,
    done: Condvar,
}

struct Waiting<T> {
    brought: Vec<T>,
    /// How many were brought ever, and how many of them are done.
    count: usize,
    done: usize,
    somebody_is_at_it: bool,
}

impl<T> Together<T> {
    pub(crate) const fn new() -> Together<T> {
        Together {
            state: Mutex::new(Waiting {
                brought: Vec::new(),
                count: 0,
                done: 0,
                somebody_is_at_it: false,
            }),
            done: Condvar::new(),
        }
    }

    /// Brings one, and returns when it is done.
    pub(crate) fn bring(
        &self,
        one: T,
        do_all: impl Fn(Vec<T>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state();
        state.brought.push(one);
        state.count += 1;
        let mine = state.count;
        while state.done < mine {
            if state.somebody_is_at_it {
                let woken = self.done.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.somebody_is_at_it = true;
            let brought = std::mem::take(&mut state.brought);
            let upto = state.count;
            drop(state);
            do_all(brought)?;
            state = self.state();
            (state.somebody_is_at_it, state.done) = (false, upto);
            self.done.notify_all();
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Waiting<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
