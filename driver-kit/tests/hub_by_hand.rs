//! The hub where nobody works but who asks: what it counts, whom it calls, and what it leaves.
//! What needs several threads stands in `scenarios`.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use bytes::Bytes;
use driver_kit::batch::{Batch, Order};
use driver_kit::core::{
    Access, Completion, Entry, Event, Fault, IoKind, Key, Limits, Missing, Mode, Outcome as Told,
    PhaseName, Plan, Stamp,
};
use driver_kit::error::{Cause, Failure};
use driver_kit::handlers::ActionKind;
use driver_kit::hub::{
    Answer, End, Hub, Idle, Opening, Read, Room, Setup, Standby, Thread, Ticket, Turn, TurnEnd,
    Write, read_answer,
};
use driver_kit::path::Here;
use driver_kit::{Deadline, Handle};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tempfile::TempDir;

type Outcome = Result<(), Box<dyn Error>>;

const AN_HOUR: Duration = Duration::from_secs(3600);

/// A hub that may have so many workers, and how often one was to be started. None ever comes by
/// itself.
fn hub(workers: u32, limits: Limits) -> (Arc<Hub>, Arc<AtomicU32>) {
    let started = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&started);
    let start = Box::new(move |_: &Arc<Hub>| {
        count.fetch_add(1, SeqCst);
    });
    let setup = Setup {
        limits,
        means: driver_kit::contents::Means::default(),
        workers,
        start,
    };
    (Hub::new(setup), started)
}

fn ask(
    hub: &Arc<Hub>,
    path: &Path,
    mode: Mode,
    deadline: Deadline,
    room: Standby<'_>,
) -> Result<Ticket, Failure> {
    let opening = Opening {
        access: Access::Write,
        missing: Missing::Fail,
        plan: Plan::of(mode),
    };
    hub.open(&path.into(), opening, deadline, room)
}

/// Carries out what there is until the answer comes. Nobody else would bring it.
fn answer(mut ticket: Ticket) -> Answer {
    let hub = Arc::clone(ticket.hub());
    hub.help_until(
        Waker::noop(),
        |waker| ticket.poll_answer(waker),
        |_| unreachable!("there is nothing to do, and no answer"),
    )
}

fn opened(hub: &Arc<Hub>, path: &Path, mode: Mode) -> Result<Handle, Failure> {
    answer(ask(hub, path, mode, Deadline::Never, None)?).opened()
}

fn file(bytes: &[u8]) -> std::io::Result<(TempDir, PathBuf)> {
    let folder = TempDir::new()?;
    let path = folder.path().join("file");
    fs::write(&path, bytes)?;
    Ok((folder, path))
}

#[test]
fn one_at_a_time_is_called_and_calls_the_next() -> Outcome {
    let (hub, started) = hub(2, Limits::default());
    let working = || (hub.working(), started.load(SeqCst));
    let mut tickets = Vec::new();
    for path in ["/a", "/b", "/c"] {
        tickets.push(ask(&hub, path.as_ref(), Mode::None, Deadline::Never, None)?);
        assert_eq!(working(), (1, 1), "one is on his way");
    }
    assert!(!hub.is_alone());
    let mut turn = Turn::default();
    assert_eq!(hub.turn(&mut turn, 1, &Idle::Leave), TurnEnd::Work);
    assert_eq!(working(), (2, 2));
    hub.lose_worker();
    assert_eq!(hub.working(), 1);
    assert!(tickets.into_iter().all(|mut ticket| {
        let answer = ticket.poll_answer(Waker::noop());
        matches!(answer, Poll::Ready(answer) if answer.fault() == Some(Fault::DriverLost))
    }));
    Ok(())
}

/// One that was started carries out all there is, and leaves.
#[test]
fn a_worker_works_until_there_is_nothing_to_do() -> Outcome {
    let (hub, started) = hub(1, Limits::default());
    let (_folder, path) = file(b"some")?;
    let mut ticket = ask(&hub, &path, Mode::Load, Deadline::Never, None)?;
    assert_eq!((hub.working(), started.load(SeqCst)), (1, 1));
    hub.work();
    assert_eq!(hub.working(), 0);
    let Poll::Ready(answer) = ticket.poll_answer(Waker::noop()) else {
        return Err("no answer".into());
    };
    let handle = answer.opened()?;
    assert_eq!(handle.read_staged(0, &mut [0; 9]), Some(Ok(4)));
    assert_eq!(hub.charged(), 4096);
    assert_eq!(hub.files(), 1);
    assert_eq!(handle.staging().map(|staging| staging.len), Some(4));
    Ok(())
}

#[test]
fn everybody_who_waits_is_counted_until_he_leaves() -> Outcome {
    let limits = Limits {
        operations: 2,
        ..Limits::default()
    };
    let (hub, _) = hub(0, limits);
    assert!(hub.is_alone());
    let path = Path::new("/nothing");
    let open = || ask(&hub, path, Mode::None, Deadline::Never, None);
    let tickets = [open()?, open()?];
    assert_eq!((hub.kept(), hub.stats().pending), (2, 2));
    let mut rooms = vec![];
    for _ in 0..3 {
        let mut room = Room::of(Arc::clone(&hub));
        for _ in 0..2 {
            let standby = Some((&mut room, Waker::noop()));
            let refused = ask(&hub, path, Mode::None, Deadline::Never, standby);
            assert!(refused.is_err_and(|failure| matches!(failure.cause, Cause::Rejected(_))));
        }
        rooms.push(room);
    }
    assert_eq!(hub.kept(), 2 + 3, "one place each, however often they ask");
    let mut ends = [(); 2].map(|()| End::of(Arc::clone(&hub)));
    for end in &mut ends {
        for _ in 0..2 {
            assert!(hub.poll_closed(end, Waker::noop()).is_pending());
        }
    }
    assert_eq!(hub.kept(), 2 + 3 + 2);
    rooms.remove(1);
    assert_eq!(hub.kept(), 2 + 2 + 2);
    drop(ends);
    assert_eq!(hub.kept(), 2 + 2);
    drop(rooms);
    assert_eq!(hub.kept(), 2);
    for ticket in tickets {
        assert!(answer(ticket).done().is_err());
    }
    assert_eq!(hub.kept(), 0);
    Ok(())
}

#[test]
fn a_log_of_a_hub_says_how_it_stands() {
    let (hub, _) = hub(3, Limits::default());
    let said = format!("{hub:?}");
    assert!(
        said.contains("workers: 3") && said.contains("machine"),
        "{said}"
    );
}

/// Without a crew nobody comes later: who has his answer gives back what is left of it.
#[test]
fn a_caller_without_a_crew_leaves_nothing_to_do() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let (_folder, path) = file(b"some")?;
    let handle = opened(&hub, &path, Mode::Load)?;
    assert_eq!(hub.charged(), 4096);
    answer(handle.unstage(Deadline::Never, None)?).done()?;
    assert_eq!(hub.charged(), 0, "the memory is back");
    answer(handle.close(Deadline::Never)?).done()?;
    drop(handle);
    assert_eq!((hub.files(), hub.kept()), (0, 0));
    let nothing = hub.turn(&mut Turn::default(), 1, &Idle::Go);
    assert_eq!(nothing, TurnEnd::Nothing);
    Ok(())
}

#[test]
fn a_deadline_is_a_time_to_look_again() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    assert_eq!(hub.next_wake(), None);
    let path = Path::new("/nothing");
    let patient = ask(&hub, path, Mode::None, Deadline::Never, None)?;
    assert_eq!(hub.next_wake(), None);
    let deadline = Deadline::within(AN_HOUR);
    let hurried = ask(&hub, path, Mode::None, deadline, None)?;
    let wake = hub.next_wake().ok_or("no time to look")?;
    let Deadline::At(at) = deadline else {
        return Err("an hour is no time".into());
    };
    assert!(wake.duration_since(at) < Duration::from_secs(1) && at.duration_since(wake).is_zero());
    drop((patient, hurried));
    assert_eq!(hub.next_wake(), None);
    let at = Instant::now() + Duration::from_micros(100);
    let mut late = ask(&hub, path, Mode::None, Deadline::At(at), None)?;
    while Instant::now() < at {
        std::hint::spin_loop();
    }
    hub.tick();
    assert!(
        late.poll_answer(Waker::noop()).is_ready(),
        "its time has passed"
    );
    Ok(())
}

/// R10: what is cancelled is answered as that, and what was answered is not cancelled by the drop
/// of its ticket.
#[test]
fn a_ticket_cancels_what_it_still_waits_for() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    hub.record();
    let path = Path::new("/nothing");
    drop(answer(ask(&hub, path, Mode::None, Deadline::Never, None)?));
    let cancelled = ask(&hub, path, Mode::None, Deadline::Never, None)?;
    cancelled.cancel();
    assert_eq!(answer(cancelled).fault(), Some(Fault::Cancelled));
    let dropped = ask(&hub, path, Mode::None, Deadline::Never, None)?;
    let op = dropped.op();
    drop(dropped);
    let journal = hub.journal().ok_or("no journal was kept")?;
    let cancels = journal.entries().iter().filter_map(|entry| match entry {
        Entry::Said { event, .. } => match event {
            Event::Cancelled { op } => Some(*op),
            _ => None,
        },
        Entry::Polled(_) => None,
    });
    let cancels: Vec<_> = cancels.collect();
    assert_eq!((cancels.len(), cancels.last()), (2, Some(&op)));
    assert!(hub.journal().is_none(), "it was taken");
    let late = hub.record_to(&std::env::temp_dir().join("never made"));
    assert!(late.is_err_and(|error| error.kind() == std::io::ErrorKind::InvalidInput));
    Ok(())
}

#[test]
fn the_end_comes_with_its_report() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let waiting = ask(&hub, "/nothing".as_ref(), Mode::None, Deadline::Never, None)?;
    hub.observers()
        .add(Arc::new(|_| std::panic::resume_unwind(Box::new(()))));
    assert_eq!(hub.phase(), PhaseName::Running);
    hub.force(Duration::ZERO);
    hub.tick();
    assert_eq!(hub.phase(), PhaseName::Closed);
    let mut end = End::of(Arc::clone(&hub));
    let Poll::Ready(report) = hub.poll_closed(&mut end, Waker::noop()) else {
        return Err("no report".into());
    };
    assert!(report.panics >= 2, "closing and closed: {}", report.panics);
    assert!(answer(waiting).done().is_err());
    Ok(())
}

/// The table keeps the path of what is open, and of nothing else.
#[test]
fn a_path_is_kept_as_long_as_its_handle() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let opening = Opening {
        access: Access::Read,
        missing: Missing::Fail,
        plan: Plan::of(Mode::None),
    };
    let nothing: Arc<Path> = Path::new("/nothing").into();
    let failed = answer(hub.open(&nothing, opening, Deadline::Never, None)?);
    assert!(failed.done().is_err());
    drop(failed);
    assert_eq!(Arc::strong_count(&nothing), 1, "nothing came of it");
    let (_folder, path) = file(b"some")?;
    let handle = opened(&hub, &path, Mode::None)?;
    let held = Arc::strong_count(handle.path());
    let read = handle.read_later(0, 4, Deadline::Never, None)?;
    read.cancel();
    assert_eq!(answer(read).fault(), Some(Fault::Cancelled));
    assert_eq!(Arc::strong_count(handle.path()), held, "it is still open");
    let path = Arc::clone(handle.path());
    drop(handle);
    assert!(Arc::strong_count(&path) < held, "the handle's goes with it");
    Ok(())
}

/// A system call does not look at deadlines, and a handler wants a job: then a read or a write is
/// one that waits. Else it is done when the call returns.
#[test]
fn a_lone_read_or_write_is_carried_out_by_who_asks() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let (_folder, path) = file(b"some")?;
    let handle = opened(&hub, &path, Mode::None)?;
    let soon = Deadline::within(AN_HOUR);
    for handled in [false, true] {
        for deadline in [Deadline::Never, soon] {
            let waits = handled || deadline == soon;
            let mut buffer = [0; 9];
            match handle.read(0, &mut buffer, deadline, Thread::MayBlock) {
                Read::Done(read) => assert_eq!((read?, waits), (4, false)),
                Read::Waits(ticket) => {
                    assert_eq!(read_answer(answer(ticket), 0, &mut buffer)?, 4);
                    assert!(waits);
                }
            }
            assert_eq!(&buffer[..4], b"some");
            match handle.write_now(2, b"me", || Bytes::from_static(b"me"), deadline) {
                Write::Done(written) => assert_eq!((written?.written_at()?, waits), (2, false)),
                Write::Waits(ticket) => {
                    assert_eq!(answer(ticket).written_at()?, 2);
                    assert!(waits);
                }
            }
            assert_eq!(fs::read(&path)?, b"some");
        }
        for kind in [ActionKind::Read, ActionKind::Write] {
            hub.handlers().set(kind, Arc::new(|job, next| next(job)));
        }
    }
    Ok(())
}

/// A list may block, so it is left to somebody who has nothing else to do, and time for it.
#[test]
fn paths_are_fetched_by_who_has_nothing_else_to_do() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let order = Order {
        plan: Plan::of(Mode::None),
        concurrency: 2,
        deadline: Deadline::Never,
    };
    let paths = ["/nothing/a", "/nothing/b"].map(PathBuf::from);
    let batch = Batch::begin(&hub, order, Here::now()?, Box::new(paths.into_iter()));
    let (mut going, mut busy, mut idle) = (Turn::default(), Turn::default(), Turn::default());
    assert_eq!(
        hub.turn(&mut going, 0, &Idle::Go),
        TurnEnd::Nothing,
        "it takes nothing"
    );
    let ticket = ask(&hub, "/nothing".as_ref(), Mode::None, Deadline::Never, None)?;
    assert_eq!(hub.turn(&mut busy, 1, &Idle::Go), TurnEnd::Work);
    assert_eq!((busy.jobs.len(), busy.finished.len()), (1, 0));
    assert_eq!(
        hub.turn(&mut idle, 1, &Idle::Go),
        TurnEnd::Work,
        "the list is left to it"
    );
    assert!(idle.jobs.is_empty());
    for turn in [&mut busy, &mut idle] {
        hub.carry_out(turn);
        while hub.turn(turn, 1, &Idle::Go) == TurnEnd::Work {
            hub.carry_out(turn);
        }
    }
    assert!(answer(ticket).done().is_err());
    assert!(batch.poll_done(Waker::noop()).is_ready());
    assert_eq!(batch.take_items().len(), 2);
    Ok(())
}

/// S5: what is still held at the end is given back then, though nobody carried that out.
#[test]
fn the_end_gives_back_what_is_held() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let (_folder, path) = file(b"some")?;
    let handle = opened(&hub, &path, Mode::Load)?;
    assert_eq!(handle.read_staged(0, &mut [0; 9]), Some(Ok(4)));
    hub.force(Duration::ZERO);
    hub.tick();
    assert_eq!(hub.phase(), PhaseName::Closed);
    assert_eq!(handle.read_staged(0, &mut [0; 9]), None);
    hub.memory().trim();
    assert_eq!(hub.memory().arena_bytes(), 0);
    Ok(())
}

/// G11: links lead to a file that has one path.
#[test]
fn a_file_is_known_by_where_it_is() -> Outcome {
    let (hub, _) = hub(0, Limits::default());
    let (folder, path) = file(b"some")?;
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link)?;
    let handle = opened(&hub, &link, Mode::Load)?;
    assert_eq!(**handle.path(), fs::canonicalize(&path)?);
    Ok(())
}

/// G1, G3: whoever answers a load and brings nothing has staged nothing that could be read, neither
/// from the cell nor by a read that waited for it; but of an empty file there is nothing to bring.
#[test]
fn contents_that_nobody_brought_are_not_shown_as_empty() -> Outcome {
    let lost = Err(Cause::Fault(Fault::Truncated));
    for (len, waited, staged) in [(4, lost, None), (0, Ok(0), Some(Ok(0)))] {
        let limits = Limits {
            fetch: 0,
            ..Limits::default()
        };
        let (hub, _) = hub(0, limits);
        let stamp = Stamp { len, version: 1 };
        let key = Key([1, 2]);
        let carry_out = || {
            let mut turn = Turn::default();
            while hub.turn(&mut turn, 1, &Idle::Go) == TurnEnd::Work {
                for job in turn.jobs.drain(..) {
                    let completion = match job.kind() {
                        IoKind::Open { .. } => Completion::Opened { key, stamp },
                        IoKind::Look { .. } => Completion::Looked { stamp },
                        IoKind::Load { .. } => Completion::Loaded { stamp },
                        IoKind::Close { .. } => Completion::Closed,
                        IoKind::Release { .. } => Completion::Released { lent: 0 },
                        other => unreachable!("nobody asked for {other:?}"),
                    };
                    turn.finished.push(job.answer(completion));
                }
            }
        };
        let answered = |mut ticket: Ticket| match ticket.poll_answer(Waker::noop()) {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Err("no answer"),
        };
        let opening = ask(&hub, "/file".as_ref(), Mode::None, Deadline::Never, None)?;
        carry_out();
        let handle = answered(opening)?.opened()?;
        let staging = handle.stage(Plan::of(Mode::Load), Deadline::Never, None)?;
        let read = handle.read_later(0, 4, Deadline::Never, None)?;
        carry_out();
        answered(staging)?.done()?;
        let read = answered(read)?;
        assert!(
            matches!(read.outcome, Told::FromContents { .. }),
            "{read:?}"
        );
        let read = read_answer(read, 0, &mut [0; 4]).map_err(|failure| failure.cause);
        assert_eq!(read, waited);
        assert_eq!(handle.read_staged(0, &mut [0; 4]), staged);
        drop(handle);
        carry_out();
        assert_eq!((hub.files(), hub.charged()), (0, 0));
    }
    Ok(())
}
