//! Crowds: from four to eight threads that do everything at once. Each ends with nothing left.

use crate::scenarios::world::{BYTES, World, by_hand, handle_of, joined, limits, read, real_file};
use crate::scenarios::{Scenario, bounded, wait, wait_closed};
use bytes::Bytes;
use driver_kit::batch::{Batch, Order};
use driver_kit::contents::Published;
use driver_kit::core::{Access, Fault, Grace, Limits, Mode, Plan};
use driver_kit::hub::{Room, Ticket};
use driver_kit::path::Here;
use driver_kit::sync::thread;
use driver_kit::{Deadline, Handle};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) fn room() -> Vec<Scenario> {
    vec![
        bounded(six_callers_open_read_cancel_and_drop),
        bounded(readers_among_stagings_and_unstagings),
        bounded(writers_in_little_room_among_barriers),
        bounded(everything_while_it_shuts_down),
        bounded(two_batches_one_of_them_cancelled),
        bounded(readers_among_publications_and_withdrawals),
    ]
}

fn all<T: Send + 'static>(threads: impl IntoIterator<Item = thread::JoinHandle<T>>) -> Vec<T> {
    // All are started before one is waited for.
    let threads: Vec<_> = threads.into_iter().collect();
    threads.into_iter().map(joined).collect()
}

/// R9: whatever callers do, each operation has one answer, and workers leave when it is done. Six
/// callers, up to two workers: eight threads.
fn six_callers_open_read_cancel_and_drop() {
    let world = World::by_hand(2);
    let callers = (0..6).map(|number| {
        let world = world.clone();
        thread::spawn(move || {
            let path = ["/b", "/cc", "/ddd"][number % 3];
            let mode = [Mode::None, Mode::Load][number % 2];
            let ticket = world.open(path, mode);
            match number {
                0 => drop(ticket),
                1 => {
                    ticket.cancel();
                    let fault = wait(ticket).fault();
                    assert!(matches!(fault, None | Some(Fault::Cancelled)));
                }
                _ => {
                    let file = handle_of(wait(ticket));
                    assert_eq!(read(&file, &mut [0]), 0);
                }
            }
        })
    });
    all(callers);
    world.all_left();
    assert_eq!(world.hub.working(), 0);
    world.is_empty();
}

/// G1, G2, G10: reads see every byte, whichever way they go, while others stage and unstage; the
/// budget is empty when all is over. Three readers, two who stage, one who unstages: six threads.
fn readers_among_stagings_and_unstagings() {
    let world = World::real(0);
    let file = Arc::new(world.opened(real_file(), Access::Read, Mode::None));
    let threads = (0..6).map(|number| {
        let (world, file) = (world.clone(), Arc::clone(&file));
        thread::spawn(move || match number {
            0..3 => {
                let mut bytes = [0; BYTES.len()];
                let slice = file.bytes_staged(0, BYTES.len());
                if let Some(read) = file.read_staged(0, &mut bytes) {
                    assert_eq!(read, Ok(BYTES.len()));
                    assert_eq!(bytes, BYTES);
                }
                assert!(slice.is_none_or(|slice| slice == BYTES));
            }
            3 | 4 => finish(&world, stage(&file)),
            _ => finish(&world, unstage(&file)),
        })
    });
    all(threads);
    finish(&world, unstage(&file));
    assert_eq!(world.hub.charged(), 0, "the memory is back");
    drop(file);
    world.is_empty();
}

fn stage(file: &Handle) -> Ticket {
    file.stage(Plan::of(Mode::Load), Deadline::Never, None)
        .expect("nothing is full")
}

fn unstage(file: &Handle) -> Ticket {
    file.unstage(Deadline::Never, None)
        .expect("nothing is full")
}

/// Another may have taken the job that this waits for; then that one ends it.
fn finish(world: &World, ticket: Ticket) {
    world.work();
    let _ = wait(ticket).done();
}

/// R1, R3, R12: writers who are refused come again, barriers are answered, and no call is lost.
/// Four writers in room for one, one who flushes, one who syncs, up to two workers: eight threads.
fn writers_in_little_room_among_barriers() {
    let limits = Limits {
        bytes: 1,
        ..limits()
    };
    let world = World::of(limits, 2, Arc::new(by_hand));
    let file = Arc::new(handle_of(wait(world.open_for(
        "/file",
        Access::Write,
        Mode::None,
    ))));
    let threads = (0..6).map(|number| {
        let (world, file) = (world.clone(), Arc::clone(&file));
        thread::spawn(move || {
            let ticket = match number {
                0 => file.flush(Deadline::Never, None).expect("nothing is full"),
                1 => file.sync(Deadline::Never, None).expect("nothing is full"),
                _ => write(&world, &file, number as u64 % 2),
            };
            // One of them does not wait for its write.
            if number == 2 {
                drop(ticket);
            } else {
                assert!(wait(ticket).done().is_ok());
            }
        })
    });
    all(threads);
    drop(file);
    world.all_left();
    world.is_empty();
}

fn write(world: &World, file: &Handle, offset: u64) -> Ticket {
    let mut room = Room::of(Arc::clone(&world.hub));
    crate::scenarios::until(|waker| {
        let byte = Bytes::from_static(b"a");
        match file.write(offset, byte, Deadline::Never, Some((&mut room, waker))) {
            Ok(ticket) => std::task::Poll::Ready(ticket),
            Err(failure) => {
                assert!(failure.is_for_fullness());
                std::task::Poll::Pending
            }
        }
    })
}

/// S2, S5, R9: callers who open, read and drop while a shutdown begins are refused or answered, and
/// the end comes. Four callers, one who ends it, up to two workers: seven threads.
fn everything_while_it_shuts_down() {
    const HOUR: u64 = 3_600_000_000_000;
    let world = World::by_hand(2);
    let file = Arc::new(handle_of(wait(world.open("/file", Mode::None))));
    let callers = (0..4).map(|number| {
        let file = Arc::clone(&file);
        thread::spawn(move || {
            let asked = match number {
                0 => file.read_later(0, 1, Deadline::Never, None),
                1 => file.stage(Plan::of(Mode::Load), Deadline::Never, None),
                2 => file.unstage(Deadline::Never, None),
                _ => file.close(Deadline::Never),
            };
            // Refused or answered, well or badly: but not left waiting.
            let _ = asked.map(|ticket| wait(ticket).done());
        })
    });
    let callers: Vec<_> = callers.collect();
    world.hub.shut_down(Grace {
        total: 3 * HOUR,
        draining: HOUR,
        closing: HOUR,
    });
    all(callers);
    drop(file);
    drop(wait_closed(&world.hub));
    world.all_left();
    world.is_empty();
}

/// R9, G8: of two batches one is cancelled; both end, with one result for each path that was taken.
/// Two who wait, one who cancels, up to two workers: five threads.
fn two_batches_one_of_them_cancelled() {
    let world = World::by_hand(2);
    let begin = |paths: [&str; 3]| {
        let order = Order {
            plan: Plan::of(Mode::None),
            concurrency: 2,
            deadline: Deadline::Never,
        };
        let here = Here::now().expect("there is a current directory");
        let paths = paths.map(PathBuf::from).into_iter();
        Batch::begin(&world.hub, order, here, Box::new(paths))
    };
    let whole = begin(["/b", "/cc", "/ddd"]);
    let cut = begin(["/eeee", "/fffff", "/gggggg"]);
    let canceller = {
        let (hub, cut) = (Arc::clone(&world.hub), Arc::clone(&cut));
        thread::spawn(move || cut.cancel(&hub))
    };
    let other = {
        let cut = Arc::clone(&cut);
        thread::spawn(move || crate::scenarios::until(|waker| cut.poll_done(waker)))
    };
    crate::scenarios::until(|waker| whole.poll_done(waker));
    assert_eq!(whole.take_items().len(), 3, "one result for each");
    joined(other);
    joined(canceller);
    let progress = cut.progress(&world.hub);
    assert_eq!(cut.take_items().len() as u64, progress.files_done);
    assert_eq!(progress.files_done, progress.files_taken);
    world.all_left();
    world.is_empty();
}

/// G1: whoever reads sees what was put in, whole, and each that was put in is dropped once. Four
/// readers, two who put in, two who take out: eight threads.
fn readers_among_publications_and_withdrawals() {
    let cell = Arc::new(Published::<Arc<[usize; 2]>>::new());
    let threads = (0..8).map(|number: usize| {
        let cell = Arc::clone(&cell);
        thread::spawn(move || match number {
            0..4 => {
                let seen = cell.read(|pair| (pair[0], pair[1]));
                assert!(seen.is_none_or(|(one, other)| one == other));
                None
            }
            4 | 5 => {
                let value = Arc::new([number; 2]);
                drop(cell.publish(Arc::clone(&value)));
                Some(value)
            }
            _ => {
                drop(cell.withdraw());
                None
            }
        })
    });
    let put_in = all(threads);
    let inside = usize::from(cell.is_published());
    let shared = put_in.iter().flatten().map(Arc::strong_count);
    assert_eq!(shared.sum::<usize>(), 2 + inside, "nothing is forgotten");
}
