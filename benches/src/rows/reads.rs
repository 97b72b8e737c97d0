//! G-6 and G-10: single reads of 4 KiB, from a file that is in memory, and from one that is not
//! staged at all.

use super::Scene;
use crate::files::{BLOCK, Corpus, offsets};
use crate::limits::memory::touched;
use crate::ours::reads as ours;
use crate::peers::reads::{self as peers, Reads, each};
use crate::peers::{mapped, rings};
use crate::row::{Bound, Kind, Row, Run};
use driver_kit::core::Mode;
use std::hint::black_box;
use std::io;

const COPY: &str = "memmap2 + populate, copy";
const PREAD: &str = "pread";
const TOKIO_ALONE: &str = "tokio::fs seek + read, alone";
const TOKIO_TASKS: &str = "tokio::fs seek + read, 8 tasks";

pub(crate) fn g6(scene: &Scene) -> io::Result<Row> {
    let (mut row, reads) = row(scene, "G-6", "ready file, into a buffer", COPY)?;
    row.way(Kind::Peer, COPY, copy_of_map(&reads));
    popular(&mut row, &reads);
    row.way(Kind::Popular, TOKIO_TASKS, peers::tokio_tasks(&reads));
    let tasks = "async_fs seek + read, 8 tasks";
    row.way(Kind::Popular, tasks, peers::async_fs_tasks(&reads));
    row.way(Kind::Peer, PREAD, peers::pread(&reads));
    let (map, load) = (Mode::Map, Mode::Load);
    let alone = [
        ("driver-blocking, mapped", ours::blocking(&reads, map)),
        ("driver-blocking, loaded", ours::blocking(&reads, load)),
        ("driver-tokio, mapped, alone", ours::tokio(&reads, map)),
        ("driver-tokio, loaded, alone", ours::tokio(&reads, load)),
        ("driver-smol, mapped, alone", ours::smol(&reads, map)),
        ("driver-smol, loaded, alone", ours::smol(&reads, load)),
    ];
    for (name, run) in alone {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(1.1, vec![COPY.into()]));
        row.claim(name, Bound::Faster(100.0, TOKIO_ALONE.into()));
    }
    let tasks = [
        ("driver-tokio, 8 tasks", ours::tokio_tasks(&reads)),
        ("driver-smol, 8 tasks", ours::smol_tasks(&reads)),
    ];
    for (name, run) in tasks {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Faster(20.0, TOKIO_TASKS.into()));
    }
    row.way(
        Kind::Limit,
        "memcpy from huge pages",
        copy_of_memory(&reads),
    );
    row.note("a read of 8 tasks is the time of all divided by all reads; two threads share them");
    Ok(row)
}

pub(crate) fn g10(scene: &Scene) -> io::Result<Row> {
    let (mut row, reads) = row(scene, "G-10", "file, cached and not staged", PREAD)?;
    row.way(Kind::Peer, PREAD, peers::pread(&reads));
    popular(&mut row, &reads);
    let ours = [
        (
            "driver-blocking, not staged",
            ours::blocking(&reads, Mode::None),
        ),
        ("driver-tokio, not staged", ours::tokio(&reads, Mode::None)),
        ("driver-smol, not staged", ours::smol(&reads, Mode::None)),
    ];
    for (name, run) in ours {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(1.5, vec![PREAD.into()]));
    }
    row.way(
        Kind::Limit,
        "preadv2 with RWF_NOWAIT",
        peers::nowait(&reads),
    );
    row.note("awaited one after the other on runtimes of one thread");
    Ok(row)
}

fn row(scene: &Scene, id: &'static str, what: &str, base: &str) -> io::Result<(Row, Reads)> {
    let size = scene.pick(1 << 30, 256 << 20);
    let file = Corpus::make(&scene.folder, 1, size)?;
    let reads = Reads {
        path: file.paths[0].clone(),
        size: size as u64,
        fast: scene.pick(200_000, 40_000),
        slow: scene.pick(2_000, 400),
    };
    let title = format!("random 4 KiB reads of a {} MiB {what}", size >> 20);
    Ok((Row::new(id, title, "one read", base), reads))
}

/// The runtimes' own files, one awaited read after the other.
fn popular(row: &mut Row, reads: &Reads) {
    row.way(Kind::Popular, TOKIO_ALONE, peers::tokio_alone(reads));
    row.way(
        Kind::Popular,
        "async_fs seek + read, alone",
        peers::async_fs_alone(reads),
    );
    row.way(
        Kind::Popular,
        "async_std::fs seek + read, alone",
        peers::async_std_alone(reads),
    );
    row.way(
        Kind::Peer,
        "compio read_at, alone",
        rings::compio_alone(reads),
    );
    row.way(
        Kind::Peer,
        "tokio-uring read_at, alone",
        rings::tokio_uring_alone(reads),
    );
}

fn copy_of_map(reads: &Reads) -> io::Result<Run> {
    Ok(copies(mapped::populate(&reads.path)?, reads))
}

fn copy_of_memory(reads: &Reads) -> io::Result<Run> {
    Ok(copies(touched(reads.size as usize)?, reads))
}

fn copies(memory: impl AsRef<[u8]> + 'static, reads: &Reads) -> Run {
    let reads = reads.clone();
    let mut buffer = [0; BLOCK];
    Box::new(move || {
        each(reads.fast, || {
            let memory = memory.as_ref();
            for offset in offsets(reads.size, 1, reads.fast) {
                buffer.copy_from_slice(&memory[offset as usize..][..BLOCK]);
                black_box(&buffer);
            }
            Ok(())
        })
    })
}
