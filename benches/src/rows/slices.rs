//! G-7: 64 bytes touched at random places of a ready file, without a copy where that can be.

use super::Scene;
use crate::files::{Corpus, offsets};
use crate::limits::memory::touched;
use crate::peers::mapped;
use crate::peers::reads::{each, lone_runtime};
use crate::row::{Bound, Kind, Row, Run};
use driver_kit::contents::Contents;
use driver_kit::core::Mode;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};

/// How much is touched.
const TOUCHED: usize = 64;

const SLICE: &str = "memmap2 + populate, a slice";

/// One file, and how often it is touched.
struct Touches {
    path: PathBuf,
    size: u64,
    count: u64,
}

pub(crate) fn g7(scene: &Scene) -> io::Result<Row> {
    let size = scene.pick(1 << 30, 256 << 20);
    let file = Corpus::make(&scene.folder, 1, size)?;
    let touches = Touches {
        path: file.paths[0].clone(),
        size: size as u64,
        count: scene.pick(1_000_000, 200_000),
    };
    let title = format!(
        "64 bytes touched at random places of a {} MiB ready file",
        size >> 20
    );
    let mut row = Row::new("G-7", title, "one touch", SLICE);
    row.way(
        Kind::Peer,
        SLICE,
        mapped::populate(&touches.path).map(|map| of_slice(map, &touches)),
    );
    let huge = touched(size).map(|memory| of_slice(memory, &touches));
    row.way(Kind::Limit, "a slice of huge pages", huge);
    let loaded = held(&touches.path, Mode::Load)?;
    let mapped = held(&touches.path, Mode::Map)?;
    let views = [
        (
            "held view of loaded contents, borrowed",
            borrowed(&loaded, &touches),
        ),
        (
            "held view of mapped contents, copied out",
            copied(&mapped, &touches),
        ),
    ];
    for (name, run) in views {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(1.3, vec![SLICE.into()]));
    }
    let owned = [
        (
            "held view of loaded contents, Bytes each time",
            owned(&loaded, &touches),
        ),
        ("driver-blocking, Bytes each time", blocking(&touches)),
        ("driver-tokio, Bytes each time, awaited", tokio(&touches)),
        ("driver-smol, Bytes each time, awaited", smol(&touches)),
    ];
    for (name, run) in owned {
        row.way(Kind::Ours, name, run);
        row.claim(name, Bound::Times(2.5, vec![SLICE.into()]));
    }
    row.note(
        "contents of a mapping may change under us, so they are copied out; loaded ones are lent",
    );
    Ok(row)
}

/// What all of them do with the bytes.
fn touch(bytes: &[u8]) {
    let (words, _) = bytes.as_chunks::<8>();
    black_box(
        words
            .iter()
            .fold(0, |sum, word| sum ^ u64::from_ne_bytes(*word)),
    );
}

/// Touches every place in turn.
fn all_places(touches: &Touches, mut one: impl FnMut(u64) -> io::Result<()> + 'static) -> Run {
    let (size, count) = (touches.size, touches.count);
    Box::new(move || each(count, || offsets(size, 1, count).try_for_each(&mut one)))
}

fn of_slice(memory: impl AsRef<[u8]> + 'static, touches: &Touches) -> Run {
    all_places(touches, move |offset| {
        touch(&memory.as_ref()[offset as usize..][..TOUCHED]);
        Ok(())
    })
}

/// The contents of a staged file; they stay when the file is closed.
fn held(path: &Path, mode: Mode) -> io::Result<Contents> {
    let stager = driver_blocking::Stager::new();
    let file = stager.options().mode(mode).open(path)?;
    let contents = file.contents();
    contents.ok_or_else(|| io::Error::other("it is not staged"))
}

fn borrowed(held: &Contents, touches: &Touches) -> io::Result<Run> {
    let Contents::Loaded(loaded) = held.clone() else {
        return Err(io::Error::other("it is not loaded"));
    };
    Ok(all_places(touches, move |offset| {
        touch(&loaded.bytes()[offset as usize..][..TOUCHED]);
        Ok(())
    }))
}

fn copied(held: &Contents, touches: &Touches) -> io::Result<Run> {
    let held = held.clone();
    Ok(all_places(touches, move |offset| {
        let mut buffer = [0; TOUCHED];
        let read = held.read_at(offset, &mut buffer);
        touch(&buffer[..read.map_err(io::Error::other)?]);
        Ok(())
    }))
}

fn owned(held: &Contents, touches: &Touches) -> io::Result<Run> {
    let held = held.clone();
    Ok(all_places(touches, move |offset| {
        let bytes = held.bytes(offset, TOUCHED);
        touch(&bytes.ok_or_else(|| io::Error::other("it is not lent"))?);
        Ok(())
    }))
}

fn blocking(touches: &Touches) -> io::Result<Run> {
    let stager = driver_blocking::Stager::new();
    let file = stager.options().mode(Mode::Load).open(&touches.path)?;
    Ok(all_places(touches, move |offset| {
        let _open = &stager;
        touch(&file.bytes_at(offset, TOUCHED)?);
        Ok(())
    }))
}

fn tokio(touches: &Touches) -> io::Result<Run> {
    let runtime = lone_runtime()?;
    let stager = {
        let _entered = runtime.enter();
        driver_tokio::Stager::new()?
    };
    let file = runtime.block_on(stager.options().mode(Mode::Load).open(&touches.path))?;
    let (size, count) = (touches.size, touches.count);
    Ok(Box::new(move || {
        let _open = &stager;
        each(count, || {
            runtime.block_on(async {
                for offset in offsets(size, 1, count) {
                    touch(&file.read_at(offset, TOUCHED).await?);
                }
                Ok(())
            })
        })
    }))
}

fn smol(touches: &Touches) -> io::Result<Run> {
    let stager = driver_smol::Stager::new();
    let file = smol::block_on(stager.options().mode(Mode::Load).open(&touches.path))?;
    let (size, count) = (touches.size, touches.count);
    Ok(Box::new(move || {
        let _open = &stager;
        each(count, || {
            smol::block_on(async {
                for offset in offsets(size, 1, count) {
                    touch(&file.read_at(offset, TOUCHED).await?);
                }
                Ok(())
            })
        })
    }))
}
