//! Staging beside what the hardware and the kernel allow, in one interleaved run.
//!
//! - 20,000 files of 16 KiB, warm: `std::fs::read` in a loop, the hand-written limit (two threads;
//!   `openat`, `fstat`, `pread`, `fstat`, `close` into memory that was touched before the clock
//!   started), and driver-blocking with a pool of two. Our arena, too, is touched before: by the
//!   first, unmeasured round.
//! - Random 4 KiB copies from a file in memory: a `memmap2` slice, and staged files, mapped and
//!   loaded.
//!
//! Nothing is asserted. `cargo bench -p tests --bench staging` prints medians and ratios.

use driver_blocking::{Mode, Stager};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::limit::load_by_hand;

const FILES: usize = 20_000;
const LEN: usize = 16 << 10;
const ROUNDS: usize = 7;

fn main() -> std::io::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut out = std::io::stdout().lock();
    small_files(dir.path(), &mut out)?;
    copies(dir.path(), &mut out)
}

fn small_files(dir: &Path, out: &mut impl Write) -> std::io::Result<()> {
    let contents = vec![0x5a; LEN];
    let paths: Vec<PathBuf> = (0..FILES).map(|n| dir.join(format!("{n:05}"))).collect();
    for path in &paths {
        std::fs::write(path, &contents)?;
    }
    let mut pooled = vec![1_u8; FILES * LEN];
    let stager = Stager::builder().pool(2).build();
    let (mut read, mut limit, mut ours, mut release) = (vec![], vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let times = [
            timed(|| read_loop(&paths)),
            timed(|| load_by_hand(&paths, LEN, &mut pooled)),
        ];
        let began = Instant::now();
        let batch = stager.stage(paths.clone()).concurrency(256).start()?;
        let items = batch.wait();
        let staged = began.elapsed();
        assert!(
            items.iter().all(|item| item.result.is_ok()),
            "every file is staged"
        );
        let released = timed(|| drop((items, batch)));
        if round > 0 {
            read.push(times[0]);
            limit.push(times[1]);
            ours.push(staged);
            release.push(released);
        }
    }
    let base = median(&mut limit);
    writeln!(
        out,
        "20,000 x 16 KiB, warm, {ROUNDS} rounds: medians and ratios to the limit"
    )?;
    for (name, times) in [
        ("limit, 2 threads", &mut limit),
        ("driver-blocking, pool of 2", &mut ours),
        ("  and giving it back", &mut release),
        ("std::fs::read loop", &mut read),
    ] {
        let time = median(times);
        let ratio = time.as_secs_f64() / base.as_secs_f64();
        writeln!(out, "  {name:<28} {time:>12.3?} {ratio:>6.2}")?;
    }
    Ok(())
}

fn read_loop(paths: &[PathBuf]) {
    let mut kept = Vec::with_capacity(paths.len());
    for path in paths {
        kept.push(std::fs::read(path));
    }
    black_box(kept);
}

fn copies(dir: &Path, out: &mut impl Write) -> std::io::Result<()> {
    const SIZE: usize = 1 << 30;
    let path = dir.join("large");
    let mut file = File::create(&path)?;
    let chunk = vec![7; 1 << 20];
    for _ in 0..SIZE >> 20 {
        file.write_all(&chunk)?;
    }
    drop(file);
    let file = File::open(&path)?;
    #[expect(unsafe_code, reason = "the peer has no safe way to map a file")]
    // SAFETY: the file lives in a directory of this benchmark's own, and nobody changes it.
    let peer = unsafe { memmap2::MmapOptions::new().populate().map(&file)? };
    let stager = Stager::new();
    let twin = dir.join("twin");
    std::fs::copy(&path, &twin)?;
    let mapped = stager.options().mode(Mode::Map).open(&path)?;
    let loaded = stager.options().mode(Mode::Load).open(&twin)?;
    let mut buffer = [0; 4096];
    let (mut slices, mut maps, mut loads) = (vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let times = [
            copy_all(
                |offset| buffer.copy_from_slice(&peer[offset..offset + 4096]),
                SIZE,
            ),
            copy_all(
                |offset| drop(black_box(mapped.read_at(&mut buffer, offset as u64))),
                SIZE,
            ),
            copy_all(
                |offset| drop(black_box(loaded.read_at(&mut buffer, offset as u64))),
                SIZE,
            ),
        ];
        if round > 0 {
            slices.push(times[0]);
            maps.push(times[1]);
            loads.push(times[2]);
        }
    }
    let base = median(&mut slices);
    writeln!(
        out,
        "random 4 KiB copies of 1 GiB in memory, {ROUNDS} rounds: medians and ratios"
    )?;
    for (name, times) in [
        ("memmap2 slice", &mut slices),
        ("staged, mapped", &mut maps),
        ("staged, loaded", &mut loads),
    ] {
        let time = median(times);
        let ratio = time.as_secs_f64() / base.as_secs_f64();
        writeln!(out, "  {name:<28} {:>12.3?} {ratio:>6.2}", time / READS)?;
    }
    Ok(())
}

const READS: u32 = 200_000;

/// Copies from as many places of a file, the same for everybody.
fn copy_all(mut copy: impl FnMut(usize), size: usize) -> Duration {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    timed(|| {
        for _ in 0..READS {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            copy((seed as usize % (size / 4096)) * 4096);
        }
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
