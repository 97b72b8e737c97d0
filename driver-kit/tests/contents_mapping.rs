//! G4, G6: a mapping shows the file's bytes, and no others when the file is cut.
#![cfg(not(any(staging_loom, staging_shuttle)))]
#![expect(unsafe_code, reason = "slices are what the caller vouches for")]

mod smaps;

use driver_kit::contents::{Contents, Mapping, Memory, PAGE, Share, Truncated};
use smaps::{Wish, wish_at};
use std::{
    error::Error,
    fs::File,
    io::{self, Write},
    os::{fd::AsFd, unix::fs::FileExt},
    sync::Arc,
};

type Outcome = Result<(), Box<dyn Error>>;

const SIZES: [usize; 8] = [1, 4095, 4096, 4097, 8192, 10_000, 1 << 20, (5 << 20) + 3];

/// Never zero, so that a byte which the file never held is seen at once.
fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(31) ^ (at >> 12)) as u8 | 1)
        .collect()
}

/// A file in the folder for temporary files and one in memory, where there is one: what is
/// promised is promised on both.
fn files(bytes: &[u8]) -> io::Result<Vec<File>> {
    let mut files = vec![tempfile::tempfile()?];
    files.extend(tempfile::tempfile_in("/dev/shm"));
    files
        .iter_mut()
        .try_for_each(|file| file.write_all(bytes))?;
    Ok(files)
}

fn map(memory: &Arc<Memory>, file: &File, len: usize) -> io::Result<Mapping> {
    Mapping::new(memory, file.as_fd(), len as u64, Share::Private)
}

fn read(mapping: &Mapping, offset: usize, len: usize) -> Result<Vec<u8>, Truncated> {
    let mut buf = vec![0; len];
    let n = mapping.read_at(offset as u64, &mut buf)?;
    buf.truncate(n);
    Ok(buf)
}

/// G4
#[test]
fn a_mapping_equals_its_file() -> Outcome {
    let memory = Memory::new(u64::MAX);
    for len in SIZES {
        let bytes = pattern(len);
        for file in files(&bytes)? {
            for share in [Share::Private, Share::Shared] {
                let mapping = Mapping::new(&memory, file.as_fd(), len as u64, share)?;
                mapping.populate(0, len as u64)?;
                assert_eq!(mapping.len(), len as u64);
                assert!(mapping.is_intact() && !mapping.is_empty());
                assert_eq!(read(&mapping, 0, len + 9)?, bytes);
                for at in [0, 1, len / 2, len.saturating_sub(PAGE), len - 1] {
                    let end = len.min(at + 5000);
                    assert_eq!(read(&mapping, at, 5000)?, bytes[at..end]);
                }
                assert_eq!(read(&mapping, len, 1)?, []);
                assert_eq!(mapping.read_at(u64::MAX, &mut [0]), Ok(0));
                // SAFETY: nobody else has the file, and nothing writes it while this is read.
                assert_eq!(unsafe { mapping.as_slice() }, bytes);
            }
        }
    }
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}

/// G4
#[test]
fn a_populated_mapping_is_resident_to_its_last_page_and_not_beyond_its_charge() -> Outcome {
    let memory = Memory::new(u64::MAX);
    for len in SIZES {
        for file in files(&pattern(len))? {
            let mapping = map(&memory, &file, len)?;
            mapping.want_huge();
            mapping.populate(0, len as u64 / 2)?;
            mapping.populate(len as u64 / 2, u64::MAX)?;
            assert_eq!(mapping.resident_pages()? * PAGE as u64, mapping.charged());
        }
    }
    Ok(())
}

/// G4: what is asked for comes in. A hole has no page in memory before it is touched.
#[test]
fn populating_brings_in_the_pages_of_the_range() -> Outcome {
    const PAGES: usize = 4096;
    const A_HUGE_ONE: u64 = 512;
    let memory = Memory::new(u64::MAX);
    for (at, file) in files(&[])?.into_iter().enumerate() {
        file.set_len((PAGES * PAGE) as u64)?;
        let mapping = map(&memory, &file, PAGES * PAGE)?;
        let before = mapping.resident_pages()?;
        mapping.populate(1000 * PAGE as u64 + 1, 1000 * PAGE as u64)?;
        let came = mapping.resident_pages()? - before;
        assert!(came >= 1001, "{came} pages");
        // From a disk, the system may read ahead as far as it likes; in memory it does not.
        let in_memory = at > 0;
        assert!(!in_memory || came <= 1001 + A_HUGE_ONE, "{came} pages");
        mapping.populate(0, u64::MAX)?;
        assert_eq!(mapping.resident_pages()?, PAGES as u64 + 1);
    }
    Ok(())
}

/// G4: the file's own pages may be huge, the copy of the last and the sentinel are small.
#[test]
fn huge_pages_are_wished_for_in_the_file_alone() -> Outcome {
    let memory = Memory::new(u64::MAX);
    for (pages, own) in [(1, 0), (2, 1), (700, 699)] {
        for file in files(&pattern(pages * PAGE))? {
            let mapping = map(&memory, &file, pages * PAGE)?;
            mapping.want_huge();
            // SAFETY: of the slice only the address is used.
            let address = unsafe { mapping.as_slice() }.as_ptr().addr();
            let wish = match own {
                0 => Wish::None,
                own => Wish::Huge(own),
            };
            assert!(wish_at(address)?.is_none_or(|wished| wished == wish));
        }
    }
    Ok(())
}

/// G4
#[test]
fn mapped_contents_are_copied_not_handed_out() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let bytes = pattern(9000);
    for file in files(&bytes)? {
        let contents = Contents::Mapped(Arc::new(map(&memory, &file, 9000)?));
        assert!(contents.bytes(0, 10).is_none());
        let mut buf = [0; 10];
        assert_eq!(contents.read_at(8995, &mut buf), Ok(5));
        assert_eq!(buf[..5], bytes[8995..]);
        assert!(contents.is_intact());
        file.set_len(1)?;
        assert!(!contents.is_intact());
        let said = contents.read_at(0, &mut buf).map_err(|cut| cut.to_string());
        assert!(said.is_err_and(|said| said.contains("truncated the file")));
    }
    Ok(())
}

/// G6
#[test]
fn a_file_already_shorter_is_not_mapped() -> Outcome {
    let memory = Memory::new(u64::MAX);
    for len in [4095, 4096, 4097, 40_000] {
        for file in files(&pattern(len))? {
            for asked in [len + 1, len + PAGE, len + 5 * PAGE] {
                let refused = map(&memory, &file, asked);
                assert!(refused.is_err_and(|e| e.kind() == io::ErrorKind::UnexpectedEof));
            }
            let refused = map(&memory, &file, 0);
            assert!(refused.is_err_and(|e| e.kind() == io::ErrorKind::InvalidInput));
            let refused = Mapping::new(&memory, file.as_fd(), u64::MAX, Share::Private);
            assert!(refused.is_err_and(|e| e.kind() == io::ErrorKind::InvalidInput));
        }
    }
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}

/// G10: what no address space holds is refused as such, and the largest that might be held is
/// refused for want of budget.
#[test]
fn a_length_that_no_machine_maps_is_invalid() -> Outcome {
    const LARGEST: usize = isize::MAX as usize - 2 * PAGE;
    let memory = Memory::new(1 << 20);
    let file = tempfile::tempfile()?;
    let refused = map(&memory, &file, LARGEST + 1);
    assert!(refused.is_err_and(|e| e.kind() == io::ErrorKind::InvalidInput));
    let refused = map(&memory, &file, LARGEST);
    assert!(refused.is_err_and(|e| e.raw_os_error() == Some(libc::ENOMEM)));
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}

/// G6: wherever the file is cut, each read is right or says *truncated*, never zeros.
#[test]
fn a_cut_anywhere_shows_right_bytes_or_truncated() -> Outcome {
    let memory = Memory::new(u64::MAX);
    for len in [
        1,
        4095,
        4096,
        4097,
        8192,
        8193,
        10_000,
        5 * PAGE,
        40 * PAGE + 77,
    ] {
        let bytes = pattern(len);
        let last = (len - 1) / PAGE * PAGE;
        let cuts = [
            0,
            1,
            PAGE - 1,
            PAGE,
            PAGE + 1,
            len / 2,
            last.saturating_sub(1),
            last,
            last + 1,
            len - 1,
        ];
        for cut in cuts.into_iter().filter(|cut| *cut < len) {
            for populated in [true, false] {
                for file in files(&bytes)? {
                    let mapping = map(&memory, &file, len)?;
                    if populated {
                        mapping.populate(0, len as u64)?;
                    }
                    file.set_len(cut as u64)?;
                    // The page that the cut lies in first: nothing faults there.
                    let mut ok = 0;
                    for at in [
                        cut / PAGE * PAGE,
                        cut.saturating_sub(10),
                        cut,
                        0,
                        last,
                        len - 1,
                    ] {
                        if let Ok(read) = read(&mapping, at, 100) {
                            assert_eq!(
                                read,
                                bytes[at..len.min(at + 100)],
                                "{len} cut to {cut}, {at}"
                            );
                            ok += 1;
                        }
                    }
                    match read(&mapping, 0, len) {
                        Ok(all) => assert_eq!(all, bytes),
                        Err(Truncated) => assert_eq!(ok, 0),
                    }
                    // Only a cut within the last page loses nothing.
                    assert_eq!(mapping.is_intact(), cut > last, "{len} cut to {cut}");
                    assert_eq!(ok > 0, cut > last, "{len} cut to {cut}");
                }
            }
        }
    }
    Ok(())
}

/// G6: no fault tells of this one, only the word in the sentinel does.
#[test]
fn a_file_cut_and_grown_again_is_no_longer_intact() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let bytes = pattern(10 * PAGE + 5);
    for cut in [0, 100, 3 * PAGE + 9, 10 * PAGE] {
        for file in files(&bytes)? {
            let mapping = map(&memory, &file, bytes.len())?;
            mapping.populate(0, mapping.len())?;
            file.set_len(cut as u64)?;
            file.write_all_at(&bytes[cut..], cut as u64)?;
            assert_eq!(read(&mapping, 0, 10), Err(Truncated));
            assert!(!mapping.is_intact());
            assert!(mapping.populate(0, 1).is_err());
        }
    }
    Ok(())
}

/// G6
#[test]
fn a_slice_of_a_cut_file_stays_readable() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let bytes = pattern(64 * PAGE);
    for file in files(&bytes)? {
        let mapping = map(&memory, &file, bytes.len())?;
        // SAFETY: broken on purpose further down by a cut, which is what the promise covers:
        // the bytes are only compared, each through a volatile read.
        let slice = unsafe { mapping.as_slice() };
        file.set_len(10 * PAGE as u64)?;
        let at = |at: usize| {
            // SAFETY: `at` is within the slice.
            unsafe { (&raw const slice[at]).read_volatile() }
        };
        assert!((0..10 * PAGE).all(|i| at(i) == bytes[i]));
        assert!(
            (10 * PAGE..63 * PAGE).all(|i| at(i) == 0),
            "lost pages read as zero"
        );
        assert!(
            (63 * PAGE..64 * PAGE).all(|i| at(i) == bytes[i]),
            "the last page was copied, and is not lost"
        );
        assert!(!mapping.is_intact());
        let other = files(&bytes)?.pop().ok_or("a file")?;
        assert_eq!(
            read(&map(&memory, &other, bytes.len())?, 0, bytes.len())?,
            bytes
        );
    }
    Ok(())
}

/// G6: reading a lost gigabyte page by page would raise a quarter of a million signals.
#[test]
fn a_large_read_of_a_cut_file_ends_early() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let len = 1 << 30;
    let file = tempfile::tempfile()?;
    file.set_len(len as u64)?;
    let mapping = map(&memory, &file, len)?;
    file.set_len(1)?;
    let mut buf = vec![0; 64 << 20];
    assert_eq!(mapping.read_at(PAGE as u64, &mut buf), Err(Truncated));
    // Each fault put a page in; a first piece of a mebibyte may have, and no more.
    let repaired = mapping.resident_pages()?;
    assert!(repaired <= 256 + 3, "{repaired} faults");
    Ok(())
}

/// G4: another process may rewrite the file; what shows is what the file holds.
#[test]
fn a_rewrite_in_place_shows_and_keeps_the_mapping_intact() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let bytes = pattern(3 * PAGE);
    for file in files(&bytes)? {
        let mapping = map(&memory, &file, bytes.len())?;
        mapping.populate(0, mapping.len())?;
        file.write_all_at(&[200; 100], 50)?;
        assert_eq!(read(&mapping, 50, 100)?, [200; 100]);
        file.set_len(9 * PAGE as u64)?;
        assert!(mapping.is_intact());
        assert_eq!(read(&mapping, 0, 9 * PAGE)?.len(), bytes.len());
    }
    Ok(())
}
