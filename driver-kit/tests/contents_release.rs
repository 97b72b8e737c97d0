//! G1, G10: contents handed out stay, and whoever waits for their memory is told once.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{
    Contents, Loaded, Mapping, Memory, Notify, Share, charge_loaded, charge_mapped,
};
use std::{
    error::Error,
    io::{self, Write},
    os::fd::AsFd,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

type Outcome = Result<(), Box<dyn Error>>;

/// Adds up what it is told, and counts how often.
fn listener() -> (Notify, Arc<AtomicU64>, Arc<AtomicU64>) {
    let (bytes, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (b, c) = (Arc::clone(&bytes), Arc::clone(&calls));
    let notify: Notify = Arc::new(move |charged| {
        b.fetch_add(charged, SeqCst);
        c.fetch_add(1, SeqCst);
    });
    (notify, bytes, calls)
}

fn loaded(memory: &Arc<Memory>, bytes: &[u8]) -> io::Result<Loaded> {
    let mut block = memory.take(bytes.len())?;
    block.copy_from_slice(bytes);
    Ok(block.freeze(bytes.len()))
}

fn mapped(memory: &Arc<Memory>, len: usize) -> Result<Arc<Mapping>, Box<dyn Error>> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![9; len])?;
    Ok(Arc::new(Mapping::new(
        memory,
        file.as_fd(),
        len as u64,
        Share::Shared,
    )?))
}

/// G3
#[test]
fn empty_contents_cost_nothing() {
    let (notify, _, calls) = listener();
    let empty = Contents::Empty;
    assert_eq!((empty.len(), empty.charged()), (0, 0));
    assert!(empty.is_empty() && empty.is_intact());
    assert_eq!(empty.read_at(0, &mut [0; 4]), Ok(0));
    assert!(empty.bytes(3, 9).is_some_and(|bytes| bytes.is_empty()));
    assert_eq!(empty.release(notify), 0);
    assert_eq!(calls.load(SeqCst), 0);
}

/// G10
#[test]
fn memory_that_nobody_has_goes_back_at_once() -> Outcome {
    let memory = Memory::new(1 << 20);
    let (notify, _, calls) = listener();
    let contents = Contents::Loaded(loaded(&memory, b"abc")?);
    assert_eq!(contents.charged(), 4096);
    assert_eq!(contents.release(Arc::clone(&notify)), 0);
    let contents = Contents::Mapped(mapped(&memory, 5000)?);
    assert_eq!(contents.charged(), charge_mapped(5000));
    assert_eq!(contents.release(notify), 0);
    assert_eq!(calls.load(SeqCst), 0);
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}

/// G1, G10
#[test]
fn slices_outlive_the_release_and_the_last_one_tells() -> Outcome {
    let memory = Memory::new(3 * 4096);
    let (notify, bytes, calls) = listener();
    let contents = Contents::Loaded(loaded(&memory, &[5; 10_000])?);
    let slice = contents
        .bytes(4000, 1000)
        .ok_or("loaded contents are handed out")?;
    let again = slice.slice(10..20);
    assert_eq!(contents.release(notify), charge_loaded(10_000));
    drop(slice);
    assert_eq!(calls.load(SeqCst), 0);
    assert!(memory.take(1).is_err(), "the memory is still out");
    assert!(again.iter().all(|byte| *byte == 5));
    drop(again);
    assert_eq!(
        (bytes.load(SeqCst), calls.load(SeqCst)),
        (charge_loaded(10_000), 1)
    );
    assert!(memory.take(10_000).is_ok());
    Ok(())
}

/// G10
#[test]
fn the_memory_is_back_before_it_is_told() -> Outcome {
    let memory = Memory::new(3 * 4096);
    let takes = Arc::new(AtomicU64::new(0));
    let (pool, seen) = (Arc::clone(&memory), Arc::clone(&takes));
    let notify: Notify = Arc::new(move |charged| {
        let taken = pool.take(charged as usize);
        seen.fetch_add(1 + u64::from(taken.is_ok()), SeqCst);
    });
    let contents = loaded(&memory, &[1; 12_000])?;
    let slice = contents.bytes().slice(..1);
    assert_eq!(contents.release(Arc::clone(&notify)), 12_288);
    drop(slice);
    assert_eq!(takes.load(SeqCst), 2);
    memory.trim();
    let mapping = mapped(&memory, 5000)?;
    let reader = Arc::clone(&mapping);
    assert_eq!(Contents::Mapped(mapping).release(notify), 12_288);
    drop(reader);
    assert_eq!(takes.load(SeqCst), 4);
    Ok(())
}

/// G10
#[test]
fn of_two_releases_the_first_answers() -> Outcome {
    let memory = Memory::new(1 << 20);
    let (notify, bytes, calls) = listener();
    let contents = Contents::Loaded(loaded(&memory, b"twice")?);
    let slice = contents.bytes(0, 5);
    assert_eq!(contents.clone().release(Arc::clone(&notify)), 4096);
    assert_eq!(contents.release(notify), 0);
    drop(slice);
    assert_eq!((bytes.load(SeqCst), calls.load(SeqCst)), (4096, 1));
    Ok(())
}

/// G10: however the last drop and the release fall together, the bytes are told exactly once:
/// by a return of 0 or by a call.
#[test]
fn a_release_against_the_last_drop_accounts_for_the_bytes_once() -> Outcome {
    let memory = Memory::new(1 << 20);
    let mut at_once = 0;
    for round in 0..3_000 {
        let contents = match round % 4 {
            0 => Contents::Mapped(mapped(&memory, 4097)?),
            _ => Contents::Loaded(loaded(&memory, &[1; 9000])?),
        };
        let (notify, bytes, calls) = listener();
        let charged = contents.charged();
        let held = contents.clone();
        let start = Barrier::new(2);
        let out = std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(held);
            });
            start.wait();
            contents.release(notify)
        });
        match out {
            0 => {
                at_once += 1;
                assert_eq!(calls.load(SeqCst), 0);
            }
            out => {
                assert_eq!(out, charged);
                assert_eq!((bytes.load(SeqCst), calls.load(SeqCst)), (charged, 1));
            }
        }
        assert_eq!(memory.mapped_bytes(), 0);
    }
    assert!(at_once > 0, "the race was never lost, so it was not tried");
    Ok(())
}

/// G3, G4
#[test]
fn loaded_contents_are_read_and_sliced_within_their_length() -> Outcome {
    let memory = Memory::new(1 << 20);
    let mut block = memory.take(8)?;
    block.copy_from_slice(b"01234567");
    let contents = Contents::Loaded(block.freeze(6));
    assert_eq!(contents.len(), 6);
    assert!(!contents.is_empty() && contents.is_intact());
    let mut buf = [0; 4];
    assert_eq!((contents.read_at(1, &mut buf), &buf), (Ok(4), b"1234"));
    assert_eq!(
        (contents.read_at(4, &mut buf), &buf[..2]),
        (Ok(2), &b"45"[..])
    );
    assert_eq!(contents.read_at(6, &mut buf), Ok(0));
    assert_eq!(contents.read_at(u64::MAX, &mut buf), Ok(0));
    for (offset, len, expected) in [
        (0, 99, "012345"),
        (5, 1, "5"),
        (6, 1, ""),
        (u64::MAX, 1, ""),
    ] {
        assert_eq!(
            contents.bytes(offset, len).as_deref(),
            Some(expected.as_bytes())
        );
    }
    assert!(
        memory.take(4)?.freeze(99).bytes().len() == 4,
        "more than there is means all"
    );
    Ok(())
}
