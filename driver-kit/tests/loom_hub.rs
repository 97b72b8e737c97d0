//! The hub under loom: every interleaving of a few threads, with system calls replaced by answers
//! made by hand.
//!
//! `RUSTFLAGS="--cfg staging_loom" cargo test --release -p driver-kit --test loom_hub`
//!
//! What this does not show: anything about the system calls, about time (no deadline is set), or
//! about more threads than each test names.
#![cfg(staging_loom)]

use driver_kit::core::{
    Access, Completion, IoKind, Key, Limits, Missing, Mode, Outcome, Plan, Stamp,
};
use driver_kit::hub::{
    Answer, Hub, Idle, Opening, Read, Setup, Thread as HubThread, Ticket, Turn, TurnEnd, Write,
    read_answer,
};
use driver_kit::job::{Finished, Job};
use driver_kit::sync::{Mutex, lock, thread};
use driver_kit::{Deadline, Handle};
use loom::sync::Condvar;
use std::path::Path;

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

/// A place to lie until woken. Not `thread::park`: loom forgets an unpark that meets a thread at
/// a lock, which std does not.
#[derive(Default)]
struct Bed {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Bed {
    fn lie(&self) {
        let mut woken = lock(&self.woken);
        while !*woken {
            woken = self
                .bell
                .wait(woken)
                .expect("nobody panics under this lock");
        }
        *woken = false;
    }
}

impl Wake for Bed {
    fn wake(self: Arc<Self>) {
        *lock(&self.woken) = true;
        self.bell.notify_one();
    }
}

fn wait(mut ticket: Ticket) -> Answer {
    let bed = Arc::new(Bed::default());
    let waker = Waker::from(Arc::clone(&bed));
    loop {
        match ticket.poll_answer(&waker) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => bed.lie(),
        }
    }
}

/// A hub whose workers, at most `workers` at once, are loom threads that answer by hand.
fn hub(workers: u32) -> Arc<Hub> {
    let limits = Limits {
        fetch: 0,
        ..Limits::default()
    };
    Hub::new(Setup {
        limits,
        workers,
        start: Box::new(|hub| {
            let hub = Arc::clone(hub);
            thread::spawn(move || work(&hub));
        }),
    })
}

fn work(hub: &Arc<Hub>) {
    let mut turn = Turn::default();
    while hub.turn(&mut turn, 1, &Idle::Leave) == TurnEnd::Work {
        carry_out(&mut turn);
    }
}

fn carry_out(turn: &mut Turn) {
    for job in turn.jobs.drain(..) {
        turn.finished.push(by_hand(job));
    }
}

/// The file has a byte when it is opened, and is empty when it is looked at again: staged then,
/// without memory to model.
fn by_hand(job: Job) -> Finished {
    let stamp = |len| Stamp { len, version: 1 };
    let key = Key([1, job.path().as_os_str().len() as u64]);
    let completion = match job.kind() {
        IoKind::Open { .. } | IoKind::Fetch { .. } => Completion::Opened {
            key,
            stamp: stamp(1),
        },
        IoKind::Look { .. } => Completion::Looked { stamp: stamp(0) },
        IoKind::Map { .. } => Completion::Mapped,
        IoKind::Load { .. } => Completion::Loaded { stamp: stamp(0) },
        IoKind::Read { .. } => Completion::Read { bytes: 0 },
        IoKind::Write { .. } => Completion::Written,
        IoKind::SetLength { .. } => Completion::LengthSet,
        IoKind::Sync { .. } => Completion::Synced,
        IoKind::Release { .. } => Completion::Released { lent: 0 },
        IoKind::Close { .. } => Completion::Closed,
    };
    job.answer(completion)
}

fn open(hub: &Arc<Hub>, mode: Mode) -> Ticket {
    open_at(hub, "/file", mode)
}

fn open_at(hub: &Arc<Hub>, path: &str, mode: Mode) -> Ticket {
    let path: Arc<Path> = Path::new(path).into();
    let opening = Opening {
        access: Access::Read,
        missing: Missing::Fail,
        plan: Plan::of(mode),
    };
    hub.open(&path, opening, Deadline::Never, None)
        .expect("nothing is full")
}

/// Opens unstaged, with this thread as the worker.
fn opened(hub: &Arc<Hub>) -> Handle {
    let ticket = open(hub, Mode::None);
    work_and_go(hub);
    wait(ticket)
        .take_handle()
        .expect("the open was answered by hand")
}

/// G2: a read that meets a staging is answered, whenever the staging ends; from the contents if it
/// waited or came later, from the file if it came first. Two threads: one stages and is its own
/// worker, one reads.
#[test]
fn a_read_while_staging_completes_is_answered() {
    loom::model(|| {
        let hub = hub(0);
        let file = Arc::new(opened(&hub));
        let ticket = file
            .stage(Plan::of(Mode::Load), Deadline::Never, None)
            .expect("nothing is full");
        let reader = {
            let file = Arc::clone(&file);
            thread::spawn(move || {
                let mut buffer = [0];
                let read = match file.read(0, &mut buffer, Deadline::Never, HubThread::MayBlock) {
                    Read::Done(read) => read,
                    Read::Waits(ticket) => read_answer(wait(ticket), 0, &mut buffer),
                };
                assert_eq!(
                    read.expect("the read succeeds"),
                    0,
                    "the file is empty by then"
                );
            })
        };
        work_and_go(&hub);
        let answer = wait(ticket);
        assert!(matches!(answer.outcome, Outcome::Staged { .. }));
        reader.join().expect("the reader ends");
        assert_eq!(hub.stats().pending, 0);
    });
}

/// R9, and no leak: an open whose future is dropped while its answer is on the way leaves no
/// operation, no handle and no waker behind. Two threads: one carries out, one waits and drops.
#[test]
fn a_waiting_future_dropped_against_its_wake_leaves_nothing() {
    loom::model(|| {
        let hub = hub(0);
        let mut ticket = open(&hub, Mode::None);
        let bed = Arc::new(Bed::default());
        let waker = Waker::from(Arc::clone(&bed));
        let worker = {
            let hub = Arc::clone(&hub);
            thread::spawn(move || work_and_go(&hub))
        };
        let polled = ticket.poll_answer(&waker);
        drop((polled, ticket));
        assert_eq!(hub.stats().pending, 0, "no operation is left");
        worker.join().expect("the worker ends");
        drop(waker);
        assert_eq!(Arc::strong_count(&bed), 1, "no waker is left");
        // The drop may have left the closing of the descriptor to be done.
        work_and_go(&hub);
        assert_eq!(hub.files(), 0, "no file is left");
    });
}

/// A worker that leaves while work arrives: the work is done all the same. One caller, which opens
/// twice, and the workers that the hub starts for it, one at a time.
#[test]
fn work_that_arrives_while_a_worker_leaves_is_done() {
    loom::model(|| {
        let hub = hub(1);
        let first = wait(open(&hub, Mode::None));
        let second = wait(open(&hub, Mode::None));
        assert!(first.fault().is_none() && second.fault().is_none());
        assert_eq!(hub.stats().pending, 0);
    });
}

/// Callers help each other: whoever rests is called when there is something to do. Three callers,
/// one of which needs two actions in turn.
#[test]
fn callers_that_help_do_not_leave_each_other_waiting() {
    bounded(4).check(|| {
        let hub = hub(0);
        let others = ["/b", "/cc"].map(|path| {
            let hub = Arc::clone(&hub);
            thread::spawn(move || drop(help_until_answered(&hub, open_at(&hub, path, Mode::None))))
        });
        drop(help_until_answered(
            &hub,
            open_at(&hub, "/dddd", Mode::Load),
        ));
        for other in others {
            other.join().expect("the other caller ends");
        }
    });
}

/// A helper that is called for work just when its own answer comes passes the call on: another
/// caller, who only waits, must not wait for ever. One helper, one who waits, one worker.
#[test]
fn a_helper_with_its_answer_passes_the_call_on() {
    bounded(4).check(|| {
        let hub = hub(1);
        let helper = {
            let hub = Arc::clone(&hub);
            thread::spawn(move || {
                kept_open(help_until_answered(&hub, open_at(&hub, "/b", Mode::None)))
            })
        };
        kept_open(wait(open_at(&hub, "/dddd", Mode::Load)));
        helper.join().expect("the helper ends");
    });
}

/// R8: a write that its caller may not carry out itself, and whose bytes come when the machine has
/// handed it out already, is written all the same, and its answer comes. A worker is started for it
/// at the worst moment: before the bytes are there.
#[test]
fn a_write_whose_bytes_come_late_is_carried_out() {
    loom::model(|| {
        let hub = hub(1);
        let opening = Opening {
            access: Access::Write,
            missing: Missing::Fail,
            plan: Plan::of(Mode::None),
        };
        let path: Arc<Path> = Path::new("/file").into();
        let ticket = hub
            .open(&path, opening, Deadline::Never, None)
            .expect("nothing is full");
        let file = wait(ticket).take_handle().expect("it is open");
        // There is no descriptor behind it, so it cannot be this thread's own.
        let answer = match file.write_now(0, &[1, 2, 3], Deadline::Never) {
            Write::Done(answer) => answer.expect("it is not refused"),
            Write::Waits(ticket) => wait(ticket),
        };
        let written = Outcome::Written {
            offset: 0,
            bytes: 3,
        };
        assert_eq!(answer.outcome, written);
        assert_eq!(hub.stats().pending, 0);
        std::mem::forget(file);
    });
}

/// Closing would call somebody, and hide that nobody was called before.
fn kept_open(answer: Answer) {
    std::mem::forget(answer);
}

/// For models too large to be explored whole: at most so many preemptions.
fn bounded(preemptions: usize) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder
}

fn work_and_go(hub: &Arc<Hub>) {
    let mut turn = Turn::default();
    while hub.turn(&mut turn, 1, &Idle::Go) == TurnEnd::Work {
        carry_out(&mut turn);
    }
}

fn help_until_answered(hub: &Arc<Hub>, mut ticket: Ticket) -> Answer {
    let bed = Arc::new(Bed::default());
    let waker = Waker::from(Arc::clone(&bed));
    hub.help_until(&waker, |waker| ticket.poll_answer(waker), || bed.lie())
}
