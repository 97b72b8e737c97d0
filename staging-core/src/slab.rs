//! Where the machine keeps its things: dense slots with generations, and lists threaded through
//! them.
//!
//! A slot carries `LINKS` pairs of neighbours, so its tenant can stand in that many lists without
//! an allocation, and leave any of them in O(1).
//!
//! # Invariants
//!
//! - An id held anywhere inside the machine names a live slot; that is why `Index` may be used
//!   on it. Ids that come from outside go through [`Slab::get`].
//! - A tenant stands in at most one list per link, and in none when it is removed.

use crate::id::Id;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

/// "No neighbour", "no place". Slabs are bounded far below it.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

/// The generation stands beside what is asked of the tenant first, in one line of the cache.
#[derive(Clone)]
#[repr(C, align(64))]
struct Slot<T> {
    generation: u32,
    /// Of an empty slot: the next empty one.
    next_free: u32,
    tenant: Option<T>,
}

#[derive(Clone)]
pub(crate) struct Slab<K, T, const LINKS: usize> {
    slots: Vec<Slot<T>>,
    /// Neighbours in each list, by index. They stand apart from the tenants, because leaving a list
    /// touches both neighbours, and those are anywhere: dense, they stay in the cache.
    links: Vec<[Link; LINKS]>,
    first_free: u32,
    live: u32,
    kind: PhantomData<fn() -> K>,
}

/// Both ends of a list threaded through a slab.
#[derive(Clone, Copy)]
pub(crate) struct List {
    first: u32,
    last: u32,
}

impl List {
    pub(crate) const EMPTY: List = List {
        first: NONE,
        last: NONE,
    };

    pub(crate) const fn is_empty(&self) -> bool {
        self.first == NONE
    }
}

impl<K, T, const LINKS: usize> Slab<K, T, LINKS> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            links: Vec::new(),
            first_free: NONE,
            live: 0,
            kind: PhantomData,
        }
    }

    pub(crate) const fn len(&self) -> u32 {
        self.live
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The id that the next tenant will have.
    pub(crate) fn vacant(&self) -> Id<K> {
        match self.first_free {
            NONE => Id::new(self.slots.len() as u32, 1),
            index => self.id_at(index),
        }
    }

    pub(crate) fn insert(&mut self, tenant: T) -> Id<K> {
        self.live += 1;
        let unlinked = [Link {
            before: NONE,
            after: NONE,
        }; LINKS];
        if self.first_free == NONE {
            let index = self.slots.len() as u32;
            self.slots.push(Slot {
                generation: 1,
                next_free: NONE,
                tenant: Some(tenant),
            });
            self.links.push(unlinked);
            return Id::new(index, 1);
        }
        let index = self.first_free;
        let slot = &mut self.slots[index as usize];
        self.first_free = slot.next_free;
        slot.tenant = Some(tenant);
        self.links[index as usize] = unlinked;
        Id::new(index, self.slots[index as usize].generation)
    }

    /// Gives the slot back; an id that was kept from now on names nothing.
    pub(crate) fn remove(&mut self, id: Id<K>) -> Option<T> {
        let slot = self.slots.get_mut(id.index())?;
        if slot.generation != id.generation() {
            return None;
        }
        let tenant = slot.tenant.take()?;
        slot.generation = match slot.generation {
            u32::MAX => 1,
            generation => generation + 1,
        };
        slot.next_free = self.first_free;
        self.first_free = id.index() as u32;
        self.live -= 1;
        Some(tenant)
    }

    pub(crate) fn get(&self, id: Id<K>) -> Option<&T> {
        let slot = self.slots.get(id.index())?;
        if slot.generation == id.generation() {
            slot.tenant.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.index())?;
        if slot.generation == id.generation() {
            slot.tenant.as_mut()
        } else {
            None
        }
    }

    /// The first live tenant whose index is `from` or higher, for walks that may change the slab.
    pub(crate) fn next_from(&self, from: u32) -> Option<Id<K>> {
        if self.is_empty() {
            return None;
        }
        let skipped = self.slots.get(from as usize..)?;
        let ahead = skipped.iter().position(|slot| slot.tenant.is_some())?;
        let index = from + ahead as u32;
        Some(self.id_at(index))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id<K>> + '_ {
        (0..self.slots.len() as u32)
            .filter(|&index| self.slots[index as usize].tenant.is_some())
            .map(|index| self.id_at(index))
    }

    fn id_at(&self, index: u32) -> Id<K> {
        Id::new(index, self.slots[index as usize].generation)
    }

    pub(crate) fn push_back(&mut self, list: &mut List, link: usize, id: Id<K>) {
        let index = id.index() as u32;
        self.links[index as usize][link] = Link {
            before: list.last,
            after: NONE,
        };
        match list.last {
            NONE => list.first = index,
            last => self.links[last as usize][link].after = index,
        }
        list.last = index;
    }

    pub(crate) fn first(&self, list: &List) -> Option<Id<K>> {
        if list.first == NONE {
            None
        } else {
            Some(self.id_at(list.first))
        }
    }

    pub(crate) fn after(&self, link: usize, id: Id<K>) -> Option<Id<K>> {
        match self.links[id.index()][link].after {
            NONE => None,
            after => Some(self.id_at(after)),
        }
    }

    pub(crate) fn pop_front(&mut self, list: &mut List, link: usize) -> Option<Id<K>> {
        let id = self.first(list)?;
        self.unlink(list, link, id);
        Some(id)
    }

    /// Takes a tenant out of the list it stands in by `link`.
    pub(crate) fn unlink(&mut self, list: &mut List, link: usize, id: Id<K>) {
        let Link { before, after } = self.links[id.index()][link];
        match before {
            NONE => list.first = after,
            before => self.links[before as usize][link].after = after,
        }
        match after {
            NONE => list.last = before,
            after => self.links[after as usize][link].before = before,
        }
        self.links[id.index()][link] = Link {
            before: NONE,
            after: NONE,
        };
    }
}

impl<K, T, const LINKS: usize> Index<Id<K>> for Slab<K, T, LINKS> {
    type Output = T;

    #[expect(clippy::expect_used, reason = "ids inside the machine name live slots")]
    fn index(&self, id: Id<K>) -> &T {
        self.get(id)
            .expect("an id inside the machine names a live slot")
    }
}

impl<K, T, const LINKS: usize> IndexMut<Id<K>> for Slab<K, T, LINKS> {
    #[expect(clippy::expect_used, reason = "ids inside the machine name live slots")]
    fn index_mut(&mut self, id: Id<K>) -> &mut T {
        self.get_mut(id)
            .expect("an id inside the machine names a live slot")
    }
}
