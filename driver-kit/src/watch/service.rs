//! The one thread that looks: told by notify's thread that something stirred, it waits until that is
//! quiet, looks, and tells. It sleeps while nothing stirs, and ends with the last view.

use super::Listener;
use super::ground::{Concern, Ground, RootId, as_io};
use super::tree::View;
use crate::sync::lock;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventHandler, EventKind, RecommendedWatcher, Watcher};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How many events may wait for the thread. What comes on top of them is not kept, and makes
/// everything be looked at again.
const BACKLOG: usize = 1 << 16;

/// How many messages are taken before it is looked whether something is due.
const MOUTHFUL: usize = 1024;

/// What the thread is told.
pub(super) enum Message {
    /// Something stirred, or the system lost events.
    Stirred(notify::Result<Event>),
    /// Somebody wants to watch.
    Begin {
        /// Under which number.
        id: u64,
        /// Absolute.
        paths: Vec<PathBuf>,
        /// For how long they have to be quiet.
        debounce: Duration,
        /// Whom to tell.
        listener: Arc<dyn Listener>,
    },
    /// Nobody watches under this number any more.
    Leave(u64),
    /// A listener wants to be called on the thread.
    Call(u64),
    /// A shutdown began.
    End,
}

/// Where the thread is reached while there is one.
pub(super) type Door = Arc<Mutex<Option<Sender<Message>>>>;

/// Starts the thread, and gives the way to reach it.
///
/// # Errors
/// The system gives no watcher (`fs.inotify.max_user_instances`), or no thread.
pub(super) fn start(door: &Door) -> io::Result<Sender<Message>> {
    let (to, messages) = channel();
    let backlog = Arc::new(Backlog::default());
    let passing = Passing {
        to: to.clone(),
        backlog: Arc::clone(&backlog),
    };
    let watcher = RecommendedWatcher::new(passing, notify::Config::default()).map_err(as_io)?;
    let service = Service {
        door: Arc::clone(door),
        messages,
        backlog,
        ground: Ground::of(watcher),
        views: HashMap::new(),
        zero: Instant::now(),
    };
    thread::Builder::new()
        .name("staging-watch".to_owned())
        .spawn(move || service.run())?;
    Ok(to)
}

/// Events on their way from notify's thread.
#[derive(Default)]
struct Backlog {
    waiting: AtomicUsize,
    lost: AtomicBool,
}

/// What runs on notify's thread: it passes on, and waits for nobody.
struct Passing {
    to: Sender<Message>,
    backlog: Arc<Backlog>,
}

impl EventHandler for Passing {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        if event.as_ref().is_ok_and(|event| is_no_change(event.kind)) {
            return;
        }
        if self.backlog.waiting.load(Ordering::Acquire) >= BACKLOG {
            self.backlog.lost.store(true, Ordering::Release);
            return;
        }
        self.backlog.waiting.fetch_add(1, Ordering::AcqRel);
        let _ = self.to.send(Message::Stirred(event));
    }
}

/// Looking at a file is no change of it. Nor is the third event of a rename, after one for each of
/// its two names.
const fn is_no_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => !matches!(kind, AccessKind::Close(AccessMode::Write)),
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => true,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => false,
    }
}

/// Whether a name came, went, or leads elsewhere.
const fn moves(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_)
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Any | ModifyKind::Other)
        | EventKind::Any
        | EventKind::Other => true,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            false
        }
    }
}

struct Service {
    door: Door,
    messages: Receiver<Message>,
    backlog: Arc<Backlog>,
    ground: Ground,
    views: HashMap<u64, View>,
    zero: Instant,
}

/// Why the thread woke up.
enum Woken {
    /// Somebody told it something.
    By(Message),
    /// Something is due.
    ByTime,
    /// Nobody watches any more.
    InVain,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Service {
    fn run(mut self) {
        loop {
            match self.next() {
                Woken::By(message) => match self.take(message) {
                    Then::GoOn => {}
                    Then::End => return,
                },
                Woken::ByTime => {}
                Woken::InVain => return,
            }
            for _ in 0..MOUTHFUL {
                let Ok(message) = self.messages.try_recv() else {
                    break;
                };
                if self.take(message) == Then::End {
                    return;
                }
            }
            let now = self.zero.elapsed();
            for view in self.views.values_mut() {
                view.settle(&mut self.ground, now);
            }
        }
    }

    /// Waits for a message, or until something is due.
    fn next(&self) -> Woken {
        if self.views.is_empty() {
            // Whoever begins holds the door: either he is seen here, or he sees that it is shut.
            let mut door = lock(&self.door);
            return match self.messages.try_recv() {
                Ok(message) => Woken::By(message),
                Err(_) => {
                    *door = None;
                    Woken::InVain
                }
            };
        }
        let due = self.views.values().filter_map(View::next_due).min();
        let message = match due {
            None => self.messages.recv().map_err(RecvTimeoutError::from),
            Some(due) => {
                let rest = due.saturating_sub(self.zero.elapsed());
                self.messages.recv_timeout(rest)
            }
        };
        match message {
            Ok(message) => Woken::By(message),
            Err(RecvTimeoutError::Timeout) => Woken::ByTime,
            Err(RecvTimeoutError::Disconnected) => Woken::InVain,
        }
    }

    fn take(&mut self, message: Message) -> Then {
        match message {
            Message::Stirred(event) => {
                self.backlog.waiting.fetch_sub(1, Ordering::AcqRel);
                self.stirred(event);
            }
            Message::Begin {
                id,
                paths,
                debounce,
                listener,
            } => {
                let mut view = View::new(id, paths, debounce, Arc::clone(&listener));
                let begun = view.begin(&mut self.ground);
                match begun.is_ok() {
                    true => drop(self.views.insert(id, view)),
                    false => self.ground.leave_view(id),
                }
                listener.begun(begun);
            }
            Message::Leave(id) => {
                self.views.remove(&id);
                self.ground.leave_view(id);
            }
            Message::Call(id) => {
                if let Some(view) = self.views.get(&id) {
                    view.listener().called();
                }
            }
            Message::End => return Then::End,
        }
        Then::GoOn
    }

    fn stirred(&mut self, event: notify::Result<Event>) {
        let now = self.zero.elapsed();
        let lost = self.backlog.lost.swap(false, Ordering::AcqRel);
        let event = match event {
            Ok(event) if !lost && !event.need_rescan() => event,
            Ok(_) if !lost => {
                self.ground.doubt_all();
                return self.rescan(now);
            }
            // An error says that something could not be read: events, as far as we can know.
            Ok(_) | Err(_) => {
                self.ground.trust_nothing();
                return self.rescan(now);
            }
        };
        let moved = moves(event.kind);
        for path in &event.paths {
            self.stirred_at(path, moved, now);
        }
    }

    fn rescan(&mut self, now: Duration) {
        for view in self.views.values_mut() {
            view.rescan(now);
        }
    }

    fn stirred_at(&mut self, path: &Path, moved: bool, now: Duration) {
        let Service { ground, views, .. } = self;
        if moved {
            ground.doubt(path);
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        for concern in ground.concerned(directory, name) {
            let (Concern::OnTheWay(RootId { view, .. }) | Concern::Beneath(RootId { view, .. })) =
                concern;
            if let Some(view) = views.get_mut(&view) {
                view.stir(ground, concern, path, moved, now);
            }
        }
    }
}

/// However the thread ends, nobody waits for it any more.
impl Drop for Service {
    fn drop(&mut self) {
        for view in self.views.values() {
            view.listener().end();
        }
        while let Ok(message) = self.messages.try_recv() {
            if let Message::Begin { listener, .. } = message {
                listener.end();
            }
        }
    }
}
