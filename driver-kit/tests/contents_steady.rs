//! G4: reading what is staged, and taking pooled memory, allocates nothing.
//!
//! Alone in its process, because the allocator counts for all threads.
#![cfg(not(any(staging_loom, staging_shuttle)))]
#![expect(unsafe_code, reason = "an allocator is wrapped to count its calls")]

use driver_kit::contents::{Contents, Mapping, Memory, Published, Share};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    error::Error,
    io::Write,
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, SeqCst);
        // SAFETY: the caller's layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: what `alloc` gave comes back.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The fewest calls of several tries: the test harness has threads that allocate as well.
fn allocations(mut work: impl FnMut()) -> u64 {
    let tries = (0..5).map(|_| {
        let before = CALLS.load(SeqCst);
        work();
        CALLS.load(SeqCst) - before
    });
    tries.min().unwrap_or(0)
}

/// G4
#[test]
fn reads_and_pooled_takes_allocate_nothing() -> Result<(), Box<dyn Error>> {
    let memory = Memory::new(64 << 20);
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![1; 300_000])?;
    let mapping = Mapping::new(&memory, file.as_fd(), 300_000, Share::Private)?;
    let mut block = memory.take(100_000)?;
    block.fill(2);
    let loaded = Published::new();
    let mapped = Published::new();
    let _ = loaded.publish(Contents::Loaded(block.freeze(100_000)));
    let _ = mapped.publish(Contents::Mapped(Arc::new(mapping)));
    let mut buf = vec![0; 70_000];
    let reads = allocations(|| {
        for at in 0..2_000 {
            for cell in [&loaded, &mapped] {
                let read = cell.read(|contents| contents.read_at(at * 7, &mut buf));
                assert_eq!(read, Some(Ok(70_000)));
                let bytes = cell.read(|contents| contents.bytes(at, 900).map(|bytes| bytes.len()));
                assert!(bytes.is_some());
            }
        }
    });
    assert_eq!(reads, 0);

    drop(memory.take(4 << 20)?);
    let takes = allocations(|| {
        for len in (1..600).map(|i| i * 997) {
            let two = (memory.take(len), memory.take(len / 2));
            assert!(two.0.is_ok() && two.1.is_ok());
        }
    });
    assert_eq!(takes, 0);
    Ok(())
}
