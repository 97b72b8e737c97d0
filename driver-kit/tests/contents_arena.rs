//! G10: the arena keeps its budget, reuses what it has and gives back what others need.
#![cfg(not(any(staging_loom, staging_shuttle)))]

mod smaps;

use driver_kit::contents::{Block, Mapping, Memory, PAGE, Share, charge_loaded, charge_mapped};
use smaps::{Wish, wish_at};
use std::{error::Error, io, io::Write, os::fd::AsFd, sync::Arc};

type Outcome = Result<(), Box<dyn Error>>;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

struct XorShift(u64);

impl XorShift {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn address(block: &Block) -> usize {
    block.as_ptr().addr()
}

fn is_out_of_memory(taken: io::Result<Block>) -> bool {
    taken.is_err_and(|error| error.raw_os_error() == Some(libc::ENOMEM))
}

/// G10
#[test]
fn charges_are_whole_pages_and_a_mapping_has_one_more() {
    assert_eq!([0, 1, 4096, 4097].map(charge_loaded), [0, 4096, 4096, 8192]);
    assert_eq!(
        [0, 1, 4096, 4097].map(charge_mapped),
        [0, 8192, 8192, 12288]
    );
    assert!(charge_loaded(u64::MAX) >= charge_loaded(u64::MAX - 1));
    assert!(charge_mapped(u64::MAX) >= charge_mapped(u64::MAX - PAGE as u64));
}

/// G10
#[test]
fn an_empty_block_takes_nothing() -> Outcome {
    let memory = Memory::new(0);
    let block = memory.take(0)?;
    assert!(block.is_empty());
    assert!(address(&block) < PAGE, "no memory is there");
    assert_eq!(block.charged(), 0);
    assert!(block.freeze(0).bytes().is_empty());
    assert_eq!(memory.arena_bytes(), 0);
    assert!(is_out_of_memory(memory.take(1)));
    Ok(())
}

/// G10
#[test]
fn what_was_given_back_is_taken_first() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let blocks: Vec<_> = (0..64)
        .map(|_| memory.take(16 * KIB))
        .collect::<Result<_, _>>()?;
    let mut places: Vec<_> = blocks.iter().map(address).collect();
    let resident = memory.arena_bytes();
    drop(blocks);
    assert_eq!(memory.arena_bytes(), resident, "free pages stay");
    let again: Vec<_> = (0..64)
        .map(|_| memory.take(16 * KIB))
        .collect::<Result<_, _>>()?;
    let mut now: Vec<_> = again.iter().map(address).collect();
    places.sort_unstable();
    now.sort_unstable();
    assert_eq!(now, places);
    assert_eq!(memory.arena_bytes(), resident);
    Ok(())
}

/// G10
#[test]
fn neighbours_that_are_free_make_one_run() -> Outcome {
    // No room for a page more than the eight blocks, so the large one must lie in their place.
    let memory = Memory::new(8 * 64 * KIB as u64);
    let blocks: Vec<_> = (0..8)
        .map(|_| memory.take(64 * KIB))
        .collect::<Result<_, _>>()?;
    let lowest = blocks.iter().map(address).min();
    drop(blocks);
    let large = memory.take(8 * 64 * KIB)?;
    assert_eq!(Some(address(&large)), lowest);
    assert!(is_out_of_memory(memory.take(1)));
    Ok(())
}

/// G10: that no long run was there a moment ago does not hide the one that is there now.
#[test]
fn a_run_that_grew_together_after_a_failed_search_is_found() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let mut even: Vec<_> = (0..4096)
        .map(|_| memory.take(8 * KIB))
        .collect::<Result<_, _>>()?;
    let lowest = even.iter().map(address).min();
    even.sort_by_key(address);
    let odd: Vec<_> = even
        .extract_if(.., |block| address(block) / (8 * KIB) % 2 == 1)
        .collect();
    drop(odd);
    let elsewhere = memory.take(16 * KIB)?;
    assert!(lowest.is_some_and(|lowest| address(&elsewhere).abs_diff(lowest) >= 32 * MIB));
    drop(even);
    let resident = memory.arena_bytes();
    let large = memory.take(32 * MIB)?;
    assert_eq!(Some(address(&large)), lowest);
    assert_eq!(memory.arena_bytes(), resident);
    Ok(())
}

/// G10
#[test]
fn a_run_larger_than_a_chunk_is_counted_while_it_lives() -> Outcome {
    let memory = Memory::new(64 * MIB as u64);
    for len in [32 * MIB, 33 * MIB + 5] {
        let mut block = memory.take(len)?;
        block[0] = 1;
        block[len - 1] = 2;
        assert!(memory.arena_bytes() >= charge_loaded(len as u64));
        assert!(is_out_of_memory(memory.take(64 * MIB - len + PAGE)));
        drop(block);
    }
    assert!(
        memory.arena_bytes() <= 32 * MIB as u64,
        "only chunks are pooled"
    );
    assert!(is_out_of_memory(memory.take(64 * MIB + 1)));
    assert!(memory.take(64 * MIB).is_ok(), "the pool makes room");
    Ok(())
}

/// G10: pages come in huge ones where all of those are counted, and else one by one.
#[test]
fn huge_pages_are_wished_for_where_all_of_them_is_taken() -> Outcome {
    const HUGE: usize = 2 * MIB / PAGE;
    let wishes = |block: &Block, wish: Wish| -> Outcome {
        assert!(wish_at(address(block))?.is_none_or(|wished| wished == wish));
        Ok(())
    };
    let plenty = Memory::new(u64::MAX);
    let steps = [plenty.take(2 * MIB)?, plenty.take(2 * MIB)?];
    wishes(&steps[0], Wish::Huge(2 * HUGE))?;
    wishes(&steps[1], Wish::Huge(HUGE))?;
    wishes(&Memory::new(MIB as u64).take(1)?, Wish::Small)?;
    let large = plenty.take(40 * MIB)?;
    wishes(&large, Wish::Huge(40 * MIB / PAGE))?;
    Ok(())
}

/// G10
#[test]
fn a_request_no_machine_can_meet_is_an_error() {
    let memory = Memory::new(u64::MAX);
    for len in [usize::MAX, usize::MAX - PAGE, isize::MAX as usize, 1 << 60] {
        assert!(memory.take(len).is_err());
    }
    assert_eq!(memory.arena_bytes(), 0);
}

/// G10
#[test]
fn trimming_leaves_what_is_in_use() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let mut kept = memory.take(100 * KIB)?;
    kept.fill(7);
    drop(memory.take(5 * MIB)?);
    assert!(memory.trim() >= 5 * MIB as u64);
    assert_eq!(memory.arena_bytes(), charge_loaded(100 * KIB as u64));
    assert!(kept.iter().all(|byte| *byte == 7));
    drop(kept);
    memory.trim();
    assert_eq!(memory.arena_bytes(), 0);
    Ok(())
}

/// G10: whatever is taken and freed in whatever order, the budget holds, no block is refused
/// that the budget has room for, none is given that it has not, and no two share a page.
#[test]
fn any_takes_and_frees_keep_the_budget_and_each_others_bytes() -> Outcome {
    for (seed, budget) in [(1, 3 * MIB), (2, 40 * MIB), (3, 200 * MIB), (4, 64 * KIB)] {
        let memory = Memory::new(budget as u64);
        let mut random = XorShift(0x9e37_79b9 + seed);
        let mut held: Vec<(Block, u8)> = Vec::new();
        let mut out = 0;
        for step in 0..6_000u64 {
            if random.below(100) < 55 {
                let len = match random.below(20) {
                    0 => random.below(34 * MIB as u64),
                    1..=3 => random.below(3 * MIB as u64),
                    _ => random.below(40 * KIB as u64),
                } as usize;
                let charge = charge_loaded(len as u64);
                match memory.take(len) {
                    Ok(mut block) => {
                        out += charge;
                        assert!(out <= budget as u64, "more than the budget is out");
                        let name = (step % 251) as u8;
                        mark(&mut block, name);
                        held.push((block, name));
                    }
                    Err(_) => assert!(out + charge > budget as u64, "refused with room for it"),
                }
            } else if !held.is_empty() {
                let at = random.below(held.len() as u64) as usize;
                let (block, name) = held.swap_remove(at);
                assert!(bears(&block, name), "a page was shared");
                out -= block.charged();
            }
            assert!(memory.arena_bytes() <= budget as u64);
            assert!(memory.arena_bytes() >= out);
        }
        drop(held);
        memory.trim();
        assert_eq!(memory.arena_bytes(), 0);
    }
    Ok(())
}

/// Marks one byte of each page and the last.
fn mark(block: &mut [u8], mark: u8) {
    block.iter_mut().step_by(PAGE).for_each(|byte| *byte = mark);
    if let Some(last) = block.last_mut() {
        *last = mark;
    }
}

fn bears(block: &[u8], mark: u8) -> bool {
    block
        .iter()
        .step_by(PAGE)
        .chain(block.last())
        .all(|byte| *byte == mark)
}

/// G10
#[test]
fn pooled_memory_is_given_back_when_a_mapping_needs_the_room() -> Outcome {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![3; 6 * MIB])?;
    let memory = Memory::new(8 * MIB as u64);
    let kept = memory.take(MIB)?;
    drop(memory.take(6 * MIB)?);
    assert!(memory.arena_bytes() > 6 * MIB as u64);
    let mapping = Mapping::new(&memory, file.as_fd(), 6 * MIB as u64, Share::Private)?;
    mapping.populate(0, 6 * MIB as u64)?;
    assert_eq!(memory.mapped_bytes(), charge_mapped(6 * MIB as u64));
    assert!(memory.arena_bytes() + memory.mapped_bytes() <= memory.budget());
    assert!(mapping.resident_pages()? * PAGE as u64 <= memory.mapped_bytes());
    let rest = memory.budget() - mapping.charged() - kept.charged();
    assert!(is_out_of_memory(memory.take(rest as usize + 1)));
    assert!(memory.take(rest as usize).is_ok());
    let second = Mapping::new(&memory, file.as_fd(), 6 * MIB as u64, Share::Private);
    assert!(second.is_err_and(|error| error.raw_os_error() == Some(libc::ENOMEM)));
    drop(mapping);
    assert_eq!(memory.mapped_bytes(), 0);
    assert!(memory.take(7 * MIB).is_ok());
    Ok(())
}

/// G10
#[test]
fn threads_that_stay_within_the_budget_are_never_refused() -> Outcome {
    const EACH: usize = 3 * MIB;
    let memory = Memory::new(4 * EACH as u64);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4u8)
            .map(|thread| {
                let memory = Arc::clone(&memory);
                scope.spawn(move || -> io::Result<()> {
                    let mut random = XorShift(u64::from(thread) * 77);
                    for _ in 0..400 {
                        let first = 1 + random.below(EACH as u64 - PAGE as u64) as usize;
                        let rest = EACH - charge_loaded(first as u64) as usize;
                        let mut blocks = [memory.take(first)?, memory.take(rest)?];
                        blocks.iter_mut().for_each(|block| mark(block, thread));
                        assert!(blocks.iter().all(|block| bears(block, thread)));
                        assert!(memory.arena_bytes() <= memory.budget());
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| match thread.join() {
                Ok(done) => done,
                Err(_) => Err(io::Error::other("a thread panicked")),
            })
    })?;
    Ok(())
}
