//! Deadlines in order: a binary heap that knows where each of its entries stands, so that an
//! answered operation takes its deadline along in O(log n). At the same time they fire in the order
//! in which they were accepted, whatever places their operations have.

use crate::id::Id;
use crate::time::Tick;
use alloc::vec::Vec;

/// Of operations, by deadline; and of locks, by when to try again.
pub(crate) struct Timers<K> {
    /// When, and as which of all that were ever inserted.
    heap: Vec<(Tick, u64, Id<K>)>,
    inserted: u64,
    /// By index of the operation: its place in the heap, or `ABSENT`.
    places: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;

impl<K> Clone for Timers<K> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.heap.clone_from(&source.heap);
        self.places.clone_from(&source.places);
        self.inserted = source.inserted;
    }
}

impl<K> Timers<K> {
    pub(crate) const fn new() -> Self {
        Self {
            heap: Vec::new(),
            inserted: 0,
            places: Vec::new(),
        }
    }

    pub(crate) fn first(&self) -> Option<(Tick, Id<K>)> {
        self.heap.first().map(|&(at, _, op)| (at, op))
    }

    /// Whether one has come by now.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        self.heap.first().is_some_and(|&(at, ..)| at <= now)
    }

    pub(crate) fn insert(&mut self, at: Tick, op: Id<K>) {
        if self.places.len() <= op.index() {
            self.places.resize(op.index() + 1, ABSENT);
        }
        let place = self.heap.len();
        self.heap.push((at, self.inserted, op));
        self.inserted += 1;
        self.places[op.index()] = place as u32;
        self.rise(place);
    }

    /// Takes out the deadline of an operation, if it has one.
    pub(crate) fn remove(&mut self, op: Id<K>) {
        let Some(&place) = self.places.get(op.index()) else {
            return;
        };
        if place == ABSENT {
            return;
        }
        let place = place as usize;
        self.places[op.index()] = ABSENT;
        self.heap.swap_remove(place);
        if let Some(&(_, _, moved)) = self.heap.get(place) {
            self.places[moved.index()] = place as u32;
            self.rise(place);
            self.sink(place);
        }
    }

    /// All of them in the order in which they will fire.
    pub(crate) fn sorted(&self) -> Vec<(Tick, Id<K>)> {
        let mut all = self.heap.clone();
        all.sort_unstable_by_key(|&(at, inserted, _)| (at, inserted));
        all.into_iter().map(|(at, _, op)| (at, op)).collect()
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let above = (place - 1) / 2;
            if self.sooner(above, place) {
                break;
            }
            self.swap(above, place);
            place = above;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut least = place;
            for below in [2 * place + 1, 2 * place + 2] {
                if below < self.heap.len() && self.sooner(below, least) {
                    least = below;
                }
            }
            if least == place {
                return;
            }
            self.swap(least, place);
            place = least;
        }
    }

    /// By time; at the same time by acceptance, so that equal machines fire in the same order.
    fn sooner(&self, a: usize, b: usize) -> bool {
        let (at_a, inserted_a, _) = self.heap[a];
        let (at_b, inserted_b, _) = self.heap[b];
        (at_a, inserted_a) < (at_b, inserted_b)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].2.index()] = a as u32;
        self.places[self.heap[b].2.index()] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OpId;

    #[test]
    fn deadlines_come_out_in_order_whatever_was_removed() {
        let mut timers = Timers::new();
        let mut plain: Vec<(u64, u64, usize)> = Vec::new();
        let mut seed = 1u64;
        for turn in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = (seed >> 33) as usize % 64;
            let op = OpId::new(index as u32, 1);
            match plain.iter().position(|&(_, _, other)| other == index) {
                Some(at) => {
                    plain.swap_remove(at);
                    timers.remove(op);
                }
                None => {
                    let at = (seed >> 20) % 50;
                    plain.push((at, turn, index));
                    timers.insert(Tick(at), op);
                }
            }
            let least = plain.iter().min().map(|&(at, _, index)| (at, index));
            let first = timers.first().map(|(Tick(at), op)| (at, op.index()));
            assert_eq!(first, least);
        }
    }
}
