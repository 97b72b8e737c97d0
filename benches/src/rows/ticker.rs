//! G-8: how long a ticker of 1 ms waits on an executor of one thread, while a task there stages a
//! large cold file, reads all of it piece by piece, and drops it.

mod gaps;
mod on_smol;
mod on_tokio;

use super::Scene;
use crate::cold::{forget, resident};
use crate::files::Corpus;
use crate::limits::memory::touched;
use crate::row::{Aspect, Bound, Kind, Row, Run};
use std::hint::black_box;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const READY: &str = "a task that reads ready memory, tokio";
const READY_ON_SMOL: &str = "a task that reads ready memory, smol";

/// How much a task reads before others come.
const PIECE: usize = 64 << 10;

/// The large file, and how much is to be seen.
#[derive(Clone)]
struct Stage {
    path: PathBuf,
    len: usize,
    /// After so many ticks a round is over, at the end of a cycle.
    ticks: usize,
    chilled: Arc<Chilled>,
}

/// How often the file was made cold, and how often it was not cold then.
#[derive(Default)]
struct Chilled {
    runs: AtomicUsize,
    warm: AtomicUsize,
}

impl Stage {
    /// Drops the file's pages, and looks.
    fn chill(&self) -> io::Result<()> {
        forget(&self.path)?;
        let warm = resident(&self.path)? > 0;
        self.chilled.runs.fetch_add(1, Ordering::Relaxed);
        self.chilled
            .warm
            .fetch_add(usize::from(warm), Ordering::Relaxed);
        Ok(())
    }
}

pub(crate) fn g8(scene: &Scene) -> io::Result<Row> {
    let len = scene.pick(1 << 30, 256 << 20);
    let file = Corpus::make(&scene.folder, 1, len)?;
    let stage = Stage {
        path: file.paths[0].clone(),
        len,
        ticks: scene.pick(2_000, 400),
        chilled: Arc::default(),
    };
    let title = format!(
        "1 ms ticker while {} MiB cold are staged, read and dropped",
        len >> 20
    );
    let mut row = Row::new("G-8", title, "the time from one tick to the next", READY);
    let memory = Rc::new(touched(len)?);
    row.way(Kind::Limit, READY, on_tokio::ready(&stage, &memory));
    let ways: [(Kind, &str, io::Result<Run>); 6] = [
        (
            Kind::Popular,
            "mmap, touched inline, tokio",
            on_tokio::mapped_inline(&stage),
        ),
        (
            Kind::Popular,
            "std::fs::read in a task, tokio",
            on_tokio::std_inline(&stage),
        ),
        (
            Kind::Popular,
            "tokio::fs::read, dropped inline",
            on_tokio::tokio_fs(&stage),
        ),
        (
            Kind::Peer,
            "populate by 8 MiB and unmap in a worker",
            on_tokio::worker(&stage),
        ),
        (
            Kind::Ours,
            "driver-tokio",
            on_tokio::ours(&stage, driver_tokio::Mode::Auto),
        ),
        (
            Kind::Ours,
            "driver-tokio, loaded",
            on_tokio::ours(&stage, driver_tokio::Mode::Load),
        ),
    ];
    for (kind, name, run) in ways {
        row.way(kind, name, run);
    }
    let ways: [(Kind, &str, io::Result<Run>); 4] = [
        (Kind::Limit, READY_ON_SMOL, on_smol::ready(&stage, &memory)),
        (
            Kind::Popular,
            "async_fs::read, dropped inline",
            on_smol::async_fs(&stage),
        ),
        (
            Kind::Ours,
            "driver-smol",
            on_smol::ours(&stage, driver_smol::Mode::Auto),
        ),
        (
            Kind::Ours,
            "driver-smol, loaded",
            on_smol::ours(&stage, driver_smol::Mode::Load),
        ),
    ];
    for (kind, name, run) in ways {
        row.way_against(READY_ON_SMOL, kind, name, run);
    }
    for aspect in [Aspect::OneInAThousand, Aspect::Longest].map(Aspect::suffix) {
        for (ours, ready) in [("driver-tokio", READY), ("driver-smol", READY_ON_SMOL)] {
            for how in ["", ", loaded"] {
                let bound = Bound::Times(1.5, vec![format!("{ready}{aspect}")]);
                row.claim(format!("{ours}{how}{aspect}"), bound);
            }
        }
    }
    let ticks = stage.ticks;
    row.note(format!(
        "{ticks} ticks or more a round; of fewer than 1000, p99.9 is the max"
    ));
    row.after = Box::new(move || {
        let [runs, warm] =
            [&stage.chilled.runs, &stage.chilled.warm].map(|count| count.load(Ordering::Relaxed));
        vec![match warm {
            0 => format!("cold: no page was in memory before any of {runs} cycles (mincore)"),
            _ => format!("NOT COLD: pages were in memory before {warm} of {runs} cycles"),
        }]
    });
    Ok(row)
}

/// Looks at every byte.
fn touch(bytes: &[u8]) {
    let sum = bytes
        .iter()
        .fold(0_u64, |sum, byte| sum.wrapping_add(u64::from(*byte)));
    black_box(sum);
}
