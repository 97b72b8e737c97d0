//! G-1 to G-5: files made ready, small, large and between, warm and cold.

use super::Scene;
use crate::cold::{Chill, fresh_pages};
use crate::files::Corpus;
use crate::limits::pooled::{Stats, pooled};
use crate::limits::{chains::chains, direct::direct};
use crate::ours::{batches, ring_loop::ring_loop};
use crate::peers::{mapped, rings, whole};
use crate::row::{Bound, Kind, Row};
use std::io;

const LOOP: &str = "std::fs::read loop";
const MAP: &str = "memmap2 + populate";
const BY_HAND: &str = "openat + pread to an arena, 2 threads";
const BY_HAND_STATS: &str = "openat + fstat + pread + fstat, likewise";
const CHAINS: &str = "io_uring chains, depth 256";
const DIRECT: &str = "io_uring, O_DIRECT, 1 MiB x 32";
const RING_LOOP: &str = "the core's ring loop, depth 256";
const ANEW: &str = "driver-blocking, a new stager each time";

const ARENAS: &str = "touched before the clock: the arenas of the limits, and, by the first round, the memory of \
                      our stagers, unless they are new";

pub(crate) fn g1(scene: &Scene) -> io::Result<Row> {
    let (mut row, files) = row(
        scene,
        "G-1",
        "16 KiB",
        scene.pick(20_000, 1_000),
        16 << 10,
        "warm",
    )?;
    let ours = many_warm(&mut row, &files);
    row.way(Kind::Limit, CHAINS, chains(&files));
    row.note(ARENAS);
    for name in ours {
        row.claim(&name, Bound::Times(1.2, vec![BY_HAND_STATS.into()]));
        row.claim(&name, Bound::Faster(3.0, tokio_name(64)));
    }
    Ok(row)
}

pub(crate) fn g2(scene: &Scene) -> io::Result<Row> {
    let (mut row, files) = row(
        scene,
        "G-2",
        "16 KiB",
        scene.pick(20_000, 1_000),
        16 << 10,
        "cold",
    )?;
    runtimes(&mut row, &files, 64);
    row.way(
        Kind::Peer,
        "64 threads, std::fs::read",
        whole::threads(&files, 64),
    );
    row.way(Kind::Peer, MAP, mapped::populated(&files));
    let ours = ours(&mut row, &files, 64);
    row.way(Kind::Limit, CHAINS, chains(&files));
    row.note(ARENAS);
    cold(&mut row, &files, scene);
    for name in ours {
        row.claim(name, Bound::Times(1.3, vec![CHAINS.into()]));
    }
    Ok(row)
}

pub(crate) fn g3(scene: &Scene) -> io::Result<Row> {
    let len = scene.pick(512 << 20, 64 << 20);
    let (mut row, files) = row(
        scene,
        "G-3",
        scene.pick("512 MiB", "64 MiB"),
        4,
        len,
        "warm",
    )?;
    runtimes(&mut row, &files, 4);
    row.way(Kind::Peer, MAP, mapped::populated(&files));
    for name in ours(&mut row, &files, 64) {
        row.claim(name, Bound::Times(1.5, vec![MAP.into()]));
    }
    row.note("the limit is the peer: a mapping with its pages, in one system call");
    row.note("ours go chunk by chunk, count their progress and can be cancelled in between");
    Ok(row)
}

pub(crate) fn g4(scene: &Scene) -> io::Result<Row> {
    let len = scene.pick(512 << 20, 64 << 20);
    let (mut row, files) = row(
        scene,
        "G-4",
        scene.pick("512 MiB", "64 MiB"),
        4,
        len,
        "cold",
    )?;
    let mut others = runtimes(&mut row, &files, 4);
    others.extend([MAP.to_owned(), DIRECT.to_owned()]);
    row.way(Kind::Peer, MAP, mapped::populated(&files));
    let ours = ours(&mut row, &files, 64);
    row.way(Kind::Limit, DIRECT, direct(&files));
    row.note("touched before the clock: the memory of the limit");
    cold(&mut row, &files, scene);
    for name in ours {
        row.claim(name, Bound::Times(1.1, others.clone()));
    }
    Ok(row)
}

pub(crate) fn g5(scene: &Scene) -> io::Result<Row> {
    let (mut row, files) = row(
        scene,
        "G-5",
        "256 KiB",
        scene.pick(2_000, 400),
        256 << 10,
        "warm",
    )?;
    let ours = many_warm(&mut row, &files);
    row.note(ARENAS);
    for name in ours {
        let best = vec![MAP.to_owned(), BY_HAND.to_owned(), BY_HAND_STATS.to_owned()];
        row.claim(name, Bound::Times(1.5, best));
    }
    Ok(row)
}

/// The ways of many files in the page cache; says what ours are called.
fn many_warm(row: &mut Row, files: &Corpus) -> [String; 3] {
    runtimes(row, files, 64);
    row.way(
        Kind::Peer,
        "8 threads, std::fs::read",
        whole::threads(files, 8),
    );
    row.way(Kind::Peer, MAP, mapped::populated(files));
    let ours = ours(row, files, 64);
    row.way(Kind::Ours, ANEW, batches::blocking_anew(files, 64));
    by_hand(row, files, 2);
    ours
}

fn row(
    scene: &Scene,
    id: &'static str,
    each: &str,
    count: usize,
    len: usize,
    warmth: &str,
) -> io::Result<(Row, Corpus)> {
    let files = Corpus::make(&scene.folder, count, len)?;
    let title = format!("{count} × {each} made ready, {warmth}");
    let mut row = Row::new(id, title, "all files", LOOP);
    row.note(
        "free memory of the allocator went back to the kernel before each way: pages are fresh",
    );
    row.before = Box::new(|| {
        fresh_pages();
        Ok(())
    });
    Ok((row, files))
}

fn cold(row: &mut Row, files: &Corpus, scene: &Scene) {
    let mut chill = Chill::new(files, scene.quick);
    row.after = chill.account();
    row.before = Box::new(move || {
        fresh_pages();
        chill.drop_caches()
    });
}

fn tokio_name(in_flight: usize) -> String {
    format!("tokio::fs::read, {in_flight} in flight")
}

/// The loop of std, and all the runtimes; says their names.
fn runtimes(row: &mut Row, files: &Corpus, in_flight: usize) -> Vec<String> {
    let named = |name: &str| format!("{name}, {in_flight} in flight");
    let names = [
        tokio_name(in_flight),
        named("async_fs::read"),
        named("async_std::fs::read"),
        named("compio::fs::read"),
        named("tokio-uring open, statx, read"),
    ];
    row.way(Kind::Popular, LOOP, whole::std_loop(files));
    row.way(Kind::Popular, &names[0], whole::tokio_fs(files, in_flight));
    row.way(Kind::Popular, &names[1], whole::async_fs(files, in_flight));
    row.way(Kind::Popular, &names[2], whole::async_std(files, in_flight));
    row.way(Kind::Peer, &names[3], rings::compio(files, in_flight));
    row.way(Kind::Peer, &names[4], rings::tokio_uring(files, in_flight));
    [LOOP.to_owned()].into_iter().chain(names).collect()
}

/// A batch of each driver with so many workers, whose names it says, and the ring loop.
fn ours(row: &mut Row, files: &Corpus, workers: u32) -> [String; 3] {
    let names = [
        format!("driver-blocking, a batch, pool of {workers}"),
        format!("driver-tokio, a batch, {workers} workers"),
        format!("driver-smol, a batch, {workers} workers"),
    ];
    row.way(Kind::Ours, &names[0], batches::blocking(files, workers));
    row.way(Kind::Ours, &names[1], batches::tokio(files, workers));
    row.way(Kind::Ours, &names[2], batches::smol(files, workers));
    row.way(Kind::Ours, RING_LOOP, ring_loop(files));
    names
}

fn by_hand(row: &mut Row, files: &Corpus, threads: usize) {
    row.way(Kind::Limit, BY_HAND, pooled(files, threads, Stats::LeftOut));
    row.way(
        Kind::Limit,
        BY_HAND_STATS,
        pooled(files, threads, Stats::Taken),
    );
}
