//! Blocks of 4 KiB written one awaited call after the other: by hand, and by what people use.

use crate::files::Corpus;
use crate::peers::whole::tokio_runtime;
use crate::row::{Aspect, Run, Sample};
use std::fs::{File, OpenOptions};
use std::io::{self, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// What each block gets.
pub(crate) const BLOCK: [u8; 4096] = [b'w'; 4096];

/// The blocks in the order in which they are written: in which file, and where.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) files: Corpus,
    pub(crate) blocks: Arc<[(usize, u64)]>,
}

impl Plan {
    /// So many blocks, to the only file, from its start.
    pub(crate) fn in_order(files: Corpus, blocks: u64) -> Plan {
        let blocks = (0..blocks).map(|block| (0, block * 4096)).collect();
        Plan { files, blocks }
    }

    /// So many blocks spread over all files, in no order.
    pub(crate) fn shuffled(files: Corpus, blocks: u64) -> Plan {
        let count = files.paths.len() as u64;
        let mut all: Vec<(usize, u64)> = (0..blocks)
            .map(|block| ((block % count) as usize, block / count * 4096))
            .collect();
        let mut seed = 7_u64;
        for at in (1..all.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            all.swap(at, (seed >> 33) as usize % (at + 1));
        }
        let blocks = all.into();
        Plan { files, blocks }
    }

    /// Times one round over all blocks, for one of them.
    pub(crate) fn timed(&self, all: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
        let began = Instant::now();
        all()?;
        let took = began.elapsed().as_nanos() as f64;
        Ok(vec![(Aspect::Work, took / self.blocks.len() as f64)])
    }

    /// The files are empty again.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut paths = self.files.paths.iter();
        paths.try_for_each(|path| File::create(path).map(drop))
    }
}

/// `pwrite` of each block.
pub(crate) fn raw(plan: &Plan) -> io::Result<Run> {
    let plan = plan.clone();
    Ok(Box::new(move || {
        plan.timed(|| {
            let files = open(&plan)?;
            let mut blocks = plan.blocks.iter();
            blocks.try_for_each(|(file, offset)| files[*file].write_all_at(&BLOCK, *offset))
        })
    }))
}

fn open(plan: &Plan) -> io::Result<Vec<File>> {
    let paths = plan.files.paths.iter();
    paths
        .map(|path| OpenOptions::new().write(true).open(path))
        .collect()
}

/// `write` of each block, where they are in order.
pub(crate) fn std_write(plan: &Plan) -> io::Result<Run> {
    let plan = plan.clone();
    Ok(Box::new(move || {
        plan.timed(|| {
            let mut file = OpenOptions::new().write(true).open(&plan.files.paths[0])?;
            let mut blocks = plan.blocks.iter();
            blocks.try_for_each(|_| file.write_all(&BLOCK))
        })
    }))
}

/// tokio::fs, which is flushed at the end.
pub(crate) fn tokio_fs(plan: &Plan) -> io::Result<Run> {
    let (plan, runtime) = (plan.clone(), tokio_runtime()?);
    Ok(Box::new(move || {
        plan.timed(|| {
            runtime.block_on(async {
                let mut files = Vec::new();
                for path in plan.files.paths.iter() {
                    let options = &mut tokio::fs::OpenOptions::new();
                    files.push(options.write(true).open(path).await?);
                }
                let mut end = vec![0; files.len()];
                for (file, offset) in plan.blocks.iter() {
                    if end[*file] != *offset {
                        files[*file].seek(SeekFrom::Start(*offset)).await?;
                    }
                    files[*file].write_all(&BLOCK).await?;
                    end[*file] = offset + 4096;
                }
                for file in &mut files {
                    file.flush().await?;
                }
                Ok(())
            })
        })
    }))
}

/// All of it sorted, in pieces of up to 1,024 blocks that follow each other: `pwritev`.
pub(crate) fn sorted(plan: &Plan) -> io::Result<Run> {
    sorted_within(plan, usize::MAX)
}

/// The same by a memory of so many bytes: what fits is gathered, sorted, written, and so on.
pub(crate) fn sorted_within(plan: &Plan, bytes: usize) -> io::Result<Run> {
    let plan = plan.clone();
    Ok(Box::new(move || {
        plan.timed(|| {
            let files = open(&plan)?;
            for gathered in plan.blocks.chunks(bytes / BLOCK.len()) {
                write_sorted(&files, gathered)?;
            }
            Ok(())
        })
    }))
}

fn write_sorted(files: &[File], gathered: &[(usize, u64)]) -> io::Result<()> {
    let mut blocks = gathered.to_vec();
    blocks.sort_unstable();
    for run in blocks.chunk_by(|one, next| one.0 == next.0 && one.1 + 4096 == next.1) {
        for piece in run.chunks(1024) {
            let slices = vec![io::IoSlice::new(&BLOCK); piece.len()];
            let (file, offset) = piece[0];
            let written = rustix::io::pwritev(&files[file], &slices, offset)?;
            if written != piece.len() * 4096 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
    }
    Ok(())
}
