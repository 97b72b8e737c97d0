//! The files that are read, and places in them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of one length.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    pub(crate) paths: Arc<[PathBuf]>,
    /// Of each, in bytes.
    pub(crate) len: usize,
}

impl Corpus {
    /// Makes so many files of so many bytes, and has them written to the disk: no writeback may
    /// disturb what is measured.
    pub(crate) fn make(folder: &Path, count: usize, len: usize) -> io::Result<Corpus> {
        let paths: Vec<PathBuf> = (0..count).map(|n| folder.join(format!("{n:05}"))).collect();
        let piece = vec![0x5a; len.min(1 << 20)];
        for path in &paths {
            let mut file = File::create(path)?;
            let mut left = len;
            while left > 0 {
                let now = left.min(piece.len());
                file.write_all(&piece[..now])?;
                left -= now;
            }
        }
        rustix::fs::syncfs(File::open(folder)?)?;
        Ok(Corpus {
            paths: paths.into(),
            len,
        })
    }

    /// Makes the same files anew, in a new directory under the same name, far from the old one.
    ///
    /// ext4 uses no inode again for a minute, and looks at each that it passes over: after a few thousand
    /// replaces in one place it takes longer to find an inode than to write the file. Directories that lie in
    /// one that is marked as the top of a hierarchy are spread by their names over the disk.
    pub(crate) fn make_anew(&self) -> io::Result<()> {
        let folder = self.paths[0].parent().unwrap_or(Path::new("/"));
        let above = folder.parent().unwrap_or(Path::new("/"));
        let top = File::open(above)?;
        if let Ok(flags) = rustix::fs::ioctl_getflags(&top) {
            // Advice: other file systems have no such mark.
            let _ = rustix::fs::ioctl_setflags(&top, flags | rustix::fs::IFlags::TOPDIR);
        }
        let new = tempfile::tempdir_in(above)?.keep();
        Corpus::make(&new, self.paths.len(), self.len)?;
        // The old ones are not removed yet: that would keep the disk busy.
        fs::rename(folder, tempfile::tempdir_in(above)?.keep())?;
        fs::rename(new, folder)?;
        rustix::fs::syncfs(top)?;
        Ok(())
    }

    /// Of all files together, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.paths.len() as u64 * self.len as u64
    }

    pub(crate) fn list(&self) -> Vec<PathBuf> {
        self.paths.to_vec()
    }
}

/// What is read at once.
pub(crate) const BLOCK: usize = 4096;

/// Places of blocks in a file of such a size, the same for everybody who gives the same seed.
pub(crate) fn offsets(
    size: u64,
    seed: u64,
    count: u64,
) -> impl Iterator<Item = u64> + Send + use<> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // A product and a shift: a division would be felt beside a touch of a few bytes.
        let blocks = size / BLOCK as u64;
        (((state >> 32) * blocks) >> 32) * BLOCK as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_as_long_as_asked_for() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let corpus = Corpus::make(folder.path(), 3, (1 << 20) + 7)?;
        assert_eq!(corpus.bytes(), 3 * ((1 << 20) + 7));
        for path in &*corpus.paths {
            assert_eq!(std::fs::metadata(path)?.len(), (1 << 20) + 7);
        }
        Ok(())
    }

    #[test]
    fn files_are_made_anew_where_they_were() -> io::Result<()> {
        let top = tempfile::tempdir()?;
        let folder = top.path().join("files");
        fs::create_dir(&folder)?;
        let corpus = Corpus::make(&folder, 3, 7)?;
        fs::write(folder.join("left"), "behind")?;
        for _ in 0..2 {
            fs::write(&corpus.paths[1], "replaced")?;
            corpus.make_anew()?;
            assert_eq!(fs::read_dir(&folder)?.count(), 3);
            assert_eq!(fs::metadata(&corpus.paths[1])?.len(), 7);
        }
        Ok(())
    }

    #[test]
    fn places_are_blocks_inside_and_the_same_for_everybody() {
        let places: Vec<u64> = offsets(1 << 20, 3, 1000).collect();
        assert!(
            places
                .iter()
                .all(|at| at % BLOCK as u64 == 0 && at + BLOCK as u64 <= 1 << 20)
        );
        assert_eq!(places, offsets(1 << 20, 3, 1000).collect::<Vec<_>>());
        assert_ne!(places, offsets(1 << 20, 4, 1000).collect::<Vec<_>>());
    }
}
