//! Where the machine keeps its things: dense places with generations, and lists threaded through
//! them.
//!
//! A place has `LINKS` pairs of neighbours, so its tenant can stand in that many lists without an
//! allocation, and leave any of them in O(1).
//!
//! # Invariants
//!
//! - An id held anywhere inside the machine names a tenant; that is why `Index` may be used
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

/// Each kind of thing that a walk touches stands in a row of its own, because with many tenants
/// each line of the cache is a miss: checking an id reads only generations, and leaving a list,
/// which touches two strangers, reads only links.
pub(crate) struct Slab<K, T, const LINKS: usize> {
    tenants: Vec<Option<T>>,
    /// By index: how many tenants there were, the present one included.
    generations: Vec<u32>,
    /// By index: neighbours in each list.
    links: Vec<[Link; LINKS]>,
    /// Indices without a tenant; the last is taken first.
    vacant: Vec<u32>,
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

impl<K, T: Clone, const LINKS: usize> Clone for Slab<K, T, LINKS> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.tenants.clone_from(&source.tenants);
        self.generations.clone_from(&source.generations);
        self.links.clone_from(&source.links);
        self.vacant.clone_from(&source.vacant);
    }
}

impl<K, T, const LINKS: usize> Slab<K, T, LINKS> {
    pub(crate) const fn new() -> Self {
        Self {
            tenants: Vec::new(),
            generations: Vec::new(),
            links: Vec::new(),
            vacant: Vec::new(),
            kind: PhantomData,
        }
    }

    pub(crate) const fn len(&self) -> u32 {
        (self.tenants.len() - self.vacant.len()) as u32
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id that the next tenant will have.
    pub(crate) fn vacant(&self) -> Id<K> {
        match self.vacant.last() {
            Some(&index) => self.id_at(index),
            None => Id::new(self.tenants.len() as u32, 1),
        }
    }

    pub(crate) fn insert(&mut self, tenant: T) -> Id<K> {
        let id = self.vacant();
        let unlinked = [Link {
            before: NONE,
            after: NONE,
        }; LINKS];
        if self.vacant.pop().is_some() {
            self.tenants[id.index()] = Some(tenant);
            self.links[id.index()] = unlinked;
        } else {
            self.tenants.push(Some(tenant));
            self.generations.push(id.generation());
            self.links.push(unlinked);
        }
        id
    }

    /// Gives the place back; an id that was kept from now on names nothing.
    pub(crate) fn remove(&mut self, id: Id<K>) -> Option<T> {
        if self.generations.get(id.index()) != Some(&id.generation()) {
            return None;
        }
        let tenant = self.tenants[id.index()].take()?;
        self.generations[id.index()] = match id.generation() {
            u32::MAX => 1,
            generation => generation + 1,
        };
        self.vacant.push(id.index() as u32);
        Some(tenant)
    }

    pub(crate) fn get(&self, id: Id<K>) -> Option<&T> {
        if self.generations.get(id.index()) == Some(&id.generation()) {
            self.tenants[id.index()].as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        if self.generations.get(id.index()) == Some(&id.generation()) {
            self.tenants[id.index()].as_mut()
        } else {
            None
        }
    }

    /// The first live tenant whose index is `from` or higher, for walks that may change the slab.
    pub(crate) fn next_from(&self, from: u32) -> Option<Id<K>> {
        let rest = self.tenants.get(from as usize..)?;
        let ahead = rest.iter().position(Option::is_some)?;
        Some(self.id_at(from + ahead as u32))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Id<K>> + '_ {
        let live = self.tenants.iter().enumerate();
        live.filter(|(_, tenant)| tenant.is_some())
            .map(|(index, _)| self.id_at(index as u32))
    }

    fn id_at(&self, index: u32) -> Id<K> {
        Id::new(index, self.generations[index as usize])
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

    pub(crate) fn last(&self, list: &List) -> Option<Id<K>> {
        if list.last == NONE {
            None
        } else {
            Some(self.id_at(list.last))
        }
    }

    pub(crate) fn before(&self, link: usize, id: Id<K>) -> Option<Id<K>> {
        match self.links[id.index()][link].before {
            NONE => None,
            before => Some(self.id_at(before)),
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
