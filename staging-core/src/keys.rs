//! From an identity to what the machine keeps of it: open addressing, linear probing, no tombstones.

use crate::completion::Key;
use crate::id::Id;
use alloc::vec::Vec;

pub(crate) struct Keys<K> {
    /// A power of two, or empty before the first key; never more than half full.
    places: Vec<Option<(Key, Id<K>)>>,
    taken: usize,
}

impl<K> Clone for Keys<K> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.places.clone_from(&source.places);
        self.taken = source.taken;
    }
}

impl<K> Keys<K> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            taken: 0,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<Id<K>> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = mix(key) as usize & mask;
        while let Some((other, id)) = self.places[at] {
            if other == key {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: Key, id: Id<K>) {
        if (self.taken + 1) * 2 > self.places.len() {
            self.grow();
        }
        self.place(key, id);
        self.taken += 1;
    }

    /// Removes a key, and moves back what probing had pushed past it.
    pub(crate) fn remove(&mut self, key: Key) {
        let Some(mask) = self.places.len().checked_sub(1) else {
            return;
        };
        let mut hole = mix(key) as usize & mask;
        loop {
            match self.places[hole] {
                None => return,
                Some((other, _)) if other == key => break,
                Some(_) => hole = (hole + 1) & mask,
            }
        }
        self.taken -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some((other, _)) = self.places[at] else {
                break;
            };
            let home = mix(other) as usize & mask;
            let reach = at.wrapping_sub(home) & mask;
            let gap = at.wrapping_sub(hole) & mask;
            if reach >= gap {
                self.places[hole] = self.places[at];
                hole = at;
            }
        }
        self.places[hole] = None;
    }

    fn place(&mut self, key: Key, id: Id<K>) {
        let mask = self.places.len() - 1;
        let mut at = mix(key) as usize & mask;
        while self.places[at].is_some() {
            at = (at + 1) & mask;
        }
        self.places[at] = Some((key, id));
    }

    fn grow(&mut self) {
        let roomier = alloc::vec![None; (self.places.len() * 2).max(16)];
        let cramped = core::mem::replace(&mut self.places, roomier);
        for (key, id) in cramped.into_iter().flatten() {
            self.place(key, id);
        }
    }
}

/// Spreads device and inode, which come in runs.
fn mix(Key([device, inode]): Key) -> u64 {
    scatter(inode ^ device.rotate_left(32))
}

/// Spreads numbers that come in runs over all bits (the finaliser of splitmix64).
pub(crate) const fn scatter(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FileId;

    #[test]
    fn a_table_under_random_changes_equals_a_plain_list() {
        let mut keys = Keys::new();
        let mut plain: Vec<(Key, FileId)> = Vec::new();
        let mut seed = 7u64;
        for step in 0..20_000u32 {
            seed = mix(Key([seed, u64::from(step)]));
            let key = Key([0, seed % 300]);
            match plain.iter().position(|(other, _)| *other == key) {
                Some(at) => {
                    plain.swap_remove(at);
                    keys.remove(key);
                }
                None => {
                    let file = FileId::new(step, 1);
                    plain.push((key, file));
                    keys.insert(key, file);
                }
            }
            let asked = Key([0, (seed >> 32) % 300]);
            let known = plain
                .iter()
                .find(|(other, _)| *other == asked)
                .map(|(_, file)| *file);
            assert_eq!(keys.get(asked), known);
        }
    }

    /// The first two numbers of splitmix64 from the seed 0, as its authors publish them.
    #[test]
    fn numbers_are_scattered_as_splitmix64_does() {
        assert_eq!(scatter(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
        assert_eq!(scatter(0x3c6e_f372_fe94_f82a), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(mix(Key([1, 7 << 32])), scatter(6 << 32));
    }

    /// Inodes come in runs, and so do devices: none of them makes long ways.
    #[test]
    fn a_table_is_half_empty_and_its_ways_are_short() {
        for (devices, step) in [(1, 1), (1, 4096), (1, 1 << 40), (64, 1)] {
            let mut keys = Keys::new();
            for index in 0..4096u32 {
                let (device, number) = (u64::from(index) % devices, u64::from(index) / devices);
                keys.insert(Key([device, number * step]), FileId::new(index, 1));
                assert!(keys.taken * 2 <= keys.places.len());
                assert!(keys.places.len() < 17.max(keys.taken * 4));
            }
            let mut run = 0;
            for place in keys.places.iter().chain(&keys.places) {
                run = if place.is_some() { run + 1 } else { 0 };
                assert!(run < 64, "{run} in a row");
            }
        }
    }
}
