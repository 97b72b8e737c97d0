//! W-1 and W-2: many small writes, in order and not.

use super::Scene;
use crate::files::Corpus;
use crate::ours::writes as ours;
use crate::peers::writes::{self as peers, Plan};
use crate::row::{Bound, Kind, Row};
use std::io;

const RAW: &str = "pwrite";
const TOKIO: &str = "tokio::fs";

pub(crate) fn w1(scene: &Scene) -> io::Result<Row> {
    let blocks = scene.pick(200_000, 20_000);
    let plan = Plan::in_order(Corpus::make(&scene.folder, 1, 0)?, blocks);
    let title = format!("{blocks} × 4 KiB in order to one file, one awaited call each");
    let mut row = row("W-1", title, &plan);
    row.way(Kind::Popular, "std::io::Write", peers::std_write(&plan));
    for name in ours_of(&mut row, &plan) {
        row.claim(name, Bound::Times(0.6, vec![RAW.into()]));
        row.claim(name, Bound::Faster(15.0, TOKIO.into()));
    }
    Ok(row)
}

pub(crate) fn w2(scene: &Scene) -> io::Result<Row> {
    let blocks = scene.pick(200_000, 20_000);
    let plan = Plan::shuffled(Corpus::make(&scene.folder, 8, 0)?, blocks);
    let title = format!("{blocks} × 4 KiB shuffled over 8 files, one awaited call each");
    let mut row = row("W-2", title, &plan);
    for mib in [64, 256] {
        let name = format!("sorted within {mib} MiB, then pwritev");
        row.way(Kind::Limit, &name, peers::sorted_within(&plan, mib << 20));
    }
    for name in ours_of(&mut row, &plan) {
        row.claim(name, Bound::Times(0.6, vec![RAW.into()]));
    }
    Ok(row)
}

fn ours_of(row: &mut Row, plan: &Plan) -> [&'static str; 3] {
    let ways = [
        ("driver-blocking", ours::blocking(plan)),
        ("driver-tokio", ours::tokio(plan)),
        ("driver-smol", ours::smol(plan)),
    ];
    ways.map(|(name, run)| {
        row.way(Kind::Ours, name, run);
        name
    })
}

fn row(id: &'static str, title: String, plan: &Plan) -> Row {
    let mut row = Row::new(id, title, "one block", RAW);
    let files = plan.clone();
    row.before = Box::new(move || files.clear());
    row.way(Kind::Popular, RAW, peers::raw(plan));
    row.way(Kind::Popular, TOKIO, peers::tokio_fs(plan));
    let limit = "all sorted, then pwritev";
    row.way(Kind::Limit, limit, peers::sorted(plan));
    row.note("Ours are written behind, and flushed before the clock stops; nobody syncs.");
    row
}
