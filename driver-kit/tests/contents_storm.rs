//! G4, G6: a file that is cut and rewritten a thousand times under its readers, of copies and of
//! slices. `ROUNDS=10000` makes it longer.
#![cfg(not(any(staging_loom, staging_shuttle)))]
#![expect(unsafe_code, reason = "slices of a file that changes are looked at")]

use driver_kit::contents::{Mapping, Memory, PAGE, Share};
use std::{
    error::Error,
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::FileExt},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

const LEN: usize = 24 * PAGE + 123;

/// How often the file is changed.
fn rounds() -> u32 {
    let asked = std::env::var("ROUNDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(1_000)
}

/// What generation `g` writes at `at`: never zero, and the place can be told from it.
fn byte(at: usize, g: u32) -> u8 {
    0x80 | ((g as u8 & 1) << 6) | ((at ^ (at >> 6) ^ (at >> 12)) as u8 & 0x3f)
}

fn generation(g: u32) -> Vec<u8> {
    (0..LEN).map(|at| byte(at, g)).collect()
}

/// Reads a slice here and there: no byte was never in the file, and one that was lost reads as zero,
/// and then the mapping says so. Answers whether one was.
fn is_damaged(mapping: &Mapping, held: &[u8]) -> bool {
    let lost = (0..LEN).step_by(97).any(|at| {
        // SAFETY: the file changes under the slice, which is what is tried: of the slice only the
        // address is used, and the byte is read once, as it is.
        let byte = unsafe { (&raw const mapping.as_slice()[at]).read_volatile() };
        assert!(
            byte == 0 || byte & !0x40 == held[at],
            "{byte:#x} at {at} of a slice"
        );
        byte == 0
    });
    assert!(
        !lost || !mapping.is_intact(),
        "a damaged slice called itself intact"
    );
    lost
}

struct XorShift(u64);

impl XorShift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Reads whatever is mapped now until told to stop; answers how often it was right and how
/// often it was told *truncated*.
fn reader(
    current: &Mutex<Arc<Mapping>>,
    done: &AtomicBool,
    right: &AtomicU64,
    lost: &AtomicU64,
    damaged: &AtomicU64,
    seed: u64,
) {
    let mut random = XorShift(seed);
    let mut buf = vec![0; LEN];
    let held = generation(0);
    while !done.load(SeqCst) {
        let mapping = Arc::clone(&current.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in 0..50 {
            let at = random.below(LEN);
            let most = if random.below(2) == 0 { LEN } else { 300 };
            let len = 1 + random.below(most);
            match mapping.read_at(at as u64, &mut buf[..len]) {
                Ok(n) => {
                    assert_eq!(n, len.min(LEN - at));
                    let wrong = buf[..n]
                        .iter()
                        .zip(&held[at..])
                        .position(|(b, h)| b & !0x40 != *h);
                    assert_eq!(wrong, None, "from {at}: a byte that was never in the file");
                    right.fetch_add(1, SeqCst);
                    damaged.fetch_add(u64::from(is_damaged(&mapping, &held)), SeqCst);
                }
                Err(_) => {
                    lost.fetch_add(1, SeqCst);
                    damaged.fetch_add(u64::from(is_damaged(&mapping, &held)), SeqCst);
                    break;
                }
            }
        }
    }
}

fn storm(file: &File) -> Result<(), Box<dyn Error>> {
    let memory = Memory::new(u64::MAX);
    let generations = [generation(0), generation(1)];
    let map = || -> io::Result<Arc<Mapping>> {
        Ok(Arc::new(Mapping::new(
            &memory,
            file.as_fd(),
            LEN as u64,
            Share::Shared,
        )?))
    };
    file.write_all_at(&generations[0], 0)?;
    let current = Mutex::new(map()?);
    let (done, right) = (AtomicBool::new(false), AtomicU64::new(0));
    let (lost, damaged) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        for seed in [11, 22] {
            let (current, done, right) = (&current, &done, &right);
            let (lost, damaged) = (&lost, &damaged);
            scope.spawn(move || reader(current, done, right, lost, damaged, seed));
        }
        let mut random = XorShift(99);
        let end = (|| {
            for g in 1..=rounds() {
                let bytes = &generations[g as usize & 1];
                let mapping = map()?;
                *current.lock().unwrap_or_else(PoisonError::into_inner) = mapping;
                let seen = right.load(SeqCst);
                while right.load(SeqCst) == seen {
                    std::hint::spin_loop(); // somebody reads the new mapping
                }
                match random.below(4) {
                    // In place, nothing is lost.
                    0 => file.write_all_at(bytes, 0)?,
                    // As an editor does: cut to nothing, then written in pieces.
                    1 => {
                        file.set_len(0)?;
                        for (i, piece) in bytes.chunks(5000).enumerate() {
                            file.write_all_at(piece, i as u64 * 5000)?;
                        }
                    }
                    _ => {
                        let cut = random.below(LEN);
                        file.set_len(cut as u64)?;
                        for _ in 0..random.below(3000) {
                            std::hint::spin_loop();
                        }
                        file.write_all_at(&bytes[cut..], cut as u64)?;
                    }
                }
            }
            Ok(())
        })();
        done.store(true, SeqCst);
        end
    })?;
    assert!(right.load(SeqCst) >= u64::from(rounds()), "{right:?}");
    assert!(lost.load(SeqCst) > 0, "no read ever met a cut");
    assert!(damaged.load(SeqCst) > 0, "no slice ever met a cut");
    drop(current);
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}

/// G4, G6
#[test]
fn every_byte_read_in_a_storm_of_cuts_is_one_the_file_held() -> Result<(), Box<dyn Error>> {
    storm(&tempfile::tempfile()?)
}

/// G4, G6
#[test]
fn every_byte_read_in_a_storm_is_right_in_memory_too() -> Result<(), Box<dyn Error>> {
    match tempfile::tempfile_in("/dev/shm") {
        Ok(file) => storm(&file),
        Err(_) => Ok(()), // no such filesystem on this machine
    }
}
