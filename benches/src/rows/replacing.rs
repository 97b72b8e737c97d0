//! W-3 and W-4: files replaced durably, all at once and one after the other.

use super::Scene;
use crate::files::Corpus;
use crate::ours::replacing as ours;
use crate::peers::replacing as peers;
use crate::row::{Bound, Kind, Row};
use std::io;

const BY_HAND: &str = "write, fsync, rename, fsync of the directory";
const AWAITED: &str = "by hand, each by spawn_blocking";
const CRATE: &str = "atomic-write-file";

pub(crate) fn w3(scene: &Scene) -> io::Result<Row> {
    let (mut row, files) = row(scene, "W-3", "asked for at once")?;
    row.way(
        Kind::Peer,
        "by hand, 16 threads, one fsync of the directory",
        peers::by_hand_on_threads(&files, 16),
    );
    for batch in [64, 1_000] {
        let name = format!("by hand in batches of {batch}, one syncfs each");
        let run = peers::by_hand_in_batches(&files, batch);
        row.way(Kind::Limit, &name, run);
    }
    row.way(
        Kind::Limit,
        "by hand, from 64 threads, one of them replaces for all",
        peers::by_hand_on_threads_together(&files, 64),
    );
    let ours = [
        (
            "driver-blocking, from 64 threads",
            ours::blocking(&files, 64),
        ),
        ("driver-tokio", ours::tokio(&files, None)),
        ("driver-smol", ours::smol(&files, None)),
    ];
    for (name, run) in ours {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(0.24, vec![BY_HAND.into()]));
        row.claim(name, Bound::Faster(4.0, CRATE.into()));
    }
    Ok(row)
}

pub(crate) fn w4(scene: &Scene) -> io::Result<Row> {
    let (mut row, files) = row(scene, "W-4", "one after the other")?;
    row.way(Kind::Limit, AWAITED, peers::by_hand_awaited(&files));
    let ours = [
        ("driver-blocking", ours::blocking_alone(&files), None),
        ("driver-tokio", ours::tokio(&files, Some(1)), Some(AWAITED)),
        ("driver-smol", ours::smol(&files, Some(1)), Some(AWAITED)),
    ];
    for (name, run, same_by_hand) in ours {
        row.way(Kind::Ours, name, run);
        for by_hand in [Some(BY_HAND), same_by_hand].into_iter().flatten() {
            row.claim(name, Bound::Times(1.05, vec![by_hand.into()]));
        }
    }
    Ok(row)
}

fn row(scene: &Scene, id: &'static str, how: &str) -> io::Result<(Row, Corpus)> {
    let count = scene.pick(1_000, 100);
    let folder = scene.folder.join("files");
    std::fs::create_dir(&folder)?;
    let files = Corpus::make(&folder, count, 4096)?;
    let title = format!("{count} durable replaces of 4 KiB, {how}");
    let mut row = Row::new(id, title, "one replace", BY_HAND);
    let anew = files.clone();
    row.before = Box::new(move || anew.make_anew());
    row.note("Before each way the files are made anew, far from the inodes that were freed.");
    row.way(Kind::Popular, BY_HAND, peers::each(&files, peers::by_hand));
    row.way(
        Kind::Popular,
        CRATE,
        peers::each(&files, peers::atomic_write_file),
    );
    row.way(
        Kind::Popular,
        "atomicwrites",
        peers::each(&files, peers::atomicwrites),
    );
    let tempfile = peers::each(&files, peers::tempfile_with_syncs);
    row.way(Kind::Popular, "tempfile, and its syncs", tempfile);
    Ok((row, files))
}
