//! Which addresses are ours: a table that a signal handler can read at any moment.
//!
//! Slots live in chunks that are linked, never freed, and used again. A slot is a seqlock: an
//! odd sequence number means that it is being written, and the handler passes over it instead
//! of waiting. That loses nothing, because the mapping whose fault is handled was entered
//! before its first byte was touched and is removed only after its last: *its* slot stands
//! still. A slot that changes under the handler belongs to some other mapping and must only
//! not match by accident, which the number, read before and after the range, rules out.
//!
//! Lookup is a scan. It happens on faults alone, and those only on files that were cut.
//!
//! Like the guard this file is outside the loom model and takes its atomics from std: statics
//! must be made at compile time.

use std::{
    ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicPtr, AtomicU32, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
            fence,
        },
    },
};

const SLOTS: usize = 256;

/// One registered range of addresses and the mark of its mapping.
#[derive(Debug)]
pub(super) struct Slot {
    sequence: AtomicUsize,
    start: AtomicUsize,
    end: AtomicUsize,
    lost: AtomicBool,
    repairs: AtomicU32,
}

impl Slot {
    const fn new() -> Self {
        Self {
            sequence: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            repairs: AtomicU32::new(0),
        }
    }

    /// Whether a page of the mapping was lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Acquire)
    }

    /// Marks the mapping: what it shows can no longer be told from what the file held.
    pub(super) fn mark_lost(&self) {
        self.lost.store(true, Release);
    }

    /// How often the mapping was repaired before; counts one more.
    pub(super) fn count_repair(&self) -> u32 {
        self.repairs.fetch_add(1, Relaxed)
    }

    /// Writers are kept apart by the lock of the free slots.
    fn write(&self, start: usize, end: usize) {
        let before = self.sequence.load(Relaxed);
        self.sequence.store(before.wrapping_add(1), Relaxed);
        fence(Release);
        self.start.store(start, Relaxed);
        self.end.store(end, Relaxed);
        self.lost.store(false, Relaxed);
        self.repairs.store(0, Relaxed);
        self.sequence.store(before.wrapping_add(2), Release);
    }

    /// The end of the range, if this slot stands still and `address` lies in it.
    fn holds(&self, address: usize) -> Option<usize> {
        let before = self.sequence.load(Acquire);
        let (start, end) = (self.start.load(Relaxed), self.end.load(Relaxed));
        fence(Acquire);
        let still = before.is_multiple_of(2) && self.sequence.load(Relaxed) == before;
        (still && start <= address && address < end).then_some(end)
    }
}

struct Chunk {
    slots: [Slot; SLOTS],
    next: AtomicPtr<Chunk>,
}

impl Chunk {
    const fn new() -> Self {
        Self {
            slots: [const { Slot::new() }; SLOTS],
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }
}

static FIRST: Chunk = Chunk::new();

/// The writers' side: which slots are free, and the last chunk of the list.
struct Free {
    slots: Vec<&'static Slot>,
    last: Option<&'static Chunk>,
}

static FREE: Mutex<Free> = Mutex::new(Free {
    slots: Vec::new(),
    last: None,
});

/// Enters `[start, end)`; the slot stays valid for ever and ours until [`remove`].
pub(super) fn enter(start: usize, end: usize) -> &'static Slot {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = loop {
        if let Some(slot) = free.slots.pop() {
            break slot;
        }
        let chunk = match free.last {
            None => &FIRST,
            Some(last) => {
                let chunk: &'static Chunk = Box::leak(Box::new(Chunk::new()));
                last.next.store(ptr::from_ref(chunk).cast_mut(), Release);
                chunk
            }
        };
        free.last = Some(chunk);
        free.slots.extend(chunk.slots.iter().rev());
    };
    slot.write(start, end);
    slot
}

/// Takes a range out again. Nobody may touch its memory any more, and nobody may have mapped
/// anything else there yet.
pub(super) fn remove(slot: &'static Slot) {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    slot.write(0, 0);
    free.slots.push(slot);
}

/// The slot whose range holds `address`, and the range's end.
///
/// Async-signal-safe: loads only, no lock, no wait.
pub(super) fn find(address: usize) -> Option<(&'static Slot, usize)> {
    let mut chunk = Some(&FIRST);
    while let Some(here) = chunk {
        for slot in &here.slots {
            if let Some(end) = slot.holds(address) {
                return Some((slot, end));
            }
        }
        chunk = next(here);
    }
    None
}

#[expect(
    unsafe_code,
    reason = "chunks are linked by pointers that a handler can follow"
)]
fn next(chunk: &Chunk) -> Option<&'static Chunk> {
    // SAFETY: null, or a chunk that was leaked after it was made whole; acquire shows it so.
    unsafe { chunk.next.load(Acquire).as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_ranges_are_found_and_their_slots_used_again() {
        const FAR: usize = 1 << 60; // no user address, so no real mapping is meant
        let slots: Vec<_> = (0..10_000)
            .map(|i| enter(FAR + i * 16, FAR + i * 16 + 8))
            .collect();
        for (i, slot) in slots.iter().enumerate() {
            let found = find(FAR + i * 16 + 7);
            assert!(found.is_some_and(|(found, _)| ptr::eq(found, *slot)));
            assert!(find(FAR + i * 16 + 8).is_none(), "the end is outside");
        }
        slots.iter().for_each(|slot| remove(slot));
        assert!(find(FAR).is_none());
        let chunks = || std::iter::successors(Some(&FIRST), |chunk| next(chunk)).count();
        let before = chunks();
        let again: Vec<_> = (0..9_000).map(|i| enter(FAR + i, FAR + i + 1)).collect();
        assert_eq!(chunks(), before);
        again.iter().for_each(|slot| remove(slot));
    }

    #[test]
    fn a_slot_that_is_being_written_holds_nothing() {
        let slot = Slot::new();
        slot.write(16, 24);
        assert_eq!(slot.holds(16), Some(24));
        slot.sequence.fetch_add(1, Relaxed);
        assert_eq!(slot.holds(16), None);
        assert_eq!([slot.count_repair(), slot.count_repair()], [0, 1]);
        slot.write(16, 24);
        assert_eq!(slot.count_repair(), 0, "another mapping");
        slot.sequence.fetch_add(1, Relaxed);
        assert_eq!(slot.holds(16), Some(24));
    }

    #[test]
    fn a_slot_that_changes_under_a_reader_is_never_seen_torn() {
        const LOW: usize = 1 << 20;
        const HIGH: usize = 1 << 40;
        let (slot, done) = (Slot::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..500_000 {
                    slot.write(LOW, LOW + 8);
                    slot.write(HIGH, HIGH + 8);
                }
                done.store(true, Release);
            });
            // Only the start of one with the end of the other holds what lies between them.
            while !done.load(Acquire) {
                assert_eq!(slot.holds(1 << 30), None);
            }
        });
        assert_eq!(slot.holds(HIGH + 7), Some(HIGH + 8));
    }
}
