//! G6 where areas of address space are short: the system grants a process a fixed number.

use super::{Outcome, file, in_a_child, map, survive_one};
use driver_kit::contents::{Mapping, PAGE};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::{
    ffi::c_void,
    fs::{self, File},
    io,
    ops::Range,
    ptr,
};

/// The areas of address space that lie in the range.
fn areas_in(range: &Range<usize>) -> io::Result<usize> {
    let all = fs::read_to_string("/proc/self/maps")?;
    let starts = all.lines().filter_map(|line| {
        let start = line.split('-').next()?;
        usize::from_str_radix(start, 16).ok()
    });
    Ok(starts.filter(|start| range.contains(start)).count())
}

/// G6: a page that cannot be read costs itself alone, but a large file that was cut is repaired in
/// few pieces, wherever it is touched: each is an area, and the system grants a fixed number.
#[test]
fn a_large_file_that_was_cut_is_repaired_in_few_pieces() -> Outcome {
    const PAGES: usize = 1 << 15;
    let end = in_a_child(
        "areas::a_large_file_that_was_cut_is_repaired_in_few_pieces",
        || {
            for order in [1, 2, PAGES / 2 + 1, PAGES - 1] {
                let file = tempfile::tempfile()?;
                file.set_len((PAGES * PAGE) as u64)?;
                let mapping = map(&file, PAGES)?;
                // SAFETY: broken by the cut, which is what the promise covers: each byte is read once.
                let slice = unsafe { mapping.as_slice() };
                let all = slice.as_ptr().addr()..slice.as_ptr().addr() + slice.len();
                file.set_len(0)?;
                let lost = (0..PAGES).all(|step| {
                    let page = step * order % PAGES;
                    // SAFETY: the page is within the slice.
                    unsafe { (&raw const slice[page * PAGE]).read_volatile() == 0 }
                });
                assert!(lost && !mapping.is_intact());
                let areas = areas_in(&all)?;
                assert!((1..=40).contains(&areas), "order {order}: {areas} areas");
            }
            Ok(())
        },
    )?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// Takes every area that the system grants this process; the first is to be unmapped as a whole.
fn take_all_areas() -> io::Result<(*mut c_void, usize)> {
    let granted = fs::read_to_string("/proc/sys/vm/max_map_count")?;
    let granted: usize = granted.trim().parse().map_err(io::Error::other)?;
    let (flags, none) = (MapFlags::PRIVATE, ProtFlags::empty());
    let len = 2 * granted * PAGE;
    // SAFETY: new mappings replace nothing, and nobody touches them.
    let start = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, none, flags) }?;
    for page in (0..2 * granted).step_by(2) {
        let at = start.cast::<u8>().wrapping_add(page * PAGE).cast();
        // SAFETY: the page is part of that mapping.
        let done = unsafe { rustix::mm::mprotect(at, PAGE, MprotectFlags::READ) };
        if done.is_err() {
            break;
        }
    }
    // `mmap` goes one area further than all other calls.
    let prots = [ProtFlags::READ, none];
    for prot in prots.into_iter().cycle() {
        // SAFETY: as above.
        if unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), PAGE, prot, flags) }.is_err() {
            break;
        }
    }
    Ok((start, len))
}

/// G3, G6: what could not be repaired is not mapped.
#[test]
fn where_no_areas_are_left_nothing_is_mapped() -> Outcome {
    let end = in_a_child("areas::where_no_areas_are_left_nothing_is_mapped", || {
        let file = file(3)?;
        let (start, len) = take_all_areas()?;
        let refused = map(&file, 3).map(drop);
        // SAFETY: nobody touches that mapping.
        unsafe { rustix::mm::munmap(start, len) }?;
        assert!(refused.is_err_and(|error| error.kind() == io::ErrorKind::Unsupported));
        survive_one()
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G6: a process that has every area the system grants survives cuts of all its mappings.
#[test]
fn where_no_areas_are_left_every_cut_is_survived() -> Outcome {
    const FILES: usize = 200;
    let end = in_a_child(
        "areas::where_no_areas_are_left_every_cut_is_survived",
        || {
            let files: Vec<File> = (0..FILES).map(|_| file(64)).collect::<io::Result<_>>()?;
            let map = |file| map(file, 64);
            let mappings: Vec<Mapping> = files.iter().map(map).collect::<io::Result<_>>()?;
            let (start, len) = take_all_areas()?;
            // Nothing is allocated from here on.
            let mut wrong = 0;
            for (file, mapping) in files.iter().zip(&mappings) {
                wrong += usize::from(file.set_len(PAGE as u64).is_err());
                // SAFETY: broken by the cut, which is what the promise covers: each byte is read once.
                let slice = unsafe { mapping.as_slice() };
                for page in [40, 3, 20, 1, 62] {
                    // SAFETY: the page is within the slice.
                    let byte = unsafe { (&raw const slice[page * PAGE]).read_volatile() };
                    wrong += usize::from(byte != 0);
                }
                wrong += usize::from(mapping.is_intact());
            }
            // SAFETY: nobody touches that mapping.
            unsafe { rustix::mm::munmap(start, len) }?;
            assert_eq!(wrong, 0);
            drop(mappings);
            survive_one()
        },
    )?;
    assert!(end.success(), "{end}");
    Ok(())
}
