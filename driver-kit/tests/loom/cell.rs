//! The published cell alone: readers against publishing and withdrawing. Under loom only, because
//! loom's cell sees who touches what without having synchronised; so a relaxed order is found, too.
//!
//! All of them are explored whole. Two threads each, three where two readers are named.

use crate::scenarios::world::joined;
use crate::scenarios::{Scenario, whole};
use driver_kit::contents::Published;
use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};
use std::sync::Arc;

/// Counts its drops, and what is behind it may not be read after that: loom's cell tells.
struct Value {
    number: usize,
    alive: loom::cell::UnsafeCell<bool>,
    drops: Arc<AtomicUsize>,
}

impl Value {
    fn new(number: usize, drops: &Arc<AtomicUsize>) -> Self {
        Self {
            number,
            alive: loom::cell::UnsafeCell::new(true),
            drops: Arc::clone(drops),
        }
    }

    #[expect(unsafe_code, reason = "loom checks this very access")]
    fn read(&self) -> usize {
        // SAFETY: only a drop writes, and that no read goes on beside it is what loom checks.
        self.alive.with(|alive| assert!(unsafe { *alive }));
        self.number
    }
}

impl Drop for Value {
    #[expect(unsafe_code, reason = "loom checks this very access")]
    fn drop(&mut self) {
        // SAFETY: as above.
        self.alive.with_mut(|alive| unsafe { *alive = false });
        self.drops.fetch_add(1, Relaxed);
    }
}

// SAFETY: the cell inside is read by sharers and written by the drop alone.
#[expect(unsafe_code, reason = "loom's cell is not Sync by itself")]
unsafe impl Sync for Value {}

fn world() -> (Arc<Published<Value>>, Arc<AtomicUsize>) {
    (Arc::new(Published::new()), Arc::new(AtomicUsize::new(0)))
}

pub(crate) fn room() -> Vec<Scenario> {
    vec![
        whole(a_read_while_contents_are_published_sees_all_or_nothing),
        whole(a_withdraw_against_readers_drops_once_and_never_under_one),
        whole(a_publish_after_a_withdraw_waits_for_the_readers_to_leave),
        whole(of_two_withdrawals_one_gets_the_contents),
        whole(of_two_publications_one_is_let_in),
    ]
}

/// G4: contents that are published are whole: who sees them sees what was made before.
fn a_read_while_contents_are_published_sees_all_or_nothing() {
    let (cell, drops) = world();
    let reader = {
        let cell = Arc::clone(&cell);
        thread::spawn(move || cell.read(Value::read))
    };
    assert!(cell.publish(Value::new(7, &drops)).is_ok());
    assert!(matches!(joined(reader), None | Some(7)));
    assert_eq!(cell.read(Value::read), Some(7));
    drop(cell);
    assert_eq!(drops.load(Relaxed), 1);
}

/// G1: contents are dropped once, when the last of two readers is out, and never under one.
fn a_withdraw_against_readers_drops_once_and_never_under_one() {
    let (cell, drops) = world();
    assert!(cell.publish(Value::new(7, &drops)).is_ok());
    let readers = [(); 2].map(|()| {
        let cell = Arc::clone(&cell);
        thread::spawn(move || cell.read(Value::read))
    });
    drop(cell.withdraw());
    assert_eq!(cell.read(Value::read), None);
    for reader in readers {
        assert!(matches!(joined(reader), None | Some(7)));
    }
    assert_eq!(
        drops.load(Relaxed),
        1,
        "dropped when the last one left, not with the cell"
    );
}

/// G1: the next contents are let in when the readers of the last have left, and not before.
fn a_publish_after_a_withdraw_waits_for_the_readers_to_leave() {
    let (cell, drops) = world();
    assert!(cell.publish(Value::new(1, &drops)).is_ok());
    let reader = {
        let cell = Arc::clone(&cell);
        thread::spawn(move || [cell.read(Value::read), cell.read(Value::read)])
    };
    let back = cell.withdraw().is_some();
    let second = cell.publish(Value::new(2, &drops)).is_ok();
    assert!(second || !back, "nobody was inside, so the cell was free");
    for seen in joined(reader).into_iter().flatten() {
        assert!(seen == 1 || (second && seen == 2));
    }
    assert_eq!(cell.read(Value::read), second.then_some(2));
    assert!(
        second || cell.publish(Value::new(3, &drops)).is_ok(),
        "the reader has left"
    );
    drop(cell);
    assert_eq!(drops.load(Relaxed), if second { 2 } else { 3 });
}

/// G1: who takes the contents out takes them alone.
fn of_two_withdrawals_one_gets_the_contents() {
    let (cell, drops) = world();
    assert!(cell.publish(Value::new(7, &drops)).is_ok());
    let other = {
        let cell = Arc::clone(&cell);
        thread::spawn(move || cell.withdraw().is_some())
    };
    let own = cell.withdraw().is_some();
    assert!(own != joined(other));
    assert_eq!(drops.load(Relaxed), 1);
}

/// G1: who puts contents in puts them in alone.
fn of_two_publications_one_is_let_in() {
    let (cell, drops) = world();
    let other = {
        let (cell, drops) = (Arc::clone(&cell), Arc::clone(&drops));
        thread::spawn(move || cell.publish(Value::new(2, &drops)).is_ok())
    };
    let own = cell.publish(Value::new(1, &drops)).is_ok();
    let seen = cell.read(Value::read);
    assert!(own != joined(other));
    assert!(if own {
        seen == Some(1)
    } else {
        matches!(seen, None | Some(2))
    });
    drop(cell);
    assert_eq!(drops.load(Relaxed), 2);
}
