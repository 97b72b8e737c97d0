//! Which operations on a file meet: a search tree over the ranges of all that are accepted and not
//! ended, kept in balance by random priorities (a treap).
//!
//! A node knows of everything below it the farthest end, and the earliest and the latest place in
//! the order, so that a search passes by what is apart from its range or came later.

use crate::id::Id;
use crate::keys::scatter;
use crate::slab::NONE;
use alloc::vec::Vec;

/// A range of bytes, from `start` to before `end`; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Range {
    pub(crate) const ALL: Range = Range {
        start: 0,
        end: u64::MAX,
    };
}

/// What an operation does to its range. Two that only look never stand in each other's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    Looks,
    Changes,
}

/// The tree of one file.
#[derive(Clone, Copy)]
pub(crate) struct Root(u32);

impl Root {
    pub(crate) const EMPTY: Root = Root(NONE);

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == NONE
    }
}

/// The trees of all files: an operation has its node at its own index. Locks have trees of their own.
pub(crate) struct Intervals<K> {
    nodes: Vec<Node<K>>,
    /// The place in the order that the last one took.
    seq: u64,
}

struct Node<K> {
    op: Id<K>,
    range: Range,
    seq: u64,
    touch: Touch,
    left: u32,
    right: u32,
    sum: Sum,
}

/// What a node knows of itself and everything below it.
#[derive(Clone, Copy)]
struct Sum {
    /// The greatest end.
    reach: u64,
    /// The least place in the order.
    earliest: u64,
    /// The same, of those that change something.
    earliest_change: u64,
    /// The greatest place in the order.
    latest: u64,
}

impl Sum {
    const NOTHING: Sum = Sum {
        reach: 0,
        earliest: u64::MAX,
        earliest_change: u64::MAX,
        latest: 0,
    };

    /// Of all these together.
    fn and(self, other: Sum) -> Sum {
        Sum {
            reach: self.reach.max(other.reach),
            earliest: self.earliest.min(other.earliest),
            earliest_change: self.earliest_change.min(other.earliest_change),
            latest: self.latest.max(other.latest),
        }
    }
}

/// The best that a search has found by now.
struct Best {
    /// Its place in the order.
    seq: u64,
    /// Its node, or `NONE`.
    at: u32,
}

impl<K> Node<K> {
    /// The sum where nothing is below.
    const fn alone(&self) -> Sum {
        Sum {
            reach: self.range.end,
            earliest: self.seq,
            earliest_change: match self.touch {
                Touch::Changes => self.seq,
                Touch::Looks => u64::MAX,
            },
            latest: self.seq,
        }
    }
}

impl<K> Clone for Node<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Node<K> {}

impl<K> Clone for Intervals<K> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.nodes.clone_from(&source.nodes);
        self.seq = source.seq;
    }
}

impl<K> Intervals<K> {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            seq: 0,
        }
    }

    /// Adds an operation behind all others.
    pub(crate) fn insert(&mut self, root: &mut Root, op: Id<K>, range: Range, touch: Touch) {
        self.seq += 1;
        let mut node = Node {
            op,
            range,
            seq: self.seq,
            touch,
            left: NONE,
            right: NONE,
            sum: Sum::NOTHING,
        };
        node.sum = node.alone();
        let index = op.index();
        if self.nodes.len() <= index {
            self.nodes.resize(index + 1, node);
        }
        self.nodes[index] = node;
        self.hang(root, index as u32);
    }

    /// Takes an operation out of the tree it stands in.
    pub(crate) fn remove(&mut self, root: &mut Root, op: Id<K>) {
        root.0 = self.remove_below(root.0, op.index() as u32);
    }

    /// The latest of those that came before an operation, meet it, and may not be overtaken by it
    /// (R1).
    pub(crate) fn blocker(&self, root: Root, op: Id<K>) -> Option<Id<K>> {
        let mine = self.nodes[op.index()];
        let mut best = Best { seq: 0, at: NONE };
        self.search(root.0, &mine, &mut best);
        self.op_of(best)
    }

    /// The first in the order of those that change a byte.
    pub(crate) fn first_change_at(&self, root: Root, byte: u64) -> Option<Id<K>> {
        let (seq, at) = (u64::MAX, NONE);
        let mut best = Best { seq, at };
        self.search_first(root.0, byte, &mut best);
        self.op_of(best)
    }

    fn op_of(&self, best: Best) -> Option<Id<K>> {
        match best.at {
            NONE => None,
            at => Some(self.nodes[at as usize].op),
        }
    }

    /// The place in the order that an operation took.
    pub(crate) fn place(&self, op: Id<K>) -> u64 {
        self.nodes[op.index()].seq
    }

    /// All of a tree in the order of their places.
    pub(crate) fn in_order(&self, root: Root) -> Vec<(Id<K>, Range, Touch)> {
        let mut all = Vec::new();
        self.collect(root.0, &mut all);
        all.sort_by_key(|node| node.seq);
        let shown = |node: &Node<K>| (node.op, node.range, node.touch);
        all.iter().map(shown).collect()
    }

    fn collect(&self, at: u32, all: &mut Vec<Node<K>>) {
        if at != NONE {
            let node = self.nodes[at as usize];
            all.push(node);
            self.collect(node.left, all);
            self.collect(node.right, all);
        }
    }

    fn search(&self, at: u32, mine: &Node<K>, best: &mut Best) {
        if at == NONE {
            return;
        }
        let node = &self.nodes[at as usize];
        let earliest = match mine.touch {
            Touch::Looks => node.sum.earliest_change,
            Touch::Changes => node.sum.earliest,
        };
        let (reach, latest) = (node.sum.reach, node.sum.latest);
        if reach <= mine.range.start || earliest >= mine.seq || latest <= best.seq {
            return;
        }
        if node.range.start < mine.range.end {
            let in_the_way = mine.touch == Touch::Changes || node.touch == Touch::Changes;
            let meets = node.range.end > mine.range.start && in_the_way;
            if meets && node.seq < mine.seq && node.seq > best.seq {
                *best = Best { seq: node.seq, at };
            }
            self.search(node.right, mine, best);
        }
        self.search(node.left, mine, best);
    }

    fn search_first(&self, at: u32, byte: u64, best: &mut Best) {
        if at == NONE {
            return;
        }
        let node = &self.nodes[at as usize];
        if node.sum.reach <= byte || node.sum.earliest_change >= best.seq {
            return;
        }
        if node.range.start <= byte {
            let changes = node.touch == Touch::Changes && node.range.end > byte;
            if changes && node.seq < best.seq {
                *best = Best { seq: node.seq, at };
            }
            self.search_first(node.right, byte, best);
        }
        self.search_first(node.left, byte, best);
    }

    /// Goes down to where nobody has a greater priority, and splits what stands there. Whatever it passes
    /// has one more below it: no other node is looked at.
    fn hang(&mut self, root: &mut Root, new: u32) {
        let (key, priority) = (self.key(new), self.priority(new));
        let own = self.nodes[new as usize].sum;
        let (mut above, mut at, mut is_left) = (NONE, root.0, false);
        while at != NONE && self.priority(at) > priority {
            is_left = key < self.key(at);
            let node = &mut self.nodes[at as usize];
            node.sum = node.sum.and(own);
            (above, at) = match is_left {
                true => (at, node.left),
                false => (at, node.right),
            };
        }
        if at != NONE {
            let (left, right) = self.split(at, key);
            let node = &mut self.nodes[new as usize];
            (node.left, node.right) = (left, right);
            self.sum_up(new);
        }
        match above {
            NONE => root.0 = new,
            above if is_left => self.nodes[above as usize].left = new,
            above => self.nodes[above as usize].right = new,
        }
    }

    fn remove_below(&mut self, at: u32, gone: u32) -> u32 {
        if at == NONE {
            return NONE;
        }
        let node = self.nodes[at as usize];
        if at == gone {
            return self.join(node.left, node.right);
        }
        if self.key(gone) < self.key(at) {
            self.nodes[at as usize].left = self.remove_below(node.left, gone);
        } else {
            self.nodes[at as usize].right = self.remove_below(node.right, gone);
        }
        self.sum_up(at);
        at
    }

    /// What lies before a key, and what lies behind.
    fn split(&mut self, at: u32, key: (u64, u32)) -> (u32, u32) {
        if at == NONE {
            return (NONE, NONE);
        }
        if self.key(at) < key {
            let (left, right) = self.split(self.nodes[at as usize].right, key);
            self.nodes[at as usize].right = left;
            self.sum_up(at);
            (at, right)
        } else {
            let (left, right) = self.split(self.nodes[at as usize].left, key);
            self.nodes[at as usize].left = right;
            self.sum_up(at);
            (left, at)
        }
    }

    /// Of two trees, one wholly before the other, one.
    fn join(&mut self, left: u32, right: u32) -> u32 {
        if left == NONE || right == NONE {
            return if left == NONE { right } else { left };
        }
        if self.priority(left) > self.priority(right) {
            let joined = self.join(self.nodes[left as usize].right, right);
            self.nodes[left as usize].right = joined;
            self.sum_up(left);
            left
        } else {
            let joined = self.join(left, self.nodes[right as usize].left);
            self.nodes[right as usize].left = joined;
            self.sum_up(right);
            right
        }
    }

    fn sum_up(&mut self, at: u32) {
        let node = &self.nodes[at as usize];
        let (below, mut sum) = ([node.left, node.right], node.alone());
        for below in below {
            if below != NONE {
                sum = sum.and(self.nodes[below as usize].sum);
            }
        }
        self.nodes[at as usize].sum = sum;
    }

    fn key(&self, at: u32) -> (u64, u32) {
        (self.nodes[at as usize].range.start, at)
    }

    /// Any number that has nothing to do with the range will do.
    fn priority(&self, at: u32) -> (u64, u32) {
        (scatter(self.nodes[at as usize].seq), at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OpId;

    impl<K> Intervals<K> {
        /// No node has a greater priority than the one above it.
        fn is_heap(&self, at: u32) -> bool {
            let below = |child: u32| {
                let lower = child == NONE || self.priority(child) < self.priority(at);
                lower && self.is_heap(child)
            };
            at == NONE || {
                let node = &self.nodes[at as usize];
                below(node.left) && below(node.right)
            }
        }
    }

    #[test]
    fn r1_the_latest_that_is_in_the_way_is_found_among_random_ranges() {
        let mut tree = Intervals::new();
        let mut root = Root::EMPTY;
        let mut plain: Vec<(OpId, Range, Touch)> = Vec::new();
        let mut seed = 3u64;
        let mut dice = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        for _ in 0..20_000 {
            let op = OpId::new(dice(60) as u32, 1);
            if plain.iter().any(|(other, ..)| *other == op) {
                plain.retain(|(other, ..)| *other != op);
                tree.remove(&mut root, op);
            } else {
                let start = dice(100);
                let end = start + 1 + dice(20);
                let touch = [Touch::Looks, Touch::Changes][dice(2) as usize];
                let range = Range { start, end };
                plain.push((op, range, touch));
                tree.insert(&mut root, op, range, touch);
            }
            assert_eq!(root.is_empty(), plain.is_empty());
            assert!(tree.is_heap(root.0), "priorities fall from the root on");
            assert_eq!(tree.in_order(root), plain);
            for (at, (op, range, touch)) in plain.iter().enumerate() {
                let expected = plain[..at].iter().rfind(|(_, other, does)| {
                    let meets = other.start < range.end && other.end > range.start;
                    meets && (*touch == Touch::Changes || *does == Touch::Changes)
                });
                let found = tree.blocker(root, *op);
                assert_eq!(found, expected.map(|(op, ..)| *op));
                let first = plain.iter().find(|(_, other, does)| {
                    let there = other.start <= range.start && other.end > range.start;
                    there && *does == Touch::Changes
                });
                let found = tree.first_change_at(root, range.start);
                assert_eq!(found, first.map(|(op, ..)| *op));
            }
        }
    }

    #[test]
    fn a_tree_of_many_stays_low() {
        let mut tree = Intervals::new();
        let mut root = Root::EMPTY;
        for index in 0..4096u32 {
            let start = u64::from(index) * 10;
            let range = Range {
                start,
                end: start + 10,
            };
            tree.insert(&mut root, OpId::new(index, 1), range, Touch::Changes);
        }
        fn height<K>(tree: &Intervals<K>, at: u32) -> u32 {
            match at {
                NONE => 0,
                at => {
                    let node = tree.nodes[at as usize];
                    1 + height(tree, node.left).max(height(tree, node.right))
                }
            }
        }
        assert!(height(&tree, root.0) < 48);
    }

    /// A search that looked at all of them would take a hundred thousand times as long.
    #[test]
    fn a_search_among_many_looks_at_few() {
        const MANY: u32 = 1 << 16;
        let apart = |index: u32| u64::from(index) * 10;
        let same = |_: u32| 0;
        let places: [fn(u32) -> u64; 2] = [apart, same];
        for start in places {
            let (mut tree, mut root) = (Intervals::new(), Root::EMPTY);
            for index in 0..MANY {
                let range = Range {
                    start: start(index),
                    end: start(index) + 10,
                };
                tree.insert(&mut root, OpId::new(index, 1), range, Touch::Changes);
            }
            for index in 0..MANY {
                let before = index.checked_sub(1).filter(|_| start(index) == 0);
                let found = tree.blocker(root, OpId::new(index, 1));
                assert_eq!(found, before.map(|index| OpId::new(index, 1)));
            }
        }
    }
}
