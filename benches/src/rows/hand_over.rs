//! W-7: what it costs to hand work to a worker and to be woken when it is done, alone and among many.

use super::Scene;
use crate::ours::hand_over as ours;
use crate::peers::hand_over::{self as peers, Hands};
use crate::row::{Bound, Kind, Row};
use std::io;

const ALONE: &str = "one at a time";
const SOME: &str = "64 at once";
const MANY: &str = "1,024 at once";

pub(crate) fn w7(scene: &Scene) -> io::Result<Row> {
    let count = scene.pick(100_000, 20_000);
    let title = format!("{count} times work that is nothing, handed to a worker and awaited");
    let mut row = Row::new(
        "W-7",
        title,
        "one hand-over",
        &named("spawn_blocking", SOME),
    );
    for (at_once, how) in [(1, ALONE), (64, SOME), (1_024, MANY)] {
        let hands = Hands { count, at_once };
        let popular = named("spawn_blocking", how);
        let bare = named("a mutex, a queue, a condition", how);
        row.way_against(
            &popular,
            Kind::Popular,
            &popular,
            peers::spawn_blocking(hands),
        );
        row.way_against(
            &popular,
            Kind::Popular,
            &named("unblock", how),
            peers::unblock(hands),
        );
        row.way_against(&popular, Kind::Limit, &bare, peers::bare_queue(hands));
        let ways = [
            ("driver-tokio", ours::tokio(&scene.folder, hands)),
            ("driver-smol", ours::smol(&scene.folder, hands)),
        ];
        for (name, run) in ways {
            let name = named(name, how);
            row.way_against(&popular, Kind::Ours, &name, run);
            match how {
                MANY => row.claim(name, Bound::Nanoseconds(250.0)),
                _ => {
                    row.claim(name.clone(), Bound::Times(2.0, vec![bare.clone()]));
                    row.claim(name, Bound::Times(0.5, vec![popular.clone()]));
                }
            }
        }
    }
    row.note("Ours are writes that a handler calls written, with all rules in.");
    Ok(row)
}

fn named(who: &str, how: &str) -> String {
    format!("{who}, {how}")
}
