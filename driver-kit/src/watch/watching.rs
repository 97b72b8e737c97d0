//! Where watching begins, and how a reader follows it.

use super::queue::Queue;
use super::service::{Door, Message, start};
use super::{Change, Listener};
use crate::hub::Hub;
use crate::observe::Notice;
use crate::path::Here;
use crate::sync::lock;
use staging_core::PhaseName;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::Duration;

/// What is to be watched.
#[derive(Clone, Debug)]
pub struct Order {
    /// Files and directories. Those that do not exist yet are told of when they come to be.
    pub paths: Vec<PathBuf>,
    /// How long a path must be quiet before it is told of.
    pub debounce: Duration,
}

/// The watching of a hub: one thread while anybody watches, none while nobody does.
#[derive(Default)]
pub struct Watching {
    door: Door,
    ids: AtomicU64,
    ends_with_hub: OnceLock<()>,
}

impl Watching {
    /// Begins to watch, and gives the number to leave with. The listener is told when it has begun.
    ///
    /// # Errors
    /// A path has no absolute form; the hub is shutting down; the system gives no watcher.
    pub(super) fn begin(
        &self,
        hub: &Hub,
        order: Order,
        listener: Arc<dyn Listener>,
    ) -> io::Result<Place> {
        let here = Here::now()?;
        let absolute = |path: &PathBuf| here.absolute(path);
        let paths = order.paths.iter().map(absolute).collect::<Result<_, _>>()?;
        self.ends_with_hub.get_or_init(|| self.end_with(hub));
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let message = Message::Begin {
            id,
            paths,
            debounce: order.debounce,
            listener,
        };
        let door = Arc::clone(&self.door);
        let mut open = lock(&door);
        // A shutdown that begins from here on finds the door, and ends what is behind it.
        if hub.phase() != PhaseName::Running {
            return Err(io::Error::other("watch: refused: a shutdown began"));
        }
        let refused = match &*open {
            Some(to) => to.send(message).err().map(|refused| refused.0),
            None => Some(message),
        };
        if let Some(message) = refused {
            let to = open.insert(start(&door)?);
            to.send(message)
                .map_err(|_| io::Error::other("watch: the thread that watches ended at once"))?;
        }
        drop(open);
        Ok(Place { door, id })
    }

    fn end_with(&self, hub: &Hub) {
        let door = Arc::clone(&self.door);
        hub.observers().add(Arc::new(move |notice| match notice {
            Notice::Phase { .. } => {
                if let Some(to) = lock(&door).take() {
                    let _ = to.send(Message::End);
                }
            }
            Notice::Progress { .. } | Notice::Abandoned { .. } => {}
        }));
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").finish_non_exhaustive()
    }
}

/// A place among those who are told, left when it is dropped.
pub(super) struct Place {
    door: Door,
    id: u64,
}

impl Place {
    /// Has the listener called.
    pub(super) fn bell(&self) -> Bell {
        Bell {
            door: Arc::clone(&self.door),
            id: self.id,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        say(&self.door, Message::Leave(self.id));
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Has a listener called on the service's thread, soon.
pub(super) struct Bell {
    door: Door,
    id: u64,
}

impl Bell {
    pub(super) fn ring(&self) {
        say(&self.door, Message::Call(self.id));
    }
}

fn say(door: &Door, message: Message) {
    if let Some(to) = &*lock(door) {
        let _ = to.send(message);
    }
}

/// Changes of some paths, for one reader. Changes of one path are merged until they are read, so a
/// slow reader costs no more memory than there are paths.
#[derive(Debug)]
pub struct Watch {
    queue: Arc<Queue>,
    _place: Place,
}

impl Watch {
    /// Begins to watch. What changes after [`poll_begun`](Watch::poll_begun) said so is told.
    ///
    /// # Errors
    /// A path has no absolute form; the hub is shutting down; the system gives no watcher.
    pub fn begin(hub: &Hub, order: Order) -> io::Result<Watch> {
        let queue = Arc::new(Queue::default());
        let listener: Arc<dyn Listener> = Arc::clone(&queue) as _;
        let place = hub.watching().begin(hub, order, listener)?;
        Ok(Watch {
            queue,
            _place: place,
        })
    }

    /// Whether everything is watched; until then leaves the waker to be woken.
    ///
    /// # Errors
    /// A directory cannot be watched: it may not be read, or the system watches no more.
    pub fn poll_begun(&self, waker: &Waker) -> Poll<io::Result<()>> {
        self.queue.poll_begun(waker)
    }

    /// The next change; `None` when there will be no more, because a shutdown began. Until then
    /// leaves the waker to be woken.
    pub fn poll_next(&mut self, waker: &Waker) -> Poll<Option<Change>> {
        self.queue.poll_next(waker)
    }
}
