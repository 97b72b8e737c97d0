//! Waking a thread that waits for what others await.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::Thread;

/// A waker that unparks a thread ([`Thread::unpark`]): for whoever parks until something is ready.
pub fn thread_waker(thread: Thread) -> Waker {
    Waker::from(Arc::new(Unpark(thread)))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
