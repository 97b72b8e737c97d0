//! G-11: how soon a staging ends that is given up, beside what one chunk of it takes.

use super::Scene;
use crate::files::Corpus;
use crate::limits::memory::touched;
use crate::ours::cancels;
use crate::row::{Aspect, Bound, Kind, Row, Run};
use driver_kit::core::{Limits, Mode};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Instant;

const CHUNK: &str = "one chunk, pread into ready memory";

pub(crate) fn g11(scene: &Scene) -> io::Result<Row> {
    let len = scene.pick(512 << 20, 128 << 20);
    let files = Corpus::make(&scene.folder, 1, len)?;
    let title = format!(
        "a staging of {} MiB given up in the middle, warm",
        len >> 20
    );
    let mut row = Row::new("G-11", title, "until it ends", CHUNK);
    row.way(Kind::Limit, CHUNK, chunk(&files));
    let ours = [
        (
            "driver-blocking, loaded",
            cancels::blocking(&files, Mode::Load),
        ),
        ("driver-tokio, loaded", cancels::tokio(&files, Mode::Load)),
        ("driver-smol, loaded", cancels::smol(&files, Mode::Load)),
        (
            "driver-blocking, mapped",
            cancels::blocking(&files, Mode::Map),
        ),
        ("driver-tokio, mapped", cancels::tokio(&files, Mode::Map)),
        ("driver-smol, mapped", cancels::smol(&files, Mode::Map)),
    ];
    for (name, run) in ours {
        row.way(Kind::Ours, name, run);
        // G8: within one chunk, and the memory of ours may be fresh.
        row.claim(name, Bound::Times(1.5, vec![CHUNK.into()]));
    }
    row.note(
        "it has ended when its memory begins to be given back; giving back takes what it takes",
    );
    Ok(row)
}

fn chunk(files: &Corpus) -> io::Result<Run> {
    let file = File::open(&files.paths[0])?;
    let len = Limits::default().chunk as usize;
    let mut memory = touched(len)?;
    Ok(Box::new(move || {
        let began = Instant::now();
        file.read_exact_at(&mut memory, 0)?;
        Ok(vec![(Aspect::Work, began.elapsed().as_nanos() as f64)])
    }))
}
