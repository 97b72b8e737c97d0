//! The same for each of many, on some threads.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

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
