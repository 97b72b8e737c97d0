//! Files replaced durably: by hand, and by the crates that people use. Each makes the content durable, gives it
//! the name, and makes the name durable; what a crate leaves out is done after it.

use crate::files::Corpus;
use crate::peers::whole::tokio_runtime;
use crate::row::{Aspect, Run};
use crate::threads::Together;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What each file gets.
pub(crate) const CONTENT: [u8; 4096] = [b'n'; 4096];

/// Times one round over all files, for one of them.
pub(crate) fn timed(
    files: &Corpus,
    all: impl FnOnce() -> io::Result<()>,
) -> io::Result<crate::row::Sample> {
    let began = Instant::now();
    all()?;
    let took = began.elapsed().as_nanos() as f64;
    Ok(vec![(Aspect::Work, took / files.paths.len() as f64)])
}

/// Every file by the same function, one after the other.
pub(crate) fn each(
    files: &Corpus,
    replace: impl Fn(&Path) -> io::Result<()> + 'static,
) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        timed(&files, || {
            files.paths.iter().try_for_each(|path| replace(path))
        })
    }))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)?.sync_all()
}

/// The same from a runtime, on a thread for what blocks: what an awaited call costs whose work is this.
pub(crate) fn by_hand_awaited(files: &Corpus) -> io::Result<Run> {
    let (files, runtime) = (files.clone(), tokio_runtime()?);
    Ok(Box::new(move || {
        timed(&files, || {
            runtime.block_on(async {
                for path in files.paths.iter() {
                    let path = path.clone();
                    tokio::task::spawn_blocking(move || by_hand(&path)).await??;
                }
                Ok(())
            })
        })
    }))
}

/// What every guide says: write, sync, rename, sync the directory.
pub(crate) fn by_hand(path: &Path) -> io::Result<()> {
    without_directory(path)?;
    sync_directory(path)
}

fn without_directory(path: &Path) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let mut file = File::create_new(&temporary)?;
    file.write_all(&CONTENT)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

/// Every file by the same function, on so many threads.
pub(crate) fn on_threads(
    files: &Corpus,
    threads: usize,
    replace: impl Fn(&Path) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let replace = |number: usize| replace(&files.paths[number]);
    crate::threads::on_threads(files.paths.len(), threads, replace).map(drop)
}

/// By hand on so many threads, and the directory once at the end.
pub(crate) fn by_hand_on_threads(files: &Corpus, threads: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        timed(&files, || {
            on_threads(&files, threads, without_directory)?;
            sync_directory(&files.paths[0])
        })
    }))
}

/// By hand in batches of so many.
pub(crate) fn by_hand_in_batches(files: &Corpus, batch: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        timed(&files, || files.paths.chunks(batch).try_for_each(together))
    }))
}

/// By hand on so many threads, each of which waits for its file: whoever finds nobody at it replaces all that were
/// brought by then.
pub(crate) fn by_hand_on_threads_together(files: &Corpus, threads: usize) -> io::Result<Run> {
    let files = files.clone();
    Ok(Box::new(move || {
        let waiting = Together::new();
        let all = |paths: Vec<PathBuf>| together(&paths);
        let replace = |path: &Path| waiting.bring(path.to_owned(), all);
        timed(&files, || on_threads(&files, threads, replace))
    }))
}

/// All are written, then one sync of the file system, all named, one sync of the directory. The best known; what
/// strangers have written is synced with it.
fn together(paths: &[PathBuf]) -> io::Result<()> {
    let named = |path: &PathBuf| (path.with_extension("tmp"), path.clone());
    let temporaries: Vec<_> = paths.iter().map(named).collect();
    for (temporary, _) in &temporaries {
        File::create_new(temporary)?.write_all(&CONTENT)?;
    }
    let folder = File::open(paths[0].parent().unwrap_or(Path::new("/")))?;
    rustix::fs::syncfs(&folder)?;
    for (temporary, path) in temporaries {
        fs::rename(temporary, path)?;
    }
    folder.sync_all()
}

/// The crate atomic-write-file, which syncs the file and the directory.
pub(crate) fn atomic_write_file(path: &Path) -> io::Result<()> {
    let mut file = atomic_write_file::AtomicWriteFile::open(path)?;
    file.write_all(&CONTENT)?;
    file.commit()
}

/// The crate atomicwrites, which syncs both, too.
pub(crate) fn atomicwrites(path: &Path) -> io::Result<()> {
    let file = atomicwrites::AtomicFile::new(path, atomicwrites::AllowOverwrite);
    file.write(|file| file.write_all(&CONTENT))
        .map_err(io::Error::from)
}

/// The crate tempfile, and the syncs that it leaves to its user.
pub(crate) fn tempfile_with_syncs(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&CONTENT)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(path)
}
