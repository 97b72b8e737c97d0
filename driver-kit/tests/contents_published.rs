//! G1, G4: contents are read while they are published and dropped once after.
//!
//! The interleavings are loom's (`loom/cell.rs`); here is what one thread sees, and panics.
#![cfg(not(any(staging_loom, staging_shuttle)))]

use driver_kit::contents::{Contents, Memory, Published};
use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// G4
#[test]
fn what_is_published_is_read_until_it_is_withdrawn() {
    let cell = Published::new();
    assert_eq!(cell.read(|value: &u32| *value), None);
    assert_eq!(cell.withdraw(), None);
    assert_eq!(cell.publish(7), Ok(()));
    assert!(cell.is_published());
    assert_eq!(cell.publish(8), Err(8), "one at a time");
    assert_eq!(cell.read(|value| value + 1), Some(8));
    assert_eq!(cell.withdraw(), Some(7));
    assert_eq!(cell.publish(9), Ok(()), "at once, with no read between");
    assert_eq!(cell.withdraw(), Some(9));
    assert!(!cell.is_published());
    assert_eq!(cell.read(|value| *value), None);
}

/// What is found in a log of a hub: whether something is published, and what contents cost.
#[test]
fn what_is_shown_of_contents_says_how_they_stand() -> Result<(), Box<dyn Error>> {
    let memory = Memory::new(8192);
    assert!(format!("{memory:?}").contains("budget: 8192"));
    let loaded = memory.take(5000)?.freeze(5000);
    assert!(format!("{loaded:?}").contains("charged: 8192"));
    let cell = Published::default();
    assert!(format!("{cell:?}").contains("published: false"));
    assert!(cell.publish(Contents::Loaded(loaded)).is_ok());
    assert!(format!("{cell:?}").contains("published: true"));
    Ok(())
}

/// G1
#[test]
fn contents_withdrawn_under_a_reader_stay_until_it_leaves() {
    let cell = Published::new();
    let value = Arc::new(5);
    assert!(cell.publish(Arc::clone(&value)).is_ok());
    let seen = cell.read(|inside| {
        assert!(cell.withdraw().is_none());
        assert!(
            cell.publish(Arc::new(6)).is_err(),
            "the old one is being left"
        );
        assert_eq!(cell.read(|late| **late), None);
        assert_eq!(Arc::strong_count(&value), 2, "still there");
        **inside
    });
    assert_eq!(seen, Some(5));
    assert_eq!(Arc::strong_count(&value), 1, "the last one out dropped it");
    assert!(cell.publish(Arc::new(6)).is_ok());
}

/// G4
#[test]
fn a_reader_that_panics_is_counted_out() {
    let cell = Published::new();
    assert!(cell.publish(Arc::new(1)).is_ok());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        cell.read(|_| std::panic::resume_unwind(Box::new(())))
    }));
    assert!(panicked.is_err());
    assert_eq!(cell.withdraw().as_deref(), Some(&1));
}

/// G10: the hub keeps a clone and releases it, so it hears of what the last reader dropped.
#[test]
fn a_release_beside_the_cell_hears_of_the_last_reader() -> Result<(), Box<dyn Error>> {
    let memory = Memory::new(4096);
    let contents = Contents::Loaded(memory.take(10)?.freeze(10));
    let cell = Published::new();
    assert!(cell.publish(contents.clone()).is_ok());
    let (tell, told) = std::sync::mpsc::channel();
    let out = cell.read(|_| {
        drop(cell.withdraw());
        let out = contents.release(Arc::new(move |charged| assert!(tell.send(charged).is_ok())));
        assert!(told.try_recv().is_err(), "a reader is inside");
        out
    });
    assert_eq!(out, Some(4096));
    assert_eq!(told.try_recv(), Ok(4096));
    assert!(memory.take(4096).is_ok());
    Ok(())
}
