//! The drivers for runtimes beside what people use there today, in one interleaved run.
//!
//! - 20,000 files of 16 KiB made ready, warm: `tokio::fs::read` and `async_fs::read` with 64 in
//!   flight, a batch of driver-tokio and of driver-smol, and what nothing can beat: the system calls
//!   alone.
//! - Random 4 KiB reads of a 1 GiB file by 8 tasks: `tokio::fs` seek and read, async-fs likewise,
//!   and the staged file through either driver.
//! - A lone awaited 4 KiB read of a file that is cached and not staged: `pread` on this thread,
//!   driver-tokio, `tokio::fs`.
//!
//! Nothing is asserted. `cargo bench -p tests --bench drivers` prints medians and ratios.

use futures::io::{AsyncReadExt as _, AsyncSeekExt as _};
use futures::stream::{self, StreamExt};
use std::fs::File;
use std::future::Future;
use std::hint::black_box;
use std::io::{self, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::limit::load_by_hand;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

const FILES: usize = 20_000;
const LEN: usize = 16 << 10;
const SIZE: u64 = 1 << 30;
const BLOCK: usize = 4096;
const TASKS: u64 = 8;
const READS_A_TASK: u64 = 2_000;
const LONE_READS: u64 = 20_000;
const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    small_files(dir.path(), &runtime)?;
    let large = dir.path().join("large");
    let mut file = File::create(&large)?;
    for n in 0..SIZE >> 20 {
        file.write_all(&vec![n as u8; 1 << 20])?;
    }
    drop(file);
    random_reads(&large, &runtime)?;
    lone_reads(&large)
}

fn small_files(dir: &Path, runtime: &tokio::runtime::Runtime) -> io::Result<()> {
    let paths: Vec<PathBuf> = (0..FILES).map(|n| dir.join(format!("{n:05}"))).collect();
    for path in &paths {
        std::fs::write(path, vec![0x5a; LEN])?;
    }
    let on_tokio = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let on_smol = driver_smol::Stager::new();
    let mut table = Table::of([
        "tokio::fs::read, 64 in flight",
        "async_fs::read, 64 in flight",
        "driver-tokio, a batch",
        "driver-smol, a batch",
        "limit, 2 threads by hand",
    ]);
    let mut pooled = vec![1_u8; FILES * LEN];
    for _ in 0..=ROUNDS {
        let (list, again) = (paths.clone(), paths.clone());
        table.round([
            timed(|| {
                let read = |path| async move { tokio::spawn(tokio::fs::read(path)).await };
                let reads = stream::iter(list).map(read).buffer_unordered(64);
                runtime.block_on(reads.collect::<Vec<_>>())
            }),
            timed(|| {
                let reads = stream::iter(again).map(async_fs::read).buffer_unordered(64);
                smol::block_on(reads.collect::<Vec<_>>())
            }),
            timed(|| {
                let batch = on_tokio.stage(paths.clone()).concurrency(256).start();
                batch.map(|batch| runtime.block_on(batch.wait()))
            }),
            timed(|| {
                let batch = on_smol.stage(paths.clone()).concurrency(256).start();
                batch.map(|batch| smol::block_on(batch.wait()))
            }),
            timed(|| load_by_hand(&paths, LEN, &mut pooled)),
        ]);
    }
    table.print("20,000 x 16 KiB ready, warm", 1)
}

fn random_reads(large: &Path, runtime: &tokio::runtime::Runtime) -> io::Result<()> {
    let on_tokio = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let staged = runtime.block_on(on_tokio.open(large))?;
    let on_smol = driver_smol::Stager::new();
    let staged_too = smol::block_on(on_smol.open(large))?;
    let executor = smol::Executor::new();
    let mut table = Table::of([
        "tokio::fs, seek and read",
        "async-fs, seek and read",
        "driver-tokio, read_into",
        "driver-smol, read_into",
    ]);
    for _ in 0..=ROUNDS {
        table.round([
            tasks_on_tokio(runtime, |task| {
                let path = large.to_owned();
                async move {
                    let mut file = tokio::fs::File::open(path).await?;
                    let mut buffer = vec![0; BLOCK];
                    for offset in offsets(task, READS_A_TASK) {
                        file.seek(SeekFrom::Start(offset)).await?;
                        file.read_exact(&mut buffer).await?;
                        black_box(&buffer);
                    }
                    Ok(())
                }
            })?,
            tasks_on_smol(&executor, |task| async move {
                let mut file = async_fs::File::open(large).await?;
                let mut buffer = vec![0; BLOCK];
                for offset in offsets(task, READS_A_TASK) {
                    file.seek(SeekFrom::Start(offset)).await?;
                    file.read_exact(&mut buffer).await?;
                    black_box(&buffer);
                }
                Ok(())
            })?,
            tasks_on_tokio(runtime, |task| {
                let file = staged.clone();
                async move {
                    let mut buffer = vec![0; BLOCK];
                    for offset in offsets(task, READS_A_TASK) {
                        black_box(file.read_into(&mut buffer, offset).await?);
                    }
                    Ok(())
                }
            })?,
            tasks_on_smol(&executor, |task| {
                let file = staged_too.clone();
                async move {
                    let mut buffer = vec![0; BLOCK];
                    for offset in offsets(task, READS_A_TASK) {
                        black_box(file.read_into(&mut buffer, offset).await?);
                    }
                    Ok(())
                }
            })?,
        ]);
    }
    let reads = (TASKS * READS_A_TASK) as u32;
    table.print("random 4 KiB reads of 1 GiB, 8 tasks: time a read", reads)
}

fn tasks_on_tokio<F>(
    runtime: &tokio::runtime::Runtime,
    task: impl Fn(u64) -> F,
) -> io::Result<Duration>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|n| runtime.spawn(task(n))).collect();
    for task in tasks {
        runtime.block_on(task).map_err(io::Error::other)??;
    }
    Ok(began.elapsed())
}

fn tasks_on_smol<'a, F>(
    executor: &smol::Executor<'a>,
    task: impl Fn(u64) -> F,
) -> io::Result<Duration>
where
    F: Future<Output = io::Result<()>> + Send + 'a,
{
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|n| executor.spawn(task(n))).collect();
    smol::block_on(executor.run(async {
        for task in tasks {
            task.await?;
        }
        io::Result::Ok(())
    }))?;
    Ok(began.elapsed())
}

/// On a runtime of one thread: what a task waits for is then seen.
fn lone_reads(large: &Path) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let unstaged = runtime.block_on(stager.options().mode(driver_tokio::Mode::None).open(large))?;
    let plain = File::open(large)?;
    let mut asynchronous = runtime.block_on(tokio::fs::File::open(large))?;
    let mut buffer = vec![0; BLOCK];
    let mut table = Table::of([
        "pread",
        "driver-tokio, not staged",
        "tokio::fs, seek and read",
    ]);
    for _ in 0..=ROUNDS {
        let began = Instant::now();
        for offset in offsets(1, LONE_READS) {
            black_box(plain.read_at(&mut buffer, offset)?);
        }
        let pread = began.elapsed();
        let began = Instant::now();
        runtime.block_on(async {
            for offset in offsets(1, LONE_READS) {
                black_box(unstaged.read_into(&mut buffer, offset).await?);
            }
            io::Result::Ok(())
        })?;
        let ours = began.elapsed();
        let began = Instant::now();
        runtime.block_on(async {
            for offset in offsets(1, LONE_READS / 20) {
                asynchronous.seek(SeekFrom::Start(offset)).await?;
                black_box(asynchronous.read_exact(&mut buffer).await?);
            }
            io::Result::Ok(())
        })?;
        table.round([pread, ours, began.elapsed() * 20]);
    }
    table.print(
        "a lone awaited 4 KiB read, cached and not staged",
        LONE_READS as u32,
    )
}

/// Places in the large file, the same for everybody.
fn offsets(seed: u64, count: u64) -> impl Iterator<Item = u64> + Send {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % (SIZE / BLOCK as u64)) * BLOCK as u64
    })
}

/// What the work gives is kept until the clock stops: everything is in memory at once.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let given = black_box(work());
    let took = began.elapsed();
    drop(given);
    took
}

/// Times of each option, round by round; the first round is not counted.
struct Table<const N: usize> {
    names: [&'static str; N],
    times: [Vec<Duration>; N],
    rounds: usize,
}

impl<const N: usize> Table<N> {
    fn of(names: [&'static str; N]) -> Self {
        Table {
            names,
            times: std::array::from_fn(|_| Vec::new()),
            rounds: 0,
        }
    }

    fn round(&mut self, round: [Duration; N]) {
        self.rounds += 1;
        if self.rounds > 1 {
            for (times, time) in self.times.iter_mut().zip(round) {
                times.push(time);
            }
        }
    }

    fn print(mut self, title: &str, each: u32) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{title}: medians of {ROUNDS} rounds, ratios to the first"
        )?;
        let medians = self.times.each_mut().map(|times| {
            times.sort();
            times[times.len() / 2] / each
        });
        for (name, median) in self.names.iter().zip(medians) {
            let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
            writeln!(out, "  {name:<32} {median:>12.3?} {ratio:>8.3}")?;
        }
        Ok(())
    }
}
