//! Areas of address space kept in hand, for the guard to repair with when there are no others.
//!
//! The system grants a process a fixed number of areas (`vm.max_map_count`). A process that has
//! them all, by whatever it maps beside us, gets no page from `mmap` any more, not even in the
//! place of another: a file cut then would kill it (G6). So a few areas are taken beforehand, and
//! the guard gives them up in that hour. They are addresses only: no memory stands behind them.
//!
//! Like the guard this file is outside the loom model and takes its atomics from std.

#![expect(unsafe_code, reason = "areas are mapped and unmapped here")]

use super::pages::PAGE;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::{
    hint, io, ptr,
    sync::atomic::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

/// Each page is an area, for no two neighbours are protected alike.
const PAGES: usize = 32;

/// Where the areas begin, or one of the two below, which are no addresses of pages.
static START: AtomicUsize = AtomicUsize::new(NONE);

/// They were never taken, or the system has them back.
const NONE: usize = 0;

/// A thread is giving them back.
const SPENDING: usize = 1;

/// Makes sure that areas are kept. Callers are kept apart by the guard's lock.
///
/// # Errors
/// The system grants no more.
pub(super) fn keep() -> io::Result<()> {
    if START.load(Acquire) != NONE {
        return Ok(());
    }
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    let (len, none) = (PAGES * PAGE, ProtFlags::empty());
    // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
    let start = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, none, flags) }?;
    for page in (0..PAGES).step_by(2) {
        let at = start.cast::<u8>().wrapping_add(page * PAGE).cast();
        // SAFETY: the page is part of the mapping just made, which nobody touches.
        if let Err(error) = unsafe { rustix::mm::mprotect(at, PAGE, MprotectFlags::READ) } {
            // SAFETY: it is ours alone still.
            let _ = unsafe { rustix::mm::munmap(start, len) };
            return Err(error.into());
        }
    }
    START.store(start.expose_provenance(), Release);
    Ok(())
}

/// Whether [`spend`] would give the system anything back.
pub(super) fn are_kept() -> bool {
    !matches!(START.load(Acquire), NONE | SPENDING)
}

/// Gives the areas up. When this returns the system has them, whoever gave them.
///
/// Async-signal-safe: loads, stores and one system call; whoever is waited for is at that call, in
/// another thread, and waits for nobody.
pub(super) fn spend() {
    loop {
        let start = START.load(Acquire);
        match start {
            NONE => return,
            SPENDING => hint::spin_loop(),
            _ if START
                .compare_exchange(start, SPENDING, AcqRel, Relaxed)
                .is_ok() =>
            {
                let at = ptr::with_exposed_provenance_mut(start);
                // SAFETY: `keep` made the mapping; of all threads this one alone took it, and
                // nobody ever touches its pages.
                let _ = unsafe { rustix::mm::munmap(at, PAGES * PAGE) };
                START.store(NONE, Release);
            }
            _ => {}
        }
    }
}
