//! W-5: records appended durably by many at once.

use super::Scene;
use crate::ours::appends::{self as ours, AT_ONCE};
use crate::peers::appends::{Records, in_groups, on_tasks_in_groups, on_threads_in_groups};
use crate::row::{Bound, Kind, Row};
use std::io;

const EACH: &str = "one fdatasync each";
const GROUPS: &str = "groups of 64, one fdatasync each";
const TASKS: &str = "by hand, from 64 tasks, a thread syncs for all";
const THREADS: &str = "by hand, from 64 threads, one of them syncs for all";

pub(crate) fn w5(scene: &Scene) -> io::Result<Row> {
    let count = scene.pick(12_800, 1_280);
    let records = Records::new(&scene.folder, count);
    let title = format!("{count} durable records of 128 bytes, {AT_ONCE} appended at once");
    let mut row = Row::new("W-5", title, "one record", EACH);
    let before = records.clone();
    row.before = Box::new(move || before.clear());
    row.way(Kind::Popular, EACH, in_groups(&records, 1));
    row.way(Kind::Limit, GROUPS, in_groups(&records, AT_ONCE));
    row.way(Kind::Limit, TASKS, on_tasks_in_groups(&records, AT_ONCE));
    row.way(
        Kind::Limit,
        THREADS,
        on_threads_in_groups(&records, AT_ONCE),
    );
    let ours = [
        (
            "driver-blocking, from 64 threads",
            ours::blocking(&records),
            THREADS,
        ),
        ("driver-tokio", ours::tokio(&records), TASKS),
        ("driver-smol", ours::smol(&records), TASKS),
    ];
    for (name, run, same_by_hand) in ours {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(1.25, vec![GROUPS.into()]));
        row.claim(name, Bound::Times(1.25, vec![same_by_hand.into()]));
    }
    row.note("Ours are framed and checked; the log is made before the clock starts.");
    Ok(row)
}
